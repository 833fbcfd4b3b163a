"""A small exchange for tests of the core: two plain contracts, funded accounts, and short ways to say things."""

from __future__ import annotations

import decimal
from decimal import Decimal

from bearskin.exchange._core import Exchange
from bearskin.exchange._state import BracketRow, Contract, Setting
from bearskin.exchange._words import (
    Amend,
    Cancel,
    CancelAll,
    Deposit,
    ListContract,
    OpenAccount,
    OrderUpdated,
    Place,
    Refused,
)
from bearskin.terms import EXACT

D = Decimal
SECOND = 1_000_000_000
BTC = "BTCUSDT"
ETH = "ETHUSDT"


def contract(symbol: str = BTC, **terms) -> Contract:
    """A contract of tick 0.1 and step 0.001 with two brackets: 100x to 1,000,000, then 10x to 100,000,000."""
    given = {
        "symbol": symbol,
        "base": symbol[:-4],
        "quote": "USDT",
        "settle": "USDT",
        "tick": D("0.1"),
        "step": D("0.001"),
        "min_price": D("0.1"),
        "max_price": D(1_000_000),
        "min_qty": D("0.001"),
        "max_qty": D(10_000),
        "market_max_qty": D(1_000),
        "min_notional": D(5),
        "brackets": (
            BracketRow(floor=D(0), cap=D(1_000_000), mmr=D("0.005"), max_leverage=100, cum=D(0)),
            BracketRow(floor=D(1_000_000), cap=D(100_000_000), mmr=D("0.05"), max_leverage=10, cum=D(45_000)),
        ),
    }
    return Contract(**(given | terms))


class Bench:
    """An exchange whose clock ticks a second at each command; accounts are counted from 0 here."""

    def __init__(self, symbols=(BTC,), accounts: int = 3, money: int = 100_000, mark: int = 100, **terms) -> None:
        self.exchange = Exchange()
        self.floor = self.exchange.floor
        self.state = self.exchange.state
        self.now = SECOND
        for symbol in symbols:
            self.do(ListContract, contract=contract(symbol, **terms))
            self.mark(mark, symbol)
        self.ids = []
        for i in range(accounts):
            self.do(OpenAccount, name=f"trader {i}")
            number = self.state.next_account - 1
            self.ids.append(number)
            if money:
                self.do(Deposit, account=number, amount=D(money))

    def do(self, kind, **words):
        self.now += SECOND
        return self.exchange.apply(kind(time_ns=self.now, **words))

    def mark(self, price, symbol: str = BTC) -> None:
        """Set the mark beside the commands: nobody is looked at."""
        self.state.markets[symbol].mark = None if price is None else D(price)

    def setting(self, i: int, leverage: int = 20, isolated: bool = False, symbol: str = BTC) -> None:
        self.account(i).settings[symbol] = Setting(leverage=leverage, isolated=isolated)

    def account(self, i: int):
        return self.state.accounts[self.ids[i]]

    def wallet(self, i: int, asset: str = "USDT") -> Decimal:
        return self.state.ledgers[asset].balance(self.account(i).wallet_name)

    def balance(self, name: str) -> Decimal:
        return self.state.ledgers["USDT"].balance(name)

    def position(self, i: int, side: str = "BOTH", symbol: str = BTC):
        return self.account(i).positions.get(f"{symbol}/{side}")

    def place(self, i: int, qty, price=None, **words):
        """A limit order, or a market order without a price; a negative quantity sells. Returns the events."""
        qty = D(str(qty))
        return self.do(
            Place,
            account=self.ids[i],
            symbol=words.pop("symbol", BTC),
            side=1 if qty > 0 else -1,
            type="MARKET" if price is None else "LIMIT",
            qty=abs(qty),
            price=None if price is None else D(str(price)),
            **words,
        )

    def order(self, i: int, qty, price=None, **words):
        """As `place`; returns the order as it is told last."""
        events = self.place(i, qty, price, **words)
        assert not isinstance(events[0], Refused), events[0]
        first = next(event.order.id for event in events if isinstance(event, OrderUpdated))
        return [event.order for event in events if isinstance(event, OrderUpdated) and event.order.id == first][-1]

    def cancel(self, i: int, order_id=None, client_id=None, symbol: str = BTC):
        return self.do(Cancel, account=self.ids[i], symbol=symbol, order_id=order_id, client_id=client_id)

    def cancel_all(self, i: int, symbol: str = BTC):
        return self.do(CancelAll, account=self.ids[i], symbol=symbol)

    def amend(self, i: int, order_id, qty, price, **words):
        qty = D(str(qty))
        return self.do(
            Amend,
            account=self.ids[i],
            symbol=BTC,
            side=1 if qty > 0 else -1,
            qty=abs(qty),
            price=D(str(price)),
            order_id=order_id,
            **words,
        )

    def trade(self, buyer: int, seller: int, qty, price, symbol: str = BTC, **words) -> None:
        """`buyer` and `seller` trade with each other."""
        self.place(seller, -D(str(qty)), price, symbol=symbol)
        events = self.place(buyer, qty, price, symbol=symbol, **words)
        assert not isinstance(events[0], Refused), events[0]

    def held(self, symbol: str = BTC) -> list[tuple[str, str]]:
        """The bids and the asks, best first, as text."""
        book = self.floor.books[symbol]
        return [[(f"{price:f}", f"{qty:f}") for price, qty in book.levels(side)] for side in (1, -1)]


def code_of(events) -> int:
    """The code of a refusal; zero when the command was carried out."""
    return events[0].code if events and isinstance(events[0], Refused) else 0


def exact():
    """The context that commands run in, for tests that call inside."""
    return decimal.localcontext(EXACT)


def check_books(bench: Bench) -> None:
    """What holds after every command, counted anew from the open orders and positions."""
    state = bench.state
    with exact():
        for ledger in state.ledgers.values():
            assert ledger.total() == 0
        for symbol, market in state.markets.items():
            held = [p for a in state.accounts.values() for p in a.positions.values() if p.symbol == symbol]
            assert sum(p.qty for p in held) == 0
            assert all(p.qty for p in held)
            assert market.open_interest == sum(p.qty for p in held if p.qty > 0)
            clearing = state.ledgers[market.contract.settle].balance(f"clearing/{symbol}")
            assert clearing == -sum(p.cost for p in held)
        for account in state.accounts.values():
            check_account(bench, account)
        check_levels(bench)


def check_account(bench: Bench, account) -> None:
    state = bench.state
    orders = [order for order in state.orders.values() if order.account == account.id]
    assert [order.id for order in orders] == sorted(account.orders) or {o.id for o in orders} == set(account.orders)
    counts: dict[str, int] = {}
    reserves: dict[str, list[Decimal | int]] = {}
    taken: dict[str, int] = {}
    for order in orders:
        assert order.status in ("NEW", "PARTIALLY_FILLED")
        left = order.qty_steps - order.filled_steps
        assert left > 0
        key = f"{order.symbol}/{order.position_side}"
        counts[order.symbol] = counts.get(order.symbol, 0) + 1
        if order.reduce_only:
            taken[key] = taken.get(key, 0) + left
        else:
            sums = reserves.setdefault(key, [D(0), D(0), 0, 0])
            sums[2 + (order.side < 0)] += left
            sums[order.side < 0] += order.assumed * left * bench.floor.books[order.symbol].step
    assert account.order_counts == counts
    kept = account.reserves.items()
    assert {key: [has.bid, has.ask, has.bid_steps, has.ask_steps] for key, has in kept} == reserves
    assert {key: p.taken_steps for key, p in account.positions.items() if p.taken_steps} == taken
    assert account.client_ids == {order.client_id: order.id for order in orders if order.client_id}
    for key, position in account.positions.items():
        assert key == f"{position.symbol}/{position.side}"
        setting = account.settings.get(position.symbol)
        margin = state.ledgers["USDT"].balance(position.margin_name)
        assert margin >= 0 if setting is not None and setting.isolated else margin == 0


def check_levels(bench: Bench) -> None:
    """The book holds the open orders in order of price and time, and does not cross."""
    for symbol, book in bench.floor.books.items():
        for side in (1, -1):
            orders = [o for o in bench.state.orders.values() if o.symbol == symbol and o.side == side]
            orders.sort(key=lambda order: (-side * order.price_ticks, order.priority))
            half = book.half(side)
            assert [order.id for level in half for order in level.orders.values()] == [order.id for order in orders]
            for level in half:
                assert level.steps == sum(o.qty_steps - o.filled_steps for o in level.orders.values()) > 0
                assert level.price == level.ticks * book.tick
        bid, ask = book.best(1), book.best(-1)
        assert bid is None or ask is None or bid < ask
