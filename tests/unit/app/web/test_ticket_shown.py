"""What a ticket shows: its tables, its payoff with both tails, its carry, what is typed into its fields."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from unit.app.web.ticket_kit import case, draft

from bearskin.app._licence import Licence
from bearskin.app.web._page_ticket_fields import number_of
from bearskin.app.web._ticket_case import Quote, exposure_of, lock_of, rules_of, shut_in
from bearskin.app.web._ticket_json import limits_json, ticket_json
from bearskin.app.web._ticket_levels import suggest
from bearskin.app.web._ticket_payoff import carry_of, payoff_of
from bearskin.app.web._ticket_price import priced
from bearskin.app.web._ticket_tables import caps_table, checks_list, exits_words, gap_table
from bearskin.market import Panel
from bearskin.terms import HOUR_NS, Side

D = Decimal


def test_the_tails_of_a_short_are_told_apart():
    curve = payoff_of(priced(draft(leverage=D(5)), case()))
    assert curve.best.startswith("2,338.83 USDT and no more")
    assert "unbounded by itself" in curve.worst
    by_price = {price: (held, stopped) for price, held, stopped in curve.points}
    assert by_price[0.0][0] == pytest.approx(2338.83)
    assert by_price[120_000.0] == (pytest.approx(-469.17), pytest.approx(-99.89, abs=0.01))  # margin and fee are gone


def test_a_long_gains_without_end():
    made = priced(draft(side="long", stop=D(58_000), leverage=D(5)), case())
    assert payoff_of(made).best.startswith("unbounded")


@pytest.mark.parametrize(
    ("rate", "side", "pays", "who"),
    [
        ("0.0001", "short", "you receive", "longs pay shorts"),
        ("-0.0001", "short", "you pay", "shorts pay longs"),
        ("0.0001", "long", "you pay", "longs pay shorts"),
        ("0", "short", "nobody pays", "nobody pays"),
    ],
)
def test_who_pays_whom(rate, side, pays, who):
    quote = Quote(bid=D(60_000), ask=D(60_000), mark=D(60_000), rate=D(rate), source="the bot")
    stop = D(62_500) if side == "short" else D(57_500)
    carry = carry_of(priced(draft(side=side, stop=stop, leverage=D(5)), case(quote=quote)))
    assert (carry.pays, carry.who) == (pays, who)


def test_funding_of_three_hundred_thousand_is_thirty_in_eight_hours():
    hedge = draft(stop=None, purpose="hedge", qty=D(5), shock_frac=D("0.1"), margin_mode="cross", leverage=D(5))
    carry = carry_of(priced(hedge, case("70000")))
    assert (f"{carry.per_8h:.2f}", f"{carry.per_day:.2f}", f"{carry.frac_year:.4f}") == ("30.00", "90.00", "0.1095")


def test_the_tables_name_what_binds_and_what_dies():
    made = priced(draft(leverage=D(5)), case())
    assert "Lost at the stop <b" in caps_table(made).replace('class="tk-binds"', "")
    assert gap_table(made).count("liq.") == 3  # isolated, at 20, 50 and 100 %
    assert checks_list(priced(draft(leverage=D(50)), case())).count("tk-check refuse") >= 1


def test_the_exits_are_said_to_be_what_they_are():
    words = exits_words(priced(draft(targets=(D(57_000), D(55_000)), trail_atr=D(3)), case()))
    assert "triggered by mark price" in words
    assert "one OCO" in words
    assert "trails the best price by 3 ATR" in words


def test_what_a_check_says_is_never_markup():
    shut = priced(draft(), case(shut=("<script>alert(1)</script>",)))
    assert "<script>" not in checks_list(shut)


def test_the_json_has_the_figures_as_strings():
    told = ticket_json(priced(draft(leverage=D(5), targets=(D(57_000),)), case()))
    assert (told["qty"], told["plan"]["loss_at_stop"], told["plan"]["liquidation_price"]) == (
        "-0.039", "99.89", "71713.15",
    )  # fmt: skip
    assert (told["sendable"], told["size"]["bound_by"], told["fee_saved_by_limit"]) == (True, "risk", "0.70")
    assert told["carry"]["per_8h"] == "0.23"
    limits = limits_json(case())
    assert (limits["leverage_max"], limits["leverage_bound_by"]) == ("5", "preset standard")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("62,500", "62500"),
        ("1,062,500.25", "1062500.25"),
        ("62 500.5", "62500.5"),
        ("1%", "1"),
        ("3x", "3"),
        ("  ", None),
    ],
)
def test_numbers_as_people_type_them(text, number):
    assert number_of(text) == (None if number is None else D(number))


@pytest.mark.parametrize("text", ["0,5", "2,5", "0,500", "61,50", "1.062,500", "62,500,", ",5"])
def test_a_comma_is_no_point(text):
    """A risk of 0,5 per cent would be one of 5, a leverage of 2,5 one of 25."""
    with pytest.raises(ValueError, match="write a fraction with a point"):
        number_of(text)


@pytest.mark.parametrize("text", ["high", "-5", "0", "nan", "1e40"])
def test_what_is_no_number_is_said(text):
    with pytest.raises(ValueError, match=r"no number|above zero|out of reach"):
        number_of(text)


def state(**changes):
    return {
        "symbols": ["BTCUSDT"], "positions": [], "orders": [], "limits": [], "foreign": {},
        "mode": {"paused": False, "panicked": False, "sides": ""},
        "account": {"equity": "10010", "wallet": "10000", "available": "9000", "open_risk": "50", "known": True},
        "rules": {"preset": "pro", "risk_frac": "0.01", "margin_mode": "isolated", "slippage_frac": "0.0002"},
    } | changes  # fmt: skip


HELD = {"trade": 1, "symbol": "ETHUSDT", "side": "short", "qty": "-2", "entry": "3000", "mark": "2990", "leverage": "3"}


def test_the_account_is_reckoned_as_the_engine_does():
    order = {"trade": 1, "role": "entry", "qty": "-1", "filled": "0"}
    seen = exposure_of(state(positions=[HELD], orders=[order]), rules_of(state()))
    assert (seen.equity, seen.free, seen.risk) == (D(10_010), D(7_000), D(50))
    assert (seen.gross, seen.net) == (D(8_970), D(-8_970))


def test_the_bot_s_rules_are_those_it_tells():
    rules = rules_of(state(limits=[{"limit": "drawdown", "size_multiplier": "0.5"}]))
    assert (rules.preset, rules.risk_frac, rules.multiplier) == ("pro", D("0.01"), D("0.5"))
    assert rules_of(None).preset == "standard"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mode": {"paused": True, "panicked": False}}, "paused"),
        ({"mode": {"paused": True, "panicked": True}}, "panic"),
        ({"symbols": ["ETHUSDT"]}, "not traded by this bot"),
        ({"foreign": {"BTCUSDT": "0.1 long"}}, "not ours"),
        ({"not_trading": {"BTCUSDT": "halted"}}, "BTCUSDT: trading is halted at the venue"),
        ({"positions": [{**HELD, "symbol": "BTCUSDT"}]}, "open or resting in BTCUSDT"),
        ({"limits": [{"limit": "daily-loss", "size_multiplier": "0", "detail": "3 stops"}]}, "daily-loss: 3 stops"),
    ],
)
def test_what_the_bot_would_not_open_is_said_before_it_is_sent(changes, says):
    (why,) = shut_in(state(**changes), "BTCUSDT")
    assert says in why


def test_the_quiz_opens_leverage_and_with_the_notice_real_money():
    new, passed = Licence(), Licence().with_quiz("2026-01-01T00:00:00Z")
    assert (lock_of(new, live=False).leverage_max, lock_of(passed, live=False).leverage_max) == (D(3), None)
    assert "notice" in lock_of(passed, live=True).shut
    assert lock_of(passed.with_notice("eu", "2026-01-01T00:00:00Z"), live=True).shut == ""


def test_the_suggested_stop_lies_beyond_a_swing_high_and_targets_at_supports():
    bars = 300
    wave = 60_000 + 1_500 * np.sin(np.arange(bars) / 9) - np.arange(bars) * 2.0
    panel = Panel(
        instrument=case().facts.instrument, interval_ns=HOUR_NS, time_ns=np.arange(bars, dtype=np.int64) * HOUR_NS,
        open=wave, high=wave + 60, low=wave - 60, close=wave + 5.0, volume=np.full(bars, 10.0),
    )  # fmt: skip
    entry = D(str(round(wave[-1], 1)))
    found = suggest(panel, Side.SHORT, entry, None, D("0.0012"), case().facts.instrument)
    assert found.stop is not None
    assert found.stop.price > entry
    assert "high" in found.stop.why
    assert all(one.price < entry and one.reward_r >= 1 for one in found.targets)
    mirrored = suggest(panel, Side.LONG, entry, None, D("0.0012"), case().facts.instrument)
    assert mirrored.stop is None or mirrored.stop.price < entry
    short = replace(
        panel, **{name: getattr(panel, name)[:10] for name in ("time_ns", "open", "high", "low", "close", "volume")}
    )
    assert suggest(short, Side.SHORT, entry, None, D(0), case().facts.instrument).stop is None


def test_the_figures_of_the_checks_have_their_thousands_apart():
    html = checks_list(priced(draft(kind="limit", price=D("60400")), case()))
    assert "60,400 · needs above 60,000" in html
    assert "60400" not in html


def test_where_a_first_short_is_led_to_the_suggested_stop_lasts_minutes_of_a_hurried_market():
    """Measured by the walk itself: nine in ten of 180 times as fast minutes stay below it for five of the clock's."""
    made = np.random.default_rng(3)
    close = 60_000 * np.exp(np.cumsum(made.normal(0, 0.0015, (60, 500)), axis=1))
    reached = 0
    for path in close:
        panel = Panel(
            instrument=case().facts.instrument, interval_ns=HOUR_NS // 12, time_ns=np.arange(500) * (HOUR_NS // 12),
            open=path, high=path * 1.0004, low=path * 0.9996, close=path, volume=np.full(500, 10.0),
        )  # fmt: skip
        entry = D(str(round(path[-1], 1)))
        near = suggest(panel, Side.SHORT, entry, None, D("0.0012"), case().facts.instrument)
        wide = suggest(panel, Side.SHORT, entry, None, D("0.0012"), case().facts.instrument, 180.0)
        assert wide.stop is not None
        assert near.stop is None or wide.stop.price >= near.stop.price
        assert wide.stop.price < entry * D("1.16"), "a short at 3x is liquidated further away than that"
        ahead = path[-1] * np.exp(np.cumsum(made.normal(0, 0.0015, 180)))  # 5 minutes are 180 bars of 5 minutes
        reached += bool(ahead.max() >= float(wide.stop.price))
    assert reached <= 12
    assert "180 times as fast as your clock" in wide.stop.why
