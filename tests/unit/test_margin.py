"""Single cases of the margin room: tables that are refused, corners of prices, loans, delivery, deleveraging."""

from __future__ import annotations

import decimal
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from golden.figures import brackets

import bearskin.margin as m
from bearskin.terms import HOUR_NS, BadInput, UnknownBrackets, parse_time

D = Decimal
TABLE = brackets("2024-10")
TIERS = m.tiers_of(TABLE, Decimal)


def changed(row, **values):
    rows = list(TABLE.rows)
    rows[row] = replace(rows[row], **values)
    return replace(TABLE, rows=tuple(rows))


def test_columns_come_in_the_number_asked_for():
    assert TIERS.floor[:3] == (D(0), D(50000), D(600000))
    assert m.tiers_of(TABLE, Fraction).mmr[2] == Fraction(65, 10000)
    columns = m.tiers_of(TABLE, float)
    assert all(isinstance(column, np.ndarray) and column.dtype == np.float64 for column in columns)


def test_no_brackets_is_refused():
    with pytest.raises(UnknownBrackets, match="no maintenance brackets for BTCUSDT on binance"):
        m.tiers_of(replace(TABLE, rows=()), float)


@pytest.mark.parametrize(
    ("row", "values", "said"),
    [
        (0, {"floor": D(10)}, "starts at 10, it should start at 0"),
        (1, {"floor": D(60000)}, "ends at 50000 and the next starts at 60000"),
        (1, {"mmr": D("0.003")}, "was 0.003, below the rate of the bracket before it"),
        (2, {"mmr": D("1.5")}, "was 1.5, it should lie between 0 and 1"),
        (0, {"mmr": D(0)}, "was 0, it should lie between 0 and 1"),
        (1, {"cum": D(51)}, "from 50000 was 51, its rates give 50"),
        (2, {"cap": D(600000)}, "ends at 600000, it should end above its floor"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(row, values, said):
    with pytest.raises(BadInput, match=said):
        m.tiers_of(changed(row, **values), Decimal)


def test_a_closing_fee_raises_every_rate():
    assert m.with_closing_fee(TIERS, D("0.0005")).mmr[:2] == (D("0.0045"), D("0.0055"))
    assert m.with_closing_fee(m.tiers_of(TABLE, float), 0.0005).mmr[0] == pytest.approx(0.0045)
    assert m.liquidation_price(m.with_closing_fee(TIERS, D("0.0005")), D(-5), D(-300000), D(30000)) < D("65681.59")


def test_a_notional_at_the_cap_still_belongs_to_its_bracket():
    assert m.bracket_at(TIERS, D(50000)) == 0
    assert m.bracket_at(TIERS, D("50000.01")) == 1
    assert m.bracket_at(TIERS, D(10) ** 12) == len(TIERS.floor) - 1


def test_the_bracket_is_the_one_at_the_liquidation_price():
    """A short of 49,500 opens in the first bracket and dies in the second."""
    qty, entry, wallet = Fraction(-99, 100), Fraction(50000), Fraction(4950)
    tiers = m.tiers_of(TABLE, Fraction)
    assert m.bracket_at(tiers, m.notional(qty, entry)) == 0
    price = m.liquidation_price(tiers, qty, qty * entry, wallet)
    assert m.bracket_at(tiers, m.notional(qty, price)) == 1
    assert price == (wallet + 50 + 49500) / (Fraction(99, 100) * Fraction(1005, 1000))


@pytest.mark.parametrize("number", [float, Decimal, Fraction])
def test_no_price_is_zero(number):
    """Flat; a long that is all its own money; a short under water at every price."""
    tiers = m.tiers_of(TABLE, number)
    n = number
    assert m.liquidation_price(tiers, n(0), n(0), n(100)) == 0
    assert not m.is_liquidated(tiers, n(0), n(0), n(60000), n(0))
    assert m.liquidation_price(tiers, n(1), n(60000), n(60000)) == 0
    assert m.bankruptcy_price(n(1), n(60000), n(60000)) == m.bankruptcy_price(n(0), n(0), n(1)) == 0
    assert m.liquidation_price(tiers, n(-1), n(-60000), n(-70000)) == 0
    assert m.is_liquidated(tiers, n(-1), n(-60000), n(1), n(-70000))
    assert isinstance(m.liquidation_price(tiers, n(0), n(0), n(100)), number)


def test_equity_at_maintenance_is_liquidation():
    assert m.is_liquidated(TIERS, D(-5), D(-300000), D(66000), D(31600))
    assert not m.is_liquidated(TIERS, D(-5), D(-300000), D(66000), D("31600.01"))


def test_decisions_refuse_to_round_and_prices_may():
    with m.deciding():
        assert not m.is_liquidated(TIERS, D("-399.999"), D("-39999860"), D("103333.3"), D("12345678.12345678"))
        with pytest.raises(decimal.Inexact):
            m.liquidation_price(TIERS, D(-5), D(-300000), D(30000))
    with m.quoting():
        assert len(m.liquidation_price(TIERS, D(-5), D(-300000), D(30000)).as_tuple().digits) == 34


def test_roe_is_the_venues_and_return_on_margin_is_ours():
    """Ten times short from 60,000, now 54,000: the margin is doubled; the venue divides by the margin of today."""
    qty, cost = D(-1), D(-60000)
    assert m.return_on_margin(m.profit(qty, cost, D(54000)), m.initial_margin(D(60000), D(10))) == 1
    with m.quoting():
        assert m.roe(qty, cost, D(54000), D(10)) == D(60000) / D(54000)
    assert m.roe(qty, cost, D(66000), D(10)) < 0


def test_a_ratio_without_equity_has_no_value():
    assert m.margin_ratio(D(50), D(100)) == D("0.5")
    for balance in (D(0), D(-1)):
        with pytest.raises(BadInput, match="equity above zero"):
            m.margin_ratio(D(50), balance)


def test_other_positions_of_a_cross_account_count_with_their_sign():
    """A second short that gains lifts the price at which the first one dies; one that loses lowers it."""
    moving = [m.Leg(TIERS, D(-5), D(-300000), D(60000))]
    alone = m.cross_liquidation_prices(moving, D(30000))[0]
    for mark, better in ((D(1900), True), (D(2100), False)):
        frozen = [m.Leg(TIERS, D(-50), D(-100000), mark)]
        assert (m.cross_liquidation_prices(moving, D(30000), frozen)[0] > alone) == better


def test_joint_move_kills_before_the_frozen_figure_does():
    """Two shorts: each alone has room, a rally in both has half of it."""
    tiers = m.tiers_of(TABLE, Fraction)
    legs = [m.Leg(tiers, Fraction(q), Fraction(q) * p, Fraction(p)) for q, p in ((-5, 60000), (-100, 3000))]
    (joint,) = m.joint_liquidation_moves(legs, Fraction(60000))
    (frozen,) = m.cross_liquidation_prices(legs[:1], Fraction(60000), legs[1:])
    assert 0 < joint < Fraction(1, 10) < frozen / 60000 - 1
    assert m.account_survival_wallet(legs, joint) == 60000


def test_an_empty_account_is_not_liquidated():
    assert not m.is_account_liquidated([], D(0))
    assert not m.is_account_liquidated([m.Leg(TIERS, D(0), D(0), D(60000))], D(0))
    assert m.cross_liquidation_prices([], D(100)) == ()
    assert m.account_equity([], D(7)) == 7


def test_a_hedge_of_equal_legs_dies_only_by_its_maintenance():
    """Both legs the same size: the price hurts only through what it asks of maintenance."""
    tiers = m.tiers_of(TABLE, Fraction)
    legs = [m.Leg(tiers, Fraction(q), Fraction(q) * 60000, Fraction(60000)) for q in (1, -1)]
    (price,) = m.cross_liquidation_prices(legs, Fraction(1000))
    assert price > 100000
    assert 2 * m.maintenance(tiers, price) == 1000


def test_inverse_cross_of_two_legs_has_two_prices():
    """Long and short of unequal face in one coin wallet: brackets bend the equation, a fall and a rise both kill."""
    one = m.Tiers((Fraction(0), Fraction(10)), (Fraction(1, 100), Fraction(1, 2)), (Fraction(0), Fraction(49, 10)), ())
    long = m.InverseLeg(one, Fraction(900000), Fraction(900000, 60000), Fraction(60000))
    short = m.InverseLeg(one, Fraction(-1000000), Fraction(-1000000, 60000), Fraction(60000))
    wallet = Fraction(15, 10)
    prices = m.inverse_cross_liquidation_prices([long, short], wallet)
    for price in prices:
        balance = wallet + sum(m.inverse_profit(leg.face, leg.coins, price) for leg in (long, short))
        assert balance == sum(m.inverse_maintenance(one, leg.face, price) for leg in (long, short))
    assert list(prices) == sorted(prices)
    assert m.inverse_cross_liquidation_prices([long], wallet, [short])[0] > 0


def test_a_sell_far_below_the_market_reserves_at_the_market():
    args = D(50000), D(60000), D(60100)  # its own price, mark, last
    assert m.assuming_price(D(-1), *args) == D("60190.15")
    assert m.assuming_price(D(-1), D(50000), D(60000), D(59000)) == 60000
    assert m.assuming_price(D(-1), D(61000), D(60000), D(59000)) == 61000
    assert m.assuming_price(D(1), *args) == 50000
    assert m.open_loss(D(-1), *args[:2]) == 10000
    assert m.open_loss(D(1), *args[:2]) == 0
    assert m.order_cost(D(-1), *args, D(10)) == D("6019.015") + 10000


def test_interest_hours_by_the_clock():
    def hours(borrow, repay):
        return m.interest_hours(parse_time(f"2026-03-{borrow}:00Z"), parse_time(f"2026-03-{repay}:00Z"))

    assert hours("01T13:20", "01T14:15") == 2  # the example of the venue's page
    assert hours("01T13:20", "01T13:59") == 1
    assert hours("01T13:20", "01T13:20") == 1
    assert hours("01T00:00", "31T00:00") == 721
    assert m.loan_interest(D(1000), D("0.00001"), 2) == D("0.02")
    with pytest.raises(BadInput, match="before it is taken"):
        m.interest_hours(HOUR_NS, 0)


def test_margin_level_and_what_may_be_borrowed():
    assert m.max_borrow(D(50), D(3)) == 100
    assert m.margin_level(D(150), D(100), D(0)) == D("1.5")
    with pytest.raises(BadInput, match="needs a debt"):
        m.margin_level(D(150), D(0), D(0))


def test_loan_liquidation_price_of_a_short_and_a_long():
    """Collateral 6,000 and 0.1 coin sold at 60,000: the debt may grow until 12,000 is 1.1 of it."""
    zero = D(0)
    assert m.loan_liquidation_price(D(12000), zero, zero, D("0.1"), D("1.1")).quantize(D("0.01")) == D("109090.91")
    assert m.loan_liquidation_price(zero, D("0.2"), D(6000), zero, D("1.1")) == 33000
    assert m.loan_liquidation_price(D(100), zero, zero, zero, D("1.1")) == 0
    assert m.loan_liquidation_price(D(100), D(1), zero, zero, D("1.1")) == 0


def test_delivery_settles_at_the_mean_less_the_taker_fee():
    samples = [D(60000) + D(i % 3 - 1) for i in range(m.DELIVERY_SAMPLES)]
    price = m.delivery_price(samples)
    assert price == 60000
    assert m.delivery_received(D(-2), D(-130000), price, D("0.0005")) == 10000 - 60


def test_deleveraging_takes_the_profitable_and_stretched_first():
    """A loser scores zero, more profit and thinner margin score more."""
    assert m.adl_score(D(-10), D(100), D(5)) == 0
    assert m.adl_score(D(-110), D(100), D(5)) == m.adl_score(D(-100), D(100), D(5)) == 0  # no equity left
    assert m.adl_score(D(50), D(100), D(15)) == D("0.05")
    assert m.adl_score(D(50), D("0.5"), D(5)) == D(50) * 5 / D("50.5")  # the wallet counts as one at least
    assert m.adl_order([D(1), D(3), D(3), D(2)]) == (1, 2, 3, 0)
    assert [m.adl_quantile(place, 10) for place in range(10)] == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
    assert m.adl_quantile(0, 1) == 0


def test_premium_and_funding_rate():
    assert m.premium_index(D(101), D(102), D(100)) == D("0.01")
    assert m.premium_index(D(98), D(99), D(100)) == D("-0.01")
    assert m.premium_index(D(99), D(101), D(100)) == 0
    assert m.funding_rate(D(0), D("0.0001"), 1) == D("0.0000125")  # the usual 0.01 % shared among eight hours
    assert m.funding_rate(D("-0.0020"), D("0.0001"), 8) == D("-0.0015")
    assert m.clamp(m.funding_rate(D("0.05"), D("0.0001"), 8), D("-0.003"), D("0.003")) == D("0.003")


def test_mark_near_settlement_leans_on_the_index():
    assert m.price_one(D(60000), D("0.001"), 0, 8) == 60000
    assert m.price_one(D(60000), D("0.001"), 8, 8) == 60060
    assert m.mark_price(D(60003), D("59987.5"), D(90000)) == 60003
