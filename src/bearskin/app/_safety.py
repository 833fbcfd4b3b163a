"""The verbs of live safety: keys, quiz, notice, caps, and a test of the alerts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bearskin.app._house import open_house
from bearskin.app._keyring import WEBHOOK, find_keys, keys_list, keys_name, keys_remove, keys_set, variable
from bearskin.app._licence import CAP_FIRST, NOTICE, REGIONS, read_licence, write_licence
from bearskin.app._permit import vouch
from bearskin.app._quiz import QuizResult, put
from bearskin.app._rates import positive_of
from bearskin.terms import BadInput, iso

Ask = Callable[[str], str]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReport:
    """Caps of the venues that have one of their own."""

    caps: tuple[tuple[str, Decimal], ...]

    def to_json(self) -> dict[str, Any]:
        """The object `cap --json` prints."""
        return {"first": str(CAP_FIRST), "caps": {venue: str(cap) for venue, cap in self.caps}}


def quiz(*, ask: Ask, tell: Tell, seed: int, home: Path | str | None = None) -> QuizResult:
    """Put the ten questions; all right, and trading is open from then on. Raises BadInput when nobody answers."""
    house = open_house(home)
    licence = read_licence(house.home)  # damage is said before ten questions are answered
    result = put(seed, ask, tell)
    if result.passed:
        write_licence(house.home, licence.with_quiz(iso(time.time_ns() // 10**9 * 10**9)))
    return result


def legal(*, accept: str | None = None, home: Path | str | None = None) -> dict[str, Any]:
    """The notice, and the words for each region; `accept` a region and it is kept that you have read it."""
    house = open_house(home)
    licence = read_licence(house.home)
    if accept is not None:
        licence = licence.with_notice(accept, iso(time.time_ns() // 10**9 * 10**9))
        write_licence(house.home, licence)
    words = REGIONS if not licence.region else {licence.region: REGIONS[licence.region]}
    return {
        "notice": NOTICE,
        "regions": words,
        "acknowledged": licence.acknowledged_at if licence.acknowledged else None,
        "region": licence.region or None,
    }


def cap(
    *, venue: str | None = None, amount: str | None = None, confirm: Ask | None = None, home: Path | str | None = None
) -> CapReport:
    """The caps; with `venue` and `amount` sets one, once `confirm` has returned the venue's name."""
    from bearskin.live import VENUES

    house = open_house(home)
    licence = read_licence(house.home)
    if venue is not None and amount is not None:
        name, value = keys_name(venue), positive_of(amount, "amount")
        if name not in VENUES:
            raise BadInput(f"venue was {venue!r}, must be one of {', '.join(sorted(VENUES))}")
        question = f"One live position at {name} may then be as large as {value:f} in quote currency. Type {name}:"
        typed = "" if confirm is None else confirm(question)
        if typed.strip().lower() != name:
            raise BadInput(f"the cap was left as it was: confirm it by the venue's name, such as --confirm {name}")
        licence = licence.with_cap(name, value)
        write_licence(house.home, licence)
    return CapReport(caps=tuple((name, Decimal(kept)) for name, kept in sorted(licence.caps.items())))


def keys(
    action: str, venue: str | None = None, *, read: Ask | None = None, home: Path | str | None = None
) -> dict[str, Any]:
    """`set` a venue's keys into the keyring, `list` their names, `remove` them, or `vouch` that one cannot withdraw."""
    if action == "list":
        return {"keys": dict(keys_list())}
    if venue is None:
        raise BadInput("name the venue, such as binance")
    if action == "remove":
        return {"removed": keys_remove(venue)}
    if read is None:
        raise BadInput("nobody is there to be asked: run this in a terminal")
    if action == "vouch":
        house, found = open_house(home), find_keys(venue)
        vouch(house, found, read, time.time_ns())
        return {"vouched": found.name, "key": found.fingerprint}
    name = keys_set(venue, read)
    told = {"kept": name, "where": "keyring"}
    if name == WEBHOOK:
        return told | {"variables": [variable(name, "secret"), variable(name, "key")]}
    return told | {"fingerprint": find_keys(venue).fingerprint}


def alert_test(*, home: Path | str | None = None) -> dict[str, Any]:
    """Send one alert to every address and tell, by service, whether it was taken; raises BadInput without addresses."""
    from bearskin.app._alerts import AppriseSender, Message

    settings = open_house(home).settings
    if settings.alert_urls is None:
        raise BadInput("there is nowhere to send to: `bearskin config set alert_urls ADDRESS`, see docs/alerts.md")
    message = Message(title="bearskin: test", body="This is how an alert looks.", severity="info")
    rows = []
    for url in settings.alert_urls.get_secret_value().split():
        sender = AppriseSender(url)
        try:
            arrived, why = sender.send(message), "it was not taken"
        except Exception as error:  # noqa: BLE001 - a service may fail in any way, and the others still count
            arrived, why = False, type(error).__name__
        rows.append({"service": sender.name, "arrived": arrived, "why": None if arrived else why})
    return {"arrived": all(row["arrived"] for row in rows), "services": rows}
