"""A small exchange to try things on: one line a command, answers as they come."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bearskin.exchange._core import Exchange
from bearskin.exchange._listing import contract_of
from bearskin.exchange._state import Account, Algo, Contract, Order, Position
from bearskin.exchange._words import (
    AddMargin,
    AlgoUpdated,
    AnyCommand,
    CancelAlgo,
    Deposit,
    Event,
    ListContract,
    OpenAccount,
    Place,
    PlaceAlgo,
    Refused,
    SetLeverage,
    SetMarginMode,
    SetMark,
    SetPositionMode,
    Tick,
    Transfer,
)
from bearskin.terms import SECOND_NS, Bracket, Brackets, Instrument, Product

D = Decimal
BTC, ETH = "BTCUSDT", "ETHUSDT"


def instrument(symbol: str = BTC, **changes: Any) -> Instrument:
    """BTCUSDT or ETHUSDT as the venue lists them, in round figures."""
    fields: dict[str, Any] = {
        "venue": "binance", "symbol": symbol, "product": Product.LINEAR, "base": symbol[:3], "quote": "USDT",
        "settle": "USDT", "tick": D("0.1"), "step": D("0.001"), "min_qty": D("0.001"), "min_notional": D(100),
    }  # fmt: skip
    return Instrument(**(fields | changes))


def brackets(symbol: str = BTC) -> Brackets:
    """Three tiers whose amounts follow from their rates: cum 300 = 300,000 x 0.1 %, 1,500 = 300 + 800,000 x 0.15 %."""
    rows = (
        Bracket(floor=D(0), cap=D(300_000), mmr=D("0.004"), max_leverage=100, cum=D(0)),
        Bracket(floor=D(300_000), cap=D(800_000), mmr=D("0.005"), max_leverage=50, cum=D(300)),
        Bracket(floor=D(800_000), cap=D(3_000_000), mmr=D("0.0065"), max_leverage=20, cum=D(1500)),
    )
    return Brackets(venue="binance", symbol=symbol, snapshot="a test", rows=rows)


def contract(symbol: str = BTC, **terms: Any) -> Contract:
    """The terms they are listed on here."""
    return contract_of(instrument(symbol), brackets(symbol), **terms)


class Stage:
    """An exchange with BTCUSDT marked at 60,000, a maker with deep pockets and a trader with 10,000 USDT.

    Methods return the events of their command; `refused` turns a refusal into its code.
    """

    def __init__(self, *, deposit: str = "10000", symbols: tuple[str, ...] = (BTC,)) -> None:
        self.exchange = Exchange()
        self.now_ns = 1_000 * SECOND_NS
        for symbol in symbols:
            self.do(ListContract, contract=contract(symbol))
        self.maker = self.open("maker", "100000000")
        self.trader = self.open("trader", deposit)
        for symbol in symbols:
            self.mark("60000" if symbol == BTC else "3000", symbol)

    # --- saying things

    def do(self, kind: type[Any], /, **fields: Any) -> list[Event]:
        """Apply one command of this kind."""
        command: AnyCommand = kind(time_ns=self.now_ns, **fields)
        return self.exchange.apply(command)

    def refused(self, kind: type[Any], /, **fields: Any) -> int:
        """The code of the refusal of a command, which has to change nothing."""
        before = self.exchange.state_hash()
        events = self.do(kind, **fields)
        assert len(events) == 1, events
        assert isinstance(events[0], Refused), events
        assert self.exchange.state_hash() == before
        return events[0].code

    def open(self, name: str, deposit: str = "0", **fields: Any) -> int:
        """A new account with money in it."""
        number = self.exchange.state.next_account
        self.do(OpenAccount, name=name, **fields)
        if D(deposit):
            self.do(Deposit, account=number, amount=D(deposit))
        return number

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass."""
        self.now_ns += int(seconds * SECOND_NS)
        return self.do(Tick)

    def mark(self, price: str, symbol: str = BTC) -> list[Event]:
        """Pin the mark."""
        return self.do(SetMark, symbol=symbol, price=D(price))

    def limit(self, account: int, side: int, qty: str, price: str, symbol: str = BTC, **fields: Any) -> list[Event]:
        """A limit order."""
        return self.do(
            Place, account=account, symbol=symbol, side=side, type="LIMIT", qty=D(qty), price=D(price), **fields
        )

    def market(self, account: int, side: int, qty: str, symbol: str = BTC, **fields: Any) -> list[Event]:
        """A market order."""
        return self.do(Place, account=account, symbol=symbol, side=side, type="MARKET", qty=D(qty), **fields)

    def trade(self, price: str, symbol: str = BTC, qty: str = "0.002", side: int = 1) -> list[Event]:
        """A trade at `price` between two accounts that do nothing else; `side` is who took."""
        first = self.open("left", "1000000")
        second = self.open("right", "1000000")
        self.limit(first, -side, qty, price, symbol)
        return self.limit(second, side, qty, price, symbol)

    def position_for(self, account: int, qty: str, price: str = "60000", symbol: str = BTC, **fields: Any) -> Position:
        """Give an account a position of signed `qty` at `price`, against the maker."""
        side = 1 if D(qty) > 0 else -1
        amount = str(abs(D(qty)))
        self.limit(self.maker, -side, amount, price, symbol)
        self.limit(account, side, amount, price, symbol, **fields)
        return self.position(account, symbol, fields.get("position_side", "BOTH"))

    def algo(self, type_: str, side: int, **fields: Any) -> list[Event]:
        """A conditional order of the trader's; texts become Decimal."""
        return self.do(PlaceAlgo, **self.algo_fields(type_, side, **fields))

    def algo_refused(self, type_: str, side: int, **fields: Any) -> int:
        """The code of the refusal of a conditional order."""
        return self.refused(PlaceAlgo, **self.algo_fields(type_, side, **fields))

    def algo_fields(self, type_: str, side: int, **fields: Any) -> dict[str, Any]:
        """The fields of a conditional order."""
        numbers = ("qty", "trigger_price", "price", "activate_price", "callback_rate")
        found: dict[str, Any] = {"account": self.trader, "symbol": BTC, "type": type_, "side": side}
        return found | {name: D(value) if name in numbers else value for name, value in fields.items()}

    # --- looking

    def account(self, number: int) -> Account:
        return self.exchange.state.accounts[number]

    def position(self, account: int, symbol: str = BTC, side: str = "BOTH") -> Position:
        return self.account(account).positions[f"{symbol}/{side}"]

    def position_or_none(self, account: int, symbol: str = BTC, side: str = "BOTH") -> Position | None:
        return self.account(account).positions.get(f"{symbol}/{side}")

    def wallet(self, account: int, asset: str = "USDT") -> Decimal:
        return self.exchange.state.ledgers[asset].balance(self.account(account).wallet_name)

    def spot(self, account: int, asset: str = "USDT") -> Decimal:
        return self.exchange.state.ledgers[asset].balance(self.account(account).spot_name)

    def margin(self, account: int, symbol: str = BTC, side: str = "BOTH") -> Decimal:
        return self.exchange.state.ledgers["USDT"].balance(self.position(account, symbol, side).margin_name)

    def only_order(self, account: int) -> Order:
        (number,) = self.account(account).orders
        return self.exchange.state.orders[number]

    def only_algo(self, account: int | None = None) -> Algo:
        (number,) = self.account(account or self.trader).algos
        return self.exchange.state.algos[number]


def of(events: list[Event], kind: type[Any]) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def life(events: list[Event], number: int = 1) -> list[str]:
    """The statuses a conditional order went through."""
    return [event.algo.status for event in of(events, AlgoUpdated) if event.algo.id == number]


__all__ = [
    "BTC", "ETH", "AddMargin", "CancelAlgo", "D", "SetLeverage", "SetMarginMode", "SetPositionMode", "Stage",
    "Transfer", "brackets", "contract", "instrument", "life", "of",
]  # fmt: skip
