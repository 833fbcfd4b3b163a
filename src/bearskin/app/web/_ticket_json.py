"""A ticket as plain JSON: the object of `bearskin plan --json` and what only a desk can say."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from bearskin.app.web._ticket_case import Case, preset_for
from bearskin.app.web._ticket_faults import plain
from bearskin.app.web._ticket_levels import Suggested
from bearskin.app.web._ticket_payoff import carry_of, payoff_of
from bearskin.app.web._ticket_price import Ticket, range_of
from bearskin.risk import PRESETS, Check, preset_of


def ticket_json(made: Ticket) -> dict[str, Any]:
    """Every figure; prices, money and rates are strings, what is not known is null."""
    plan, sized, carry = made.plan, made.sized, carry_of(made)
    return {
        "verdict": made.verdict,
        "sendable": made.sendable,
        "why_not": made.why_not or None,
        "reasons": list(made.reasons),
        "faults": dict(made.faults),
        "warning": made.reckless or None,
        "entry": _text(made.entry),
        "quote": {
            name: _text(getattr(made.case.quote, name)) for name in ("bid", "ask", "mark", "rate")
        } | {"source": made.case.quote.source},
        "preset": made.preset.name,
        "leverage": _text(made.leverage),
        "leverage_range": _range(made),
        "qty": None if plan is None else _text(plan.qty),
        "size": None if sized is None else {
            "bound_by": sized.bound_by,
            "caps": {name: _text(value) for name, value in sized.caps},
            "unchecked": list(sized.unchecked),
        },
        "plan": None if plan is None else plan.to_json(),
        "checks": [_check(check) for check in made.checks],
        "carry": None if carry is None else {**asdict(carry), **{
            name: f"{getattr(carry, name):.2f}" for name in ("per_8h", "per_day", "per_year")
        }, "rate_8h": _text(carry.rate_8h), "frac_year": f"{carry.frac_year:.6f}"},
        "payoff": payoff_of(made).to_json(),
        "fee_saved_by_limit": None if made.fee_saved is None else f"{made.fee_saved:.2f}",
        "top_up": made.top_up or None,
        "suggested": {
            "stop": _suggested(made.suggestion.stop),
            "targets": [_suggested(one) for one in made.suggestion.targets],
        },
        "lines": [{"kind": one.kind, "price": _text(one.price), "text": one.text} for one in made.lines()],
    }  # fmt: skip


def limits_json(case: Case, preset: str = "") -> dict[str, Any]:
    """What a ticket of this symbol may be: presets, leverage, brackets, what is locked, what the bot is told."""
    chosen = preset_for(preset, "hedge" if preset and preset_of(preset).hedge else "speculation", case.rules)
    span, instrument, brackets = range_of(chosen, case), case.facts.instrument, case.facts.brackets
    return {
        "symbol": instrument.symbol,
        "preset": chosen.name,
        "leverage_max": _text(span.top),
        "leverage_bound_by": span.by,
        "leverage_reach": _text(span.reach),
        "lock": {"leverage_max": _text(span.lock), "why": case.lock.why or None, "href": case.lock.href}
        if span.lock is not None or case.lock.shut
        else None,
        "presets": [
            {
                "name": one.name,
                "leverage_max": _text(one.leverage_max),
                "risk_frac": _text(one.risk_frac),
                "margin_mode": one.margin_mode.value,
                "margin_share_frac": _text(one.margin_share_frac),
                "about": one.about,
            }
            for one in PRESETS.values()
        ],
        "brackets": None
        if brackets is None
        else [
            {"up_to": _text(row.cap), "leverage_max": row.max_leverage, "mmr": _text(row.mmr)} for row in brackets.rows
        ],
        "tick": _text(instrument.tick),
        "step": _text(instrument.step),
        "min_notional": _text(instrument.min_notional),
        "bot": case.bot or None,
        "shut": list(case.shut),
    }


def _range(made: Ticket) -> dict[str, Any]:
    span = made.range
    return {
        "top": _text(span.top), "bound_by": span.by, "reach": _text(span.reach), "preset": _text(span.preset),
        "bracket": _text(span.bracket), "lock": _text(span.lock),
    }  # fmt: skip


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name, "status": check.status, "have": check.have or None, "need": check.need or None,
        "detail": check.detail or None, "reason": None if check.reason is None else check.reason.value,
    }  # fmt: skip


def _suggested(one: Suggested | None) -> dict[str, Any] | None:
    if one is None:
        return None
    reward = None if one.reward_r is None else f"{one.reward_r:.2f}"
    return {"price": _text(one.price), "why": one.why, "reward_to_risk": reward}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
