"""An exchange with people on it who are called by name: what scenarios and traded figures are told with.

Every trade needs another side: the desk, a rich account without a wish of its own, stands there at any price asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bearskin.exchange._core import Exchange
from bearskin.exchange._state import Account, BracketRow, Contract, Market, Position
from bearskin.exchange._words import (
    AddMargin,
    AnyCommand,
    Cancel,
    Command,
    Deposit,
    Event,
    ListContract,
    OpenAccount,
    Place,
    Refused,
    SetFundingRate,
    SetIndex,
    SetLeverage,
    SetMarginMode,
    SetMark,
    SetPositionMode,
    SettleFunding,
    Tick,
)
from bearskin.terms import SECOND_NS

START_NS = 1_790_000_000 * SECOND_NS
ZERO = Decimal(0)
Row = Sequence[str | int]


def brackets_of(table: Sequence[Row]) -> tuple[BracketRow, ...]:
    """Rows of floor, cap, rate, highest leverage and amount."""
    return tuple(
        BracketRow(floor=Decimal(f), cap=Decimal(c), mmr=Decimal(r), max_leverage=int(x), cum=Decimal(a))
        for f, c, r, x, a in table
    )


def digits(*numbers: str) -> Decimal:
    """The grid that all of them lie on."""
    return Decimal(1).scaleb(-max(len(number.partition(".")[2]) for number in numbers))


class Desk:
    """The exchange, its people and the time; `events` are those of the last command, `story` all of them."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.now_ns = START_NS
        self.people: dict[str, int] = {"fund": 1}
        self.events: list[Event] = []
        self.story: list[Event] = []

    def do(self, kind: type[Command], **words: Any) -> list[Event]:
        """Carry out a command, refused or not."""
        command: AnyCommand = kind(time_ns=self.now_ns, **words)  # type: ignore[assignment]
        self.events = self.exchange.apply(command)
        self.story += self.events
        return self.events

    def must(self, kind: type[Command], **words: Any) -> list[Event]:
        """Carry out a command that has to be taken."""
        events = self.do(kind, **words)
        assert not refused(events), (kind.__name__, words, refused(events))
        return events

    # --- the venue ---------------------------------------------------------------------------------------------------

    def list(self, symbol: str, tick: str | Decimal, step: str | Decimal, table: Sequence[Row], **terms: Any) -> None:
        """List a contract without the filters that only get in the way."""
        tick, step = Decimal(tick), Decimal(step)
        free = {"maker_fee_rate": ZERO, "taker_fee_rate": ZERO, "liquidation_fee_rate": ZERO}
        bounds = {"min_price": tick, "max_price": Decimal(10**9), "min_notional": Decimal("0.00000001")}
        far = {"multiplier_up": Decimal(10), "multiplier_down": Decimal("0.1"), "market_take_bound": Decimal("0.9")}
        sizes = {"min_qty": step, "max_qty": Decimal(10**9), "market_max_qty": Decimal(10**9)}
        values = free | bounds | sizes | far | {name: _number(value) for name, value in terms.items()}
        self.must(
            ListContract,
            contract=Contract(
                symbol=symbol, base=symbol[:-4], quote="USDT", settle="USDT", tick=tick, step=step,
                brackets=brackets_of(table), **values,
            ),
        )  # fmt: skip

    def market(self, symbol: str) -> Market:
        return self.exchange.state.markets[symbol]

    def mark(self, symbol: str, price: str | Decimal | None) -> list[Event]:
        """Pin the mark, which has eight digits."""
        pinned = None if price is None else Decimal(price).quantize(Decimal("1E-8"))
        return self.must(SetMark, symbol=symbol, price=pinned)

    def index(self, symbol: str, price: str | Decimal) -> list[Event]:
        """All spot sources trade at `price`."""
        return self.must(SetIndex, symbol=symbol, prices=dict.fromkeys(("one", "two", "three"), Decimal(price)))

    def fund_rate(self, symbol: str, rate: str) -> list[Event]:
        """Settle funding now at this rate."""
        self.must(SetFundingRate, symbol=symbol, rate=Decimal(rate))
        return self.must(SettleFunding, symbol=symbol)

    def wait(self, seconds: int = 1) -> list[Event]:
        """Let time pass, a second a tick."""
        told: list[Event] = []
        for _ in range(seconds):
            self.now_ns += SECOND_NS
            told += self.must(Tick)
        self.events = told
        return told

    # --- people ------------------------------------------------------------------------------------------------------

    def who(self, name: str) -> int:
        """The number of a person, who is let in at first mention."""
        if name not in self.people:
            self.people[name] = self.exchange.state.next_account
            self.must(OpenAccount, name=name)
            if name == "desk":
                self.must(Deposit, account=self.people[name], amount=Decimal(10) ** 13)
        return self.people[name]

    def account(self, name: str) -> Account:
        return self.exchange.state.accounts[self.who(name)]

    def deposit(self, name: str, amount: str | Decimal) -> None:
        self.must(Deposit, account=self.who(name), amount=Decimal(amount))

    def settings(self, name: str, symbol: str, leverage: int | None = None, isolated: bool | None = None) -> None:
        """Set leverage and margin mode where they differ."""
        account = self.account(name)
        now = account.settings.get(symbol)
        if isolated is not None and isolated != (now is not None and now.isolated):
            self.must(SetMarginMode, account=account.id, symbol=symbol, isolated=isolated)
        if leverage is not None and (now is None or leverage != now.leverage):
            self.must(SetLeverage, account=account.id, symbol=symbol, leverage=leverage)

    def dual(self, name: str) -> None:
        """Hedge mode."""
        self.must(SetPositionMode, account=self.who(name), dual=True)

    def place(self, name: str, symbol: str, side: int, qty: str | Decimal, **words: Any) -> list[Event]:
        """Place an order, taken or refused."""
        words.setdefault("type", "MARKET" if words.get("price") is None else "LIMIT")
        return self.do(Place, account=self.who(name), symbol=symbol, side=side, qty=Decimal(qty), **words)

    def against_desk(self, symbol: str, side: int, qty: Decimal, price: Decimal) -> int:
        """The desk rests an order that somebody else may hit; gives its number."""
        self.settings("desk", symbol, leverage=1)
        self.must(
            Place, account=self.who("desk"), symbol=symbol, side=side, type="LIMIT", qty=qty, price=price
        )  # fmt: skip
        account = self.account("desk")
        return next((n for n in reversed(account.orders) if self.exchange.state.orders[n].symbol == symbol), 0)

    def trade(self, name: str, symbol: str, side: int, qty: str, price: str, **words: Any) -> list[Event]:
        """Buy or sell from the desk at a price: the desk rests first, the person takes."""
        number = self.against_desk(symbol, -side, Decimal(qty), Decimal(price))
        events = self.place(name, symbol, side, qty, price=Decimal(price), tif="IOC", **words)
        if number in self.exchange.state.orders:
            told = self.events
            self.must(Cancel, account=self.who("desk"), symbol=symbol, order_id=number)
            self.events = told
        return events

    def print_last(self, symbol: str, price: str) -> list[Event]:
        """Two strangers trade the smallest piece at a price: the last price, without the mark."""
        step = self.market(symbol).contract.step
        for name in ("walter", "wendy"):
            if name not in self.people:
                self.deposit(name, "1000000")
        self.must(
            Place, account=self.who("walter"), symbol=symbol, side=1, type="LIMIT", qty=step, price=Decimal(price)
        )  # fmt: skip
        return self.must(
            Place, account=self.who("wendy"), symbol=symbol, side=-1, type="LIMIT", qty=step, price=Decimal(price),
            tif="IOC",
        )  # fmt: skip

    # --- what they have ----------------------------------------------------------------------------------------------

    def position(self, name: str, symbol: str, side: str = "BOTH") -> Position | None:
        return self.account(name).positions.get(f"{symbol}/{side}")

    def balance(self, ledger_account: str) -> Decimal:
        return self.exchange.state.ledgers["USDT"].balances.get(ledger_account, ZERO)

    def wallet(self, name: str) -> Decimal:
        """The cross wallet."""
        return self.balance(self.account(name).wallet_name)

    def margin(self, name: str, symbol: str, side: str = "BOTH") -> Decimal:
        """The margin of an isolated position."""
        position = self.position(name, symbol, side)
        return ZERO if position is None else self.balance(position.margin_name)

    def set_margin(self, name: str, symbol: str, margin: str, side: str = "BOTH") -> None:
        """Add or take margin until an isolated position has exactly this."""
        more = Decimal(margin) - self.margin(name, symbol, side)
        if more:
            self.must(AddMargin, account=self.who(name), symbol=symbol, position_side=side, amount=more)


def refused(events: Sequence[Event]) -> Refused | None:
    """The refusal, if it was one."""
    return events[0] if len(events) == 1 and isinstance(events[0], Refused) else None


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value
