"""What a note says to a person, in one line: the decision log."""

from __future__ import annotations

from decimal import Decimal

from bearskin.engine._notes import (
    Adjusted,
    AnyNote,
    Corrected,
    Declined,
    Done,
    Ended,
    Equity,
    Foreign,
    Issued,
    Leaving,
    Limited,
    ModeSet,
    Planned,
    Protection,
    Reconciled,
    Regimed,
    Signalled,
    StopMoved,
    TargetMoved,
    Warned,
)
from bearskin.terms import AddMargin, Amend, AnyCommand, Cancel, Place, PlaceStop, SetLeverage, SetMarginMode


def said(note: AnyNote) -> str:
    """The note in words, without time and symbol; empty for what is no decision (equity, an agreement)."""
    match note:
        case Signalled():
            return f"{note.setup} {note.side.word} near {note.entry_ref:g}, stop {note.stop:g}: {note.why}"
        case Declined():
            bare = note.detail.startswith("(") or not note.detail
            detail = f" {note.detail}".rstrip() if bare else f" ({note.detail})"
            return f"not traded: {note.side.word} from {note.origin}: {note.reason}{detail}"
        case Planned():
            return _planned(note)
        case Issued():
            return f"{_command(note.command)}: {note.why}"
        case Protection():
            return _protection(note)
        case StopMoved():
            return f"stop to {_plain(note.new)} from {_plain(note.old)}: {note.why}"
        case TargetMoved():
            return f"target {note.number} to {_plain(note.new)} from {_plain(note.old)}: {note.why}"
        case Leaving():
            share = "" if note.share == 1 else f" {_plain(note.share * 100)} % of it"
            return f"leaving{share}: {note.reason}"
        case Ended():
            r = "" if note.r is None else f", {note.r:+.2f} R"
            return f"ended by {note.reason}: net {note.net:.2f}{r}"
        case Corrected():
            return f"net after the end {_plain(note.net)}: fees {_plain(note.fees)}, funding {_plain(note.funding)}"
        case Adjusted():
            return f"the venue holds {_plain(note.theirs)}, our fills said {_plain(note.ours)}: {note.why}"
        case Foreign():
            return f"{'blocked' if note.blocked else 'free again'}: {note.detail}"
        case Reconciled():
            return "; ".join(note.differences)
        case _:
            return _state(note)


def _state(note: AnyNote) -> str:
    match note:
        case Limited():
            return f"limit {note.limit} {'reached' if note.active else 'lifted'}: {note.detail}".removesuffix(": ")
        case ModeSet():
            words = [word for word, on in (("paused", note.paused), ("panicked", note.panicked)) if on]
            return f"{' and '.join(words) or 'trading'}, sides {note.sides or 'as set'}: {note.why}".removesuffix(": ")
        case Regimed():
            return f"daily regime {note.label}"
        case Warned():
            return f"{note.severity}: {note.text}"
        case Done():
            return f"refused: {note.refused}" if note.refused else f"done: {note.detail}".removesuffix(": ")
        case Equity():
            return ""
        case _:
            raise AssertionError(note)


def _plain(value: Decimal | None) -> str:
    return "none" if value is None else f"{value:f}"


def _planned(note: Planned) -> str:
    entry = "at market" if note.entry_price is None else f"at {_plain(note.entry_price)}"
    targets = ", ".join(_plain(target) for target in note.targets) or "none"
    return (
        f"{note.side.word} {_plain(note.qty)} {entry} ({note.origin}), stop {_plain(note.stop)}, targets {targets},"
        f" loss at stop {note.loss_at_stop:.2f}: {note.why}"
    )


def _protection(note: Protection) -> str:
    if note.protected:
        return f"PROTECTED after {note.unprotected_s:.3f} s" if note.unprotected_s else "PROTECTED"
    if not note.open_qty:
        return "nothing is open any more"
    return f"UNPROTECTED: {_plain(note.covered_qty)} of {_plain(note.open_qty)} covered"


def _command(command: AnyCommand) -> str:
    match command:
        case Place():
            price = "at market" if command.price is None else f"at {_plain(command.price)}"
            return f"{command.role} {_plain(command.qty)} {price}"
        case PlaceStop():
            return f"{command.role} {_plain(command.qty)} at {command.by} {_plain(command.trigger)}"
        case Cancel():
            return f"cancel {command.client_id or command.venue_id}"
        case Amend():
            return f"amend {command.client_id} to {_plain(command.qty)} at {_plain(command.price)}"
        case SetLeverage():
            return f"leverage {command.leverage}x"
        case SetMarginMode():
            return f"margin mode {command.margin_mode.value}"
        case AddMargin():
            return f"margin {_plain(command.amount)}"
