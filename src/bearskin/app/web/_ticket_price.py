"""The preflight of a draft: every figure of the trade before it is made, and whether it may be sent.

Pure: the same functions price it as `bearskin plan`, and size it as the bot's engine does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from bearskin import risk
from bearskin.app.web._draft import Draft, DraftLine
from bearskin.app.web._ticket_case import ONE, ZERO, Case, preset_for
from bearskin.app.web._ticket_faults import faults_of, plain
from bearskin.app.web._ticket_levels import Suggestion, suggest
from bearskin.risk import Check, EntryRules, Plan, Preset, Sized
from bearskin.terms import QUOTE, BadInput, MarginMode, Refused, Side, tick_down, tick_up

RECKLESS = Decimal(20)
DAY_8H = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What leverage may be: `top` is the most that can be sent, the least of preset, bracket and lock, `by` which;
    `reach` is the most that another preset would let through."""

    top: Decimal
    reach: Decimal
    by: str
    preset: Decimal
    bracket: Decimal | None
    lock: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A draft priced. `faults` are sentences by the field they belong beside; `why_not` says why it cannot be sent.

    `plan` is None where nothing can be priced (no quote, no size). `sized` holds the caps and which of them binds.
    `fee_saved` is what a limit order at this price would save in fees, in the settle currency.
    """

    draft: Draft
    side: Side
    preset: Preset
    entry: Decimal | None
    plan: Plan | None
    sized: Sized | None
    verdict: risk.Verdict
    reasons: tuple[str, ...]
    faults: dict[str, str]
    checks: tuple[Check, ...]
    leverage: Decimal | None
    range: Range
    suggestion: Suggestion
    why_not: str
    fee_saved: Decimal | None = None
    top_up: str = ""
    case: Case

    @property
    def sendable(self) -> bool:
        """Whether it may go out as it is."""
        return not self.why_not

    @property
    def reckless(self) -> str:
        """The red warning of very high leverage, with the exact way to liquidation; empty below it."""
        plan = self.plan
        if plan is None or plan.leverage is None or plan.leverage <= RECKLESS or plan.liquidation_distance_frac is None:
            return ""
        where = "up" if self.side < 0 else "down"
        return (
            f"{plain(plan.leverage)}x: {100 * plan.liquidation_distance_frac:.2f} % {where} and the margin is gone. "
            "An ordinary hour can do that."
        )

    def lines(self) -> tuple[DraftLine, ...]:
        """What a chart draws of it beside stop and targets."""
        found = []
        if self.entry is not None and self.draft.kind == "market":
            found.append(DraftLine(kind="entry", price=self.entry, text="entry at market"))
        if self.plan is not None and self.plan.liquidation_price is not None:
            tick = self.plan.tick
            price = self.plan.liquidation_price
            shown = tick_down(price, tick) if self.side < 0 else tick_up(price, tick)
            found.append(DraftLine(kind="liquidation", price=shown, text="liquidation"))
        if self.plan is not None and self.plan.break_even_price is not None:
            price = self.plan.break_even_price.quantize(self.plan.tick, context=QUOTE)
            found.append(DraftLine(kind="break-even", price=price, text="break-even"))
        return tuple(found)


def priced(draft: Draft, case: Case) -> Ticket:
    """The draft priced in this case; what is wrong with what was typed is said beside its field, never raised."""
    side = Side.SHORT if draft.side == "short" else Side.LONG
    preset = preset_for(draft.preset, draft.purpose, case.rules)
    entry = _entry(draft, case, side)
    span = range_of(preset, case)
    faults = faults_of(draft, case, side, preset, entry)
    sound = _sound(draft, faults)
    sized, leverage, refused = _sized(sound, case, side, preset, entry, span)
    plan, unpriced = _planned(sound, case, side, preset, entry, sized, leverage)
    if unpriced and not faults:
        faults = {"qty" if "quantity" in unpriced else "draft": unpriced}
    if sized is not None and draft.qty is not None and draft.qty > abs(sized.qty) and "qty" not in faults:
        most = f"{plain(abs(sized.qty))} (bound by {sized.bound_by})"
        faults = faults | {"qty": f"quantity {plain(draft.qty)} is more than risk allows: at most {most}"}
    checks = _checks(draft, case, plan, refused, faults)
    verdict = _verdict(plan, checks, faults, draft)
    cost = case.facts.instrument.taker_fee_rate * 2 + case.rules.slippage_frac
    found = Suggestion()
    if entry is not None:
        found = suggest(case.facts.panel, side, entry, sound.stop, cost, case.facts.instrument, case.hurried)
    made = Ticket(
        draft=draft,
        side=side,
        preset=preset,
        entry=entry,
        plan=plan,
        sized=sized,
        verdict=verdict,
        reasons=(*faults.values(), *(str(check) for check in checks if check.status in ("refuse", "warn"))),
        faults=faults,
        checks=checks,
        leverage=leverage,
        range=span,
        suggestion=found,
        why_not="",
        fee_saved=_fee_saved(case, plan),
        top_up=_top_up(sound, case, side, entry, leverage),
        case=case,
    )
    return replace(made, why_not=_why_not(made))


def range_of(preset: Preset, case: Case) -> Range:
    """What leverage may be for this preset in this symbol, for this person."""
    brackets, lock = case.facts.brackets, case.lock.leverage_max
    top = ONE if brackets is None else Decimal(brackets.rows[0].max_leverage)
    limits = {f"preset {preset.name}": preset.leverage_max, "the venue's brackets": top}
    if lock is not None:
        limits["the risk quiz, not passed yet"] = lock
    by, least = min(limits.items(), key=lambda one: one[1])
    largest = max(one.leverage_max for one in risk.PRESETS.values() if not one.hedge)
    reach = least if preset.hedge else min(largest, top, largest if lock is None else lock)
    known = None if brackets is None else top
    return Range(top=least, reach=reach, by=by, preset=preset.leverage_max, bracket=known, lock=lock)


def lifted(made: Ticket, leverage: Decimal) -> dict[str, str | Decimal]:
    """What else changes on the draft when this leverage is chosen: above its preset's limit, the next preset that takes
    it, with the share at risk that was there before. Nothing where no preset, bracket or lock lets it through."""
    if leverage <= made.preset.leverage_max or leverage > made.range.reach:
        return {}
    taker = risk.preset_with(leverage)
    if taker is None or made.preset.hedge:
        return {}
    changes: dict[str, str | Decimal] = {"preset": taker.name}
    before = own_risk_frac(made.case, made.preset)
    if made.draft.qty is None and made.draft.risk_frac is None and before is not None:
        changes["risk_frac"] = before
    return changes


def own_risk_frac(case: Case, preset: Preset) -> Decimal | None:
    """The share at risk where none is typed: the bot's own with its own preset, else the preset's."""
    own = case.rules.risk_frac if preset.name == case.rules.preset else None
    return own or preset.risk_frac


def _entry(draft: Draft, case: Case, side: Side) -> Decimal | None:
    """Where it is entered: the limit on the grid, cautiously, or what a market order is expected to get."""
    if draft.kind == "limit":
        if draft.price is None:
            return None
        tick = case.facts.instrument.tick
        return (tick_up if side < 0 else tick_down)(draft.price, tick)
    return case.quote.price(side)


def _sound(draft: Draft, faults: dict[str, str]) -> Draft:
    """The draft without what is wrong with it, so that the rest can still be priced."""
    return replace(
        draft,
        stop=None if "stop" in faults else draft.stop,
        targets=() if "targets" in faults else draft.targets,
        qty=None if "qty" in faults else draft.qty,
        risk_frac=None if "risk_frac" in faults else draft.risk_frac,
    )


def _entry_rules(draft: Draft, case: Case, preset: Preset, leverage: Decimal | None) -> EntryRules:
    """As the engine makes them: the bot's own, or those of another preset with nothing of the bot's choices in it."""
    rules = case.rules
    own = preset.name == rules.preset
    risk_frac = rules.risk_frac if own and draft.risk_frac is None else draft.risk_frac
    return EntryRules(
        preset=preset.name,
        risk_frac=risk_frac,
        leverage=ONE if case.facts.brackets is None else leverage,
        margin_mode=MarginMode(draft.margin_mode),
        heat_frac=rules.heat_frac,
        slippage_frac=rules.slippage_frac,
        equity_cap=rules.equity_cap,
        notional_cap=rules.notional_cap,
    )


def _sized(
    draft: Draft, case: Case, side: Side, preset: Preset, entry: Decimal | None, span: Range
) -> tuple[Sized | None, Decimal | None, Refused | None]:
    """The largest size that risk allows, the leverage it is held at, and why there is none."""
    asked = draft.leverage
    if preset.hedge:
        return None, asked or span.top, None
    if entry is None or draft.stop is None or case.account is None:
        return None, asked or span.top, None
    question = risk.Entry(
        side=side,
        price=entry,
        stop=draft.stop,
        resting=draft.kind == "limit",
        instrument=case.facts.instrument,
        brackets=case.facts.brackets,
    )

    def sized(leverage: Decimal | None) -> Sized | Refused:
        assert case.account is not None
        rules = _entry_rules(draft, case, preset, leverage)
        # a limit that bars every entry is said as such: what is priced is the trade it bars
        return risk.size_entry(question, rules, case.account, case.rules.multiplier or ONE)

    own = case.rules.leverage if preset.name == case.rules.preset else None
    found = sized(asked or own)
    if asked is None and isinstance(found, Sized) and found.leverage > span.top:
        found = sized(span.top)
    if isinstance(found, Refused):
        return None, asked or own or span.top, found
    return found, found.leverage, None


def _planned(
    draft: Draft,
    case: Case,
    side: Side,
    preset: Preset,
    entry: Decimal | None,
    sized: Sized | None,
    leverage: Decimal | None,
) -> tuple[Plan | None, str]:
    """The plan, or nothing and why."""
    facts, rules = case.facts, case.rules
    if entry is None:
        return None, "" if draft.kind == "limit" else "no quote has come yet: nothing can be priced"
    qty = draft.qty or (None if sized is None else abs(sized.qty))
    if case.account is None and qty is None:
        return None, "no account is known and no quantity is given: nothing says how large"
    if preset.hedge and qty is None:
        return None, ""
    taker, maker = facts.instrument.taker_fee_rate, facts.instrument.maker_fee_rate
    request = risk.PlanRequest(
        side=side,
        symbol=facts.instrument.symbol,
        entry=entry,
        stop=draft.stop,
        targets=draft.targets,
        qty=qty,
        equity=None if case.account is None else case.account.equity,
        wallet=_behind(case) if preset.hedge and draft.margin_mode == "cross" else None,
        risk_frac=draft.risk_frac,
        leverage=leverage,
        margin_mode=MarginMode(draft.margin_mode),
        preset=preset.name,
        venue=facts.instrument.venue,
        instrument=facts.instrument,
        brackets=facts.brackets,
        fee_in_rate=maker if draft.kind == "limit" else taker,
        fee_out_rate=taker,
        slippage_frac=rules.slippage_frac,
        funding_rate=case.quote.rate,
        funding_interval_h=facts.funding_interval_h,
        funding_source=f"as {case.quote.source} tells it now",
        shock_frac=draft.shock_frac if preset.hedge else None,
        history=facts.worst.get(int(side)),
    )
    try:
        return risk.plan(request), ""
    except BadInput as error:
        return None, str(error)


def _behind(case: Case) -> Decimal | None:
    """What stands behind a cross hedge: the engine's own reckoning."""
    if case.account is None or case.wallet is None:
        return None
    spare = case.wallet - case.account.free if case.rules.margin_mode is MarginMode.ISOLATED else ZERO
    found = min(case.account.equity, case.wallet) - max(ZERO, spare)
    return found if found > 0 else None


def _checks(
    draft: Draft, case: Case, plan: Plan | None, refused: Refused | None, faults: dict[str, str]
) -> tuple[Check, ...]:
    """Every question with its answer: those of the plan, and those only a desk can ask."""
    rows = [] if plan is None else [_stop_told(row, faults) for row in plan.checks]
    if refused is not None and not any(row.reason is refused.reason for row in rows):
        rows.append(
            Check(
                name="size",
                status="refuse",
                have=refused.have,
                need=refused.need,
                detail=refused.detail,
                reason=refused.reason,
            )
        )
    if draft.kind == "limit" and draft.price is not None and "price" not in faults:
        rows.append(_limit_check(draft, case))
    rows.append(
        Check(name="bot-takes-it", status="refuse", detail="; ".join(case.shut))
        if case.shut
        else Check(
            name="bot-takes-it", status="unchecked" if case.bot else "pass", detail=case.bot or "nothing bars entries"
        )
    )
    if case.account_source:
        rows.append(Check(name="account", status="unchecked", detail=case.account_source))
    return tuple(rows)


def _stop_told(row: Check, faults: dict[str, str]) -> Check:
    """A stop that is there and wrong is left out when the plan is made: it must not read as if none had been given."""
    if row.name != "stop" or "stop" not in faults:
        return row
    return replace(row, status="refuse", detail=faults["stop"], reason=None)


def _limit_check(draft: Draft, case: Case) -> Check:
    """A limit through the market is a market order that calls itself something else."""
    side = Side.SHORT if draft.side == "short" else Side.LONG
    meets = case.quote.price(side)
    assert draft.price is not None
    if meets is None:
        return Check(name="limit-rests", status="unchecked", detail="no quote has come yet")
    crosses = (draft.price - meets) * side >= 0
    need = f"{'above' if side < 0 else 'below'} {plain(meets)}"
    if crosses:
        detail = "it fills at once, as a market order would, and pays the taker fee"
        return Check(name="limit-rests", status="warn", have=plain(draft.price), need=need, detail=detail)
    return Check(name="limit-rests", status="pass", have=plain(draft.price), need=need)


def _verdict(plan: Plan | None, checks: tuple[Check, ...], faults: dict[str, str], draft: Draft) -> risk.Verdict:
    refused = any(check.status == "refuse" for check in checks)
    if faults or refused:
        return "refused"
    if plan is None or plan.verdict == "incomplete":
        return "incomplete"
    if draft.purpose == "speculation" and draft.stop is None:
        return "incomplete"
    return "caution" if any(check.status == "warn" for check in checks) else "go"


def _why_not(made: Ticket) -> str:
    """The first thing that keeps it from being sent; empty when nothing does."""
    case = made.case
    for why in (case.bot, case.lock.shut, *made.faults.values(), "; ".join(case.shut)):
        if why:
            return why
    for check in made.checks:
        if check.status == "refuse":
            return str(check) if check.reason is not None else check.detail
    if made.verdict != "incomplete":
        return ""
    if made.draft.purpose == "hedge":
        return "a hedge names how large it is and the move it has to survive"
    if made.draft.stop is None:
        return "no stop: a speculation is never opened without one for its whole size"
    return made.reasons[0] if made.reasons else "nothing says how large"


def _fee_saved(case: Case, plan: Plan | None) -> Decimal | None:
    if plan is None or plan.notional is None:
        return None
    instrument = case.facts.instrument
    return plan.notional * (instrument.taker_fee_rate - instrument.maker_fee_rate)


def _top_up(draft: Draft, case: Case, side: Side, entry: Decimal | None, leverage: Decimal | None) -> str:
    """What a hedge's margin survives and what more would take; empty for anything else."""
    behind = _behind(case)
    if draft.purpose != "hedge" or not (entry and draft.qty and draft.shock_frac and leverage and behind):
        return ""
    proven = risk.prove_hedge(
        risk.HedgeRequest(
            side=side,
            qty=draft.qty,
            entry=entry,
            shock_frac=draft.shock_frac,
            leverage=leverage,
            margin_mode=MarginMode(draft.margin_mode),
            wallet=behind,
            free=behind,
            instrument=case.facts.instrument,
            brackets=case.facts.brackets,
            stop=draft.stop,
        )
    )
    return f"refused: {proven}" if isinstance(proven, Refused) else proven.why
