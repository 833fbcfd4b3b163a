"""The crowd: traders with mixed leverage who chase what moves, take profits early and hold on to losses.

They are ordinary accounts, so that a fast move liquidates some of them and their forced orders move it further.
"""

from __future__ import annotations

import math
import random
from decimal import Decimal

from bearskin.exchange._makers import steps_of
from bearskin.exchange._state import Account, Contract, Position, State
from bearskin.exchange._words import AnyCommand, CancelAll, Deposit, Place, SetLeverage, SetMarginMode

TRADERS = 12  # of each symbol
LEVERAGES = (3, 5, 10, 20, 50, 75, 100, 125)
WEIGHTS = (5, 9, 15, 21, 20, 13, 10, 7)
ENTER_S, PROFIT_S, LOSS_S, STALE_S = 90.0, 500.0, 6_000.0, 40.0  # mean times until they act
MEMORY_S = 300.0  # how long a move is remembered
STAKE, STAKE_SPREAD, BROKE = 4_000.0, 1.0, 60.0  # median deposit, its spread in logs, and when a trader has lost all
SHARE_OF_TOP = 4.0  # the largest entry, in best quotes


class Crowd:
    """The traders of one symbol. All they remember is the trend; the rest is read from the state."""

    def __init__(
        self, accounts: list[int], contract: Contract, top: float, vol_day: float, dice: random.Random
    ) -> None:
        self._accounts = accounts
        self._contract = contract
        self._most = top * SHARE_OF_TOP
        self._dice = dice
        self._usual = vol_day * math.sqrt(MEMORY_S / 86_400)
        self._trend = 0.0
        self._before: float | None = None
        self._key = f"{contract.symbol}/BOTH"

    def commands(self, state: State, fair: Decimal, time_ns: int, seconds: float) -> list[AnyCommand]:
        """What the traders do in the `seconds` since they were last asked."""
        price = float(fair)
        if self._before is not None:
            self._trend = self._trend * math.exp(-seconds / MEMORY_S) + math.log(price / self._before)
        self._before = price
        out: list[AnyCommand] = []
        for number in self._accounts:
            account = state.accounts[number]
            position = account.positions.get(self._key)
            if position is not None and position.qty:
                out += self._held(account, position, price, time_ns, seconds)
            elif account.order_counts.get(self._contract.symbol, 0):
                if self._happens(STALE_S, seconds):
                    out.append(CancelAll(time_ns=time_ns, account=number, symbol=self._contract.symbol))
            elif self._happens(ENTER_S, seconds):
                out += self._enter(state, account, fair, time_ns)
        return out

    def _happens(self, mean_s: float, seconds: float) -> bool:
        return self._dice.random() < 1 - math.exp(-seconds / mean_s)

    def _held(
        self, account: Account, position: Position, price: float, time_ns: int, seconds: float
    ) -> list[AnyCommand]:
        winning = float(position.qty) * price > float(position.cost)
        if not self._happens(PROFIT_S if winning else LOSS_S, seconds):
            return []
        return [
            CancelAll(time_ns=time_ns, account=account.id, symbol=self._contract.symbol),
            Place(
                time_ns=time_ns, account=account.id, symbol=self._contract.symbol,
                side=-1 if position.qty > 0 else 1, type="MARKET", qty=abs(position.qty), reduce_only=True,
            ),
        ]  # fmt: skip

    def _enter(self, state: State, account: Account, fair: Decimal, time_ns: int) -> list[AnyCommand]:
        contract, dice = self._contract, self._dice
        wallet = float(state.ledgers[contract.settle].balance(account.wallet_name))
        if wallet < BROKE:  # somebody new sits down in the chair
            stake = STAKE * math.exp(STAKE_SPREAD * dice.gauss(0, 1))
            return [Deposit(time_ns=time_ns, account=account.id, amount=Decimal(round(stake)), asset=contract.settle)]
        leverage = min(dice.choices(LEVERAGES, WEIGHTS)[0], contract.brackets[0].max_leverage)
        side = 1 if dice.random() < 0.5 + 0.35 * math.tanh(self._trend / self._usual) else -1
        notional = min(wallet * dice.uniform(0.2, 0.85) * leverage, self._most * dice.uniform(0.5, 1))
        ticks = int(fair / contract.tick)
        qty = min(steps_of(contract, notional, ticks) * contract.step, contract.market_max_qty)
        patient = dice.random() < 0.4
        away = max(1, round(ticks * dice.uniform(0.00002, 0.0006)))
        return [
            SetMarginMode(time_ns=time_ns, account=account.id, symbol=contract.symbol, isolated=dice.random() < 0.7),
            SetLeverage(time_ns=time_ns, account=account.id, symbol=contract.symbol, leverage=leverage),
            Place(
                time_ns=time_ns,
                account=account.id,
                symbol=contract.symbol,
                side=side,
                type="LIMIT" if patient else "MARKET",
                qty=qty,
                price=(ticks - side * away) * contract.tick if patient else None,
            ),
        ]
