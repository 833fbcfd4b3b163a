"""Whatever order the words of a venue come in, and however often: the book is the same in the end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearskin.engine import Book, Issued, Planned
from bearskin.terms import Answered, Filled, OrderChanged, OrderNow, Place, PlaceStop, Side

D = Decimal
BTC = "BTCUSDT"
ENTRY, STOP = "bsdemo000001e0000", "bsdemo000001s0000"


def book() -> Book:
    """A short of 3 planned, its entry and its stop issued."""
    fresh = Book(tag="demo")
    when = {"time_ns": 1, "wall_ns": 1}
    fresh.noted(
        Planned(
            trade=1, symbol=BTC, side=Side.SHORT, leg="BOTH", purpose="speculation", origin="hand", qty=D(-3),
            entry_ref=D(100), stop=D(105), **when,
        )
    )  # fmt: skip
    entry = Place(symbol=BTC, client_id=ENTRY, role="entry", qty=D(-3), price=D(100))
    stop = PlaceStop(symbol=BTC, client_id=STOP, role="stop", qty=D(3), trigger=D(105))
    fresh.noted(Issued(trade=1, command=entry, why="", **when))
    fresh.noted(Issued(trade=1, command=stop, why="", **when))
    return fresh


def order(name: str, status: str, filled: str, **what: object) -> OrderNow:
    conditional = name == STOP
    return OrderNow(
        symbol=BTC, client_id=name, venue_id=f"v{name}", status=status, qty=D(3) if conditional else D(-3),
        filled=D(filled), conditional=conditional, **what,
    )  # fmt: skip


def changed(name: str, status: str, filled: str, **what: object) -> OrderChanged:
    return OrderChanged(order=order(name, status, filled, **what), time_ns=5, wall_ns=5)


def filled(name: str, trade: str, qty: str, price: str, venue_id: str = "") -> Filled:
    return Filled(
        symbol=BTC, client_id=name, venue_id=venue_id or f"v{name}", trade_id=trade, qty=D(qty), price=D(price),
        fee=D("0.1"), time_ns=5, wall_ns=5,
    )  # fmt: skip


def answered(name: str, outcome: str, now: OrderNow | None = None) -> Answered:
    what = "PlaceStop" if name == STOP else "Place"
    return Answered(symbol=BTC, client_id=name, what=what, outcome=outcome, order=now, time_ns=5, wall_ns=5)


# an entry filled in three parts, a stop that went off, became an order of another name, and filled in two
WORDS = (
    answered(ENTRY, "unknown"),
    answered(ENTRY, "accepted", order(ENTRY, "open", "-1")),
    changed(ENTRY, "open", "0"),
    changed(ENTRY, "open", "-1"),
    changed(ENTRY, "open", "-2"),
    changed(ENTRY, "filled", "-3", average=D(101)),
    filled(ENTRY, "t1", "-1", "100"),
    filled(ENTRY, "t2", "-1", "101"),
    filled(ENTRY, "t3", "-1", "102"),
    answered(STOP, "accepted"),
    changed(STOP, "open", "0"),
    changed(STOP, "triggered", "0", child_id="child"),
    changed(STOP, "filled", "3", child_id="child", average=D(106)),
    filled(STOP, "t4", "1", "105", "child"),
    filled("", "t5", "2", "106.5", "child"),
)


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(len(WORDS))), st.lists(st.integers(0, len(WORDS) - 1), max_size=15))
def test_order_and_repeats_of_words_do_not_matter(first, again):
    told = book()
    for nth in [*first, *again]:
        told.told(WORDS[nth])
    trade = told.trades[1]
    assert (trade.qty, trade.open_qty, trade.settled) == (0, 0, True)
    assert (trade.entered_qty, trade.exited_qty, trade.fees) == (D(-3), D(3), D("0.5"))
    # 303 came in, 318 went out, whichever came first in the telling
    assert (trade.entered_value, trade.exited_value, trade.realised) == (D(-303), D(318), D(-15))
    assert {order.status for order in trade.orders.values()} == {"filled"}


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(len(WORDS))), st.integers(0, len(WORDS)))
def test_snapshot_in_the_middle_changes_nothing(first, cut):
    straight, broken = book(), book()
    for nth in first[:cut]:
        straight.told(WORDS[nth])
        broken.told(WORDS[nth])
    broken = Book.restored(broken.snapshot())
    for nth in first[cut:]:
        straight.told(WORDS[nth])
        broken.told(WORDS[nth])
    assert straight.state_hash() == broken.state_hash()


@pytest.mark.parametrize("nth", range(len(WORDS)))
def test_open_quantity_believes_the_first_word(nth):
    """What is open is never less than what any word has said was filled."""
    told = book()
    told.told(WORDS[nth])
    trade = told.trades[1]
    word = WORDS[nth]
    said = getattr(word, "order", None).filled if getattr(word, "order", None) else getattr(word, "qty", D(0))
    if word is not WORDS[-1]:
        assert trade.open_qty == said
