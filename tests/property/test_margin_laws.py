"""Laws the margin formulas keep, on exact fractions unless rounding is the point."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from golden.figures import brackets
from hypothesis import given, settings
from hypothesis import strategies as st

import bearskin.margin as m
from bearskin.terms import HOUR_NS


def law(*strategies):
    """A property over examples that are the same in every run, however slow the machine."""
    return lambda test: settings(max_examples=100, deadline=None, derandomize=True)(given(*strategies)(test))


REAL = [m.tiers_of(brackets(snapshot), Fraction) for snapshot in ("2024-10", "2026.9")]


def thousandths(low, high):
    return st.integers(low, high).map(lambda n: Fraction(n, 1000))


@st.composite
def tables(draw):
    """Brackets with rising floors and rates, their amounts by the recursion; or the real ones."""
    if draw(st.booleans()):
        return draw(st.sampled_from(REAL))
    n = draw(st.integers(1, 5))
    floors = [Fraction(0), *sorted(draw(st.lists(thousandths(1, 10**8), min_size=n - 1, max_size=n - 1, unique=True)))]
    mmrs = sorted(draw(st.lists(thousandths(1, 600), min_size=n, max_size=n)))
    caps = [*floors[1:], floors[-1] * 2 + 1]
    return m.Tiers(tuple(floors), tuple(mmrs), m.recompute_cum(floors, mmrs), tuple(caps))


qtys = st.integers(-(10**6), 10**6).filter(bool).map(lambda n: Fraction(n, 1000))
prices = thousandths(1, 10**8)
wallets = thousandths(0, 10**10)
rates = st.integers(-2000, 2000).map(lambda n: Fraction(n, 10**5))
moves = st.integers(-99, 300).map(lambda n: Fraction(n, 100))


@st.composite
def legs(draw):
    return m.Leg(draw(tables()), q := draw(qtys), q * draw(prices), draw(prices))


@law(tables(), qtys, prices, wallets)
def test_equity_equals_maintenance_at_the_liquidation_price(tiers, qty, entry, wallet):
    cost = qty * entry
    price = m.liquidation_price(tiers, qty, cost, wallet)
    if price == 0:
        states = {m.is_liquidated(tiers, qty, cost, mark, wallet) for mark in (entry / 1000, entry, entry * 1000)}
        assert len(states) == 1  # no price changes anything
        return
    assert m.equity(qty, cost, price, wallet) == m.maintenance(tiers, m.notional(qty, price))
    assert m.is_liquidated(tiers, qty, cost, price, wallet)
    step = price / 10**9 if qty < 0 else -price / 10**9
    assert m.is_liquidated(tiers, qty, cost, price + step, wallet)
    assert not m.is_liquidated(tiers, qty, cost, price - step, wallet)


@law(tables(), qtys, prices, wallets, thousandths(0, 10**9))
def test_more_margin_never_liquidates_sooner(tiers, qty, entry, wallet, more):
    before = m.liquidation_price(tiers, qty, qty * entry, wallet)
    after = m.liquidation_price(tiers, qty, qty * entry, wallet + more)
    assert after >= before if qty < 0 else after <= before


@law(tables(), qtys, prices, wallets)
def test_liquidation_comes_before_bankruptcy(tiers, qty, entry, wallet):
    liquidation = m.liquidation_price(tiers, qty, qty * entry, wallet)
    bankruptcy = m.bankruptcy_price(qty, qty * entry, wallet)
    assert liquidation < bankruptcy if qty < 0 else liquidation >= bankruptcy


@law(tables())
def test_maintenance_is_continuous_over_every_edge(tiers):
    """A notional a hair above an edge asks for a hair more, never for a jump."""
    for i in range(1, len(tiers.floor)):
        edge = tiers.floor[i]
        assert edge * tiers.mmr[i - 1] - tiers.cum[i - 1] == edge * tiers.mmr[i] - tiers.cum[i]
        assert m.maintenance(tiers, edge) == edge * tiers.mmr[i] - tiers.cum[i]
        hair = Fraction(1, 10**12)
        assert m.maintenance(tiers, edge + hair) - m.maintenance(tiers, edge) == hair * tiers.mmr[i]
        assert (m.bracket_at(tiers, edge), m.bracket_at(tiers, edge + hair)) == (i - 1, i)


def test_published_amounts_follow_from_their_rates():
    for tiers in REAL:
        assert m.recompute_cum(tiers.floor, tiers.mmr) == tiers.cum


@law(qtys, prices, prices, rates)
def test_a_short_and_its_mirrored_long_sum_to_zero(qty, entry, mark, rate):
    assert m.profit(qty, qty * entry, mark) + m.profit(-qty, -qty * entry, mark) == 0
    assert m.funding_received(qty, mark, rate) + m.funding_received(-qty, mark, rate) == 0
    coins = m.inverse_cost(qty, entry)
    assert m.inverse_profit(qty, coins, mark) + m.inverse_profit(-qty, -coins, mark) == 0


@law(qtys, prices, rates, st.sampled_from([1, 4, 8]))
def test_a_positive_rate_pays_the_short(qty, mark, rate, interval_h):
    received = m.funding_received(qty, mark, rate)
    assert (received > 0) == (qty * rate < 0)
    assert (m.inverse_funding_received(qty, mark, rate) > 0) == (qty * rate < 0)
    assert m.carry_per_day(qty, mark, rate, interval_h) == received * 24 / interval_h


@law(tables(), qtys, prices, moves)
def test_survival_takes_strictly_more_than_the_wallet_named(tiers, qty, entry, move):
    cost, mark = qty * entry, entry * (1 + move)
    wallet = m.survival_wallet(tiers, qty, cost, move)
    assert wallet == m.wallet_needed(tiers, qty, cost, mark)
    assert m.is_liquidated(tiers, qty, cost, mark, wallet)
    assert not m.is_liquidated(tiers, qty, cost, mark, wallet + Fraction(1, 10**9))


@law(legs(), wallets)
def test_cross_with_one_position_is_isolated(leg, wallet):
    price = m.liquidation_price(leg.tiers, leg.qty, leg.cost, wallet)
    assert m.cross_liquidation_prices([leg], wallet) == ((price,) if price else ())


def lives_between(roots, alive):
    """The account lives strictly between two roots, or on one side of one, and nowhere else."""
    assert list(roots) == sorted(set(roots))
    assert len(roots) <= 2
    probes = [root * factor for root in roots for factor in (Fraction(999999, 10**6), Fraction(1000001, 10**6))]
    if len(roots) == 2:
        middle = (roots[0] + roots[1]) / 2
        assert alive(middle)
        assert not alive(roots[0] / 2)
        assert not alive(roots[1] * 2)
    elif len(roots) == 1:
        assert alive(probes[0]) != alive(probes[1])
    else:
        assert alive(Fraction(1, 10**9)) == alive(Fraction(10**9))


@law(st.lists(legs(), min_size=1, max_size=3), st.lists(legs(), max_size=2), wallets)
def test_cross_prices_satisfy_the_account_equation(moving, frozen, wallet):
    def at(price):
        return [leg._replace(mark=price) for leg in moving] + frozen

    roots = m.cross_liquidation_prices(moving, wallet, frozen)
    for root in roots:
        assert m.account_equity(at(root), wallet) == m.account_maintenance(at(root))
    lives_between(roots, lambda price: not m.is_account_liquidated(at(price), wallet))


@law(st.lists(legs(), min_size=1, max_size=4), wallets)
def test_joint_moves_satisfy_the_account_equation(held, wallet):
    def at(factor):
        return [leg._replace(mark=leg.mark * factor) for leg in held]

    found = m.joint_liquidation_moves(held, wallet)
    for move in found:
        assert m.account_equity(at(1 + move), wallet) == m.account_maintenance(at(1 + move))
        # the wallet used up by that very move is the wallet there is
        assert m.account_survival_wallet(held, move) == wallet
    lives_between([1 + move for move in found], lambda factor: not m.is_account_liquidated(at(factor), wallet))


@law(tables(), qtys, prices, wallets)
def test_inverse_equity_equals_maintenance_at_the_liquidation_price(tiers, face, entry, wallet):
    coins = m.inverse_cost(face, entry)
    price = m.inverse_liquidation_price(tiers, face, coins, wallet)
    leg = m.InverseLeg(tiers, face, coins, entry)
    assert m.inverse_cross_liquidation_prices([leg], wallet) == ((price,) if price else ())
    if price:
        assert wallet + m.inverse_profit(face, coins, price) == m.inverse_maintenance(tiers, face, price)
        assert m.inverse_wallet_needed(tiers, face, coins, price) == wallet
        worse = Fraction(10**9 + 1, 10**9) if face < 0 else Fraction(10**9 - 1, 10**9)
        assert m.inverse_is_liquidated(tiers, face, coins, price * worse, wallet)
        assert not m.inverse_is_liquidated(tiers, face, coins, price / worse, wallet)


@law(tables(), qtys, prices, prices, wallets)
def test_inverse_decision_without_division_is_the_one_with_it(tiers, face, entry, mark, wallet):
    coins = m.inverse_cost(face, entry)
    balance = wallet + m.inverse_profit(face, coins, mark)
    assert m.inverse_is_liquidated(tiers, face, coins, mark, wallet) == (
        balance <= m.inverse_maintenance(tiers, face, mark)
    )


@law(st.lists(st.tuples(thousandths(1, 10**6), prices), min_size=1, max_size=5), prices)
def test_harmonic_entry_keeps_the_profit_of_its_fills(fills, mark):
    face = sum(f for f, _ in fills)
    coins = sum(m.inverse_cost(f, p) for f, p in fills)
    entry = m.inverse_harmonic_entry(face, coins)
    apart = sum(m.inverse_profit(f, m.inverse_cost(f, p), mark) for f, p in fills)
    assert m.inverse_profit(face, m.inverse_cost(face, entry), mark) == apart


def exact(value):
    return Decimal(value.numerator) / Decimal(value.denominator)


@law(st.sampled_from(REAL), qtys, prices, wallets, st.sampled_from([-1, 0, 1]))
def test_decimal_decides_as_the_fractions_do(tiers, qty, mark, wallet, hair):
    """Also with equity exactly at maintenance, where float64 is wrong every other time."""
    cost = qty * mark + wallet - m.maintenance(tiers, m.notional(qty, mark)) + Fraction(hair, 10**9)
    columns = m.Tiers(*(tuple(exact(cell) for cell in column) for column in tiers))
    with m.quoting():
        numbers = [exact(value) for value in (qty, cost, mark, wallet)]
    with m.deciding():
        assert m.is_liquidated(columns, *numbers) == m.is_liquidated(tiers, qty, cost, mark, wallet) == (hair >= 0)


@law(qtys, prices, rates, rates)
def test_all_in_break_even_leaves_nothing(qty, entry, entry_fee, exit_fee):
    cost = qty * entry
    price = m.break_even_price_all_in(qty, cost, entry_fee, exit_fee)
    assert m.net_profit(qty, cost, price, entry_fee, exit_fee, Fraction(0)) == 0
    assert m.break_even_price(qty, cost, entry_fee) == m.break_even_price_all_in(qty, cost, entry_fee, Fraction(0))


@law(qtys, prices, prices, st.integers(1, 99))
def test_closing_in_parts_realises_the_whole(qty, entry, price, percent):
    part = -qty * Fraction(percent, 100)
    first = m.realized_profit(qty, qty * entry, part, price)
    left = qty + part
    assert first + m.realized_profit(left, left * entry, -left, price) == m.profit(qty, qty * entry, price)
    assert m.realized_profit(qty, qty * entry, qty, price) == 0
    assert m.realized_profit(qty, qty * entry, -3 * qty, price) == m.profit(qty, qty * entry, price)


@law(prices, prices, prices)
def test_mark_is_the_median(one, two, contract):
    assert m.mark_price(one, two, contract) == sorted([one, two, contract])[1]


@law(st.lists(rates, min_size=1, max_size=20))
def test_premium_average_weighs_by_age(premiums):
    weights = range(1, len(premiums) + 1)
    wanted = sum(w * p for w, p in zip(weights, premiums, strict=True)) / Fraction(sum(weights))
    assert m.premium_average(premiums) == wanted


@law(rates, rates, st.sampled_from([1, 2, 4, 8]))
def test_funding_rate_stays_within_reach_of_the_premium(premium, interest, interval_h):
    per_8h = m.funding_rate(premium, interest, interval_h) * 8 / interval_h
    assert abs(per_8h - premium) <= Fraction(5, 10**4)
    if abs(interest - premium) <= Fraction(5, 10**4):
        assert per_8h == interest


@law(st.integers(0, 10**6), st.integers(0, 10**4))
def test_interest_counts_the_advance_and_every_full_hour(borrow_min, held_min):
    """Counted one by one: the hours struck after the advance, up to and including the repayment."""
    minute_ns = HOUR_NS // 60
    hours = m.interest_hours(borrow_min * minute_ns, (borrow_min + held_min) * minute_ns)
    struck = sum(1 for minute in range(borrow_min + 1, borrow_min + held_min + 1) if minute % 60 == 0)
    assert hours == 1 + struck


@law(prices, thousandths(1, 10**6), prices, st.sampled_from([Fraction(11, 10), Fraction(105, 100)]))
def test_margin_level_at_the_loan_liquidation_price(collateral, owed, entry, level):
    """A spot-margin short: proceeds and collateral in quote against a debt in coin."""
    zero = Fraction(0)
    assets = collateral + owed * entry
    price = m.loan_liquidation_price(assets, zero, zero, owed, level)
    assert m.margin_level(assets, owed * price, zero) == level
    assert m.margin_level(assets, owed * price * 2, zero) < level


@law(thousandths(1, 10**6), st.integers(0, 100).map(lambda n: Fraction(n, 10**4)))
def test_buying_back_leaves_what_is_owed(owed, fee_rate):
    bought = m.buy_back_qty(owed, fee_rate)
    assert bought - m.fee(bought, fee_rate) == owed


@law(st.lists(thousandths(0, 10**5), min_size=1, max_size=12))
def test_deleveraging_runs_from_the_highest_score(scores):
    order = m.adl_order(scores)
    assert sorted(order) == list(range(len(scores)))
    assert all(scores[a] >= scores[b] for a, b in pairwise(order))
    lights = [m.adl_quantile(place, len(scores)) for place in range(len(scores))]
    assert lights == sorted(lights, reverse=True)
    assert set(lights) <= set(range(5))
