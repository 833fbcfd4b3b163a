"""What the symbol itself has done to a position like this: its worst hours and days."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bearskin.terms import DAY_NS, HOUR_NS, Side, dec, iso

if TYPE_CHECKING:  # market brings NumPy along, which a plan without history does not need
    from bearskin.market import Panel

_QUANTILES = (("99 %", 0.99), ("99.9 %", 0.999), ("maximum", 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseMoves:
    """Moves against a side, as fractions of the price they started from, each with its label.

    `rows` are (label, fraction) such as ("worst hour 99.9 %", 0.031); `source` says of what and from when to when.
    """

    rows: tuple[tuple[str, Decimal], ...]
    source: str


def adverse_moves(panel: Panel, side: Side) -> AdverseMoves:
    """The panel's own worst hour and day against `side`, at 99 %, 99.9 % and the maximum.

    Every bar opens a window of an hour and of a day; its move is the worst price seen inside it against its open, on
    mark where every bar has one, else on last. Quantiles are observed values, the higher of two neighbours. Windows
    that a gap interrupts and horizons shorter than a bar or longer than the panel are left out. This looks at
    all of the panel: it describes the past for a plan and is no feature for a signal.
    """
    marked = panel.mark_open is not None and panel.mark_high is not None and panel.mark_low is not None
    marked = marked and (panel.mark_missing is None or not panel.mark_missing.any())
    opens = panel.mark_open if marked else panel.open
    worst = (panel.mark_high if marked else panel.high) if side < 0 else (panel.mark_low if marked else panel.low)
    rows: list[tuple[str, Decimal]] = []
    for word, length_ns in (("hour", HOUR_NS), ("day", DAY_NS)):
        moves = _window_moves(panel, opens, worst, side, length_ns)
        if moves is not None and len(moves) > 0:
            rows += [(f"worst {word} {label}", _quantile(moves, level)) for label, level in _QUANTILES]
    span = f"{iso(int(panel.time_ns[0]))} to {iso(panel.known_ns(len(panel) - 1))}" if len(panel) else "no bars"
    price = "mark" if marked else "last"
    return AdverseMoves(rows=tuple(rows), source=f"{panel.instrument.symbol} on {price}, {span}")


def _window_moves(panel: Panel, opens: Any, worst: Any, side: Side, length_ns: int) -> Any:
    """Move against `side` of every uninterrupted window of `length_ns`, or None where bars do not divide it."""
    from numpy.lib.stride_tricks import sliding_window_view

    bars, rest = divmod(length_ns, panel.interval_ns)
    if rest or bars < 1 or bars > len(panel):
        return None
    windows = sliding_window_view(worst, bars)
    extreme = windows.max(axis=1) if side < 0 else windows.min(axis=1)
    starts = slice(0, len(panel) - bars + 1)
    whole = panel.time_ns[bars - 1 :] - panel.time_ns[starts] == (bars - 1) * panel.interval_ns
    moves = -int(side) * (extreme / opens[starts] - 1)
    return moves[whole]


def _quantile(moves: Any, level: float) -> Decimal:
    import numpy as np

    return dec(round(max(0.0, float(np.quantile(moves, level, method="higher"))), 6))
