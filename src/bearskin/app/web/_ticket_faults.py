"""What is wrong with what was typed, each sentence beside the field it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bearskin.app.web._draft import Draft
from bearskin.app.web._ticket_case import Case
from bearskin.risk import Preset, preset_with
from bearskin.terms import Side

Fault = tuple[str, str]


def plain(value: Decimal) -> str:
    """The number without exponent or idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: Decimal) -> str:
    """A fraction as per cent, without idle zeros."""
    return f"{plain(100 * value)} %"


def faults_of(draft: Draft, case: Case, side: Side, preset: Preset, entry: Decimal | None) -> dict[str, str]:
    """The first fault of each field, in the order of the ticket."""
    found: dict[str, str] = {}
    for part in (_price(draft), _stop(draft, case, side, entry), _targets(draft, side, entry), _size(draft, preset),
                 _leverage(draft, case, preset), _hedge(draft)):  # fmt: skip
        for name, why in part:
            found.setdefault(name, why)
    return found


def _price(draft: Draft) -> Iterator[Fault]:
    if draft.kind == "limit" and draft.price is None:
        yield "price", "a limit order names its price"


def _stop(draft: Draft, case: Case, side: Side, entry: Decimal | None) -> Iterator[Fault]:
    stop, mark = draft.stop, case.quote.mark
    if stop is None or entry is None:
        return
    belongs, is_now = ("above", "below") if side < 0 else ("below", "above")
    if (entry - stop) * side <= 0:
        yield "stop", _misplaced("stop", stop, entry, side, belongs, is_now)
    elif mark is not None and (mark - stop) * side <= 0:
        yield "stop", f"stop {plain(stop)} is {is_now} the mark {plain(mark)}: it would go off at once"


def _targets(draft: Draft, side: Side, entry: Decimal | None) -> Iterator[Fault]:
    if entry is None:
        return
    belongs, is_now = ("below", "above") if side < 0 else ("above", "below")
    for target in draft.targets:
        if (target - entry) * side <= 0:
            yield "targets", _misplaced("target", target, entry, side, belongs, is_now)


def _misplaced(what: str, price: Decimal, entry: Decimal, side: Side, belongs: str, is_now: str) -> str:
    where = "equals" if price == entry else f"is {is_now}"
    rule = f"the {what} of a {side.word} belongs {belongs} its entry"
    return f"{what} {plain(price)} {where} the entry {plain(entry)}: {rule}"


def _size(draft: Draft, preset: Preset) -> Iterator[Fault]:
    if draft.qty is not None and draft.risk_frac is not None:
        yield "qty", "quantity and risk both say how large: leave one away"
    if draft.qty is not None and draft.qty <= 0:
        yield "qty", "the quantity is above zero: the side gives the sign"
    if draft.risk_frac is None:
        return
    if not 0 < draft.risk_frac <= 1:
        yield "risk_frac", "the risk is a share of equity above 0 and at most 100 %"
    elif preset.risk_frac is not None and draft.risk_frac > preset.risk_frac:
        most = share(preset.risk_frac)
        yield "risk_frac", f"{share(draft.risk_frac)} at risk is more than preset {preset.name} allows: at most {most}"


def _leverage(draft: Draft, case: Case, preset: Preset) -> Iterator[Fault]:
    asked, lock = draft.leverage, case.lock
    if asked is None:
        return
    if asked < 1 or asked != int(asked):
        yield "leverage", f"leverage {plain(asked)} is none that a venue sets: whole numbers from 1"
        return
    if case.facts.brackets is None:
        if asked > 1:
            yield "leverage", "the venue's brackets are not known here: nothing above 1x is opened"
        return
    top = Decimal(case.facts.brackets.rows[0].max_leverage)
    if asked > top:
        yield "leverage", f"{plain(asked)}x is above what the venue lends: at most {plain(top)}x in its first bracket"
    elif asked > preset.leverage_max:
        taker = None if preset.hedge or (lock.leverage_max or asked) < asked else preset_with(asked)
        other = "" if taker is None else f"; preset {taker.name} takes it"
        most = plain(preset.leverage_max)
        yield "leverage", f"{plain(asked)}x is above preset {preset.name}: at most {most}x{other}"
    elif lock.leverage_max is not None and asked > lock.leverage_max:
        yield "leverage", lock.why


def _hedge(draft: Draft) -> Iterator[Fault]:
    if draft.purpose != "hedge":
        return
    if draft.qty is None:
        yield "qty", "a hedge names how large it is, since no stop sizes it"
    if draft.shock_frac is None:
        yield "shock_frac", "a hedge names the move it has to survive"
