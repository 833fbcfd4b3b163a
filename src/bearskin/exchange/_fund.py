"""The insurance fund: it takes over what the book does not, works it off in small pieces, and pays debts."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from bearskin.exchange._adl import deleverage
from bearskin.exchange._clearing import HOUSE, pay, tell_insurance
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._handing import bankruptcy_price, hand_off, limit_ticks
from bearskin.exchange._orders import force
from bearskin.exchange._pools import CROSS, keys_on, standing
from bearskin.exchange._state import Account, Position
from bearskin.ledger import CENT_8
from bearskin.terms import QUOTE

UNWIND_PARTS = 20  # a tick closes at most this part of a position of the fund
UNWIND_BOUND = Decimal("0.005")  # and not further from mark than this
_ZERO = Decimal(0)


def take_over(floor: Floor, account: Account, position: Position, steps: int, price: Decimal) -> int:
    """Move up to `steps` of a position to the fund at `price`; returns how many it could take.

    It takes no more than leaves its equity above zero at mark, and no more than keeps the net notional of all its
    positions within its balance.
    Source: Binance, insurance fund (net notional of at most 100 % of the fund), an old page.
    """
    fund = floor.state.accounts[FUND]
    market = floor.state.markets[position.symbol]
    contract = market.contract
    step, asset = contract.step, contract.settle
    balance = floor.state.ledgers[asset].balance(fund.wallet_name)
    mark = market.mark if market.mark is not None else price
    equity, others, held = balance, _ZERO, _ZERO
    keys = keys_on(floor, fund, CROSS + asset)
    if keys:
        now = standing(floor, fund, CROSS + asset, keys)
        equity = now.equity
        for stake in now.stakes:
            if stake.position.symbol == position.symbol:
                held = stake.position.qty
            else:
                others += stake.notional
    if equity <= 0:
        return 0
    sign = 1 if position.qty > 0 else -1
    room = max(balance - others, _ZERO) - sign * held * mark
    most = max(int(room // (mark * step)), 0)
    loss = sign * (price - mark)
    if loss > 0:
        bearable, rest = divmod(equity, loss * step)
        most = min(most, int(bearable) - (not rest))
    taken = min(steps, most)
    if taken:
        hand_off(floor, account, position, fund, taken, price, "LIQUIDATION")
    return taken


def unwind(floor: Floor) -> None:
    """Close a small part of each position of the fund against the book, near mark."""
    fund = floor.state.accounts[FUND]
    for position in list(fund.positions.values()):
        market = floor.state.markets[position.symbol]
        if market.status != "TRADING" or market.mark is None:
            continue
        contract = market.contract
        held = int(abs(position.qty) / contract.step)
        sign = 1 if position.qty > 0 else -1
        limit = limit_ticks(market.mark * (1 - sign * UNWIND_BOUND), contract.tick, selling=sign > 0)
        best = floor.books[position.symbol].best(sign)
        if best is not None and (best - limit) * sign >= 0:
            force(floor, fund, position, -(-held // UNWIND_PARTS), limit, "FUND")


def give_up(floor: Floor, margin: str) -> None:
    """The fund's equity is gone: its positions are closed against the winners at the price that leaves it nothing."""
    fund = floor.state.accounts[FUND]
    now = standing(floor, fund, margin, keys_on(floor, fund, margin))
    prices = [bankruptcy_price(now, stake) for stake in now.stakes]
    for stake, price in zip(now.stakes, prices, strict=True):
        steps = int(abs(stake.position.qty) / stake.market.contract.step)
        deleverage(floor, fund, stake.position, steps, price)


def clear_debt(floor: Floor, account: Account, asset: str) -> bool:
    """Bring a negative cross wallet without cross positions back to zero; True when a part of the debt is left.

    The insurance fund pays as far as its balance and its equity go; what the fund itself owes the venue carries.
    Source: Binance, liquidation protocols (the fund brings a bankrupt account back to zero).
    """
    ledger = floor.state.ledgers[asset]
    debt = -ledger.balance(account.wallet_name)
    if debt <= 0 or keys_on(floor, account, CROSS + asset):
        return False
    if account.id == FUND:
        ledger.move(HOUSE, account.wallet_name, debt)
        tell_insurance(floor, FUND, asset, debt)
        return False
    fund = floor.state.accounts[FUND]
    able = ledger.balance(fund.wallet_name)
    keys = keys_on(floor, fund, CROSS + asset)
    if keys:
        # equity has the digits of mark and quantity together, money has eight
        equity = standing(floor, fund, CROSS + asset, keys).equity
        able = min(able, equity.quantize(CENT_8, ROUND_DOWN, QUOTE))
    paid = min(debt, able)
    if paid <= 0:
        return True
    pay(floor, account, asset, paid, fund.wallet_name, "INSURANCE_CLEAR")
    floor.dirty[FUND] = None
    tell_insurance(floor, account.id, asset, paid)
    tell_insurance(floor, FUND, asset, -paid)
    return paid < debt
