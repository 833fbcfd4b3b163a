"""Positions and money after fills: figures by hand, and what holds whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.exchange.floor import BTC, ETH, Bench, D, check_books, code_of, exact

from bearskin.exchange._clearing import pay, tell_changes
from bearskin.exchange._core import Exchange
from bearskin.exchange._handing import hand_off
from bearskin.exchange._orders import force
from bearskin.exchange._words import AccountUpdated, Deposit, Income, OrderUpdated, SetMark, Traded


def incomes(events, account=None):
    return [(e.type, e.amount) for e in events if isinstance(e, Income) and account in (None, e.account)]


def updated(events, account):
    (found,) = [e for e in events if isinstance(e, AccountUpdated) and e.account == account]
    return found


# --- cross --------------------------------------------------------------------------------------------------------


def test_a_trade_costs_both_their_fee():
    bench = Bench()
    bench.order(1, -2, 100)
    events = bench.place(0, 2, 100)
    # 200 of notional: 0.05 % for who takes, 0.02 % for who rested
    assert (bench.wallet(0), bench.wallet(1)) == (D("99999.9"), D("99999.96"))
    assert bench.balance("fees") == D("0.14")
    assert incomes(events) == [("COMMISSION", D("-0.1")), ("COMMISSION", D("-0.04"))]
    told = updated(events, bench.ids[0])
    assert told.reason == "ORDER"
    assert [(b.asset, b.wallet, b.cross_wallet, b.change) for b in told.balances] == [
        ("USDT", D("99999.9"), D("99999.9"), 0)
    ]
    assert [(p.symbol, p.side, p.qty, p.cost, p.isolated) for p in told.positions] == [(BTC, "BOTH", 2, 200, False)]
    check_books(bench)


def test_a_resting_order_updates_no_account():
    bench = Bench()
    assert not [e for e in bench.place(0, 1, 99) if isinstance(e, AccountUpdated)]


def test_profit_is_what_the_price_moved():
    bench = Bench(maker_fee_rate=D(0), taker_fee_rate=D(0))
    bench.trade(0, 1, 2, 100)
    bench.trade(0, 2, 1, 103)
    assert (bench.position(0).qty, bench.position(0).cost) == (3, 303)
    bench.order(2, 3, 104)
    events = bench.place(0, -3, 104)
    assert incomes(events, bench.ids[0]) == [("REALIZED_PNL", 9)]
    assert bench.wallet(0) == 100_009
    assert bench.position(0) is None
    (flat,) = updated(events, bench.ids[0]).positions
    assert (flat.qty, flat.cost, flat.realised) == (0, 0, 9)
    check_books(bench)


def test_closing_a_third_takes_a_third_of_the_cost():
    bench = Bench(maker_fee_rate=D(0), taker_fee_rate=D(0))
    bench.trade(0, 1, 2, 100)
    bench.trade(0, 1, 1, 101)
    bench.trade(2, 0, 1, 102)
    # 301 / 3 has no end: cut to eight digits, the rest of the cost stays
    assert bench.position(0).cost == D("200.66666667")
    assert bench.wallet(0) == 100_000 + D("1.66666667")
    check_books(bench)


def test_a_flip_closes_and_opens_at_the_price():
    bench = Bench(maker_fee_rate=D(0), taker_fee_rate=D(0))
    bench.trade(0, 1, 2, 100)
    bench.trade(2, 0, 5, 104)
    assert (bench.position(0).qty, bench.position(0).cost, bench.position(0).realised) == (-3, -312, 8)
    assert bench.wallet(0) == 100_008
    check_books(bench)


def test_fees_are_rounded_half_even_to_eight_digits():
    bench = Bench(tick=D("0.001"), min_price=D("0.001"), taker_fee_rate=D("0.00001"), maker_fee_rate=D(0))
    # 1.001 * 100.005 * 0.00001 = 0.00100105005 (up to 0.00100105), 1.003 gives 0.0010030501...
    bench.trade(0, 1, "1.001", "100.005")
    assert bench.wallet(0) == 100_000 - D("0.00100105")


@pytest.mark.parametrize(("tier", "taker", "maker"), [(0, "0.1", "0.04"), (3, "0.064", "0.024"), (9, "0.034", "0")])
def test_fee_tiers(tier, taker, maker):
    bench = Bench()
    bench.account(0).fee_tier = bench.account(1).fee_tier = tier
    bench.trade(0, 1, 2, 100)
    assert (bench.wallet(0), bench.wallet(1)) == (100_000 - D(taker), 100_000 - D(maker))


def test_income_lines_are_numbered_once():
    bench = Bench()
    bench.trade(0, 1, 2, 100)
    bench.order(2, 2, 101)
    numbers = [e.transfer_id for e in bench.place(0, -2, 101) if isinstance(e, Income)]
    assert len(numbers) == len(set(numbers)) == 3


# --- isolated -----------------------------------------------------------------------------------------------------


def isolated(leverage: int = 10, money: int = 1_000) -> Bench:
    """Account 0 holds 10 coins from 100 at 10x isolated, fees of its own aside; 1 is on the other side, rich."""
    bench = Bench(money=money, accounts=4, multiplier_down=D("0.5"))
    for i in (1, 2):
        with exact():
            pay(bench.floor, bench.account(i), "USDT", D(1_000_000), "outside", "DEPOSIT")
    bench.floor.dirty.clear()
    bench.floor.changed.clear()
    bench.setting(0, leverage, True)
    bench.trade(0, 1, 10, 100)
    return bench


def margin(bench, i=0, side="BOTH", symbol=BTC):
    return bench.balance(f"user/{bench.ids[i]}/{symbol}/{side}")


def test_margin_is_set_aside_and_the_fee_is_not_part_of_it():
    bench = isolated()
    assert margin(bench) == 100
    assert bench.wallet(0) == D("899.5")  # 1000 - 100 - 0.05 % of 1000
    check_books(bench)


def test_margin_that_has_no_end_is_rounded_up():
    bench = isolated(leverage=3)
    assert margin(bench) == D("333.33333334")


def test_a_part_closed_sets_its_share_of_the_margin_free():
    bench = isolated()
    bench.order(2, 4, 101)
    events = bench.place(0, -4, 101)
    assert margin(bench) == 60
    # 40 come back, 4 of profit, 404 * 0.05 % of fee
    assert bench.wallet(0) == D("899.5") + 40 + 4 - D("0.202")
    told = updated(events, bench.ids[0])
    assert (told.balances[0].wallet, told.balances[0].cross_wallet) == (bench.wallet(0) + 60, bench.wallet(0))
    assert told.positions[0].isolated_wallet == 60
    check_books(bench)


def test_a_loss_eats_what_is_set_free():
    bench = isolated()
    bench.order(2, 4, 95)
    bench.place(0, -4, 95)
    # 40 free, 20 lost, 380 * 0.05 % of fee
    assert margin(bench) == 60
    assert bench.wallet(0) == D("899.5") + 20 - D("0.19")
    check_books(bench)


def test_a_larger_loss_eats_the_rest_of_the_margin():
    bench = isolated()
    bench.order(2, 4, 85)
    bench.place(0, -4, 85)
    # 60 lost and 0.17 of fee: 40 are free, the rest comes out of the 60 that stay
    assert margin(bench) == 60 - 20 - D("0.17")
    assert bench.wallet(0) == D("899.5")
    check_books(bench)


def test_no_more_than_the_margin_is_ever_lost():
    bench = isolated()
    with exact():
        pay(bench.floor, bench.state.accounts[1], "USDT", D(30), "outside", "DEPOSIT")
    bench.floor.changed.clear()
    bench.mark(86)
    bench.order(2, 10, 85)
    events = bench.place(0, -10, 85)
    # lost 150 and 0.425 of fee against 100: the fund has 30, the house carries the rest
    assert bench.wallet(0) == D("899.5")
    assert margin(bench) == 0
    assert (bench.balance("insurance"), bench.balance("house")) == (0, D("-20.425"))
    assert incomes(events, bench.ids[0]) == [
        ("INSURANCE_CLEAR", D("50.425")), ("REALIZED_PNL", -150), ("COMMISSION", D("-0.425"))
    ]  # fmt: skip
    assert bench.position(0) is None
    check_books(bench)


def test_an_isolated_flip_takes_new_margin():
    bench = isolated()
    bench.order(2, 15, 102)
    bench.place(0, -15, 102)
    # 5 short from 102 at 10x; 100 back, 20 of profit, 1530 * 0.05 % of fee
    assert margin(bench) == 51
    assert bench.wallet(0) == D("899.5") + 100 + 20 - 51 - D("0.765")
    check_books(bench)


@pytest.mark.parametrize(("more", "code"), [(D("82.50"), 0), (D("82.49"), -2019)])
def test_an_isolated_flip_needs_the_new_margin_beyond_what_it_sets_free(more, code):
    bench = Bench(money=1_000_000, maker_fee_rate=D(0), taker_fee_rate=D(0))
    bench.setting(0, 10, True)
    bench.trade(1, 0, 10, 100)
    # all but `more` of the wallet goes; the short's loss of 75 leaves 25 of its margin, the long asks for 107.5
    bench.do(Deposit, account=bench.ids[0], amount=more - bench.wallet(0))
    bench.do(SetMark, symbol=BTC, price=D("107.5"))
    bench.order(2, -20, "107.5")
    assert (bench.wallet(0), margin(bench)) == (more, 100)
    assert code_of(bench.place(0, 20, "107.5")) == code
    assert margin(bench) == (100 if code else D("107.5"))
    check_books(bench)


def test_a_fee_that_the_wallet_cannot_pay_comes_out_of_the_margin():
    bench = Bench(money=101, accounts=4, maker_fee_rate=D("0.02"))
    for i in (1, 2):
        with exact():
            pay(bench.floor, bench.account(i), "USDT", D(1_000_000), "outside", "DEPOSIT")
    bench.floor.dirty.clear()
    bench.floor.changed.clear()
    bench.setting(0, 10, True)
    # a maker's order reserves no fee: 100 of margin, 20 of fee, 101 in the wallet
    bench.order(0, 10, 100)
    bench.place(1, -10, 100)
    assert (bench.wallet(0), margin(bench)) == (0, 81)
    check_books(bench)


def beside_a_cross_long(mark):
    """A cross long of 100 from 100 at 20x, and 50 of another symbol bid at 97 with isolated margin at 10x."""
    bench = Bench(symbols=(BTC, ETH), money=1_000, accounts=4, maker_fee_rate=D(0), taker_fee_rate=D(0))
    bench.setting(0, 10, True, symbol=ETH)
    for i in (1, 2):
        bench.do(Deposit, account=bench.ids[i], amount=D(1_000_000))
    bench.trade(0, 1, 100, 100)
    bench.order(0, 50, 97, symbol=ETH)
    bench.do(SetMark, symbol=ETH, price=D(97))
    bench.do(SetMark, symbol=BTC, price=D(mark))
    bench.place(2, -50, 97, symbol=ETH)
    check_books(bench)
    return bench


def test_an_isolated_fill_leaves_the_cross_positions_their_maintenance():
    bench = beside_a_cross_long("91.5")
    # 1000 less a loss of 850; 45.75 is what the cross long has to keep, and a digit more to live
    assert margin(bench, symbol=ETH) == D("104.24999999")
    assert bench.position(0).qty == 100
    assert bench.balance("insurance") == 0


def test_open_profit_is_margin_for_an_isolated_fill():
    bench = beside_a_cross_long("150")
    assert margin(bench, symbol=ETH) == 485
    assert code_of(bench.place(2, -100, 97, symbol=ETH)) == code_of(bench.place(0, 100, 97, symbol=ETH)) == 0
    # 1000 in the wallet, 5000 of open profit: what was enough to place the order is enough to carry it
    assert (margin(bench, symbol=ETH), bench.wallet(0)) == (1_455, -455)
    check_books(bench)


def test_both_legs_of_a_hedge_have_margin_of_their_own():
    bench = Bench()
    bench.account(0).dual = True
    bench.setting(0, 10, True)
    bench.order(1, -10, 100)
    bench.order(0, 10, 100, position_side="LONG")
    bench.order(1, 5, 100)
    bench.order(0, -5, 100, position_side="SHORT")
    assert (margin(bench, side="LONG"), margin(bench, side="SHORT")) == (100, 50)
    bench.order(1, 10, 101)
    bench.place(0, -10, 101, position_side="LONG")
    assert (margin(bench, side="LONG"), margin(bench, side="SHORT")) == (0, 50)
    check_books(bench)


# --- what others call ---------------------------------------------------------------------------------------------


def test_handing_over_closes_at_any_price_without_a_fee():
    bench = Bench(maker_fee_rate=D(0), taker_fee_rate=D(0))
    bench.trade(0, 1, 10, 100)
    bench.order(0, -10, 110, reduce_only=True)
    fund = bench.state.accounts[1]
    with exact():
        bench.floor.out = []
        hand_off(bench.floor, bench.account(0), bench.position(0), fund, 4_000, D("97.123"), "LIQUIDATION")
        assert (bench.position(0).qty, fund.positions[f"{BTC}/BOTH"].qty) == (6, 4)
        hand_off(bench.floor, bench.account(0), bench.position(0), bench.account(2), 6_000, D("97.123"), "ADL")
        tell_changes(bench.floor)
    assert bench.wallet(0) == 100_000 - D("28.77")
    assert bench.position(0) is None
    assert not bench.state.orders, "the resting target went with the position"
    assert not [e for e in bench.floor.out if isinstance(e, Traded)]
    assert {e.account for e in bench.floor.out if isinstance(e, AccountUpdated)} == {1, bench.ids[0], bench.ids[2]}
    check_books(bench)


def test_handing_over_closes_the_leg_that_faces():
    bench = Bench(accounts=4)
    bench.account(2).dual = True
    bench.trade(0, 1, 10, 100)
    bench.order(3, 5, 100)
    bench.order(2, -5, 100, position_side="SHORT")
    with exact():
        hand_off(bench.floor, bench.account(0), bench.position(0), bench.account(2), 5_000, D(99), "ADL")
    assert bench.position(2, "SHORT") is None
    assert bench.position(2, "LONG") is None
    assert bench.position(0).qty == 5


def test_a_forced_order_pays_no_fee_and_is_told_calculated():
    bench = Bench()
    bench.trade(0, 1, 10, 100)
    before = bench.wallet(0)
    bench.order(2, 4, 98)
    bench.order(2, 4, 96)
    with exact():
        bench.floor.out = []
        assert force(bench.floor, bench.account(0), bench.position(0), 10_000, 970, "LIQUIDATION") == 4_000
    orders = [e for e in bench.floor.out if isinstance(e, OrderUpdated) and e.order.account == bench.ids[0]]
    assert [(e.execution, e.order.status) for e in orders] == [
        ("NEW", "NEW"), ("CALCULATED", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")
    ]  # fmt: skip
    assert orders[0].order.client_id.startswith("autoclose-")
    assert bench.wallet(0) == before - 8
    assert bench.position(0).qty == 6
    check_books(bench)


# --- whatever happens ---------------------------------------------------------------------------------------------


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["PLACE"] * 8 + ["MARKET"] * 3 + ["CANCEL", "CANCEL_ALL", "AMEND", "MARK"]),
        st.integers(0, 3),
        st.sampled_from([BTC, ETH]),
        st.sampled_from([1, -1]),
        st.integers(970, 1030),
        st.integers(60, 4000),
        st.booleans(),
        st.sampled_from(["GTC", "GTC", "IOC", "FOK", "GTX"]),
        st.sampled_from(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]),
    ),
    max_size=50,
)


@given(STEPS, st.lists(st.sampled_from(["cross", "isolated", "hedge", "hedge isolated"]), min_size=4, max_size=4))
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost_whatever_orders_come(steps, modes):
    bench = Bench((BTC, ETH), accounts=4, money=2_000)
    for i, mode in enumerate(modes):
        bench.account(i).dual = "hedge" in mode
        for symbol in (BTC, ETH):
            bench.setting(i, (5, 10, 20, 7)[i], "isolated" in mode, symbol)
    for what, i, symbol, side, ticks, steps_, closes, tif, self_trade in steps:
        words = {"symbol": symbol, "self_trade": self_trade}
        if bench.account(i).dual:
            words["position_side"] = "LONG" if (side > 0) != closes else "SHORT"
        else:
            words["reduce_only"] = closes
        qty, price = side * D(steps_) / 1000, D(ticks) / 10
        if what == "PLACE":
            events = bench.place(i, qty, price, tif=tif, **words)
        elif what == "MARKET":
            events = bench.place(i, qty, **words)
        elif what == "MARK":
            bench.mark(price, symbol)
            continue
        else:
            mine = [number for number in bench.account(i).orders if bench.state.orders[number].symbol == BTC]
            if not mine:
                continue
            if what == "CANCEL":
                events = bench.cancel(i, mine[ticks % len(mine)])
            elif what == "CANCEL_ALL":
                events = bench.cancel_all(i)
            else:
                number = mine[ticks % len(mine)]
                events = bench.amend(i, number, bench.state.orders[number].side * abs(qty), price)
        check_books(bench)
        if not code_of(events):
            assert_told(bench, events)
    again = Exchange.restore(bench.exchange.snapshot())
    assert again.state_hash() == bench.exchange.state_hash()
    bench.floor = again.floor
    bench.state = again.state
    check_books(bench)


def assert_told(bench, events):
    """What is told last of an order, a level and an account is how it is."""
    orders, levels, accounts = {}, {}, {}
    for event in events:
        if isinstance(event, OrderUpdated):
            orders[event.order.id] = event.order
        elif type(event).__name__ == "LevelChanged":
            levels[(event.symbol, event.side, event.price)] = event.qty
        elif isinstance(event, AccountUpdated):
            accounts[event.account] = event
    for number, order in orders.items():
        kept = bench.state.orders.get(number)
        if kept is None:
            assert order.status not in ("NEW", "PARTIALLY_FILLED")
        else:
            assert (kept.status, kept.filled_steps) == (order.status, order.filled_steps)
    for (symbol, side, price), qty in levels.items():
        assert dict(bench.floor.books[symbol].levels(side)).get(price, 0) == qty
    for number, event in accounts.items():
        account = bench.state.accounts[number]
        (balance,) = event.balances
        assert balance.cross_wallet == bench.balance(account.wallet_name)
        assert balance.wallet == sum(
            amount
            for name, amount in bench.state.ledgers["USDT"].balances.items()
            if name == account.wallet_name or name.startswith(account.wallet_name + "/")
        )
        for position in event.positions:
            kept = account.positions.get(f"{position.symbol}/{position.side}")
            assert (position.qty, position.cost) == ((kept.qty, kept.cost) if kept else (0, 0))
