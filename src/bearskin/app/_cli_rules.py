"""Commands of alert rules: list, add, change, remove; the dashboard does the same."""

from __future__ import annotations

from typing import Any

import typer

from bearskin.app._command import command
from bearskin.app._desk import Desk
from bearskin.app._options import Spec, choice, flag, text, word
from bearskin.terms import BadInput

ABOUT = {"about": word("price, funding, margin-ratio, liquidation-distance or setup.", "WHAT")}
RULE: dict[str, Spec] = {
    "symbol": text("Such as BTCUSDT; any where it is left away.", "SYMBOL"),
    "above": text("Ring at this or more, such as 62000, 0.05% or 80%.", "VALUE"),
    "below": text("Ring at this or less.", "VALUE"),
    "setup": text("Name of a set-up; any where it is left away.", "NAME"),
    "side": text("short or long set-ups only.", "SIDE"),
    "pause": text("The least between two rings, such as 15m.", "TIME"),
    "note": text("A few words that are told with it.", "TEXT"),
}


def register_rules(alerts: typer.Typer) -> None:
    """Add the commands of this file to the group of alerts."""
    often = flag("--every-time", "Ring again each time it becomes true, instead of once.")
    urgent = flag("--urgent", "Ring in quiet hours too.")
    command(alerts, "add", {**ABOUT, **RULE, "every_time": often, "urgent": urgent})(alert_add)
    again = {
        **RULE,
        "every_time": choice("--every-time/--once", "How often."),
        "urgent": choice("--urgent/--not-urgent", "Whether in quiet hours too."),
        "on": choice("--on/--off", "Whether it rings."),
    }
    named = {"rule": word("Its id, as `alert list` shows it.", "RULE")}
    command(alerts, "change", {**named, **again})(alert_change)
    command(alerts, "remove", named)(alert_remove)


def alert_add(desk: Desk, about: str, every_time: bool, **given: Any) -> None:
    """Have a running bot tell you when something comes true; kept in the home, for every bot of it."""
    from bearskin.app._house import open_house
    from bearskin.app._rules import add_rule

    wanted = {"about": about, "often": "always" if every_time else "once", **_given(given)}
    made = add_rule(open_house(desk.home).home, wanted)
    desk.result(made.to_json, lambda: [f"{made.id}: {made.text}, {_often(made.often)}"])


def alert_change(desk: Desk, rule: str, every_time: bool | None, **given: Any) -> None:
    """Change a rule, switch it off or on again; what is left away stays."""
    from bearskin.app._house import open_house
    from bearskin.app._rules import change_rule

    wanted = _given(given)
    if every_time is not None:
        wanted["often"] = "always" if every_time else "once"
    if not wanted:
        raise BadInput("nothing was to be changed: say what, such as --above 63000 or --off")
    made = change_rule(open_house(desk.home).home, rule, wanted)
    desk.result(made.to_json, lambda: [f"{made.id}: {made.text}, {_often(made.often)}{'' if made.on else ', off'}"])


def alert_remove(desk: Desk, rule: str) -> None:
    """Delete a rule."""
    from bearskin.app._house import open_house
    from bearskin.app._rules import remove_rule

    gone = remove_rule(open_house(desk.home).home, rule)
    desk.result(lambda: {"removed": gone.to_json()}, lambda: [f"{gone.id} is gone: {gone.text}"])


def rule_lines(rows: list[dict[str, Any]]) -> list[str]:
    """The rules as `alert list` prints them."""
    return [
        f"{row['id']}  {row['text']}, {_often(row['often'])}{'' if row['on'] else ' (off)'}"
        + (f", rang {row['rang']} times, last {row['rang_at']}" if row["rang"] else "")
        for row in rows
    ]


def _often(often: str) -> str:
    return "every time" if often == "always" else "once"


def _given(given: dict[str, Any]) -> dict[str, Any]:
    """What was said, in the words of a rule; raises BadInput for two limits at once."""
    above, below, pause = (given.pop(name) for name in ("above", "below", "pause"))
    if above is not None and below is not None:
        raise BadInput("a rule has one limit: say --above or --below")
    wanted = {name: value for name, value in given.items() if value is not None}
    if above is not None or below is not None:
        wanted |= {"compare": "below" if above is None else "above", "value": below if above is None else above}
    if pause is not None:
        wanted["pause_s"] = pause
    return wanted
