"""The levels conditional orders wait at find exactly what a look at every order would find."""

import copy
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bearskin.exchange._state import Account, Algo, Order, State
from bearskin.exchange._triggers import Trail, Triggers, is_reached, path, walk

D = Decimal
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def algo(number, type_, side, level=None, *, rate=None, symbol="BTCUSDT", by_mark=False, good_till_ns=0, qty="1"):
    trailing = type_ == "TRAILING_STOP_MARKET"
    return Algo(
        id=number, account=2, symbol=symbol, side=side, position_side="BOTH", type=type_, tif="GTC", qty=D(qty),
        trigger_price=None if trailing else D(level), activate_price=D(level) if trailing and level else None,
        callback_rate=None if rate is None else D(rate), by_mark=by_mark, good_till_ns=good_till_ns,
    )  # fmt: skip


def trail(side, *, extreme, rate, activate=None):
    found = algo(1, "TRAILING_STOP_MARKET", side, activate, rate=rate)
    found.extreme, found.armed = (None, False) if extreme is None else (D(extreme), True)
    return found


def prices(*numbers):
    return [D(number) for number in numbers]


# --- one order -------------------------------------------------------------------------------------------------------


def test_stops_and_targets_wait_on_the_sides_the_venue_says():
    """STOP: buy at or above, sell at or below; TAKE_PROFIT the other way round."""
    for type_, side, below, at, above in (
        ("STOP_MARKET", 1, False, True, True),
        ("STOP", -1, True, True, False),
        ("TAKE_PROFIT", 1, True, True, False),
        ("TAKE_PROFIT_MARKET", -1, False, True, True),
    ):
        waiting = algo(1, type_, side, 100)
        assert [is_reached(waiting, price) for price in prices(99, 100, 101)] == [below, at, above]


def test_a_trailing_sell_follows_the_price_up_and_fires_when_it_falls_back():
    order = trail(-1, extreme=100, rate=1)
    assert not walk(order, prices("99.01", "103", "105", "103.96"))  # 105 less 1 % is 103.95
    assert order.extreme == 105
    assert walk(order, prices("103.95"))


def test_a_trailing_buy_follows_the_price_down_and_fires_when_it_rises_back():
    order = trail(1, extreme=100, rate="0.5")
    assert not walk(order, prices("100.49", "98", "96", "96.47"))  # 96 and 0.5 % is 96.48
    assert order.extreme == 96
    assert walk(order, prices("96.48"))


def test_a_trail_waits_for_its_activation_price_before_it_follows():
    order = trail(-1, extreme=None, rate=1, activate=110)
    assert not walk(order, prices(100, 105, 90))
    assert (order.armed, order.extreme) == (False, None)
    assert not walk(order, prices(112))
    assert (order.armed, order.extreme) == (True, 112)
    assert walk(order, prices("110.88"))
    bought = trail(1, extreme=None, rate=1, activate=90)
    assert not walk(bought, prices(100, 91))
    assert not bought.armed
    assert not walk(bought, prices(90))
    assert bought.armed
    assert walk(bought, prices("90.9"))


def test_a_trail_without_activation_price_is_armed_by_the_first_price_there_is():
    order = trail(-1, extreme=None, rate=1)
    assert not walk(order, prices(50))
    assert (order.armed, order.extreme) == (True, 50)


def test_one_sweep_goes_one_way():
    """A sell that swept 105 down to 100 moves the trail to 105 first; a buy from 100 up to 105 fires the old one."""
    assert path(100, 105, 100) == (105, 100)
    assert path(100, 105, 105) == (100, 105)
    assert path(100, 105, 103) == (100, 105, 103)
    assert path(100, 100, 100) == (100,)
    assert walk(trail(-1, extreme=100, rate=4), [D(point) for point in path(100, 105, 100)])
    assert not walk(trail(-1, extreme=100, rate=4), [D(point) for point in path(100, 105, 105)])


def test_a_band_spares_trails_that_nothing_happens_to():
    kept = Trail()
    sell, buy = trail(-1, extreme=105, rate=1), trail(1, extreme=95, rate=20)
    buy.id = 2
    kept.add(sell)
    kept.add(buy)
    assert kept.reached(prices(104)) == []
    sell.extreme = D(1000)  # would fire if anyone looked
    assert kept.reached(prices(105)) == []
    assert kept.reached(prices("103.95")) == [1]
    assert kept.reached(prices("113.99")) == []
    assert kept.reached(prices(114)) == [2]


# --- many orders -----------------------------------------------------------------------------------------------------


def naive(state, symbol, by_mark, points):
    """What the docstrings say, order by order."""
    found = []
    for number, waiting in state.algos.items():
        if waiting.symbol != symbol or waiting.by_mark != by_mark:
            continue
        if waiting.type == "TRAILING_STOP_MARKET":
            reached = walk(waiting, points)
        else:
            reached = any(is_reached(waiting, price) for price in points)
        if reached:
            found.append(number)
    return found


level = st.integers(90, 110).map(str)
orders = st.tuples(
    st.sampled_from(["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]),
    st.sampled_from([1, -1]),
    level,
    st.sampled_from(["0.1", "1", "3", "10"]),
    st.sampled_from(SYMBOLS),
    st.booleans(),
    st.sampled_from([None, "100", "now"]),
)
steps = st.one_of(
    st.tuples(st.just("place"), orders),
    st.tuples(st.just("cancel"), st.integers(0, 200)),
    st.tuples(st.just("mark"), st.sampled_from(SYMBOLS), level),
    st.tuples(st.just("trade"), st.sampled_from(SYMBOLS), st.lists(st.integers(88, 112), min_size=1, max_size=3)),
    st.tuples(st.just("rebuild")),
)


class Pair:
    """The levels on one state, and a second state in which every order is looked at each time."""

    def __init__(self):
        self.state, self.plain = State(), State()
        self.triggers = Triggers(self.state)
        self.next = 1

    def place(self, type_, side, at, rate, symbol, by_mark, start):
        trailing = type_ == "TRAILING_STOP_MARKET"
        new = algo(self.next, type_, side, at, rate=rate if trailing else None, symbol=symbol, by_mark=by_mark)
        if trailing and start != "100":
            new.activate_price = None
            new.extreme, new.armed = (D(at), True) if start == "now" else (None, False)
        self.state.algos[self.next] = new
        self.plain.algos[self.next] = copy.copy(new)
        self.triggers.add(new)
        self.next += 1

    def cancel(self, which):
        if self.state.algos:
            number = list(self.state.algos)[which % len(self.state.algos)]
            gone = self.state.algos.pop(number)
            self.triggers.drop(gone)
            del self.plain.algos[number]

    def mark(self, symbol, at):
        found = self.triggers.marked(symbol, D(at)) if symbol in self.triggers.by_mark else []
        self.compare(found, naive(self.plain, symbol, True, [D(at)]))

    def trade(self, symbol, ticks):
        points = [D(point) for point in path(min(ticks), max(ticks), ticks[-1])]
        found = self.triggers.traded(symbol, points) if symbol in self.triggers.by_last else []
        self.compare(found, naive(self.plain, symbol, False, points))

    def rebuild(self):
        self.triggers = Triggers(self.state)

    def compare(self, found, expected):
        assert sorted(found) == expected
        for number in found:
            del self.state.algos[number], self.plain.algos[number]
        # arming and extremes are state too
        assert self.state == self.plain


@given(st.lists(steps, max_size=60))
@settings(max_examples=150, deadline=None)
def test_the_levels_find_what_a_scan_finds_whatever_came_before(script):
    pair = Pair()
    for what, *arguments in script:
        arguments = arguments[0] if what == "place" else arguments
        getattr(pair, what)(*arguments)


def test_levels_full_of_cancelled_orders_are_swept():
    """Somebody who moves a stop all day leaves thousands of ended ones behind."""
    pair = Pair()
    pair.place("STOP_MARKET", 1, "109", None, "BTCUSDT", False, None)
    for _ in range(2000):
        pair.place("STOP_MARKET", 1, "108", None, "BTCUSDT", False, None)
        pair.cancel(1)
    levels = pair.triggers.by_last["BTCUSDT"]
    assert len(levels.rising) + len(levels.falling) < 200
    pair.trade("BTCUSDT", [109])
    assert not pair.state.algos


# --- time ------------------------------------------------------------------------------------------------------------


def account_with(**countdowns):
    return Account(id=2, name="a", kind="USER", wallet_name="user/2", spot_name="spot/2", countdowns=countdowns)


def resting(number, good_till_ns):
    return Order(
        id=number, account=2, symbol="BTCUSDT", side=1, position_side="BOTH", type="LIMIT", original_type="LIMIT",
        tif="GTD", price_ticks=1, qty_steps=1, good_till_ns=good_till_ns,
    )  # fmt: skip


def test_what_ends_by_the_clock_comes_in_order_of_time_and_only_if_it_still_stands():
    state = State(
        orders={7: resting(7, 30), 8: resting(8, 10), 9: resting(9, 0)},
        algos={5: algo(5, "STOP", 1, 100, good_till_ns=20), 6: algo(6, "STOP", 1, 100, good_till_ns=20)},
        accounts={2: account_with(BTCUSDT=20)},
    )
    triggers = Triggers(state)
    del state.algos[6]
    assert triggers.due(9) == []
    assert triggers.due(25) == [(10, 0, 8, ""), (20, 1, 5, ""), (20, 2, 2, "BTCUSDT")]
    assert triggers.due(25) == []
    del state.orders[7]
    assert triggers.due(100) == []


def test_a_countdown_set_anew_every_second_leaves_nothing_behind():
    account = account_with()
    state = State(accounts={2: account})
    triggers = Triggers(state)
    for now in range(5000):
        account.countdowns["BTCUSDT"] = 10**9 + now
        triggers.note_countdown(account, "BTCUSDT")
    assert len(triggers._deadlines) < 200
    assert triggers.due(10**9 + 4998) == []
    assert triggers.due(10**9 + 4999) == [(10**9 + 4999, 2, 2, "BTCUSDT")]
