"""Rules of the owner's: tell me when a price, funding, a margin ratio, a way to liquidation or a set-up is so and so.

They are kept in `alert_rules.json` of the home, which command line and dashboard write and every bot reads: rules ring
in the bot, with no page open. What rang is kept there too.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bearskin.app._home import Home
from bearskin.app._house import ELSEWHERE
from bearskin.app._rates import share_of
from bearskin.terms import BadInput, dec, interval_ns

FILE, LOCK_FILE, VERSION = "alert_rules.json", ".alert_rules.lock", 1
RULES_MAX, RANG_KEPT, NOTE_MAX = 100, 50, 200
PAUSE_S: Final = 900.0
PAUSE_S_MIN: Final = 10.0
ABOUT: Final = {
    "price": "mark price",
    "funding": "funding rate",
    "margin-ratio": "margin ratio of a position",
    "liquidation-distance": "way to liquidation of a position",
    "setup": "a set-up is found",
}
COMPARES: Final = ("above", "below")
SIDES: Final = ("", "short", "long")
_SHARES = ("funding", "margin-ratio", "liquidation-distance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `value` is a price, or a share of one (funding, margin ratio, distance); None for a set-up.

    `symbol`, `setup` and `side` empty mean any. With `often` "once" it is off after it rang; with "always" it rings
    each time it becomes true, `pause_s` apart at least. `urgent` rings in quiet hours too.
    """

    id: str
    about: str
    symbol: str = ""
    compare: str = ""
    value: Decimal | None = None
    setup: str = ""
    side: str = ""
    often: str = "once"
    pause_s: float = PAUSE_S
    urgent: bool = False
    on: bool = True
    note: str = ""
    rang_at: str = ""
    rang: int = 0

    @property
    def text(self) -> str:
        """The rule in words: BTCUSDT mark price above 62,000."""
        where = self.symbol or "any symbol"
        if self.about == "setup":
            side = f"{self.side} " if self.side else ""
            return f"{where}: {side}set-up {self.setup or 'of any kind'}"
        return f"{where} {ABOUT[self.about]} {self.compare} {shown_value(self.about, self.value)}"

    def to_json(self) -> dict[str, Any]:
        """As the file and the API have it."""
        return {**asdict(self), "value": None if self.value is None else f"{self.value:f}", "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang:
    """That a rule rang: when (RFC 3339, wall time), which, and what it said."""

    at: str
    rule: str
    symbol: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """All rules of a home, and what rang last, the newest at the end."""

    rules: tuple[Rule, ...] = ()
    rang: tuple[Rang, ...] = ()

    def rule(self, name: str) -> Rule:
        """The rule of that id; raises BadInput where there is none."""
        found = next((rule for rule in self.rules if rule.id == name), None)
        if found is None:
            raise BadInput(f"there is no rule {name[:20]!r}: `bearskin alert list` shows them")
        return found

    def to_json(self) -> dict[str, Any]:
        """As the API tells it, the newest ring first."""
        return {"rules": [rule.to_json() for rule in self.rules], "rang": [asdict(one) for one in reversed(self.rang)]}


def shown_value(about: str, value: Decimal | None) -> str:
    """A rule's value as people read it: 62,000 or 0.05 %."""
    if value is None:
        return "–"
    if about in _SHARES:
        return f"{(100 * value).normalize():f} %".replace("-", "−")
    return f"{value.normalize():,f}"


def rule_of(given: Mapping[str, Any], name: str = "", *, kept: bool = False) -> Rule:
    """A rule from what a person gave; shares may be written 5 % or 0.05. Raises BadInput with one sentence.

    One that is `kept` already may name a set-up that is not loaded here.
    """
    unknown = sorted(set(given) - {field for field in Rule.__dataclass_fields__ if field not in _OURS})
    if unknown:
        raise BadInput(f"{unknown[0][:40]!r} is nothing a rule has")
    about = _one_of("about", given.get("about"), tuple(ABOUT))
    setup = about == "setup"
    rule = Rule(
        id=name or secrets.token_hex(4),
        about=about,
        symbol=_word("symbol", given.get("symbol")).upper(),
        compare="" if setup else _one_of("compare", given.get("compare"), COMPARES),
        value=None if setup else _value(about, given.get("value")),
        setup=_setup(given.get("setup"), kept) if setup else "",
        side=_one_of("side", given.get("side") or "", SIDES) if setup else "",
        often=_one_of("often", given.get("often") or "once", ("once", "always")),
        pause_s=_pause(given.get("pause_s")),
        urgent=_truth("urgent", given.get("urgent", False)),
        on=_truth("on", given.get("on", True)),
        note=_note(given.get("note")),
    )
    if about == "price" and not rule.symbol:
        raise BadInput("a rule on a price names its symbol, such as BTCUSDT")
    return rule


_OURS = frozenset({"id", "rang_at", "rang"})


def read_rules(home: Home) -> RuleBook:
    """The rules of a home, none where there is no file; raises BadInput for one that cannot be read."""
    path = home.root / FILE
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["version"] != VERSION:
            raise ValueError(f"its version is {found['version']}")
        return RuleBook(rules=tuple(map(_kept, found["rules"])), rang=tuple(Rang(**one) for one in found["rang"]))
    except (FileNotFoundError, NotADirectoryError):
        return RuleBook()
    except (ValueError, KeyError, TypeError, AttributeError, BadInput) as error:
        raise BadInput(f"{path} cannot be read ({error}): move it away and make the rules again") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}): {ELSEWHERE}") from None


def rules_stamp(home: Home) -> tuple[int, int]:
    """Changes whenever the file does; (0, 0) where there is none."""
    try:
        found = (home.root / FILE).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


def add_rule(home: Home, given: Mapping[str, Any]) -> Rule:
    """Keep another rule; raises BadInput for what cannot be one, and for too many."""
    rule = rule_of(given)
    with _changing(home) as book:
        if len(book[0].rules) >= RULES_MAX:
            raise BadInput(f"there are {RULES_MAX} rules already: delete some first")
        book[0] = replace(book[0], rules=(*book[0].rules, rule))
    return rule


def change_rule(home: Home, name: str, given: Mapping[str, Any]) -> Rule:
    """Change what is given of a rule; one that is switched on again may ring again. Raises BadInput."""
    with _changing(home) as book:
        old = book[0].rule(name)
        before = {key: value for key, value in old.to_json().items() if key not in _OURS and key != "text"}
        made = replace(rule_of({**before, **given}, name), rang_at=old.rang_at, rang=old.rang)
        book[0] = replace(book[0], rules=tuple(made if rule.id == name else rule for rule in book[0].rules))
    return made


def remove_rule(home: Home, name: str) -> Rule:
    """Delete a rule; raises BadInput where there is none."""
    with _changing(home) as book:
        gone = book[0].rule(name)
        book[0] = replace(book[0], rules=tuple(rule for rule in book[0].rules if rule.id != name))
    return gone


def rang_rule(home: Home, rang: Rang) -> None:
    """Keep that a rule rang; one that rings once is off from now on. One deleted meanwhile is passed over."""
    with _changing(home) as book:
        rules = tuple(
            replace(rule, rang_at=rang.at, rang=rule.rang + 1, on=rule.on and rule.often == "always")
            if rule.id == rang.rule
            else rule
            for rule in book[0].rules
        )
        book[0] = RuleBook(rules=rules, rang=(*book[0].rang, rang)[-RANG_KEPT:])


@contextlib.contextmanager
def _changing(home: Home) -> Iterator[list[RuleBook]]:
    """The book as it is, alone; what stands in its place at the end is written, whole or not at all."""
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with (home.root / LOCK_FILE).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            book = [read_rules(home)]
            before = book[0]
            yield book
            if book[0] != before:
                _write(home, book[0])
    except OSError as error:
        raise BadInput(f"{home.root / FILE} cannot be written ({error.strerror or error}): {ELSEWHERE}") from None


def _write(home: Home, book: RuleBook) -> None:
    rules = [{key: value for key, value in rule.to_json().items() if key != "text"} for rule in book.rules]
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=home.root, prefix=".alert-rules-", suffix=".json")
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "rules": rules, "rang": [asdict(one) for one in book.rang]}, file, indent=1)
        part.replace(home.root / FILE)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _kept(told: dict[str, Any]) -> Rule:
    given = {key: value for key, value in told.items() if key not in _OURS}
    return replace(rule_of(given, str(told["id"]), kept=True), rang_at=str(told["rang_at"]), rang=int(told["rang"]))


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        words = ", ".join(one for one in allowed if one)
        raise BadInput(f"{name} was {str(value)[:40]!r}, must be one of {words}")
    return str(value)


def _word(name: str, value: Any) -> str:
    word = "" if value is None else str(value).strip()
    if len(word) > 40 or not all(sign.isalnum() or sign in "_-." for sign in word):
        such = "BTCUSDT" if name == "symbol" else "stop_hunt"
        raise BadInput(f"{name} was {word[:40]!r}, must be a name such as {such}")
    return word


def _setup(value: Any, kept: bool) -> str:
    word = _word("setup", value)
    if word and not kept:
        from bearskin.setups import SETUPS

        if word not in SETUPS:
            raise BadInput(f"setup was {word!r}, must be one of {', '.join(SETUPS)}")
    return word


def _value(about: str, value: Any) -> Decimal:
    if value is None or not str(value).strip():
        raise BadInput(f"say at which {ABOUT[about]} it is to ring")
    text = str(value).strip().replace(",", "").replace("−", "-")
    if about in _SHARES:
        sign, plain = (-1, text[1:]) if text.startswith("-") else (1, text)
        if sign < 0 and about != "funding":
            raise BadInput(f"{about} was {text}, must be above zero")
        return sign * share_of(plain.replace(" ", ""), about)
    try:
        number = dec(text)
    except (BadInput, ArithmeticError):
        raise BadInput(f"price was {text[:40]!r}, must be a number") from None
    if not (number.is_finite() and number > 0):
        raise BadInput(f"price was {text[:40]}, must be above zero")
    return number


def _pause(value: Any) -> float:
    if value is None or value == "":
        return PAUSE_S
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = interval_ns(str(value)) / 10**9
    if not PAUSE_S_MIN <= seconds <= 7 * 86_400:
        raise BadInput(f"the pause was {seconds:g} s, must be between {PAUSE_S_MIN:g} s and a week")
    return seconds


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{name} was {str(value)[:20]!r}, must be true or false")
    return value


def _note(value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if len(text) > NOTE_MAX or not (text.isprintable() or not text):
        raise BadInput(f"a note has at most {NOTE_MAX} signs, all printable")
    return text
