"""How positions die, and whom they take along: told step by step, with figures by hand.

Unless a story says otherwise there are no fees and maintenance is 0.4 % of the notional at mark.
"""

from __future__ import annotations

from decimal import Decimal

from sim.language import World, scenario

from bearskin.exchange._words import Deleveraged, Income, MarginCalled, OrderUpdated, SetMark


@scenario
def test_wick_on_last_does_not_liquidate_but_a_touch_of_mark_does(world: World) -> None:
    """
    fund deposit 20000
    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    -> alice short 1; alice margin 1000; alice wallet 100; alice liquidation price 10956.18
    last 12000
    -> nobody liquidated; last 12000; alice short 1
    mark 10956.17
    -> nobody liquidated
    mark 10956.18
    -> alice liquidated: equity 43.82 <= maintenance 43.82472; alice flat; all accounts sum to 0
    """


@scenario
def test_funding_pushes_a_short_over_the_edge(world: World) -> None:
    """
    fund deposit 20000
    alice deposit 1000
    alice sell 1 BTCUSDT @ 10000 x20
    mark 10760
    -> nobody liquidated; alice wallet 1000
    mark 10000
    funding -0.0200
    -> nobody liquidated; alice wallet 800
    mark 10755
    -> nobody liquidated
    mark 10760
    -> alice liquidated: equity 40 <= maintenance 43.04; alice flat; all accounts sum to 0
    """


@scenario
def test_funding_alone_liquidates(world: World) -> None:
    """Nothing moves but money: 2 % of 10,760 is more than what kept the short alive.

    fund deposit 20000
    alice deposit 1000
    alice sell 1 BTCUSDT @ 10000 x20
    mark 10760
    -> nobody liquidated
    funding -0.0200
    -> alice liquidated; alice flat; all accounts sum to 0
    """


@scenario
def test_funding_of_an_isolated_short_comes_out_of_its_margin_last(world: World) -> None:
    """150 are due and 100 are free: the margin pays the rest, and the liquidation price comes down from 10,956.18.

    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    -> alice wallet 100; alice margin 1000; alice liquidation price 10956.18
    funding -0.0150
    -> nobody liquidated; alice wallet 0; alice margin 950; alice liquidation price 10906.37; all accounts sum to 0
    """


@scenario
def test_funding_received_goes_to_the_wallet(world: World) -> None:
    """
    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    funding 0.0100
    -> alice wallet 200; alice margin 1000; desk wallet 9999999999900; all accounts sum to 0
    """


@scenario
def test_squeeze_takes_the_next_short(world: World) -> None:
    """Alice's forced buy lifts the book while the spot index stands still; half a minute later the mark has Bob.

    fund deposit 20000
    alice deposit 1100
    bob deposit 1100
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    bob sell 1 BTCUSDT @ 10010 x10 isolated
    mark 10940
    mike bids 5 BTCUSDT @ 10950
    mike offers 0.5 BTCUSDT @ 10960
    mike offers 0.5 BTCUSDT @ 10990
    mike offers 5 BTCUSDT @ 11100
    index 10950
    last 10955
    mark floats
    wait 35s
    -> nobody liquidated
    index 10957
    wait 1s
    -> alice liquidated; alice flat; last 10990; bob short 1
    wait 40s
    -> bob liquidated; bob flat; all accounts sum to 0
    """
    assert world.market("BTCUSDT").index == 10957


@scenario
def test_gap_beyond_bankruptcy_costs_the_margin_and_nothing_else(world: World) -> None:
    """The fund takes the short over at 11,000, where Alice's margin ended; she keeps what she never put up.

    fund deposit 20000
    alice deposit 1500
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    -> alice wallet 500; alice margin 1000
    mark 13000
    -> alice liquidated; alice flat; alice wallet 500; fund short 1; nobody deleveraged; all accounts sum to 0
    """
    position = world.position("fund", "BTCUSDT")
    assert position is not None
    assert position.cost == -11_000


@scenario
def test_isolated_loss_never_exceeds_its_margin_fees_included(world: World) -> None:
    """The clearance fee would be 137; what is left is 40, so it is 40.

    market ETHUSDT taker 0.0005 clearance 0.0125
    alice deposit 2005
    mike deposit 1000000
    alice sell 1 ETHUSDT @ 10000 x10 isolated
    -> alice wallet 1000
    mike offers 1 ETHUSDT @ 10955
    mark ETHUSDT 10960
    -> alice liquidated; alice flat; alice wallet 1000; insurance < 45.01; all accounts sum to 0
    """


@scenario
def test_cross_can_lose_the_wallet_but_owes_nothing(world: World) -> None:
    """
    fund deposit 20000
    alice deposit 1000
    alice sell 1 BTCUSDT @ 10000 x20
    mark 13000
    -> alice liquidated; alice flat; alice wallet 0; all accounts sum to 0
    """


@scenario
def test_insurance_is_empty_and_the_ranked_winners_pay(world: World) -> None:
    """Bob made half his margin three times over, Carol less than a third of hers: Bob goes first, Carol for the rest.

    bob deposit 1000
    carol deposit 4000
    erin deposit 100000
    alice deposit 750
    mark 10000
    bob bids 0.5 BTCUSDT @ 10000 x20 isolated
    carol bids 0.5 BTCUSDT @ 10000 x2 isolated
    alice sell 0.7 BTCUSDT market x10 isolated
    erin sell 0.3 BTCUSDT market x10
    carol offers 0.1 BTCUSDT @ 14000 reduce as t1
    -> bob long 0.5; carol long 0.5; alice short 0.7
    mark 11500
    -> alice liquidated; alice flat; alice wallet 50; bob flat; carol long 0.3; insurance 0
    -> bob deleveraged 0.5 at 11000; carol deleveraged 0.2 at 11000
    -> bob wallet 1500; carol t1 canceled; all accounts sum to 0
    """
    order = [event.account for event in world.story if isinstance(event, Deleveraged)]
    assert order == [world.who("bob"), world.who("carol")]


@scenario
def test_insurance_takes_over_while_it_can_then_runs_dry(world: World) -> None:
    """The fund takes Zoe's short and sits on it; at 30,000 it is worth less than nothing, and the winners are closed.

    fund deposit 6000
    bob deposit 100000
    zoe deposit 550
    mark 10000
    bob bids 0.5 BTCUSDT @ 10000 x2 isolated
    zoe sell 0.5 BTCUSDT market x10 isolated
    mark 11500
    -> zoe liquidated; zoe flat; zoe wallet 50; fund short 0.5; nobody deleveraged; insurance 6000
    mark 30000
    wait 1s
    -> fund flat; bob flat; insurance 0; all accounts sum to 0
    """


@scenario
def test_hedge_mode_has_two_liquidation_prices(world: World) -> None:
    """Long 100, short 98 of 60,000 on 95,000: the account dies at 50,000.00 and at 121,428.57.

    market ETHUSDT tick 0.1 step 0.001 brackets 2026.9
    alice deposit 95000
    alice hedge mode
    alice buy 100 ETHUSDT @ 60000 x200 long
    alice sell 98 ETHUSDT @ 60000 x200 short
    -> alice long 100 ETHUSDT; alice short 98 ETHUSDT
    mark ETHUSDT 50000.01
    -> nobody liquidated
    mark ETHUSDT 121428.57
    -> nobody liquidated
    """
    low, high = (Decimal(text) for text in ("50000", "121428.58"))
    for price in (low, high):
        copy = type(world.exchange).restore(world.exchange.snapshot())
        events = copy.apply(SetMark(time_ns=world.now_ns, symbol="ETHUSDT", price=price))
        forced = [event for event in events if isinstance(event, OrderUpdated) and event.order.origin == "LIQUIDATION"]
        assert {event.order.account for event in forced} == {world.who("alice")}, price


@scenario
def test_cross_is_reduced_in_steps(world: World) -> None:
    """15 coins lie in the third bracket; taking 5.75 of them back leaves 99,992.50, in the second, and that will do.

    market ETHUSDT brackets low
    alice deposit 16000
    mike deposit 10000000
    alice sell 15 ETHUSDT @ 10000 x10
    mark ETHUSDT 10800
    mike offers 20 ETHUSDT @ 10810 x10
    -> nobody liquidated
    mark ETHUSDT 10810
    -> alice liquidated in 1 steps; alice short 9.25 ETHUSDT; alice wallet 11342.5
    mark ETHUSDT 11100
    -> nobody liquidated
    """


@scenario
def test_margin_call_comes_once_before_the_liquidation(world: World) -> None:
    """Maintenance is 80 % of equity from 10,945.27 on: 43.7811 / 54.73 there.

    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    mark 10940
    -> nobody liquidated
    mark 10946
    mark 10947
    mark 10950
    -> nobody liquidated
    """
    calls = [event for event in world.story if isinstance(event, MarginCalled)]
    assert [event.account for event in calls] == [world.who("alice")]


@scenario
def test_margin_added_in_time_keeps_the_short(world: World) -> None:
    """
    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    mark 10950
    alice adds 100 to BTCUSDT
    -> alice margin 1100; alice wallet 0; alice liquidation price 11055.78
    mark 10960
    -> nobody liquidated; alice short 1
    """


@scenario
def test_who_jumps_past_stop_and_liquidation_is_liquidated(world: World) -> None:
    """
    fund deposit 20000
    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    alice stop buy all BTCUSDT at 10500 by mark as s1
    -> alice s1 untriggered
    mark 11200
    -> alice liquidated; alice flat; alice wallet 100
    """
    assert not [event for event in world.story if isinstance(event, Income) and event.type == "COMMISSION"]


@scenario
def test_orders_of_the_liquidated_are_cancelled_first(world: World) -> None:
    """Cross: with its buy at 9,000 and its stop gone, nothing of Alice is left in the market.

    fund deposit 20000
    alice deposit 2000
    alice sell 1 BTCUSDT @ 10000 x10
    alice bids 0.5 BTCUSDT @ 9000 as b1
    alice stop buy 1 BTCUSDT at 14000 as s1
    mark 11960
    -> alice liquidated; alice flat; alice b1 canceled; alice s1 canceled; all accounts sum to 0
    """


@scenario
def test_stop_saves_the_margin_that_liquidation_would_take(world: World) -> None:
    """
    alice deposit 1100
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    alice stop buy all BTCUSDT at 10500 by mark as s1
    mark 10400
    mike offers 5 BTCUSDT @ 10510
    mark 10500
    -> nobody liquidated; alice s1 triggered; alice s1 finished; alice flat; alice wallet 590; all accounts sum to 0
    """


@scenario
def test_debt_is_paid_by_the_insurance_fund(world: World) -> None:
    """Closing costs Alice 700 and she has 500.75: a close is never refused, the rest is the fund's.

    fund deposit 1000
    alice deposit 500.75
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    mike offers 1 BTCUSDT @ 10700
    alice buy 1 BTCUSDT market
    -> nobody liquidated; alice flat; alice wallet 0; insurance 800.75; all accounts sum to 0
    """


@scenario
def test_debt_waits_until_the_insurance_fund_has_money(world: World) -> None:
    """
    fund deposit 100
    alice deposit 500.75
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    mike offers 1 BTCUSDT @ 10700
    alice buy 1 BTCUSDT market
    -> alice flat; alice wallet -99.25; insurance 0
    fund deposit 1000
    wait 1s
    -> alice wallet 0; insurance 900.75; all accounts sum to 0
    """


@scenario
def test_liquidated_margin_that_is_left_goes_back(world: World) -> None:
    """Bought back at 10,950 and charged a thousandth of 10,957: 1,000 - 950 - 10.957 of the margin are left.

    market ETHUSDT clearance 0.001
    alice deposit 1100
    mike deposit 1000000
    alice sell 1 ETHUSDT @ 10000 x10 isolated
    mike offers 1 ETHUSDT @ 10950
    mark ETHUSDT 10957
    -> alice liquidated; alice flat; alice wallet 139.043; insurance 10.957; all accounts sum to 0
    """


@scenario
def test_isolated_positions_do_not_pull_each_other_down(world: World) -> None:
    """
    market ETHUSDT tick 0.01 step 0.001
    fund deposit 20000
    alice deposit 2200
    alice sell 1 BTCUSDT @ 10000 x10 isolated
    alice sell 10 ETHUSDT @ 1000 x10 isolated
    mark BTCUSDT 11500
    -> alice liquidated; alice flat BTCUSDT; alice short 10 ETHUSDT; alice wallet 200; all accounts sum to 0
    """


@scenario
def test_cross_positions_stand_together(world: World) -> None:
    """The loss of one is borne by the profit of the other: only the sum counts.

    market ETHUSDT tick 0.01 step 0.001
    fund deposit 20000
    alice deposit 1100
    alice sell 1 BTCUSDT @ 10000 x20
    alice sell 10 ETHUSDT @ 1000 x20
    mark ETHUSDT 900
    mark BTCUSDT 11900
    -> nobody liquidated
    mark ETHUSDT 980
    -> alice liquidated; all accounts sum to 0
    """
