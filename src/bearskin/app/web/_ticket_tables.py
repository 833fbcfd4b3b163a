"""The tables of the preflight as HTML: built as text, since they change with every price."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from html import escape

from bearskin.app.web._kit import figured, money, per_cent
from bearskin.app.web._ticket_faults import plain
from bearskin.app.web._ticket_payoff import carry_of
from bearskin.app.web._ticket_price import Ticket

MARKS = {"pass": "✓", "warn": "!", "refuse": "✕", "unchecked": "?"}
ORDER = {"refuse": 0, "warn": 1, "unchecked": 2, "pass": 3}
WORDS = {"pass": "passes", "warn": "warns", "refuse": "refuses", "unchecked": "not checked"}
NAMES = {
    "risk": "Lost at the stop", "margin-share": "Share of equity as margin", "leverage": "Free balance",
    "bracket": "Venue's bracket", "tier": "First maintenance tier", "heat": "Risk of all positions",
    "gross": "Gross exposure", "net": "Net exposure", "largest-order": "Largest order", "cap": "Your own cap",
    "volatility": "Volatility", "depth": "Depth of the book", "kelly": "Kelly",
}  # fmt: skip


def in_words(sentence: str) -> str:
    """What engine or preflight say, as a person reads it: its caps by their names here, its numbers as figures."""
    return figured(_BOUND.sub(lambda found: f"size limited by {_LIMITS[found[1]]}", sentence))


_LIMITS = {name: words[0].lower() + words[1:] for name, words in NAMES.items()} | {"risk": "the risk at the stop"}
_BOUND = re.compile(rf"(?:size )?bound by ({'|'.join(NAMES)})\b")


def gap_table(made: Ticket) -> str:
    """What a jump past every stop leaves, isolated and cross told apart; empty without a plan."""
    plan = made.plan
    if plan is None or not plan.gaps:
        return ""
    where = "up" if made.side < 0 else "down"
    rows = []
    for row in plan.gaps:
        own = row.label.startswith("worst")
        label = f"{escape(row.label)}: {per_cent(row.move_frac)}" if own else f"{escape(row.label)} {where}"
        rows.append(
            f'<tr class="{"own" if own else ""}"><th scope="row">{label}</th>'
            f'<td class="num">{_price(row.mark, plan.tick)}</td>'
            f"{_gap(row.isolated_loss, row.isolated_liquidated)}{_gap(row.cross_loss, row.cross_liquidated)}</tr>"
        )
    head = _head("Gap", "Mark", "Isolated", "Cross")
    return f'<table class="tk-table" aria-label="Gaps past the stop">{head}<tbody>{"".join(rows)}</tbody></table>'


def _gap(loss: Decimal | None, dead: bool | None) -> str:
    if loss is None:
        return '<td class="num">–</td>'
    mark = ' <abbr title="liquidated">liq.</abbr>' if dead else ""
    return f'<td class="num {"down" if dead else ""}">{money(-loss)}{mark}</td>'


def carry_table(made: Ticket) -> str:
    """Funding per 8 hours, day and year, and who pays whom."""
    carry = carry_of(made)
    if carry is None:
        return ""
    rate = f"{per_cent(carry.rate_8h, 4)} in 8 h, settled every {escape(carry.interval_h)} h"
    cells = "".join(
        f'<td class="num {"up" if value > 0 else "down" if value < 0 else ""}">{_signed(value)}</td>'
        for value in (carry.per_8h, carry.per_day, carry.per_year)
    )
    tone = "up" if carry.per_day > 0 else "down" if carry.per_day < 0 else "muted"
    return (
        f'<p class="tk-note"><b class="{tone}">{escape(carry.pays.capitalize())}</b>: {escape(carry.who)}, {rate}; '
        f"{per_cent(carry.frac_year, 1)} of the notional a year at this rate, which floats.</p>"
        f'<table class="tk-table" aria-label="Carry">{_head("Funding", "8 h", "Day", "Year")}'
        f'<tbody><tr><th scope="row">{escape(made.plan.currency if made.plan else "")}</th>{cells}</tr></tbody></table>'
    )


def caps_table(made: Ticket) -> str:
    """Every cap on the size with the one that binds, the least first."""
    sized = made.sized
    if sized is None:
        return ""
    step = made.case.facts.instrument.step
    least = max(min(value for _, value in sized.caps), Decimal("1e-12"))
    rows = []
    for name, value in sorted(sized.caps, key=lambda cap: cap[1]):
        binds = name == sized.bound_by
        width = float(min(Decimal(1), least / value)) * 100 if value > 0 else 100.0
        word = ' <b class="tk-binds">binds</b>' if binds else ""
        shown = money(value, max(0, -int(step.normalize().as_tuple().exponent)))
        rows.append(
            f'<tr class="{"binds" if binds else ""}"><th scope="row">{escape(NAMES.get(name, name))}{word}</th>'
            f'<td class="num">{shown}</td><td class="tk-bar"><i style="width:{width:.1f}%"></i></td></tr>'
        )
    base = made.case.facts.instrument.base
    left = f'<p class="tk-note muted">Not checked: {escape(", ".join(sized.unchecked))}.</p>' if sized.unchecked else ""
    head = _head("Cap", f"{escape(base)} at most", "")
    return f'<table class="tk-table" aria-label="Caps">{head}<tbody>{"".join(rows)}</tbody></table>{left}'


def checks_list(made: Ticket) -> str:
    """Every check with its figures and reason, what refuses first."""
    rows = []
    for check in sorted(made.checks, key=lambda one: ORDER[one.status]):
        figures = " · ".join(part for part in (check.have, check.need and f"needs {check.need}") if part)
        why = "; ".join(part for part in (check.reason.value if check.reason else "", check.detail) if part)
        rows.append(
            f'<li class="tk-check {check.status}" data-check="{escape(check.name)}"><span class="tk-mark" '
            f'aria-label="{WORDS[check.status]}">{MARKS[check.status]}</span><span class="tk-name">'
            f'{escape(check.name.replace("-", " "))}</span><span class="tk-have num">{escape(figured(figures))}</span>'
            f'<span class="tk-why">{escape(in_words(why))}</span></li>'
        )
    return f'<ul class="tk-checks" aria-label="Checks">{"".join(rows)}</ul>'


def notes_list(made: Ticket) -> str:
    """Warnings and what was assumed."""
    plan = made.plan
    if plan is None:
        return ""
    warnings = "".join(f'<li class="warn">! {escape(figured(text))}</li>' for text in plan.warnings)
    assumed = "".join(f"<li>{escape(figured(text))}</li>" for text in (*plan.assumptions, *_sources(made)))
    return f'<ul class="tk-notes">{warnings}{assumed}</ul>'


def targets_table(made: Ticket) -> str:
    """What each target brings, and how the exits belong together."""
    plan = made.plan
    if plan is None or not plan.targets:
        return ""
    share = made.case.rules.target1_share
    shares = [Decimal(1)] if len(plan.targets) == 1 else [share, 1 - share]
    rows = "".join(
        f'<tr><th scope="row">Target {at}</th><td class="num">{_price(row.price, plan.tick)}</td>'
        f'<td class="num">{per_cent(part, 0)}</td><td class="num up">{_signed(row.reward_net)}</td>'
        f'<td class="num">{"–" if row.reward_to_risk is None else f"{row.reward_to_risk:.2f}"}</td></tr>'
        for at, (row, part) in enumerate(zip(plan.targets, shares, strict=False), start=1)
    )
    head = _head("Exit", "Price", "Closes", "Net, whole", "Reward / risk")
    return f'<table class="tk-table" aria-label="Targets">{head}<tbody>{rows}</tbody></table>'


def exits_words(made: Ticket) -> str:
    """How stop, targets and trail belong together, in one sentence."""
    draft, by = made.draft, made.case.rules.stop_by
    if draft.purpose == "hedge":
        return "A hedge has no ordinary stop: it would take the insurance away when it is needed."
    parts = []
    if draft.stop is not None:
        parts.append(f"The stop rests at the venue for the whole size right after the fill, triggered by {by} price")
    if draft.targets and draft.stop is not None:
        several = "s" if len(draft.targets) > 1 else ""
        parts.append(f"with the target{several} it is one OCO: what fills first cancels or shrinks the rest")
    if draft.trail_atr is not None:
        parts.append(f"it trails the best price by {plain(draft.trail_atr)} ATR and is never loosened")
    return "; ".join(parts) + "." if parts else ""


def _sources(made: Ticket) -> Iterable[str]:
    if made.case.quote.source:
        yield f"prices as {made.case.quote.source} tells them"
    if made.plan is not None and made.plan.history_source:
        yield f"worst hours and days: {made.plan.history_source}"


def _head(*names: str) -> str:
    first, *others = names
    cells = "".join(f'<th scope="col" class="num">{name}</th>' for name in others)
    return f'<thead><tr><th scope="col">{first}</th>{cells}</tr></thead>'


def _price(value: Decimal, tick: Decimal) -> str:
    return money(value, max(0, -int(tick.normalize().as_tuple().exponent)))


def _signed(value: Decimal) -> str:
    return f"+{money(value)}" if value > 0 else money(value)
