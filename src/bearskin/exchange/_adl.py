"""Deleveraging: when neither book nor fund takes a bankrupt position, those who won most by it close it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._handing import hand_off
from bearskin.exchange._orders import cancel_orders
from bearskin.exchange._pools import keys_on, margins_of, standing
from bearskin.exchange._state import Account, Position
from bearskin.exchange._words import Deleveraged
from bearskin.margin import adl_order, adl_score, quoting

_ZERO = Decimal(0)


class Ranked(NamedTuple):
    """A position in the order in which it would be deleveraged, with its score."""

    account: Account
    key: str
    position: Position
    score: Decimal


def ranking(floor: Floor, symbol: str, sign: int) -> list[Ranked]:
    """The positions of one side (+1 the longs) of a symbol, the one to be deleveraged first at the head.

    The score is profit over wallet times margin ratio. A cross position is measured with the profit of its account's
    other positions counted as wallet, and with the maintenance of all. Losers score zero and come last; equal scores go
    by account and key. The insurance fund has no rank.
    """
    found: list[tuple[Account, str, Position]] = []
    scores: list[Decimal] = []
    keys = (symbol + "/BOTH", symbol + "/LONG", symbol + "/SHORT")
    with quoting():
        for account in floor.state.accounts.values():
            if account.id == FUND:
                continue
            for key in keys:
                position = account.positions.get(key)
                if position is not None and (position.qty > 0) == (sign > 0):
                    found.append((account, key, position))
                    scores.append(_score(floor, account, key))
        order = adl_order(scores)
    return [Ranked(*found[i], scores[i]) for i in order]


def deleverage(floor: Floor, source: Account, position: Position, steps: int, price: Decimal) -> Decimal:
    """Close `steps` of a position against the ranked holders of the other side, at `price` and without a fee.

    Orders of those it takes from are cancelled in the symbol. The source's own other leg and the insurance fund come
    after all others, who together always hold the rest of the other side. Returns what came into the source's wallet by
    its own other leg, which is not the bankrupt position's.
    """
    symbol, sign = position.symbol, 1 if position.qty > 0 else -1
    ranked = ranking(floor, symbol, -sign)
    targets = [(one.account, one.position) for one in ranked if one.account is not source]
    targets += [(one.account, one.position) for one in ranked if one.account is source]
    fund = floor.state.accounts[FUND]
    held = fund.positions.get(symbol + "/BOTH")
    if held is not None and fund is not source:
        targets.append((fund, held))
    step = floor.books[symbol].step
    own = _ZERO
    for target, opposite in targets:
        if not steps:
            break
        if target is not source:
            cancel_orders(floor, target, symbol, "CANCELED")
        taken = min(steps, abs(int(opposite.qty / step)))
        if not taken or (opposite.qty > 0) == (sign > 0):
            continue
        brought = hand_off(floor, source, position, target, taken, price, "LIQUIDATION")
        steps -= taken
        if target is source:
            own += brought
            continue
        floor.out.append(
            Deleveraged(
                time_ns=floor.now_ns,
                account=target.id,
                counterparty=source.id,
                symbol=symbol,
                qty=taken * step,
                price=price,
            )
        )
    assert not steps, f"{symbol}: {steps} steps found nobody on the other side"
    return own


def _score(floor: Floor, account: Account, key: str) -> Decimal:
    margin = next(margin for margin, keys in margins_of(floor, account).items() if key in keys)
    now = standing(floor, account, margin, keys_on(floor, account, margin))
    stake = next(stake for stake in now.stakes if stake.key == key)
    profit = stake.position.qty * stake.mark - stake.position.cost
    return adl_score(profit, now.equity - profit, now.maintenance)
