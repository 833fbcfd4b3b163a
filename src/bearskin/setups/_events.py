"""What this room says: an event, what was abstained from, a guard's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bearskin.setups._features import F8, I8
from bearskin.terms import Refused, Side

Figure = float | str
Figures = Mapping[str, Figure | None]
DrawnLine = tuple[str, int, float, int, float]
DrawnZone = tuple[str, int, int, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line of a drawing, from one bar's open to another's; a level is a line of equal prices.

    Prices are in quote per base, on the tick only where they stand within a hair of it.
    """

    name: str
    start_ns: int
    start_price: float
    end_ns: int
    end_price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A box of a drawing, from the open of its first bar to the open of its last, between two prices."""

    name: str
    start_ns: int
    end_ns: int
    low_price: float
    high_price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupEvent:
    """A set-up that became known at the close of a bar, with the trade it asks for; it knows nothing of any account.

    `bar` indexes the panel and `known_ns` is the close of that bar: the earliest fill is the open of the next one.
    Prices are floats on the tick grid, rounded against us: the stop away from the position, targets and invalidation
    towards it. `entry_ref` is the signal's close for a market entry and the limit price for a limit entry, which waits
    `valid_bars` bars. `targets` run from the nearest outwards (one or two; none where the stop trails). A close beyond
    `invalidation` against the position asks for an exit at the next open (0: no close does), `horizon_bars` bars after
    the signal time is up (0: never). `atr` is ATR(14) of the log price at the signal (of higher bars where the set-up
    measures in those), so `atr * entry_ref` is about one ATR in quote units. `trail_atr` above 0 asks for a stop that
    follows so many of them behind the best price.

    `drawing` is what a chart shows of the shape: nothing in it lies after the signal's bar.

    `attrs` holds the figures behind `why` and the drawn structure. Names tell units: `..._price` in quote per base,
    `..._ns` times of bar opens, `..._8h` funding rates per eight hours as longs pay them, `..._atr` in ATR, `..._pct`
    percentile ranks 0..100 (for longs, of the mirrored series).
    """

    setup: str
    side: Side
    symbol: str
    bar: int
    known_ns: int
    level: float
    entry_ref: float
    stop: float
    targets: tuple[float, ...]
    invalidation: float
    horizon_bars: int
    anchor_ns: int
    atr: float
    entry: Literal["market", "limit"] = "market"
    limit_price: float | None = None
    valid_bars: int = 1
    attrs: Mapping[str, Figure] = field(default_factory=dict)
    why: str = ""
    trail_atr: float = 0.0
    drawing: tuple[Line | Zone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """A set-up that was not looked for in this symbol, and why."""

    setup: str
    symbol: str
    refused: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """What the guards say of one event: a veto, or how much of the usual size may be taken.

    `unchecked` names the guards that had no data; they and the warnings in `reasons` are already in `size_multiplier`
    (1, 0.5, 0.25, ...; 0 with a veto). Other reasons only tell.
    """

    veto: Refused | None
    size_multiplier: float
    unchecked: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def told(self) -> list[str]:
        """Reasons and what was not checked, as parts of a sentence."""
        return [*self.reasons, *([f"unchecked: {', '.join(self.unchecked)}"] if self.unchecked else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Complete UTC days in prices, each known at its end: for whoever keeps fewer bars than the daily trend needs."""

    known_ns: I8
    high: F8
    low: F8
    close: F8


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a detector found at the close of `bar`, in log prices of its view; the template makes a trade of it.

    `extreme` is the high the stop goes beyond. `targets` must lie below the entry; the nearest has to pay for the risk,
    unless `pick_targets`, when the nearest that pays is taken; with `one_risk` a target one risk away comes first.
    Distances are in `atr`, the view's own where it is None. Only a draft that trails its stop (`trail_atr` ATR behind
    the best price) may go without targets. `horizon_bars` 0 sets no time, `invalidation` None no close that ends the
    trade.
    `prices` are further log prices to keep (as `<name>_price`), `bars` bar indices (as `<name>_ns`), `rates` funding of
    the view (as `<name>_8h`), `figures` anything else (a function is asked only when the template
    takes the trade). `why` is a sentence with `{names}` of all of these and of the
    side's words (`{above}`, `{below}`, `{high}`, `{low}`, `{rise}`, `{fell}`...).

    `lines` (name, bar, log price, bar, log price) and `zones` (name, bar, bar, low, high in log prices) are drawn; no
    bar of theirs may come after `bar`.
    """

    bar: int
    level: float
    anchor_bar: int
    extreme: float
    targets: tuple[float, ...]
    invalidation: float | None
    horizon_bars: int
    why: str
    limit: float | None = None
    valid_bars: int = 1
    buffer_atr: float | None = None
    one_risk: bool = False
    pick_targets: bool = False
    prices: Mapping[str, float] = field(default_factory=dict)
    bars: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    figures: Figures | Callable[[], Figures] = field(default_factory=dict)
    trail_atr: float = 0.0
    atr: float | None = None
    lines: tuple[DrawnLine, ...] = ()
    zones: tuple[DrawnZone, ...] = ()
