"""Spot margin: a coin borrowed, sold, bought back and returned with interest."""

from __future__ import annotations

from bearskin.margin._formula import formula
from bearskin.terms import HOUR_NS, BadInput, Num


@formula
def interest_hours(borrow_ns: int, repay_ns: int) -> int:
    """Hours of interest between two times: one at the advance and one at every full clock hour after it.

    From 13:20 to 14:15 it is 2 hours, over 30 days 721. Raises BadInput when `repay_ns` comes before `borrow_ns`.
    Source: Binance, margin interest (FAQ 360041505471).
    """
    if repay_ns < borrow_ns:
        raise BadInput("a loan cannot be repaid before it is taken")
    # divmod is safe here where `//` is banned: nanoseconds are int in every world
    return divmod(repay_ns, HOUR_NS)[0] - divmod(borrow_ns, HOUR_NS)[0] + 1


@formula
def loan_interest(principal: Num, rate: Num, periods: int) -> Num:
    """Simple interest in the borrowed coin: `periods` are hours where `rate` is per hour."""
    return principal * rate * periods


@formula
def loan_carry_per_day(owed_qty: Num, hourly_rate: Num, price: Num) -> Num:
    """What a loan of `owed_qty` coins brings a day in quote: always negative, 24 hours of interest at `price`."""
    return -(owed_qty * hourly_rate * 24 * price)


@formula
def max_borrow(net_collateral: Num, leverage: Num) -> Num:
    """How much may be borrowed on own collateral at a leverage, in the same currency."""
    return net_collateral * (leverage - 1)


@formula
def margin_level(assets: Num, debts: Num, interest: Num) -> Num:
    """Assets over what is owed, interest included; the venue calls and liquidates as it falls.

    Raises BadInput when nothing is owed: there is no level then.
    Source: Binance FAQ 360030493931.
    """
    if debts + interest <= 0:
        raise BadInput("a margin level needs a debt")
    return assets / (debts + interest)


@formula
def loan_liquidation_price(quote_assets: Num, base_assets: Num, quote_debt: Num, base_debt: Num, level: Num) -> Num:
    """The price of the base at which the margin level comes down to `level` (1.1 on Binance); zero when there is none.

    Debts include their interest. A short holds the proceeds and its collateral in quote and owes base.
    Source: the definition of the margin level, Binance FAQ 360030493931.
    """
    exposure = base_assets - level * base_debt
    if exposure == 0:
        return exposure
    price = (level * quote_debt - quote_assets) / exposure
    return price if price > 0 else exposure - exposure


@formula
def buy_back_qty(owed_qty: Num, fee_rate: Num) -> Num:
    """How much to buy so that, after a fee taken in the coin bought, exactly `owed_qty` is left to repay.

    Round it up to the step: anything less leaves the loan open.
    """
    return owed_qty / (1 - fee_rate)
