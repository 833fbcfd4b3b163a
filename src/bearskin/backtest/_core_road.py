"""Stored bars lived through on the exchange core, in the order of time that the compiled backtest assumes.

At one moment: funding settles, marks open, what closed is told (and what is decided on it trades at the open), then
each bar runs from its open to the extreme against us, to the kind one, to its close. Nothing moves where the bot has
nothing: between the bars only prices that reach an order, a stop or a liquidation are stepped through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from bearskin.backtest._core_venue import CENT_8, CoreVenue, Ours
from bearskin.backtest._symbols import Symbol
from bearskin.market import Panel
from bearskin.terms import (
    QUOTE,
    AnyEvent,
    BarClosed,
    Close,
    Marked,
    Published,
    Quoted,
    RateSettled,
    Side,
    TradingChanged,
)

ZERO, ONE = Decimal(0), Decimal(1)
REACHED_TICKS = Decimal("0.000001")  # as the kernel: a mark this little short of a tick has reached it
SERIES = ("open_interest", "long_short_ratio", "top_positions_ratio", "sentiment")
SPOT = ("spot_close", "spot_quote_volume", "spot_buy_share")
Hear = Callable[[AnyEvent], None]


class Settlement(NamedTuple):
    """Funding as it was settled: longs paid `rate` of the notional at `mark`."""

    rate: Decimal
    mark: Decimal
    at_ns: int


class Bar:
    """One bar of a symbol in exact prices, as one side sees it: `worst` and `kind` are its extremes."""

    __slots__ = ("close", "kind", "mark_open", "mark_worst", "open", "opened_ns", "worst")

    def __init__(self, lane: Lane, i: int, side: int) -> None:
        high, low = lane.price(lane.high[i]), lane.price(lane.low[i])
        self.opened_ns = int(lane.panel.time_ns[i])
        self.open, self.close = lane.price(lane.open[i]), lane.price(lane.close[i])
        self.worst, self.kind = (high, low) if side < 0 else (low, high)
        self.mark_open = lane.mark(lane.mark_open[i])
        self.mark_worst = lane.mark(lane.mark_high[i] if side < 0 else lane.mark_low[i])


class Lane:
    """A symbol's panel in whole ticks, its settlements, and how far along it we are."""

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.name = symbol.name
        self.panel: Panel = symbol.panel
        lane = symbol.course.lanes[Side.SHORT]
        self._num, self._den = Decimal(int(lane.grid.tick_num)), Decimal(int(lane.grid.tick_den))
        self.open, self.high, self.low, self.close = lane.open, lane.high, lane.low, lane.close
        longs = symbol.course.lanes[Side.LONG]
        self.mark_open = lane.mark_open
        self.mark_high = lane.mark_worst
        self.mark_low = [-float(x) for x in longs.mark_worst]
        self.mark_close = _or(self.panel.mark_close, self.panel.close)
        self.settled_ns = symbol.course.settle_ns
        self.rates, self.marks = lane.fund_rate, symbol.course.settle_mark
        self.fund_bar, self.fund_code, self.fund_from = lane.fund_bar, lane.fund_code, lane.fund_from
        self.through = symbol.course.through * self._num / self._den
        self.tick = self.panel.instrument.tick
        self.fresh = False
        self.done = False
        self._told_rates = 0
        self._told: dict[str, int] = dict.fromkeys(SERIES, 0)

    def price(self, ticks: Any) -> Decimal:
        """A price in quote units."""
        return QUOTE.divide(Decimal(int(ticks)) * self._num, self._den)

    def kind_mark(self, i: int, side: int) -> Decimal:
        """The mark's extreme in favour of `side`."""
        return self.mark(self.mark_low[i] if side < 0 else self.mark_high[i])

    @staticmethod
    def mark(value: Any) -> Decimal:
        """A mark, eight digits."""
        return Decimal(repr(float(value))).quantize(CENT_8, context=QUOTE)

    def settlements(self, i: int, *codes: int) -> Iterator[Settlement]:
        """The settlements of bar `i` that have one of these codes."""
        for k in range(int(self.fund_from[i]), int(self.fund_from[i + 1])):
            if int(self.fund_code[k]) in codes:
                yield self.settlement(k)

    def settlement(self, k: int) -> Settlement:
        """Settlement `k` of the symbol."""
        return Settlement(self.mark(self.rates[k]), self.mark(self.marks[k]), int(self.settled_ns[k]))

    def published(self, until_ns: int) -> Iterator[AnyEvent]:
        """What has become public up to this moment and was not told yet."""
        funding = self.panel.funding
        if funding is not None:
            while self._told_rates < len(funding.time_ns) and funding.time_ns[self._told_rates] <= until_ns:
                k = self._told_rates
                self._told_rates += 1
                at = int(funding.time_ns[k])
                yield RateSettled(
                    time_ns=at, wall_ns=at, symbol=self.name, settled_ns=at, rate=float(funding.rate[k]),
                    interval_ns=int(funding.interval_ns[k]),
                )  # fmt: skip
        for name in SERIES:
            known = getattr(self.panel, name)
            while known is not None and self._told[name] < len(known.known_ns):
                k = self._told[name]
                at = int(known.known_ns[k])
                if at > until_ns:
                    break
                self._told[name] += 1
                yield Published(
                    time_ns=at, wall_ns=at, symbol=self.name, series=name,  # type: ignore[arg-type]
                    of_ns=int(known.time_ns[k]), value=float(known.value[k]),
                )  # fmt: skip

    def skip_published(self, until_ns: int) -> None:
        """Pass over what was public before the road begins: the engine has it from its preload."""
        for _ in self.published(until_ns):
            pass

    def closed(self, i: int) -> BarClosed:
        """The candle, complete."""
        panel, at = self.panel, self.panel.known_ns(i)
        marks = [_cell(getattr(panel, f"mark_{name}"), i) for name in ("open", "high", "low", "close")]
        return BarClosed(
            time_ns=at, wall_ns=at, symbol=self.name, interval_ns=panel.interval_ns, opened_ns=int(panel.time_ns[i]),
            open=float(panel.open[i]), high=float(panel.high[i]), low=float(panel.low[i]),
            close=float(panel.close[i]), volume=float(panel.volume[i]), quote_volume=_cell(panel.quote_volume, i),
            taker_buy_volume=_cell(panel.taker_buy_volume, i), mark_open=marks[0], mark_high=marks[1],
            mark_low=marks[2], mark_close=marks[3], **{name: _cell(getattr(panel, name), i) for name in SPOT},
        )  # fmt: skip


class Road:
    """Many symbols on one venue. `hear` is the engine: it takes an event and sends what it decides to the venue.

    `sampled(time_ns)` is called once a moment, when what is decided at it has been carried out.
    """

    def __init__(
        self, venue: CoreVenue, symbols: Sequence[Symbol], hear: Hear, sampled: Callable[[int], None] = lambda _: None
    ) -> None:
        self.venue = venue
        self.lanes = [Lane(symbol) for symbol in symbols]
        self.now_ns = 0
        self._hear = hear
        self._sampled = sampled
        self._by_name = {lane.name: lane for lane in self.lanes}
        self._bars: dict[str, int] = {}  # which bar is open
        self._deciding = False
        venue.entered = self._entered

    def run(self, progress: Callable[[int, int], None] | None = None) -> None:
        """From the first bar of each symbol to the last."""
        opens: dict[int, list[tuple[Lane, int]]] = {}
        closes: dict[int, list[tuple[Lane, int]]] = {}
        for lane in self.lanes:
            first = lane.symbol.first_bar
            lane.skip_published(int(lane.panel.time_ns[first]) - 1)
            for i in range(first, len(lane.panel)):
                opens.setdefault(int(lane.panel.time_ns[i]), []).append((lane, i))
            for i in range(max(first - 1, 0), len(lane.panel)):
                closes.setdefault(lane.panel.known_ns(i), []).append((lane, i))
            for k, at in enumerate(lane.settled_ns.tolist()):
                if int(lane.fund_code[k]) == 2:
                    opens.setdefault(at, [])
        moments = sorted({*opens, *closes})
        for done, at in enumerate(moments):
            self._moment(at, opens.get(at, []), closes.get(at, []))
            if progress is not None:
                progress(done + 1, len(moments))

    # --- one moment --------------------------------------------------------------------------------------------------

    def _moment(self, at: int, opening: list[tuple[Lane, int]], closing: list[tuple[Lane, int]]) -> None:
        self._pass_to(at)
        for lane, _ in closing:
            for event in lane.published(at):
                self._hear(event)
        self._settle_in_holes(at)
        opened = {lane.name for lane, _ in opening}
        for lane, i in opening:
            self._open(lane, i, at)
        for lane, i in closing:
            if lane.name not in opened:
                self._no_next_bar(lane, i, at)
        for lane, i in opening:
            self._gap(lane, i)
        self._deciding = True
        for lane, i in closing:
            self._calm(lane, i, at)
            self._hear(lane.closed(i))
        for lane, i in opening:
            mark = lane.mark(lane.mark_open[i])
            self._hear(Marked(time_ns=at, wall_ns=at, symbol=lane.name, mark=mark))
        # who leaves has left when the first quote of the new bars comes: entries are decided on those, in this order
        for lane, i in opening:
            price = lane.price(lane.open[i])
            self._hear(Quoted(time_ns=at, wall_ns=at, symbol=lane.name, bid=price, ask=price))
        self._deciding = False
        self._sampled(at)
        self._live(opening, at)

    def _open(self, lane: Lane, i: int, at: int) -> None:
        """The bar opens: its price is there, funding that settles now settles."""
        price = lane.price(lane.open[i])
        lane.fresh = False
        self._bars[lane.name] = i
        if lane.done or lane.name not in self.venue.ref:
            lane.done = False
            self._hear(TradingChanged(time_ns=at, wall_ns=at, symbol=lane.name, status="trading"))
        self._deciding = True
        self.venue.market_opens(lane.name, price)
        self._deciding = False
        if self.venue.ours(lane.name).qty:
            for settlement in lane.settlements(i, 0):
                self._settle(lane.name, settlement)
        self._answers()

    def _calm(self, lane: Lane, i: int, at: int) -> None:
        """The last word of a bar is its kind extreme: a stop moved at its close is reached in the next, not in it."""
        side = _sign(self.venue.ours(lane.name).qty)
        if side:
            price, mark = lane.price((lane.low if side < 0 else lane.high)[i]), lane.kind_mark(i, side)
            self._hear(Marked(time_ns=at - 1, wall_ns=at, symbol=lane.name, mark=mark))
            self._hear(Quoted(time_ns=at - 1, wall_ns=at, symbol=lane.name, bid=price, ask=price))

    def _no_next_bar(self, lane: Lane, i: int, at: int) -> None:
        """After this bar the data has a hole, or ends: nothing is entered now, and at the end everything is closed."""
        last = i == len(lane.panel) - 1
        lane.done = True
        detail = "the data ends here" if last else "the next bar is missing from the data"
        self._hear(TradingChanged(time_ns=at, wall_ns=at, symbol=lane.name, status="halted", detail=detail))
        price = lane.price(lane.close[i])
        if last and self.venue.ours(lane.name).qty:
            self.venue.ref[lane.name] = price
            self._hear(Quoted(time_ns=at, wall_ns=at, symbol=lane.name, bid=price, ask=price))
            self._hear(Close(time_ns=at, wall_ns=at, act_id=f"end-{lane.name}", by="the end", symbol=lane.name))
        self.venue.ref.pop(lane.name, None)

    def _settle_in_holes(self, at: int) -> None:
        for lane in self.lanes:
            for k in np.flatnonzero(lane.settled_ns == at).tolist():
                if int(lane.fund_code[k]) == 2 and self.venue.ours(lane.name).qty:
                    self._settle(lane.name, lane.settlement(k))
        self._answers()

    def _gap(self, lane: Lane, i: int) -> None:
        """A mark that opens beyond the liquidation price comes before anything that is decided at the open."""
        ours = self.venue.ours(lane.name)
        level = self.venue.liquidation(lane.name)
        if level is None:
            return
        bar = Bar(lane, i, _sign(ours.qty))
        if (bar.mark_open - level) * ours.qty <= 0:
            self._liquidate(lane, ours, bar.mark_open)

    def _entered(self, symbol: str) -> None:
        """A position has come to be: a settlement of this very moment falls on it too, if it traded at the open."""
        lane = self._by_name[symbol]
        i = self._bars[symbol]
        qty = self.venue.ours(symbol).qty
        for settlement in lane.settlements(i, *((0, 1) if lane.fresh else (0,) if self._deciding else ())):
            # where the order in time is not known it counts if it costs us
            if not lane.fresh or settlement.rate * qty > 0:
                self._settle(symbol, settlement)

    # --- inside a bar ------------------------------------------------------------------------------------------------

    def _live(self, opening: list[tuple[Lane, int]], at: int) -> None:
        """The bars run from their opens to the extremes against us, to the kind ones, to their closes."""
        third = min((lane.panel.interval_ns for lane, _ in opening), default=0) // 3
        for lane, i in opening:
            self._gap(lane, i)  # for who has just entered
        self._pass_to(at + 1)  # from here on it happens inside the bar
        for lane, i in opening:
            ours = self.venue.ours(lane.name)
            if ours.qty:
                for settlement in lane.settlements(i, 1):
                    if settlement.rate * ours.qty > 0:
                        self._settle(lane.name, settlement)
                self._mark_opens(lane, Bar(lane, i, _sign(ours.qty)), ours)
        self._pass_to(at + third)
        for lane, i in opening:
            side = self._side(lane)
            if side:
                self._against_us(lane, Bar(lane, i, side), side)
        self._pass_to(at + 2 * third)
        for lane, i in opening:
            side = self._side(lane)
            if side and not lane.fresh:
                self._kindly(lane, Bar(lane, i, side), side)
            self._gains(lane, i)
            self.venue.ref[lane.name] = lane.price(lane.close[i])

    def _side(self, lane: Lane) -> int:
        """The side of the position, else of the resting entries; zero when a price could do nothing to us."""
        ours = self.venue.ours(lane.name)
        return _sign(ours.qty) or _entry_side(ours)

    def _mark_opens(self, lane: Lane, bar: Bar, ours: Ours) -> None:
        """The mark is where the bar opens it: beyond a stop, or nowhere of interest."""
        side = _sign(ours.qty)
        stop = self._nearest_stop(lane, ours, side, bar)
        if stop is not None and stop.by_mark and (bar.mark_open - stop.trigger_price) * side <= 0:
            self._stop(lane, bar, stop, ours)
            return
        self.venue.set_mark(lane.name, bar.mark_open)
        self._answers()

    def _against_us(self, lane: Lane, bar: Bar, side: int) -> None:
        """Everything on the way to the extreme against us: resting entries first, then stop or liquidation."""
        venue, name = self.venue, lane.name
        while True:
            ours = venue.ours(name)
            entry = self._entry_through(lane, bar, ours, side)
            if entry is not None:
                price = entry.price_ticks * venue.units[name].tick
                venue.ref[name] = price
                venue.set_mark(name, price)  # the mark of its bar may have been beyond the stop: that was before
                lane.fresh = lane.fresh or not ours.qty
                venue.sweep(entry)
                self._answers()
                continue
            if not ours.qty:
                return
            level = venue.liquidation(name)
            if level is not None and (bar.mark_worst - level) * side > 0:
                level = None
            if lane.fresh and level is not None and (bar.mark_open - level) * side <= 0:
                level = None  # beyond it before the fill: it says nothing
            stop = self._nearest_stop(lane, ours, side, bar)
            if level is not None and (stop is None or (level - stop.trigger_price) * side > 0):
                self._liquidate(lane, ours, level)
            elif stop is not None:
                self._stop(lane, bar, stop, ours)
            else:
                return
            if venue.ours(name).qty == ours.qty:
                return

    def _kindly(self, lane: Lane, bar: Bar, side: int) -> None:
        """Targets that are traded through, the nearest first."""
        venue, name = self.venue, lane.name
        while True:
            ours = venue.ours(name)
            tick = venue.units[name].tick
            reached = [
                order
                for order in ours.orders
                if order.reduce_only and (bar.kind - order.price_ticks * tick) * side >= lane.through
            ]
            if not reached or not ours.qty:
                return
            nearest = min(reached, key=lambda order: order.price_ticks * side)
            venue.ref[name] = nearest.price_ticks * tick
            venue.sweep(nearest)
            self._answers()

    def _gains(self, lane: Lane, i: int) -> None:
        """Settlements inside the bar that bring something fall on who is still there at its end."""
        ours = self.venue.ours(lane.name)
        if ours.qty and not lane.fresh:
            for settlement in lane.settlements(i, 1):
                if settlement.rate * ours.qty <= 0:
                    self._settle(lane.name, settlement)
            self._answers()

    def _entry_through(self, lane: Lane, bar: Bar, ours: Ours, side: int) -> Any:
        """The nearest resting entry that the bar trades through by a tick."""
        tick = self.venue.units[lane.name].tick
        through = [
            order
            for order in ours.orders
            if not order.reduce_only
            and order.side == side
            and (order.price_ticks * tick - bar.worst) * side >= lane.through
        ]
        return max(through, key=lambda order: order.price_ticks * side, default=None)

    def _nearest_stop(self, lane: Lane, ours: Ours, side: int, bar: Bar) -> Any:
        """The stop that is reached first on the way to the extreme against us, if any is."""
        slack = lane.tick * REACHED_TICKS
        reached = [
            algo
            for algo in ours.algos
            if algo.trigger_price is not None
            and algo.side == -side
            and ((bar.mark_worst if algo.by_mark else bar.worst) - algo.trigger_price) * side <= slack
        ]
        return max(reached, key=lambda algo: (algo.trigger_price * side, -algo.id), default=None)

    def _stop(self, lane: Lane, bar: Bar, stop: Any, ours: Ours) -> None:
        """Trigger a stop: it fills at the worse of its trigger and the open, after slippage."""
        venue, name, side = self.venue, lane.name, stop.side
        price = max(stop.trigger_price, bar.open) if side > 0 else min(stop.trigger_price, bar.open)
        venue.ref[name] = price
        if not stop.by_mark:
            venue.offer(name, side, price, venue.exchange.state.markets[name].contract.min_qty)
        venue.offer(name, side, venue.worse(name, price, side), abs(ours.qty))
        if stop.by_mark:
            beyond = (bar.mark_open - stop.trigger_price) * side >= 0 and not lane.fresh
            venue.set_mark(name, bar.mark_open if beyond else stop.trigger_price)
        else:
            venue.print_last(name, side, price)
        venue.withdraw(name)
        self._answers()

    def _liquidate(self, lane: Lane, ours: Ours, mark: Decimal) -> None:
        """Let the mark come to where the position is liquidated; the book is there at that price."""
        venue, name = self.venue, lane.name
        side = -_sign(ours.qty)
        venue.ref[name] = mark
        venue.offer(name, side, venue.on_grid(name, mark), abs(ours.qty))
        venue.set_mark(name, mark)
        venue.withdraw(name)
        self._answers()

    # --- time and money ----------------------------------------------------------------------------------------------

    def _settle(self, symbol: str, settlement: Settlement) -> None:
        """Settle at its mark, without letting that mark set anything off that is not its turn."""
        rate, mark, at_ns = settlement
        ours = self.venue.ours(symbol)
        side = _sign(ours.qty)
        present = self.venue.mark(symbol)
        level = self.venue.liquidation(symbol)
        levels = [algo.trigger_price for algo in ours.algos if algo.by_mark and algo.side == -side]
        levels += [] if level is None else [level]
        if present is not None and any((mark - at) * side <= 0 for at in levels):
            rate = QUOTE.divide(rate * mark, present).quantize(CENT_8, context=QUOTE)
        else:
            self.venue.set_mark(symbol, mark)
        self.venue.settle(symbol, rate, at_ns)

    def _pass_to(self, at: int) -> None:
        """Let time pass; what was on its way arrives when it does."""
        while (next_ns := self.venue.next_ns()) is not None and next_ns <= at:
            self.venue.let_pass(next_ns)
            self._answers()
        self.venue.let_pass(max(at, self.venue.now_ns))
        self.now_ns = max(self.now_ns, at)

    def _answers(self) -> None:
        """Have the engine hear what the venue says now."""
        for event in self.venue.heard():
            self._hear(event)


def _sign(qty: Decimal) -> int:
    return (qty > 0) - (qty < 0)


def _entry_side(ours: Ours) -> int:
    """The side of the resting entries; zero without any."""
    return next((order.side for order in ours.orders if not order.reduce_only), 0)


def _or(column: Any, instead: Any) -> Any:
    if column is None:
        return instead
    return np.where(np.isnan(column), instead, column)


def _cell(column: Any, i: int) -> float | None:
    if column is None:
        return None
    value = float(column[i])
    return None if value != value else value
