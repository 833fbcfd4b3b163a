"""Stored candles played again: trades, mark, index and funding as they were, at any speed.

Inside a bar the price runs in straight lines from the open to one extreme, to the other, and to the close: the high
first where the user is short and the low first where he is long, so that a stop and a target in one bar end as a
careful backtest has it. Where he has no position the bar's own direction says which came first. For its first sixtieth
a bar stands at its open: what is decided at a close enters there, and is a position when the way is chosen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from bearskin.exchange._coins import DEFAULT_SYMBOLS
from bearskin.exchange._genesis import Setup
from bearskin.exchange._prices import F8, HISTORY_DAYS, I8, Candles, Quote, on_tick
from bearskin.exchange._state import Contract
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, BadInput, interval_ns, interval_word, iso

if TYPE_CHECKING:
    from bearskin import market

STORED = "store"  # the name of the one spot source of a replay
HISTORY_NS = HISTORY_DAYS * DAY_NS
STANDS = 60  # the share of a bar for which its open stands is one in so many
_INTERVALS_H = (1, 2, 4, 6, 8, 12, 24)


class Bars(NamedTuple):
    """Candles of one kind of price on the times of the trade bars."""

    open: F8
    high: F8
    low: F8
    close: F8


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is played of one symbol. `settled_ns` and `rates` are its settlements."""

    time_ns: I8
    trade: Bars
    mark: Bars | None
    index: Bars | None
    settled_ns: list[int]
    rates: F8
    intervals_h: list[int]


class ReplayPrices:
    """The candles of a setup as prices. `side_of(symbol)` is the sign of what the user holds."""

    follows_wall = False

    def __init__(self, setup: Setup, ticks: Mapping[str, Decimal], side_of: Callable[[str], int]) -> None:
        from bearskin import market

        self._setup = setup
        self._ticks = dict(ticks)
        self._side_of = side_of
        self._step_ns = interval_ns(setup.interval)
        self._store = market.Store(Path(setup.store))
        self._stories = {symbol: self._story(symbol) for symbol in ticks}
        self._paths: dict[str, tuple[int, bool]] = {}  # bar, and whether its high comes first

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols it plays."""
        return tuple(self._ticks)

    def next_ns(self, after_ns: int, stride_ns: int) -> int | None:
        """The next whole stride or the next corner of a bar, whichever comes first; None behind the last bar."""
        step_ns = self._step_ns
        bar_ns = after_ns // step_ns * step_ns
        corner_ns = next(at for at in (*_corners(bar_ns, step_ns), bar_ns + step_ns) if at > after_ns)
        next_ns = max(min(corner_ns, (after_ns // stride_ns + 1) * stride_ns), self._setup.start_ns)
        return next_ns if next_ns < self._setup.end_ns else None

    def quotes(self, time_ns: int) -> Sequence[Quote]:
        """Every symbol that has a bar by now; in a hole the last close stands."""
        step_ns = self._step_ns
        out = []
        for symbol, story in self._stories.items():
            bar = int(np.searchsorted(story.time_ns, time_ns, side="right")) - 1
            if bar < 0:
                continue
            begun_ns = int(story.time_ns[bar])
            high_first = self._high_first(symbol, story, bar, time_ns > begun_ns + step_ns // STANDS)
            share = _share(time_ns - begun_ns, step_ns)
            fair = _along(story.trade, bar, share, high_first)
            mark = None if story.mark is None else _along(story.mark, bar, share, high_first)
            index = mark or fair
            if story.index is not None:
                index = _along(story.index, bar, share, high_first) or index
            rate, interval_h = _coming(story, time_ns)
            tick = self._ticks[symbol]
            out.append(
                Quote(
                    symbol=symbol,
                    fair=on_tick(fair, tick),
                    sources={STORED: _eight(index)},
                    mark=None if mark is None else _eight(mark),
                    rate=rate,
                    interval_h=interval_h,
                    sharp=time_ns in _corners(begun_ns, step_ns),
                    exact=True,
                )
            )
        return out

    def history(self, symbol: str, kind: str) -> Candles | None:
        """The bars before the start, as stored; of mark and index only what there is."""
        first_ns = self._setup.start_ns - HISTORY_NS
        frame = _frame(self._store, self._setup, symbol, kind, first_ns, self._setup.start_ns)
        if frame is None:
            return None
        time_ns, bars, more = frame
        volume = more.get("volume", np.zeros(len(time_ns)))
        return Candles(
            step_ns=self._step_ns,
            time_ns=time_ns,
            open=bars.open,
            high=bars.high,
            low=bars.low,
            close=bars.close,
            volume=volume,
            quote_volume=more.get("quote_volume", volume * bars.close),
            trades=more.get("trades", np.zeros(len(time_ns))).astype(np.int64),
            taker_buy=more.get("taker_buy_volume", volume / 2),
        )

    def settled(self, contract: Contract) -> Sequence[tuple[int, Decimal]]:
        """The settlements before the start, as stored, at the whole minute (their stamps jitter by milliseconds)."""
        from bearskin import market

        key = market.SeriesKey(self._setup.venue, "linear", contract.symbol, "funding", market.EVENT)
        if not self._store.has(key):
            return ()
        start_ns = self._setup.start_ns
        rows = self._store.collect(key, self._store.scan(key, start_ns - HISTORY_NS, start_ns).select("time", "rate"))
        times = rows["time"].dt.epoch("ns").to_list()
        return [
            (at // MINUTE_NS * MINUTE_NS, _eight(rate)) for at, rate in zip(times, rows["rate"].to_list(), strict=True)
        ]

    def _high_first(self, symbol: str, story: Story, bar: int, begun: bool) -> bool:
        """Which extreme of a bar comes first: settled when the price leaves the open, kept until the bar is over."""
        known = self._paths.get(symbol)
        if known is not None and known[0] == bar:
            return known[1]
        side = self._side_of(symbol)
        high_first = side < 0 or (side == 0 and bool(story.trade.close[bar] < story.trade.open[bar]))
        if begun:
            self._paths[symbol] = (bar, high_first)
        return high_first

    def _story(self, symbol: str) -> Story:
        from bearskin import market

        setup = self._setup
        panel = market.load_panel(
            self._store, venue=setup.venue, symbol=symbol, interval=setup.interval,
            start_ns=setup.start_ns, end_ns=setup.end_ns,
        )  # fmt: skip
        mark = _mark_of(panel)
        index = _frame(self._store, setup, symbol, "index", setup.start_ns, setup.end_ns)
        laid = None if index is None else _laid(index[0], index[1], panel.time_ns)
        funding = panel.funding
        return Story(
            time_ns=panel.time_ns,
            trade=Bars(panel.open, panel.high, panel.low, panel.close),
            mark=mark,
            index=laid,
            settled_ns=[] if funding is None else [int(at) for at in funding.time_ns],
            rates=np.empty(0) if funding is None else funding.rate,
            intervals_h=[] if funding is None else [round(int(at) / HOUR_NS) for at in funding.interval_ns],
        )


def replay_setup(
    setup: Setup,
    *,
    store: Path | None,
    venue: str | None,
    interval: str | None,
    symbols: Sequence[str] | None,
    start_ns: int | None,
) -> Setup:
    """The setup of a replay: which candles, from when to when; raises BadInput for what the store does not have."""
    from bearskin import market

    if store is None:
        raise BadInput("a replay needs a store of candles: name one with --store")
    there = market.Store(store)
    venue = venue or "binance"
    keys = there.keys(venue=venue, product="linear", kind="trade")
    names = tuple(symbols or (name for name in DEFAULT_SYMBOLS if any(key.symbol == name for key in keys)))
    if not names:
        raise BadInput(f"{store} has no candles of {venue} to replay: `bearskin data fetch` brings some")
    told = []
    for word in [interval] if interval else _common(there, keys, names):
        step_ns = interval_ns(word)
        first_ns, end_ns = _reach(there, venue, names, word)
        begin_ns = first_ns if start_ns is None else -(-start_ns // step_ns) * step_ns
        if first_ns <= begin_ns < end_ns:
            break
        told.append(f"{word} candles from {iso(first_ns)} to {iso(end_ns)}" if first_ns < end_ns else f"no {word} ones")
    else:
        asked = "a replay" if start_ns is None else f"a replay from {iso(start_ns)}"
        raise BadInput(f"{asked} is not in the store: {', '.join(names)} have together {', '.join(told)}")
    return msgspec.structs.replace(
        setup, symbols=names, start_ns=begin_ns, end_ns=end_ns, store=str(store.absolute()), venue=venue, interval=word
    )


def _common(store: market.Store, keys: Sequence[market.SeriesKey], names: Sequence[str]) -> list[str]:
    """The intervals that all symbols have, the finest first."""
    common: list[int] | None = None
    missing = [name for name in names if not any(key.symbol == name and key.step_ns is not None for key in keys)]
    if missing:
        raise BadInput(f"{store.root} has no candles of {', '.join(missing)}: `bearskin data fetch` brings some")
    for name in names:
        steps = [key.step_ns for key in keys if key.symbol == name and key.step_ns is not None]
        common = steps if common is None else [step for step in common if step in steps]
    if not common:
        raise BadInput(f"{store.root} has no interval that all of {', '.join(names)} have: name fewer symbols")
    return [interval_word(step) for step in sorted(common)]


def _reach(store: market.Store, venue: str, names: Sequence[str], word: str) -> tuple[int, int]:
    """From when to when the candles of all symbols reach together."""
    from bearskin import market

    rows = {row.symbol: row for row in market.list_symbols(store, venue, "linear", word)}
    for name in names:
        if name not in rows:
            raise BadInput(
                f"{store.root} has no {word} candles of {name} ({venue}): `bearskin data list` shows what it has"
            )
    return max(rows[name].first_ns for name in names), min(rows[name].last_ns for name in names) + interval_ns(word)


def _corners(bar_ns: int, step_ns: int) -> tuple[int, int, int, int]:
    """When a bar is at its open, its first and second extreme, and its close."""
    third_ns = step_ns // 3 // SECOND_NS * SECOND_NS or step_ns // 3
    return bar_ns, bar_ns + third_ns, bar_ns + 2 * third_ns, bar_ns + max(step_ns - SECOND_NS, 2 * third_ns + 1)


def _share(into_ns: int, step_ns: int) -> float:
    """How far along its four corners (0 to 3) a bar is."""
    corners = _corners(0, step_ns)
    starts = (step_ns // STANDS, *corners[1:])
    for at in (0, 1, 2):
        if into_ns < corners[at + 1]:
            return at + max(0, into_ns - starts[at]) / (corners[at + 1] - starts[at])
    return 3.0


def _along(bars: Bars, bar: int, share: float, high_first: bool) -> float:
    """The price of a bar at `share` of its way."""
    high, low = float(bars.high[bar]), float(bars.low[bar])
    points = (float(bars.open[bar]), *((high, low) if high_first else (low, high)), float(bars.close[bar]))
    leg = min(int(share), 2)
    along = share - leg
    return points[leg] if along == 0 else points[leg + 1] if along == 1 else points[leg] + along * (
        points[leg + 1] - points[leg]
    )  # fmt: skip


def _coming(story: Story, time_ns: int) -> tuple[Decimal | None, int | None]:
    """Rate and interval of the settlement that comes next, the one of this very moment included."""
    at = bisect_left(story.settled_ns, time_ns // MINUTE_NS * MINUTE_NS)
    if at < len(story.settled_ns) and story.settled_ns[at] < time_ns:
        at += 1
    if at >= len(story.settled_ns):
        return None, None
    hours = story.intervals_h[at]
    return _eight(float(story.rates[at])), hours if hours in _INTERVALS_H else None


def _eight(value: float) -> Decimal:
    """A stored float as the number that was meant, eight digits at most."""
    return Decimal(f"{value:.8f}").normalize() + 0


def _mark_of(panel: market.Panel) -> Bars | None:
    if panel.mark_open is None or panel.mark_high is None or panel.mark_low is None or panel.mark_close is None:
        return None
    return Bars(panel.mark_open, panel.mark_high, panel.mark_low, panel.mark_close)


def _frame(
    store: market.Store, setup: Setup, symbol: str, kind: str, start_ns: int, end_ns: int
) -> tuple[I8, Bars, dict[str, F8]] | None:
    """Stored candles of one kind at the replay's interval; None where there are none."""
    from bearskin import market

    key = market.SeriesKey(setup.venue, "linear", symbol, kind, setup.interval)
    if not store.has(key):
        return None
    frame = store.collect(key, store.scan(key, start_ns, end_ns))
    if not len(frame):
        return None
    columns = {
        name: np.array(frame[name].to_numpy(), dtype=np.float64)
        for name in frame.columns
        if name not in ("time", "known_at", "source") and not frame[name].null_count()
    }
    time_ns = frame["time"].dt.epoch("ns").to_numpy().astype(np.int64)
    bars = Bars(columns.pop("open"), columns.pop("high"), columns.pop("low"), columns.pop("close"))
    return time_ns, bars, columns


def _laid(time_ns: I8, bars: Bars, onto_ns: I8) -> Bars | None:
    """Bars on other times; None where they do not cover them."""
    at = np.searchsorted(time_ns, onto_ns)
    at = np.minimum(at, len(time_ns) - 1)
    if not np.array_equal(time_ns[at], onto_ns):
        return None
    return Bars(bars.open[at], bars.high[at], bars.low[at], bars.close[at])
