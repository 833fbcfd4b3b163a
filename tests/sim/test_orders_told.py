"""What orders do to each other: reduce-only, close-position, countdown, price protection."""

from __future__ import annotations

from sim.language import World, scenario


@scenario
def test_resting_target_blocks_a_second_reduce_only_close(world: World) -> None:
    """The trap of closing in a hurry: the target has the position spoken for.

    alice deposit 1000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    mike offers 5 BTCUSDT @ 10010
    alice bids 1 BTCUSDT @ 9500 reduce as t1
    alice buy 1 BTCUSDT market reduce
    -> refused -4118; alice short 1; alice t1 open
    alice cancels t1
    alice buy 1 BTCUSDT market reduce
    -> alice flat; alice wallet 990; all accounts sum to 0
    """


@scenario
def test_reduce_only_is_cut_to_the_position(world: World) -> None:
    """
    alice deposit 1000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    mike offers 5 BTCUSDT @ 10010
    alice buy 3 BTCUSDT market reduce
    -> alice flat; all accounts sum to 0
    alice buy 1 BTCUSDT market reduce
    -> refused -2022
    """


@scenario
def test_target_expires_when_the_position_is_gone(world: World) -> None:
    """
    alice deposit 1000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    alice bids 1 BTCUSDT @ 9500 reduce as t1
    alice stop buy all BTCUSDT at 10500 as s1
    mike offers 5 BTCUSDT @ 10010
    alice buy 1 BTCUSDT market
    -> alice flat; alice t1 expired; alice s1 expired
    """


@scenario
def test_stop_survives_the_countdown(world: World) -> None:
    """The heartbeat stops, the orders go, the stop stays and does its work.

    alice deposit 2000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    alice stop buy all BTCUSDT at 10500 by mark as s1
    alice offers 0.1 BTCUSDT @ 10300 as o1
    alice countdown BTCUSDT 5s
    wait 4s
    -> alice o1 open
    wait 2s
    -> alice o1 canceled; alice s1 untriggered; alice short 1
    mark 10490
    mike offers 5 BTCUSDT @ 10500
    mark 10500
    -> alice s1 triggered; alice flat; alice wallet 1500
    """


@scenario
def test_second_close_position_stop_is_refused(world: World) -> None:
    """
    alice deposit 1000
    alice stop buy all BTCUSDT at 10500
    -> refused -4509
    alice sell 1 BTCUSDT @ 10000 x20
    alice stop buy all BTCUSDT at 10500 as s1
    alice stop buy all BTCUSDT at 10600 as s2
    -> refused -4130; alice s1 untriggered
    alice target buy all BTCUSDT at 9000 as t1
    -> alice t1 untriggered
    """


@scenario
def test_price_protection_stops_a_stop(world: World) -> None:
    """Last trades 20 % above mark: the protected stop expires instead of buying there, the bare one buys.

    alice deposit 2000
    bob deposit 2000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    bob sell 1 BTCUSDT @ 10000 x20
    alice stop buy 1 BTCUSDT at 11000 protect reduce as s1
    bob stop buy 1 BTCUSDT at 11000 reduce as s1
    last 12000
    -> alice s1 expired; alice short 1; bob s1 triggered
    """


@scenario
def test_stop_by_mark_ignores_the_last_price(world: World) -> None:
    """
    alice deposit 2000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    alice stop buy all BTCUSDT at 10500 by mark as s1
    last 12000
    -> alice s1 untriggered; alice short 1
    """


@scenario
def test_stop_that_would_trigger_at_once_is_refused(world: World) -> None:
    """
    alice deposit 1000
    alice sell 1 BTCUSDT @ 10000 x20
    alice stop buy 1 BTCUSDT at 9999 by mark reduce
    -> refused -2021
    """


@scenario
def test_triggered_stop_is_not_blocked_by_a_resting_target(world: World) -> None:
    """
    alice deposit 2000
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    alice bids 1 BTCUSDT @ 9500 reduce as t1
    alice stop buy 1 BTCUSDT at 10500 by mark reduce as s1
    mark 10490
    mike offers 5 BTCUSDT @ 10500
    mark 10500
    -> alice s1 triggered; alice flat; alice t1 expired; alice wallet 1500
    """


@scenario
def test_closing_needs_no_margin(world: World) -> None:
    """All of the money is in the position; it can be closed all the same.

    alice deposit 500.75
    mike deposit 1000000
    alice sell 1 BTCUSDT @ 10000 x20
    -> alice free 0.75
    mike offers 5 BTCUSDT @ 10010
    alice sell 0.1 BTCUSDT market
    -> refused -2019
    alice buy 1 BTCUSDT market
    -> alice flat; alice wallet 490.75
    """
