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
    return floor.books[symbol].leverage(account.settings.get(symbol))


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


def reach(held: Decimal, bid: Decimal, ask: Decimal) -> Decimal:
    """The largest notional that a position of signed notional `held` can come to by its resting orders, or has now.

    The same as max(|held + bid|, |held - ask|, |held|), since bid and ask are never negative.
    """
    return max(held + bid, ask - held, abs(held))


def order_notional(held: Decimal, bid: Decimal, ask: Decimal) -> Decimal:
    """By how much resting orders can make a position of signed notional `held` larger than it is."""
    return reach(held, bid, ask) - abs(held)


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
    books = floor.books
    reserves = account.reserves
    settings = account.settings
    found = floor.state.ledgers[asset].balances.get(account.wallet_name, ZERO)
    margined = 0
    # in the hot path of every order: position and orders of a key are taken together, and divided once
    for key, position in account.positions.items():
        symbol = position.symbol
        book = books[symbol]
        if book.settle != asset:
            continue
        setting = settings.get(symbol)
        mark = book.market.mark
        worth = position.qty * (mark_of(floor, symbol) if mark is None else mark)
        size = needed = abs(worth)
        reserve = reserves.get(key)
        if reserve is not None:
            margined += 1
            needed = max(size, worth + reserve.bid, reserve.ask - worth)
        if setting is None or not setting.isolated:
            found += worth - position.cost
        else:
            needed -= size
        if needed:
            found -= CAUTIOUS.divide(needed, book.leverage(setting))
    if margined == len(reserves):
        return found
    for key, reserve in reserves.items():
        if key not in account.positions:
            symbol = key[: key.index("/")]
            book = books[symbol]
            if book.settle == asset:
                found -= CAUTIOUS.divide(max(reserve.bid, reserve.ask), book.leverage(settings.get(symbol)))
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

    The legs of a hedged cross account die together. Where one price does it both show that one; where two do, one
    below and one above mark, the long shows the lower and the short the higher.
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
        return _nearest(prices, mark_of(floor, symbol), position.qty > 0).quantize(CENT_8)


def _nearest(prices: tuple[Decimal, ...], mark: Decimal, long: bool) -> Decimal:
    """The next price below mark for a long or above it for a short, or else the nearest there is; zero without any."""
    if not prices:
        return ZERO
    if long:
        return max((price for price in prices if price <= mark), default=prices[0])
    return min((price for price in prices if price >= mark), default=prices[-1])
