"""What research may see of one symbol: plain arrays on one time frame, each with the time it was known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bearskin.terms import Instrument

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A series that is not candles: `value[k]` describes `time_ns[k]` and was public at `known_ns[k]` (both rising)."""

    time_ns: I8
    known_ns: I8
    value: F8


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """Settled funding: at `time_ns[k]` longs paid shorts `rate[k]` of mark notional; `interval_ns[k]` since the last.

    `time_ns` is rounded down to the minute (venues stamp with jitter). A settled rate is known at its settlement.
    """

    time_ns: I8
    rate: F8
    interval_ns: I8


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Candles of one symbol with what belongs to them.

    Arrays share one length; `time_ns` are bar opens, strictly rising, gaps allowed (a gap is a hole in time, never a
    made-up bar). Bar i is known at `time_ns[i] + interval_ns`. Mark arrays are None where no mark exists at all (last
    stands in and the result says so); where single bars lack a mark, `mark_missing` is true and the trade bar stands
    in. `mark_estimated` means the mark series was coarser than the bars: last plus interpolated basis (ESTIMATED).
    Prices in quote per base, volume in base units (contracts for inverse), `quote_volume` in quote units. The `spot_`
    columns are the spot pair's on the same bars, NaN where it has no bar: its close, its turnover in quote units and
    the share of that turnover in which the taker bought.
    """

    instrument: Instrument
    interval_ns: int
    time_ns: I8
    open: F8
    high: F8
    low: F8
    close: F8
    volume: F8
    quote_volume: F8 | None = None
    taker_buy_volume: F8 | None = None
    mark_open: F8 | None = None
    mark_high: F8 | None = None
    mark_low: F8 | None = None
    mark_close: F8 | None = None
    mark_missing: B1 | None = None
    mark_estimated: bool = False
    spot_close: F8 | None = None
    spot_quote_volume: F8 | None = None
    spot_buy_share: F8 | None = None
    funding: Funding | None = None
    open_interest: Known | None = None
    long_short_ratio: Known | None = None
    top_positions_ratio: Known | None = None
    sentiment: Known | None = None
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.time_ns)

    def known_ns(self, bar: int) -> int:
        """When bar `bar` was complete: the close of its interval."""
        return int(self.time_ns[bar]) + self.interval_ns
