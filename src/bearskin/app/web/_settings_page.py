"""Settings on a page: what each is and where it came from, changed in config.toml; presets with what they allow."""

from __future__ import annotations

from typing import Any, Final

from bearskin.app._bot_words import BOT_SETTINGS
from bearskin.app._config import config
from bearskin.app._house import open_house
from bearskin.app._settings import LOG_LEVELS, PRESETS, SECRET
from bearskin.app.web._desk import WebDesk
from bearskin.terms import BadInput

GROUPS: Final = {
    "Trading": ("preset", "equity", "risk", "leverage", "margin_mode", "interval", "venue", "product"),
    "Costs": ("taker", "maker", "slippage", "brackets"),
    "The bot": tuple(BOT_SETTINGS),
    "Alerts and webhooks": ("alert_urls", "alert_off", "quiet_hours", "webhook_url", "webhook_kinds"),
    "This machine": ("store", "database", "archive_url", "port", "bot_port", "log_level"),
}
CHOICES: Final = {
    "preset": PRESETS,
    "log_level": LOG_LEVELS,
    "margin_mode": ("isolated", "cross"),
    "product": ("linear", "inverse", "dated", "dated-inverse", "spot", "margin"),
    "bot_sides": ("short", "long", "both", "auto", "none"),
    "bot_stop_by": ("mark", "last"),
}
PREFS: Final = {"theme": ("dark", "light"), "zone": ("utc", "local")}
SHOWN_FROM: Final = "config.toml"


def settings_now(desk: WebDesk) -> dict[str, Any]:
    """Every setting in its group, with value and origin; of addresses only which kind they are.

    Raises BadInput for a config.toml that cannot be read.
    """
    report = config(home=desk.house.home.root)
    known = {one.name: one for one in report.settings}
    rows = []
    for group, names in GROUPS.items():
        for name in names:
            one = known.pop(name)
            over = one.origin not in ("default", SHOWN_FROM)
            rows.append(
                {
                    "name": name,
                    "group": group,
                    "value": one.value,
                    "origin": one.origin,
                    "meaning": one.meaning,
                    "stands_in": one.stands_in or None,
                    "choices": list(CHOICES.get(name, ())),
                    "secret": name in SECRET,
                    "changeable": not over,
                    "why_not": f"it stands in the {one.origin}, which goes before config.toml" if over else None,
                }
            )
    assert not known, f"in no group: {', '.join(known)}"
    return {
        "home": str(report.home),
        "home_origin": report.home_origin,
        "config_file": str(report.config_file),
        "settings": rows,
        "notes": list(report.notes),
        "presets": presets(),
        "prefs": prefs_of(desk),
    }


def change_setting(desk: WebDesk, name: str, value: str | None) -> dict[str, Any]:
    """Write a setting to config.toml, None takes it out; the row it is then. Raises BadInput, and nothing is written.

    Addresses of alerts are tried on Apprise first, so that a slip of the keyboard is not found when it matters.
    """
    text = None if value is None else value.strip()
    if text == "":
        raise BadInput(f"{name[:40]} was empty: take it back to what stands in instead")
    if name == "alert_urls" and text is not None:
        from bearskin.app._alerts import AppriseSender

        for url in text.split():
            AppriseSender(url)
    root = desk.house.home.root
    if text is None:
        config(unset=[name], home=root)
    else:
        config(set={name: text}, home=root)
    row: dict[str, Any] = next(one for one in settings_now(desk)["settings"] if one["name"] == name)
    return row


def presets() -> list[dict[str, Any]]:
    """The four presets with what they allow; shares as fractions, None where there is no such limit."""
    from bearskin.risk import PRESETS as KNOWN

    def plain(value: Any) -> str | None:
        return None if value is None else f"{value:f}"

    return [
        {
            "name": one.name,
            "about": one.about,
            "leverage_max": plain(one.leverage_max),
            "risk": plain(one.risk_frac),
            "margin_mode": str(one.margin_mode),
            "margin_share": plain(one.margin_share_frac),
            "liquidation_stop_ratio": plain(one.liquidation_stop_ratio),
            "reward_to_risk_min": plain(one.reward_to_risk_min),
            "hedge": one.hedge,
        }
        for one in KNOWN.values()
    ]


def prefs_of(desk: WebDesk) -> dict[str, str]:
    """How the owner looks at it: theme and zone."""
    kept = desk.prefs()
    return {name: kept[name] if kept.get(name) in words else words[0] for name, words in PREFS.items()}


def prefer(desk: WebDesk, name: str, value: str) -> dict[str, str]:
    """Keep a choice of theme or zone; raises BadInput for another, and where it cannot be written."""
    if name not in PREFS:
        raise BadInput(f"{name[:40]!r} is nothing to prefer; there are {', '.join(PREFS)}")
    if value not in PREFS[name]:
        raise BadInput(f"{name} was {value[:40]!r}, must be one of {', '.join(PREFS[name])}")
    if why := desk.prefer(**{name: value}):
        raise BadInput(f"{name} was not kept: {why}")
    return prefs_of(desk)


def alert_tested(desk: WebDesk) -> dict[str, Any]:
    """Send one alert to every address; by service whether it was taken. Raises BadInput without addresses."""
    from bearskin.app._safety import alert_test

    return alert_test(home=desk.house.home.root)


def alert_services(desk: WebDesk) -> str | None:
    """The kinds of addresses alerts go to, None where there are none."""
    from bearskin.app._settings import shown

    urls = open_house(desk.house.home.root).settings.alert_urls
    return None if urls is None else shown(urls)
