"""What a trade pays at every price, with both its tails, and what holding it costs or brings."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from bearskin.app.web._ticket_price import Ticket
from bearskin.terms import MarginMode

STEPS = 24
DAYS_YEAR, EIGHT_H_A_DAY = 365, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff:
    """Profit after fees by price: `held` where nothing stops it but its margin, `stopped` where the stop fills at its
    price. `best` and `worst` are the two tails in words; None for a trade without a size."""

    points: tuple[tuple[float, float, float | None], ...] = ()
    best: str = ""
    worst: str = ""

    def to_json(self) -> dict[str, Any] | None:
        """As plain JSON, null where there is none."""
        if not self.points:
            return None
        rows = [[f"{price:.10g}", f"{held:.2f}", None if stop is None else f"{stop:.2f}"]
                for price, held, stop in self.points]  # fmt: skip
        return {"columns": ["price", "held", "stopped"], "points": rows, "best": self.best, "worst": self.worst}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """Funding at the present rate, received positive, in the settle currency; `who` says who pays whom."""

    who: str
    pays: Literal["you pay", "you receive", "nobody pays"]
    rate_8h: Decimal
    per_8h: Decimal
    per_day: Decimal
    per_year: Decimal
    frac_year: Decimal
    interval_h: str
    source: str


def payoff_of(made: Ticket) -> Payoff:
    """The curve from a price of nothing to twice the entry, dense enough to be drawn."""
    plan = made.plan
    if plan is None or plan.qty is None or plan.standing is None or plan.fee_in is None:
        return Payoff()
    qty, entry, side = plan.qty, plan.entry, int(made.side)
    marks = {entry * k / STEPS * 2 for k in range(STEPS + 1)} | {entry}
    liquidation, stop = plan.liquidation_price, plan.stop
    marks |= {price for price in (liquidation, stop, *(row.price for row in plan.targets)) if price is not None}
    fee_rate = made.case.facts.instrument.taker_fee_rate
    gone = -(plan.standing.margin + plan.fee_in)
    rows = []
    for price in sorted(marks):
        free = qty * (price - entry) - plan.fee_in - abs(qty) * price * fee_rate
        dead = liquidation is not None and (price - liquidation) * side < 0
        held = gone if dead else max(free, gone)
        beyond = stop is not None and (price - stop) * side <= 0
        stopped = None if plan.loss_at_stop is None else -plan.loss_at_stop if beyond else max(free, -plan.loss_at_stop)
        rows.append((float(price), float(held), None if stopped is None else float(stopped)))
    return Payoff(points=tuple(rows), best=_best(made), worst=_worst(made, gone))


def _best(made: Ticket) -> str:
    plan = made.plan
    assert plan is not None
    assert plan.notional is not None
    assert plan.fee_in is not None
    if made.side > 0:
        return "unbounded: a price can rise without end"
    return f"{plan.notional - plan.fee_in:,.2f} {plan.currency} and no more: a price cannot fall below zero"


def _worst(made: Ticket, gone: Decimal) -> str:
    plan = made.plan
    assert plan is not None
    behind = f"{-gone:,.2f} {plan.currency}"
    if plan.margin_mode is MarginMode.CROSS:
        stands = f"the whole wallet of {behind} stands behind it"
    else:
        stands = f"isolated, so {behind} of margin and fee is the most"
    if made.side > 0:
        return f"all of it at a price of zero; {stands}"
    return f"unbounded by itself: a price can rise without end; {stands}"


def carry_of(made: Ticket) -> Carry | None:
    """What funding costs or brings at the present rate; None for a trade without a size."""
    plan = made.plan
    if plan is None or plan.funding is None:
        return None
    funding = plan.funding
    longs_pay = funding.rate > 0
    who = "nobody pays" if not funding.rate else "longs pay shorts" if longs_pay else "shorts pay longs"
    return Carry(
        who=who,
        pays="nobody pays" if not funding.rate else "you receive" if funding.per_day > 0 else "you pay",
        rate_8h=funding.rate * 8 / funding.interval_h,
        per_8h=funding.per_day / EIGHT_H_A_DAY,
        per_day=funding.per_day,
        per_year=funding.per_day * DAYS_YEAR,
        frac_year=funding.per_year_frac,
        interval_h=f"{funding.interval_h.normalize():f}",
        source=funding.source,
    )
