"""HEAD_SHOULDERS: three tops, the middle one highest, sold when the line under them gives way.

Pivots are of closes; everything is known when its last bar has closed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bearskin.setups._events import Draft
from bearskin.setups._features import F8, I8, pivot_highs
from bearskin.setups._view import View
from bearskin.terms import BadInput

TOP, BOTTOM = 1, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadShoulders:
    """Parameters; every order is looked for, a pivot of order k having k lower (or equal) closes either side."""

    orders: tuple[int, ...] = (6, 12, 24)
    span_orders: int = 20  # from the left shoulder to the break, at most so many times the order
    symmetry_max: float = 2.5  # the longer side of the head, shoulder to head, over the shorter
    first_target: float = 0.5  # of the head's height, below the neckline
    second_target: float = 1.0

    def __post_init__(self) -> None:
        if not self.orders or min(self.orders) < 2:
            raise BadInput(f"orders must be whole numbers of 2 or more, were {self.orders}")


class Structure(NamedTuple):
    """Left shoulder, the bottom after it, head, the bottom after that: bars, and the order of their pivots."""

    order: int
    left: int
    left_bottom: int
    head: int
    right_bottom: int


class Neck(NamedTuple):
    """The line through the two bottoms."""

    bar: int
    y: float
    slope: float

    def at(self, bar: int) -> float:
        """Its log price at a bar."""
        return self.y + self.slope * (bar - self.bar)


def head_shoulders(view: View, rules: HeadShoulders) -> Iterator[Draft]:
    """Drafts by rising bar, one per bar: where several necklines break at once that of the largest order is told.

    The break of a neckline is the first close below it since the smallest order could know it, whatever the order:
    so no neckline is told twice.
    """
    if not _may_break(view):
        return
    least = min(rules.orders)
    breaks: dict[int, tuple[Structure, int]] = {}
    for order in sorted(rules.orders):
        for found in _structures(view, rules, order):
            bar = _break(view, rules, found, found.right_bottom + least)
            if bar is None:
                continue
            right = _right_shoulder(view, rules, found, bar)
            if right is not None:
                breaks[bar] = found, right
    for bar in sorted(breaks):
        yield _draft(view, rules, bar, *breaks[bar])


def _may_break(view: View) -> bool:
    """Whether a bar that is asked for closes below the one before, which every break here does."""
    first = max(view.first, 1)
    return bool((view.close[first:] < view.close[first - 1 : -1]).any())


def _pivots(view: View, rules: HeadShoulders, side: int) -> dict[int, I8]:
    """Pivot closes of each order, tops or bottoms, of which a bar that is asked for may tell."""
    orders = sorted(rules.orders)
    since = max(0, view.first - rules.span_orders * orders[-1])

    def build() -> dict[int, I8]:
        close = side * view.close
        least = pivot_highs(close, orders[0], since)
        return {orders[0]: least} | {order: _of_order(close, least, order) for order in orders[1:]}

    # the bottoms of one side are the tops of the other
    return view.share(("close pivots", side == view.sign, tuple(orders), since), build)


def _of_order(close: F8, pivots: I8, order: int) -> I8:
    """Those of the pivots of a smaller order that are pivots of this one too."""
    inside = pivots[(pivots >= order) & (pivots < len(close) - order)]
    around = close[inside[:, None] + np.arange(-order, order + 1)]
    own = close[inside][:, None]
    kept: I8 = inside[(around[:, :order] < own).all(axis=1) & (around[:, order + 1 :] <= own).all(axis=1)]
    return kept


def _structures(view: View, rules: HeadShoulders, order: int) -> list[Structure]:
    """Top, bottom, top, bottom with no other pivot of the order between, the second top higher than the first."""
    tops, bottoms = _pivots(view, rules, TOP)[order], _pivots(view, rules, BOTTOM)[order]
    bars = np.concatenate([tops, bottoms])
    if len(bars) < 4:
        return []
    kinds = np.repeat([TOP, BOTTOM], [len(tops), len(bottoms)])
    ranks = np.argsort(bars)
    bars, kinds = bars[ranks], kinds[ranks]
    four = np.lib.stride_tricks.sliding_window_view(bars, 4)
    close = view.close
    shaped = (np.lib.stride_tricks.sliding_window_view(kinds, 4) == (TOP, BOTTOM, TOP, BOTTOM)).all(axis=1)
    shaped &= close[four[:, 2]] > close[four[:, 0]]
    shaped &= four[:, 0] >= view.first - rules.span_orders * order
    return [Structure(order, *row) for row in four[shaped].tolist()]


def _neck(view: View, found: Structure) -> Neck:
    left, right = float(view.close[found.left_bottom]), float(view.close[found.right_bottom])
    return Neck(found.left_bottom, left, (right - left) / (found.right_bottom - found.left_bottom))


def _break(view: View, rules: HeadShoulders, found: Structure, since: int) -> int | None:
    """The first close below the neckline from `since` on: a fall through it, with the structure known by then."""
    neck = _neck(view, found)
    end = min(len(view), found.left + rules.span_orders * found.order + 1)
    first = max(since, view.first)
    close = view.close
    if first >= end or not (close[first:end] < neck.at(first) + neck.slope * np.arange(end - first)).any():
        return None
    below = close[since:end] < neck.at(since) + neck.slope * np.arange(end - since)
    bar = since + int(below.argmax())
    known = bar >= max(found.right_bottom + found.order, view.first)
    fell = close[bar - 1] >= neck.at(bar - 1) and close[bar] < close[bar - 1]
    return bar if known and fell else None


def _right_shoulder(view: View, rules: HeadShoulders, found: Structure, bar: int) -> int | None:
    """The bar of the highest close since the second bottom, when it makes a head and shoulders of the structure.

    The head is above both shoulders, each shoulder is above the middle of the other and its bottom, and the two sides
    take comparable times.
    """
    close = view.close
    right = found.right_bottom + 1 + int(close[found.right_bottom + 1 : bar].argmax())
    y_left, y_left_bottom, y_head, y_right_bottom = (float(close[b]) for b in found[1:])
    y_right = float(close[right])
    sides = found.head - found.left, right - found.head
    fits = (
        y_head > max(y_left, y_right)
        and y_left > (y_right + y_right_bottom) / 2
        and y_right > (y_left + y_left_bottom) / 2
        and max(sides) <= rules.symmetry_max * min(sides)
    )
    return right if fits else None


def _draft(view: View, rules: HeadShoulders, bar: int, found: Structure, right: int) -> Draft:
    close, atr = view.close, float(view.atr()[bar])
    neck = _neck(view, found)
    at = {
        "left_shoulder": found.left,
        "left_bottom": found.left_bottom,
        "head": found.head,
        "right_bottom": found.right_bottom,
        "right_shoulder": right,
    }
    prices = {name: float(close[b]) for name, b in at.items()}
    height, level = prices["head"] - neck.at(found.head), neck.at(bar)
    return Draft(
        bar=bar,
        level=level,
        anchor_bar=found.left,
        extreme=float(view.high[found.right_bottom + 1 : bar + 1].max()),
        targets=(level - rules.first_target * height, level - rules.second_target * height),
        invalidation=prices["right_shoulder"],
        horizon_bars=found.right_bottom - found.left_bottom,
        prices=prices,
        bars=at,
        lines=(
            ("neckline", found.left_bottom, neck.y, bar, level),
            *(("pivots", a, float(close[a]), b, float(close[b])) for a, b in itertools.pairwise(at.values())),
        ),
        zones=(("head", found.left_bottom, found.right_bottom, neck.at(found.head), prices["head"]),),
        figures=lambda: {
            "order_bars": found.order,
            "width_bars": found.right_bottom - found.left_bottom,
            "height_atr": height / atr,
            "neckline_slope_atr": neck.slope / atr,
            "below_level_atr": (level - float(close[bar])) / atr,
        },
        why=(
            f"closed at {{close}}, {{below}} the neckline {{level}} of a head-and-shoulders {{top}} (shoulders"
            " {left_shoulder} and {right_shoulder}, head {head},"
            f" {bar - found.left} bars in all); the stop stands at {{stop}}."
        ),
    )
