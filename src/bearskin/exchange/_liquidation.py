"""Liquidation: what happens to the positions on a margin whose equity has come down to maintenance.

Orders are cancelled first. Then positions shrink in steps, the one with the largest maintenance first, each time down
to the edge of the next lower bracket; in the lowest bracket all of it goes. Each step is an immediate-or-cancel order
at the bankruptcy price; what the book leaves of it the insurance fund takes over at that price, and what the fund
cannot take is closed against the winners. It ends as soon as equity is above maintenance again. A halt of trading does
not hold it up.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Literal

from bearskin.exchange._adl import deleverage
from bearskin.exchange._algos import end_algo
from bearskin.exchange._clearing import pay, tell_insurance
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._fund import take_over
from bearskin.exchange._handing import bankruptcy_price, hand_off, limit_ticks, price_grid
from bearskin.exchange._orders import end_order, force
from bearskin.exchange._pools import CROSS, Stake, Standing, is_due, keys_on, standing
from bearskin.exchange._state import Account
from bearskin.exchange._words import Liquidating
from bearskin.ledger import CENT_8
from bearskin.margin import bracket_at
from bearskin.terms import QUOTE

_ZERO = Decimal(0)


def liquidate(floor: Floor, account: Account, margin: str) -> None:
    """Liquidate what stands on a margin until it lives or is flat; nothing happens to one that lives."""
    now = _due(floor, account, margin)
    if now is None:
        return
    _withdraw(floor, account, margin, now)
    if margin.startswith(CROSS):
        _net_legs(floor, account, now)
        now = _due(floor, account, margin)
    while now is not None:
        _step(floor, account, margin, now)
        now = _due(floor, account, margin)


def _due(floor: Floor, account: Account, margin: str) -> Standing | None:
    """How the positions of a margin stand if they have to be liquidated, else None."""
    keys = keys_on(floor, account, margin)
    if not keys:
        return None
    now = standing(floor, account, margin, keys)
    return now if is_due(now) else None


def _withdraw(floor: Floor, account: Account, margin: str, now: Standing) -> None:
    """Cancel the orders, conditional ones too, that lean on the margin.

    On the cross wallet leans also what would open or add to an isolated position: its margin comes from there.
    """
    state = floor.state
    position_side = None if margin.startswith(CROSS) else now.stakes[0].position.side
    symbol_only = None if margin.startswith(CROSS) else now.stakes[0].position.symbol

    def leans(symbol: str, side: str, adds: bool) -> bool:
        if symbol_only is not None:
            return symbol == symbol_only and side == position_side
        setting = account.settings.get(symbol)
        isolated = setting is not None and setting.isolated
        return state.markets[symbol].contract.settle == now.asset and (adds or not isolated)

    for number in list(account.orders):
        order = state.orders.get(number)
        if order is not None and leans(order.symbol, order.position_side, not order.reduce_only):
            end_order(floor, order, "CANCELED")
    for number in list(account.algos):
        algo = state.algos.get(number)
        if algo is not None and leans(algo.symbol, algo.position_side, False):
            end_algo(floor, algo, "CANCELED")


def _net_legs(floor: Floor, account: Account, now: Standing) -> None:
    """Close long and short of one symbol against each other at mark, as far as they match.

    It costs the account nothing, moves no market and halves the maintenance of what it holds twice; only then is there
    a direction in which an order can help.
    """
    longs = {stake.position.symbol: stake for stake in now.stakes if stake.position.qty > 0}
    for stake in now.stakes:
        long = longs.get(stake.position.symbol)
        if stake.position.qty > 0 or long is None:
            continue
        qty = min(long.position.qty, -stake.position.qty)
        steps = int(qty / stake.market.contract.step)
        price = stake.mark.quantize(price_grid(stake.market.contract), ROUND_HALF_EVEN, QUOTE)
        hand_off(floor, account, long.position, account, steps, price, "LIQUIDATION")


def _step(floor: Floor, account: Account, margin: str, now: Standing) -> None:
    """One step: the order, what is taken over, the clearance fee."""
    stake = max(now.stakes, key=lambda one: one.maintenance)
    position, contract = stake.position, stake.market.contract
    steps, word = _size(stake)
    price = bankruptcy_price(now, stake)
    floor.out.append(
        Liquidating(
            time_ns=floor.now_ns,
            account=account.id,
            symbol=position.symbol,
            position_side=position.side,  # type: ignore[arg-type]
            qty=steps * contract.step,
            bankruptcy=price,
            step=word,
        )
    )
    ledger = floor.state.ledgers[now.asset]
    in_wallet = ledger.balance(account.wallet_name)
    ticks = limit_ticks(price, contract.tick, selling=position.qty > 0)
    left = steps
    if ticks:
        left -= force(floor, account, position, steps, ticks, "LIQUIDATION")
    freed = ledger.balance(account.wallet_name) - in_wallet
    unit = contract.step * stake.mark * contract.liquidation_fee_rate  # the fee of one step
    if left and (left == steps or not _lives_after(floor, account, margin, freed, (steps - left) * unit)):
        left -= take_over(floor, account, position, left, price)
        if left:
            in_wallet += deleverage(floor, account, position, left, price)
            left = 0
        freed = ledger.balance(account.wallet_name) - in_wallet
    _charge(floor, account, margin, stake, freed, (steps - left) * unit)


def _size(stake: Stake) -> tuple[int, Literal["REDUCE", "CLOSE"]]:
    """How many steps to close: down to the floor of the bracket at mark, all of it in the lowest."""
    step = stake.market.contract.step
    held = int(abs(stake.position.qty) / step)
    assert stake.tiers is not None
    i = bracket_at(stake.tiers, stake.notional)
    keep = int(stake.tiers.floor[i] // (stake.mark * step))
    return held - keep, "REDUCE" if keep else "CLOSE"


def _lives_after(floor: Floor, account: Account, margin: str, freed: Decimal, fee: Decimal) -> bool:
    """Whether what the book has taken is enough, the fee for it counted and margin set free put back."""
    keys = keys_on(floor, account, margin)
    if not keys:
        return True
    now = standing(floor, account, margin, keys)
    back = _ZERO if margin.startswith(CROSS) else max(freed, _ZERO)
    return now.equity + back - fee > now.maintenance


def _charge(floor: Floor, account: Account, margin: str, stake: Stake, freed: Decimal, fee: Decimal) -> None:
    """Take the clearance fee for the insurance fund, never more than the margin has left.

    What a step set free of an isolated margin goes back to it as long as the position is open.
    """
    contract = stake.market.contract
    asset, symbol = contract.settle, contract.symbol
    ledger = floor.state.ledgers[asset]
    fund_name = floor.state.accounts[FUND].wallet_name
    keys = keys_on(floor, account, margin)
    isolated = not margin.startswith(CROSS)
    if isolated and keys and freed > 0:
        ledger.move(account.wallet_name, stake.position.margin_name, freed)
    if isolated:
        able = ledger.balance(stake.position.margin_name) if keys else freed
    else:
        able = standing(floor, account, margin, keys).equity if keys else ledger.balance(account.wallet_name)
    # equity has the digits of mark and quantity together, money has eight
    fee = min(fee.quantize(CENT_8, ROUND_HALF_EVEN, QUOTE), max(able, _ZERO).quantize(CENT_8, ROUND_DOWN, QUOTE))
    if fee <= 0:
        return
    if isolated and keys:
        ledger.move(stake.position.margin_name, fund_name, fee)
        change = floor.change(account.id, "INSURANCE_CLEAR")
        change.assets[asset] = change.assets.get(asset, _ZERO) - fee
        change.positions[stake.key] = stake.position
    else:
        pay(floor, account, asset, -fee, fund_name, "INSURANCE_CLEAR")
    floor.dirty[account.id] = None
    floor.dirty[FUND] = None
    tell_insurance(floor, account.id, asset, -fee, symbol)
    tell_insurance(floor, FUND, asset, fee, symbol)
