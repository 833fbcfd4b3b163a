"""What the bot does, decides and came to, for its page and the API; acts go through its door."""

from __future__ import annotations

import contextlib
import functools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bearskin.app._api import act_of
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._once import once_of
from bearskin.app.web._ticket_case import Rules, rules_of
from bearskin.app.web._ticket_market import locked
from bearskin.engine import content_of
from bearskin.risk import binds, preset_of
from bearskin.terms import BadInput, BearskinError, Side, dec

SIDES = ("short", "long", "both", "auto", "none")
POINTS = 1_500


async def act(desk: WebDesk, said: Mapping[str, Any]) -> dict[str, Any]:
    """Have the bot do an act, said as its door takes it: `is` names it, the rest are its fields.

    An opening keeps to what the risk quiz has opened, as one of the ticket does: without leverage of its own it takes
    no more than that. Returns the engine's note: `refused` says why not where it was not done. Raises BadInput for
    what is no act or has the name of another one, BearskinError without a bot.
    """
    if not isinstance(said.get("is"), str):
        raise BadInput('an act is an object such as {"is": "Pause"}')
    said = {"act_id": secrets.token_hex(8), **said}
    wanted = content_of(act_of(dict(said), 0, 0))
    return await once_of(desk).ask(desk, str(said["act_id"]), wanted, functools.partial(_composed, desk, said))


async def _composed(desk: WebDesk, said: Mapping[str, Any]) -> dict[str, Any]:
    """The act as it goes out, or why it does not."""
    if said["is"] != "Open":
        return dict(said)
    lock = await desk.aside(functools.partial(locked, desk))
    leverage = _leverage_of(said, rules_of(desk.bot.now.state))
    why = lock.shut
    if not why and lock.leverage_max is not None and leverage > lock.leverage_max:
        if said.get("leverage") is None:
            return {**said, "leverage": f"{lock.leverage_max:f}"}
        why = f"{lock.why}: leverage was {leverage:f}"
    return {"act_id": said["act_id"], "refused": why, "trade": 0} if why else dict(said)


def _leverage_of(said: Mapping[str, Any], rules: Rules) -> Decimal:
    """The leverage that an opening would have."""
    if said.get("leverage") is not None:
        return dec(said["leverage"] if isinstance(said["leverage"], int) else str(said["leverage"]))
    named = "hedge" if said.get("purpose") == "hedge" else str(said.get("preset") or "")
    if not named and rules.leverage is not None:
        return rules.leverage
    return preset_of(named or rules.preset).leverage_max


async def pause(desk: WebDesk) -> dict[str, Any]:
    """No new entries; what is open is managed on."""
    return await act(desk, {"is": "Pause"})


async def resume(desk: WebDesk, limits: bool = False) -> dict[str, Any]:
    """Lift a pause or a panic; with `limits` also a limit that asks for it by hand."""
    return await act(desk, {"is": "Resume", "limits": limits})


async def mode(desk: WebDesk, sides: str) -> dict[str, Any]:
    """Which sides the bot trades from now on; raises BadInput for another word."""
    if sides not in SIDES:
        raise BadInput(f"sides was {sides[:40]!r}, must be one of {', '.join(SIDES)}")
    return await act(desk, {"is": "Mode", "sides": sides})


async def panic(desk: WebDesk, foreign: bool = False) -> dict[str, Any]:
    """Close everything of ours at market (`foreign`: and what is not ours), and stay closed until resumed."""
    return await act(desk, {"is": "Panic", "foreign": foreign})


# --- what it thinks ---------------------------------------------------------------------------------------------------


def decisions(
    desk: WebDesk,
    *,
    after: int = 0,
    symbol: str = "",
    kind: str = "",
    setup: str = "",
    search: str = "",
    most: int = 1_000,
) -> list[dict[str, Any]]:
    """The newest decisions that fit, at most `most`, the newest last; each with the evidence of its set-up."""
    wanted = Wanted(symbol=symbol, kind=kind, setup=setup, search=search)
    found = [one for one in desk.bot.now.decisions if one["number"] > after and wanted.fits(one)]
    return [with_evidence(one) for one in found[-most:]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions are looked at; an empty word asks for nothing. `kind` may name a group of kinds."""

    symbol: str = ""
    kind: str = ""
    setup: str = ""
    search: str = ""

    def fits(self, decision: Mapping[str, Any]) -> bool:
        """Whether a decision is one of them; the search looks in all that is said of it."""
        if self.symbol and decision["symbol"] != self.symbol:
            return False
        if self.kind and decision["kind"] not in KINDS.get(self.kind, (self.kind,)):
            return False
        if self.setup and setup_of(decision) != self.setup:
            return False
        said = " ".join(str(decision.get(name) or "") for name in ("kind", "symbol", "side", "origin", "text", "why"))
        said += " " + str((decision.get("more") or {}).get("signal") or "")
        # as it is written on the page: thousands apart, with a real minus
        asked = re.sub(r"(?<=\d),(?=\d)", "", self.search.replace("−", "-"))
        return all(word in said.lower() for word in asked.lower().split())


KINDS = {  # groups, as the filter offers them
    "taken": ("enter", "unfilled"),
    "declined": ("declined",),
    "closed": ("exit", "leave"),
    "stops": ("stop", "protected", "unprotected"),
    "trouble": ("warning", "limit", "adjusted", "foreign", "reconciled", "unprotected"),
    "switches": ("mode",),
}


def setup_of(decision: Mapping[str, Any]) -> str:
    """The set-up a decision came from; hand and webhook are their own words."""
    return str(decision.get("origin") or "").removeprefix("setup:")


def with_evidence(decision: Mapping[str, Any]) -> dict[str, Any]:
    """The decision and what the study found of its set-up; `evidence` is None where no set-up spoke."""
    from bearskin.setups import evidence_verdict, evidence_words

    kind, _, name = str(decision.get("origin") or "").partition(":")
    if kind != "setup":
        return {**decision, "evidence": None}
    side = Side[decision["side"].upper()] if decision.get("side") else None
    return {
        **decision,
        "evidence": {"verdict": evidence_verdict(name, side), "sentence": evidence_words(name, side)},
    }


# --- how it stands ----------------------------------------------------------------------------------------------------


def limits(desk: WebDesk) -> dict[str, Any]:
    """How far each limit is, which hold, and what they do to the next entry; raises BearskinError before a state."""
    state = state_of(desk)
    account, rules = state["account"], state.get("rules", {})
    return {
        "gauges": [*_heat(account, rules), *state.get("gauges", ())],
        "active": state["limits"],
        "switched_on": rules.get("limits", True),
        "barred": barred(state),
        "size_multiplier": multiplier(state),
    }


def _heat(account: Mapping[str, Any], rules: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Open risk against the most of it that is taken at once."""
    most, now = rules.get("heat_frac"), account["open_risk_frac"]
    if most is None or now is None:
        return []
    then = [{"at": most, "then": "the next entry is cut to what is left"}]
    return [
        {"limit": "heat", "title": "Open risk", "unit": "frac", "now": now, "steps": then,
         "reached": int(Decimal(now) >= Decimal(most)), "why": "lost if every stop is hit"}
    ]  # fmt: skip


def barred(state: Mapping[str, Any]) -> str:
    """Why the bot enters nothing new anywhere; empty where it does."""
    mode = state["mode"]
    if mode["panicked"]:
        return "panic: everything stays closed until it is lifted"
    if mode["paused"]:
        return "paused: no new entries"
    found = []
    if (mode["sides"] or state.get("sides")) == "none":
        found.append("sides none: set-ups are looked for and not entered")
    for one in state["limits"]:
        if not Decimal(one["size_multiplier"]) and _of_account(one["limit"]):
            found.append(f"{one['limit']}: {one['detail']}")
            break
    return "; ".join(found)


def multiplier(state: Mapping[str, Any]) -> str:
    """What the limits that hold leave of the usual size, such as 0.25."""
    found = Decimal(1)
    for one in state["limits"]:
        if _of_account(one["limit"]):
            found *= Decimal(one["size_multiplier"])
    return f"{found.normalize():f}"


def _of_account(limit: str) -> bool:
    """Whether a limit is of the account and binds the bot; a blank parts a limit from its symbol."""
    return " " not in limit and binds(limit, hand=False)


def state_of(desk: WebDesk) -> dict[str, Any]:
    """What the bot told last; raises BearskinError where it never did."""
    if desk.bot.now.state is None:
        raise BearskinError(desk.bot.now.why)
    return desk.bot.now.state


def panic_words(state: Mapping[str, Any]) -> list[str]:
    """What a panic would do now, sentence by sentence."""
    said = []
    for one in state["positions"]:
        if Decimal(one["qty"]):
            pnl = "" if one["pnl"] is None else f" (open {Decimal(one['pnl']):+,.2f})".replace("-", "−")
            said.append(f"close the {one['side']} of {abs(Decimal(one['qty'])):f} {one['symbol']} at market{pnl}")
    resting = len(state["orders"])
    if resting:
        said.append(
            f"cancel {resting} resting order{'' if resting == 1 else 's'} of ours, each stop only once it is flat"
        )
    if not said:
        said.append("close nothing: no position of ours is open")
    said.append("enter nothing more, after a restart neither, until you lift it here or with `bearskin resume`")
    return said


# --- what it came to --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """The worth of a run's account at the marks, oldest first: [ms, equity, drawdown as a fraction below zero].

    `thinned` says that only the extremes of each stretch are there; figures are of all of it.
    """

    run: str
    asset: str
    points: tuple[tuple[int, float, float], ...]
    rows: int
    drawdown_max: float
    thinned: bool

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "run": self.run,
            "asset": self.asset,
            "rows": self.rows,
            "thinned": self.thinned,
            "drawdown_max_frac": f"{self.drawdown_max:.6f}",
            "points": [
                {"time_ms": at, "equity": f"{equity:.2f}", "drawdown_frac": f"{fallen:.6f}"}
                for at, equity, fallen in self.points
            ],
        }


async def equity(desk: WebDesk, most: int = POINTS) -> EquityCurve:
    """The curve of the run that is followed, from its tables; raises BearskinError where there is no run."""
    found = desk.bot.found
    if found is None:
        raise BearskinError(desk.bot.now.why or "no run yet")
    curve: EquityCurve = await desk.aside(lambda: _curve(desk, found.id, most))
    return curve


def _curve(desk: WebDesk, run: str, most: int) -> EquityCurve:
    from bearskin.journal import Projection

    desk.house.writable_part("cache")
    with contextlib.closing(Projection.open(desk.house.database)) as projection, projection.reading() as read:
        rows = read.rows("equity", run)
        known = next((one for one in read.runs() if one["run"] == run), None)
    points = in_order(
        [
            (int(row["time_ns"]) // 10**6, float(row["equity"]), _fallen(row["equity"], row["high_water"]))
            for row in rows
        ]
    )
    kept = thinned(points, most)
    return EquityCurve(
        run=run,
        asset=(known or {}).get("asset") or "USDT",
        points=tuple(kept),
        rows=len(points),
        drawdown_max=min((fallen for _, _, fallen in points), default=0.0),
        thinned=len(kept) < len(points),
    )


def _fallen(worth: Any, high: Any) -> float:
    return min(0.0, float(worth) / float(high) - 1) if high else 0.0


def in_order(points: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    """The same with no moment before the one ahead of it: a bar told late was reckoned with when it was told."""
    latest_ms = 0
    told = []
    for at_ms, worth, fallen in points:
        latest_ms = max(latest_ms, at_ms)
        told.append((latest_ms, worth, fallen))
    return told


def thinned(points: list[tuple[int, float, float]], most: int) -> list[tuple[int, float, float]]:
    """At most about `most` of them: first, last, and the lowest and highest of each stretch, in their order."""
    if len(points) <= most:
        return points
    width = -(-len(points) // max(1, most // 2))
    kept = {0, len(points) - 1}
    for begin in range(0, len(points), width):
        stretch = range(begin, min(begin + width, len(points)))
        kept.add(min(stretch, key=lambda at: points[at][1]))
        kept.add(max(stretch, key=lambda at: points[at][1]))
    return [points[at] for at in sorted(kept)]
