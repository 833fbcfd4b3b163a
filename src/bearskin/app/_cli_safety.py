"""Commands that stand before real money: keys, quiz, legal, cap; and alert."""

from __future__ import annotations

import sys
from typing import Any

import typer

from bearskin.app._cli_rules import register_rules, rule_lines
from bearskin.app._command import BAD_INPUT, REFUSED, command
from bearskin.app._desk import Desk
from bearskin.app._options import text, word
from bearskin.terms import BadInput

VENUE = {"venue": word("Such as binance; `webhook` for the secrets of our own door.", "VENUE")}
PANEL = "Live safety"


def register_safety(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    rings = typer.Typer(no_args_is_help=True, help="Keys of venues, in the system's keyring.")
    command(rings, "set", VENUE)(keys_set)
    command(rings, "list", {})(keys_list)
    command(rings, "remove", VENUE)(keys_remove)
    command(rings, "vouch", VENUE)(keys_vouch)
    app.add_typer(rings, name="keys", rich_help_panel=PANEL)
    command(app, "quiz", {}, PANEL)(quiz)
    command(app, "legal", {"accept": text("Region: eu, uk, us, ca or other.", "REGION")}, PANEL)(legal)
    caps = typer.Typer(no_args_is_help=True, help="The largest live position at a venue.")
    command(caps, "list", {})(cap_list)
    amount = word("In quote currency, such as 500.", "AMOUNT")
    confirm = text("The venue's name again, where nobody is asked.", "VENUE")
    command(caps, "set", {**VENUE, "amount": amount, "confirm": confirm})(cap_set)
    app.add_typer(caps, name="cap", rich_help_panel=PANEL)
    alerts = typer.Typer(no_args_is_help=True, help="Alerts to your phone, chat or mail.")
    command(alerts, "test", {})(alert_test)
    command(alerts, "list", {})(alert_list)
    register_rules(alerts)
    app.add_typer(alerts, name="alert", rich_help_panel=PANEL)


def keys_set(desk: Desk, venue: str) -> None:
    """Put a venue's key into the keyring; read from a prompt that shows nothing, or line by line from stdin."""
    from bearskin.app._safety import keys

    made = keys("set", venue, read=_secret_reader(), home=desk.home)
    sign = f" (fingerprint {made['fingerprint']})" if "fingerprint" in made else ""
    desk.result(lambda: made, lambda: [f"the keys of {made['kept']} are in the keyring{sign}"])


def keys_list(desk: Desk) -> None:
    """Whose keys there are, and where they were found; never the keys themselves."""
    from bearskin.app._safety import keys

    made = keys("list", home=desk.home)
    lines = [f"{name}: {origin}" for name, origin in made["keys"].items()]
    desk.result(lambda: made, lambda: lines or ["no keys yet: `bearskin keys set VENUE` puts one into the keyring"])


def keys_remove(desk: Desk, venue: str) -> None:
    """Take a venue's key out of the keyring."""
    from bearskin.app._safety import keys

    made = keys("remove", venue, home=desk.home)
    desk.result(lambda: made, lambda: [f"the keys of {made['removed']} are gone from the keyring"])


def keys_vouch(desk: Desk, venue: str) -> None:
    """Say that a key cannot withdraw, where the venue does not tell; kept with its fingerprint."""
    from bearskin.app._safety import keys

    made = keys("vouch", venue, read=_asker("run `bearskin keys vouch` in a terminal"), home=desk.home)
    desk.result(lambda: made, lambda: [f"kept for the key {made['key']} of {made['vouched']}"])


def quiz(desk: Desk) -> int:
    """Ten questions on what shorts are most often told wrong; all right opens live trading. Exit 3 when not passed."""
    import secrets

    from bearskin.app._safety import quiz as ask_all

    def tell(line: str) -> None:
        if not desk.quiet:
            print(line, file=sys.stderr)  # noqa: T201 - the edge of the house prints

    result = ask_all(
        ask=_asker("run `bearskin quiz` in a terminal"), tell=tell, seed=secrets.randbelow(2**31), home=desk.home
    )
    right = sum(asked.right == letter for asked, letter in result.given)
    said = "passed: live trading is open" if result.passed else "not passed: read the reasons and try again"
    desk.result(result.to_json, lambda: [f"{right} of {len(result.given)} right, {said}"])
    return 0 if result.passed else REFUSED


def legal(desk: Desk, accept: str | None) -> None:
    """The notice on who may trade; --accept REGION keeps that you have read it."""
    from bearskin.app._safety import legal as notice

    made = notice(accept=accept, home=desk.home)

    def lines() -> list[str]:
        state = f"acknowledged for {made['region']} at {made['acknowledged']}"
        ask = "`bearskin legal --accept REGION` keeps that you have read it (eu, uk, us, ca or other)"
        rows = [f"{region}: {words}" for region, words in made["regions"].items()]
        return [made["notice"], *rows, state if made["acknowledged"] else ask]

    desk.result(lambda: made, lines)


def cap_list(desk: Desk) -> None:
    """Caps that were set by hand, and the one that holds elsewhere."""
    from bearskin.app._safety import cap

    report = cap(home=desk.home)
    _caps_shown(desk, report)


def cap_set(desk: Desk, venue: str, amount: str, confirm: str | None) -> None:
    """Set the largest live position at a venue, knowingly: its name is asked for again."""
    from bearskin.app._safety import cap

    ask = _asker(f"say --confirm {venue}") if confirm is None else lambda question: confirm  # noqa: ARG005
    report = cap(venue=venue, amount=amount, confirm=ask, home=desk.home)
    _caps_shown(desk, report)


def _caps_shown(desk: Desk, report: Any) -> None:
    thing = report.to_json()
    lines = [f"{venue}: {amount}" for venue, amount in thing["caps"].items()]
    desk.result(lambda: thing, lambda: [*lines, f"elsewhere: {thing['first']}, more after a clean record"])


def alert_test(desk: Desk) -> int:
    """Send one alert to every address of alert_urls; exit 2 when one did not arrive."""
    from bearskin.app._safety import alert_test as send

    made = send(home=desk.home)
    lines = [f"{row['service']}: {'arrived' if row['arrived'] else row['why']}" for row in made["services"]]
    desk.result(lambda: made, lambda: lines)
    return 0 if made["arrived"] else BAD_INPUT


def alert_list(desk: Desk) -> None:
    """Your rules, the kinds of alerts, and which of them are told."""
    from bearskin.app._alert_settings import KINDS, kinds_of
    from bearskin.app._house import open_house
    from bearskin.app._rules import read_rules

    house = open_house(desk.home)
    off, book = kinds_of(house.settings.alert_off), read_rules(house.home).to_json()
    rows = {kind: {"meaning": meaning, "told": kind not in off} for kind, meaning in KINDS.items()}
    lines = [f"{kind:<26} {row['meaning']}{'' if row['told'] else ' (off)'}" for kind, row in rows.items()]
    own = rule_lines(book["rules"])
    desk.result(lambda: {"kinds": rows, **book}, lambda: [*own, *([""] if own else []), *lines])


def _asker(instead: str) -> Any:
    """A question on stderr, its answer from stdin; raises BadInput at the end of it."""

    def ask(question: str) -> str:
        print(question, file=sys.stderr)  # noqa: T201 - stdout is for results
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise BadInput(f"nobody answered: {instead}")
        return line

    return ask


def _secret_reader() -> Any:
    """Reads one part of a key: from a prompt without echo, or a line of stdin when that is no terminal."""

    def read(part: str) -> str:
        if sys.stdin.isatty():
            import getpass

            optional = " (empty if there is none)" if part == "passphrase" else ""
            return getpass.getpass(f"{part}{optional}: ")
        return sys.stdin.readline()

    return read
