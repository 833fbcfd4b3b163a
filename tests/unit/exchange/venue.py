"""A small exchange for tests: one line per deed, people by name, marks and the book in plain numbers."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._core import Exchange
from bearskin.exchange._state import BracketRow, Contract
from bearskin.exchange._words import (
    Deposit,
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
from bearskin.terms import HOUR_NS, SECOND_NS

D = Decimal
START_NS = 20_000 * 24 * HOUR_NS + HOUR_NS  # one in the morning: no settlement is near
# three brackets: 1 % up to 100,000, 2 % up to 500,000, 5 % above
BRACKETS = (
    ("0", "100000", "0.01", 50, "0"),
    ("100000", "500000", "0.02", 20, "1000"),
    ("500000", "1e9", "0.05", 10, "16000"),
)


def contract(symbol="BTCUSDT", brackets=BRACKETS, **terms):
    """A contract without fees and narrow filters; tick 0.1, step 0.001."""
    words = {
        "tick": "0.1", "step": "0.001", "min_price": "0.1", "max_price": "1e7", "min_qty": "0.001", "max_qty": "1e6",
        "market_max_qty": "1e6", "min_notional": "5", "multiplier_up": "10", "multiplier_down": "0.01",
        "market_take_bound": "0.9", "liquidation_fee_rate": "0", "maker_fee_rate": "0", "taker_fee_rate": "0",
    } | terms  # fmt: skip
    words = {name: D(value) if isinstance(value, str) else value for name, value in words.items()}
    rows = tuple(
        BracketRow(floor=D(floor), cap=D(cap), mmr=D(mmr), max_leverage=most, cum=D(cum))
        for floor, cap, mmr, most, cum in brackets
    )
    return Contract(symbol=symbol, base=symbol[:-4], quote="USDT", settle="USDT", brackets=rows, **words)


class Venue:
    """An exchange and its people."""

    def __init__(self, *symbols, **terms):
        self.exchange = Exchange()
        self.now_ns = START_NS
        self.people = {"fund": 1}
        self.events = []
        for symbol in symbols or ("BTCUSDT",):
            self.do(ListContract, contract=contract(symbol, **terms))

    @property
    def state(self):
        return self.exchange.state

    def do(self, kind, /, **words):
        """Carry out a command, which has to be taken, and check that the books are right."""
        events = self.exchange.apply(kind(time_ns=self.now_ns, **words))
        assert not (events and isinstance(events[0], Refused)), events
        self.events = events
        self.check()
        return events

    def refused(self, kind, /, **words):
        """The code a command is refused with."""
        before = self.exchange.state_hash()
        (event,) = self.exchange.apply(kind(time_ns=self.now_ns, **words))
        assert isinstance(event, Refused)
        assert self.exchange.state_hash() == before
        return event.code

    def check(self):
        """Books to zero, longs against shorts, no isolated margin below zero."""
        sums = {}
        for account in self.state.accounts.values():
            for position in account.positions.values():
                held = sums.setdefault(position.symbol, [D(0), D(0)])
                held[0] += position.qty
                held[1] += position.cost
                assert self.balance(position.margin_name) >= 0
        for symbol, (qty, cost) in sums.items():
            assert qty == 0
            assert self.balance(f"clearing/{symbol}") == -cost
        for ledger in self.state.ledgers.values():
            assert ledger.total() == 0

    def balance(self, name):
        ledger = self.state.ledgers.get("USDT")
        return D(0) if ledger is None else ledger.balance(name)

    def account(self, name):
        return self.state.accounts[self.people[name]]

    def join(self, name, amount, *, symbol="BTCUSDT", leverage=None, isolated=False, dual=False, kind="USER"):
        """Open an account with money in it."""
        number = self.people[name] = self.state.next_account
        self.do(OpenAccount, name=name, kind=kind)
        if D(amount):
            self.do(Deposit, account=number, amount=D(amount))
        if dual:
            self.do(SetPositionMode, account=number, dual=True)
        self.settings(name, symbol, leverage, isolated)
        return number

    def settings(self, name, symbol, leverage=None, isolated=False):
        number = self.people[name]
        if isolated:
            self.do(SetMarginMode, account=number, symbol=symbol, isolated=True)
        if leverage is not None:
            self.do(SetLeverage, account=number, symbol=symbol, leverage=leverage)

    def order(self, name, side, qty, price=None, symbol="BTCUSDT", **words):
        return self.do(
            Place, account=self.people[name], symbol=symbol, side=side, type="MARKET" if price is None else "LIMIT",
            qty=D(qty), price=None if price is None else D(price), **words,
        )  # fmt: skip

    def trade(self, buyer, seller, qty, price, symbol="BTCUSDT", buyer_side="BOTH", seller_side="BOTH"):
        """Buyer and seller meet in an empty book."""
        self.order(buyer, 1, qty, price, symbol, position_side=buyer_side)
        self.order(seller, -1, qty, price, symbol, position_side=seller_side)

    def mark(self, price, symbol="BTCUSDT"):
        return self.do(SetMark, symbol=symbol, price=D(price))

    def index(self, price, symbol="BTCUSDT", sources=("one", "two", "three")):
        return self.do(SetIndex, symbol=symbol, prices=dict.fromkeys(sources, D(price)))

    def tick(self, seconds=1):
        """Let time pass in one step."""
        self.now_ns += seconds * SECOND_NS
        return self.do(Tick)

    def settle(self, rate, symbol="BTCUSDT"):
        self.do(SetFundingRate, symbol=symbol, rate=D(rate))
        return self.do(SettleFunding, symbol=symbol)

    def position(self, name, symbol="BTCUSDT", side="BOTH"):
        return self.account(name).positions.get(f"{symbol}/{side}")

    def qty(self, name, symbol="BTCUSDT", side="BOTH"):
        position = self.position(name, symbol, side)
        return D(0) if position is None else position.qty

    def wallet(self, name):
        return self.balance(self.account(name).wallet_name)

    def margin(self, name, symbol="BTCUSDT", side="BOTH"):
        return self.balance(f"{self.account(name).wallet_name}/{symbol}/{side}")

    def fund(self, amount):
        """Money for the insurance fund."""
        self.do(Deposit, account=1, amount=D(amount))

    def of(self, kind):
        """The events of a kind in the last command."""
        return [event for event in self.events if isinstance(event, kind)]
