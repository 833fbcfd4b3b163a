"""The demo exchange's core as a venue in process: commands in, answers out, after a latency that may be nothing.

The book is empty but for our own orders. When one of ours is to trade, a maker shows exactly what it needs at exactly
the price the road says, and takes back what is left: no spread, no queue, no impact. Prices are kept on a finer grid
than the instrument's tick, so that slippage and liquidation prices need not be rounded to it.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from bearskin.backtest._core_words import Units, algo_now, order_now, told
from bearskin.backtest._symbols import Symbol
from bearskin.exchange import Exchange, contract_of, words
from bearskin.margin import liquidation_price, quoting, tiers_of
from bearskin.terms import (
    EXACT,
    QUOTE,
    AccountNow,
    AddMargin,
    Amend,
    Answered,
    AnyCommand,
    AnyEvent,
    Cancel,
    Funded,
    MarginMode,
    Place,
    PlaceStop,
    PositionNow,
    SetLeverage,
    SetMarginMode,
)

FUND, BOT, MAKER, TAKER = 1, 2, 3, 4  # account numbers
ZERO, ONE = Decimal(0), Decimal(1)
CENT_8 = Decimal("0.00000001")
CAPITAL = Decimal(10**12)
# our own orders decide where trades happen: the venue's bounds around mark are out of the way
WIDE: dict[str, Any] = {
    "min_notional": ZERO, "max_price": Decimal(10**9), "multiplier_up": Decimal(1000), "multiplier_down": ZERO,
    "market_take_bound": Decimal("0.999"), "max_orders": 1000, "max_algos": 1000,
}  # fmt: skip
UNKNOWN_ORDER = "-2011"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long a command is on its way and how long its answer, each with a seeded part of up to `jitter_ns` on top."""

    there_ns: int = 0
    back_ns: int = 0
    jitter_ns: int = 0
    seed: int = 7

    @property
    def none(self) -> bool:
        """Whether everything arrives at once."""
        return not (self.there_ns or self.back_ns or self.jitter_ns)


@dataclass(slots=True, kw_only=True)
class Ours:
    """What the bot holds in a symbol now: signed coins and their cost, its resting orders, its stops."""

    qty: Decimal
    cost: Decimal
    margin: Decimal
    orders: list[Any]
    algos: list[Any]

    @property
    def idle(self) -> bool:
        """Whether there is nothing a price could do anything to."""
        return not (self.qty or self.orders or self.algos)


@dataclass(order=True, slots=True)
class Mail:
    """A command on its way to the venue, or an answer on its way back."""

    at_ns: int
    number: int
    command: AnyCommand | None = field(compare=False, default=None)
    event: AnyEvent | None = field(compare=False, default=None)


class CoreVenue:
    """The core with one account of ours in it. `ref` is what each symbol trades at now; no entry: no market.

    `entered` is called when a position has just come to be, with its symbol.
    """

    def __init__(
        self,
        symbols: Sequence[Symbol],
        rates: dict[str, tuple[Decimal, Decimal]],
        *,
        equity: Decimal,
        slip: Decimal,
        start_ns: int,
        latency: Latency,
    ) -> None:
        """`rates` are taker and maker fee of each symbol, `slip` the fraction by which market orders fill worse."""
        self.exchange = Exchange()
        self.ref: dict[str, Decimal] = {}
        self.entered: Callable[[str], None] = lambda _: None
        self.now_ns = start_ns
        self.tiers = {symbol.name: tiers_of(symbol.brackets, Decimal) for symbol in symbols}
        self.units: dict[str, Units] = {}
        self.modes = {symbol.name: MarginMode.CROSS for symbol in symbols}
        self._asset = symbols[0].panel.instrument.settle if symbols else "USDT"
        self._slip = slip
        self._latency = latency
        self._dice = random.Random(latency.seed)
        self._mail: list[Mail] = []
        self._number = 0
        self._last_ns: dict[str, int] = {}
        self._heard: list[AnyEvent] = []
        self._waiting: list[Place] = []
        self._open(symbols, rates, equity, start_ns)

    # --- the bot's side ----------------------------------------------------------------------------------------------

    def send(self, command: AnyCommand) -> None:
        """Send a command; its answers are in `heard` at once, or when `let_pass` has come so far."""
        if self._latency.none:
            self._carry_out(command)
            return
        at_ns = max(self.now_ns + self._delay(self._latency.there_ns), self._last_ns.get(command.symbol, 0))
        self._last_ns[command.symbol] = at_ns  # one wire for each symbol: nothing overtakes
        self._post(Mail(at_ns, 0, command=command))

    def heard(self) -> list[AnyEvent]:
        """What has arrived since the last time."""
        events, self._heard = self._heard, []
        return events

    def next_ns(self) -> int | None:
        """When the next command or answer arrives; None when nothing is on its way."""
        return self._mail[0].at_ns if self._mail else None

    def let_pass(self, until_ns: int) -> None:
        """Let time pass up to `until_ns`: what arrives by then does."""
        while self._mail and self._mail[0].at_ns <= until_ns:
            mail = heapq.heappop(self._mail)
            self.now_ns = max(self.now_ns, mail.at_ns)
            if mail.command is not None:
                self._carry_out(mail.command)
            elif mail.event is not None:
                self._heard.append(mail.event)
        self.now_ns = max(self.now_ns, until_ns)

    def account_now(self) -> AccountNow:
        """Everything the account holds."""
        state = self.exchange.state
        account = state.accounts[BOT]
        return AccountNow(
            time_ns=self.now_ns,
            wall_ns=self.now_ns,
            asset=self._asset,
            wallet=self.wallet(),
            available=self._ledger().balance(account.wallet_name) - self._reserved(),
            positions=tuple(self._position_now(position) for position in account.positions.values()),
            orders=(
                *(order_now(state.orders[n], self.units[state.orders[n].symbol]) for n in account.orders),
                *(algo_now(state.algos[n]) for n in account.algos),
            ),
            asked_wall_ns=self.now_ns,
        )

    # --- the market's side -------------------------------------------------------------------------------------------

    def ours(self, symbol: str) -> Ours:
        """What the bot has in a symbol."""
        state = self.exchange.state
        account = state.accounts[BOT]
        position = account.positions.get(f"{symbol}/BOTH")
        return Ours(
            qty=ZERO if position is None else position.qty,
            cost=ZERO if position is None else position.cost,
            margin=ZERO if position is None else self._ledger().balance(position.margin_name),
            orders=[order for n in account.orders if (order := state.orders[n]).symbol == symbol],
            algos=[algo for n in account.algos if (algo := state.algos[n]).symbol == symbol],
        )

    def mark(self, symbol: str) -> Decimal | None:
        """The mark the core judges by."""
        found: Decimal | None = self.exchange.state.markets[symbol].mark
        return found

    def set_mark(self, symbol: str, price: Decimal) -> None:
        """Pin the mark; whatever that sets off happens."""
        if price != self.mark(symbol):
            self._tell(self._apply(words.SetMark(time_ns=self.now_ns, symbol=symbol, price=price)))

    def settle(self, symbol: str, rate: Decimal, settled_ns: int) -> None:
        """Settle funding at the present mark; it is told with the moment it belongs to."""
        self._apply(words.SetFundingRate(time_ns=self.now_ns, symbol=symbol, rate=rate))
        events = self._apply(words.SettleFunding(time_ns=self.now_ns, symbol=symbol))
        for event in told(events, BOT, self.units, self._reserved(), self.now_ns):
            self._answer(msgspec.structs.replace(event, time_ns=settled_ns) if isinstance(event, Funded) else event)

    def sweep(self, order: Any) -> None:
        """Trade through a resting order of ours: it fills whole, at its price."""
        units = self.units[order.symbol]
        flat = not self.ours(order.symbol).qty
        taking = words.Place(
            time_ns=self.now_ns, account=TAKER, symbol=order.symbol, side=-order.side, type="LIMIT", tif="IOC",
            qty=(order.qty_steps - order.filled_steps) * units.step, price=order.price_ticks * units.tick,
        )  # fmt: skip
        self._tell(self._apply(taking))
        if flat and self.ours(order.symbol).qty:
            self.entered(order.symbol)

    def offer(self, symbol: str, side: int, price: Decimal, qty: Decimal) -> None:
        """Show `qty` to whoever trades on `side` (+1: buys) at `price`, until `withdraw`."""
        self._apply(
            words.Place(
                time_ns=self.now_ns, account=MAKER, symbol=symbol, side=-side, type="LIMIT", qty=qty, price=price
            )
        )

    def withdraw(self, symbol: str) -> None:
        """Take back what has not been traded of what was shown."""
        self._apply(words.CancelAll(time_ns=self.now_ns, account=MAKER, symbol=symbol))

    def print_last(self, symbol: str, side: int, price: Decimal) -> None:
        """Make `price` the last one: the smallest of trades, by a taker on `side`, with what is shown at it."""
        qty = self.exchange.state.markets[symbol].contract.min_qty
        taking = words.Place(
            time_ns=self.now_ns, account=TAKER, symbol=symbol, side=side, type="LIMIT", tif="IOC", qty=qty, price=price
        )
        self._tell(self._apply(taking))

    def worse(self, symbol: str, price: Decimal, side: int) -> Decimal:
        """What a market order on `side` pays when the price is `price`: slippage against it."""
        return self.on_grid(symbol, QUOTE.multiply(price, ONE + side * self._slip))

    def on_grid(self, symbol: str, price: Decimal) -> Decimal:
        """The nearest price that can be traded at."""
        tick = self.units[symbol].tick
        return EXACT.multiply(QUOTE.divide(price, tick).to_integral_value(ROUND_HALF_EVEN), tick)

    def liquidation(self, symbol: str) -> Decimal | None:
        """The mark at which the isolated position of a symbol is liquidated, eight digits, beyond rather than before.

        None without one: no position, no margin of its own, or no such price.
        """
        ours = self.ours(symbol)
        if not ours.qty or not ours.margin:
            return None
        with quoting():
            price = liquidation_price(self.tiers[symbol], ours.qty, ours.cost, ours.margin)
        if price <= 0:
            return None
        return price.quantize(CENT_8, ROUND_CEILING if ours.qty < 0 else ROUND_FLOOR, QUOTE)

    def market_opens(self, symbol: str, price: Decimal) -> None:
        """There is a price again: market orders that wait for one trade."""
        self.ref[symbol] = price
        waiting = [command for command in self._waiting if command.symbol == symbol]
        self._waiting = [command for command in self._waiting if command.symbol != symbol]
        for command in waiting:
            self._carry_out(command)

    def wallet(self) -> Decimal:
        """The money of the account, isolated margins included, without open profit."""
        state, ledger = self.exchange.state, self._ledger()
        account = state.accounts[BOT]
        margins = [ledger.balance(position.margin_name) for position in account.positions.values()]
        total: Decimal = sum(margins, ledger.balance(account.wallet_name))
        return total

    def books_sum(self) -> Decimal:
        """What all accounts of the exchange sum to: zero."""
        total: Decimal = self._ledger().total()
        return total

    # --- inside ------------------------------------------------------------------------------------------------------

    def _open(
        self, symbols: Sequence[Symbol], rates: dict[str, tuple[Decimal, Decimal]], equity: Decimal, at: int
    ) -> None:
        commands: list[Any] = []
        for symbol in symbols:
            taker, maker = rates[symbol.name]
            tick = _fine_tick(symbol)
            self.units[symbol.name] = Units(tick=tick, step=symbol.panel.instrument.step)
            terms = {**WIDE, "tick": tick, "min_price": tick, "taker_fee_rate": taker, "maker_fee_rate": maker}
            contract = contract_of(symbol.panel.instrument, symbol.brackets, **terms)
            commands.append(words.ListContract(time_ns=at, contract=contract))
        commands += [
            words.Deposit(time_ns=at, account=FUND, amount=CAPITAL, asset=self._asset),
            words.OpenAccount(time_ns=at, name="bot"),
            words.Deposit(time_ns=at, account=BOT, amount=equity, asset=self._asset),
        ]
        for number, name in ((MAKER, "maker"), (TAKER, "taker")):
            commands += [
                words.OpenAccount(time_ns=at, name=name, kind="MAKER"),
                words.Deposit(time_ns=at, account=number, amount=CAPITAL, asset=self._asset),
            ]
            commands += [words.SetLeverage(time_ns=at, account=number, symbol=s.name, leverage=1) for s in symbols]
        for command in commands:
            self._apply(command)

    def _apply(self, command: Any) -> list[Any]:
        events = self.exchange.apply(command)
        if isinstance(events[0] if events else None, words.Refused) and getattr(command, "account", BOT) != BOT:
            raise AssertionError(f"the market's own {command} was refused: {events[0]}")
        return events

    def _tell(self, events: list[Any]) -> None:
        for event in told(events, BOT, self.units, self._reserved(), self.now_ns):
            self._answer(event)

    def _answer(self, event: AnyEvent) -> None:
        if self._latency.none:
            self._heard.append(event)
            return
        at_ns = max(self.now_ns + self._delay(self._latency.back_ns), self._last_ns.get("", 0))
        self._last_ns[""] = at_ns
        self._post(Mail(at_ns, 0, event=msgspec.structs.replace(event, wall_ns=at_ns)))

    def _delay(self, base_ns: int) -> int:
        return base_ns + (self._dice.randint(0, self._latency.jitter_ns) if self._latency.jitter_ns else 0)

    def _post(self, mail: Mail) -> None:
        self._number += 1
        mail.number = self._number
        heapq.heappush(self._mail, mail)

    def _carry_out(self, command: AnyCommand) -> None:
        if isinstance(command, Place) and command.symbol not in self.ref:
            self._waiting.append(command)  # there is no market now: the order lies at the venue's door
            return
        if isinstance(command, Place):
            flat = not self.ours(command.symbol).qty
            self._place(command, flat)
            if flat and self.ours(command.symbol).qty:
                self.entered(command.symbol)
            return
        if isinstance(command, PlaceStop):
            self._steady(command)
        if isinstance(command, SetMarginMode):
            self.modes[command.symbol] = command.margin_mode
        self._answered(command, self._apply(self._translated(command)))

    def _place(self, command: Place, flat: bool) -> None:
        symbol, ref = command.symbol, self.ref[command.symbol]
        side = 1 if command.qty > 0 else -1
        if flat or self.mark(symbol) is None:
            self.set_mark(symbol, ref)
        order = words.Place(
            time_ns=self.now_ns, account=BOT, symbol=symbol, side=side, qty=abs(command.qty), price=command.price,
            type="MARKET" if command.price is None else "LIMIT", tif="GTX" if command.post_only else "GTC",
            position_side=command.leg, reduce_only=command.reduce_only, client_id=command.client_id,
        )  # fmt: skip
        if command.price is None:
            self.offer(symbol, side, self.worse(symbol, ref, side), abs(command.qty))
        self._answered(command, self._apply(order))
        if command.price is None:
            self.withdraw(symbol)

    def _steady(self, command: PlaceStop) -> None:
        """What is decided at the close of a bar is there before the next one's mark: see the road."""
        symbol, side = command.symbol, 1 if command.qty > 0 else -1
        market = self.exchange.state.markets[symbol]
        latest = market.mark if command.by == "mark" else market.last_price
        if latest is None or (latest - command.trigger) * side < 0:
            return
        if command.by == "mark":
            self.set_mark(symbol, command.trigger - side * CENT_8)
        else:
            before = command.trigger - side * self.units[symbol].tick
            self.offer(symbol, side, before, market.contract.min_qty)
            self.print_last(symbol, side, before)

    def _translated(self, command: AnyCommand) -> Any:
        at: dict[str, Any] = {"time_ns": self.now_ns, "account": BOT}
        if isinstance(command, PlaceStop):
            return words.PlaceAlgo(
                **at, symbol=command.symbol, side=1 if command.qty > 0 else -1, type="STOP_MARKET",
                trigger_price=command.trigger, qty=abs(command.qty), reduce_only=command.leg == "BOTH",
                position_side=command.leg, by_mark=command.by == "mark", client_id=command.client_id,
            )  # fmt: skip
        if isinstance(command, Cancel):
            if command.conditional:
                return words.CancelAlgo(**at, client_id=command.client_id)
            return words.Cancel(**at, symbol=command.symbol, client_id=command.client_id)
        if isinstance(command, Amend):
            return words.Amend(
                **at, symbol=command.symbol, price=command.price, qty=abs(command.qty),
                side=1 if command.qty > 0 else -1, client_id=command.client_id,
            )  # fmt: skip
        if isinstance(command, SetLeverage):
            return words.SetLeverage(**at, symbol=command.symbol, leverage=command.leverage)
        if isinstance(command, SetMarginMode):
            isolated = command.margin_mode is MarginMode.ISOLATED
            return words.SetMarginMode(**at, symbol=command.symbol, isolated=isolated)
        assert isinstance(command, AddMargin)
        return words.AddMargin(**at, symbol=command.symbol, position_side=command.leg, amount=command.amount)

    def _answered(self, command: AnyCommand, events: list[Any]) -> None:
        refused = events[0] if events and isinstance(events[0], words.Refused) else None
        client_id = getattr(command, "client_id", "")
        first = next((e for e in events if isinstance(e, words.OrderUpdated | words.AlgoUpdated)), None)
        order = None
        if isinstance(first, words.OrderUpdated) and first.order.account == BOT:
            order = order_now(first.order, self.units[command.symbol])
        elif isinstance(first, words.AlgoUpdated):
            order = algo_now(first.algo)
        self._answer(
            Answered(
                time_ns=self.now_ns,
                wall_ns=self.now_ns,
                symbol=command.symbol,
                client_id=client_id,
                what=type(command).__name__,
                act_id=getattr(command, "act_id", ""),
                outcome="accepted" if refused is None else "rejected",
                code="" if refused is None else str(refused.code),
                message="" if refused is None else refused.message,
                order=order,
            )
        )
        if refused is None:
            self._tell(events)

    def _reserved(self) -> Decimal:
        account = self.exchange.state.accounts[BOT]
        total = ZERO
        for key, reserve in account.reserves.items():
            setting = account.settings.get(key.partition("/")[0])
            leverage = 20 if setting is None else setting.leverage
            total += max(reserve.bid, reserve.ask) / leverage
        return total

    def _ledger(self) -> Any:
        return self.exchange.state.ledgers[self._asset]

    def _position_now(self, position: Any) -> PositionNow:
        setting = self.exchange.state.accounts[BOT].settings.get(position.symbol)
        return PositionNow(
            symbol=position.symbol,
            qty=position.qty,
            entry=position.cost / position.qty if position.qty else ZERO,
            leg=position.side,
            mark=self.mark(position.symbol),
            margin_mode=MarginMode.ISOLATED if setting is not None and setting.isolated else MarginMode.CROSS,
            leverage=Decimal(20 if setting is None else setting.leverage),
            margin=self._ledger().balance(position.margin_name) or None,
            liquidation_price=self.liquidation(position.symbol),
        )


def _fine_tick(symbol: Symbol) -> Decimal:
    """The finest price at which every quantity is worth a whole number of 1e-8; never coarser than the panel's."""
    instrument = symbol.panel.instrument
    exponent = instrument.step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    finest = ONE.scaleb(-min(max(8 + exponent, 0), 8))
    return min(finest, instrument.tick / symbol.course.through)
