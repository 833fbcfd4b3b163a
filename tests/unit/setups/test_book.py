"""What an order book says of the next minutes."""

from __future__ import annotations

import pytest

from bearskin.setups import BookRules, book_imbalance, book_says_wait, microprice, order_flow_imbalance
from bearskin.terms import MINUTE_NS, SECOND_NS, BadInput, Side

BIDS = [(99.95, 3.0), (99.91, 5.0), (99.0, 100.0)]
ASKS = [(100.05, 1.0), (100.09, 1.0), (101.0, 50.0)]


def test_the_imbalance_is_of_what_rests_near_the_mid():
    """Within 10 basis points of 100: 8 bid and 2 offered; within 1%: 108 against 52."""
    assert book_imbalance(BIDS, ASKS) == pytest.approx(0.6)
    assert book_imbalance(BIDS, ASKS, 0.01) == pytest.approx((108 - 52) / 160)
    assert book_imbalance(BIDS, ASKS, 0.0001) == 0.0  # the spread is wider than that
    mirrored = [(1e4 / p, q) for p, q in ASKS], [(1e4 / p, q) for p, q in BIDS]
    assert book_imbalance(*mirrored) == pytest.approx(-0.6, abs=1e-3)


def test_the_microprice_leans_to_the_thinner_side():
    """Three bid against one offered: three quarters of the way up the spread."""
    assert microprice(BIDS, ASKS) == pytest.approx(99.95 + 0.1 * 3 / 4)
    assert microprice([(99.0, 0.0)], [(101.0, 0.0)]) == 100.0


def test_order_flow_by_hand():
    """The bid improves with 2 (+2); then falls away (-2); the ask is eaten from 5 to 3 (+2); then falls by 4 (-4)."""
    quotes = [
        ((99.0, 1.0), (101.0, 5.0)),
        ((99.5, 2.0), (101.0, 5.0)),
        ((99.0, 1.0), (101.0, 5.0)),
        ((99.0, 1.0), (101.0, 3.0)),
        ((99.0, 1.0), (100.5, 4.0)),
    ]
    assert order_flow_imbalance(quotes[:2]) == 2.0
    assert order_flow_imbalance(quotes[:3]) == 0.0
    assert order_flow_imbalance(quotes[:4]) == 2.0
    assert order_flow_imbalance(quotes) == -2.0
    assert order_flow_imbalance(quotes[:1]) == 0.0


@pytest.mark.parametrize(
    ("side", "value", "waits"),
    [(Side.SHORT, 0.61, True), (Side.SHORT, 0.6, False), (Side.SHORT, -0.9, False), (Side.LONG, -0.61, True)],
)
def test_an_entry_waits_while_the_book_leans_against_it(side, value, waits):
    samples = [(k * SECOND_NS, value) for k in range(60)]
    assert book_says_wait(side, samples, 0, 59 * SECOND_NS) is waits


def test_it_waits_for_three_minutes_at_most():
    now = 10 * MINUTE_NS
    samples = [(now - SECOND_NS, 0.9)]
    assert book_says_wait(Side.SHORT, samples, now - 3 * MINUTE_NS + 1, now)
    assert not book_says_wait(Side.SHORT, samples, now - 3 * MINUTE_NS, now)


def test_only_the_last_minute_counts_and_nothing_of_later():
    now = 5 * MINUTE_NS
    assert not book_says_wait(Side.SHORT, [], now, now)
    assert not book_says_wait(Side.SHORT, [(now - MINUTE_NS, 0.9)], now, now)
    assert not book_says_wait(Side.SHORT, [(now + 1, 0.9)], now, now)
    assert not book_says_wait(Side.SHORT, [(now - 1, 0.9), (now, 0.2)], now, now)  # the mean is 0.55
    assert book_says_wait(Side.SHORT, [(now - 1, 0.9), (now, 0.2)], now, now, BookRules(against=0.5))


def test_bad_books():
    with pytest.raises(BadInput, match="at least one bid"):
        book_imbalance([], ASKS)
    with pytest.raises(BadInput, match=r"below the best ask, were 100\.05 and 99\.95"):
        microprice(ASKS, BIDS)
    with pytest.raises(BadInput, match="between -1 and 1"):
        book_says_wait(Side.SHORT, [(1, 2.0)], 1, 1)
