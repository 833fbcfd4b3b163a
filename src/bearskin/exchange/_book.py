"""The order book of one symbol: price, then time.

Everything in it is whole: prices in ticks, quantities in steps. A side keeps its prices in one ascending list with the
best one last, so that what happens most, changes near the best price, moves little memory; asks are kept negated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from decimal import ROUND_UP, Decimal

from bearskin.exchange._state import ZERO, Contract, Market, Order, Setting
from bearskin.margin import assuming_price
from bearskin.terms import QUOTE

CAUTIOUS = QUOTE.copy()
CAUTIOUS.rounding = ROUND_UP  # away from zero: for what is needed
DEFAULT_LEVERAGE = Setting().leverage
NO_BOUND = 10**30  # ticks: further than any price


class Level:
    """The orders at one price in their order of time, and the steps they still want together."""

    __slots__ = ("orders", "price", "steps", "ticks")

    def __init__(self, ticks: int, price: Decimal) -> None:
        self.ticks = ticks
        self.price = price
        self.steps = 0
        self.orders: OrderedDict[int, Order] = OrderedDict()


class Half:
    """One side of a book. `places` holds `sign * ticks` of every level, ascending: the best price is the last."""

    __slots__ = ("levels", "places", "sign", "tick")

    def __init__(self, sign: int, tick: Decimal) -> None:
        self.sign = sign
        self.tick = tick
        self.places: list[int] = []
        self.levels: dict[int, Level] = {}

    def __iter__(self) -> Iterator[Level]:
        """The levels, best first."""
        levels = self.levels
        return (levels[place] for place in reversed(self.places))

    def best(self) -> Level | None:
        """The level that trades first; None when the side is empty."""
        return self.levels[self.places[-1]] if self.places else None

    def add(self, order: Order) -> Level:
        """Queue an order behind those at its price."""
        ticks = order.price_ticks
        place = ticks * self.sign
        level = self.levels.get(place)
        if level is None:
            level = self.levels[place] = Level(ticks, self.tick * ticks)
            places = self.places
            places.insert(bisect_left(places, place), place)
        level.orders[order.id] = order
        level.steps += order.qty_steps - order.filled_steps
        return level

    def remove(self, order: Order) -> Level:
        """Take an order out of its queue, and its level away when it was the last."""
        level = self.levels[order.price_ticks * self.sign]
        del level.orders[order.id]
        level.steps -= order.qty_steps - order.filled_steps
        if not level.orders:
            self.clear(level)
        return level

    def clear(self, level: Level) -> None:
        """Take an empty level away."""
        place = level.ticks * self.sign
        del self.levels[place]
        places = self.places
        if places[-1] == place:
            places.pop()
        else:
            del places[bisect_left(places, place)]


class Book:
    """Resting orders of one symbol, with the terms of its contract in whole numbers.

    What follows from mark and last price (how far an order may reach, what a sell reserves at) is kept until one of
    them changes; `refresh` brings it up to date and has to be called before it is read.
    """

    __slots__ = (
        "_caps", "_last_seen", "_mark_seen", "asks", "bids", "clearing_name", "contract", "default_leverage", "keys",
        "mark", "market", "max_leverage", "sell_floor", "settle", "step", "symbol", "take_down", "take_up", "tick",
        "ticks_down", "ticks_up",
    )  # fmt: skip

    def __init__(self, market: Market) -> None:
        contract = market.contract
        symbol = contract.symbol
        self.market = market
        self.symbol = symbol
        self.tick = contract.tick
        self.step = contract.step
        self.bids = Half(1, contract.tick)
        self.asks = Half(-1, contract.tick)
        self.keys = {side: f"{symbol}/{side}" for side in ("BOTH", "LONG", "SHORT")}
        self.clearing_name = f"clearing/{symbol}"
        self.contract: Contract | None = None
        self._mark_seen: Decimal | None = None
        self._last_seen: Decimal | None = None
        self.refresh()

    def refresh(self) -> None:
        """Bring what follows from contract, mark and last price up to date."""
        market = self.market
        contract = market.contract
        mark, last = market.mark, market.last_price
        if contract is self.contract and mark is not None and mark is self._mark_seen and last is self._last_seen:
            return
        if contract is not self.contract:
            self._adopt(contract)
        self._mark_seen, self._last_seen = mark, last
        if mark is None:
            mark = last if last is not None else market.index
        if mark is None:
            self.mark = self.sell_floor = ZERO
            self.ticks_up = self.take_up = NO_BOUND
            self.ticks_down = self.take_down = 0
            return
        tick = self.tick
        self.mark = mark
        self.sell_floor = assuming_price(-tick, ZERO, mark, mark if last is None else last)
        self.ticks_up = int(mark * contract.multiplier_up // tick)
        self.ticks_down = _ticks_above(mark * contract.multiplier_down, tick)
        self.take_up = int(mark * (1 + contract.market_take_bound) // tick)
        self.take_down = _ticks_above(mark * (1 - contract.market_take_bound), tick)

    def _adopt(self, contract: Contract) -> None:
        self.contract = contract
        self.settle = contract.settle
        self.max_leverage = contract.brackets[0].max_leverage
        self.default_leverage = min(DEFAULT_LEVERAGE, self.max_leverage)
        self._caps: dict[int, Decimal] = {}

    def leverage(self, setting: Setting | None) -> int:
        """The leverage of an account that has chosen `setting`: the default without one, never above the brackets."""
        if setting is None:
            return self.default_leverage
        return min(setting.leverage, self.max_leverage)

    def cap(self, leverage: int) -> Decimal:
        """The largest notional that may be held at a leverage; zero when no bracket allows it."""
        found = self._caps.get(leverage)
        if found is None:
            rows = self.market.contract.brackets
            found = max((row.cap for row in rows if row.max_leverage >= leverage), default=ZERO)
            self._caps[leverage] = found
        return found

    def half(self, side: int) -> Half:
        """The bids (+1) or the asks (-1)."""
        return self.bids if side > 0 else self.asks

    def best(self, side: int) -> int | None:
        """Ticks of the best bid (+1) or ask (-1); None when there is none."""
        half = self.bids if side > 0 else self.asks
        return half.places[-1] * side if half.places else None

    def best_price(self, side: int) -> Decimal | None:
        """The best bid (+1) or ask (-1); None when there is none."""
        half = self.bids if side > 0 else self.asks
        return half.levels[half.places[-1]].price if half.places else None

    def mid(self) -> Decimal | None:
        """Half way between best bid and best ask; None when a side is empty."""
        bid, ask = self.best_price(1), self.best_price(-1)
        return None if bid is None or ask is None else (bid + ask) / 2

    def levels(self, side: int, limit: int | None = None) -> list[tuple[Decimal, Decimal]]:
        """Price and quantity of the best `limit` levels of a side, best first."""
        half = self.bids if side > 0 else self.asks
        places = half.places[::-1] if limit is None else half.places[: -limit - 1 : -1]
        levels, step = half.levels, self.step
        return [(level.price, step * level.steps) for level in map(levels.__getitem__, places)]

    def impact_price(self, side: int, notional: Decimal) -> Decimal | None:
        """The average price at which `notional` of quote would trade against a side; None when it holds less.

        The impact bid is that of the bids (+1). Rounded to 34 digits.
        """
        left = notional
        coins = ZERO
        for level in self.half(side):
            value = self.step * level.steps * level.price
            if value >= left:
                coins = QUOTE.add(coins, QUOTE.divide(left, level.price))
                return QUOTE.divide(notional, coins)
            left -= value
            coins += self.step * level.steps
        return None


def _ticks_above(price: Decimal, tick: Decimal) -> int:
    """The fewest ticks that are at least `price`."""
    whole, rest = divmod(price, tick)
    return int(whole) + (rest > 0)
