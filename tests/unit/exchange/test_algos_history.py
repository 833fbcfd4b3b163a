"""What conditional orders do follows from the state alone, never from how long the process has been alive."""

import random
from decimal import Decimal

import pytest
from unit.exchange.stage import BTC, Stage

from bearskin.exchange._core import Exchange
from bearskin.exchange._report import books_report
from bearskin.exchange._words import (
    AlgoUpdated,
    CancelAlgo,
    CancelAllAlgos,
    Place,
    PlaceAlgo,
    Refused,
    SetCountdown,
    SetMark,
    Tick,
)
from bearskin.terms import SECOND_NS

D = Decimal
KINDS = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


def near(dice, spread=900):
    return D(60000 + dice.randint(-spread, spread))


def conditional(dice, account, now_ns):
    kind = dice.choice(KINDS)
    side = dice.choice((1, -1))
    trailing, limit = kind == "TRAILING_STOP_MARKET", kind in ("STOP", "TAKE_PROFIT")
    closes = kind in ("STOP_MARKET", "TAKE_PROFIT_MARKET") and dice.random() < 0.6
    level = near(dice)
    till = now_ns + dice.randint(601, 640) * SECOND_NS if limit and dice.random() < 0.3 else 0
    return PlaceAlgo(
        time_ns=now_ns, account=account, symbol=BTC, side=side, type=kind,
        trigger_price=None if trailing else level,
        qty=None if closes else D(dice.randint(2, 20)) / 1000,
        price=level + dice.randint(-20, 20) if limit else None,
        tif="GTD" if till else dice.choice(("GTC", "GTE_GTC")), good_till_ns=till, close_position=closes,
        reduce_only=not closes and dice.random() < 0.3, by_mark=dice.random() < 0.4,
        activate_price=near(dice) if trailing and dice.random() < 0.5 else None,
        callback_rate=D(dice.randint(10, 80)) / 100 if trailing else None,
    )  # fmt: skip


def command(dice, accounts, now_ns):
    account = dice.choice(accounts)
    what = dice.random()
    if what < 0.3:
        return conditional(dice, account, now_ns)
    if what < 0.7:
        return Place(
            time_ns=now_ns, account=account, symbol=BTC, side=dice.choice((1, -1)), type="LIMIT",
            qty=D(dice.randint(2, 30)) / 1000, price=near(dice, 400),
        )  # fmt: skip
    if what < 0.85:
        return SetMark(time_ns=now_ns, symbol=BTC, price=near(dice))
    if what < 0.9:
        return CancelAlgo(time_ns=now_ns, account=account, algo_id=dice.randint(1, 60))
    if what < 0.92:
        return CancelAllAlgos(time_ns=now_ns, account=account, symbol=BTC)
    if what < 0.95:
        return SetCountdown(time_ns=now_ns, account=account, symbol=BTC, after_ns=dice.randint(0, 9) * SECOND_NS)
    return Tick(time_ns=now_ns)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_exchange_restored_at_every_turn_lives_the_same_life(seed):
    dice = random.Random(seed)
    stage = Stage()
    accounts = [stage.maker, stage.trader, stage.open("third", "50000"), stage.open("fourth", "50000")]
    one = stage.exchange
    two = Exchange.restore(one.snapshot())
    now_ns = stage.now_ns
    ended = dict.fromkeys(("FINISHED", "REJECTED", "EXPIRED", "CANCELED"), 0)
    for turn in range(500):
        now_ns += dice.randint(0, 30) * SECOND_NS // 10
        said = command(dice, accounts, now_ns)
        first, second = one.apply(said), two.apply(said)
        assert first == second
        for event in first:
            if isinstance(event, AlgoUpdated) and event.algo.status in ended:
                ended[event.algo.status] += 1
        if turn % 7 == 0:
            assert one.state_hash() == two.state_hash()
            two = Exchange.restore(two.snapshot())
        if not isinstance(first[0] if first else None, Refused):
            assert books_report(one.state)["faults"] == []
    assert one.state_hash() == two.state_hash()
    # the walk has been through all ways to end
    assert min(ended.values()) > 0, ended


@pytest.mark.parametrize("seed", [4, 5])
def test_account_and_state_agree_on_what_waits(seed):
    dice = random.Random(seed)
    stage = Stage()
    accounts = [stage.maker, stage.trader, stage.open("third", "50000")]
    now_ns, state = stage.now_ns, stage.exchange.state
    for _ in range(300):
        now_ns += SECOND_NS // 2
        stage.exchange.apply(command(dice, accounts, now_ns))
        waiting = {number: state.algos[number] for account in state.accounts.values() for number in account.algos}
        assert sorted(waiting) == sorted(state.algos)
        assert {algo.status for algo in waiting.values()} <= {"NEW"}
        for account in state.accounts.values():
            names = {state.algos[number].client_id: number for number in account.algos}
            assert names == account.algo_client_ids
        for number, algo in state.triggered.items():
            assert (algo.status, state.orders[algo.order_id].algo_id) == ("TRIGGERED", number)
        assert {order.algo_id for order in state.orders.values() if order.algo_id} == set(state.triggered)
