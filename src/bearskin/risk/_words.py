"""What a plan says in sentences: warnings about common errors, what was assumed, and why the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bearskin.risk._case import Case, Size
from bearskin.risk._figures import Loan, Standing, Survival
from bearskin.risk._payoff import ZERO
from bearskin.risk._request import brief, plain
from bearskin.terms import MarginMode, Product, iso

_CENT = Decimal("0.01")
_COIN = Decimal("0.00000001")
_RECKLESS = Decimal(20)
_TEN_PER_CENT = Decimal("0.1")
_KNOWN_FORMULAS = ("binance", "synthetic")


def _percent(value: Decimal) -> str:
    return f"{value * 100:.2f} %"


def warnings_of(case: Case, size: Size, standing: Standing, survival: tuple[Survival, ...]) -> tuple[str, ...]:
    """What people most often get wrong about such a position, with its own figures."""
    return (*_leverage_warnings(case, standing, survival), *_holding_warnings(case, size))


def _leverage_warnings(case: Case, standing: Standing, survival: tuple[Survival, ...]) -> Iterator[str]:
    price, entry = standing.liquidation_price, case.request.entry
    if price is None:
        return
    distance = (entry - price) * case.side / entry
    against = "up" if case.side < 0 else "down"
    if standing.bankruptcy_price is not None and not case.loan and distance > 0:
        gone = abs(standing.bankruptcy_price - entry) / entry
        if gone <= _TEN_PER_CENT:
            yield (
                f"liquidation comes {_percent(distance)} {against}, before the {_percent(gone)} at which the margin "
                "would be gone: maintenance margin takes the difference"
            )
    ten = next((row for row in survival if row.move_frac == _TEN_PER_CENT), None)
    if ten is not None and standing.margin <= ten.wallet_above:
        yield (
            f"a move of 10 % {against} liquidates it: living through that takes more than "
            f"{brief(ten.wallet_above, _COIN)} {case.instrument.settle}, it has {brief(standing.margin, _COIN)}"
        )
    if standing.leverage >= _RECKLESS:
        times = brief(standing.leverage, _CENT)
        yield f"at {times}x an ordinary hour can liquidate it: shorts are lived through at 2x to 5x"


def _holding_warnings(case: Case, size: Size) -> Iterator[str]:
    rate, request = case.funding_rate, case.request
    if rate is not None and not case.funding_assumed and rate * case.side > 0:
        pays, gets = ("longs", "shorts") if case.side > 0 else ("shorts", "longs")
        sign = "positive" if rate > 0 else "negative"
        yield f"funding is {sign}: {pays} pay {gets}, so holding this position costs"
    if case.mode is MarginMode.CROSS and not case.loan:
        yield "cross margin: the whole wallet stands behind this position and can be lost with it"
    if case.preset.hedge and request.product is Product.LINEAR:
        yield (
            f"coins held elsewhere are no collateral for a contract margined in {case.instrument.settle}: "
            "the hedge can be liquidated while the coins gain"
        )
    if case.loan:
        yield "a loan knows no mark price and no reduce-only: its stop is an ordinary order and protects less"
        if case.side < 0:
            yield "a loan can leave a debt: after liquidation what is not repaid is still owed"
        if request.borrow_rate_h is None:
            yield "no borrow rate was given: interest is not counted, and it floats with the pool"
    if size.qty is not None and request.qty is not None and abs(size.qty) != request.qty:
        step = plain(case.instrument.step)
        yield f"quantity {plain(request.qty)} is off the step of {step}: {plain(abs(size.qty))} was priced"
    expiry_ns = case.instrument.expiry_ns
    if expiry_ns is not None:
        yield f"this contract is delivered on {iso(expiry_ns)}: what is open then is settled and charged a taker fee"
        if request.now_ns is not None and expiry_ns <= request.now_ns:
            yield "that date has passed: the contract is no longer traded"


def assumptions_of(case: Case, size: Size, loan: Loan | None) -> tuple[str, ...]:
    """Every figure that nobody gave, and how it was filled."""
    return (*_price_assumptions(case), *_margin_assumptions(case, size), *_carry_assumptions(case, loan))


def _price_assumptions(case: Case) -> Iterator[str]:
    request = case.request
    yield "the entry price is the fill and the mark"
    if request.fee_in_rate is None or request.fee_out_rate is None:
        yield f"fees: the taker rate of {plain(case.instrument.taker_fee_rate * 100)} % where none was given"
    if request.slippage_frac == 0:
        yield "no slippage at the stop"
    if case.instrument.source:
        yield f"tick, step and smallest order: {case.instrument.source}"


def _margin_assumptions(case: Case, size: Size) -> Iterator[str]:
    request = case.request
    if case.brackets is not None:
        yield f"maintenance brackets: {case.brackets.snapshot}"
    if request.margin_mode is None:
        yield f"margin mode {case.mode.value}, from preset {case.preset.name}"
    if size.leverage_origin != "given":
        made = size.leverage_origin == "wallet"
        origin = "what the wallet makes of the size" if made else f"from preset {case.preset.name}"
        if not made and size.leverage < case.preset.leverage_max:
            origin = f"lowered from the {brief(case.preset.leverage_max)}x of preset {case.preset.name} for this stop"
        yield f"leverage {brief(size.leverage)}x, {origin}"
    if request.wallet is not None:
        yield "the wallet is the balance the venue's formula uses, its opening fee already gone"
    if case.mode is MarginMode.ISOLATED and request.wallet is None and not case.loan:
        yield "isolated margin is notional over leverage, its opening fee paid from the free balance"
    if case.mode is MarginMode.CROSS and not case.loan:
        yield "no other position shares the cross wallet"
    if case.instrument.venue not in _KNOWN_FORMULAS and not case.loan:
        yield f"Binance's liquidation formula, which {case.instrument.venue} may not follow to the digit"
    if case.loan:
        yield f"the venue takes over at a margin level of {plain(request.liquidation_level)}"


def _carry_assumptions(case: Case, loan: Loan | None) -> Iterator[str]:
    if case.funding_assumed:
        yield "funding assumed neutral: 0.01 % in 8 hours, longs pay shorts"
    elif case.funding_rate is not None:
        yield f"funding stays at {plain(case.funding_rate * 100)} % in {plain(case.funding_interval_h)} hours"
        if case.request.funding_interval_h is None:
            yield "funding settles every 8 hours"
    if loan is not None and loan.rate_h is not None:
        yield "the borrow rate stays as it is, charged at the advance and at every full clock hour"
    if case.request.equity is None:
        yield "no equity given: what the account risks is not checked"
    if ZERO == case.fee_in_rate == case.fee_out_rate:
        yield "no fees"
