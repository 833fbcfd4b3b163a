"""Alerts on a page: the rules, what rang, the kinds that are told, and what the bot warns of now."""

from __future__ import annotations

from typing import Any

from bearskin.app._alert_settings import KINDS, NOT_TOLD, kinds_of
from bearskin.app._config import config
from bearskin.app._house import open_house
from bearskin.app._rules import read_rules
from bearskin.app.web._desk import WebDesk
from bearskin.terms import BadInput


def alerts_now(desk: WebDesk) -> dict[str, Any]:
    """Rules and what rang, each kind with its meaning and whether it is told; raises BadInput for a damaged file."""
    settings = open_house(desk.house.home.root).settings
    off = kinds_of(settings.alert_off)
    return {
        **read_rules(desk.house.home).to_json(),
        "kinds": [{"kind": kind, "meaning": words, "told": kind not in off} for kind, words in KINDS.items()],
        "quiet_hours": settings.quiet_hours,
        "addresses": settings.alert_urls is not None,
    }


def tell_kind(desk: WebDesk, kind: str, told: bool) -> str:
    """Have a kind of alert told, or not; written to config.toml. Returns the kind, raises BadInput for what is none."""
    if kind not in KINDS:
        raise BadInput(f"{kind[:40]!r} is no kind of alert; they are {', '.join(KINDS)}")
    root = desk.house.home.root
    off = set(kinds_of(open_house(root).settings.alert_off))
    off = off - {kind} if told else off | {kind}
    if off == set(NOT_TOLD):
        config(unset=["alert_off"], home=root)
    else:
        config(set={"alert_off": ", ".join(one for one in KINDS if one in off) or ","}, home=root)
    return kind


def setup_names() -> tuple[str, ...]:
    """The set-ups a rule can name."""
    from bearskin.setups import SETUPS

    return tuple(SETUPS)
