"""Funding: the rate a symbol comes to, who pays whom, and where the money comes from when it is short."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.exchange.venue import START_NS, D, Venue, contract

from bearskin.exchange._funding import average_premium, coming_rate, next_settlement_ns, take_premium
from bearskin.exchange._mark import premium_now
from bearskin.exchange._state import Market
from bearskin.exchange._words import AccountUpdated, Deposit, FundingSettled, Income, SetFundingRate
from bearskin.margin import premium_average, quoting
from bearskin.terms import HOUR_NS, SECOND_NS

premiums = st.decimals(min_value="-0.01", max_value="0.01", places=8)


def lone_market(**terms):
    return Market(contract=contract(**terms))


def open_pair(venue, qty="1", price="60000", **short):
    """A long and a short of the same size."""
    venue.index(price)
    venue.join("long", "100000", leverage=10)
    venue.join("short", short.pop("amount", "100000"), leverage=10, **short)
    venue.mark(price)
    venue.trade("long", "short", qty, price)
    return venue


def lone_short(venue):
    """A short of 1 at 60,000 with a margin of 6,000 and nothing else."""
    open_pair(venue, amount="6100", isolated=True)
    venue.do(Deposit, account=venue.people["short"], amount=D(-100))
    assert (venue.margin("short"), venue.wallet("short")) == (D(6000), D(0))
    return venue


# --- the rate --------------------------------------------------------------------------------------------------------


@given(st.lists(premiums, min_size=1, max_size=50))
def test_the_running_average_is_the_weighted_one(samples):
    market = lone_market()
    for sample in samples:
        take_premium(market, sample, 1)
    with quoting():
        assert abs(average_premium(market) - premium_average(tuple(samples))) <= D("1e-30")


@given(premiums, st.integers(1, 20))
def test_a_long_step_counts_its_sample_as_often_as_it_was_due(premium, times):
    one, many = lone_market(), lone_market()
    take_premium(one, D("0.001"), 1)
    take_premium(many, D("0.001"), 1)
    for _ in range(times):
        take_premium(one, premium, 1)
    take_premium(many, premium, times)
    assert (one.premium_sum, one.premium_count) == (many.premium_sum, many.premium_count)


@pytest.mark.parametrize(
    ("premium", "interval_h", "rate"),
    [
        ("0", 8, "0.0001"),  # interest alone
        ("0.0006", 8, "0.0001"),  # the premium may lie between -0.04 % and 0.06 % without a change
        ("-0.0004", 8, "0.0001"),
        ("0.0007", 8, "0.0002"),
        ("-0.001", 8, "-0.0005"),
        ("0", 1, "0.0000125"),  # an eighth of it on an hourly contract: 0.00125 %
        ("0.0007", 4, "0.0001"),
        ("0.5", 8, "0.02"),  # the cap
        ("-0.5", 8, "-0.02"),
    ],
)
def test_the_rate_of_a_premium(premium, interval_h, rate):
    """The venue's published rule: premium plus the gap to the interest, within 0.05 %, by the share of 8 hours."""
    market = lone_market()
    market.interval_h = interval_h
    take_premium(market, D(premium), 3)
    assert coming_rate(market) == D(rate)


def test_premium_of_a_book():
    """Impact bid 101 over index 100 is +1 %, impact ask 98 is -2 %; inside the spread it is nothing."""
    with quoting():
        assert premium_now(D(101), D(102), D(100)) == D("0.01")
        assert premium_now(D(97), D(98), D(100)) == D("-0.02")
        assert premium_now(D(99), D(101), D(100)) == 0
        assert premium_now(None, D(98), D(100)) == D("-0.02")
        assert premium_now(None, None, D(100)) == 0


def test_the_premium_is_sampled_every_five_seconds_from_impact_prices():
    """Highest leverage 50 and 200 USDT make an impact notional of 10,000: half of it at 101, half at 100.5."""
    venue = Venue()
    venue.index("100")
    venue.join("maker", "10000000")
    first, second = D(5050), D(5025)  # 50 coins each
    venue.order("maker", 1, "50", "101")
    venue.order("maker", 1, "1000", "100.5")
    venue.tick()
    market = venue.state.markets["BTCUSDT"]
    coins = 50 + (D(10000) - first) / D("100.5")
    expected = ((D(10000) / coins - 100) / 100).quantize(D("1e-8"))
    assert second < D(10000) - first + 100
    assert market.premium_count == 1
    assert market.premium_sum == expected
    for _ in range(10):
        venue.tick()
    assert market.premium_count == 3


# --- the settlement --------------------------------------------------------------------------------------------------


def test_longs_pay_shorts_on_the_notional_at_mark():
    venue = open_pair(Venue())
    venue.mark("61000")
    venue.settle("0.0003")
    assert venue.wallet("long") == D(100000) - D("18.3")
    assert venue.wallet("short") == D(100000) + D("18.3")
    assert [(e.rate, e.mark) for e in venue.of(FundingSettled)] == [(D("0.0003"), D(61000))]
    assert [(e.type, e.amount) for e in venue.of(Income)] == [("FUNDING_FEE", D("-18.3")), ("FUNDING_FEE", D("18.3"))]
    assert [(e.reason, e.positions) for e in venue.of(AccountUpdated)] == [("FUNDING_FEE", ()), ("FUNDING_FEE", ())]
    venue.settle("-0.0003")
    assert venue.wallet("long") == venue.wallet("short") == D(100000)


def test_what_rounding_leaves_is_the_venues():
    """A third of a coin each way: 3 longs of 0.001 against one short of 0.003 at odd prices."""
    venue = Venue()
    venue.index("60000")
    venue.join("short", "100000")
    for name in ("a", "b", "c"):
        venue.join(name, "100000")
    venue.mark("60000")
    for name in ("a", "b", "c"):
        venue.trade(name, "short", "0.001", "60000")
    venue.mark("60000.12345678")
    venue.settle("0.00012345")
    each = (D("0.001") * D("60000.12345678") * D("0.00012345")).quantize(D("1e-8"))
    whole = (D("0.003") * D("60000.12345678") * D("0.00012345")).quantize(D("1e-8"))
    assert venue.wallet("a") == D(100000) - each
    assert venue.wallet("short") == D(100000) + whole
    assert venue.balance("rounding") == 3 * each - whole


def test_funding_settles_at_the_multiples_of_its_interval():
    venue = open_pair(Venue())
    market = venue.state.markets["BTCUSDT"]
    venue.do(SetFundingRate, symbol="BTCUSDT", rate=D("0.0001"))
    due_ns = next_settlement_ns(START_NS, 8)
    assert market.next_funding_ns == due_ns
    venue.now_ns = due_ns - SECOND_NS
    venue.tick(0)
    assert not venue.of(FundingSettled)
    venue.tick()
    assert len(venue.of(FundingSettled)) == 1
    assert market.next_funding_ns == due_ns + 8 * HOUR_NS
    venue.tick(24 * 3600)
    assert len(venue.of(FundingSettled)) == 3
    assert venue.wallet("long") == D(100000) - 4 * 6


def test_a_new_interval_holds_at_once():
    venue = open_pair(Venue())
    venue.do(SetFundingRate, symbol="BTCUSDT", rate=D("0.0001"), interval_h=1)
    venue.tick(3600)
    assert len(venue.of(FundingSettled)) == 1


def test_a_forced_settlement_leaves_the_scheduled_one_alone():
    venue = open_pair(Venue())
    before = venue.state.markets["BTCUSDT"].next_funding_ns
    venue.settle("0.0001")
    assert venue.state.markets["BTCUSDT"].next_funding_ns == before
    assert venue.state.markets["BTCUSDT"].settled_rate == D("0.0001")


def test_a_new_period_begins_without_the_old_premium():
    venue = Venue()
    venue.index("100")
    venue.join("maker", "10000000")
    venue.order("maker", 1, "1000", "101")
    venue.tick()
    market = venue.state.markets["BTCUSDT"]
    assert market.last_rate == D("0.0095")  # 1 % less the 0.05 %
    venue.now_ns = market.next_funding_ns
    venue.tick(0)
    assert market.settled_rate == D("0.0095")
    assert market.premium_count == 0
    venue.tick(1)
    assert market.last_rate == D("0.0095")


def test_an_isolated_position_pays_from_what_is_free_then_from_its_margin():
    """600 owed; 4,000 are free. Then 3,400 of it, then 600 from the margin."""
    venue = open_pair(Venue(), amount="10000", isolated=True)
    assert (venue.margin("short"), venue.wallet("short")) == (D(6000), D(4000))
    venue.settle("-0.01")
    assert (venue.margin("short"), venue.wallet("short")) == (D(6000), D(3400))
    assert [e.positions[0].qty for e in venue.of(AccountUpdated) if e.account == venue.people["short"]] == [D(-1)]
    venue.settle("-0.06")
    assert (venue.margin("short"), venue.wallet("short")) == (D(5800), D(0))
    venue.settle("0.001")
    assert (venue.margin("short"), venue.wallet("short")) == (D(5800), D(60))


def test_an_isolated_position_never_pays_more_than_its_margin():
    """48,000 owed, 6,000 there: the fund has 1,000, the venue carries the rest, the position is liquidated."""
    venue = lone_short(Venue())
    venue.fund("1000")
    venue.settle("-0.8")
    assert venue.wallet("long") == D(148000)
    assert venue.wallet("short") == 0
    assert venue.qty("short") == 0
    assert venue.balance("insurance") == 0
    assert venue.balance("house") == D(-41000)
    told = {}
    for event in venue.of(Income):
        if event.account == venue.people["short"]:
            told[event.type] = told.get(event.type, D(0)) + event.amount
    assert sum(told.values()) == D(-6000)
    assert told["FUNDING_FEE"] == D(-48000)
    assert told["INSURANCE_CLEAR"] == D(42000)


def test_funding_pushes_a_short_over_the_edge():
    """At 600 of maintenance and 900 of equity 300 of funding is too much."""
    venue = lone_short(Venue())
    venue.mark("64900")
    assert venue.qty("short") == -1
    equity, maintenance = D(6000) - D(4900), D(649)
    venue.settle(str(Decimal(-1) * ((equity - maintenance) / D(64900)).quantize(D("0.0001"), "ROUND_UP")))
    assert venue.qty("short") == 0


def test_only_who_is_there_at_the_settlement_pays():
    venue = open_pair(Venue())
    venue.trade("short", "long", "1", "60000")
    venue.settle("0.001")
    assert not venue.of(Income)
    assert len(venue.of(FundingSettled)) == 1
