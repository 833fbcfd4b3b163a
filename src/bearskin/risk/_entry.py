"""An entry as an account sees it: what it is worth and has at stake, and how large the next position may be.

Backtest and engine both size here, so that the same account and the same signal give the same quantity.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, NamedTuple

from bearskin.risk._payoff import payoff_of, tiers
from bearskin.risk._size import ONE, Sized, SizeRequest, size_position
from bearskin.terms import QUOTE, Brackets, Instrument, MarginMode, Num, Reason, Refused, Side, dec


class Holding(NamedTuple, Generic[Num]):
    """One position or resting entry: `planned` coins unsigned, of which `share` is open or still to be opened.

    `qty` and `cost` are signed and what is open now; `margin` and `risk` (loss at the stop) are those of the plan.
    """

    side: int
    planned: Num
    share: Num
    qty: Num
    cost: Num
    mark: Num
    margin: Num
    risk: Num


class Exposure(NamedTuple, Generic[Num]):
    """The account at one moment: equity, what is free for margin, and what is at stake in open and resting orders."""

    equity: Num
    free: Num
    risk: Num
    gross: Num
    net: Num


def exposure(wallet: Num, isolated: bool, holdings: Iterable[Holding[Num]]) -> Exposure[Num]:
    """What the account is worth at the marks; a position's risk stays that of its plan until it shrinks."""
    equity = wallet
    margin = risk = gross = net = wallet - wallet
    for held in holdings:
        notional = held.side * held.planned * held.share * held.mark
        if held.qty != 0:
            equity += held.qty * held.mark - held.cost
        margin += held.margin * held.share
        risk += held.risk * held.share
        gross += abs(notional)
        net += notional
    # a cross account lends against equity, an isolated one only what lies in the wallet
    free = (wallet if isolated else equity) - margin
    return Exposure(equity, free, risk, gross, net)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRules:
    """How entries are sized: a preset and what departs from it. Rates None are the instrument's."""

    preset: str
    risk_frac: Decimal | None
    leverage: Decimal | None
    margin_mode: MarginMode
    heat_frac: Decimal
    slippage_frac: Decimal
    taker_fee_rate: Decimal | None = None
    maker_fee_rate: Decimal | None = None
    beyond: bool = False
    equity_cap: Decimal | None = None
    notional_cap: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be entered: at market near `price`, or resting there."""

    side: Side
    price: Decimal
    stop: Decimal
    resting: bool
    instrument: Instrument
    brackets: Brackets | None


def size_entry(
    entry: Entry, rules: EntryRules, account: Exposure[float] | Exposure[Decimal], multiplier: Decimal = ONE
) -> Sized | Refused:
    """The largest position that every cap allows, or why there is none; `multiplier` is of guards and limits."""
    if not account.equity > 0:
        return Refused(reason=Reason.MARGIN_SHORT, have=f"{account.equity:.2f}", need="equity above 0")
    taker, maker = rules.taker_fee_rate, rules.maker_fee_rate
    taker = entry.instrument.taker_fee_rate if taker is None else taker
    maker = entry.instrument.maker_fee_rate if maker is None else maker
    equity = dec(account.equity)
    sized_from = equity if rules.equity_cap is None else min(equity, rules.equity_cap)
    return size_position(
        SizeRequest(
            side=entry.side,
            entry=entry.price,
            stop=entry.stop,
            equity=sized_from,
            instrument=entry.instrument,
            brackets=entry.brackets,
            preset=rules.preset,
            risk_frac=rules.risk_frac,
            leverage=rules.leverage,
            margin_mode=rules.margin_mode,
            allow_beyond_preset=rules.beyond,
            check_liquidation=not rules.beyond,
            fee_in_rate=maker if entry.resting else taker,
            fee_out_rate=taker,
            slippage_frac=rules.slippage_frac,
            free=dec(account.free),
            cross_wallet=equity if rules.margin_mode is MarginMode.CROSS else None,
            size_multiplier=multiplier,
            open_risk=dec(account.risk),
            heat_frac=rules.heat_frac,
            open_gross_notional=dec(account.gross),
            open_net_notional=dec(account.net),
            notional_max=rules.notional_cap,
        )
    )


def liquidation_at(
    instrument: Instrument, brackets: Brackets, qty: Decimal, entry: Decimal, wallet: Decimal
) -> Decimal | None:
    """The mark at which `qty` (signed), opened at `entry` on `wallet`, is liquidated; None when no price does it."""
    with decimal.localcontext(QUOTE):
        return payoff_of(instrument).liquidation_price(tiers(brackets), qty, entry, wallet)


def funding_over(instrument: Instrument, qty: Decimal, price: Decimal, rate: Decimal, settlements: Decimal) -> Decimal:
    """Funding that `qty` (signed) gets, positive when received, over so many settlements at `rate` and `price`."""
    with decimal.localcontext(QUOTE):
        return payoff_of(instrument).funding_received(qty, price, rate) * settlements
