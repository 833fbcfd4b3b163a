"""Where the prices of the demo exchange come from: the seam, and the source that only says what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bearskin.exchange._state import Contract

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
HISTORY_DAYS = 120  # before the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a symbol is worth at one moment.

    `fair` is what the market makers quote around and the tape prints at (quote per coin, on the tick); `sources` are
    the spot prices the index is made of. `mark` and `rate` are pinned where they are given. `sharp` asks for
    trading at this very moment, however seldom it is done otherwise. `exact` says that these prices were traded once:
    the print leaves an order alone that rests at its price, only a market that goes through takes it.
    """

    symbol: str
    fair: Decimal
    sources: dict[str, Decimal] = field(default_factory=dict)
    mark: Decimal | None = None
    rate: Decimal | None = None
    interval_h: int | None = None
    sharp: bool = False
    exact: bool = False


class Candles(NamedTuple):
    """Bars before the exchange began, oldest first, without gaps; `time_ns` is when a bar opens.

    Volumes are in coins (`volume`) and in quote currency (`quote_volume`); `taker_buy` is the part of `volume` that
    buyers took. Mark and index bars have none of the three:
    there, and in `trades`, a single zero stands.
    """

    step_ns: int
    time_ns: I8
    open: F8
    high: F8
    low: F8
    close: F8
    volume: F8
    quote_volume: F8
    trades: I8
    taker_buy: F8


class PriceSource(Protocol):
    """Prices of some symbols through market time.

    `follows_wall` says that market time is meant to be wall time (at speed 1), so what was slept through is jumped
    over; a source that tells a story (a replay) goes on where it stopped.
    """

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it has prices of."""

    @property
    def follows_wall(self) -> bool:
        """Whether a gap in wall time is a gap in the market."""

    def next_ns(self, after_ns: int, stride_ns: int) -> int | None:
        """The next moment behind `after_ns` it has quotes for, about `stride_ns` later; None when it is over."""

    def quotes(self, time_ns: int) -> Sequence[Quote]:
        """What the symbols are worth at a moment got from `next_ns`; moments are asked for in order of time."""

    def history(self, symbol: str, kind: str) -> Candles | None:
        """Bars before the start, of kind `trade`, `mark` or `index`; None where there are none."""

    def settled(self, contract: Contract) -> Sequence[tuple[int, Decimal]]:
        """Time and rate of the funding settlements before the start, as far back as is known, oldest first."""


class ManualPrices:
    """No prices of its own: only what control pushes moves the market, and the clock goes on."""

    follows_wall = True

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that wait for prices."""
        return self._symbols

    def next_ns(self, after_ns: int, stride_ns: int) -> int | None:
        """The next whole stride."""
        return (after_ns // stride_ns + 1) * stride_ns

    def quotes(self, time_ns: int) -> Sequence[Quote]:  # noqa: ARG002 - the seam's signature
        """Nothing."""
        return ()

    def history(self, symbol: str, kind: str) -> Candles | None:  # noqa: ARG002
        """Nothing."""
        return None

    def settled(self, contract: Contract) -> Sequence[tuple[int, Decimal]]:  # noqa: ARG002
        """Nothing."""
        return ()


def on_tick(price: float, tick: Decimal) -> Decimal:
    """A price of the model on the nearest tick, never below one."""
    return max(1, round(price / float(tick))) * tick
