"""When the book is empty: the insurance fund, its limits, and those who won most."""

import pytest
from unit.exchange.venue import D, Venue

from bearskin.exchange._adl import ranking
from bearskin.exchange._words import Deleveraged, Income, OrderUpdated, PlaceAlgo, SetLeverage
from bearskin.margin import deciding


def squeezed(longs, *, fund="0", short_margin="10000", **terms):
    """A short of the sum of all longs at 60,000, isolated at 10x, against the longs, who are on cross.

    `longs` maps names to quantity and wallet.
    """
    venue = Venue(**terms)
    venue.index("60000")
    venue.mark("60000")
    total = sum(D(qty) for qty, _ in longs.values())
    venue.join("short", total * 6000 + D(short_margin), leverage=10, isolated=True)
    for name, (qty, money) in longs.items():
        venue.join(name, money, leverage=20)
        venue.trade(name, "short", qty, "60000")
    if D(fund):
        venue.fund(fund)
    return venue


def test_the_fund_takes_what_the_book_does_not_within_its_balance():
    """At 65,400 one coin is worth 65,400: a fund of 100,000 can hold it, and it is no loss to it at 66,000."""
    venue = squeezed({"long": ("1", "100000")}, fund="100000")
    venue.mark("65400")
    assert venue.qty("fund") == -1
    assert venue.position("fund").cost == D(-66000)
    assert venue.qty("long") == 1
    assert not venue.of(Deleveraged)


def test_what_is_beyond_the_funds_balance_is_deleveraged():
    """32,700 of balance hold half a coin at 65,400 (0.500 exactly); the winner closes the other half at 66,000."""
    venue = squeezed({"long": ("1", "100000")}, fund="32700")
    venue.mark("65400")
    assert venue.qty("fund") == D("-0.5")
    assert [(e.account, e.counterparty, e.qty, e.price) for e in venue.of(Deleveraged)] == [
        (venue.people["long"], venue.people["short"], D("0.5"), D(66000))
    ]
    assert venue.qty("long") == D("0.5")
    assert venue.wallet("long") == D(100000) + D("0.5") * 6000


def test_the_fund_takes_no_loss_that_leaves_it_without_equity():
    """A gap to 70,000 costs it 4,000 a coin, one to 200,000 costs 134,000; its balance bounds what it holds besides."""
    venue = squeezed({"long": ("4", "1000000")}, fund="15000000", short_margin="100")
    venue.mark("70000")
    assert venue.qty("fund") == -4
    venue = squeezed({"long": ("4", "1000000")}, fund="281000", short_margin="100")
    venue.mark("100000")
    # a loss of 34,000 a coin; 281,000 of balance hold 2.81 coins and bear more than that
    assert venue.qty("fund") == D("-2.81")
    venue = squeezed({"long": ("4", "1000000")}, fund="281000", short_margin="100")
    venue.mark("200000")
    # 134,000 a coin: 281,000 bear less than 2.098 coins, and hold 1.405
    assert venue.qty("fund") == D("-1.405")


def test_insurance_runs_dry_and_the_ranked_winners_are_taken_from():
    """No fund: a has ten times the leverage of b, b a hundred times that of d; c, who loses, would be the last."""
    venue = squeezed({"a": ("0.4", "2500"), "b": ("0.4", "25000"), "d": ("0.4", "2500000")})
    venue.join("c", "100000", leverage=20)
    venue.join("maker", "100000", leverage=20)
    venue.trade("c", "maker", "0.1", "65390")
    venue.mark("65300")
    with deciding():
        order = [one.account.name for one in ranking(venue.exchange.floor, "BTCUSDT", 1)]
    assert order == ["a", "b", "d", "c"]
    venue.mark("65400")
    assert [e.account for e in venue.of(Deleveraged)] == [venue.people[name] for name in "abd"]
    assert venue.qty("a") == venue.qty("b") == venue.qty("d") == 0
    assert venue.qty("c") == D("0.1")
    assert venue.wallet("a") == D(2500) + 2400


def test_the_deleveraged_pay_no_fee_and_lose_their_orders_in_the_symbol():
    venue = squeezed({"long": ("1", "100000")}, taker_fee_rate="0.0005", maker_fee_rate="0.0002")
    fees = venue.balance("fees")
    venue.order("long", -1, "0.2", "80000", reduce_only=True)
    venue.do(
        PlaceAlgo, account=venue.people["long"], symbol="BTCUSDT", side=-1, type="STOP_MARKET",
        trigger_price=D(50000), close_position=True,
    )  # fmt: skip
    venue.mark("65400")
    assert venue.of(Deleveraged)
    assert venue.balance("fees") == fees
    assert not venue.account("long").orders
    assert not venue.account("long").algos  # the stop of a position that is gone
    fills = [e for e in venue.of(OrderUpdated) if e.fill is not None]
    assert {e.order.account: (e.order.client_id[:13], e.execution, e.fill.qty, e.fill.fee) for e in fills} == {
        venue.people["short"]: (fills[0].order.client_id[:13], "CALCULATED", D(1), 0),
        venue.people["long"]: ("adl_autoclose", "CALCULATED", D(1), 0),
    }
    assert fills[0].order.client_id.startswith("autoclose-")


def test_equal_scores_go_by_account():
    venue = squeezed({"b": ("1", "10000"), "a": ("1", "10000")})
    venue.mark("63000")
    with deciding():
        ranked = ranking(venue.exchange.floor, "BTCUSDT", 1)
    assert [one.account.id for one in ranked] == [venue.people["b"], venue.people["a"]]
    assert ranked[0].score == ranked[1].score > 0


def test_leverage_and_profit_make_the_score():
    """Profit 3,000 on a wallet of 10,000, maintenance 630 of 13,000: 0.3 * 630 / 13,000."""
    venue = squeezed({"a": ("1", "10000")})
    venue.mark("63000")
    with deciding():
        (one,) = ranking(venue.exchange.floor, "BTCUSDT", 1)
    assert abs(one.score - D("0.3") * 630 / 13000) < D("1e-25")


# --- the fund's own affairs ------------------------------------------------------------------------------------------


def test_the_fund_works_its_position_off_in_small_pieces_near_the_mark():
    venue = squeezed({"long": ("1", "100000")}, fund="200000")
    venue.mark("65400")
    assert venue.qty("fund") == -1
    venue.order("long", -1, "1", "65500")
    venue.tick()
    assert venue.qty("fund") == D("-0.95")
    venue.tick()
    assert venue.qty("fund") == D("-0.902")  # a twentieth of 950 steps, rounded up
    for _ in range(200):
        venue.tick()
    assert venue.qty("fund") == 0
    assert venue.balance("insurance") == D(200000) + 66000 - 65500


def test_the_fund_does_not_buy_far_from_the_mark():
    venue = squeezed({"long": ("1", "100000")}, fund="200000")
    venue.mark("65400")
    venue.order("long", -1, "1", "66000")
    venue.tick()
    assert venue.qty("fund") == -1


def test_a_fund_without_equity_is_deleveraged_itself():
    """It holds a short of one coin from 66,000 with 66,000 of money: at 132,000 nothing is left."""
    venue = squeezed({"long": ("1", "100000")}, fund="66000")
    venue.mark("65400")
    assert venue.qty("fund") == -1
    venue.mark("131999")
    assert venue.qty("fund") == -1
    venue.mark("140000")
    assert venue.qty("fund") == venue.qty("long") == 0
    assert [(e.account, e.counterparty, e.price) for e in venue.of(Deleveraged)] == [
        (venue.people["long"], 1, D(132000))
    ]
    assert venue.balance("insurance") == 0
    assert venue.balance("house") == 0


def test_a_debt_waits_until_the_fund_has_money():
    """Fees at the end of a cross account leave 30 owed; a deposit to the fund clears it at the next tick."""
    venue = Venue(taker_fee_rate="0.01", maker_fee_rate="0")
    venue.index("60000")
    venue.join("desk", "1000000", leverage=10)
    venue.join("who", "4000", leverage=50)
    venue.mark("60000")
    venue.order("desk", 1, "1", "60000")
    venue.order("who", -1, "1", "60000")
    assert venue.wallet("who") == D(3400)
    venue.order("desk", -1, "1", "62800")
    venue.order("who", 1, "1", "62800")  # loses 2,800 and pays 628
    assert venue.wallet("who") == D(-28)
    assert venue.exchange.floor.watch.owing == {venue.people["who"]: None}
    venue.tick()
    assert venue.wallet("who") == D(-28)
    venue.fund("20")
    assert venue.wallet("who") == D(-28)
    venue.tick()
    assert (venue.wallet("who"), venue.balance("insurance")) == (D(-8), D(0))
    assert [(e.type, e.account, e.amount) for e in venue.of(Income)] == [
        ("INSURANCE_CLEAR", venue.people["who"], D(20)),
        ("INSURANCE_CLEAR", 1, D(-20)),
    ]
    venue.fund("100")
    venue.tick()
    assert (venue.wallet("who"), venue.balance("insurance")) == (D(0), D(92))
    assert venue.exchange.floor.watch.owing == {}


def test_leverage_may_be_set_while_a_debt_waits():
    """Nothing but the debt is looked at."""
    venue = Venue(taker_fee_rate="0.01")
    venue.index("60000")
    venue.join("who", "10", leverage=50)
    venue.do(SetLeverage, account=venue.people["who"], symbol="BTCUSDT", leverage=5)
    assert venue.exchange.floor.watch.owing == {}


@pytest.mark.parametrize("fee", ["0", "0.0125"])
def test_matched_legs_of_one_account_are_the_last_to_be_asked(fee):
    """Nobody else is short: the short of an isolated hedge is closed against the account's own long.

    What the long has won is not the short's to pay a clearance fee with.
    """
    venue = Venue(liquidation_fee_rate=fee)
    venue.index("60000")
    venue.join("both", "20000", leverage=10, isolated=True, dual=True)
    venue.join("desk", "1000000", leverage=10)
    venue.mark("60000")
    venue.trade("both", "desk", "1", "60000", buyer_side="LONG")
    venue.trade("desk", "both", "1", "60000", seller_side="SHORT")
    venue.mark("65400")
    assert venue.account("both").positions == {}
    assert venue.wallet("both") == D(20000)
    assert not venue.of(Deleveraged)
