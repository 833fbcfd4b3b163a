"""Contracts margined and settled in the quote currency: perpetuals and dated futures.

`qty` is signed (a short is negative), `cost` is the signed open cost, the sum of quantity times price over the open
part (negative for a short). Prices are in quote per coin, money in quote.
"""

from __future__ import annotations

from bearskin.margin._formula import formula
from bearskin.margin._tiers import Tiers, maintenance, root_bracket
from bearskin.terms import BadInput, Num


@formula
def notional(qty: Num, price: Num) -> Num:
    """Value of a position or order, never negative; at mark for margin, at the fill for fees."""
    return abs(qty) * price


@formula
def profit(qty: Num, cost: Num, mark: Num) -> Num:
    """Unrealised profit at `mark`; at a fill price it is what closing there realises, before fees."""
    return qty * mark - cost


@formula
def equity(qty: Num, cost: Num, mark: Num, wallet: Num) -> Num:
    """Margin balance: the wallet and the profit that is not yet in it."""
    return wallet + profit(qty, cost, mark)


@formula
def fee(value: Num, fee_rate: Num) -> Num:
    """What the venue takes for a fill of notional `value`; positive is a cost, a rebate has a negative rate."""
    return value * fee_rate


@formula
def initial_margin(value: Num, leverage: Num) -> Num:
    """Margin to hold a notional at a leverage: `value / leverage` (isolated margin at entry, decided by the user)."""
    return value / leverage


@formula
def is_liquidated(tiers: Tiers[Num], qty: Num, cost: Num, mark: Num, wallet: Num) -> bool:
    """Whether equity has come down to maintenance at `mark`: equality is liquidation. Decides without dividing.

    `wallet` is the isolated margin, or the cross wallet of an account with this one position.
    Source: Binance, liquidation protocol (margin ratio of 100 %).
    """
    return qty != 0 and equity(qty, cost, mark, wallet) <= maintenance(tiers, notional(qty, mark))


@formula
def liquidation_price(tiers: Tiers[Num], qty: Num, cost: Num, wallet: Num) -> Num:
    """The mark at which equity meets maintenance, in the bracket of the notional at that very price.

    Zero when no price above zero does so, as venues print it: a flat position, a long whose wallet covers its whole
    cost, or a short under water at every price (`is_liquidated` tells which).
    Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93, also for the bracket.
    """
    if qty == 0:
        return cost - cost
    slope = 1 if qty > 0 else -1
    i = root_bracket(tiers, wallet - cost, slope)
    price = (cost - wallet - tiers.cum[i]) / (qty - abs(qty) * tiers.mmr[i])
    return price if price > 0 else cost - cost


@formula
def bankruptcy_price(qty: Num, cost: Num, wallet: Num) -> Num:
    """The price at which equity is gone, fees not counted; zero when there is none above zero.

    For a fresh position at leverage L it lies 1/L from the entry; liquidation comes before it.
    """
    if qty == 0:
        return cost - cost
    price = (cost - wallet) / qty
    return price if price > 0 else cost - cost


@formula
def margin_ratio(maintenance_margin: Num, margin_balance: Num) -> Num:
    """Maintenance over equity, of a position or an account; liquidation at 1 (100 %). To be shown, not decided by.

    Raises BadInput when no equity is left: the ratio has no value there.
    """
    if margin_balance <= 0:
        raise BadInput("margin ratio needs equity above zero")
    return maintenance_margin / margin_balance


@formula
def roe(qty: Num, cost: Num, mark: Num, leverage: Num) -> Num:
    """Return on equity as the venue shows it: profit over the initial margin of the notional at mark."""
    return profit(qty, cost, mark) * leverage / notional(qty, mark)


@formula
def return_on_margin(gain: Num, margin: Num) -> Num:
    """Gain over the margin put up at entry."""
    return gain / margin


@formula
def break_even_price(qty: Num, cost: Num, fee_rate: Num) -> Num:
    """The venue's break-even: entry moved by the fee already paid at entry; closing there still loses its own fee.

    Source: `breakEvenPrice` as Binance prints it.
    """
    return (cost + abs(cost) * fee_rate) / qty


@formula
def break_even_price_all_in(qty: Num, cost: Num, entry_fee_rate: Num, exit_fee_rate: Num) -> Num:
    """The price at which closing leaves nothing gained or lost after the fees of both ends."""
    return (cost + abs(cost) * entry_fee_rate) / (qty - abs(qty) * exit_fee_rate)


@formula
def net_profit(qty: Num, cost: Num, price: Num, entry_fee_rate: Num, exit_fee_rate: Num, funding: Num) -> Num:
    """Profit of closing at `price` after both fees and the funding received (negative when it was paid)."""
    fees = fee(abs(cost), entry_fee_rate) + fee(notional(qty, price), exit_fee_rate)
    return profit(qty, cost, price) - fees + funding


@formula
def realized_profit(qty: Num, cost: Num, fill_qty: Num, price: Num) -> Num:
    """What a fill of signed `fill_qty` at `price` realises of the position; zero when it adds to it.

    A fill larger than the position realises the position only, what is left over opens the other side.
    """
    if qty * fill_qty >= 0:
        return cost - cost
    closed = min(abs(qty), abs(fill_qty))
    return profit(qty, cost, price) * closed / abs(qty)


@formula
def wallet_needed(tiers: Tiers[Num], qty: Num, cost: Num, mark: Num) -> Num:
    """The wallet at which the position would be liquidated exactly at `mark`; to live there takes strictly more.

    Negative when the profit at `mark` alone covers maintenance.
    """
    return maintenance(tiers, notional(qty, mark)) - profit(qty, cost, mark)


@formula
def survival_wallet(tiers: Tiers[Num], qty: Num, cost: Num, move: Num) -> Num:
    """The wallet used up by a move of the price from the entry (1/10 is up ten per cent); survival takes strictly more.

    The entry is `cost / qty`, so `qty * mark` is `cost * (1 + move)` and nothing is divided.
    """
    if qty == 0:
        return cost - cost
    worth = cost * (1 + move)
    return maintenance(tiers, abs(worth)) - (worth - cost)


@formula
def assuming_price(qty: Num, order_price: Num, mark: Num, last: Num) -> Num:
    """The price at which the venue reserves margin for a limit order of signed `qty`.

    A buy reserves at its own price; a sell at the highest of last plus 0.15 %, mark and its own price, which is why
    a resting sell far below the market reserves more than its notional.
    Source: Binance FAQ 87fa7ee33b574f7084d42bd2ce2e463b.
    """
    if qty > 0:
        return order_price
    return max(last * 10015 / 10000, mark, order_price)


@formula
def open_loss(qty: Num, order_price: Num, mark: Num) -> Num:
    """What an order of signed `qty` would be down against mark the moment it fills; never negative.

    Source: Binance FAQ 87fa7ee33b574f7084d42bd2ce2e463b.
    """
    return max(qty * (order_price - mark), mark - mark)


@formula
def order_cost(qty: Num, order_price: Num, mark: Num, last: Num, leverage: Num) -> Num:
    """What must be free to place a limit order: initial margin at the assuming price, and the open loss."""
    reserved = initial_margin(notional(qty, assuming_price(qty, order_price, mark, last)), leverage)
    return reserved + open_loss(qty, order_price, mark)
