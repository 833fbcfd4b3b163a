"""What the engine remembers of each market: bars, funding, quotes, marks. Not durable: `preload` and events rebuild it.

A panel of the last bars costs a few slices, whatever came before. Bars are written once into arrays with room to spare;
when they are full the kept ones move into new arrays, so a panel handed out stays as it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from bearskin.market import Funding, Known, Panel
from bearskin.setups import Days, book_imbalance
from bearskin.terms import (
    DAY_NS,
    AnyEvent,
    BarClosed,
    Depth,
    Instrument,
    Marked,
    Published,
    Quoted,
    RateSettled,
    Skewed,
    TradingChanged,
)

ROOM = 2  # arrays hold this many times the bars kept
SETTLEMENTS_KEPT = 2_400  # a hundred days of hourly funding
VALUES_KEPT = 26_000  # ninety days of one every five minutes
DAYS_KEPT = 1_000
LEANS_KEPT = 240  # imbalances of the order book: a minute of four a second
_BAR = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
_SPOT = ("spot_close", "spot_quote_volume", "spot_buy_share")
_MARK = ("mark_open", "mark_high", "mark_low", "mark_close")


class _Rows:
    """Columns that grow at the end and forget at the front."""

    __slots__ = ("_columns", "_end", "_keep", "_start", "names")

    def __init__(self, keep: int, **kinds: str) -> None:
        self.names = tuple(kinds)
        self._keep = keep
        self._columns = {name: np.empty(ROOM * keep, dtype=kind) for name, kind in kinds.items()}
        self._start = self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    def add(self, *values: float) -> None:
        """One row; the oldest is forgotten when there are too many."""
        if self._end == ROOM * self._keep:
            for name, old in self._columns.items():
                fresh = np.empty_like(old)
                fresh[: self._end - self._start] = old[self._start : self._end]
                self._columns[name] = fresh
            self._start, self._end = 0, self._end - self._start
        for name, value in zip(self.names, values, strict=True):
            self._columns[name][self._end] = value
        self._end += 1
        self._start = max(self._start, self._end - self._keep)

    def last(self, name: str) -> float | None:
        """The newest value of a column."""
        return self._columns[name][self._end - 1].item() if len(self) else None

    def column(self, name: str) -> np.ndarray:
        """The kept values of a column, oldest first."""
        return self._columns[name][self._start : self._end]


@dataclass(slots=True)
class _Minutes:
    """The mark since the last bar closed, for venues whose bars come without one."""

    open: float = float("nan")
    high: float = float("-inf")
    low: float = float("inf")
    close: float = float("nan")


@dataclass(slots=True)
class Memory:
    """One symbol as it was last heard. Times of quotes and marks are kept twice: on the market's clock and the wall."""

    instrument: Instrument
    interval_ns: int
    bars: _Rows
    days: _Rows
    funding: _Rows
    known: dict[str, _Rows] = field(default_factory=dict)
    bid: Decimal | None = None
    ask: Decimal | None = None
    quoted_ns: int = 0
    quoted_wall_ns: int = 0
    leans: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=LEANS_KEPT))
    mark: Decimal | None = None
    index: Decimal | None = None
    rate: Decimal | None = None
    next_funding_ns: int | None = None
    marked_wall_ns: int = 0
    status: str = "trading"
    ends_ns: int | None = None
    has: set[str] = field(default_factory=set)
    running: _Minutes = field(default_factory=_Minutes)
    day_key: int = -1
    day_whole: bool = False
    day: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _days: Days | None = None

    @property
    def closed_ns(self) -> int:
        """When the last bar closed; 0 before the first."""
        opened = self.bars.last("time_ns")
        return 0 if opened is None else int(opened) + self.interval_ns

    def price(self, sign: int) -> Decimal | None:
        """What an order of this sign would trade at: the ask for a buy, the bid for a sell."""
        return self.ask if sign > 0 else self.bid

    def panel(self) -> Panel:
        """The bars kept, with every series known so far."""
        bars = self.bars
        columns: dict[str, Any] = {}
        for name in (*_BAR, *_SPOT):
            if name in self.has or name in ("open", "high", "low", "close", "volume"):
                columns[name] = bars.column(name)
        missing = None
        if "mark" in self.has:
            missing = bars.column("mark_missing")
            columns |= {name: bars.column(name) for name in _MARK}
        funding = None
        if len(self.funding):
            funding = Funding(**{name: self.funding.column(name) for name in self.funding.names})
        return Panel(
            instrument=self.instrument,
            interval_ns=self.interval_ns,
            time_ns=bars.column("time_ns"),
            mark_missing=missing,
            funding=funding,
            open_interest=self._known("open_interest"),
            long_short_ratio=self._known("long_short_ratio"),
            top_positions_ratio=self._known("top_positions_ratio"),
            sentiment=self._known("sentiment"),
            **columns,
        )

    def whole_days(self) -> Days:
        """Complete UTC days, far more of them than the bars kept hold: the daily trend needs long means."""
        if self._days is None:
            self._days = Days(**{name: self.days.column(name) for name in self.days.names})
        return self._days

    def _known(self, name: str) -> Known | None:
        rows = self.known.get(name)
        return None if rows is None else Known(**{column: rows.column(column) for column in rows.names})

    def bar(self, event: BarClosed) -> bool:
        """Take a bar in; False for one that is not newer than the last."""
        last = self.bars.last("time_ns")
        if last is not None and event.opened_ns <= last:
            return False
        marks = (event.mark_open, event.mark_high, event.mark_low, event.mark_close)
        running, self.running = self.running, _Minutes()
        if event.mark_close is None and running.close == running.close:
            marks = (running.open, running.high, running.low, running.close)
        missing = marks[3] is None
        if not missing:
            self.has.add("mark")
        trade = (event.open, event.high, event.low, event.close)
        filled = [t if m is None else m for t, m in zip(trade, marks, strict=True)]
        extra = []
        for name in ("quote_volume", "taker_buy_volume", *_SPOT):
            value = getattr(event, name)
            if value is not None:
                self.has.add(name)
            extra.append(float("nan") if value is None else value)
        self.bars.add(event.opened_ns, *trade, event.volume, *extra, *filled, missing)
        self._day(event.opened_ns, event.high, event.low, event.close)
        return True

    def _day(self, opened_ns: int, high: float, low: float, close: float) -> None:
        """As `resample` groups bars: by the time they close; a first day that starts late is left out."""
        if self.interval_ns >= DAY_NS:
            self._whole(opened_ns + self.interval_ns, high, low, close)
            return
        key = (opened_ns + self.interval_ns - 1) // DAY_NS
        if key != self.day_key:
            if self.day_key >= 0 and self.day_whole:
                self._whole((self.day_key + 1) * DAY_NS, *self.day)
            self.day_whole = self.day_key >= 0 or opened_ns - key * DAY_NS < self.interval_ns
            self.day_key, self.day = key, (high, low, close)
        else:
            self.day = (max(self.day[0], high), min(self.day[1], low), close)
        if opened_ns + self.interval_ns == (key + 1) * DAY_NS and self.day_whole:
            self._whole((key + 1) * DAY_NS, *self.day)
            self.day_whole = False

    def past_day(self, ends_ns: int, high: float, low: float, close: float) -> None:
        """Take in a day from before the first bar."""
        self._whole(ends_ns, high, low, close)

    def _whole(self, ends_ns: int, high: float, low: float, close: float) -> None:
        self.days.add(ends_ns, high, low, close)
        self._days = None

    def leant(self, event: Depth) -> None:
        """Keep which way the order book leans; an empty or crossed one says nothing."""
        if event.bids and event.asks and 0 < event.bids[0][0] < event.asks[0][0]:
            self.leans.append((event.time_ns, book_imbalance(event.bids, event.asks)))

    def marked(self, event: Marked) -> None:
        """Take a mark in."""
        self.mark, self.marked_wall_ns = event.mark, event.wall_ns
        self.index = event.index if event.index is not None else self.index
        self.rate = event.rate if event.rate is not None else self.rate
        self.next_funding_ns = event.next_funding_ns or self.next_funding_ns
        price, running = float(event.mark), self.running
        if running.open != running.open:
            running.open = price
        running.high, running.low, running.close = max(running.high, price), min(running.low, price), price

    def published(self, name: str, of_ns: int, known_ns: int, value: float) -> None:
        """Take a value of another series in; out of order ones are dropped."""
        rows = self.known.get(name)
        if rows is None:
            rows = self.known[name] = _Rows(VALUES_KEPT, time_ns="i8", known_ns="i8", value="f8")
        last_of, last_known = rows.last("time_ns"), rows.last("known_ns")
        if last_of is None or last_known is None or (of_ns > last_of and known_ns >= last_known):
            rows.add(of_ns, known_ns, value)

    def settled(self, time_ns: int, rate: float, interval_ns: int) -> None:
        """Take a settlement of funding in; one told twice is dropped."""
        last = self.funding.last("time_ns")
        if last is None or time_ns > last:
            self.funding.add(time_ns, rate, interval_ns)


class Tape:
    """The markets of one bot."""

    def __init__(self, instruments: dict[str, Instrument], interval_ns: int, bars_kept: int) -> None:
        self.markets = {
            symbol: _memory(instrument, interval_ns, bars_kept) for symbol, instrument in instruments.items()
        }
        self.interval_ns = interval_ns
        self.skew_ns = 0

    def preload_days(self, days: Panel, before_ns: int) -> None:
        """Take in daily bars, and funding, from before the bars that `preload` brings next; those open at `before_ns`.

        The daily trend and the rank of funding look further back than the bars that are kept.
        """
        market = self.markets[days.instrument.symbol]
        until_ns = -(-before_ns // DAY_NS) * DAY_NS  # from there on the bars make whole days themselves
        ends = (days.time_ns + days.interval_ns).tolist()
        for row in zip(ends, days.high.tolist(), days.low.tolist(), days.close.tolist(), strict=True):
            if row[0] <= until_ns:
                market.past_day(*row)
        _settle(market, days.funding)

    def preload(self, panel: Panel) -> None:
        """Take the history of one symbol in, bar by bar as if it had been heard."""
        market = self.markets[panel.instrument.symbol]
        columns = {name: getattr(panel, name) for name in (*_BAR, *_SPOT, *_MARK)}
        gone = panel.mark_missing
        for i, opened_ns in enumerate(panel.time_ns.tolist()):
            row = {name: float(column[i]) for name, column in columns.items() if column is not None}
            if gone is not None and gone[i]:
                row = {name: value for name, value in row.items() if name not in _MARK}
            closes = opened_ns + panel.interval_ns
            market.bar(
                BarClosed(
                    time_ns=closes,
                    wall_ns=0,
                    symbol=panel.instrument.symbol,
                    interval_ns=panel.interval_ns,
                    opened_ns=opened_ns,
                    **row,
                )
            )
        _settle(market, panel.funding)
        for name in ("open_interest", "long_short_ratio", "top_positions_ratio", "sentiment"):
            series: Known | None = getattr(panel, name)
            if series is not None:
                for of_ns, known_ns, value in zip(
                    series.time_ns.tolist(), series.known_ns.tolist(), series.value.tolist(), strict=True
                ):
                    market.published(name, of_ns, known_ns, value)

    def heard(self, event: AnyEvent) -> bool:
        """Take an event in; False for a bar that says nothing new."""
        if isinstance(event, Skewed):
            self.skew_ns = event.skew_ns
            return True
        symbol = getattr(event, "symbol", None)
        market = self.markets.get(symbol) if symbol is not None else None
        if market is None:
            return True
        match event:
            case BarClosed():
                return event.interval_ns == self.interval_ns and market.bar(event)
            case Quoted():
                market.bid, market.ask = event.bid, event.ask
                market.quoted_ns, market.quoted_wall_ns = event.time_ns, event.wall_ns
            case Depth():
                market.leant(event)
            case Marked():
                market.marked(event)
            case RateSettled():
                market.settled(event.settled_ns, event.rate, event.interval_ns)
            case Published():
                market.published(event.series, event.of_ns, event.time_ns, event.value)
            case TradingChanged():
                market.status, market.ends_ns = event.status, event.ends_ns
            case _:
                pass
        return True


def _settle(market: Memory, settled: Funding | None) -> None:
    if settled is not None:
        rows = (settled.time_ns.tolist(), settled.rate.tolist(), settled.interval_ns.tolist())
        for settlement in zip(*rows, strict=True):
            market.settled(*settlement)


def _memory(instrument: Instrument, interval_ns: int, bars_kept: int) -> Memory:
    prices = dict.fromkeys((*_BAR, *_SPOT, *_MARK), "f8")
    return Memory(
        instrument=instrument,
        interval_ns=interval_ns,
        bars=_Rows(bars_kept, time_ns="i8", **prices, mark_missing="?"),
        days=_Rows(DAYS_KEPT, known_ns="i8", high="f8", low="f8", close="f8"),
        funding=_Rows(SETTLEMENTS_KEPT, time_ns="i8", rate="f8", interval_ns="i8"),
    )
