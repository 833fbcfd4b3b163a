"""What the bot's page and routes are made of: filters, evidence, limits, the curve, panic in words."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from bearskin.app._gauges import gauges_of
from bearskin.app.web import _bot
from bearskin.app.web._bot_html import decision_detail, decision_row, gauges_html, mode_words, moment
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._markup import el, facts, join
from bearskin.risk import LimitRules, LimitState
from bearskin.terms import DAY_NS, BadInput, BearskinError

DAY = 20_000 * DAY_NS


def decision(number=1, **more):
    told = {
        "number": number, "time": "2026-11-22T11:00:01Z", "kind": "declined", "symbol": "ETHUSDT", "side": "short",
        "origin": "setup:stop_hunt", "text": "costs eat the target (is 2.1 times, needs 3)", "why": "", "more": {},
    }  # fmt: skip
    return told | more


def state(**more):
    told = {
        "mode": {"paused": False, "panicked": False, "sides": "both"}, "limits": [], "positions": [], "orders": [],
        "account": {"known": True, "open_risk_frac": "0.01", "equity": "10000"}, "rules": {"heat_frac": "0.03"},
    }  # fmt: skip
    return told | more


def desk_of(now):
    return SimpleNamespace(bot=SimpleNamespace(now=now))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"symbol": "ETHUSDT"}, True),
        ({"symbol": "BTCUSDT"}, False),
        ({"kind": "declined"}, True),
        ({"kind": "trouble"}, False),
        ({"setup": "stop_hunt"}, True),
        ({"setup": "hand"}, False),
        ({"search": "COSTS eth"}, True),
        ({"search": "costs bitcoin"}, False),
        ({"search": "swept"}, True),
    ],
)
def test_a_filter_asks_for_every_word_it_has(wanted, fits):
    one = decision(more={"signal": "swept the high and closed below"})
    assert _bot.Wanted(**wanted).fits(one) is fits


def test_a_line_of_the_log_has_its_numbers_as_figures_and_is_found_by_them():
    one = decision(kind="exit", text="closed by stop at 60445.8, net -3.11 USDT (-0.96 R)", more={"net": "-3.11"})
    for made in (decision_row(one, "utc"), decision_detail(one, "utc")):
        assert "closed by stop at 60,445.8, net −3.11 USDT (−0.96 R)" in str(made)
    assert _bot.Wanted(search="60,445.8 −3.11").fits(one)


def test_decisions_after_a_number_carry_the_evidence_of_their_set_up():
    now = BotNow(up=True, state=state(), decisions=(decision(1), decision(2), decision(3, origin="hand")))
    found = _bot.decisions(desk_of(now), after=1)
    assert [one["number"] for one in found] == [2, 3]
    assert found[0]["evidence"]["verdict"] == "no proven edge"
    assert found[0]["evidence"]["sentence"].startswith("Short: no proven edge")
    assert found[1]["evidence"] is None


def test_what_a_venue_or_a_person_wrote_is_never_markup():
    evil = decision(text="<img src=x onerror=alert(1)>", symbol="<b>X", more={"signal": "<script>"})
    for made in (decision_row(evil, "utc"), decision_detail(evil, "utc")):
        assert "<img" not in made
        assert "<script" not in made
        assert "<b>X" not in made
    assert join(["<i>", el("p", "a & b", title='"')]) == '&lt;i&gt;<p title="&quot;">a &amp; b</p>'


def test_long_figures_stand_on_a_line_of_their_own():
    made = facts((("Run", "demo-20261122T181337"), ("Bars", "5m"), ("None", None)))
    assert made.count('class="long"') == 1
    assert "None" not in made


def test_gauges_tell_what_is_near_and_what_is_reached():
    worth = LimitState(
        equity=Decimal(9_400), high_water=Decimal(10_000), day=20_000, day_equity=Decimal(9_500), day_stops=2, losses=4,
        slips=((Decimal(3), Decimal(1)),), errors=(DAY - 10**9, DAY - 120 * 10**9),
    )  # fmt: skip
    found = {
        one["limit"]: one
        for one in gauges_of(
            worth, LimitRules(), equity=Decimal(9_400), time_ns=DAY, wall_ns=DAY,
            gaps={"BTCUSDT": Decimal("0.002"), "ETHUSDT": Decimal("0.011")},
        )
    }  # fmt: skip
    assert (found["drawdown"]["now"], found["drawdown"]["reached"]) == ("0.06", 1)
    assert found["daily-loss"]["now"] == "0.010526"
    assert found["daily-loss"]["reached"] == 0
    assert found["daily-stops"]["now"] == "2"
    assert found["streak"]["reached"] == 1
    assert found["slippage"]["now"] == "3"
    assert found["errors"]["now"] == "1"  # the other is older than a minute
    assert (found["gap"]["reached"], found["gap"]["why"]) == (1, "widest in ETHUSDT")


def test_a_day_that_has_begun_anew_has_lost_nothing_yet():
    worth = LimitState(
        equity=Decimal(9_000), high_water=Decimal(9_000), day=19_999, day_equity=Decimal(10_000), day_stops=3
    )
    found = {
        one["limit"]: one
        for one in gauges_of(worth, LimitRules(), equity=Decimal(9_000), time_ns=DAY, wall_ns=DAY, gaps={})
    }
    assert found["daily-loss"]["now"] == "0"
    assert found["daily-stops"]["now"] == "0"
    assert found["gap"]["now"] is None


def test_limits_need_a_state_and_tell_what_bars_entries():
    with pytest.raises(BearskinError, match="no bot"):
        _bot.limits(desk_of(BotNow(up=False, state=None, why="no bot is running")))
    held = [
        {"limit": "drawdown", "detail": "6 %", "until": None, "size_multiplier": "0.5"},
        {"limit": "streak", "detail": "4", "until": None, "size_multiplier": "0.5"},
        {"limit": "gap ETHUSDT", "detail": "1.1 %", "until": None, "size_multiplier": "0"},
    ]
    told = _bot.limits(desk_of(BotNow(up=True, state=state(limits=held, gauges=[]))))
    assert told["size_multiplier"] == "0.25"  # that of one symbol does not bar the others
    assert told["barred"] == ""
    assert told["gauges"][0]["limit"] == "heat"
    assert "× <b" in gauges_html(told)
    paused = {"paused": True, "panicked": False, "sides": "both"}
    assert _bot.barred(state(mode=paused)) == "paused: no new entries"


@pytest.mark.parametrize(
    ("given", "up", "word"),
    [
        (None, False, "NO BOT"),
        (state(), False, "SILENT"),
        (state(), True, "RUNNING"),
        (state(mode={"paused": True, "panicked": True, "sides": "both"}), True, "PANIC"),
        (state(mode={"paused": True, "panicked": False, "sides": "both"}), True, "PAUSED"),
    ],
)
def test_how_the_bot_is_in_a_word(given, up, word):
    assert mode_words(given, up, "the bot has stopped")[0] == word


def test_panic_says_what_it_would_do():
    position = {"symbol": "BTCUSDT", "side": "short", "qty": "-0.039", "pnl": "-12.31"}
    said = _bot.panic_words(state(positions=[position], orders=[{}, {}]))
    assert said[0] == "close the short of 0.039 BTCUSDT at market (open −12.31)"
    assert said[1].startswith("cancel 2 resting orders of ours")
    assert "until you lift it" in said[-1]
    assert _bot.panic_words(state())[0].startswith("close nothing")


def test_a_long_curve_keeps_its_ends_and_every_extreme():
    points = [(at, 100.0 + at % 7, 0.0) for at in range(10_000)]
    points[5_003] = (5_003, 1.0, -0.99)
    kept = _bot.thinned(points, 500)
    assert len(kept) <= 502
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert points[5_003] in kept
    assert kept == sorted(kept)
    assert _bot.thinned(points[:400], 500) == points[:400]


def test_moments_are_told_in_utc_or_here():
    assert moment("2026-11-22T11:00:01.5Z", "utc") == "2026-11-22 11:00:01"
    assert moment(None, "utc") == "–"
    assert len(moment("2026-11-22T11:00:01Z", "local", 16)) == 16


def test_a_mode_that_is_none_is_refused_before_anything_is_asked():
    import asyncio

    with pytest.raises(BadInput, match="must be one of short"):
        asyncio.run(_bot.mode(desk_of(None), "sideways"))
    with pytest.raises(BadInput, match="an act is an object"):
        asyncio.run(_bot.act(desk_of(None), {"symbol": "BTCUSDT"}))


def test_a_bar_that_is_told_late_does_not_turn_the_curve_back() -> None:
    told = _bot.in_order([(1_000, 10.0, 0.0), (3_000, 9.0, -0.1), (2_000, 8.0, -0.2), (4_000, 9.5, -0.05)])
    assert told == [(1_000, 10.0, 0.0), (3_000, 9.0, -0.1), (3_000, 8.0, -0.2), (4_000, 9.5, -0.05)]


def test_sides_none_does_not_hide_a_limit_that_holds():
    day = {"limit": "daily-loss", "detail": "3 trades of the day were stopped", "until": None, "size_multiplier": "0"}
    told = _bot.barred(state(mode={"paused": False, "panicked": False, "sides": "none"}, limits=[day]))
    assert "sides none" in told
    assert "daily-loss: 3 trades of the day were stopped" in told
