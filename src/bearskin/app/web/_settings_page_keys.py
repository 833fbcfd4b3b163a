"""Keys of venues and the locks before real money, as a page enters them: a key goes in once and never comes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from bearskin.app._keyring import VenueKeys, find_keys, keys_list, keys_name, keys_remove, keys_set
from bearskin.app._licence import CAP_FIRST, CLEAN_DAYS, CLEAN_TRADES, NOTICE, REGIONS, read_licence
from bearskin.app._permit import permissions_of, vouch
from bearskin.app._safety import cap, legal
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._learn_quiz import locks_of
from bearskin.app.web._venue_words import in_our_words
from bearskin.live import KeyPermissions, Secret
from bearskin.terms import BadInput, VenueError

KEY_MAX: Final = 500
Look = Callable[[VenueKeys], KeyPermissions]


def safety_now(desk: WebDesk) -> dict[str, Any]:
    """Locks, notice, caps, and whose keys there are; of a key only its fingerprint."""
    licence = read_licence(desk.house.home)
    return {
        "locks": [lock.to_json() for lock in locks_of(desk.house)],
        "notice": NOTICE,
        "regions": dict(REGIONS),
        "acknowledged": licence.acknowledged_at if licence.acknowledged else None,
        "region": licence.region or None,
        "cap_first": f"{CAP_FIRST:f}",
        "cap_rule": f"more after {CLEAN_TRADES} closed trades and {CLEAN_DAYS} days without trouble",
        "caps": dict(licence.caps),
        "keys": [_key_row(name, origin, licence.cannot_withdraw) for name, origin in keys_list()],
    }


def _key_row(name: str, origin: str, vouched: dict[str, str]) -> dict[str, Any]:
    try:
        fingerprint = find_keys(name).fingerprint
    except BadInput:
        fingerprint = None
    return {"name": name, "origin": origin, "fingerprint": fingerprint, "vouched": fingerprint in vouched}


def enter_keys(
    desk: WebDesk, venue: str, key: str, secret: str, passphrase: str = "", *, look: Look = permissions_of
) -> dict[str, Any]:
    """Put a venue's key into the keyring after the venue was asked what it may do; never returned again.

    One that can withdraw, or cannot trade futures, is refused and not kept. Where the venue does not answer it is kept
    and asked before the first live trade. Raises BadInput, in a sentence without the key.
    """
    name, env = venue.strip().lower().removesuffix("-demo"), "demo" if venue.strip().lower().endswith("-demo") else ""
    kept = keys_name(name, env)
    given = {"key": key.strip(), "secret": secret.strip(), "passphrase": passphrase.strip()}
    hidden = {part: Secret(text) for part, text in given.items()}
    if any(len(text) > KEY_MAX for text in given.values()):
        raise BadInput(f"a part of a key has at most {KEY_MAX} signs: nothing was kept")
    if not (given["key"] and given["secret"]):
        raise BadInput("a key has two parts, key and secret: nothing was kept")
    said = "not asked: the venue's own play money"
    if not env:
        asked = VenueKeys(
            name=kept,
            key=hidden["key"],
            secret=hidden["secret"],
            passphrase=hidden["passphrase"] if given["passphrase"] else None,
        )
        said = _permitted(asked, look)
    keys_set(kept, lambda part: given[part])
    licence = read_licence(desk.house.home)
    return {"row": _key_row(kept, "keyring", licence.cannot_withdraw), "venue_says": said}


def _permitted(keys: VenueKeys, look: Look) -> str:
    try:
        permissions = look(keys)
    except VenueError as error:
        said = str(in_our_words(error, keys.name)).rpartition(": ")[0]
        return f"{said}: it is asked again before the first live trade"
    if permissions.refusal:
        raise BadInput(f"{keys.name}: {permissions.refusal}: nothing was kept")
    if permissions.withdraw is None:
        return "the venue does not tell whether it can withdraw: look there, and say so below"
    return "it cannot withdraw"


def forget_keys(name: str) -> str:
    """Take a venue's key out of the keyring; raises BadInput where there is none."""
    return keys_remove(name)


def vouch_keys(desk: WebDesk, name: str, words: str) -> None:
    """Keep a person's word that a key cannot withdraw; raises BadInput for other words."""
    vouch(desk.house, find_keys(name), lambda _: words, time.time_ns())


def acknowledge(desk: WebDesk, region: str) -> dict[str, Any]:
    """Keep that the notice was read for a region; raises BadInput for one that has no words."""
    return legal(accept=region, home=desk.house.home.root)


def set_cap(desk: WebDesk, venue: str, amount: str, typed: str) -> dict[str, Any]:
    """Set the largest live position at a venue; `typed` is its name again. Raises BadInput."""
    return cap(venue=venue, amount=amount, confirm=lambda _: typed, home=desk.house.home.root).to_json()
