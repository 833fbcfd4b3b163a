"""An entry at market waits a little while the order book leans hard against it, and never for long."""

from __future__ import annotations

import pytest
from unit.engine.mind_kit import BTC, Room, signal

from bearskin.engine import EngineSettings
from bearskin.terms import BadInput, Depth, Side

BOTH = pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])


def settings(**changes) -> EngineSettings:
    return EngineSettings(**{"symbols": (BTC,), "guards": False, "book_wait_s": 120.0} | changes)


def book(room: Room, imbalance: float, *, far: float = 0.0) -> None:
    """A book around 100 whose bids are (1 + imbalance) and asks (1 - imbalance); `far` rests far away."""
    bids, asks = ((99.95, 1 + imbalance), (99.0, 1.0)), ((100.05, 1 - imbalance), (101.0, 1.0 + far))
    room.hear(Depth(symbol=BTC, bids=bids, asks=asks, **room.times()))


def waiting(monkeypatch: pytest.MonkeyPatch, side: Side, *leans: float, event=None, **changes) -> Room:
    """A room with one signal whose bar has just closed on books that leant so, and a fresh quote."""
    room = Room(signals=[event or signal(side)], settings=settings(**changes))
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    for lean in leans:
        book(room, lean)
    room.quote("100")
    return room


@BOTH
def test_it_waits_while_the_book_leans_against_it_and_says_how_long(monkeypatch, side):
    room = waiting(monkeypatch, side, -side * 0.9)
    assert not room.told("Planned")
    room.pass_s(5)
    room.quote("100")
    assert not room.told("Planned")
    for _ in range(3):
        room.pass_s(20)
        book(room, 0.0)
        room.quote("100")
    planned = room.last("Planned")
    told = f"order book, which leant {-side * 0.9:+.2f}, then {-side * 0.45:+.2f}"
    assert planned.why.endswith(f"25 s after the close, having waited for the {told}")
    assert "order book" not in planned.unchecked


@BOTH
def test_after_the_longest_wait_it_enters_however_the_book_leans(monkeypatch, side):
    room = waiting(monkeypatch, side, -side * 0.9)
    for _ in range(11):
        room.pass_s(10)
        book(room, -side * 0.9)
        room.quote("100")
    assert not room.told("Planned")
    room.pass_s(10)
    book(room, -side * 0.9)
    room.quote("100")
    assert "120 s after the close" in room.last("Planned").why


def test_a_book_that_dies_while_it_leant_against_holds_nothing_up(monkeypatch):
    room = waiting(monkeypatch, Side.SHORT, 0.9)
    assert not room.told("Planned")
    room.pass_s(61)
    room.quote("100")
    assert "order book" in room.last("Planned").unchecked


@pytest.mark.parametrize("lean", [-0.9, 0.0, 0.59])
def test_a_book_that_does_not_lean_hard_against_a_short_holds_nothing_up(monkeypatch, lean):
    planned = waiting(monkeypatch, Side.SHORT, lean).last("Planned")
    assert "order book, which leant" not in planned.why


def test_without_a_book_it_enters_and_lists_it_unchecked(monkeypatch):
    assert "order book" in waiting(monkeypatch, Side.SHORT).last("Planned").unchecked


def test_off_it_is_not_asked_and_not_listed(monkeypatch):
    planned = waiting(monkeypatch, Side.SHORT, 0.9, book_wait_s=0.0).last("Planned")
    assert "order book" not in planned.unchecked


def test_a_resting_entry_does_not_wait(monkeypatch):
    event = signal(entry="limit", limit_price=100.5, valid_bars=2)
    room = waiting(monkeypatch, Side.SHORT, 0.9, event=event)
    assert room.last("Planned").entry_price is not None
    assert waiting(monkeypatch, Side.SHORT, 0.9, entry="chase").told("Planned")


@pytest.mark.parametrize(
    ("bids", "asks"), [((), ()), (((100.1, 1.0),), ((100.0, 1.0),)), (((0.0, 1.0),), ((1.0, 1.0),))]
)
def test_an_empty_or_crossed_book_says_nothing(monkeypatch, bids, asks):
    room = Room(signals=[signal()], settings=settings())
    monkeypatch.setattr("bearskin.engine._signals.detect", room.found)
    room.account()
    room.mark("100")
    room.bar()
    room.hear(Depth(symbol=BTC, bids=bids, asks=asks, **room.times()))
    room.hear(Depth(symbol="NOPEUSDT", bids=bids, asks=asks, **room.times()))
    room.quote("100")
    assert "order book" in room.last("Planned").unchecked


def test_what_moved_away_meanwhile_is_declined_with_the_wait(monkeypatch):
    room = waiting(monkeypatch, Side.SHORT, 0.9)
    room.pass_s(121)
    room.quote("98.5")
    declined = room.last("Declined")
    assert declined.reason == "price moved away before the entry"
    assert "121 s after the close" in declined.detail


def test_books_are_not_journalled(monkeypatch):
    room = waiting(monkeypatch, Side.SHORT, 0.9)
    before = len(room.journal)
    book(room, 0.9)
    assert len(room.journal) == before


def test_the_longest_wait_is_three_minutes():
    with pytest.raises(BadInput, match=r"book_wait_s was 181, must be from 0 \(off\) to 180"):
        settings(book_wait_s=181.0)
