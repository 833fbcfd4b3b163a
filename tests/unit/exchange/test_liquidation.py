"""Liquidation, told as small stories: when it strikes, how far it goes, and who bears what."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.exchange.venue import D, Venue

from bearskin.exchange._handing import bankruptcy_price
from bearskin.exchange._pools import keys_on, standing
from bearskin.exchange._state import Position
from bearskin.exchange._words import (
    Deleveraged,
    Deposit,
    Income,
    Liquidating,
    MarginCalled,
    OrderUpdated,
    PlaceAlgo,
    SetMarginMode,
)
from bearskin.margin import bankruptcy_price as lone_bankruptcy_price
from bearskin.margin import deciding, quoting


def isolated_short(qty="1", leverage=10, *, extra="4000", **terms):
    """A short at 60,000, isolated, with something left in the wallet; 1 % maintenance up to 100,000."""
    venue = Venue(**terms)
    venue.index("60000")
    margin = D(qty) * 60000 / leverage
    venue.join("short", margin + D(extra), leverage=leverage, isolated=True)
    venue.join("desk", "100000000", leverage=10)
    venue.mark("60000")
    venue.trade("desk", "short", qty, "60000")
    assert venue.margin("short") == margin
    return venue


def cross(name_amounts, *symbols, **terms):
    """People on cross margin and a rich desk."""
    venue = Venue(*symbols, **terms)
    for symbol in symbols or ("BTCUSDT",):
        venue.index("60000", symbol)
        venue.mark("60000", symbol)
    venue.join("desk", "1000000000", leverage=10)
    for name, amount in name_amounts.items():
        venue.join(name, amount, leverage=20)
    return venue


# --- when ------------------------------------------------------------------------------------------------------------


def test_liquidation_is_at_the_mark_where_equity_equals_maintenance():
    """Margin 6,000 on one coin: 66,000 - m = 0.01 m, so m = 65,346.534653...; one step below it lives."""
    venue = isolated_short()
    venue.mark("65346.53465346")
    assert not venue.of(Liquidating)
    venue.mark("65346.53465347")
    assert [(e.account, e.qty, e.step) for e in venue.of(Liquidating)] == [(venue.people["short"], D(1), "CLOSE")]
    assert venue.qty("short") == 0


def test_equality_is_liquidation():
    """At mark 60,000 maintenance is 600. Funding brings the equity to 600.0006, then to 600 to the digit."""
    venue = isolated_short(extra="100")
    venue.do(Deposit, account=venue.people["short"], amount=D(-100))
    venue.settle("-0.08999999")  # leaves 600.0006
    assert venue.margin("short") == D("600.0006")
    assert not venue.of(Liquidating)
    venue.settle("-0.00000001")
    assert venue.of(Liquidating)
    assert venue.qty("short") == 0


def test_a_wick_of_the_last_trade_liquidates_nobody_the_mark_does():
    venue = isolated_short()
    venue.join("other", "100000000", leverage=10)
    venue.trade("desk", "other", "1", "90000")
    venue.tick()
    assert venue.state.markets["BTCUSDT"].last_price == D(90000)
    assert venue.qty("short") == -1
    venue.mark("65400")
    assert venue.qty("short") == 0


def test_a_margin_call_is_told_once_above_80_per_cent_and_again_after_a_recovery():
    """(66,000 - m) * 0.8 = 0.01 m at m = 65,185.185...: 80 % of the way."""
    venue = isolated_short()
    venue.mark("65185")
    assert not venue.of(MarginCalled)
    venue.mark("65186")
    (call,) = venue.of(MarginCalled)
    assert (call.account, call.cross_wallet) == (venue.people["short"], None)
    assert [(p.symbol, p.qty) for p in call.positions] == [("BTCUSDT", D(-1))]
    venue.mark("65200")
    assert not venue.of(MarginCalled)
    venue.mark("65185")
    venue.mark("65200")
    assert len(venue.of(MarginCalled)) == 1


def test_a_cross_margin_call_names_the_wallet_and_all_cross_positions():
    venue = cross({"short": "6000"}, "BTCUSDT", "ETHUSDT")
    venue.trade("desk", "short", "0.5", "60000")
    venue.trade("desk", "short", "0.4", "60000", "ETHUSDT")
    venue.mark("70600")
    (call,) = venue.of(MarginCalled)
    assert call.cross_wallet == D(6000)
    assert [p.symbol for p in call.positions] == ["BTCUSDT", "ETHUSDT"]


# --- isolated --------------------------------------------------------------------------------------------------------


def test_the_forced_order_trades_in_the_book_and_what_is_left_goes_home():
    """The book sells at 65,500: 5,500 of the 6,000 are lost, 500 come back; the wallet beside is untouched."""
    venue = isolated_short()
    venue.order("desk", -1, "1", "65500")
    venue.mark("65400")
    assert venue.qty("short") == 0
    assert venue.wallet("short") == D(4500)
    fills = [e for e in venue.of(OrderUpdated) if e.fill is not None and e.order.account == venue.people["short"]]
    assert [(e.execution, e.order.client_id[:10], e.fill.price) for e in fills] == [
        ("CALCULATED", "autoclose-", D(65500))
    ]


def test_the_clearance_fee_is_taken_from_what_is_left_and_never_more():
    """1.25 % of 65,400 is 817.5; only 500 are left."""
    venue = isolated_short(liquidation_fee_rate="0.0125")
    venue.order("desk", -1, "1", "65500")
    venue.mark("65400")
    assert venue.wallet("short") == D(4000)
    assert venue.balance("insurance") == D(500)
    cleared = [(e.account, e.amount) for e in venue.of(Income) if e.type == "INSURANCE_CLEAR"]
    assert cleared == [(venue.people["short"], D(-500)), (1, D(500))]
    venue = isolated_short(liquidation_fee_rate="0.001")
    venue.order("desk", -1, "1", "65500")
    venue.mark("65400")
    assert venue.wallet("short") == D(4500) - D("65.4")


@pytest.mark.parametrize("mark", ["65400", "66000", "80000", "300000"])
def test_an_isolated_loss_never_exceeds_its_margin(mark):
    """Wherever the price jumps to, with a fund and without: the wallet beside is untouched."""
    for fund in ("1", "1000000"):
        venue = isolated_short()
        venue.fund(fund)
        venue.mark(mark)
        assert venue.qty("short") == 0
        assert venue.wallet("short") == D(4000)


def test_a_gap_beyond_bankruptcy_is_borne_by_the_fund():
    """At 70,000 the short is 4,000 under water; the fund takes it at 66,000, and is down those 4,000 itself."""
    venue = isolated_short()
    venue.fund("100000")
    venue.mark("70000")
    fund = venue.account("fund").positions["BTCUSDT/BOTH"]
    assert (fund.qty, fund.cost) == (D(-1), D(-66000))
    assert venue.balance("insurance") == D(100000)
    assert not venue.of(Deleveraged)


def test_a_large_isolated_position_is_reduced_to_the_lower_bracket_and_keeps_its_margin():
    """10 coins at 60,000, margin 60,000; in the third bracket maintenance is 5 % less 16,000.

    660,000 - 10 m = 0.5 m - 16,000 at m = 64,380.95...; at 64,400 it is due with 16,000 of equity and 16,200 asked for.
    Kept are 500,000 / 64,400 = 7.763 coins; the book takes the rest at 64,400 and 2.237 coins lose 9,842.80 of margin.
    """
    venue = isolated_short("10", extra="5000")
    venue.order("desk", -1, "10", "64400")
    venue.mark("64380")
    assert not venue.of(Liquidating)
    venue.mark("64400")
    assert [(e.qty, e.step, e.bankruptcy) for e in venue.of(Liquidating)] == [(D("2.237"), "REDUCE", D(66000))]
    assert venue.qty("short") == D("-7.763")
    assert venue.margin("short") == D(60000) - D("2.237") * 4400
    assert venue.wallet("short") == D(5000)


def test_resting_and_conditional_orders_go_first():
    venue = isolated_short()
    short = venue.people["short"]
    venue.order("short", 1, "0.5", "50000", reduce_only=True)
    venue.do(
        PlaceAlgo, account=short, symbol="BTCUSDT", side=1, type="STOP_MARKET", trigger_price=D(80000), qty=D("0.5"),
        reduce_only=True,
    )  # fmt: skip
    venue.mark("65400")
    assert not venue.account("short").orders
    assert not venue.account("short").algos
    first = next(i for i, e in enumerate(venue.events) if isinstance(e, Liquidating))
    ended = [e for e in venue.events[:first] if isinstance(e, OrderUpdated) and e.order.status == "CANCELED"]
    assert len(ended) == 1


def test_isolated_hedge_legs_stand_alone():
    """Long and short of one coin, isolated: the short dies, the long and its orders live on."""
    venue = Venue()
    venue.index("60000")
    venue.join("both", "20000", leverage=10, isolated=True, dual=True)
    venue.join("one", "1000000", leverage=10)
    venue.join("other", "1000000", leverage=10)
    venue.mark("60000")
    venue.trade("both", "one", "1", "60000", buyer_side="LONG")
    venue.trade("other", "both", "1", "60000", seller_side="SHORT")
    venue.order("both", -1, "1", "80000", position_side="LONG")
    venue.mark("65400")
    assert venue.qty("both", side="SHORT") == 0
    assert venue.qty("both", side="LONG") == 1
    assert len(venue.account("both").orders) == 1


# --- cross -----------------------------------------------------------------------------------------------------------


def test_a_small_cross_account_is_closed_whole():
    """Wallet 3,000, short 1 at 60,000: 63,000 - m = 0.01 m at 62,376.24; the book sells at 62,500: 500 remain."""
    venue = cross({"short": "4000"})
    venue.trade("desk", "short", "1", "60000")
    venue.do(Deposit, account=venue.people["short"], amount=D(-900))
    venue.do(Deposit, account=venue.people["desk"], amount=D(1))
    venue.order("desk", -1, "1", "62500")
    venue.mark("62475")
    assert venue.qty("short") == -1
    venue.mark("62480")
    assert venue.qty("short") == 0
    assert venue.wallet("short") == D(600)


def test_a_cross_account_is_reduced_step_by_step_until_it_lives():
    """20 coins at 60,000 in the third bracket: maintenance 5 % of 1.2 million less 16,000 is 44,000.

    Wallet 60,000. At 60,900 equity is 42,000 and 44,900 are asked for. Kept are 500,000 / 60,900 = 8.210 coins, for
    which 2 % less 1,000 are asked: 9,000. One step is enough.
    """
    venue = cross({"short": "180000"})
    venue.settings("short", "BTCUSDT", 10)
    venue.trade("desk", "short", "20", "60000")
    venue.settle("-0.1")
    assert venue.wallet("short") == D(60000)
    venue.order("desk", -1, "30", "60900")
    venue.mark("60900")
    assert [(e.step, e.qty) for e in venue.of(Liquidating)] == [("REDUCE", D("11.790"))]
    assert venue.qty("short") == D("-8.210")
    assert venue.wallet("short") == D(60000) - D("11.79") * 900


def test_the_leg_with_the_largest_maintenance_goes_first():
    """Short 1 BTC and 0.2 ETH (at 60,000 too): BTC goes; that is enough and ETH stays."""
    venue = cross({"short": "7000"}, "BTCUSDT", "ETHUSDT")
    venue.trade("desk", "short", "1", "60000")
    venue.trade("desk", "short", "0.2", "60000", "ETHUSDT")
    venue.order("desk", -1, "2", "66100")
    venue.mark("66300")
    assert [(e.symbol, e.step) for e in venue.of(Liquidating)] == [("BTCUSDT", "CLOSE")]
    assert venue.qty("short") == 0
    assert venue.qty("short", "ETHUSDT") == D("-0.2")
    assert venue.wallet("short") == D(900)


def test_what_the_cross_wallet_would_pay_for_goes_with_it():
    """Cross orders go and those that would open isolated positions; what only closes an isolated one stays."""
    venue = cross({"short": "20000"}, "BTCUSDT", "ETHUSDT")
    short = venue.people["short"]
    venue.do(SetMarginMode, account=short, symbol="ETHUSDT", isolated=True)
    venue.trade("short", "desk", "0.01", "60000", "ETHUSDT")
    venue.trade("desk", "short", "1", "60000")
    venue.order("short", 1, "0.1", "50000")
    venue.order("short", 1, "0.01", "50000", "ETHUSDT")
    venue.order("short", -1, "0.01", "70000", "ETHUSDT", reduce_only=True)
    stop = {"type": "STOP_MARKET", "trigger_price": D(58000), "close_position": True}
    venue.do(PlaceAlgo, account=short, symbol="ETHUSDT", side=-1, **stop)
    venue.mark("80000")
    assert venue.qty("short") == 0
    assert [(o.symbol, o.side) for o in map(venue.state.orders.get, venue.account("short").orders)] == [("ETHUSDT", -1)]
    assert len(venue.account("short").algos) == 1


def test_a_cross_wallet_below_zero_is_cleared_by_the_fund():
    """A gap to 70,000 with 4,000 in the wallet: nobody in the book, no room in the fund; the winner gives up 6,000.

    Closed against the desk at the bankruptcy price of 64,000 the wallet ends at nothing, and nobody else pays.
    """
    venue = cross({"short": "4000"})
    venue.trade("desk", "short", "1", "60000")
    venue.mark("70000")
    assert venue.wallet("short") == 0
    assert venue.wallet("desk") == D(1000000000) + 4000
    assert [(e.qty, e.price) for e in venue.of(Deleveraged)] == [(D(1), D(64000))]


def test_two_legs_share_the_equity_by_their_notional():
    """Short 1 BTC at 70,000 and 1 ETH at 60,000, both gone up: equity 1,000 of 130,000 notional."""
    venue = cross({"short": "11000"}, "BTCUSDT", "ETHUSDT")
    venue.trade("desk", "short", "1", "60000")
    venue.trade("desk", "short", "1", "60000", "ETHUSDT")
    venue.mark("70000")
    shares = {(e.symbol): e.bankruptcy for e in venue.of(Liquidating)}
    # 70,000 * (1 + 1,000 / 130,000), on the grid of 0.00001, down
    assert shares["BTCUSDT"] == D("70538.46153")
    assert venue.qty("short") == venue.qty("short", "ETHUSDT") == 0
    assert 0 <= venue.wallet("short") < D("0.001")


# --- hedge mode, cross -----------------------------------------------------------------------------------------------


ONE = (("0", "1e12", "0.01", 100, "0"),)
TWO = (("0", "6000000", "0.01", 100, "0"), ("6000000", "1e12", "0.02", 100, "60000"))


def hedged(long, short, wallet, brackets=ONE):
    """Both legs at 60,000 on one wallet; a rate of 1 % unless said."""
    venue = Venue(brackets=brackets)
    venue.index("60000")
    venue.join("desk", "1000000000000", leverage=10)
    venue.join("both", "1000000000", leverage=100, dual=True)
    venue.mark("60000")
    venue.trade("both", "desk", long, "60000", buyer_side="LONG")
    venue.trade("desk", "both", short, "60000", seller_side="SHORT")
    venue.do(Deposit, account=venue.people["both"], amount=D(wallet) - 1000000000)
    return venue


def test_a_hedged_account_has_two_liquidation_prices():
    """100 long and 98 short of 60,000 with 119,000: equity is 119,000 + 2 (m - 60,000) = 2 m - 1,000.

    Two brackets, 1 % up to 6 million and 2 % above. Below it on both sides maintenance is 1.98 m, which is the equity
    at 50,000; with the long above and the short still below it is 2.98 m - 60,000, the equity at 60,204.08. It lives
    between the two.
    """
    for low, high in ((None, "60204.1"), ("50000", None)):
        venue = hedged("100", "98", "119000", brackets=TWO)
        venue.mark("60204.0" if high else "50000.1")
        assert venue.qty("both", side="LONG") == 100
        venue.mark(high or low)
        assert (venue.qty("both", side="LONG"), venue.qty("both", side="SHORT")) == (2, 0)
        assert not venue.of(Liquidating)


def test_matched_legs_are_closed_against_each_other_before_anything_is_sold():
    """95 long against 98 short: 95 pairs go at mark for nothing, the 3 left short have 148,762 of equity and live."""
    venue = hedged("95", "98", "200000")
    venue.mark("77079.2")
    assert not venue.of(Liquidating)
    assert (venue.qty("both", side="LONG"), venue.qty("both", side="SHORT")) == (0, D(-3))
    short = venue.position("both", side="SHORT")
    equity = venue.wallet("both") + short.qty * D("77079.2") - short.cost
    assert equity == D(200000) - 3 * D("17079.2")
    assert not venue.of(Deleveraged)


def test_a_hedge_of_equal_legs_dies_of_its_maintenance_and_leaves_the_wallet():
    """100 on each side and 130,000: 1 % of 200 m is 130,000 at 65,000. Netted, nothing is left to be liquidated."""
    venue = hedged("100", "100", "130000")
    venue.mark("64999.9")
    assert venue.qty("both", side="LONG") == 100
    venue.mark("65000")
    assert venue.account("both").positions == {}
    assert venue.wallet("both") == D(130000)


# --- in a row --------------------------------------------------------------------------------------------------------


def test_liquidations_follow_the_order_of_accounts():
    venue = Venue()
    venue.index("60000")
    venue.join("desk", "100000000", leverage=10)
    for name in ("b", "a", "c"):
        venue.join(name, "10000", leverage=10, isolated=True)
    venue.mark("60000")
    for name in ("c", "a", "b"):
        venue.trade("desk", name, "1", "60000")
    venue.mark("65400")
    assert [e.account for e in venue.of(Liquidating)] == sorted(venue.people[name] for name in "abc")


def test_a_restored_exchange_watches_as_before():
    """Half way to the edge the state is stored and read back: both go on alike, to the last digit."""
    one = isolated_short()
    one.join("cross", "5000", leverage=20)
    one.trade("desk", "cross", "1", "60000")
    one.mark("63000")
    other = Venue()
    other.exchange = type(one.exchange).restore(one.exchange.snapshot())
    other.people, other.now_ns = one.people, one.now_ns
    for mark in ("64000", "64400", "63000", "65300", "65346.6", "60000"):
        assert one.mark(mark) == other.mark(mark)
        assert one.exchange.state_hash() == other.exchange.state_hash()
    assert one.qty("short") == one.qty("cross") == 0


quantities = st.integers(1, 5000).map(lambda steps: D(steps) / 1000)


@given(qty=quantities, long=st.booleans(), mark=st.integers(400000, 900000), wallet=st.integers(0, 10**6))
def test_the_bankruptcy_price_of_a_lone_position_is_the_formulas(qty, long, mark, wallet):
    """The same as the margin room's, to the grid, and closing there leaves the account nothing or a trifle."""
    venue = Venue()
    venue.mark(D(mark) / 10)
    venue.join("who", wallet, isolated=True)
    account = venue.account("who")
    signed = qty if long else -qty
    account.positions["BTCUSDT/BOTH"] = Position(
        symbol="BTCUSDT", side="BOTH", margin_name=account.wallet_name, qty=signed, cost=signed * 60000
    )
    floor = venue.exchange.floor
    with deciding():
        now = standing(floor, account, "BTCUSDT/BOTH", keys_on(floor, account, "BTCUSDT/BOTH"))
        price = bankruptcy_price(now, now.stakes[0])
        left = D(wallet) + signed * price - signed * 60000
    with quoting():
        formula = lone_bankruptcy_price(signed, signed * 60000, D(wallet))
    if formula > 0:
        assert abs(price - formula) <= D("0.00001")
        assert 0 <= left <= qty * D("0.00001")
    assert price == price.quantize(Decimal("0.00001"))
