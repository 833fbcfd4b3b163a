"""Text that no file takes ends nothing: the journal, the book and its snapshot have U+FFFD in its place."""

from __future__ import annotations

from decimal import Decimal

from bearskin.engine import Book, Desk, EngineSettings, Foreign, Record, record_bytes, record_of, sound
from bearskin.terms import Answered, OrderNow, Pulse

AT = {"time_ns": 5, "wall_ns": 6}
BTC = "BTCUSDT"
HALF = "no \ud83d room"


def answered(message: str) -> Answered:
    order = OrderNow(symbol=message, client_id="", venue_id="v1", status="open", qty=Decimal("-0.10"),
                     filled=Decimal(0), price=Decimal("1.50"))  # fmt: skip
    return Answered(**AT, symbol=BTC, client_id="x", what="Place", outcome="rejected", message=message, order=order)


def test_what_is_whole_is_the_very_same() -> None:
    word = answered("no room 🐻")
    assert sound(word) is word


def test_half_a_sign_is_replaced_and_nothing_else_is_another() -> None:
    made = sound(answered(HALF))
    assert made == answered("no \ufffd room")
    assert record_of(record_bytes(Record(answered(HALF)))) == Record(made)


def test_a_book_with_half_a_sign_is_kept_and_read_again() -> None:
    book = Book(tag="test", foreign={BTC: HALF, HALF: "x"})
    again = Book.restored(book.snapshot())
    assert again.foreign == {BTC: "no \ufffd room", "no \ufffd room": "x"}


def test_a_note_is_writable_before_the_book_has_it() -> None:
    book = Book(tag="test")
    desk = Desk(event=Pulse(**AT), book=book, settings=EngineSettings(), market={}, marks={})
    desk.note(Foreign(**AT, symbol=BTC, blocked=True, detail=HALF))
    assert book.foreign == {BTC: "no \ufffd room"}
    assert desk.notes[0].detail == "no \ufffd room"
