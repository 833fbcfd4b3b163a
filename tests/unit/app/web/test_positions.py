"""What is held, reckoned: ratios, liquidation alone and together, what a shock does; by figures worked by hand."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.app.web import _account_rows as account_rows
from bearskin.app.web._account_link import Account
from bearskin.app.web._account_rows import CLOSED, FUNDING, csv_of
from bearskin.app.web._demo_control import DemoControl
from bearskin.app.web._positions import Standing, held_json, standing_of
from bearskin.app.web._positions_html import cells_of, digits_of, lights, meter, protection, shock_words
from bearskin.app.web._positions_shock import shock
from bearskin.terms import BadInput, Bracket, Brackets, Instrument, MarginMode, PositionNow, Product

D = Decimal
BTC, ETH = "BTCUSDT", "ETHUSDT"


def terms(symbol: str, *rows: tuple[str, str, str]) -> tuple[Instrument, Brackets]:
    """An instrument, and brackets as (floor, rate, amount)."""
    rows = rows or (("0", "0.01", "0"),)
    instrument = Instrument(
        venue="demo", symbol=symbol, product=Product.LINEAR, base=symbol[:-4], quote="USDT", settle="USDT",
        tick=D("0.1"), step=D("0.001"), min_qty=D("0.001"), min_notional=D(5),
    )  # fmt: skip
    caps = [*(D(row[0]) for row in rows[1:]), D(10**9)]
    brackets = tuple(
        Bracket(floor=D(floor), cap=cap, mmr=D(mmr), max_leverage=100, cum=D(cum))
        for (floor, mmr, cum), cap in zip(rows, caps, strict=True)
    )
    return instrument, Brackets(venue="demo", symbol=symbol, snapshot="made up", rows=brackets)


def held(symbol: str, qty: str, entry: str, **more: Any) -> PositionNow:
    more.setdefault("margin_mode", MarginMode.CROSS)
    return PositionNow(symbol=symbol, qty=D(qty), entry=D(entry), leverage=D(5), **more)


def account(*positions: PositionNow, wallet: str = "10000", known: tuple[str, ...] = (BTC, ETH)) -> Account:
    return Account(wallet=D(wallet), available=D(1), positions=positions, terms={one: terms(one) for one in known})


def trade(symbol: str, qty: str, **more: Any) -> dict[str, Any]:
    side = "short" if qty.startswith("-") else "long"
    told = {"symbol": symbol, "side": side, "qty": qty, "entry": "100", "margin_mode": "isolated", "leverage": "5"}
    return {**told, "liquidation_price": None, "fees": "0.10", "funding": "0.00", **more}


def now(told: Account, **marks: str) -> Standing:
    return standing_of(told, None, {symbol: D(price) for symbol, price in marks.items()})


def test_an_isolated_short_stands_on_its_own_margin():
    """10 coins at 100 on 200: at 110 it has lost 100, maintenance 1 % of 1,100 on the 100 that are left is 11 %."""
    told = account(held(BTC, "-10", "100", margin_mode=MarginMode.ISOLATED, margin=D(200)))
    (one,) = now(told, BTCUSDT="110").held
    assert (one.pnl, one.ratio) == (D(-100), D("0.11"))
    assert one.roe is not None
    assert one.roe.quantize(D("0.0001")) == D("-0.4545")  # over 1,100 / 5
    assert one.liquidation[0].quantize(D("0.01")) == D("118.81")  # 1,200 / 10.1
    assert one.joint is None


def test_two_shorts_on_one_wallet_die_together_before_either_dies_alone():
    """50 at 100 and 50 at 100 on 2,000. Together: 2,000 + 10,000 = 101 p, at 118.81; alone with the other at 100:
    2,000 - 50 + 5,000 = 50.5 p, at 137.62."""
    told = account(held(BTC, "-50", "100"), held(ETH, "-50", "100"), wallet="2000")
    found = now(told, BTCUSDT="100", ETHUSDT="100")
    assert [move.quantize(D("0.0001")) for move in found.moves] == [D("0.1881")]
    for one in found.held:
        assert one.joint is not None
        assert one.joint.quantize(D("0.01")) == D("118.81")
        assert one.liquidation[0].quantize(D("0.01")) == D("137.62")
    assert found.ratio == D(100) / D(2000)


def test_a_pair_in_hedge_mode_has_two_prices():
    """Long 1 and short 0.98 at 60,000 on 1,000, 0.6 % below 50,000 of notional and 1.25 % above."""
    rows = (("0", "0.006", "0"), ("50000", "0.0125", "325"))
    pair = (held(BTC, "1", "60000", leg="LONG"), held(BTC, "-0.98", "60000", leg="SHORT"))
    told = Account(wallet=D(1000), positions=pair, terms={BTC: terms(BTC, *rows)}, dual=True)
    found = now(told, BTCUSDT="60000")
    prices = [[price.quantize(D(1)) for price in one.liquidation] for one in found.held]
    assert prices == [[D(24631), D(94737)]] * 2
    said = cells_of(found.held[0], found, digits_of(told.terms, BTC))["liquidation"]
    assert "24,630.5" in said
    assert "94,736.8" in said


def test_without_brackets_nothing_is_guessed():
    told = account(held(BTC, "-1", "100", liquidation_price=D(150)), known=())
    found = now(told, BTCUSDT="100")
    assert (found.ratio, found.moves, found.maintenance) == (None, (), None)
    (one,) = found.held
    assert (one.liquidation, one.ratio, one.nearest) == ((), None, D(150))
    assert shock(found, told, D("0.2")).unknown == (BTC,)


@pytest.mark.parametrize(
    ("ours", "foreign", "matches"),
    [
        ("-10", {}, "equal"),
        ("-9", {}, "differs"),
        (None, {BTC: "position of -10"}, "not ours"),
        (None, {}, "settling"),  # closed since the venue was asked, or not looked at yet
    ],
)
def test_the_venue_and_the_bot_are_compared(ours, foreign, matches):
    told = account(held(BTC, "-10", "100", margin_mode=MarginMode.ISOLATED, margin=D(200)))
    state = {"positions": [] if ours is None else [trade(BTC, ours)], "prices": {}, "foreign": foreign}
    (one,) = standing_of(told, state, {}).held
    assert one.matches == matches


def test_a_position_whose_symbol_is_halted_says_so():
    """Its marks go on, so it looked as if it could be closed like any other."""
    told = account(held(BTC, "-10", "100", margin_mode=MarginMode.ISOLATED, margin=D(200)))
    state = {"positions": [trade(BTC, "-10")], "prices": {}, "foreign": {}}
    open_now = standing_of(told, state, {})
    assert "halted" not in cells_of(open_now.held[0], open_now, digits_of(told.terms, BTC))["what"]
    halted = standing_of(told, state | {"not_trading": {BTC: "halted"}}, {})
    assert "trading is halted at the venue" in cells_of(halted.held[0], halted, digits_of(told.terms, BTC))["what"]
    assert held_json(halted.held[0])["not_trading"] == "trading is halted at the venue"


def test_what_the_venue_has_not_shown_is_told_as_such():
    state = {"positions": [trade(ETH, "-2")], "prices": {}}
    (one,) = standing_of(account(), state, {ETH: D(90)}).held
    assert (one.matches, one.pnl) == ("unseen", D(20))
    assert held_json(one)["matches"] == "unseen"


def test_a_shock_takes_the_margin_of_the_isolated_and_leaves_the_wallet():
    """The short at 100 on 200 is liquidated at +18.81 %; the account loses those 200 and no more."""
    told = account(held(BTC, "-10", "100", margin_mode=MarginMode.ISOLATED, margin=D(200)))
    found = shock(now(told, BTCUSDT="100"), told, D("0.5"))
    assert found.equity_joint == D(9800)
    assert found.positions[0].joint_frac.quantize(D("0.0001")) == D("0.1881")
    lives = shock(now(told, BTCUSDT="100"), told, D("0.1"))
    assert (lives.equity_joint, lives.positions[0].joint_frac) == (D(9900), None)


def test_a_shock_tells_together_from_alone():
    told = account(held(BTC, "-50", "100"), held(ETH, "-50", "100"), wallet="2000")
    found = shock(now(told, BTCUSDT="100", ETHUSDT="100"), told, D("0.2"))
    assert found.cross_frac is not None
    assert found.equity_joint == 0
    assert found.equity_alone == D(1000)  # 50 coins 20 dearer
    assert all(row.alone_frac is None for row in found.positions)
    assert "liquidated at +18.8 %" in shock_words(found, "USDT")


def test_a_fall_pays_the_short():
    told = account(held(BTC, "-50", "100"), wallet="2000")
    found = shock(now(told, BTCUSDT="100"), told, D("-0.2"))
    assert (found.equity_joint, found.cross_frac) == (D(3000), None)


def test_a_shock_beyond_reason_is_refused():
    told = account()
    with pytest.raises(BadInput, match="from -95 to 300 %"):
        shock(now(told), told, D(9))


def test_bars_and_lights_say_their_figure_without_colour():
    assert 'aria-valuenow="92.0"' in meter(D("0.92"), "x")
    assert "liquidation is near" in meter(D("0.92"), "x")
    assert "4 of 4" in lights(4)
    assert "UNPROTECTED 3.2 s" in protection({"purpose": "speculation", "protected": False, "unprotected_s": 3.2})
    silent = {"protected": True, "protected_as_of": "2026-11-22T12:00:07Z", "protected_unheard_s": 12.3}
    assert "PROTECTED (last heard 12 s ago)" in protection(silent)
    assert 'class="guard warn"' in protection(silent)
    assert "no stop" in protection({"purpose": "hedge", "protected": False, "stop": None})


@pytest.mark.parametrize(("fees", "shown"), [("0.10", "−0.10"), ("0.00", "0.00"), ("-0.30", "0.30")])
def test_fees_are_what_they_cost_and_a_maker_s_rebate_is_none(fees, shown):
    told = account(held(BTC, "-10", "100", margin_mode=MarginMode.ISOLATED, margin=D(200)))
    found = standing_of(told, {"positions": [trade(BTC, "-10", fees=fees)], "prices": {}}, {})
    assert cells_of(found.held[0], found, digits_of(told.terms, BTC))["cost"].endswith(f">{shown}</div>")


def test_what_is_typed_by_somebody_is_escaped():
    told = account(held("<b>X", "-1", "100"), known=())
    found = now(told)
    assert "<b>X" not in cells_of(found.held[0], found, digits_of({}, "X"))["what"]


def test_rows_become_comma_separated_text():
    rows = [{"time": "2026-01-01T00:00:00Z", "symbol": BTC, "amount": "-0.1", "asset": "USDT", "id": "7", "more": "no"}]
    assert csv_of(rows, FUNDING) == (
        "time,symbol,amount,asset,id\n2026-01-01T00:00:00Z,BTCUSDT,-0.1,USDT,7\n"
    )  # fmt: skip


def test_rows_of_a_symbol_that_the_venue_does_not_have_are_bad_input():
    def unified(symbol: str) -> str:
        return {"BTCUSDT": "BTC/USDT:USDT"}[symbol]

    account: Any = SimpleNamespace(able=lambda _: True)
    desk: Any = SimpleNamespace(market=SimpleNamespace(unified=unified), account=account, symbols=("BTCUSDT",))
    for look in (account_rows.fills, account_rows.funding, account_rows.liquidations):
        with pytest.raises(BadInput, match="'ÒN' is no perpetual of this venue"):
            asyncio.run(look(desk, "òn"))


@pytest.mark.parametrize("symbol", ["BTC/../../x", "BTC?x=1", "Ç", "", "B" * 41])
def test_what_is_no_symbol_gets_into_no_address_of_the_demo(symbol):
    control = DemoControl("http://127.0.0.1:9", "token")
    with pytest.raises(BadInput, match="is no symbol"):
        asyncio.run(control.push(symbol, Decimal(1)))
    with pytest.raises(BadInput, match="is no symbol"):
        asyncio.run(control.release(symbol))


def test_fills_of_every_symbol_come_together_the_newest_first():
    def raw(symbol: str, ms: int) -> dict[str, Any]:
        return {"symbol": symbol, "timestamp": ms, "id": ms, "side": "sell", "amount": 1, "price": 5, "order": "o"}

    async def told(method: str, name: str, since: None, limit: int, **_: Any) -> list[dict[str, Any]]:
        assert (method, since, limit) == ("fetch_my_trades", None, 2)
        return [raw(name, 1_000), raw(name, 3_000 if name[0] == "B" else 2_000)]

    names = {"BTCUSDT": "BTC/USDT:USDT", "ETHUSDT": "ETH/USDT:USDT"}
    account: Any = SimpleNamespace(told=told, exchange=SimpleNamespace(markets={}))
    bot = SimpleNamespace(now=SimpleNamespace(state=None))
    market = SimpleNamespace(unified=names.__getitem__)
    desk: Any = SimpleNamespace(market=market, account=account, symbols=tuple(names), bot=bot)
    found = asyncio.run(account_rows.fills(desk, None, 2))
    assert [(one["symbol"], one["time"][17:19]) for one in found] == [("BTC/USDT:USDT", "03"), ("ETH/USDT:USDT", "02")]


def test_a_thesis_in_a_csv_is_no_formula_and_an_amount_stays_one():
    rows = [{"trade": 7, "symbol": "BTCUSDT", "net": "-3.11", "thesis": '=HYPERLINK("http://x")'}]
    head, line = csv_of(rows, CLOSED).splitlines()
    assert head.split(",")[0] == "trade"
    assert ",-3.11," in line
    assert line.endswith('"\'=HYPERLINK(""http://x"")"')
