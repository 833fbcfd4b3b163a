"""Sending a ticket through the bot, once, and the life of what became of it: sent, filled, PROTECTED."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._draft import Draft
from bearskin.app.web._ends import end_in
from bearskin.app.web._once import once_of
from bearskin.app.web._ticket_market import case_of
from bearskin.app.web._ticket_price import Ticket, priced
from bearskin.terms import BadInput, Side

State = Literal["done", "now", "todo", "failed"]
Outcome = Literal["refused", "sent", "resting", "filled", "protected", "insured", "ended", "unfilled"]
OVER = frozenset({"refused", "ended", "unfilled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the engine said of an act. `refused` says why not, empty when it goes; `trade` is its number."""

    act_id: str
    symbol: str
    side: str
    trade: int = 0
    refused: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the life of a ticket, as a person sees it."""

    name: str
    state: State
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where a ticket that was sent stands now."""

    outcome: Outcome
    steps: tuple[Step, ...]
    text: str
    unprotected_s: float | None = None


def new_act_id() -> str:
    """A name for one sending: the same name is never done twice."""
    return f"ticket-{secrets.token_hex(8)}"


async def price(desk: WebDesk, draft: Draft, *, fresh: bool = False) -> Ticket:
    """The preflight of a draft as the market and the account are now; computed aside."""
    case = await case_of(desk, draft.symbol, fresh=fresh)
    made: Ticket = await desk.aside(functools.partial(priced, draft, case))
    return made


async def send(desk: WebDesk, draft: Draft, act_id: str) -> Sent:
    """Send a draft through the bot, after the same preflight again; what the engine said of it.

    The same `act_id` is answered again and not done again. Raises BadInput for an `act_id` that was another's, and
    BearskinError when nobody knows whether it was done.
    """
    if not act_id.strip():
        raise BadInput("act_id is empty: give each ticket a name of its own, the same when it is sent again")
    said = await once_of(desk).ask(desk, act_id, draft, functools.partial(_composed, desk, draft, act_id))
    return Sent(
        act_id=act_id,
        symbol=draft.symbol,
        side=draft.side,
        trade=int(said.get("trade") or 0),
        refused=str(said.get("refused") or ""),
        detail=str(said.get("detail") or ""),
    )


async def _composed(desk: WebDesk, draft: Draft, act_id: str) -> dict[str, Any]:
    made = await price(desk, draft)
    return act_of(made, act_id) if made.sendable else {"refused": made.why_not or "it cannot be sent"}


def act_of(made: Ticket, act_id: str) -> dict[str, Any]:
    """The act that the bot's door takes: sized by the engine for the stop, unless a quantity was typed."""
    draft = made.draft
    act: dict[str, Any] = {
        "is": "Open",
        "act_id": act_id,
        "symbol": draft.symbol,
        "side": int(Side.SHORT if draft.side == "short" else Side.LONG),
        "targets": [f"{target:f}" for target in draft.targets],
        "margin_mode": draft.margin_mode,
        "note": " · ".join(part for part in (draft.note, draft.setup and f"from {draft.setup}") if part)[:1000],
    }
    exact = {"stop": draft.stop, "qty": draft.qty, "risk_frac": draft.risk_frac, "leverage": made.leverage}
    exact |= {"trail_atr": draft.trail_atr, "price": made.entry if draft.kind == "limit" else None}
    if draft.purpose == "hedge":
        act["purpose"] = "hedge"
        exact |= {"shock_frac": draft.shock_frac, "risk_frac": None, "trail_atr": None}
    else:
        act["preset"] = made.preset.name
    return act | {name: f"{value:f}" for name, value in exact.items() if value is not None}


def life_of(sent: Sent, now: BotNow) -> Life:
    """Where it stands, by the engine's answer and what the bot has told since."""
    state = now.state
    if sent.refused:
        failed = Step(name="Refused", state="failed", text=sent.refused)
        return Life(outcome="refused", steps=(failed,), text=sent.refused)
    there = next((one for one in (state or {}).get("positions", ()) if one["trade"] == sent.trade), None)
    if there is None:
        return _without(sent, now)
    first = Step(name="Sent", state="done", text=sent.detail)
    qty = abs(Decimal(there["qty"]))
    if not qty:
        return _waiting(first, state, there)
    planned = abs(Decimal(there["planned_qty"]))
    of = "" if qty >= planned else f" of {planned.normalize():f}"
    filled = Step(name="Filled", state="done", text=f"{qty.normalize():f}{of} at {_grouped(there['entry'])}")
    longest = float(there["max_unprotected_s"] or 0)
    if there["purpose"] == "hedge" and there["stop"] is None:
        last = Step(name="Insured", state="done", text="a hedge without a stop: its margin survives the shock")
        return Life(outcome="insured", steps=(first, filled, last), text="the hedge is on")
    if there["protected"]:
        text = f"stop {_grouped(there['stop'])} rests at the venue, {longest:.3f} s after the fill"
        last = Step(name="PROTECTED", state="done", text=text)
        return Life(outcome="protected", steps=(first, filled, last), text=text, unprotected_s=longest)
    since = float(there["unprotected_s"] or 0)
    last = Step(name="UNPROTECTED", state="now", text=f"the stop is on its way, {since:.1f} s")
    return Life(outcome="filled", steps=(first, filled, last), text=last.text, unprotected_s=since)


def _waiting(first: Step, state: Mapping[str, Any] | None, there: Mapping[str, Any]) -> Life:
    orders = [one for one in (state or {}).get("orders", ()) if one["trade"] == there["trade"]]
    resting = next((one for one in orders if one["role"] == "entry" and one["price"] and one["status"] == "open"), None)
    todo = Step(name="PROTECTED", state="todo", text="its stop goes out with the fill")
    if resting is not None:
        text = f"{resting['qty'].lstrip('-')} rests in the book at {_grouped(resting['price'])}"
        return Life(outcome="resting", steps=(first, Step(name="Resting", state="now", text=text), todo), text=text)
    text = "on its way to the venue"
    return Life(outcome="sent", steps=(first, Step(name="Filling", state="now", text=text), todo), text=text)


def _without(sent: Sent, now: BotNow) -> Life:
    """No such trade in the state: not there yet, or gone already."""
    first = Step(name="Sent", state="done", text=sent.detail)
    end = end_in(now.decisions, sent.trade)
    if end is not None:
        outcome: Outcome = "ended" if end["kind"] == "exit" else "unfilled"
        name, doubled = ("Closed", "closed ") if outcome == "ended" else ("Not filled", "not filled: ")
        last = Step(name=name, state="done", text=end["text"].removeprefix(doubled))
        return Life(outcome=outcome, steps=(first, last), text=end["text"])
    todo = Step(name="Filling", state="now", text="on its way to the venue")
    return Life(outcome="sent", steps=(first, todo), text=todo.text)


def _grouped(text: str | None) -> str:
    return "–" if text is None else f"{Decimal(text):,f}"
