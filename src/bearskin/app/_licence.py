"""What a person has done before the desk trades real money: `licence.json` in the home, of mode 0600.

It holds when the quiz was passed and in which version, which notice was acknowledged for which region, which keys were
said to be unable to withdraw (by a fingerprint, never the key), and caps that were raised by hand.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from bearskin.app._home import Home
from bearskin.app._house import ELSEWHERE
from bearskin.app._quiz import QUIZ_VERSION
from bearskin.engine import Adjusted, AnyNote, Ended, Reconciled, Record, Warned
from bearskin.terms import DAY_NS, BadInput, dec

FILE: Final = "licence.json"
LICENCE_VERSION: Final = 1
NOTICE_VERSION: Final = 1
CAP_FIRST: Final = Decimal(100)
CAP_CLEAN: Final = Decimal(1_000)
CLEAN_TRADES: Final = 20
CLEAN_DAYS: Final = 14

NOTICE: Final = (
    "Derivatives on crypto, and the venues that offer them, are not allowed to everyone everywhere. bearskin cannot "
    "know where you live, which rules hold for you or what a venue has agreed with you; it trades what your key may "
    "trade. Whether you may is yours to find out, with the venue and where you pay your taxes. Leveraged shorts can "
    "lose all of their margin within minutes. Nothing here is advice."
)
REGIONS: Final = {
    "eu": "In the EU crypto derivatives are financial instruments: venues need a licence for them, and some offer EU "
    "residents fewer contracts, less leverage or only cross margin.",
    "uk": "In the United Kingdom the sale of crypto derivatives to retail clients has been banned since January 2021.",
    "us": "In the United States most of these venues do not take residents at all; going around that breaks their "
    "terms and may cost you the account.",
    "ca": "In Canada most of these venues do not take residents, or no longer do; the rules differ by province.",
    "other": "Many countries forbid, tax or restrict this; the venue's own list of restricted places comes first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What has been done; times are RFC 3339, empty where it has not."""

    quiz_version: int = 0
    quiz_passed_at: str = ""
    notice_version: int = 0
    region: str = ""
    acknowledged_at: str = ""
    cannot_withdraw: dict[str, str] = field(default_factory=dict)
    caps: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the quiz of today was passed."""
        return self.quiz_version == QUIZ_VERSION and bool(self.quiz_passed_at)

    @property
    def acknowledged(self) -> bool:
        """Whether the notice of today was acknowledged."""
        return self.notice_version == NOTICE_VERSION and bool(self.acknowledged_at)

    def with_quiz(self, at: str) -> Licence:
        """The quiz has been passed."""
        return replace(self, quiz_version=QUIZ_VERSION, quiz_passed_at=at)

    def with_notice(self, region: str, at: str) -> Licence:
        """The notice has been acknowledged for a region; raises BadInput for one that has no words."""
        word = region.strip().lower()
        if word not in REGIONS:
            raise BadInput(f"region was {region[:30]!r}, must be one of {', '.join(REGIONS)}")
        return replace(self, notice_version=NOTICE_VERSION, region=word, acknowledged_at=at)

    def with_word(self, fingerprint: str, at: str) -> Licence:
        """Somebody has said of a key that it cannot withdraw."""
        return replace(self, cannot_withdraw=self.cannot_withdraw | {fingerprint: at})

    def with_cap(self, venue: str, cap: Decimal) -> Licence:
        """The largest position at a venue, chosen by hand; raises BadInput for no amount above zero."""
        if not (cap.is_finite() and cap > 0):
            raise BadInput(f"cap was {cap}, must be an amount above zero")
        return replace(self, caps=self.caps | {venue: format(cap, "f")})


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRecord:
    """What live trading has shown so far; `clean` is what raises the cap without an act."""

    trades: int = 0
    days: int = 0
    troubles: int = 0

    @property
    def clean(self) -> bool:
        """Twenty closed trades, fourteen days since the first, and in the last fourteen days no trouble."""
        return self.trades >= CLEAN_TRADES and self.days >= CLEAN_DAYS and self.troubles == 0


def clean_record(records: Iterable[Record], now_wall_ns: int) -> CleanRecord:
    """What the journals of live runs say at `now_wall_ns`.

    Trouble is an emergency close, a liquidation, a position closed or shrunk by the venue, or a book that differed from
    the venue's, within the last fourteen days. Entries that were never filled are no trades.
    """
    trades = troubles = 0
    first: int | None = None
    since = now_wall_ns - CLEAN_DAYS * DAY_NS
    for record in records:
        for note in record.notes:
            if isinstance(note, Ended) and note.entry is not None:
                trades += 1
                first = note.wall_ns if first is None else min(first, note.wall_ns)
            troubles += note.wall_ns >= since and _is_trouble(note)
    days = 0 if first is None else max(0, (now_wall_ns - first) // DAY_NS)
    return CleanRecord(trades=trades, days=days, troubles=troubles)


def _is_trouble(note: AnyNote) -> bool:
    match note:
        case Ended():
            return note.reason in ("emergency", "liquidated", "adl")
        case Warned():
            return note.kind in ("emergency", "liquidated", "adl", "liquidation-price-differs")
        case Reconciled():
            return bool(note.differences)
        case _:
            return isinstance(note, Adjusted)


def read_licence(home: Home) -> Licence:
    """What is in the home, nothing where there is no file; raises BadInput for one that cannot be read."""
    path = home.root / FILE
    try:
        found = json.loads(path.read_text("utf-8"))
        if found.pop("version") != LICENCE_VERSION:
            raise ValueError("another version")
        licence = Licence(**found)
        _check(licence)
    except (FileNotFoundError, NotADirectoryError):
        return Licence()
    except (ValueError, KeyError, TypeError, AttributeError, BadInput) as error:
        raise BadInput(f"{path} cannot be read ({error}): move it away and do the quiz again") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}): {ELSEWHERE}") from None
    return licence


def write_licence(home: Home, licence: Licence) -> Path:
    """Put it into the home, whole or not at all, of mode 0600; raises BadInput when it cannot be written."""
    path = home.root / FILE
    part: Path | None = None
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=home.root, prefix=".licence-", suffix=".json")  # made with 0600
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": LICENCE_VERSION, **asdict(licence)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error}): {ELSEWHERE}") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return path


def _check(licence: Licence) -> None:
    for table in (licence.cannot_withdraw, licence.caps):
        if not all(isinstance(value, str) for value in table.values()):
            raise ValueError("a table holds what is no text")
    for venue, cap in licence.caps.items():
        amount = dec(cap)
        if not (amount.is_finite() and amount > 0):
            raise ValueError(f"the cap of {venue} was {cap}")
