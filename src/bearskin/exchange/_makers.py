"""Market makers and the tape: the other side for a lone user, with orders like anybody's.

A maker keeps a ladder of bids and asks around the fair price and moves the rungs that have come to lie wrong. A moved
rung that meets a resting order takes it, so a user's limit order fills when the market comes through it. The tape
prints the fair price between two accounts of its own, so the last price follows also when nobody trades.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from decimal import Decimal

from bearskin.exchange._coins import Coin
from bearskin.exchange._state import Account, Contract, Order, State
from bearskin.exchange._words import Amend, AnyCommand, Cancel, Place

RUNGS = 20
NEAREST, FARTHEST = 0.00002, 0.02  # of the price, from the fair price to the first and last rung
SLACK = 0.3  # a rung may lie wrong by this share of its distance before it is moved
REFILL_BELOW = 0.5  # of the wanted size
AMENDMENTS_MAX = 9_000  # the venue ends an order's life at 10,000
TAPE_STOCK_S = 300  # the tape turns round when one of its accounts holds what it prints in so many seconds


class Maker:
    """The market maker of one symbol. It remembers nothing: what rests is read from the state, by its client ids."""

    def __init__(self, account: int, contract: Contract, coin: Coin, dice: random.Random) -> None:
        self.account = account
        self.symbol = contract.symbol
        self._contract = contract
        self._dice = dice
        growth = _growth(coin.depth / coin.top)
        self._notionals = [coin.top * growth**rung for rung in range(RUNGS)]
        self._ids = {side: [f"{'ask' if side < 0 else 'bid'}-{rung}" for rung in range(RUNGS)] for side in (1, -1)}

    def commands(self, state: State, fair: Decimal, time_ns: int) -> list[AnyCommand]:
        """What moves the ladder to `fair` (on the tick); the side that makes room goes first."""
        account = state.accounts[self.account]
        ticks = int(fair / self._contract.tick)
        distances = _distances(ticks)
        best_ask = self._resting(state, account, -1, 0)
        up = best_ask is None or best_ask.price_ticks <= ticks + distances[0]
        out: list[AnyCommand] = []
        for side in (-1, 1) if up else (1, -1):
            for rung, distance in enumerate(distances):
                order = self._resting(state, account, side, rung)
                out += self._moved(order, side, rung, ticks, distance, time_ns)
        return out

    def _resting(self, state: State, account: Account, side: int, rung: int) -> Order | None:
        number = account.client_ids.get(self._ids[side][rung])
        return None if number is None else state.orders.get(number)

    def _moved(
        self, order: Order | None, side: int, rung: int, ticks: int, distance: int, time_ns: int
    ) -> Iterator[AnyCommand]:
        contract = self._contract
        price_ticks = ticks - side * distance
        if price_ticks < 1:
            return
        if order is not None:
            wrong = abs(order.price_ticks - price_ticks) > int(distance * SLACK)
            wanted = self._notionals[rung] / (ticks * float(contract.tick)) / float(contract.step)
            thin = order.qty_steps - order.filled_steps < wanted * REFILL_BELOW
            if not wrong and not thin:
                return
            if order.amendments >= AMENDMENTS_MAX:
                yield Cancel(time_ns=time_ns, account=self.account, symbol=self.symbol, order_id=order.id)
                order = None
        steps = self._size(rung, ticks)
        price = price_ticks * contract.tick
        if order is None:
            yield Place(
                time_ns=time_ns,
                account=self.account,
                symbol=self.symbol,
                side=side,
                type="LIMIT",
                qty=steps * contract.step,
                price=price,
                client_id=self._ids[side][rung],
            )
        else:
            yield Amend(
                time_ns=time_ns,
                account=self.account,
                symbol=self.symbol,
                side=side,
                price=price,
                qty=(order.filled_steps + steps) * contract.step,
                order_id=order.id,
            )

    def _size(self, rung: int, ticks: int) -> int:
        """A size near the rung's notional, in steps; a little different each time."""
        notional = self._notionals[rung] * math.exp(0.2 * self._dice.gauss(0, 1))
        return steps_of(self._contract, notional, ticks)


class Tape:
    """Small prints of one symbol at the fair price, between an account that rests and one that takes."""

    def __init__(self, rests: int, takes: int, contract: Contract, coin: Coin, dice: random.Random) -> None:
        self._rests, self._takes = rests, takes
        self._contract = contract
        self._dice = dice
        self._per_second = coin.volume_day / 86_400
        self._key = f"{contract.symbol}/BOTH"

    def commands(self, state: State, fair: Decimal, time_ns: int, seconds: float, lean: int = 0) -> list[AnyCommand]:
        """One print at `fair` worth the turnover of `seconds`; `lean` is the taker's side where it
        matters (+1 buys).

        The resting order is cancelled behind it: where somebody's better order was met instead, it would stay.
        """
        contract, symbol = self._contract, self._contract.symbol
        ticks = int(fair / contract.tick)
        notional = self._per_second * seconds * math.exp(0.8 * self._dice.gauss(0, 1) - 0.32)
        held = state.accounts[self._takes].positions.get(self._key)
        stock = 0.0 if held is None else float(held.qty) * float(fair)
        if lean:
            side = lean
        elif abs(stock) > self._per_second * TAPE_STOCK_S:
            side = -1 if stock > 0 else 1
        else:
            side = self._dice.choice((1, -1))
        qty = steps_of(contract, notional, ticks) * contract.step
        name = f"tape-{symbol}"
        return [
            Place(
                time_ns=time_ns, account=self._rests, symbol=symbol, side=-side, type="LIMIT", qty=qty, price=fair,
                tif="GTX", client_id=name,
            ),
            Place(
                time_ns=time_ns, account=self._takes, symbol=symbol, side=side, type="LIMIT", qty=qty, price=fair,
                tif="IOC",
            ),
            Cancel(time_ns=time_ns, account=self._rests, symbol=symbol, client_id=name),
        ]  # fmt: skip


def steps_of(contract: Contract, notional: float, ticks: int) -> int:
    """How many steps are worth `notional` at a price, at least what the filters ask for."""
    worth = ticks * float(contract.tick) * float(contract.step)
    least = max(math.ceil(1.1 * float(contract.min_notional) / worth), math.ceil(contract.min_qty / contract.step))
    most = int(contract.max_qty / contract.step)
    return min(max(round(notional / worth), least, 1), most)


def _distances(ticks: int) -> list[int]:
    """How far each rung is from the fair price, in ticks: growing, and never two on one.

    The first is one tick away, so that a market that goes through an order by a tick takes it.
    """
    ratio = (FARTHEST / NEAREST) ** (1 / (RUNGS - 1))
    out: list[int] = []
    before = 0
    share = NEAREST
    for rung in range(RUNGS):
        before = max(before + 1, math.ceil(ticks * share) if rung else 1)
        out.append(before)
        share *= ratio
    return out


def _growth(depth_over_top: float) -> float:
    """How much larger each rung is than the one before, so that one per cent of the price holds the depth."""
    ratio = (FARTHEST / NEAREST) ** (1 / (RUNGS - 1))
    inside = 1 + int(math.log(0.01 / NEAREST) / math.log(ratio))
    low, high = 1.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        if sum(middle**rung for rung in range(inside)) < depth_over_top:
            low = middle
        else:
            high = middle
    return low
