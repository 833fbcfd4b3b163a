"""Books that always balance, and positions that lose nothing to rounding."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearskin.ledger import CENT_8, Holding, Ledger, Unbalanced, digest, filled
from bearskin.margin import deciding

ZERO = Decimal(0)


def test_a_posting_that_does_not_balance_changes_nothing():
    book = Ledger(asset="USDT")
    book.post(("user/1", Decimal(10)), ("outside", Decimal(-10)))
    with pytest.raises(Unbalanced, match="user/1"):
        book.post(("user/1", Decimal(1)), ("fees", Decimal("-0.99")))
    assert book.balances == {"user/1": Decimal(10), "outside": Decimal(-10)}


def test_money_moves_from_one_account_to_another():
    book = Ledger(asset="USDT")
    book.move("outside", "user/1", Decimal(5))
    book.move("user/1", "user/1/BTCUSDT/BOTH", Decimal(2))
    assert book.sums() == {"outside": Decimal(-5), "user": Decimal(5)}
    assert book.balance("user/1") == 3
    assert book.total() == 0


def test_an_account_is_closed_only_when_empty():
    book = Ledger(asset="USDT")
    book.move("outside", "user/1", Decimal(5))
    with pytest.raises(Unbalanced, match="still holds 5"):
        book.close("user/1")
    book.move("user/1", "outside", Decimal(5))
    book.close("user/1")
    assert "user/1" not in book.balances


@pytest.mark.parametrize(
    ("held", "qty", "price", "after", "realised"),
    [
        # a short of two coins at 100 and 110 is bought back by half at 90: entry 105, 15 gained
        (("-2", "-210"), "1", "90", ("-1", "-105"), "15"),
        # all of it
        (("-2", "-210"), "2", "90", ("0", "0"), "30"),
        # and turned over: one coin long at 90
        (("-2", "-210"), "3", "90", ("1", "90"), "30"),
        # a short that grows realises nothing
        (("-2", "-210"), "-1", "90", ("-3", "-300"), "0"),
        # published example: long 0.001 at 50,000, sold 0.002 at 50,075
        (("0.001", "50"), "-0.002", "50075", ("-0.001", "-50.075"), "0.075"),
    ],
)
def test_a_fill(held, qty, price, after, realised):
    with deciding():
        assert filled(Holding(*map(Decimal, held)), Decimal(qty), Decimal(price)) == (
            Holding(*map(Decimal, after)),
            Decimal(realised),
        )


def test_a_share_that_does_not_come_out_even_is_kept_whole():
    with deciding():
        after, realised = filled(Holding(Decimal(3), Decimal(100)), Decimal(-1), Decimal(40))
        assert after == Holding(Decimal(2), Decimal("66.66666667"))
        assert realised == Decimal("6.66666667")
        assert after.cost - 100 - realised == Decimal(-40)


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**6), 10**6).filter(bool).map(lambda n: Decimal(n).scaleb(-3)),
            st.integers(1, 10**8).map(lambda n: Decimal(n).scaleb(-2)),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_cost_less_profit_is_always_the_value_traded(fills):
    held, gained, value = Holding(ZERO, ZERO), ZERO, ZERO
    with deciding():
        for qty, price in fills:
            held, realised = filled(held, qty, price)
            gained += realised
            value += qty * price
            assert held.cost - gained == value
            assert bool(held.qty) or not held.cost
            assert held.cost == held.cost.quantize(CENT_8)


def test_the_digest_tells_parts_apart():
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"])
    assert digest([b"ab"]) == digest(iter([b"ab"]))
