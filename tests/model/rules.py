"""What may happen on the exchange: rules that turn a few small whole numbers into one command.

A rule knows the ranges of its numbers, so that a seeded driver can throw them and hypothesis can shrink them. Small
numbers are the ordinary cases. A rule that makes no sense at the moment gives None.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from bearskin.exchange._core import Exchange
from bearskin.exchange._state import BracketRow, Contract
from bearskin.exchange._words import (
    AddMargin,
    Amend,
    AnyCommand,
    Cancel,
    CancelAlgo,
    CancelAll,
    CancelAllAlgos,
    Deposit,
    ListContract,
    OpenAccount,
    Place,
    PlaceAlgo,
    SetCountdown,
    SetFundingRate,
    SetIndex,
    SetLeverage,
    SetMarginMode,
    SetMark,
    SetPositionMode,
    SettleFunding,
    SetTrading,
    Tick,
    Transfer,
)

SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
START_NS = 1_790_000_000 * SECOND_NS

USERS = 8
FUND, MAKER, FIRST_USER, SUB = 1, 2, 3, 3 + USERS


def rows(*table: tuple[int, int, str, int, str]) -> tuple[BracketRow, ...]:
    """Brackets from (floor, cap, rate, highest leverage, amount)."""
    return tuple(
        BracketRow(floor=Decimal(f), cap=Decimal(c), mmr=Decimal(r), max_leverage=x, cum=Decimal(a))
        for f, c, r, x, a in table
    )


LOW = rows((0, 20_000, "0.004", 100, "0"), (20_000, 100_000, "0.01", 50, "120"), (100_000, 10**9, "0.05", 10, "4120"))
STEEP = rows((0, 5_000, "0.01", 50, "0"), (5_000, 30_000, "0.025", 20, "75"), (30_000, 10**9, "0.1", 5, "2325"))


def contract(symbol: str, tick: str, step: str, brackets: tuple[BracketRow, ...], **terms: Any) -> Contract:
    """A contract with few open orders allowed, so that the limit is met."""
    values: dict[str, Any] = {
        "symbol": symbol, "base": symbol[:-4], "quote": "USDT", "settle": "USDT", "tick": Decimal(tick),
        "step": Decimal(step), "min_price": Decimal(tick), "max_price": Decimal(10**6), "min_qty": Decimal(step),
        "max_qty": Decimal(200_000), "market_max_qty": Decimal(100_000), "min_notional": Decimal(5),
        "brackets": brackets, "max_orders": 12, "max_algos": 8,
    }  # fmt: skip
    return Contract(**values | terms)


CONTRACTS = (
    contract("BTCUSDT", "0.1", "0.001", LOW),
    contract("ETHUSDT", "0.01", "0.001", STEEP, funding_interval_h=4),
    contract("DOGEUSDT", "0.00001", "1", STEEP, liquidation_fee_rate=Decimal("0.02"), market_take_bound=Decimal("0.1")),
)
PRICES = (Decimal(10_000), Decimal(500), Decimal("0.2"))
SIZES = (20, 100, 400, 1_500, 5_000, 10_000, 25_000, 60_000, 3)  # in USDT
SOURCES = ("one", "two", "three")
LEVERAGES = (20, 10, 5, 3, 1, 50, 100, 125)
MOVES = (0, 1, 5, 15, 40, 100, 300, 700, 1500, 3500)  # ten-thousandths
RATES = (0, 1, -1, 10, -10, 75, -75, 200, -200, 500)  # ten-thousandths


class World:
    """An exchange with a few traders on it, and the price each symbol is drawn to."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.now_ns = START_NS
        self.prices = list(PRICES)
        self.client = 0

    def opening(self) -> list[AnyCommand]:
        """How the day begins: contracts, prices, the insurance fund, a maker, eight traders, a sub-account."""
        at: dict[str, Any] = {"time_ns": self.now_ns}
        day: list[AnyCommand] = [ListContract(contract=terms, **at) for terms in CONTRACTS]
        for terms, price in zip(CONTRACTS, PRICES, strict=True):
            day.append(SetIndex(symbol=terms.symbol, prices=dict.fromkeys(SOURCES, price), **at))
            day.append(SetMark(symbol=terms.symbol, price=price, **at))
        day.append(Deposit(account=FUND, amount=Decimal(2_000), **at))
        day.append(OpenAccount(name="maker", kind="MAKER", **at))
        day.append(Deposit(account=MAKER, amount=Decimal(10_000_000), **at))
        for user in range(USERS):
            day.append(OpenAccount(name=f"user{user}", fee_tier=(0, 0, 0, 1, 2, 3, 6, 9)[user], **at))
            day.append(Deposit(account=FIRST_USER + user, amount=Decimal(200 * 3**user), **at))
        day.append(OpenAccount(name="sub", parent=FIRST_USER, **at))
        return day

    def grid(self, symbol: int, price: Decimal, more_ticks: int = 0) -> Decimal:
        """A price of the symbol's grid near `price`, never below its first tick."""
        tick = CONTRACTS[symbol].tick
        return tick * max(1, int(price / tick) + more_ticks)

    def qty(self, symbol: int, size: int) -> Decimal:
        """Coins worth about `SIZES[size]`."""
        step = CONTRACTS[symbol].step
        return step * max(1, int(SIZES[size] / self.prices[symbol] / step))

    def held(self, who: int, symbol: int, side: int) -> Decimal:
        """The position an order of `side` would close; zero when there is none."""
        account = self.exchange.state.accounts[who]
        key = CONTRACTS[symbol].symbol + "/" + (("SHORT" if side > 0 else "LONG") if account.dual else "BOTH")
        position = account.positions.get(key)
        return abs(position.qty) if position is not None and (position.qty < 0) == (side > 0) else Decimal(0)


class Rule(NamedTuple):
    """How often it comes, and the number of values each of its numbers has."""

    name: str
    weight: int
    ranges: dict[str, int]
    make: Callable[..., AnyCommand | None]


RULES: list[Rule] = []


def rule(weight: int, **ranges: int) -> Callable[[Callable[..., AnyCommand | None]], Callable[..., AnyCommand | None]]:
    """Enter a function as a rule."""

    def enter(make: Callable[..., AnyCommand | None]) -> Callable[..., AnyCommand | None]:
        RULES.append(Rule(make.__name__, weight, ranges, make))
        return make

    return enter


WHO = USERS + 1  # the users and the sub-account
BUY_SELL = (1, -1)


def sided(world: World, who: int, side: int, closing: bool) -> str:
    """The position side to send: by the account's mode."""
    if not world.exchange.state.accounts[who].dual:
        return "BOTH"
    return "LONG" if (side > 0) != closing else "SHORT"


def named(world: World, wanted: bool) -> str:
    """A client id of its own, or none."""
    if not wanted:
        return ""
    world.client += 1
    return f"c{world.client % 40}"  # they come again, sometimes while the old one is open


# --- orders ----------------------------------------------------------------------------------------------------------


@rule(70, symbol=3, side=2, away=30, size=8)
def quote(world: World, symbol: int, side: int, away: int, size: int) -> AnyCommand:
    """The maker rests an order near the price."""
    sign = BUY_SELL[side]
    price = world.prices[symbol] * (1 - sign * Decimal((away + 1) ** 2) / 25_000)
    return Place(
        time_ns=world.now_ns, account=MAKER, symbol=CONTRACTS[symbol].symbol, side=sign, type="LIMIT",
        qty=world.qty(symbol, size), price=world.grid(symbol, price), tif="GTX" if away % 2 else "GTC",
    )  # fmt: skip


@rule(12, symbol=3, nth=12)
def unquote(world: World, symbol: int, nth: int) -> AnyCommand | None:
    """The maker takes an old order back."""
    name = CONTRACTS[symbol].symbol
    mine = [i for i in world.exchange.state.accounts[MAKER].orders if world.exchange.state.orders[i].symbol == name]
    return Cancel(time_ns=world.now_ns, account=MAKER, symbol=name, order_id=mine[nth % len(mine)]) if mine else None


@rule(60, who=WHO, symbol=3, side=2, away=40, size=9, tif=7, named=4, protect=5)
def limit(world: World, who: int, symbol: int, side: int, away: int, size: int, tif: int, **more: int) -> AnyCommand:
    """A trader's limit order, passive or taking, of every time in force."""
    who, sign = who + FIRST_USER, BUY_SELL[side]
    price = world.prices[symbol] * (1 + sign * Decimal(away - 30) / 2500)
    word = ("GTC", "GTC", "GTC", "GTX", "IOC", "FOK", "GTD")[tif]
    return Place(
        time_ns=world.now_ns, account=who, symbol=CONTRACTS[symbol].symbol, side=sign, type="LIMIT",
        qty=world.qty(symbol, size), price=world.grid(symbol, price), tif=word,
        position_side=sided(world, who, sign, closing=False), client_id=named(world, more["named"] == 1),
        self_trade=("EXPIRE_MAKER", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "NONE")[more["protect"]],
        good_till_ns=world.now_ns + 700 * SECOND_NS if word == "GTD" else 0,
    )  # fmt: skip


@rule(60, who=WHO, symbol=3, side=2, size=9)
def market(world: World, who: int, symbol: int, side: int, size: int) -> AnyCommand:
    """A trader's market order."""
    who, sign = who + FIRST_USER, BUY_SELL[side]
    return Place(
        time_ns=world.now_ns, account=who, symbol=CONTRACTS[symbol].symbol, side=sign, type="MARKET",
        qty=world.qty(symbol, size), position_side=sided(world, who, sign, closing=False),
    )  # fmt: skip


@rule(40, who=WHO, symbol=3, side=2, share=5, away=20, kind=3)
def reduce(world: World, who: int, symbol: int, side: int, share: int, away: int, kind: int) -> AnyCommand | None:
    """Close a part, all or more than all of a position: by market, or resting as a target."""
    who, sign = who + FIRST_USER, BUY_SELL[side]
    held = world.held(who, symbol, sign)
    step = CONTRACTS[symbol].step
    qty = step * int(held * (4, 2, 1, 5, 8)[share] / 4 / step) or held
    dual = world.exchange.state.accounts[who].dual
    if not qty and share < 3:
        return None
    price = world.grid(symbol, world.prices[symbol] * (1 - sign * Decimal(away - 3) / 1000)) if kind else None
    return Place(
        time_ns=world.now_ns, account=who, symbol=CONTRACTS[symbol].symbol, side=sign,
        type="LIMIT" if kind else "MARKET", qty=qty or step, price=price, reduce_only=not dual,
        position_side=sided(world, who, sign, closing=True),
    )  # fmt: skip


@rule(20, who=WHO, nth=10, wrong=20)
def cancel(world: World, who: int, nth: int, wrong: int) -> AnyCommand | None:
    """Cancel one of the open orders, or one that is not there."""
    account = world.exchange.state.accounts[who + FIRST_USER]
    mine = list(account.orders)
    if not mine:
        return None
    order = world.exchange.state.orders[mine[nth % len(mine)]]
    number = order.id + 1000 * (wrong == 19)
    return Cancel(time_ns=world.now_ns, account=account.id, symbol=order.symbol, order_id=number)


@rule(3, who=WHO, symbol=3)
def cancel_all(world: World, who: int, symbol: int) -> AnyCommand:
    """Cancel every order of a symbol."""
    return CancelAll(time_ns=world.now_ns, account=who + FIRST_USER, symbol=CONTRACTS[symbol].symbol)


@rule(15, who=WHO, nth=10, away=40, size=10)
def amend(world: World, who: int, nth: int, away: int, size: int) -> AnyCommand | None:
    """Change price and size of an open order."""
    account = world.exchange.state.accounts[who + FIRST_USER]
    mine = list(account.orders)
    if not mine:
        return None
    order = world.exchange.state.orders[mine[nth % len(mine)]]
    symbol = [terms.symbol for terms in CONTRACTS].index(order.symbol)
    price = world.grid(symbol, world.prices[symbol] * (1 + order.side * Decimal(away - 30) / 2500))
    qty = order.qty_steps * CONTRACTS[symbol].step if size == 9 else world.qty(symbol, size)
    return Amend(
        time_ns=world.now_ns, account=account.id, symbol=order.symbol, side=order.side, order_id=order.id,
        price=price, qty=qty,
    )  # fmt: skip


@rule(6, who=WHO, symbol=3, after=4)
def countdown(world: World, who: int, symbol: int, after: int) -> AnyCommand:
    """Cancel all unless heard from, in a few seconds or never."""
    name, after_ns = CONTRACTS[symbol].symbol, after * 2 * SECOND_NS
    return SetCountdown(time_ns=world.now_ns, account=who + FIRST_USER, symbol=name, after_ns=after_ns)


# --- conditional orders ----------------------------------------------------------------------------------------------

ALGOS = ("STOP_MARKET", "TAKE_PROFIT_MARKET", "STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET")


@rule(40, who=WHO, symbol=3, side=2, kind=5, away=30, size=8, how=6, by_mark=2, protect=4)
def algo(world: World, who: int, symbol: int, side: int, kind: int, away: int, size: int, **more: int) -> AnyCommand:
    """A stop, a target or a trailing stop: opening, reducing or closing everything."""
    who, sign = who + FIRST_USER, BUY_SELL[side]
    dual, type_ = world.exchange.state.accounts[who].dual, ALGOS[kind]
    stop = type_.startswith("STOP")
    trigger = world.grid(symbol, world.prices[symbol] * (1 + (1 if stop else -1) * sign * Decimal(away - 1) / 1000))
    everything = more["how"] in (0, 1) and type_ in ("STOP_MARKET", "TAKE_PROFIT_MARKET")
    closing = everything or more["how"] in (1, 2, 3)
    trailing = type_ == "TRAILING_STOP_MARKET"
    return PlaceAlgo(
        time_ns=world.now_ns, account=who, symbol=CONTRACTS[symbol].symbol, side=sign, type=type_,
        trigger_price=None if trailing else trigger,
        qty=None if everything else world.held(who, symbol, sign) or world.qty(symbol, size),
        price=world.grid(symbol, trigger, 5 * sign) if type_ in ("STOP", "TAKE_PROFIT") else None,
        tif="GTE_GTC" if closing and more["how"] == 3 else "GTC",
        position_side=sided(world, who, sign, closing), close_position=everything,
        reduce_only=closing and not everything and not dual, by_mark=bool(more["by_mark"]),
        price_protect=more["protect"] == 1, client_id=named(world, more["protect"] == 2),
        callback_rate=Decimal(away + 1) / 10 if trailing else None,
        activate_price=trigger if trailing and more["protect"] == 3 else None,
    )  # fmt: skip


@rule(6, who=WHO, nth=8)
def cancel_algo(world: World, who: int, nth: int) -> AnyCommand | None:
    """Cancel one of the conditional orders."""
    account = world.exchange.state.accounts[who + FIRST_USER]
    mine = list(account.algos)
    return CancelAlgo(time_ns=world.now_ns, account=account.id, algo_id=mine[nth % len(mine)]) if mine else None


@rule(1, who=WHO, symbol=3)
def cancel_algos(world: World, who: int, symbol: int) -> AnyCommand:
    """Cancel every conditional order of a symbol."""
    return CancelAllAlgos(time_ns=world.now_ns, account=who + FIRST_USER, symbol=CONTRACTS[symbol].symbol)


# --- accounts --------------------------------------------------------------------------------------------------------


@rule(12, who=WHO + 2, amount=6)
def deposit(world: World, who: int, amount: int) -> AnyCommand:
    """Money in or out, for traders, the sub-account, the fund and the maker; cents and dust too."""
    account = who + FIRST_USER if who < WHO else (FUND, MAKER)[who - WHO]
    money = Decimal(("500", "2500", "20000", "-100", "-1000.01", "0.00000001")[amount])
    return Deposit(time_ns=world.now_ns, account=account, amount=money)


@rule(6, way=4, amount=4)
def transfer(world: World, way: int, amount: int) -> AnyCommand:
    """Between an account and its sub-account, and between its futures and spot wallets."""
    source, target = ((FIRST_USER, SUB), (SUB, FIRST_USER), (FIRST_USER, FIRST_USER), (FIRST_USER, FIRST_USER))[way]
    money = Decimal(("10", "150.5", "0.00000001", "100000")[amount])
    wallets = (("FUTURES", "FUTURES"), ("FUTURES", "FUTURES"), ("FUTURES", "SPOT"), ("SPOT", "FUTURES"))[way]
    return Transfer(
        time_ns=world.now_ns, source=source, target=target, amount=money, source_wallet=wallets[0],
        target_wallet=wallets[1],
    )  # fmt: skip


@rule(15, who=WHO, symbol=3, leverage=8)
def leverage(world: World, who: int, symbol: int, leverage: int) -> AnyCommand:
    """Another leverage."""
    name = CONTRACTS[symbol].symbol
    return SetLeverage(time_ns=world.now_ns, account=who + FIRST_USER, symbol=name, leverage=LEVERAGES[leverage])


@rule(15, who=WHO, symbol=3, isolated=2)
def margin_mode(world: World, who: int, symbol: int, isolated: int) -> AnyCommand:
    """Isolated or cross."""
    name = CONTRACTS[symbol].symbol
    return SetMarginMode(time_ns=world.now_ns, account=who + FIRST_USER, symbol=name, isolated=bool(isolated))


@rule(8, who=WHO, dual=2)
def position_mode(world: World, who: int, dual: int) -> AnyCommand:
    """Hedge or one-way."""
    return SetPositionMode(time_ns=world.now_ns, account=who + FIRST_USER, dual=bool(dual))


@rule(12, who=WHO, nth=3, amount=6)
def add_margin(world: World, who: int, nth: int, amount: int) -> AnyCommand | None:
    """More or less margin for a position."""
    account = world.exchange.state.accounts[who + FIRST_USER]
    mine = list(account.positions.values())
    if not mine:
        return None
    held = mine[nth % len(mine)]
    return AddMargin(
        time_ns=world.now_ns, account=account.id, symbol=held.symbol, position_side=held.side,
        amount=Decimal(("1", "25.5", "300", "-1", "-40", "-100000")[amount]),
    )  # fmt: skip


# --- the venue and its prices ----------------------------------------------------------------------------------------


def moved(world: World, symbol: int, move: int, up: int) -> Decimal:
    """Move the price a symbol is drawn to; far from where it began it is drawn back."""
    price, home = world.prices[symbol], PRICES[symbol]
    step = Decimal(MOVES[move]) / 10_000
    rises = price < home / 3 or (up and price < home * 3)
    price = price * (1 + step if rises else 1 - step)
    world.prices[symbol] = price = price.quantize(Decimal("0.00000001"), ROUND_HALF_EVEN)
    return price


@rule(50, symbol=3, move=7, up=2, who=4)
def index(world: World, symbol: int, move: int, up: int, who: int) -> AnyCommand:
    """The spot sources move, all or but one."""
    price = moved(world, symbol, move, up)
    sources = SOURCES if who else SOURCES[:2]
    prices = {name: world.grid(symbol, price, i - 1) for i, name in enumerate(sources)}
    return SetIndex(time_ns=world.now_ns, symbol=CONTRACTS[symbol].symbol, prices=prices)


@rule(30, symbol=3, move=9, up=2, float_again=8)
def mark(world: World, symbol: int, move: int, up: int, float_again: int) -> AnyCommand:
    """The mark is pinned somewhere, or floats again."""
    price = moved(world, symbol, move, up)
    return SetMark(
        time_ns=world.now_ns, symbol=CONTRACTS[symbol].symbol, price=None if float_again == 7 else price
    )  # fmt: skip


@rule(6, symbol=3, move=10, up=2)
def gap(world: World, symbol: int, move: int, up: int) -> AnyCommand:
    """The mark jumps."""
    return SetMark(time_ns=world.now_ns, symbol=CONTRACTS[symbol].symbol, price=moved(world, symbol, 9 - move % 3, up))


@rule(60, seconds=3)
def tick(world: World, seconds: int) -> AnyCommand:
    """A second passes, or a few."""
    world.now_ns += (1, 1, 7)[seconds] * SECOND_NS
    return Tick(time_ns=world.now_ns)


@rule(3, hours=8)
def wait(world: World, hours: int) -> AnyCommand:
    """Hours pass: funding falls due, good-till orders end, sources grow stale."""
    world.now_ns += (hours + 1) * HOUR_NS
    return Tick(time_ns=world.now_ns)


@rule(8, symbol=3, rate=10, unpin=6)
def funding_rate(world: World, symbol: int, rate: int, unpin: int) -> AnyCommand:
    """The coming rate is pinned, or the premium decides again."""
    name, value = CONTRACTS[symbol].symbol, None if unpin == 5 else Decimal(RATES[rate]) / 10_000
    return SetFundingRate(time_ns=world.now_ns, symbol=name, rate=value)


@rule(8, symbol=3)
def settle(world: World, symbol: int) -> AnyCommand:
    """Funding is settled at once."""
    return SettleFunding(time_ns=world.now_ns, symbol=CONTRACTS[symbol].symbol)


@rule(3, symbol=3, halt=9)
def halt(world: World, symbol: int, halt: int) -> AnyCommand:
    """A symbol is halted or opened."""
    name = CONTRACTS[symbol].symbol
    return SetTrading(time_ns=world.now_ns, symbol=name, status="HALT" if halt == 8 else "TRADING")


@rule(2, symbol=3, brackets=2, fees=3)
def relist(world: World, symbol: int, brackets: int, fees: int) -> AnyCommand:
    """The terms of a symbol change: its brackets and fees."""
    terms = CONTRACTS[symbol]
    values = {name: getattr(terms, name) for name in terms.__struct_fields__}
    values["brackets"] = (LOW, STEEP)[brackets]
    values["taker_fee_rate"] = (Decimal("0.0005"), Decimal("0.00123"), Decimal(0))[fees]
    return ListContract(time_ns=world.now_ns, contract=Contract(**values))


# --- nonsense --------------------------------------------------------------------------------------------------------

ODD = tuple(
    Decimal(text)
    for text in (
        "0", "-1", "0.00000000000000000001", "1E+30", "9999999999999999999999999999999999999999", "NaN", "Infinity",
        "-0.001", "1.23456789012345678901234567890", "1E-40",
    )
)  # fmt: skip
ODD_NUMBERS = (0, -1, 2, 10**30, 126)


@rule(25, what=18, odd=10, more=5, who=WHO, symbol=3)
def nonsense(world: World, what: int, odd: int, more: int, who: int, symbol: int) -> AnyCommand:
    """What no honest client sends: it has to be refused, or to be harmless."""
    number, name, bad, whole = who + FIRST_USER, CONTRACTS[symbol].symbol, ODD[odd], ODD_NUMBERS[more]
    at: dict[str, Any] = {"time_ns": world.now_ns}
    order: dict[str, Any] = {"account": number, "symbol": name, "side": 1}
    limit: dict[str, Any] = {"type": "LIMIT", "price": world.grid(symbol, world.prices[symbol])}
    one = world.qty(symbol, 2)
    stop = {"type": "STOP_MARKET", "trigger_price": world.grid(symbol, world.prices[symbol] * 2), "by_mark": more > 2}
    made: tuple[Callable[[], AnyCommand], ...] = (
        lambda: Place(**at, **order | limit, qty=bad),
        lambda: Place(**at, **order | limit | {"price": bad}, qty=one),
        lambda: Place(**at, **order, type="MARKET", qty=bad),
        lambda: Place(**at, **order | limit | {"symbol": "NOSUCH"}, qty=one),
        lambda: Place(**at, **order | limit | {"account": whole + 200}, qty=one),
        lambda: Place(**at, **order | limit, qty=one, position_side=("LONG", "SHORT", "BOTH", "LONG", "BOTH")[more]),
        lambda: Place(**at, **order | limit, qty=one, tif="GTD", good_till_ns=whole),
        lambda: PlaceAlgo(**at, **order | stop, qty=bad),
        lambda: PlaceAlgo(**at, **order | stop | {"trigger_price": bad}, qty=one),
        lambda: PlaceAlgo(
            **at, **order, type="TRAILING_STOP_MARKET", qty=one, callback_rate=bad, activate_price=limit["price"]
        ),
        lambda: Amend(**at, **order, order_id=whole, price=bad, qty=one),
        lambda: Deposit(**at, account=number, amount=bad, asset=("USDT", "USDT", "EUR", "USDT", "")[more]),
        lambda: Transfer(**at, source=number, target=whole if more else SUB, amount=bad),
        lambda: SetLeverage(**at, account=number, symbol=name, leverage=whole),
        lambda: AddMargin(**at, account=number, symbol=name, position_side="BOTH", amount=bad),
        lambda: SetMark(**at, symbol=name, price=bad),
        lambda: SetIndex(**at, symbol=name, prices={"one": bad, "two": world.prices[symbol]} if more else {}),
        lambda: SetFundingRate(**at, symbol=name, rate=bad, interval_h=(None, 0, -1, 8, 10**6)[more]),
    )
    return made[what]()


NUMBERS = tuple(range(len(RULES)))
WEIGHTS = tuple(accumulate(rule.weight for rule in RULES))


def throw(world: World, dice: random.Random) -> tuple[str, AnyCommand]:
    """The next command by the dice, with the rule that made it; low numbers come more often than high ones."""
    while True:
        rule = RULES[dice.choices(NUMBERS, cum_weights=WEIGHTS)[0]]
        command = rule.make(world, **{name: int(dice.random() * n) for name, n in rule.ranges.items()})
        if command is not None:
            return rule.name, command
