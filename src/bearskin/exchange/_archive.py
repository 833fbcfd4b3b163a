"""What the exchange remembers beyond its state: ended orders, fills, incomes, trades and candles, in bounded rings.

It is fed with the events of every batch and asked by the wire. It is part of the snapshot, so a restart forgets
nothing of it; history from before the exchange was started is handed in at each start and is not. Closed candles are no
ring: they go to pages of the journal and are read from there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy.typing as npt

from bearskin.exchange._candles import (
    DAY_MS,
    INTERVALS,
    MINUTE_MS,
    ZERO,
    Candle,
    Interval,
    Kind,
    Seed,
    joined,
    kline,
    seed_of,
    trim,
    window,
)
from bearskin.exchange._holders import note_position, sample
from bearskin.exchange._rows import (
    NS_PER_MS,
    AggRow,
    Day,
    FillRow,
    FundingRow,
    HeldRow,
    IncomeRow,
    MarginRow,
    Shelf,
    Tape,
    TradeRow,
    digits_of,
    id_of,
    page,
    span_ns,
    time_of,
    trade_of,
)
from bearskin.exchange._series import Pages, PageStore, Reader, Series, rows_between
from bearskin.exchange._state import Algo, Order, State
from bearskin.exchange._words import (
    AccountUpdated,
    AlgoUpdated,
    Event,
    FundingSettled,
    Income,
    MarginMoved,
    MarkSet,
    OrderUpdated,
    Traded,
)
from bearskin.terms import QUOTE, BadInput

TRADES_KEPT = 5_000  # of a symbol
FORCED_KEPT = 5_000
FUNDING_KEPT = 2_000  # of a symbol
USER_ROWS = 5_000  # of one account
HOUSE_ROWS = 50  # of a market maker, one of the crowd, the insurance fund
PAGES_AT_ONCE = 8  # a millisecond or two, during which nobody trades
CENT_8 = Decimal("0.00000001")
_OPEN = ("NEW", "PARTIALLY_FILLED")


class _Loose:
    """What is not remembered: where state and pages lie, seeded history, and what can be worked out again."""

    __slots__ = ("days", "funding", "joined", "pages", "seeds", "settled_ms", "state")

    def __init__(self) -> None:
        self.state: State | None = None
        self.pages: Pages | None = None
        self.settled_ms = -1
        self.seeds: dict[tuple[str, str], list[Seed]] = {}
        self.joined: dict[tuple[str, str, str], list[Seed]] = {}
        self.funding: dict[str, list[FundingRow]] = {}
        self.days: dict[str, tuple[tuple[int, int], Candle | None]] = {}


class Archive(msgspec.Struct, dict=True):
    """The history of one exchange. Times asked for are milliseconds of market time, both ends included.

    `take` is given every batch of events with the state after it, in order.
    """

    users: Shelf = msgspec.field(default_factory=lambda: Shelf(USER_ROWS))
    house: Shelf = msgspec.field(default_factory=lambda: Shelf(HOUSE_ROWS))
    tapes: dict[str, Tape] = {}
    forced_orders: list[Order] = []
    next_income: int = 1

    # --- what comes in ------------------------------------------------------------------------------------------------

    def bind(self, state: State, store: PageStore | None = None) -> None:
        """Say where the exchange's state lies, which `take` does too, and where candles go that are closed.

        An archive that was not told where keeps all of them in memory.
        """
        self._loose.state = state
        if store is not None:
            self._loose.pages = Pages(store)

    def take(self, events: Sequence[Event], state: State) -> None:
        """Remember what happened."""
        self._loose.state = state
        takers = _TAKERS
        for event in events:
            taker = takers.get(type(event))
            if taker is not None:
                taker(self, event)

    def settle(self) -> None:
        """Move candles that cannot change any more to the store, a few pages at a time; to be called again and again.

        They leave the memory once they are written. Raises StoreBroken when they cannot be: then they stay, and the
        next minute tries again.
        """
        loose = self._loose
        pages, minute_ms = loose.pages, self._state.time_ns // NS_PER_MS // MINUTE_MS
        if pages is None or minute_ms == loose.settled_ms:
            return
        loose.settled_ms = minute_ms
        names = (
            (f"{symbol}/{kind}", series) for symbol, tape in self.tapes.items() for kind, series in tape.candles.items()
        )
        if pages.settle(names, PAGES_AT_ONCE):
            loose.settled_ms = -1  # there may be more

    def seed_candles(
        self, symbol: str, kind: Kind, columns: Mapping[str, npt.ArrayLike], *, step_ms: int = MINUTE_MS
    ) -> None:
        """Hand in candles from before the start: columns `open_ms`, `open`, `high`, `low`, `close` and, where known,
        `volume`, `quote`, `count`, `buy_volume`, `buy_quote`, oldest first.

        May be called for several lengths of one kind (hours for years, minutes for the last days). Raises BadInput
        when they do not fit together.
        """
        loose = self._loose
        seeds = loose.seeds.setdefault((symbol, kind), [])
        seeds.append(seed_of(step_ms, dict(columns)))
        seeds.sort(key=lambda seed: -seed.step_ms)
        loose.joined = {}
        loose.days = {}

    def seed_funding(self, symbol: str, rows: Sequence[FundingRow]) -> None:
        """Hand in settlements of funding from before the start, oldest first."""
        self._loose.funding[symbol] = list(rows)

    # --- orders and accounts ------------------------------------------------------------------------------------------

    def order(
        self, account: int, symbol: str, order_id: int | None = None, client_id: str | None = None
    ) -> Order | None:
        """An order of an account by either id, open or ended: of several with one client id the open or latest."""
        state = self._state
        holder = state.accounts.get(account)
        if holder is None:
            return None
        number = order_id if order_id is not None else holder.client_ids.get(client_id or "")
        found = state.orders.get(number) if number is not None else None
        if found is not None and found.account == account and found.symbol == symbol:
            return found
        for order in reversed(self._shelf(account).orders.of(account)):
            if (order.id == order_id if order_id is not None else order.client_id == client_id) and (
                order.symbol == symbol
            ):
                return order
        return None

    def orders(
        self,
        account: int,
        symbol: str,
        *,
        order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """Open and ended orders by id: those from `order_id` on, else the last ones placed within the times."""
        state = self._state
        holder = state.accounts.get(account)
        if holder is None:
            return []
        span = span_ns(start_ms, end_ms)
        rows = [*self._shelf(account).orders.of(account), *(state.orders[number] for number in holder.orders)]
        found = [o for o in rows if o.symbol == symbol and span[0] <= o.created_ns < span[1]]
        found.sort(key=lambda order: order.id)
        return page(found, limit, start_ms, order_id, lambda order: order.id)

    def algo(self, account: int, algo_id: int | None = None, client_id: str | None = None) -> Algo | None:
        """A conditional order by either id, waiting or not."""
        state = self._state
        holder = state.accounts.get(account)
        if holder is None:
            return None
        number = algo_id if algo_id is not None else holder.algo_client_ids.get(client_id or "")
        found = state.algos.get(number) if number is not None else None
        if found is not None and found.account == account:
            return found
        for algo in reversed(self._shelf(account).algos.of(account)):
            if algo.id == algo_id if algo_id is not None else algo.client_id == client_id:
                return algo
        return None

    def algos(
        self,
        account: int,
        symbol: str | None = None,
        *,
        algo_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Algo]:
        """Conditional orders by id, waiting and ended: those from `algo_id` on, else the last ones placed."""
        state = self._state
        holder = state.accounts.get(account)
        if holder is None:
            return []
        span = span_ns(start_ms, end_ms)
        waiting = [state.algos[number] for number in holder.algos if number in state.algos]
        rows = {a.id: a for a in (*self._shelf(account).algos.of(account), *waiting)}
        found = [
            a for a in rows.values() if (symbol is None or a.symbol == symbol) and span[0] <= a.created_ns < span[1]
        ]
        found.sort(key=lambda algo: algo.id)
        return page(found, limit, start_ms, algo_id, lambda algo: algo.id)

    def fills(
        self,
        account: int,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[FillRow]:
        """An account's own trades, oldest first: those from trade `from_id` on, else the last ones."""
        span = span_ns(start_ms, end_ms)
        found = [
            row
            for row in self._shelf(account).fills.of(account)
            if row.symbol == symbol
            and (order_id is None or row.order_id == order_id)
            and span[0] <= row.time_ns < span[1]
        ]
        return page(found, limit, start_ms, from_id, lambda row: row.trade_id)

    def income(
        self,
        account: int,
        *,
        symbol: str | None = None,
        type: str | None = None,  # noqa: A002 - the venue's word
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> list[IncomeRow]:
        """Lines of the income history, oldest first: the first from `start_ms` on, else the last ones."""
        span = span_ns(start_ms, end_ms)
        found = [
            row
            for row in self._shelf(account).incomes.of(account)
            if (symbol is None or row.symbol == symbol)
            and (type is None or row.type == type)
            and span[0] <= row.time_ns < span[1]
        ]
        return page(found, limit, start_ms, None, None)

    def margin_moves(
        self,
        account: int,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[MarginRow]:
        """Margin the owner added to or took from isolated positions of a symbol, oldest first."""
        span = span_ns(start_ms, end_ms)
        rows = self._shelf(account).margins.of(account)
        found = [row for row in rows if row.symbol == symbol and span[0] <= row.time_ns < span[1]]
        return page(found, limit, start_ms, None, None)

    def forced(
        self,
        symbol: str | None = None,
        account: int | None = None,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> list[Order]:
        """Ended orders of liquidations and deleveraging, oldest first; which it was says their `origin`."""
        span = span_ns(start_ms, end_ms)
        found = [
            order
            for order in self.forced_orders
            if (symbol is None or order.symbol == symbol)
            and (account is None or order.account == account)
            and span[0] <= order.updated_ns < span[1]
        ]
        return page(found, limit, start_ms, None, None)

    # --- symbols ------------------------------------------------------------------------------------------------------

    def trades(self, symbol: str, limit: int = 500, from_id: int | None = None) -> list[TradeRow]:
        """Public trades, oldest first: those from `from_id` on, else the last ones."""
        tape = self.tapes.get(symbol)
        return page(tape.trades, limit, None, from_id, trade_of) if tape is not None else []

    def agg_trades(
        self,
        symbol: str,
        limit: int = 500,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[AggRow]:
        """Trades of one taker order at one price as one, oldest first."""
        tape = self.tapes.get(symbol)
        if tape is None:
            return []
        span = span_ns(start_ms, end_ms)
        rows = tape.aggs
        low = bisect_left(rows, span[0], key=time_of)
        high = bisect_left(rows, span[1], key=time_of)
        return page(rows[low:high], limit, start_ms, from_id, id_of)

    def funding(
        self, symbol: str | None = None, start_ms: int | None = None, end_ms: int | None = None, limit: int = 100
    ) -> list[FundingRow]:
        """Settlements of funding of one symbol or all, oldest first."""
        span = span_ns(start_ms, end_ms)
        seeds = self._loose.funding
        symbols = [symbol] if symbol is not None else [*dict.fromkeys((*seeds, *self.tapes))]
        found: list[FundingRow] = []
        for name in symbols:
            tape = self.tapes.get(name)
            rows = [*seeds.get(name, ()), *(tape.funding if tape is not None else ())]
            found += [row for row in rows if span[0] <= row.time_ns < span[1]]
        if symbol is None:
            found.sort(key=time_of)
        return page(found, limit, start_ms, None, None)

    def held(
        self, symbol: str, step_ms: int, start_ms: int | None = None, end_ms: int | None = None, limit: int = 30
    ) -> list[HeldRow]:
        """What was held of a symbol at whole multiples of `step_ms`, oldest first; only since the exchange began."""
        tape = self.tapes.get(symbol)
        low, high = start_ms or 0, end_ms if end_ms is not None else 1 << 62
        rows = tape.held if tape is not None else []
        found = [row for row in rows if low <= row.time_ms <= high and not row.time_ms % step_ms]
        return page(found, limit, start_ms, None, None)

    def mark(self, symbol: str) -> MarkSet | None:
        """The last mark of a symbol with everything that goes with it; None before the first."""
        tape = self.tapes.get(symbol)
        return tape.marked if tape is not None else None

    def candles(
        self,
        symbol: str,
        interval: str,
        *,
        kind: Kind = "trade",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
        now_ms: int | None = None,
    ) -> list[Candle]:
        """Candles without gaps, the running one last: from `start_ms` on where it is given, else the last ones.

        Raises BadInput for an interval that the venue does not have.
        """
        found = INTERVALS.get(interval)
        if found is None:
            raise BadInput(f"interval was {interval!r}, must be one of {', '.join(INTERVALS)}")
        return window(
            self._seeds(symbol, kind, found),
            self._reader(symbol, kind, found),
            found,
            self.digits(symbol, kind),
            now_ms=now_ms if now_ms is not None else self._state.time_ns // NS_PER_MS,
            start_ms=start_ms,
            end_ms=end_ms,
            limit=limit,
        )

    def klines(
        self,
        symbol: str,
        interval: str,
        *,
        kind: Kind = "trade",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
        now_ms: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """As `candles`, in the venue's twelve columns."""
        rows = self.candles(symbol, interval, kind=kind, start_ms=start_ms, end_ms=end_ms, limit=limit, now_ms=now_ms)
        price, qty = self.digits(symbol, kind) if kind == "trade" else (8, None)
        found = INTERVALS[interval]
        if found.step_ms:
            return [kline(row, row.open_ms + found.step_ms - 1, price, qty) for row in rows]
        return [kline(row, found.open_ms(found.place(row.open_ms) + 1) - 1, price, qty) for row in rows]

    def ticker(self, symbol: str, now_ms: int | None = None) -> dict[str, Any]:
        """The last 24 hours as the venue's REST tells them."""
        day = self.day(symbol, now_ms)
        price, qty = (f".{digits}f" for digits in self.digits(symbol))
        return {
            "symbol": symbol,
            "priceChange": format(day.change, price),
            "priceChangePercent": format(day.change_rate * 100, ".3f"),
            "weightedAvgPrice": format(day.average, price),
            "lastPrice": format(day.last, price),
            "lastQty": format(day.last_qty, qty),
            "openPrice": format(day.open, price),
            "highPrice": format(day.high, price),
            "lowPrice": format(day.low, price),
            "volume": format(day.volume, qty),
            "quoteVolume": format(day.quote, ".2f"),
            "openTime": day.open_ms,
            "closeTime": day.close_ms,
            "firstId": day.first_id,
            "lastId": day.last_id,
            "count": day.count,
        }

    def day(self, symbol: str, now_ms: int | None = None) -> Day:
        """The last 24 hours, counted in whole minutes; nothing but the last price where nothing traded."""
        if now_ms is None:
            now_ms = self._state.time_ns // NS_PER_MS
        tape = self.tapes.get(symbol)
        whole = self._day(symbol, now_ms)
        if whole is None:
            return self._quiet(symbol, now_ms)
        change = whole.close - whole.open
        return Day(
            symbol=symbol,
            open=whole.open,
            high=whole.high,
            low=whole.low,
            last=whole.close,
            last_qty=tape.trades[-1].qty if tape is not None and tape.trades else ZERO,
            average=QUOTE.divide(whole.quote, whole.volume) if whole.volume else whole.close,
            change=change,
            change_rate=QUOTE.divide(change, whole.open) if whole.open else ZERO,
            volume=whole.volume,
            quote=whole.quote,
            open_ms=max(0, now_ms - now_ms % MINUTE_MS - DAY_MS),
            close_ms=now_ms,
            first_id=whole.first_id,
            last_id=whole.last_id,
            count=whole.count,
        )

    def pulse(self, symbol: str, kind: Kind = "trade") -> tuple[int, int]:
        """What changes with every price noted: the running minute and how often it was set in it."""
        series = self._series(symbol, kind)
        running = series.running() if series is not None else None
        return (running.open_ms, running.count) if running is not None else (0, 0)

    def digits(self, symbol: str, kind: Kind = "trade") -> tuple[int, int]:
        """Digits behind the point of prices and quantities of a symbol; of marks and the like eight."""
        market = self._state.markets.get(symbol)
        if kind != "trade" or market is None:
            return 8, 8
        return digits_of(market.contract.tick), digits_of(market.contract.step)

    # --- parts --------------------------------------------------------------------------------------------------------

    @property
    def _loose(self) -> _Loose:
        found = self.__dict__.get("loose")
        if found is None:
            found = self.__dict__["loose"] = _Loose()
        assert isinstance(found, _Loose)
        return found

    @property
    def _state(self) -> State:
        state = self._loose.state
        assert state is not None, "the archive has not been told where the state lies"
        return state

    def _shelf(self, account: int) -> Shelf:
        holder = self._state.accounts.get(account)
        return self.users if holder is not None and holder.kind == "USER" else self.house

    def _tape(self, symbol: str) -> Tape:
        tape = self.tapes.get(symbol)
        if tape is None:
            tape = self.tapes[symbol] = Tape()
        return tape

    def _series(self, symbol: str, kind: str) -> Series | None:
        tape = self.tapes.get(symbol)
        return tape.candles.get(kind) if tape is not None else None

    def _reader(self, symbol: str, kind: str, interval: Interval) -> Reader | None:
        series = self._series(symbol, kind)
        if series is None:
            return None
        return Reader(f"{symbol}/{kind}", series, series.layer_for(interval), self._loose.pages)

    def _seeds(self, symbol: str, kind: Kind, interval: Interval) -> list[Seed]:
        loose = self._loose
        seeds = loose.seeds.get((symbol, kind))
        if not seeds:
            return []
        key = (symbol, kind, interval.name)
        found = loose.joined.get(key)
        if found is None:
            made = [joined(seed, interval) for seed in seeds]
            found = loose.joined[key] = [seed for seed in made if seed is not None]
        return found

    def _day(self, symbol: str, now_ms: int) -> Candle | None:
        """Everything of the last 24 hours as one candle; what is closed is kept from one call to the next."""
        start_ms = now_ms - now_ms % MINUTE_MS - DAY_MS
        series = self._series(symbol, "trade")
        running = series.running() if series is not None else None
        key = (start_ms, running.open_ms if running is not None else -1)
        days = self._loose.days
        kept = days.get(symbol)
        if kept is None or kept[0] != key:
            whole = self._seeded_day(symbol, start_ms, now_ms)
            name, pages = f"{symbol}/trade", self._loose.pages
            for row in rows_between(name, series, pages, start_ms, key[1]) if series is not None else ():
                if whole is None:
                    whole = row.at(row.open_ms)
                else:
                    whole.join(row)
            kept = days[symbol] = (key, whole)
        closed = kept[1]
        if running is None or running.open_ms < start_ms:
            return closed
        if closed is None:
            return running
        whole = closed.at(closed.open_ms)
        whole.join(running)
        return whole

    def _seeded_day(self, symbol: str, start_ms: int, now_ms: int) -> Candle | None:
        seeds = self._loose.seeds.get((symbol, "trade"))
        if not seeds:
            return None
        finest = seeds[-1]
        low, high = (int(place) for place in finest.open_ms.searchsorted((start_ms, now_ms)))
        return finest.whole(low, high, self.digits(symbol)) if low < high else None

    def _quiet(self, symbol: str, now_ms: int) -> Day:
        market = self._state.markets.get(symbol)
        last = market.last_price if market is not None and market.last_price is not None else ZERO
        return Day(
            symbol=symbol, open=last, high=last, low=last, last=last, last_qty=ZERO, average=last, change=ZERO,
            change_rate=ZERO, volume=ZERO, quote=ZERO, open_ms=max(0, now_ms - now_ms % MINUTE_MS - DAY_MS),
            close_ms=now_ms, first_id=-1, last_id=-1, count=0,
        )  # fmt: skip


# --- one function for each event that is remembered ------------------------------------------------------------------


def _take_order(archive: Archive, event: OrderUpdated) -> None:
    order, fill = event.order, event.fill
    if fill is None and order.status == "NEW":
        return
    account = order.account
    shelf = archive._shelf(account)
    if fill is not None:
        row = FillRow(
            fill.trade_id, order.id, order.symbol, order.side, order.position_side, fill.price, fill.qty,
            fill.price * fill.qty, fill.fee, fill.realised, fill.maker, event.time_ns,
        )  # fmt: skip
        shelf.fills.add(account, row, shelf.kept)
    if order.status in _OPEN:
        return
    shelf.orders.add(account, order, shelf.kept)
    if order.origin in ("LIQUIDATION", "ADL") and order.filled_steps:
        archive.forced_orders.append(order)
        trim(archive.forced_orders, FORCED_KEPT)


def _take_algo(archive: Archive, event: AlgoUpdated) -> None:
    algo = event.algo
    if algo.status == "NEW":
        return
    shelf = archive._shelf(algo.account)
    rows = shelf.algos.by_account.get(algo.account, [])
    for place in range(len(rows) - 1, max(-1, len(rows) - 1000), -1):
        if rows[place].id == algo.id:
            rows[place] = algo
            return
    shelf.algos.add(algo.account, algo, shelf.kept)


def _take_trade(archive: Archive, event: Traded) -> None:
    tape = archive.tapes.get(event.symbol)
    if tape is None:
        tape = archive._tape(event.symbol)
    price, qty, trade_id, time_ns = event.price, event.qty, event.trade_id, event.time_ns
    quote = price * qty
    trades = tape.trades
    trades.append(TradeRow(trade_id, price, qty, quote, time_ns, event.buyer_is_maker))
    trim(trades, TRADES_KEPT)
    series = tape.candles.get("trade")
    if series is None:
        series = tape.series("trade")
    candle = series.note(time_ns // NS_PER_MS, price)
    candle.volume += qty
    candle.quote += quote
    candle.count += 1
    candle.last_id = trade_id
    if candle.first_id < 0:
        candle.first_id = trade_id
    if not event.buyer_is_maker:
        candle.buy_volume += qty
        candle.buy_quote += quote
    aggs = tape.aggs
    if aggs:
        last = aggs[-1]
        if last.taker_order == event.taker_order and last.price == price and last.time_ns == time_ns:
            last.qty += qty
            last.last_id = trade_id
            return
    aggs.append(AggRow(tape.next_agg, price, qty, trade_id, trade_id, time_ns, event.buyer_is_maker, event.taker_order))
    tape.next_agg += 1
    trim(aggs, TRADES_KEPT)


def _take_mark(archive: Archive, event: MarkSet) -> None:
    tape = archive._tape(event.symbol)
    tape.marked = event
    mark, index = event.mark, event.index
    time_ms = event.time_ns // NS_PER_MS
    sample(tape, archive._state.accounts, time_ms, mark)
    tape.series("mark").note(time_ms, mark).count += 1
    if index > 0:
        tape.series("index").note(time_ms, index).count += 1
        premium = QUOTE.quantize(QUOTE.divide(mark, index) - 1, CENT_8)
        tape.series("premium").note(time_ms, premium).count += 1


def _take_positions(archive: Archive, event: AccountUpdated) -> None:
    for position in event.positions:
        note_position(archive._tape(position.symbol), event.account, position)


def _take_funding(archive: Archive, event: FundingSettled) -> None:
    rows = archive._tape(event.symbol).funding
    rows.append(FundingRow(event.symbol, event.rate, event.mark, event.time_ns))
    trim(rows, FUNDING_KEPT)


def _take_income(archive: Archive, event: Income) -> None:
    number = archive.next_income
    archive.next_income = number + 1
    shelf = archive._shelf(event.account)
    row = IncomeRow(
        number, event.type, event.asset, event.amount, event.symbol, event.trade_id, event.info, event.time_ns
    )
    shelf.incomes.add(event.account, row, shelf.kept)


def _take_margin(archive: Archive, event: MarginMoved) -> None:
    shelf = archive._shelf(event.account)
    row = MarginRow(event.symbol, event.position_side, event.amount, event.asset, event.time_ns)
    shelf.margins.add(event.account, row, shelf.kept)


_TAKERS: dict[type[Event], Callable[[Archive, Any], None]] = {
    OrderUpdated: _take_order,
    AlgoUpdated: _take_algo,
    Traded: _take_trade,
    MarkSet: _take_mark,
    FundingSettled: _take_funding,
    Income: _take_income,
    MarginMoved: _take_margin,
    AccountUpdated: _take_positions,
}
