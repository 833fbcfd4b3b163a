"""What the auditor knows of margin, in plain arithmetic: what is free, what an order needs, who is deleveraged first.

Figures are rounded nowhere but in divisions (28 digits), so that comparisons allow a thousandth of a cent.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bearskin.exchange._words import Place

ZERO = Decimal(0)
DUST = Decimal("0.00001")
ROUGH = decimal.Context(prec=28)
SELLS_ASSUME = Decimal("1.0015")  # a sell reserves at least at the last price and 0.15 %


def tax(brackets: Sequence[Any], notional: Decimal) -> Decimal:
    """Maintenance margin, every slice of the notional at the rate of its own bracket."""
    due = ZERO
    for i, row in enumerate(brackets):
        if notional <= row.floor:
            break
        top = notional if i + 1 == len(brackets) else min(notional, row.cap)
        due += (top - row.floor) * row.mmr
    return due


def is_isolated(account: Any, symbol: str) -> bool:
    """Whether positions of a symbol stand on a margin of their own."""
    setting = account.settings.get(symbol)
    return setting is not None and setting.isolated


def leverage_of(state: Any, account: Any, symbol: str) -> int:
    """What was chosen, or 20, as far as the brackets allow."""
    setting = account.settings.get(symbol)
    most = max(row.max_leverage for row in state.markets[symbol].contract.brackets)
    return min(20 if setting is None else setting.leverage, most)


def free(state: Any, account: Any) -> Decimal:
    """Cross wallet and profit less the margin of cross positions and of all that rests; below zero when overdrawn."""
    found = state.ledgers["USDT"].balances.get(account.wallet_name, ZERO)
    for symbol, market in state.markets.items():
        leverage = leverage_of(state, account, symbol)
        bid, ask = _resting(state, account, symbol)
        held = {side: account.positions.get(f"{symbol}/{side}") for side in ("BOTH", "LONG", "SHORT")}
        worth = {side: ZERO if p is None else p.qty * market.mark for side, p in held.items()}
        if account.dual:
            more = bid + ask
        else:
            size = abs(worth["BOTH"])
            more = max(abs(worth["BOTH"] + bid), abs(worth["BOTH"] - ask), size) - size
        found -= ROUGH.divide(more, Decimal(leverage))
        if not is_isolated(account, symbol):
            for side, position in held.items():
                if position is not None:
                    found += worth[side] - position.cost - ROUGH.divide(abs(worth[side]), Decimal(leverage))
    return found


def _resting(state: Any, account: Any, symbol: str) -> tuple[Decimal, Decimal]:
    bid = ask = ZERO
    step = state.markets[symbol].contract.step
    for number in account.orders:
        order = state.orders[number]
        closing = order.reduce_only or order.position_side == ("SHORT" if order.side > 0 else "LONG")
        if order.symbol == symbol and not closing:
            value = order.assumed * (order.qty_steps - order.filled_steps) * step
            bid, ask = (bid + value, ask) if order.side > 0 else (bid, ask + value)
    return bid, ask


def most_needed(state: Any, account: Any, order: Place) -> Decimal:
    """More than an order can need: its whole margin, open loss and fee at the worst price it may be judged by."""
    market = state.markets[order.symbol]
    prices = [market.mark, market.last_price or ZERO, (market.last_price or ZERO) * SELLS_ASSUME]
    if order.price is not None:
        prices.append(order.price)
    opposite = [
        o.price_ticks for o in state.orders.values() if o.symbol == order.symbol and o.side != order.side
    ]  # fmt: skip
    if opposite:
        prices.append((max(opposite) if order.side > 0 else min(opposite)) * market.contract.tick)
    value = order.qty * max(prices)
    loss = order.qty * max(abs(price - market.mark) for price in prices if price)
    fee = value * market.contract.taker_fee_rate
    return ROUGH.divide(value, Decimal(leverage_of(state, account, order.symbol))) + loss + fee


def winners(state: Any, symbol: str, sign: int, mark: Decimal) -> dict[int, Decimal]:
    """The score of everyone on one side if the mark were this: profit over wallet, times margin ratio."""
    marks = {name: market.mark for name, market in state.markets.items()} | {symbol: mark}
    return {
        account.id: _score(state, account, position, marks)
        for account in state.accounts.values()
        for position in account.positions.values()
        if position.symbol == symbol and (position.qty > 0) == (sign > 0) and account.kind != "FUND"
    }


def _score(state: Any, account: Any, position: Any, marks: dict[str, Decimal]) -> Decimal:
    def profit(one: Any) -> Decimal:
        return one.qty * marks[one.symbol] - one.cost

    def due(one: Any) -> Decimal:
        return tax(state.markets[one.symbol].contract.brackets, abs(one.qty) * marks[one.symbol])

    balances = state.ledgers["USDT"].balances
    if is_isolated(account, position.symbol):
        equity, maintenance = balances.get(position.margin_name, ZERO) + profit(position), due(position)
    else:
        legs = [p for p in account.positions.values() if not is_isolated(account, p.symbol)]
        equity = balances.get(account.wallet_name, ZERO) + sum(map(profit, legs))
        maintenance = sum(map(due, legs), ZERO)
    gain = profit(position)
    if equity <= 0 or gain <= 0:
        return ZERO
    return ROUGH.divide(ROUGH.divide(gain, max(equity - gain, Decimal(1))) * maintenance, equity)
