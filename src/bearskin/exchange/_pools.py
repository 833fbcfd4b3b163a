"""What stands on one margin: an isolated position, or all cross positions of one asset."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bearskin.exchange._figures import mark_of
from bearskin.exchange._floor import FUND, Floor
from bearskin.exchange._state import Account, Market, Position
from bearskin.margin import Tiers, maintenance

CROSS = "CROSS/"  # with the asset: the margin that all cross positions share
_ZERO = Decimal(0)


class Stake(NamedTuple):
    """A position with its market and its figures at mark."""

    key: str
    position: Position
    market: Market
    tiers: Tiers[Decimal] | None
    mark: Decimal
    notional: Decimal
    maintenance: Decimal


class Standing(NamedTuple):
    """The positions on one margin, in the order of their keys, with equity and maintenance together.

    `balance` is the wallet or the isolated margin, `asset` what it is in.
    """

    stakes: list[Stake]
    asset: str
    balance: Decimal
    equity: Decimal
    maintenance: Decimal

    @property
    def notional(self) -> Decimal:
        """The value of all positions at mark."""
        return sum((stake.notional for stake in self.stakes), _ZERO)


def margins_of(floor: Floor, account: Account) -> dict[str, list[str]]:
    """The margins that positions of an account stand on, each with the keys of those positions."""
    found: dict[str, list[str]] = {}
    markets, settings = floor.state.markets, account.settings
    for key, position in account.positions.items():
        symbol = position.symbol
        setting = settings.get(symbol)
        if setting is not None and setting.isolated:
            found[key] = [key]
        else:
            found.setdefault(CROSS + markets[symbol].contract.settle, []).append(key)
    return found


def keys_on(floor: Floor, account: Account, margin: str) -> list[str]:
    """The keys of the open positions that stand on a margin; none when all have been closed."""
    if not margin.startswith(CROSS):
        return [margin] if margin in account.positions else []
    return margins_of(floor, account).get(margin, [])


def standing(floor: Floor, account: Account, margin: str, keys: list[str]) -> Standing:
    """How the positions of `keys` stand on their margin, at mark. The insurance fund needs no maintenance."""
    positions, markets, tiers_by_symbol = account.positions, floor.state.markets, floor.tiers
    cross = margin.startswith(CROSS)
    stakes = []
    profit = needed = _ZERO
    if cross and len(keys) > 1:
        keys = sorted(keys)
    for key in keys:
        position = positions[key]
        market = markets[position.symbol]
        mark = market.mark
        if mark is None:
            mark = mark_of(floor, position.symbol)
        worth = position.qty * mark
        profit += worth - position.cost
        notional = abs(worth)
        tiers = None if account.id == FUND else tiers_by_symbol[position.symbol]
        asked = _ZERO if tiers is None else maintenance(tiers, notional)
        needed += asked
        stakes.append(Stake(key, position, market, tiers, mark, notional, asked))
    asset = stakes[0].market.contract.settle
    name = account.wallet_name if cross else stakes[0].position.margin_name
    balance = floor.state.ledgers[asset].balances.get(name, _ZERO)
    return Standing(stakes, asset, balance, balance + profit, needed)


def is_due(now: Standing) -> bool:
    """Whether equity has come down to maintenance; equality is liquidation. Exact."""
    return now.equity <= now.maintenance
