"""What an account is worth, owes and has free, at mark."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bearskin.exchange._book import CAUTIOUS
from bearskin.exchange._floor import Floor
from bearskin.exchange._state import ZERO, Account, Position, Setting
from bearskin.exchange._words import PositionNow
from bearskin.ledger import CENT_8
from bearskin.margin import Leg, cross_liquidation_prices, maintenance, quoting
from bearskin.margin import liquidation_price as isolated_liquidation_price

DEFAULT = Setting()


class CrossFigures(NamedTuple):
    """Cross wallet, unrealised profit, maintenance and initial margin of the cross positions of one asset."""

    wallet: Decimal
    unrealised: Decimal
    maintenance: Decimal
    initial: Decimal


def setting_of(account: Account, symbol: str) -> Setting:
    """Leverage and margin mode of a symbol; the default where nothing was set (to be read, not written)."""
    return account.settings.get(symbol, DEFAULT)


def leverage_of(floor: Floor, account: Account, symbol: str) -> int:
    """The leverage margin is asked at: what was chosen, at most what the first bracket of the contract allows."""
    setting = account.settings.get(symbol)
    book = floor.books[symbol]
    book.refresh()
    return book.default_leverage if setting is None else min(setting.leverage, book.max_leverage)


def wallet(floor: Floor, account: Account, asset: str) -> Decimal:
    """The cross wallet."""
    ledger = floor.state.ledgers.get(asset)
    return ZERO if ledger is None else ledger.balances.get(account.wallet_name, ZERO)


def margin_of(floor: Floor, position: Position) -> Decimal:
    """The margin set aside for an isolated position (zero when cross)."""
    ledger = floor.state.ledgers.get(floor.state.markets[position.symbol].contract.settle)
    return ZERO if ledger is None else ledger.balances.get(position.margin_name, ZERO)


def mark_of(floor: Floor, symbol: str) -> Decimal:
    """The mark everything is judged by; before there is one the last price or the index, or zero without any."""
    market = floor.state.markets[symbol]
    for price in (market.mark, market.last_price, market.index):
        if price is not None:
            return price
    return ZERO


def unrealised(floor: Floor, position: Position) -> Decimal:
    """Profit at mark."""
    return position.qty * mark_of(floor, position.symbol) - position.cost


def maintenance_of(floor: Floor, position: Position) -> Decimal:
    """Maintenance margin of a position at mark."""
    return maintenance(floor.tiers[position.symbol], abs(position.qty) * mark_of(floor, position.symbol))


def initial_of(floor: Floor, account: Account, position: Position) -> Decimal:
    """Initial margin of a position: its notional at mark over the leverage, rounded up."""
    value = abs(position.qty) * mark_of(floor, position.symbol)
    return CAUTIOUS.divide(value, leverage_of(floor, account, position.symbol))


def cross(floor: Floor, account: Account, asset: str) -> CrossFigures:
    """All cross positions of an account together."""
    profit = needed = initial = ZERO
    for position in account.positions.values():
        symbol = position.symbol
        if floor.state.markets[symbol].contract.settle != asset or setting_of(account, symbol).isolated:
            continue
        profit += unrealised(floor, position)
        needed += maintenance_of(floor, position)
        initial += initial_of(floor, account, position)
    return CrossFigures(wallet(floor, account, asset), profit, needed, initial)


def order_notional(held: Decimal, bid: Decimal, ask: Decimal) -> Decimal:
    """By how much resting orders can make a position of signed notional `held` larger than it is."""
    size = abs(held)
    return max(abs(held + bid), abs(held - ask), size) - size


def open_order_margin(floor: Floor, account: Account, symbol: str) -> Decimal:
    """Initial margin of the resting orders of a symbol beyond that of its position."""
    keys = floor.books[symbol].keys
    total = ZERO
    for key in keys.values():
        if key in account.reserves:
            total += _reserved(floor, account, key, symbol)
    return total


def _reserved(floor: Floor, account: Account, key: str, symbol: str) -> Decimal:
    reserve = account.reserves[key]
    position = account.positions.get(key)
    if position is None:
        value = max(reserve.bid, reserve.ask)
    else:
        value = order_notional(position.qty * mark_of(floor, symbol), reserve.bid, reserve.ask)
    return CAUTIOUS.divide(value, leverage_of(floor, account, symbol)) if value else ZERO


def free(floor: Floor, account: Account, asset: str) -> Decimal:
    """Cross wallet and cross profit less the initial margin of cross positions and of all orders; may be negative."""
    found = wallet(floor, account, asset)
    markets = floor.state.markets
    for position in account.positions.values():
        symbol = position.symbol
        if markets[symbol].contract.settle != asset or setting_of(account, symbol).isolated:
            continue
        worth = position.qty * mark_of(floor, symbol)
        found += worth - position.cost - CAUTIOUS.divide(abs(worth), leverage_of(floor, account, symbol))
    for key in account.reserves:
        symbol = key[: key.index("/")]
        if markets[symbol].contract.settle == asset:
            found -= _reserved(floor, account, key, symbol)
    return found


def available(floor: Floor, account: Account, asset: str) -> Decimal:
    """What may be used for new orders or taken out; never negative."""
    return max(free(floor, account, asset), ZERO)


def position_now(floor: Floor, account: Account, position: Position) -> PositionNow:
    """A position as events and answers tell it."""
    worth = position.qty * mark_of(floor, position.symbol)
    isolated = setting_of(account, position.symbol).isolated
    return PositionNow(
        symbol=position.symbol,
        side=position.side,  # type: ignore[arg-type]
        qty=position.qty,
        cost=position.cost,
        realised=position.realised,
        unrealised=worth - position.cost,
        isolated=isolated,
        isolated_wallet=margin_of(floor, position) if isolated else ZERO,
        maintenance=maintenance(floor.tiers[position.symbol], abs(worth)),
    )


def liquidation_price(floor: Floor, account: Account, position: Position) -> Decimal:
    """The mark at which it is liquidated, others frozen; zero when there is none. To be shown, to eight digits.

    Both legs of a hedged cross account share one price; where two would liquidate it, the one against the larger leg.
    """
    symbol = position.symbol
    if not position.qty:
        return ZERO
    with quoting():
        if setting_of(account, symbol).isolated:
            tiers = floor.tiers[symbol]
            found = isolated_liquidation_price(tiers, position.qty, position.cost, margin_of(floor, position))
            return found.quantize(CENT_8)
        asset = floor.state.markets[symbol].contract.settle
        moving, frozen = [], []
        for other in account.positions.values():
            if floor.state.markets[other.symbol].contract.settle != asset:
                continue
            leg = Leg(floor.tiers[other.symbol], other.qty, other.cost, mark_of(floor, other.symbol))
            if other.symbol == symbol:
                moving.append(leg)
            elif not setting_of(account, other.symbol).isolated:
                frozen.append(leg)
        prices = cross_liquidation_prices(moving, wallet(floor, account, asset), frozen)
        return _nearest(prices, mark_of(floor, symbol), sum(leg.qty for leg in moving) > 0).quantize(CENT_8)


def _nearest(prices: tuple[Decimal, ...], mark: Decimal, long: bool) -> Decimal:
    """The price a net long falls to, or a net short rises to; the last one passed when it is there already."""
    if not prices:
        return ZERO
    if long:
        return max((price for price in prices if price <= mark), default=prices[0])
    return min((price for price in prices if price >= mark), default=prices[-1])
