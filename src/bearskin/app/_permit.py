"""The lock before real money: what has to be done before a venue is traded, each missing step named in one sentence.

In this order: the notice acknowledged, the quiz passed, a key found, the venue named by hand, the key proven (or said)
to be unable to withdraw. Then there is a cap on every position. None of it stands before plans, backtests, the demo
exchange or a venue's own demo environment, which only asks for its key.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bearskin.app._house import House
from bearskin.app._keyring import VenueKeys, find_keys, keys_name
from bearskin.app._licence import (
    CAP_CLEAN,
    CAP_FIRST,
    CLEAN_DAYS,
    CLEAN_TRADES,
    CleanRecord,
    Licence,
    clean_record,
    read_licence,
    write_licence,
)
from bearskin.engine import Record
from bearskin.live import KeyPermissions, key_permissions
from bearskin.terms import BadInput, StoreBroken, iso

logger = logging.getLogger("bearskin.app")

DEMO: Final = "demo"  # the exchange on this machine
CANNOT_WITHDRAW: Final = "cannot withdraw"

Ask = Callable[[str], str]
Look = Callable[[VenueKeys], KeyPermissions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to trade a venue. `notional_cap` is the largest position in quote currency (None: play money, no cap).

    `hints` are sentences a person should read at the start.
    """

    venue: str
    env: str
    keys: VenueKeys | None
    notional_cap: Decimal | None
    cap_why: str
    hints: tuple[str, ...] = ()


def live_permit(
    house: House,
    venue: str,
    env: str = "live",
    *,
    confirm: str | None = None,
    ask: Ask | None = None,
    records: Callable[[], Iterable[Record]] | None = None,
    look: Look | None = None,
    reducing: bool = False,
    now_wall_ns: int,
) -> Permit:
    """Leave to trade `venue`; raises BadInput with one sentence on the step that is missing and its command.

    `env` is `live`, or `demo` for the venue's own demo environment. `confirm` is the venue's name as it was typed
    (`--live-confirm`); without it `ask` puts the question, and without that the sentence says what to type. `records`
    gives those of this venue's earlier live runs, for the cap. `look` asks the venue what the key may do. Raises
    VenueBroken or VenueRejected when that cannot be had. With `reducing` only a key is needed: nothing keeps you from
    looking at what is open and closing it.
    """
    if venue == DEMO:
        return Permit(venue=venue, env=env, keys=None, notional_cap=None, cap_why="play money")
    name = keys_name(venue)
    if env == "demo":
        return Permit(
            venue=name, env=env, keys=find_keys(name, env), notional_cap=None, cap_why="the venue's play money"
        )
    if env not in ("", "live"):
        raise BadInput(f"env was {env!r}, must be live or demo")
    if reducing:
        return Permit(
            venue=name, env="live", keys=find_keys(name), notional_cap=CAP_FIRST, cap_why="nothing is opened with this"
        )
    licence = read_licence(house.home)
    _check_licence(licence)
    keys = find_keys(name)
    _check_confirmed(name, confirm, ask)
    permissions = (look or permissions_of)(keys)
    _check_key(house, licence, keys, permissions, ask, now_wall_ns)
    cap, why = live_cap(licence, name, clean_record(records() if records is not None else (), now_wall_ns))
    return Permit(venue=name, env="live", keys=keys, notional_cap=cap, cap_why=why, hints=permissions.hints)


def live_cap(licence: Licence, venue: str, record: CleanRecord) -> tuple[Decimal, str]:
    """The largest position at a venue, in quote currency, and why it is that."""
    chosen = licence.caps.get(venue)
    if chosen is not None:
        return Decimal(chosen), "set by hand"
    if record.clean:
        return CAP_CLEAN, f"{record.trades} trades and {record.days} days without trouble"
    why = (
        f"{record.trades} of {CLEAN_TRADES} closed trades, {min(record.days, CLEAN_DAYS)} of {CLEAN_DAYS} days, "
        f"{record.troubles} troubles: `bearskin cap set {venue} AMOUNT` raises it knowingly"
    )
    return CAP_FIRST, why


def live_records(house: House, venue: str) -> list[Record]:
    """The records of every live run at a venue. None of them when one cannot be read: nobody knows what is in it."""
    from bearskin.app._runs import damaged_runs, runs_of
    from bearskin.live import read_records

    found: list[Record] = []
    journals = house.home.part("journal")
    for damaged in damaged_runs(journals):
        logger.warning("the record of live trading at %s is not counted: %s", venue, damaged.why)
        return []
    try:
        for run in runs_of(journals):
            if (run.venue, run.env) == (keys_name(venue), "live"):
                with contextlib.closing(run.kept.open_journal()) as journal:
                    found += [record for _, record in read_records(journal)]
    except (BadInput, StoreBroken) as error:
        logger.warning("the record of live trading at %s is not counted: %s", venue, error)
        return []
    return found


def permissions_of(keys: VenueKeys) -> KeyPermissions:
    """What a venue says its key may do."""
    from bearskin.live import open_venue

    exchange = open_venue(_ccxt_id(keys.name))
    for name, text in keys.for_ccxt().items():
        setattr(exchange, name, text)
    return key_permissions(exchange)


def terminal_ask() -> Ask | None:
    """A question on the terminal, None where nobody sits there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str) -> str:
        print(question, file=sys.stderr)  # noqa: T201 - stdout is for results
        sys.stderr.write("> ")
        sys.stderr.flush()
        return sys.stdin.readline()

    return ask


def _check_licence(licence: Licence) -> None:
    if not licence.acknowledged:
        raise BadInput("the notice on who may trade has not been acknowledged yet: read it with `bearskin legal`")
    if not licence.passed:
        raise BadInput(
            "trading real money asks for the risk quiz first: `bearskin quiz` puts ten questions (plans, backtests and "
            "the demo do without)"
        )


def _check_confirmed(name: str, confirm: str | None, ask: Ask | None) -> None:
    typed = confirm
    if typed is None and ask is not None:
        typed = ask(f"This trades real money at {name}. Type its name to go on:")
    if typed is None:
        raise BadInput(f"this trades real money at {name}: confirm it with --live-confirm {name}")
    if typed.strip().lower() != name:
        raise BadInput(f"the confirmation was {typed.strip()[:40]!r}, must be {name}: nothing was traded")


def _check_key(
    house: House, licence: Licence, keys: VenueKeys, permissions: KeyPermissions, ask: Ask | None, now_wall_ns: int
) -> None:
    if permissions.refusal:
        raise BadInput(f"{keys.name}: {permissions.refusal}")
    if permissions.withdraw is None and keys.fingerprint not in licence.cannot_withdraw:
        if ask is None:
            raise BadInput(
                f"{keys.name} does not tell whether this key can withdraw: look there, then say so with "
                f"`bearskin keys vouch {keys.name}`"
            )
        vouch(house, keys, ask, now_wall_ns)


def vouch(house: House, keys: VenueKeys, ask: Ask, now_wall_ns: int) -> None:
    """Have a person say that a key cannot withdraw, and keep that with its fingerprint; raises BadInput otherwise."""
    said = ask(
        f"{keys.name} does not tell what key {keys.fingerprint} may do. Look there; a key that can withdraw must not "
        f"be used. Type '{CANNOT_WITHDRAW}' if it cannot:"
    )
    if said.strip().lower() != CANNOT_WITHDRAW:
        raise BadInput(f"{keys.name}: without your word that the key cannot withdraw it is not used")
    licence = read_licence(house.home)
    write_licence(house.home, licence.with_word(keys.fingerprint, iso(now_wall_ns)))


def _ccxt_id(name: str) -> str:
    return {"binance": "binanceusdm"}.get(name, name)


def permit_json(permit: Permit) -> dict[str, Any]:
    """What of a permit may be shown."""
    return {
        "venue": permit.venue,
        "env": permit.env,
        "key": None if permit.keys is None else permit.keys.fingerprint,
        "key_origin": None if permit.keys is None else permit.keys.origin,
        "notional_cap": None if permit.notional_cap is None else str(permit.notional_cap),
        "cap_why": permit.cap_why,
        "hints": list(permit.hints),
    }
