"""A second, simple model of the exchange: it believes only what the events say, and looks whether that is so.

Positions, money, open orders and the book are kept from the events alone in plain dictionaries and compared with the
exchange's own. It shares no code with the core: maintenance is summed bracket by bracket as a tax is, a realised profit
is worked out in fractions, the open orders are counted one by one.
"""

from __future__ import annotations

import decimal
import functools
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from model.margins import DUST as CLOSE
from model.margins import ROUGH, free, is_isolated, most_needed, tax, winners

from bearskin.exchange._core import Exchange
from bearskin.exchange._words import (
    AccountOpened,
    AccountUpdated,
    AlgoUpdated,
    AnyCommand,
    Deleveraged,
    Event,
    FundingSettled,
    Income,
    LevelChanged,
    Liquidating,
    MarkSet,
    OrderUpdated,
    Place,
    Refused,
    SetMark,
    Tick,
    Traded,
)

ZERO = Decimal(0)
ROUNDING = decimal.Context(prec=60)
EXACT = decimal.Context(prec=80, traps=[decimal.Inexact, decimal.InvalidOperation])
DIGIT = Decimal("0.00000001")
DUST = Fraction(1, 2 * 10**8)  # half of the last digit of an amount
FUND = 1
# what the fee tiers used here pay of the contract's rates
MAKER_SHARE = {0: "1", 1: "0.8", 2: "0.7", 3: "0.6", 6: "0.3", 9: "0"}
TAKER_SHARE = {0: "1", 1: "0.8", 2: "0.7", 3: "0.64", 6: "0.5", 9: "0.34"}
OPEN = ("NEW", "PARTIALLY_FILLED")


class Wrong(AssertionError):
    """The books and the events tell different stories."""


def claim(true: bool, story: str, *facts: Any) -> None:
    """Raise Wrong unless `true`."""
    if not true:
        raise Wrong(story + ": " + ", ".join(map(str, facts)))


def exactly(method: Any) -> Any:
    """Run a method in a context of its own in which nothing may be rounded silently."""

    @functools.wraps(method)
    def run(self: Auditor, *args: Any) -> None:
        with decimal.localcontext(EXACT):
            method(self, *args)

    return run


def sane(number: Decimal | None) -> bool:
    """Whether it can be reckoned with."""
    return number is not None and number.is_finite() and 0 < number < 10**15


class Auditor:
    """Follows the events of one exchange; `step` after every command, `audit` now and then."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.money: dict[int, Decimal] = {}
        self.held: dict[tuple[int, str, str], tuple[Decimal, Decimal]] = {}
        self.orders: dict[int, Any] = {}
        self.algos: dict[int, Any] = {}
        self.marks: dict[str, Decimal] = {}
        self.arrived: dict[int, int] = {}  # when an open order last took its place in the queue
        self.levels: dict[str, dict[tuple[int, Decimal], Decimal]] = {}
        self.trades: dict[str, int] = {}
        self.touched: dict[int, None] = {}
        self.traded: dict[int, None] = {}
        self.wallets_before: dict[int, Decimal] = {}
        self.spared: dict[int, bool] = {}  # whom the command liquidated, and whether isolated only
        self.owed: dict[tuple[int, str], list[Decimal]] = {}
        self.means: tuple[Decimal, Decimal] | None = None
        self.deleveraged: list[Deleveraged] = []
        self.ranks: dict[int, dict[int, Decimal]] = {}
        self.arrivals = 0
        self.ticked = False
        self.able_before = ZERO
        self.counts: dict[str, int] = {}
        self.refusals: dict[int, int] = {}

    # --- what happened -----------------------------------------------------------------------------------------------

    def before(self, command: AnyCommand) -> None:
        """Note what must not be touched by others (the cross wallets), and what an order has to work with."""
        state, books = self.exchange.state, self.exchange.state.ledgers
        balances = books["USDT"].balances if "USDT" in books else {}
        self.wallets_before = {i: balances.get(a.wallet_name, ZERO) for i, a in state.accounts.items()}
        self.means = None
        self.ticked = isinstance(command, Tick)
        self.able_before = self._able() if self.ticked else ZERO
        self.deleveraged = []
        self.ranks = {}
        if isinstance(command, SetMark) and sane(command.price) and command.symbol in state.markets:
            with decimal.localcontext(ROUGH):
                self.ranks = {sign: winners(state, command.symbol, sign, command.price) for sign in (1, -1)}
        if isinstance(command, Place) and command.symbol in state.markets and sane(command.qty):
            account = state.accounts.get(command.account)
            if account is None or (command.price is not None and not sane(command.price)):
                return
            with decimal.localcontext(ROUGH):
                needed = ZERO if state.markets[command.symbol].mark is None else most_needed(state, account, command)
                self.means = (free(state, account), needed) if needed else None

    @exactly
    def follow(self, command: AnyCommand, events: Sequence[Event]) -> None:
        """Take in the events of one command and check each against what is known."""
        self.traded = {}
        self.touched = {getattr(command, "account", FUND): None}
        if events and isinstance(events[0], Refused):
            claim(len(events) == 1, "a refusal is the only event", events)
            self.refusals[events[0].code] = self.refusals.get(events[0].code, 0) + 1
            if events[0].code == -2019 and self.means is not None:
                have, needed = self.means
                claim(have < needed + CLOSE, "only who has too little is refused for it", command, have, needed)
            return
        told: dict[tuple[str, int], list[OrderUpdated]] = {}
        public: list[Traded] = []
        for event in events:
            kind = type(event).__name__
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if isinstance(event, OrderUpdated):
                if event.fill is not None:
                    self._filled(event, told)
                self._order(event)
            elif isinstance(event, LevelChanged):
                self._level(event)
            elif isinstance(event, MarkSet):
                self.marks[event.symbol] = event.mark
            elif isinstance(event, FundingSettled):
                self._settling(event)
            elif isinstance(event, Income):
                self.money[event.account] = self.money.get(event.account, ZERO) + event.amount
                claim(not event.amount % DIGIT, "amounts have eight digits", event)
                if event.type == "FUNDING_FEE":
                    self._paid(event)
            elif isinstance(event, Traded):
                public.append(event)
                claim(event.trade_id > self.trades.get(event.symbol, 0), "trades are numbered as they happen", event)
                self.trades[event.symbol] = event.trade_id
            elif isinstance(event, AlgoUpdated):
                self._algo(event)
            elif isinstance(event, Deleveraged):
                self._deleveraged(event)
            elif isinstance(event, AccountUpdated):
                self._told(event)
            elif isinstance(event, Liquidating):
                self._liquidating(command, event)
            elif isinstance(event, AccountOpened):
                claim(event.account not in self.money, "an account is opened once", event)
                self.money[event.account] = ZERO
        self._two_sides(told, public)
        self._afforded(command, events)
        if isinstance(command, Tick):
            self._due()
        self._ranked(command, events)

    def _order(self, event: OrderUpdated) -> None:
        order = event.order
        self.touched[order.account] = None
        known = self.orders.get(order.id)
        if event.execution in ("NEW", "AMENDMENT"):
            self.arrived[order.id] = self.arrivals = self.arrivals + 1
        if order.status in OPEN:
            claim(order.filled_steps < order.qty_steps, "an open order has something left", order)
            self.orders[order.id] = order
        else:
            self.orders.pop(order.id, None)
            self.arrived.pop(order.id, None)
        if order.tif == "FOK" and order.status != "NEW":
            part = event.execution == "TRADE" and order.status == "PARTIALLY_FILLED"
            claim(part or order.status == "FILLED", "all or nothing", order)
        if event.execution == "NEW":
            claim(known is None and order.filled_steps == 0, "an order is new once", order)
        elif known is not None and event.execution != "AMENDMENT":
            claim(known.price_ticks == order.price_ticks, "a price changes by amendment only", known, order)

    def _filled(self, event: OrderUpdated, told: dict[tuple[str, int], list[OrderUpdated]]) -> None:
        order, fill = event.order, event.fill
        assert fill is not None
        told.setdefault((order.symbol, fill.trade_id), []).append(event)
        market = self.exchange.state.markets[order.symbol]
        terms = market.contract
        price = order.price_ticks * terms.tick
        if order.price_ticks and order.origin != "ADL":
            claim((price - fill.price) * order.side >= 0, "nobody pays worse than his limit", order, fill)
        if fill.maker:
            claim(fill.price == price, "a trade is at the maker's price", order, fill)
            self._first_in_line(order)
        if order.origin in ("USER", "ALGO", "ADL"):
            self.traded[order.account] = None
        if not fill.maker and order.origin in ("USER", "ALGO"):
            claim(order.tif != "GTX", "post-only never takes", order, fill)
            if order.type == "MARKET":
                beyond = (fill.price - self.marks[order.symbol]) * order.side
                bound = self.marks[order.symbol] * terms.market_take_bound
                claim(beyond <= bound, "a market order goes no further from mark than it may", order, fill)
        before = self.held.get((order.account, order.symbol, order.position_side), (ZERO, ZERO))
        qty = fill.qty * order.side
        if order.reduce_only or order.origin == "LIQUIDATION":
            claim(before[0] * qty < 0 and abs(qty) <= abs(before[0]), "reduce-only only reduces", order, before)
        self.fill(order.account, order.symbol, order.position_side, qty, fill.price, fill.realised)
        rate = self._rate(terms, order.account, fill.maker)
        if order.origin in ("USER", "ALGO"):
            fee = (fill.price * fill.qty * rate).quantize(Decimal("1E-8"), decimal.ROUND_HALF_EVEN, ROUNDING)
            claim(fill.fee == fee, "the fee is the rate on the value", fill, fee, rate)

    def _rate(self, terms: Any, account: int, maker: bool) -> Decimal:
        tier = self.exchange.state.accounts[account].fee_tier
        share = (MAKER_SHARE if maker else TAKER_SHARE)[tier]
        return (terms.maker_fee_rate if maker else terms.taker_fee_rate) * Decimal(share)

    def _first_in_line(self, maker: Any) -> None:
        """Nobody on the maker's side has a better price, or the same price and came earlier."""
        for order in self.orders.values():
            if order.symbol != maker.symbol or order.side != maker.side or order.id == maker.id:
                continue
            better = (order.price_ticks - maker.price_ticks) * maker.side
            ahead = better > 0 or (better == 0 and self.arrived[order.id] < self.arrived[maker.id])
            claim(not ahead, "price, then time", order, maker)

    def fill(self, account: int, symbol: str, side: str, qty: Decimal, price: Decimal, realised: Decimal) -> None:
        """A position after a fill of signed `qty`; the profit told must be the closed share's, to half a digit."""
        key = (account, symbol, side)
        held, cost = self.held.get(key, (ZERO, ZERO))
        closed = min(abs(qty), abs(held)) if held * qty < 0 else ZERO
        exact = Fraction(0)
        if closed:
            sign = 1 if held > 0 else -1
            exact = Fraction(price) * Fraction(closed) * sign - Fraction(cost) * Fraction(closed) / Fraction(abs(held))
        claim(
            abs(Fraction(realised) - exact) <= DUST, "the realised profit is the closed share's", key, realised, exact
        )
        left = held + qty
        if left:
            self.held[key] = (left, cost + qty * price + realised)
        else:
            claim(cost + qty * price + realised == 0, "a closed position costs nothing", key)
            self.held.pop(key, None)
        self.touched[account] = None

    def _level(self, event: LevelChanged) -> None:
        levels = self.levels.setdefault(event.symbol, {})
        if event.qty:
            levels[event.side, event.price] = event.qty
        else:
            levels.pop((event.side, event.price), None)

    def _algo(self, event: AlgoUpdated) -> None:
        algo = event.algo
        self.touched[algo.account] = None
        if algo.status == "NEW":
            self.algos[algo.id] = algo
        else:
            self.algos.pop(algo.id, None)

    def _deleveraged(self, event: Deleveraged) -> None:
        """A winner gives up what a bankrupt account could not close."""
        claim(event.account != event.counterparty, "nobody is deleveraged against himself", event)
        self.deleveraged.append(event)

    def _ranked(self, command: AnyCommand, events: Sequence[Event]) -> None:
        """Those with the highest scores are deleveraged first; looked at where it was done in a single step.

        A second step of one liquidation ranks anew those that the first has already taken from.
        """
        if not self.deleveraged or not self.ranks or not isinstance(command, SetMark):
            return
        forced = [e.account for e in events if isinstance(e, Liquidating)]
        others = any(isinstance(e, Traded) for e in events) or any(e.symbol != command.symbol for e in self.deleveraged)
        if len(forced) != 1 or others:
            return
        taken = [e.account for e in self.deleveraged if e.account != FUND]
        orders = [e.order for e in events if isinstance(e, OrderUpdated) and e.order.origin == "ADL"]
        side = {i: score for i, score in self.ranks[-orders[0].side].items() if i not in forced}
        scores = [side[i] for i in taken]
        claim(scores == sorted(scores, reverse=True), "the highest score comes first", taken, side)
        spared = [score for i, score in side.items() if i not in taken]
        claim(max(spared, default=ZERO) <= scores[-1], "no higher score is spared", taken, side)
        self.counts["rankings"] = self.counts.get("rankings", 0) + 1

    def _told(self, event: AccountUpdated) -> None:
        """What the owner is told is what he has."""
        self.touched[event.account] = None
        account = self.exchange.state.accounts[event.account]
        for now in event.positions:
            held = account.positions.get(f"{now.symbol}/{now.side}")
            have = (ZERO, ZERO) if held is None else (held.qty, held.cost)
            claim(have == (now.qty, now.cost), "a position is told as it is", now, have)
        for balance in event.balances:
            book = self.exchange.state.ledgers[balance.asset].balances
            claim(balance.cross_wallet == book.get(account.wallet_name, ZERO), "a wallet is told as it is", balance)

    def _liquidating(self, command: AnyCommand, event: Liquidating) -> None:
        account = self.exchange.state.accounts[event.account]
        self.touched[event.account] = None
        if isinstance(command, SetMark):
            isolated = is_isolated(account, event.symbol)
            self.spared[event.account] = isolated and self.spared.get(event.account, True)

    def _two_sides(self, told: dict[tuple[str, int], list[OrderUpdated]], public: list[Traded]) -> None:
        """Every trade has a buyer and a seller who were told the same, and the public was told once."""
        for trade in public:
            sides = told.pop((trade.symbol, trade.trade_id), [])
            claim(len(sides) == 2, "a trade has two sides", trade, sides)
            one, other = sides
            claim(one.order.side == -other.order.side, "one buys, one sells", trade)
            taker = one.order if one.order.id == trade.taker_order else other.order
            own = one.order.account == other.order.account
            claim(
                not own or taker.self_trade == "NONE", "nobody trades with himself unless he asked for it", one, other
            )
            for side in sides:
                assert side.fill is not None
                claim((side.fill.price, side.fill.qty) == (trade.price, trade.qty), "both told the same", trade, side)
                buyer_made = (side.order.side > 0) == side.fill.maker
                claim(buyer_made == trade.buyer_is_maker, "who was there first", trade, side)
        for (symbol, _), sides in told.items():
            quiet = [side for side in sides if side.order.origin not in ("LIQUIDATION", "ADL", "FUND")]
            claim(not quiet, "only forced closings happen without a public trade", symbol, quiet)

    def _settling(self, event: FundingSettled) -> None:
        """What everybody is to receive or pay at this moment, each to eight digits."""
        self._settled()
        claim(event.mark == self.marks[event.symbol], "funding is settled at the mark that was told", event)
        for (account, symbol, _), (qty, _) in self.held.items():
            if symbol == event.symbol:
                amount = ROUNDING.quantize(-qty * event.mark * event.rate, DIGIT)
                if amount:
                    self.owed.setdefault((account, symbol), []).append(amount)

    def _due(self) -> None:
        """After a tick nothing is open whose time is over."""
        state = self.exchange.state
        late = [o for o in (*state.orders.values(), *state.algos.values()) if 0 < o.good_till_ns <= state.time_ns]
        claim(not late, "what was good till a time has ended then", late)
        for account in state.accounts.values():
            claim(all(at > state.time_ns for at in account.countdowns.values()), "a countdown ends", account)

    def _paid(self, event: Income) -> None:
        expected = self.owed.get((event.account, event.symbol), [])
        claim(event.amount in expected, "funding is rate x mark x quantity, from the other side", event, expected)
        expected.remove(event.amount)

    def _settled(self) -> None:
        left = {who: amounts for who, amounts in self.owed.items() if amounts}
        claim(not left, "everybody pays and receives his funding", left)
        self.owed = {}

    def _afforded(self, command: AnyCommand, events: Sequence[Event]) -> None:
        """An order that opens leaves nothing overdrawn that was not, unless its owner was liquidated over it."""
        if self.means is None or not isinstance(command, Place):
            return
        if any(isinstance(e, Liquidating) for e in events) or not self._opens(command, events):
            return
        state = self.exchange.state
        # a market order is judged at the best price it meets: what it pays deeper in the book may overdraw
        fills = [e.fill for e in events if isinstance(e, OrderUpdated) and e.fill is not None and not e.fill.maker]
        deeper = sum((abs(fill.price - fills[0].price) * fill.qty for fill in fills), ZERO)
        allowed = CLOSE + (deeper + deeper / 100 if command.type == "MARKET" else 0)
        # closing is always allowed: what the closed part loses against mark is not asked for when it turns round
        mark = state.markets[command.symbol].mark
        allowed += sum((abs(fill.price - mark) * fill.qty for fill in fills if fill.realised), ZERO)
        with decimal.localcontext(ROUGH):
            left = free(state, state.accounts[command.account])
        claim(left > -allowed or left >= self.means[0], "who opens has the margin for it", command, self.means[0], left)

    def _opens(self, command: Place, events: Sequence[Event]) -> bool:
        """Whether the order rests to open, or has opened: the position is on the order's side now."""
        if command.reduce_only or command.position_side == ("SHORT" if command.side > 0 else "LONG"):
            return False
        if command.account == FUND or any(isinstance(e, OrderUpdated) and e.order.origin == "ALGO" for e in events):
            return False
        if any(isinstance(e, AlgoUpdated) for e in events):
            return False
        now = self.held.get((command.account, command.symbol, command.position_side), (ZERO, ZERO))[0]
        return now * command.side > 0

    # --- what must be so after every command -------------------------------------------------------------------------

    @exactly
    def step(self) -> None:
        """The invariants of clearing, and everything about the accounts that were touched."""
        state = self.exchange.state
        for asset, book in state.ledgers.items():
            claim(sum(book.balances.values()) == 0, "every ledger sums to zero", asset, book.total())
        sums: dict[str, list[Decimal]] = {symbol: [ZERO, ZERO, ZERO] for symbol in state.markets}
        for account in state.accounts.values():
            for position in account.positions.values():
                qty = position.qty
                row = sums[position.symbol]
                row[0] += qty
                row[1] += position.cost
                if qty > 0:
                    row[2] += qty
        for symbol, (qty, cost, long) in sums.items():
            market = state.markets[symbol]
            clearing = state.ledgers[market.contract.settle].balances.get(f"clearing/{symbol}", ZERO)
            claim(qty == 0, "every long has a short", symbol, qty)
            claim(cost == -clearing, "open profit is what clearing holds", symbol, cost, clearing)
            claim(long == market.open_interest, "open interest is what is held long", symbol, long)
        for i in self.touched:
            self._account(i)
        self._solvent()
        self._spared()
        self._settled()
        for symbol in state.markets:
            self._crossed(symbol)
        for algo in state.algos.values():
            self._untriggered(algo)

    @exactly
    def audit(self) -> None:
        """Everything, from the beginning."""
        state = self.exchange.state
        for i in state.accounts:
            self._account(i)
        claim(set(state.orders) == set(self.orders), "open orders are those told", set(state.orders) ^ set(self.orders))
        claim(set(state.algos) == set(self.algos), "open conditional orders are those told")
        held = {(i, p.symbol, p.side): (p.qty, p.cost) for i, a in state.accounts.items() for p in a.positions.values()}
        claim(held == self.held, "positions are those told", held, self.held)
        names = {a.wallet_name for a in state.accounts.values()} | {a.spot_name for a in state.accounts.values()}
        names |= {p.margin_name for a in state.accounts.values() for p in a.positions.values()}
        for book in state.ledgers.values():
            for name, balance in book.balances.items():
                if name.startswith(("user/", "spot/")):
                    claim(name in names or not balance, "no money is left where nobody looks", name, balance)
        self._books()

    def _account(self, i: int) -> None:
        """Money, positions, open orders and what is counted about them, of one account."""
        state = self.exchange.state
        account = state.accounts.get(i)
        if account is None:
            return
        for key, position in account.positions.items():
            have = self.held.get((i, position.symbol, position.side))
            claim(have == (position.qty, position.cost), "a position is the sum of its fills", i, key, position, have)
            claim(position.qty != 0, "flat positions are removed", i, key)
            claim(account.dual == (position.side != "BOTH"), "the mode decides the side", i, key)
            claim(position.side == "BOTH" or (position.qty > 0) == (position.side == "LONG"), "its side", i, position)
        self._counts(account)
        balances = state.ledgers["USDT"].balances
        total = balances.get(account.wallet_name, ZERO)
        for position in account.positions.values():
            margin = balances.get(position.margin_name, ZERO)
            claim(margin >= 0, "isolated margin is never below zero", i, position.margin_name, margin)
            isolated = is_isolated(account, position.symbol)
            claim(isolated or not margin, "only isolated positions have a margin of their own", i, position)
            total += margin
        spot = balances.get(account.spot_name, ZERO)
        claim(spot >= 0, "the spot wallet is never below zero", i, spot)
        claim(total == self._money(i), "money is the sum of what was told", i, total, self._money(i))

    def _money(self, i: int) -> Decimal:
        return self.money.get(i, ZERO)

    def _counts(self, account: Any) -> None:
        """Reserves, counts, names and what reduce-only orders have spoken for, counted one by one."""
        state = self.exchange.state
        mine = [state.orders[n] for n in account.orders]
        counts: dict[str, int] = {}
        reserved: dict[tuple[str, bool], Decimal] = {}
        taken: dict[str, int] = {}
        for order in mine:
            told = self.orders.get(order.id)
            claim(told is not None and told.filled_steps == order.filled_steps, "an order is as told", order, told)
            claim(order.account == account.id and order.status in OPEN, "its owner's and open", order)
            counts[order.symbol] = counts.get(order.symbol, 0) + 1
            claim(order.type == "LIMIT" and order.tif in ("GTC", "GTX", "GTD"), "only these may rest", order)
            left = order.qty_steps - order.filled_steps
            key = f"{order.symbol}/{order.position_side}"
            if order.reduce_only or order.position_side == ("SHORT" if order.side > 0 else "LONG"):
                taken[key] = taken.get(key, 0) + left
                claim(key in account.positions, "a reducing order has something to reduce", order)
            else:
                step = state.markets[order.symbol].contract.step
                both = (key, order.side > 0)
                reserved[both] = reserved.get(both, ZERO) + order.assumed * left * step
        claim(
            counts == {s: n for s, n in account.order_counts.items() if n}, "open orders are counted", account, counts
        )
        names = {order.client_id: order.id for order in mine if order.client_id}
        claim(names == account.client_ids, "names of open orders", account.id, names, account.client_ids)
        have = {(k, True): r.bid for k, r in account.reserves.items() if r.bid}
        have |= {(k, False): r.ask for k, r in account.reserves.items() if r.ask}
        claim(have == reserved, "what open orders reserve", account.id, have, reserved)
        for key, position in account.positions.items():
            claim(position.taken_steps == taken.get(key, 0), "what reduce-only orders have taken", position, taken)

    def _solvent(self) -> None:
        """Nobody is left at or below maintenance, and nobody owes while the insurance fund has money."""
        state = self.exchange.state
        marks = {symbol: market.mark for symbol, market in state.markets.items()}
        balances = state.ledgers["USDT"].balances if "USDT" in state.ledgers else {}
        able = self._able()
        for account in state.accounts.values():
            if account.kind == "FUND":
                continue
            wallet = balances.get(account.wallet_name, ZERO)
            cross = worth = due = ZERO
            for position in account.positions.values():
                mark = marks[position.symbol]
                brackets = state.markets[position.symbol].contract.brackets
                open_profit = position.qty * mark - position.cost
                maintenance = tax(brackets, abs(position.qty) * mark)
                if is_isolated(account, position.symbol):
                    equity = balances.get(position.margin_name, ZERO) + open_profit
                    claim(equity > maintenance, "isolated below maintenance", account.id, position, equity, maintenance)
                else:
                    cross += 1
                    worth += open_profit
                    due += maintenance
            if cross:
                claim(wallet + worth > due, "cross below maintenance", account.id, wallet, worth, due)
            elif wallet < 0:
                # debts that the fund had no money for are tried again by ticks, with what it has when they begin
                waits = self.wallets_before.get(account.id, ZERO) < 0 and (not self.ticked or self.able_before <= DIGIT)
                claim(able <= DIGIT or waits, "a debt is paid by the insurance fund", account.id, wallet, able)

    def _able(self) -> Decimal:
        """What the insurance fund can give: its money, or what it is worth where that is less."""
        state = self.exchange.state
        if FUND not in state.accounts or "USDT" not in state.ledgers:
            return ZERO
        money = state.ledgers["USDT"].balances.get("insurance", ZERO)
        held = state.accounts[FUND].positions.values()
        return min(money, money + sum((p.qty * state.markets[p.symbol].mark - p.cost for p in held), ZERO))

    def _spared(self) -> None:
        """Where a price alone liquidates only isolated positions of somebody, it costs their margins and no more."""
        balances = self.exchange.state.ledgers["USDT"].balances
        for i, isolated in self.spared.items():
            name = self.exchange.state.accounts[i].wallet_name
            have, before = balances.get(name, ZERO), self.wallets_before.get(i, ZERO)
            calm = isolated and i not in self.traded
            claim(have >= before or not calm, "an isolated loss never exceeds its margin", i, before, have)
        self.spared = {}

    def _books(self) -> None:
        """The public book is the sum of the open orders, and bids are below asks."""
        state = self.exchange.state
        levels: dict[str, dict[tuple[int, Decimal], Decimal]] = {}
        for order in state.orders.values():
            terms = state.markets[order.symbol].contract
            mine = levels.setdefault(order.symbol, {})
            at = (order.side, order.price_ticks * terms.tick)
            mine[at] = mine.get(at, ZERO) + (order.qty_steps - order.filled_steps) * terms.step
        for symbol in state.markets:
            have, want = self.levels.get(symbol, {}), levels.get(symbol, {})
            claim(have == want, "the book told is the sum of open orders", symbol, have, want)

    def _crossed(self, symbol: str) -> None:
        levels = self.levels.get(symbol, {})
        bid = max((price for side, price in levels if side > 0), default=None)
        ask = min((price for side, price in levels if side < 0), default=None)
        claim(bid is None or ask is None or bid < ask, "bids are below asks", symbol, bid, ask)

    def _untriggered(self, algo: Any) -> None:
        """A waiting conditional order has not been reached."""
        market = self.exchange.state.markets[algo.symbol]
        price = market.mark if algo.by_mark else market.last_price
        if price is None or algo.trigger_price is None:
            return
        up = (algo.side > 0) == algo.type.startswith("STOP")
        reached = price >= algo.trigger_price if up else price <= algo.trigger_price
        claim(not reached, "a reached order has triggered", algo, price)
