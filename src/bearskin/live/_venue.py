"""`CcxtVenue`: commands out through ccxt, and what became of them; a lost answer is an answer too ("unknown")."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from bearskin.live._budget import Budget, Orders
from bearskin.live._ccxt import load_ccxt, venue_error
from bearskin.live._dialects import Answer, Call, Dialect, State, Traded, own_name
from bearskin.live._history import Past, history_of, market_now_ns
from bearskin.live._markets import instruments_of
from bearskin.live._sends import point_of, reduces
from bearskin.live._skew import MarketClock, Skew
from bearskin.market import Panel
from bearskin.risk import Approved
from bearskin.terms import (
    MINUTE_NS,
    SECOND_NS,
    AccountNow,
    Amend,
    Answered,
    AnyCommand,
    AnyEvent,
    Brackets,
    Cancel,
    Filled,
    Instrument,
    MarginMode,
    OrderChanged,
    OrderNow,
    Place,
    PlaceStop,
    PositionNow,
    SetLeverage,
    SetMarginMode,
    Throttled,
    UnknownSymbol,
    our_id,
)

MS: Final = 1_000_000
MARGIN_NS: Final = 2 * SECOND_NS  # for clocks that differ and a venue that is slow to show what it has taken
KEPT: Final = 4_000  # names of orders and fills that are remembered
OVERLAP_NS: Final = 2 * MINUTE_NS
SETTING_TRIES: Final = 3
ROOM_S: Final = 3.0  # so long may an entry wait for room among the orders that the venue takes


class Remembered(OrderedDict[str, Any]):
    """The newest entries only."""

    def keep(self, name: str, value: Any) -> None:
        """Remember, and forget the oldest where there are too many."""
        self[name] = value
        self.move_to_end(name)
        while len(self) > KEPT:
            self.popitem(last=False)


class CcxtVenue:
    """One account at one venue; `await open()` first, `await close()` at the end.

    `exchange` is an asynchronous ccxt (ccxt.pro) exchange whose own throttle is off.
    """

    def __init__(
        self,
        dialect: Dialect,
        exchange: Any,
        symbols: Sequence[str],
        *,
        clock: MarketClock,
        settle: str = "USDT",
        budget: Budget | None = None,
    ) -> None:
        self.dialect, self.exchange, self.clock = dialect, exchange, clock
        self.symbols = tuple(symbols)
        self.settle = settle
        self.budget = budget or Budget(clock.wall_ns)
        self.orders = Orders(clock.wall_ns)
        self.accepts_ns, self.margin_ns = dialect.able.late_ms * MS, MARGIN_NS
        self.skew = Skew()
        self.markets: dict[str, Traded] = {}
        self.by_unified: dict[str, Traded] = {}
        self.dual = False
        self._settings: dict[str, tuple[MarginMode, int]] = {}
        self._orders = Remembered()  # ours by client id, as last heard
        self._names = Remembered()  # client ids by the venue's number
        self._fills = Remembered()  # trade ids that were told
        self._asked_ns: int | None = None
        self.past: Past | None = None  # what `history` was told before, where that is kept
        self.known_bars: dict[tuple[str, str], int] = {}  # the open of the last candle that `history` gave
        self.begins_ns = 0  # what this run was not told yet begins here
        self.began_ns = 0  # the run itself; 0 while it is new
        self.paid_ns: Mapping[str, int] = {}  # the newest funding that the run was told

    @property
    def _wall_ns(self) -> Callable[[], int]:
        return self.clock.wall_ns

    async def open(self) -> None:
        """Load the markets, the clock's skew and the position mode.

        Raises VenueBroken or VenueRejected when the venue does not answer, UnknownSymbol for a symbol it has not.
        """
        try:
            await self.measure_skew()
            if not self.markets:
                await self.exchange.load_markets()
                self._take_markets()
                if (call := self.dialect.limits_of()) is not None:
                    self.orders.limited(self.dialect.limits_in(await call.on(self.exchange)))
            # market time: on a demo exchange it is not what the wall says
            self.clock.heard(await market_now_ns(self, self.markets[self.symbols[0]]))
            self.dual = self.dialect.dual_of(
                await self.dialect.mode_of(self.markets[self.symbols[0]]).on(self.exchange)
            )
        except load_ccxt().BaseError as error:
            raise venue_error(error, venue=self.dialect.venue) from error

    def _take_markets(self) -> None:
        for market in self.exchange.markets.values():
            if not (market.get("swap") and market.get("linear") and market.get("settle") == self.settle):
                continue
            if own_name(market) in self.symbols or market["symbol"] in self.symbols:
                traded = self.dialect.traded(market)
                self.markets[traded.symbol] = self.by_unified[traded.unified] = traded
        missing = [name for name in self.symbols if name not in self.markets and name not in self.by_unified]
        if missing:
            raise UnknownSymbol(f"{self.dialect.venue} has no {self.settle} perpetual {', '.join(missing)}")
        self.symbols = tuple(self.markets)

    def include(self, symbols: Iterable[str], *, began_ns: int = 0, paid_ns: Mapping[str, int] | None = None) -> None:
        """Cover these as well: what is open in a symbol has to be looked after, whether or not it is still traded.

        Funding is asked for since `paid_ns`, by symbol, or since `began_ns`, when the run began.
        """
        self.began_ns, self.paid_ns = began_ns, dict(paid_ns or {})
        missing = [symbol for symbol in symbols if symbol not in self.markets]
        if missing:
            self.symbols = (*self.symbols, *missing)
            self._take_markets()

    async def close(self) -> None:
        """Let go of every connection."""
        await self.exchange.close()

    async def measure_skew(self) -> int:
        """Ask for the venue's time; our clock's lead in nanoseconds, which from then on our signatures leave out."""
        if not self.exchange.has.get("fetchTime"):
            return 0
        sent_ns = self._wall_ns()
        venue_ms = int(await self.exchange.fetch_time())
        skew_ns = self.skew.asked(sent_ns, venue_ms * MS, self._wall_ns())
        self.exchange.options["timeDifference"] = round(skew_ns / MS)
        return skew_ns

    # --- commands out -------------------------------------------------------------------------------------------------

    async def send(self, approved: Approved[AnyCommand]) -> Sequence[AnyEvent]:
        """Carry a command out; what became of it. Never raises for what the world does."""
        command = approved.command
        market = self.markets.get(command.symbol)
        if market is None:
            return [
                self._told(command, Answer(outcome="rejected", code="local", message="the symbol is not traded here"))
            ]
        if isinstance(command, Place | Amend) and not reduces(command) and not await self._has_room():
            words = "the venue's limit of orders leaves no room for an entry"
            return [
                self._told(command, Answer(outcome="rejected", code="not-sent", reason="rate-limit", message=words))
            ]
        if self.budget.silent:
            return self._silenced(command)
        calls = self.dialect.requests_of(command, market, self._state(command.symbol))
        if isinstance(calls, Answer):
            return [self._told(command, calls)]
        tries = SETTING_TRIES if isinstance(command, SetLeverage | SetMarginMode) else 1
        result: Any = None
        for call in calls:
            if isinstance(command, Place | PlaceStop | Amend):
                self.orders.sent()
            answer, result = await self._called(call, tries)
            if answer.outcome != "accepted":
                return await self._refused(command, answer)
            self.orders.counted(getattr(self.exchange, "last_response_headers", None))
        return self._accepted(command, market, result)

    async def _has_room(self) -> bool:
        """Wait until the venue takes one more entry; False where that would be too long."""
        ends_ns = self._wall_ns() + int(ROOM_S * SECOND_NS)
        while wait_s := self.orders.wait_s():
            if self._wall_ns() + wait_s * SECOND_NS > ends_ns:
                return False
            await asyncio.sleep(wait_s)
        return True

    async def _called(self, call: Call, tries: int = 1) -> tuple[Answer, Any]:
        """One call; settings, which are the same when made twice, are made again when the answer was lost."""
        for attempt in range(1, tries + 1):
            try:
                return Answer(outcome="accepted"), await call.on(self.exchange)
            except Exception as error:  # noqa: BLE001 - whatever it was, the request may have gone out
                answer = self.dialect.answer_of(error)
                if answer.outcome != "unknown":
                    return answer, None
                if attempt < tries:
                    await asyncio.sleep(0.2 * attempt)
        if tries > 1:
            answer = Answer(outcome="rejected", code="lost", message=answer.message)
        return answer, None

    def _accepted(self, command: AnyCommand, market: Traded, result: Any) -> list[AnyEvent]:
        order: OrderNow | None = None
        if isinstance(command, SetLeverage):
            self._settings[command.symbol] = (command.margin_mode, command.leverage)
        elif isinstance(command, SetMarginMode):
            self._settings[command.symbol] = (command.margin_mode, self._settings.get(command.symbol, (None, 1))[1])
        elif isinstance(command, Place | PlaceStop | Amend | Cancel) and isinstance(result, Mapping):
            try:
                order = self._order_of(command, market, result)
            except Exception as error:  # noqa: BLE001 - it was taken: what became of it is asked for
                return [self._told(command, _unread(error))]
        return [self._told(command, Answer(outcome="accepted"), order)]

    def _order_of(self, command: Place | PlaceStop | Amend | Cancel, market: Traded, result: Any) -> OrderNow | None:
        """The order in an answer, made whole by what is known of it: venues answer sparsely."""
        if isinstance(command, Cancel | Amend) and command.client_id not in self._orders and not result.get("amount"):
            return None
        order = self.dialect.order_after(command, result, market, self._state(command.symbol))
        self.heard_order(order)
        return order

    async def _refused(self, command: AnyCommand, answer: Answer) -> list[AnyEvent]:
        told: list[AnyEvent] = []
        if answer.reason in ("rate-limit", "banned"):
            told.append(self._throttled(answer))
        if answer.reason == "clock":
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._measure_again()))
        client_id = getattr(command, "client_id", "")
        if answer.reason == "duplicate-id" and isinstance(command, Place | PlaceStop):
            found = await self.ask(
                command.symbol, client_id, conditional=isinstance(command, PlaceStop), issued_wall_ns=self._wall_ns()
            )
            return [*told, *found]
        told.append(self._told(command, answer))
        if answer.reason == "unknown-order" and isinstance(command, Cancel) and client_id:
            # it is gone: how it went, a cancel's refusal does not say
            found = await self.ask(
                command.symbol, client_id, conditional=command.conditional, issued_wall_ns=self._wall_ns()
            )
            told += [
                OrderChanged(time_ns=event.time_ns, wall_ns=event.wall_ns, order=event.order)
                for event in found
                if isinstance(event, Answered) and event.order is not None
            ]
        return told

    async def _measure_again(self) -> None:
        try:
            await self.measure_skew()
        except load_ccxt().BaseError:
            return

    def _silenced(self, command: AnyCommand) -> list[AnyEvent]:
        """Nothing goes out while the venue wants silence; what reduces is kept by who sends (`Sends`)."""
        answer = Answer(outcome="rejected", code="silenced", reason="rate-limit", message="the venue wants silence")
        until_ns = self.budget.silent_until_wall_ns
        throttled = Throttled(time_ns=self.clock.now_ns(), wall_ns=self._wall_ns(), until_wall_ns=until_ns)
        return [throttled, self._told(command, answer)]

    def _throttled(self, answer: Answer) -> Throttled:
        until_ns = self.budget.told_off(
            banned=answer.reason == "banned",
            headers=getattr(self.exchange, "last_response_headers", None),
            until_wall_ms=answer.until_wall_ms,
        )
        return Throttled(
            time_ns=self.clock.now_ns(), wall_ns=self._wall_ns(), until_wall_ns=until_ns, detail=answer.message
        )

    def _told(self, command: AnyCommand, answer: Answer, order: OrderNow | None = None) -> Answered:
        words = "would trigger immediately: " if answer.reason == "would-trigger" else ""
        return Answered(
            time_ns=self.clock.now_ns(),
            wall_ns=self._wall_ns(),
            symbol=command.symbol,
            client_id=getattr(command, "client_id", ""),
            what=type(command).__name__,
            act_id=getattr(command, "act_id", ""),
            outcome=answer.outcome,
            code=answer.code,
            message=words + answer.message,
            order=order,
        )

    def _state(self, symbol: str) -> State:
        mode, leverage = self._settings.get(symbol, (MarginMode.ISOLATED, 1))
        return State(dual=self.dual, margin_mode=mode, leverage=leverage, orders=self._orders)

    # --- questions ----------------------------------------------------------------------------------------------------

    async def ask(self, symbol: str, client_id: str, *, conditional: bool, issued_wall_ns: int) -> Sequence[AnyEvent]:
        """Ask once what became of an order; absent only when the venue could no longer come to accept it."""
        market = self.markets[symbol]
        outcome, order, throttled = "absent", None, []
        for call in self.dialect.ask_of(market, client_id, conditional=conditional, state=self._state(symbol)):
            answer, result = await self.question(call)
            if answer.outcome == "accepted":
                try:
                    order = self._found(result, market, client_id)
                except Exception:  # noqa: BLE001 - an answer that cannot be read proves nothing
                    outcome = "unknown"
                if order is not None:
                    break
            elif answer.reason in ("rate-limit", "banned"):
                throttled, outcome = [self._throttled(answer)], "unknown"
            elif answer.reason != "unknown-order":
                outcome = "unknown"
        if order is not None:
            outcome = "accepted"
        elif outcome == "absent" and self._wall_ns() - issued_wall_ns <= self.accepts_ns + self.margin_ns:
            outcome = "unknown"
        answered = Answered(
            time_ns=self.clock.now_ns(), wall_ns=self._wall_ns(), symbol=symbol, client_id=client_id,
            what="PlaceStop" if conditional else "Place", outcome=outcome, order=order,  # type: ignore[arg-type]
        )  # fmt: skip
        return [*throttled, answered]

    async def question(self, call: Call) -> tuple[Answer, Any]:
        """Ask something that changes nothing, within the budget."""
        await self.budget.ask(call.method)
        return await self._called(call)

    def _found(self, result: Any, market: Traded, client_id: str) -> OrderNow | None:
        rows = result if isinstance(result, list) else [result]
        for row in rows:
            order = self.dialect.order_now(row, market)
            if order.client_id == client_id or (len(rows) == 1 and not isinstance(result, list)):
                order = order if order.client_id else replace(order, client_id=client_id)
                self.heard_order(order)
                return order
        return None

    async def account(self, since_ns: int | None = None) -> Sequence[AnyEvent]:
        """Missed fills and funding since then, then one `AccountNow`; nothing when the venue could not be asked."""
        asked_wall_ns, asked_ns = self._wall_ns(), self.clock.now_ns()
        from_ns = since_ns if since_ns is not None else self._asked_ns
        if not self.begins_ns:
            self.begins_ns = from_ns if from_ns is not None else asked_ns
        if from_ns is not None:
            from_ns = max(from_ns, self.begins_ns)  # what was before is none of this run's
        told: list[AnyEvent] = []
        if from_ns is not None:
            found = await asyncio.gather(*(self._missed(self.markets[symbol], from_ns) for symbol in self.symbols))
            told += sorted((fill for fills in found for fill in fills or ()), key=lambda fill: fill.time_ns)
            if None in found:
                return told
        now = await self._account_now(asked_wall_ns)
        if now is None:
            return told
        self._asked_ns = asked_ns - OVERLAP_NS
        return [*told, now]

    async def _account_now(self, asked_wall_ns: int) -> AccountNow | None:
        markets = [self.markets[symbol] for symbol in self.symbols]
        asked = [(market, call) for market in markets for call in self.dialect.open_orders_of(market)]
        (known, positions), (got, balance), *rows = await asyncio.gather(
            self.question(self.dialect.positions_of(markets)),
            self.question(self.dialect.balance_of()),
            *(self.question(call) for _, call in asked),
        )
        if known.outcome != "accepted" or got.outcome != "accepted":
            return None
        orders: list[OrderNow] = []
        failed: dict[str, None] = {}
        for (market, _), (answer, found) in zip(asked, rows, strict=True):
            if answer.outcome == "accepted":
                orders += [self.dialect.order_now(row, market) for row in found]
            else:
                failed[f"orders:{market.symbol}"] = None
        for order in orders:
            self.heard_order(order)
        wallet = self.dialect.balance_now(balance, self.settle, time_ns=self.clock.now_ns(), wall_ns=self._wall_ns())
        return AccountNow(
            time_ns=wallet.time_ns, wall_ns=wallet.wall_ns, asset=self.settle, wallet=wallet.wallet,
            available=wallet.available, positions=tuple(self._positions(positions)), orders=tuple(orders),
            asked_wall_ns=asked_wall_ns, dual=self.dual, failed=tuple(failed),
        )  # fmt: skip

    def _positions(self, rows: Sequence[Mapping[str, Any]]) -> list[PositionNow]:
        found: list[PositionNow] = []
        for row in rows:
            market = self.by_unified.get(str(row["symbol"]))
            position = self.dialect.position_now(row, market) if market is not None else None
            if position is not None:
                found.append(position)
        return found

    async def _missed(self, market: Traded, from_ns: int) -> list[Filled] | None:
        """Fills of a symbol that were not told yet, oldest first; None when they could not be had."""
        told: list[Filled] = []
        since_ms = from_ns // MS
        while True:
            newest_ms, full = since_ms, False
            for call in self.dialect.fills_of(market, since_ms):
                answer, rows = await self.question(call)
                if answer.reason == "filter":
                    break  # a symbol that has left the venue has no fills, and must not hide the other symbols'
                if answer.outcome != "accepted":
                    return None
                rows = self.dialect.trades_in(rows)
                told += [fill for row in rows if (fill := await self.fill_of(row, market)) is not None]
                newest_ms = max(newest_ms, *(int(row["timestamp"]) for row in rows), 0)
                full = full or len(rows) >= self.dialect.able.fills_page
            if not full or newest_ms <= since_ms:
                return sorted(told, key=lambda fill: fill.time_ns)
            since_ms = newest_ms

    async def new_fills(self) -> list[AnyEvent]:
        """Fills that were not told yet, for venues whose streams do not tell them."""
        from_ns = self._asked_ns if self._asked_ns is not None else self.clock.now_ns() - OVERLAP_NS
        told = [await self._missed(market, from_ns) for market in self.markets.values()]
        return [fill for fills in told for fill in fills or ()]

    # --- what was heard -----------------------------------------------------------------------------------------------

    def heard_order(self, order: OrderNow) -> None:
        """Remember the names of an order, for fills and questions that have only one of them."""
        if order.client_id:
            if our_id(order.client_id) is not None:
                self._orders.keep(order.client_id, order)
            if not (order.conditional and self.dialect.stops_apart):  # a fill names the ordinary order
                self._names.keep(order.venue_id, order.client_id)
            if order.child_id:
                self._names.keep(order.child_id, order.client_id)

    def fill_heard(self, row: Mapping[str, Any], market: Traded) -> Filled | None:
        """A fill in our words; None when it was told before."""
        trade_id = f"{market.symbol}:{row['id']}"
        if trade_id in self._fills:
            return None
        self._fills.keep(trade_id, True)
        return self.dialect.fill_of(row, market, wall_ns=self._wall_ns(), client_ids=self._names)

    async def fill_of(self, row: Mapping[str, Any], market: Traded) -> Filled | None:
        """The same, and where nothing is known of its order the venue is asked for the name of that."""
        fill = self.fill_heard(row, market)
        if fill is not None and not fill.client_id and fill.venue_id:
            call = Call(method="fetch_order", args=(fill.venue_id, market.unified), writes=False)
            answer, result = await self.question(call)
            if answer.outcome == "accepted":
                name = self.dialect.client_id_of(result)
                self._names.keep(fill.venue_id, name)
                # the dialect tells a forced close by the name of its order
                named = {**row, "info": {**row["info"], "clientOrderId": name}}
                fill = self.dialect.fill_of(named, market, wall_ns=self._wall_ns(), client_ids=self._names)
        return fill

    # --- the market ---------------------------------------------------------------------------------------------------

    async def instruments(self, symbols: Sequence[str]) -> dict[str, tuple[Instrument, Brackets | None]]:
        """The filters, fees and brackets of symbols, as the venue states them now."""
        return await instruments_of(self, symbols)

    async def history(self, symbol: str, interval: str, bars: int) -> Panel:
        """The last complete bars of a symbol; raises VenueBroken or VenueRejected when they cannot be had."""
        panel = await history_of(self, symbol, interval, bars)
        self.known_bars[symbol, interval] = int(panel.time_ns[-1])
        return panel


def _unread(error: Exception) -> Answer:
    """What is said of an order whose answer came and cannot be read."""
    return Answer(outcome="unknown", code="unread", message=f"the answer cannot be read: {error!r}")


__all__ = ["CcxtVenue", "point_of", "reduces"]
