"""What the market page shows and what becomes of a dragged line, without a browser or a venue."""

from __future__ import annotations

import asyncio
import json
import math
import random
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin import market
from bearskin.app.web import _market, _market_crowd
from bearskin.app.web._candle_shelf import CandleShelf
from bearskin.app.web._draft import Draft, Drafting, DraftLine
from bearskin.app.web._market_grade import grade_of
from bearskin.app.web._market_lines import (
    draft_lines,
    drag_draft,
    drag_position,
    move_stop,
    offered,
    on_tick,
    position_lines,
    wrong_side,
)
from bearskin.app.web._market_setups import looked, made_panel, profiled
from bearskin.app.web._market_spark import spark
from bearskin.app.web._pace import Pace
from bearskin.app.web._page_market_below import facts_html, spec_html, symbols_html
from bearskin.app.web._page_market_open import protection
from bearskin.app.web._venue_line import VenueLine
from bearskin.terms import BadInput, BearskinError, VenueError

D = Decimal
MINUTE_MS = 60_000
NAME = "BTC/USDT:USDT"


class Venue:
    """A venue with so many candles, at most so many an answer; it publishes no ratio and no funding interval."""

    def __init__(self, candles: int, page: int = 1000) -> None:
        self.rows = [[k * MINUTE_MS, 10.0, 12.0, 9.0, 11.0, 5.0] for k in range(candles)]
        self.page, self.asked = page, 0
        self.has = {"fetchOHLCV": True, "fetchMarkOHLCV": True, "fetchFundingRate": True}
        self.markets_by_id = {"BTCUSDT": [{"symbol": NAME, "swap": True}]}

    async def fetch_ohlcv(self, _: str, __: str, since: int | None = None, limit: int = 0) -> Any:
        self.asked += 1
        rows = [row for row in self.rows if since is None or row[0] >= since]
        return rows[-min(limit, self.page) :] if since is None else rows[: min(limit, self.page)]

    async def fetch_mark_ohlcv(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("the venue is down")

    async def fetch_funding_rate(self, _: str) -> Any:
        return {"fundingRate": -0.0002, "fundingTimestamp": 8_000, "timestamp": 1_000, "interval": None}


def desk_of(venue: Any) -> Any:
    """A desk with nothing but this venue."""

    def unified(symbol: str) -> str:
        return str(venue.markets_by_id[symbol][0]["symbol"])

    guard = VenueLine(venue, "binance", Pace(per_s=1e9, at_once=1e9))
    place = SimpleNamespace(venue="binance")
    link = SimpleNamespace(exchange=venue, place=place, unified=unified, guard=guard, shelf=CandleShelf())
    return SimpleNamespace(market=link, symbols=("BTCUSDT",), place=link.place)


# --- candles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("there", "wanted", "got"), [(3_000, 2_500, 2_500), (700, 2_500, 700), (5_200, 5_000, 5_000)])
def test_candles_are_asked_for_page_by_page_without_a_hole(there, wanted, got):
    rows = asyncio.run(_market.candles(desk_of(Venue(there)), "BTCUSDT", "1m", wanted))
    assert len(rows) == got
    assert [row[0] for row in rows] == list(range((there - got) * MINUTE_MS, there * MINUTE_MS, MINUTE_MS))


@pytest.mark.parametrize(
    ("symbol", "interval", "limit", "says"),
    [
        ("NOTHING", "1m", 10, "is no perpetual of this venue, such as BTCUSDT"),
        ("BTCUSDT", "7m", 10, "must be one of 1m, 5m"),
        ("BTCUSDT", "1m", 0, "limit was 0"),
        ("BTCUSDT", "1m", 5_001, "from 1 to 5,000"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_venue_is_asked(symbol, interval, limit, says):
    venue = Venue(10)
    with pytest.raises(BadInput, match=says):
        asyncio.run(_market.candles(desk_of(venue), symbol, interval, limit))
    assert venue.asked == 0


def test_a_line_that_the_venue_cannot_give_is_empty_and_no_error():
    desk = desk_of(Venue(10))
    assert asyncio.run(_market.price_line(desk, "BTCUSDT", "1m", "mark")) == []
    assert asyncio.run(_market.price_line(desk, "BTCUSDT", "1m", "index")) == []


def test_candles_that_the_venue_cannot_give_are_an_error_in_our_words():
    venue = Venue(10)
    venue.fetch_ohlcv = venue.fetch_mark_ohlcv  # type: ignore[method-assign]
    with pytest.raises((VenueError, BearskinError)):
        asyncio.run(_market.candles(desk_of(venue), "BTCUSDT", "1m", 10))


def test_funding_that_is_not_told_whole_stays_unknown():
    found = asyncio.run(_market_crowd.funding(desk_of(Venue(10)), "BTCUSDT"))
    assert (found.predicted, found.next_ms, found.interval_h, found.settled) == (-0.0002, 8_000, None, ())
    assert found.words == "shorts pay longs"
    assert found.a_year is None  # nothing is guessed: eight hours are usual, not told


def test_a_year_of_funding_counts_its_settlements():
    found = _market_crowd.FundingNow(
        symbol="BTCUSDT", predicted=0.0001, next_ms=None, time_ms=None, interval_h=8.0, settled=()
    )
    assert found.a_year == pytest.approx(0.0001 * 3 * 365)


@pytest.mark.parametrize(("rate", "words"), [(0.1, "longs pay shorts"), (-0.1, "shorts pay longs"), (0, "nobody pays")])
def test_who_pays_whom(rate, words):
    assert _market_crowd.pays(rate) == words


def test_statistics_are_never_asked_finer_than_venues_keep_them():
    assert [_market_crowd.no_finer(word) for word in ("1m", "5m", "1h")] == ["5m", "5m", "1h"]


def test_a_countdown():
    assert _market_crowd.in_words(7_509_000) == "2:05:09"
    assert _market_crowd.in_words(-5) == "0:00:00"


# --- liquidity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread_bp", "depth_quote", "turnover_24h", "letter"),
    [
        (0.1, 20e6, 900e6, "A"),
        (0.1, 20e6, 60e6, "B"),  # the guards' 50 M, not five times that
        (0.1, 0.9e6, 900e6, "C"),  # under the guards' depth
        (0.1, 20e6, 9e6, "D"),
        (40.0, 20e6, 900e6, "D"),
        (0.1, None, 900e6, "A"),
        (0.1, None, None, "–"),
    ],
)
def test_the_worst_of_spread_depth_and_turnover_grades(spread_bp, depth_quote, turnover_24h, letter):
    found = grade_of(spread_bp=spread_bp, depth_quote=depth_quote, turnover_24h=turnover_24h)
    assert found.letter == letter
    assert found.thin == (letter in "CD")
    if letter != "–":
        assert found.why.startswith("estimate:")


def test_depth_is_that_of_the_thinner_side_within_one_per_cent():
    book = {"bids": [[99.9, 10.0], [98.0, 1_000.0]], "asks": [[100.1, 20.0]]}
    assert _market.near_quote(book) == pytest.approx(999.0)
    assert _market.near_quote({"bids": [], "asks": [[1.0, 1.0]]}) is None


@pytest.mark.parametrize(("step", "digits"), [("0.10", 1), ("0.1", 1), ("1", 0), ("10", 0), ("0.0000001", 7)])
def test_digits_of_a_tick(step, digits):
    assert _market.digits_of(step) == digits


# --- lines -----------------------------------------------------------------------------------------------------------


def position(**changes: Any) -> dict[str, Any]:
    """A short of the bot's state."""
    return {
        "trade": 3, "symbol": "BTCUSDT", "side": "short", "qty": "-0.5", "entry": "60000", "stop": "62500",
        "targets": ["58000", "57000"], "liquidation_price": "71000", "protected": True, "unprotected_s": None,
        "max_unprotected_s": 0.02, "purpose": "speculation", **changes,
    }  # fmt: skip


def test_only_stop_and_targets_of_a_position_can_be_taken_hold_of():
    lines = position_lines([position(), position(symbol="ETHUSDT", trade=4)], "BTCUSDT")
    assert [(one.key, one.held) for one in lines] == [
        ("entry:3", True), ("stop:3", False), ("target-1:3", False), ("target-2:3", False), ("liquidation:3", True),
    ]  # fmt: skip
    assert {one.text for one in lines} >= {"entry −0.5", "liquidation"}


def test_what_is_not_known_is_not_drawn():
    lines = position_lines([position(liquidation_price=None, stop=None, targets=[])], "BTCUSDT")
    assert [one.kind for one in lines] == ["entry"]


def test_a_draft_is_drawn_with_what_follows_from_it():
    draft = Draft(symbol="BTCUSDT", stop=D(62500), targets=(D(57000),))
    computed = (
        DraftLine(kind="entry", price=D(60000), text="entry"),
        DraftLine(kind="liquidation", price=D(71000), text="liquidation"),
    )
    lines = draft_lines(draft, computed)
    assert [(one.key, one.held) for one in lines] == [
        ("draft-stop", False), ("draft-target-0", False), ("draft-entry", True), ("draft-liquidation", True),
    ]  # fmt: skip
    assert draft_lines(Draft(symbol="BTCUSDT"), computed) == []  # nothing is drafted yet
    limit = draft_lines(Draft(kind="limit", price=D(60100)), computed[:1])
    assert [(one.key, one.held) for one in limit] == [("draft-price", False)]  # its own price is the entry


@pytest.mark.parametrize(
    ("side", "kind", "price", "stands"),
    [
        ("short", "stop", 60001, True), ("short", "stop", 60000, False), ("short", "target", 59999, True),
        ("short", "target", 60001, False), ("long", "stop", 59999, True), ("long", "stop", 60001, False),
        ("long", "target", 60001, True), ("long", "target", 59000, False),
    ],
)  # fmt: skip
def test_the_side_on_which_a_dragged_price_may_stand(side, kind, price, stands):
    said = wrong_side(Draft(side=side), kind, D(price), D(60000))
    assert (said == "") is stands
    if not stands:
        assert f"the {kind} of a {side} stands" in said


def test_a_limit_price_is_what_the_stop_is_held_against():
    draft = Draft(kind="limit", price=D(61000))
    assert wrong_side(draft, "stop", D(60500), D(60000))
    assert not wrong_side(draft, "stop", D(61500), D(60000))


def test_a_dragged_line_changes_the_draft_or_says_why_not():
    drafting = Drafting(Draft(stop=D(62500), targets=(D(58000), D(57000))))
    assert drag_draft(drafting, "draft-stop", D(62000), D(60000)) == ""
    assert drag_draft(drafting, "draft-target-1", D(56500), D(60000)) == ""
    assert drafting.draft.stop == 62000
    assert drafting.draft.targets == (58000, 56500)
    assert "stands above 60000" in drag_draft(drafting, "draft-stop", D(59000), D(60000))
    assert "follows from the others" in drag_draft(drafting, "draft-liquidation", D(59000), D(60000))
    assert drafting.draft.stop == 62000


@pytest.mark.parametrize(("side", "sign"), [("short", 1), ("long", -1)])
def test_an_offered_stop_lies_beyond_the_extreme_and_the_target_two_risks_away(side, sign):
    stop, target = offered(side, [60400.0, 60900.0], [59100.0, 59500.0], D(60000), D("0.1"))
    extreme = 60900 if side == "short" else 59100
    assert sign * (stop - extreme) > 0
    assert stop % D("0.1") == 0
    assert float(target - 60000) == pytest.approx(-2 * float(stop - 60000), abs=0.2)
    assert wrong_side(Draft(side=side), "stop", stop, D(60000)) == ""
    assert wrong_side(Draft(side=side), "target", target, D(60000)) == ""


def test_a_price_of_the_screen_goes_to_the_nearest_tick():
    assert on_tick(60000.26, D("0.1")) == D("60000.3")
    assert on_tick(60000.24, D("0.1")) == D("60000.2")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"refused": ""}, ""),
        ({"refused": "the stop of a short would go off at once"}, "the stop of a short would go off at once"),
        (BadInput("this is no act"), "this is no act"),
        (BearskinError("no bot is running"), "no bot is running"),
    ],
)
def test_a_stop_is_moved_by_the_bot_and_its_refusal_is_told(answer, said):
    asked = []

    async def act(what: dict[str, Any]) -> Any:
        asked.append(what)
        if isinstance(answer, Exception):
            raise answer
        return answer

    desk: Any = SimpleNamespace(bot=SimpleNamespace(act=act))
    assert asyncio.run(move_stop(desk, "BTCUSDT", D("62000.10"), 3)) == said
    assert asked == [{"is": "MoveStop", "symbol": "BTCUSDT", "stop": "62000.10", "trade": 3}]
    asked.clear()
    assert asyncio.run(drag_position(desk, "BTCUSDT", "stop:3", D("62000.10"))) == said
    assert asyncio.run(drag_position(desk, "BTCUSDT", "target-2:3", D(57500))) == said
    assert asked == [
        {"is": "MoveStop", "symbol": "BTCUSDT", "stop": "62000.10", "trade": 3},
        {"is": "MoveTarget", "symbol": "BTCUSDT", "target": "57500", "number": 2, "trade": 3},
    ]
    for key in ("stop", "stop:", "stop:0", "entry:3", "target-1:x"):  # no line of ours
        assert "follows from the others" in asyncio.run(drag_position(desk, "BTCUSDT", key, D(57500)))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("changes", "words", "tone"),
    [
        ({}, "✔ PROTECTED (after 0.02 s)", "up"),
        ({"protected": False, "unprotected_s": 3.21}, "✖ UNPROTECTED 3.2 s", "down"),
        (
            {"protected_as_of": "2026-11-22T12:00:07Z", "protected_unheard_s": 12.3},
            "◷ PROTECTED (last heard 12 s ago)",
            "warn",
        ),
        ({"protected_as_of": "2026-11-22T12:00:07Z"}, "◷ PROTECTED (last heard 12:00:07 UTC)", "warn"),
        ({"qty": "0"}, "○ nothing filled yet", "muted"),
        ({"protected": False, "purpose": "hedge", "stop": None}, "○ hedge without a stop", "warn"),
    ],
)
def test_protection_is_told_in_words(changes, words, tone):
    assert protection(position(**changes)) == (words, tone)


# --- what is found ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def panel() -> Any:
    """Five-minute bars of a walk with swings, a thousand of them."""
    dice, price, rows = random.Random(3), 60000.0, []
    for k in range(1_000):
        opened = price
        price *= math.exp(0.0008 * math.sin(k / 23) + dice.gauss(0, 0.0012))
        high, low = (edge * (1 + side * abs(dice.gauss(0, 0.0006))) for edge, side in
                     ((max(opened, price), 1), (min(opened, price), -1)))  # fmt: skip
        rows.append([k * 5 * MINUTE_MS, opened, high, low, price, 10 + 5 * dice.random()])
    marks = [[row[0], row[4]] for row in rows]
    return made_panel(market.instrument_of("binance", "BTCUSDT"), 300_000_000_000, rows, marks)


def test_set_ups_come_with_evidence_and_nothing_drawn_lies_after_their_bar(panel):
    found = looked(panel, made_up=True)
    assert found
    assert [one.bar_ms for one in found] == sorted((one.bar_ms for one in found), reverse=True)
    for one in found:
        assert one.evidence
        assert one.verdict
        assert one.guard.startswith("the guards")
        assert all(line[3] <= one.bar_ms for line in one.lines)
        assert all(zone[2] <= one.bar_ms for zone in one.zones)
        json.dumps(one.to_json())
    assert len({one.key for one in found}) == len(found)


def test_a_profile_is_that_of_the_last_whole_day(panel):
    found = profiled(panel, "5m")
    assert found is not None
    assert found["end_ms"] - found["start_ms"] == 86_400_000
    assert len(found["edges"]) == len(found["turnover"]) + 1
    assert found["val"] <= found["poc"] <= found["vah"]


def test_a_mark_with_a_hole_is_no_mark():
    rows = [[k * MINUTE_MS, 1.0, 1.0, 1.0, 1.0, 1.0] for k in range(3)]
    btc = market.instrument_of("binance", "BTCUSDT")
    assert made_panel(btc, 60_000_000_000, rows, [[0, 1.0]]).mark_close is None


# --- how it is written -----------------------------------------------------------------------------------------------


def test_what_the_venue_does_not_tell_is_said():
    nothing = _market_crowd.FundingNow(
        symbol="X", predicted=None, next_ms=None, time_ms=None, interval_h=None, settled=()
    )
    missing = _market_crowd.Series(name="open interest", unit="coins", rows=(), missing="the venue does not tell it")
    written = facts_html(nothing, missing, missing, missing)
    assert written.count("the venue does not tell it") == 3
    assert "the venue does not tell;" not in written
    assert "interval not told" in written


def test_names_of_a_venue_are_written_and_not_run():
    grade = grade_of(spread_bp=1, depth_quote=1e7, turnover_24h=1e9)
    row = _market.SymbolRow(
        symbol="<img src=x>", last=1.0, change_frac=-0.1, turnover_24h=1e9, spread_bp=1, depth_quote=1e7, grade=grade,
        traded=True,
    )  # fmt: skip
    assert "<img" not in symbols_html([row], "BTCUSDT")
    assert "−10.00 %" in symbols_html([row], "BTCUSDT")


def test_a_contract_is_told_with_its_brackets():
    spec = _market.Spec(
        symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick="0.1", step="0.001", min_qty="0.001",
        min_notional=None, contract_size="1", max_leverage=125, brackets=(("50000", 125, "0.004"),),
        taker_fee_rate="0.0005", maker_fee_rate=None, funding_interval_h=None,
    )  # fmt: skip
    written = spec_html(spec)
    for word in ("0.1 USDT", "125x in the lowest bracket", "0.40 %", "not told", "the venue does not tell it"):
        assert word in written


def test_a_spark_has_its_newest_value_at_the_right_edge():
    assert spark([1.0], "x") == ""
    drawn = spark([float(k) for k in range(500)], "rising <b>")
    assert "200.0 2.0" in drawn
    assert "rising &lt;b&gt;" in drawn
