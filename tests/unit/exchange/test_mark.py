"""Index and mark: what moves them and what cannot."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.exchange.venue import START_NS, D, Venue

from bearskin.exchange._codes import Code
from bearskin.exchange._index import compose
from bearskin.exchange._words import MarkSet, SetFundingRate, SetIndex, SetMark, SettleFunding
from bearskin.terms import HOUR_NS

SETTLED_NS = START_NS // (8 * HOUR_NS) * 8 * HOUR_NS + 8 * HOUR_NS  # the first settlement after the start


def market(venue):
    return venue.state.markets["BTCUSDT"]


def quote(venue, bid, ask, qty="1"):
    """A fresh two-sided book by a maker."""
    if "maker" not in venue.people:
        venue.join("maker", "100000000")
    venue.order("maker", 1, qty, bid)
    venue.order("maker", -1, qty, ask)


# --- index -----------------------------------------------------------------------------------------------------------


def test_the_index_is_the_mean_of_its_sources():
    assert compose([D(100), D(101), D(102)], D("0.03")) == D(101)
    assert compose([D(100), D(101)], D("0.03")) == D("100.5")
    assert compose([D(1), D(1), D("1.01")], D("0.03")) == D("1.00333333")


def test_a_source_far_from_the_median_counts_as_the_bound():
    """Median 100: 200 is cut to 103 and 50 to 97."""
    assert compose([D(100), D(200), D(100)], D("0.03")) == D(101)
    assert compose([D(100), D(50), D(100)], D("0.03")) == D(99)
    assert compose([D(100), D(200), D(100)], D("0.01")) == D("100.33333333")


def test_an_even_number_of_sources_is_cut_around_the_mean_of_the_middle_two():
    """Median of 100, 102, 98, 300 is 101; 300 is cut to 104.03."""
    assert compose([D(300), D(100), D(98), D(102)], D("0.03")) == D("101.0075")


prices = st.decimals(min_value="0.0001", max_value="100000", places=4)


@given(st.lists(prices, min_size=3, max_size=7), st.data())
def test_no_single_source_moves_the_index_beyond_the_others_and_the_cap(sources, data):
    """Whatever one of three or more says, the index stays within the cap of the others' range."""
    which = data.draw(st.integers(0, len(sources) - 1))
    others = [price for i, price in enumerate(sources) if i != which]
    index = compose(sources, D("0.03"))
    assert min(others) * D("0.97") - D("1e-8") <= index <= max(others) * D("1.03") + D("1e-8")


def test_a_source_without_news_for_five_minutes_is_out():
    venue = Venue()
    venue.index("100", sources=("slow",))
    venue.index("101", sources=("quick",))
    assert market(venue).index == D("100.5")
    venue.tick(299)
    venue.index("101", sources=("quick",))
    assert market(venue).index == D("100.5")
    venue.tick(2)
    assert market(venue).index == D(101)


def test_the_first_index_is_the_first_mark():
    venue = Venue()
    venue.index("100")
    assert market(venue).mark == D(100)
    (told,) = venue.of(MarkSet)
    assert (told.mark, told.index, told.next_funding_ns) == (D(100), D(100), SETTLED_NS)


# --- mark ------------------------------------------------------------------------------------------------------------


def test_the_mark_is_the_median_of_the_three_prices():
    """Index 60,000, rate 0.01 % with 7 h 59 min 59 s... to run, mid 60,010, last trade 60,100.

    Price one is 60,000 * (1 + 0.0001 * t / 8 h); with seven hours less a second to run it is 60,005.2498
    (60,000 * 0.0001 * 25,199 / 28,800); price two is 60,010; the last trade lies above both.
    """
    venue = Venue()
    venue.index("60000")
    venue.join("a", "100000")
    venue.join("b", "100000")
    venue.trade("a", "b", "0.01", "60100")
    quote(venue, "60005", "60015")
    venue.do(SetFundingRate, symbol="BTCUSDT", rate=D("0.0001"))
    venue.tick()
    one = D(60000) + (D(60000) * D("0.0001") * 25199 / 28800).quantize(D("1e-8"))
    assert market(venue).mark == D(60010)
    (told,) = venue.of(MarkSet)
    assert told.average == D(60010)
    venue.trade("a", "b", "0.01", "60007")
    venue.tick()
    assert one < market(venue).mark == D(60007) < D(60010)
    venue.do(SetFundingRate, symbol="BTCUSDT", rate=D("0.0005"))
    venue.tick()
    # price one is above price two now, by 25,197 s of the period
    assert market(venue).mark == D(60010)


def test_a_wick_of_the_last_trade_does_not_move_the_mark():
    venue = Venue()
    venue.index("60000")
    venue.join("a", "10000000")
    venue.join("b", "10000000")
    quote(venue, "59999", "60001")
    venue.order("b", -1, "1", "90000")
    venue.tick()
    venue.order("a", 1, "1.5", "90000")
    assert market(venue).last_price == D(90000)
    venue.order("maker", -1, "1", "60001")
    venue.tick()
    assert D(60000) <= market(venue).mark <= D(60006)


def test_the_basis_is_the_mean_of_thirty_samples():
    """Ten seconds of mid 10 above the index and twenty of mid 40 above it make 30."""
    venue = Venue()
    venue.index("60000")
    quote(venue, "60005", "60015")
    for _ in range(10):
        venue.tick()
    quote(venue, "60039", "60041")  # the bid is better, the ask is not the best yet
    best_ask = [order for order in venue.state.orders.values() if order.side < 0 and order.price_ticks == 600150]
    assert best_ask == []  # the new bid took it
    for _ in range(20):
        venue.tick()
    assert market(venue).basis == [D(10)] * 10 + [D(40)] * 20
    (told,) = venue.of(MarkSet)
    assert told.average == D(60030)
    venue.tick()
    assert len(market(venue).basis) == 30


def test_a_long_step_counts_its_sample_for_every_second():
    venue = Venue()
    venue.index("60000")
    quote(venue, "60005", "60015")
    venue.tick()
    venue.tick(10)
    assert market(venue).basis == [D(10)] * 11
    venue.tick(100)
    assert market(venue).basis == [D(10)] * 30


def test_without_a_book_the_basis_runs_out():
    venue = Venue()
    venue.index("60000")
    quote(venue, "60005", "60015")
    for _ in range(4):
        venue.tick()
    venue.join("taker", "1000000")
    venue.order("taker", 1, "1", "60015")
    venue.tick(3)
    assert market(venue).basis == [D(10)]
    venue.tick(1)
    assert market(venue).basis == []


def test_without_any_fresh_source_the_last_trade_is_the_mark_within_the_book():
    venue = Venue()
    venue.index("60000")
    venue.join("a", "10000000")
    venue.join("b", "10000000")
    venue.trade("a", "b", "1", "70000")
    venue.tick(299)
    assert market(venue).mark == D(60000) + (D(6) * 24901 / 28800).quantize(D("1e-8"))  # price one is the middle
    venue.tick(2)
    assert market(venue).mark == D(70000)
    assert market(venue).index == D(60000)
    quote(venue, "61000", "61010")
    venue.tick()
    assert market(venue).mark == D(61010)


def test_a_pinned_mark_stays_until_it_is_let_go():
    venue = Venue()
    venue.index("60000")
    venue.mark("50000")
    assert venue.of(MarkSet)[0].mark == D(50000)
    venue.index("61000")
    venue.tick()
    assert market(venue).mark == D(50000)
    venue.do(SetMark, symbol="BTCUSDT", price=None)
    assert market(venue).mark == D(50000)
    venue.tick()
    assert D(61000) <= market(venue).mark < D(61010)


def test_every_tick_tells_the_mark_even_when_it_has_not_moved():
    venue = Venue("BTCUSDT", "ETHUSDT")
    venue.index("60000")
    venue.mark("60000")
    venue.tick()
    assert [event.symbol for event in venue.of(MarkSet)] == ["BTCUSDT"]
    venue.index("3000", "ETHUSDT")
    venue.tick()
    assert [event.symbol for event in venue.of(MarkSet)] == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize(
    ("kind", "words", "code"),
    [
        (SetIndex, {"symbol": "XUSDT", "prices": {"one": D(1)}}, Code.BAD_SYMBOL),
        (SetIndex, {"symbol": "BTCUSDT", "prices": {}}, Code.INVALID_PARAMETER),
        (SetIndex, {"symbol": "BTCUSDT", "prices": {"one": D(1), "two": D(0)}}, Code.INVALID_PARAMETER),
        (SetIndex, {"symbol": "BTCUSDT", "prices": {"one": Decimal("nan")}}, Code.INVALID_PARAMETER),
        (SetIndex, {"symbol": "BTCUSDT", "prices": {"one": D("1e40")}}, Code.INVALID_PARAMETER),
        (SetMark, {"symbol": "XUSDT", "price": D(1)}, Code.BAD_SYMBOL),
        (SetMark, {"symbol": "BTCUSDT", "price": D(-1)}, Code.INVALID_PARAMETER),
        (SetMark, {"symbol": "BTCUSDT", "price": D("1.123456789")}, Code.BAD_PRECISION),
        (SetFundingRate, {"symbol": "XUSDT", "rate": None}, Code.BAD_SYMBOL),
        (SetFundingRate, {"symbol": "BTCUSDT", "rate": D(2)}, Code.INVALID_PARAMETER),
        (SetFundingRate, {"symbol": "BTCUSDT", "rate": D("0.123456789")}, Code.BAD_PRECISION),
        (SetFundingRate, {"symbol": "BTCUSDT", "rate": None, "interval_h": 5}, Code.INVALID_PARAMETER),
        (SettleFunding, {"symbol": "XUSDT"}, Code.BAD_SYMBOL),
    ],
)
def test_what_is_no_price_or_rate_is_refused_and_changes_nothing(kind, words, code):
    venue = Venue()
    venue.index("60000")
    assert venue.refused(kind, **words) == code
