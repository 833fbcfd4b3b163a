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
from bearskin.setups._features import F8, I8, indicator, pivot_highs
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
    for found in _structures(view, rules):
        bar = _break(view, rules, found, found.right_bottom + least)
        right = None if bar is None else _right_shoulder(view, rules, found, bar)
        if bar is not None and right is not None:
            breaks[bar] = found, right
    for bar in sorted(breaks):
        yield _draft(view, rules, bar, *breaks[bar])


def _may_break(view: View) -> bool:
    """Whether a bar that is asked for closes below the one before, which every break here does."""
    first = max(view.first, 1)
    return bool((view.close[first:] < view.close[first - 1 : -1]).any())


class Pivots(NamedTuple):
    """Pivot closes of the smallest order, tops and bottoms by rising bar, with the largest order each is one of."""

    bar: list[int]
    kind: list[int]
    order: list[int]


def _pivots(view: View, orders: list[int], since: int) -> Pivots:
    """Those from bar `since` on; the tops of one side are the bottoms of the other."""

    def build() -> Pivots:
        close = view.sign * view.close
        (tops, of), (bottoms, and_of) = _ordered(close, orders, since), _ordered(-close, orders, since)
        bars = np.concatenate([tops, bottoms])
        ranks = np.argsort(bars)
        kinds = np.repeat([TOP, BOTTOM], [len(tops), len(bottoms)])[ranks]
        return Pivots(bars[ranks].tolist(), kinds.tolist(), np.concatenate([of, and_of])[ranks].tolist())

    found: Pivots = view.share(("close pivots", tuple(orders), since), build)
    return found if view.sign > 0 else Pivots(found.bar, [-kind for kind in found.kind], found.order)


def _ordered(close: F8, orders: list[int], since: int) -> tuple[I8, I8]:
    """Pivot highs of the smallest order from bar `since` on, and the largest order that each is one of."""
    start = max(0, since - orders[-1])
    part = close[start:]
    found = pivot_highs(part, orders[0], since - start)
    most = np.full(len(found), orders[0])
    left = np.arange(len(found))  # those that are of every order so far
    for order in orders[1:]:
        at = found[left]
        inside = (at >= order) & (at < len(part) - order)
        at, left = at[inside], left[inside]
        if not len(left):
            break
        top, own = indicator("MAX", part, bars=order), part[at]
        left = left[(own > top[at - 1]) & (own >= top[at + order])]
        most[left] = order
    return found + start, most


def _structures(view: View, rules: HeadShoulders) -> Iterator[Structure]:
    """Top, bottom, top, bottom with no other pivot of the order between, the second top higher than the first."""
    orders = sorted(rules.orders)
    pivots = _pivots(view, orders, max(0, view.first - rules.span_orders * orders[-1]))
    close = view.close
    for order in orders:
        oldest = view.first - rules.span_orders * order
        rows = zip(pivots.bar, pivots.kind, pivots.order, strict=True)
        seen = [(bar, kind) for bar, kind, most in rows if most >= order and bar >= oldest]
        for k in range(3, len(seen)):
            if seen[k][1] == BOTTOM and seen[k - 1][1] == TOP and seen[k - 2][1] == BOTTOM and seen[k - 3][1] == TOP:
                left, head = seen[k - 3][0], seen[k - 1][0]
                if close[head] > close[left]:
                    yield Structure(order, left, seen[k - 2][0], head, seen[k][0])


def _neck(view: View, found: Structure) -> Neck:
    left, right = float(view.close[found.left_bottom]), float(view.close[found.right_bottom])
    return Neck(found.left_bottom, left, (right - left) / (found.right_bottom - found.left_bottom))


def _break(view: View, rules: HeadShoulders, found: Structure, since: int) -> int | None:
    """The first close below the neckline from `since` on: a fall through it, with the structure known by then."""
    neck = _neck(view, found)
    end = min(len(view), found.left + rules.span_orders * found.order + 1)
    first = max(since, view.first)
    close = view.close
    if first >= end:
        return None
    if first == end - 1:  # one bar is asked for: cheaper without an array
        if not close[first] < neck.at(first):
            return None
    elif not (close[first:end] < neck.at(first) + neck.slope * np.arange(end - first)).any():
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
