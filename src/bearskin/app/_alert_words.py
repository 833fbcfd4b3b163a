"""What of the audit stream a person is told, and in which words: kinds, severities, one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from bearskin.engine import (
    Adjusted,
    AnyNote,
    Declined,
    Ended,
    Foreign,
    Leaving,
    Limited,
    ModeSet,
    Planned,
    Protection,
    Reconciled,
    Record,
    StopMoved,
    Warned,
)
from bearskin.terms import Filled, our_id

Severity = Literal["info", "warning", "critical"]
RANK: Final[dict[str, int]] = {"info": 0, "warning": 1, "critical": 2}
LATE_S: Final = 1.0  # protection that came within this is the ordinary course


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to be told; `text` begins with the symbol where there is one."""

    kind: str
    severity: Severity
    symbol: str
    text: str
    wall_ns: int


def alerts_of(record: Record) -> Iterator[Alert]:
    """What one record of the audit stream tells a person, in its order."""
    event = record.event
    if isinstance(event, Filled):
        ours = our_id(event.client_id)
        if event.why:
            word = {"liquidation": "liquidated", "adl": "adl"}.get(event.why, "delisting")
            yield _made(
                word, "critical", event.symbol, f"{event.why}: {_plain(event.qty)} at {_plain(event.price)}", event
            )
        elif ours is not None and ours.role == "entry":
            side = "short" if event.qty < 0 else "long"
            yield _made("entry", "info", event.symbol, f"{side} {_plain(event.qty)} at {_plain(event.price)}", event)
    for note in record.notes:
        alert = _of_note(note)
        if alert is not None:
            yield alert


def _of_note(note: AnyNote) -> Alert | None:
    match note:
        case Warned():
            return _made(note.kind, note.severity, note.symbol, note.text, note)
        case Ended() if note.entry is not None:
            r = "" if note.r is None else f" ({note.r:+.2f} R)"
            text = f"{note.side.word} ended by {note.reason}, net {_plain(note.net)}{r}"
            rough = note.reason in ("emergency", "liquidated", "adl", "panic")
            return _made("exit", "warning" if rough else "info", note.symbol, text, note)
        case StopMoved():
            text = f"stop to {_plain(note.new)} from {_plain(note.old)}: {note.why}"
            return _made("stop-moved", "info", note.symbol, text, note)
        case Protection() if note.protected and note.unprotected_s >= LATE_S:
            return _made("protected", "info", note.symbol, f"protected after {note.unprotected_s:.1f} s without", note)
        case Planned():
            where = "at market" if note.entry_price is None else f"at {_plain(note.entry_price)}"
            text = f"{note.side.word} {_plain(note.qty)} {where}, stop {_plain(note.stop)} ({note.origin})"
            return _made("plan", "info", note.symbol, text, note)
        case Declined():
            return _made("declined", "info", note.symbol, f"{note.side.word} not traded: {note.reason}", note)
        case Leaving() if note.reason in ("emergency", "panic"):
            return _made("emergency", "critical", note.symbol, f"is being closed at market: {note.reason}", note)
        case _:
            return _of_account(note)


def _of_account(note: AnyNote) -> Alert | None:
    match note:
        case Limited():
            kill = note.active and "kill" in note.limit
            text = f"limit {note.limit} {'reached' if note.active else 'lifted'}"
            severity: Severity = "critical" if kill else "warning" if note.active else "info"
            return _made("kill-switch" if kill else "limit", severity, "", _with(text, note.detail), note)
        case ModeSet():
            words = "stands still after a panic" if note.panicked else "paused" if note.paused else "trading"
            severity = "critical" if note.panicked else "info"
            return _made("mode", severity, "", _with(f"the bot is now: {words}", note.why), note)
        case Adjusted():
            text = f"the venue holds {_plain(note.theirs)}, our fills said {_plain(note.ours)}"
            return _made("difference", "warning", note.symbol, _with(text, note.why), note)
        case Reconciled() if note.differences:
            return _made("difference", "warning", "", "; ".join(note.differences), note)
        case Foreign():
            words = "blocked" if note.blocked else "free again"
            return _made("foreign", "warning" if note.blocked else "info", note.symbol, _with(words, note.detail), note)
        case _:
            return None


def _made(kind: str, severity: Severity, symbol: str, text: str, at: AnyNote | Filled) -> Alert:
    whole = f"{symbol} {text}" if symbol and symbol not in text else text
    return Alert(kind=kind, severity=severity, symbol=symbol, text=whole, wall_ns=at.wall_ns)


def _with(text: str, more: str) -> str:
    return f"{text}: {more}" if more else text


def _plain(value: Decimal | None) -> str:
    return "none" if value is None else f"{value:f}"
