"""Funding: the rate a symbol comes to, and what longs and shorts pay each other at the settlement."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from bearskin.exchange._clearing import cover, next_transfer, pay
from bearskin.exchange._figures import available, mark_of
from bearskin.exchange._floor import Floor
from bearskin.exchange._index import rounded
from bearskin.exchange._state import Account, Market, Position
from bearskin.exchange._words import FundingSettled, Income
from bearskin.ledger import CENT_8
from bearskin.margin import clamp, funding_rate, funding_received
from bearskin.terms import HOUR_NS, QUOTE

ROUNDING = "rounding"
_ZERO = Decimal(0)


def take_premium(market: Market, premium: Decimal, periods: int) -> None:
    """Add a premium sample to the running average, `periods` times over: sample i of the period weighs i."""
    count = market.premium_count
    # the sum of the weights count + 1 .. count + periods
    weight = periods * count + periods * (periods + 1) // 2
    market.premium_sum += premium * weight
    market.premium_count = count + periods


def average_premium(market: Market) -> Decimal:
    """The time-weighted premium of the running period; zero before its first sample."""
    count = market.premium_count
    if not count:
        return _ZERO
    return QUOTE.divide(market.premium_sum, Decimal(count * (count + 1) // 2))


def coming_rate(market: Market) -> Decimal:
    """The rate that would settle next: as pinned, else from the premium, within the cap, eight digits, half to even.

    Right after a settlement, before the first sample of the new period, it stays what was settled.
    """
    if market.pinned_rate is not None:
        return market.pinned_rate
    if not market.premium_count:
        return market.last_rate
    contract = market.contract
    rate = funding_rate(average_premium(market), contract.interest_rate_8h, market.interval_h)
    cap = contract.funding_cap_rate
    return rounded(clamp(rate, -cap, cap))


def next_settlement_ns(now_ns: int, interval_h: int) -> int:
    """The next whole multiple of the interval after `now_ns`, counted from midnight UTC."""
    interval = interval_h * HOUR_NS
    return (now_ns // interval + 1) * interval


def settle_due(floor: Floor) -> None:
    """Settle every symbol whose time has come; a step over several settlements settles each of them."""
    now_ns = floor.now_ns
    for market in floor.state.markets.values():
        if not market.next_funding_ns:
            market.next_funding_ns = next_settlement_ns(now_ns, market.interval_h)
            continue
        while market.next_funding_ns <= now_ns:
            settle(floor, market)
            market.premium_sum, market.premium_count = _ZERO, 0
            market.next_funding_ns = next_settlement_ns(market.next_funding_ns, market.interval_h)


def settle(floor: Floor, market: Market) -> None:
    """Let the longs of a symbol pay its shorts (or the other way round) for what is open at this moment, at mark.

    Each amount is rounded half-even to eight digits; what the roundings leave is the venue's.
    Source: Binance, introduction to funding rates.
    """
    symbol = market.contract.symbol
    mark, rate = mark_of(floor, symbol), market.last_rate
    market.settled_rate = rate
    floor.out.append(FundingSettled(time_ns=floor.now_ns, symbol=symbol, rate=rate, mark=mark))
    keys = (symbol + "/BOTH", symbol + "/LONG", symbol + "/SHORT")
    for account in floor.state.accounts.values():
        positions = account.positions
        for key in keys:
            position = positions.get(key)
            if position is None:
                continue
            amount = funding_received(position.qty, mark, rate).quantize(CENT_8, ROUND_HALF_EVEN, QUOTE)
            if amount:
                _settle_one(floor, market, account, key, position, amount)


def _settle_one(floor: Floor, market: Market, account: Account, key: str, position: Position, amount: Decimal) -> None:
    """Book what one position receives, or pays when negative."""
    contract = market.contract
    asset, symbol = contract.settle, contract.symbol
    setting = account.settings.get(symbol)
    isolated = setting is not None and setting.isolated
    if isolated:
        if amount < 0:
            _charge_isolated(floor, account, position, asset, -amount)
        else:
            pay(floor, account, asset, amount, ROUNDING, "FUNDING_FEE")
        floor.change(account.id, "FUNDING_FEE").positions[key] = position
    else:
        pay(floor, account, asset, amount, ROUNDING, "FUNDING_FEE")
    floor.dirty[account.id] = None
    floor.out.append(
        Income(
            time_ns=floor.now_ns,
            account=account.id,
            type="FUNDING_FEE",
            asset=asset,
            amount=amount,
            symbol=symbol,
            transfer_id=next_transfer(floor),
        )
    )


def _charge_isolated(floor: Floor, account: Account, position: Position, asset: str, owed: Decimal) -> None:
    """Take `owed` from what is free in the wallet, then from the position's margin.

    An isolated position never loses more than its margin: the insurance fund pays the rest as far as it has money, then
    the venue.
    """
    ledger = floor.state.ledgers[asset]
    free = min(owed, available(floor, account, asset).quantize(CENT_8, ROUND_DOWN, QUOTE))
    left = owed
    if free > 0:
        pay(floor, account, asset, -free, ROUNDING, "FUNDING_FEE")
        left -= free
    margin = min(left, ledger.balance(position.margin_name))
    if margin > 0:
        ledger.move(position.margin_name, ROUNDING, margin)
        change = floor.change(account.id, "FUNDING_FEE")
        change.assets[asset] = change.assets.get(asset, _ZERO) - margin
        left -= margin
    if left:
        cover(floor, account, asset, left, ROUNDING, position.symbol)
