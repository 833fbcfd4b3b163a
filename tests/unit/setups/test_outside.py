"""Guards that look beside the chart, each against a market drawn by hand on a venue that is not made up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from unit.setups.builders import START_NS, funding_of
from unit.setups.test_guards import DAYS, END_NS, LAST, NEUTRAL, at_end, daily_panel, waves
from unit.setups.test_template import event

from bearskin.market import Known
from bearskin.setups import Days, Facts, GuardRules, OutsideRules, facts_of, guard, hour_share
from bearskin.setups._outside import linked, outside
from bearskin.setups._view import View
from bearskin.terms import DAY_NS, HOUR_NS, Bracket, Brackets, Reason, Side, dec

BARS = LAST + 1
KNOWN = Facts(tier1_mmr=0.005, float_frac=0.8, index_venues=5, depth_quote=2e6, listed_ns=START_NS - 100 * DAY_NS)
ALL_KNOWN = ("spot takers",)  # what `market` still lacks


def market(path=waves, *, turnover=5e6, venue="binance", quote="USDT", **changed):
    """Hourly bars of a real venue with funding, open interest that does not move, and a spot pair a fifth as large."""
    panel = daily_panel(path, funding=funding_of(NEUTRAL, END_NS))
    times = panel.time_ns
    given = {
        "instrument": dataclasses.replace(panel.instrument, venue=venue, quote=quote),
        "quote_volume": np.full(BARS, turnover),
        "spot_close": panel.close * 0.999,
        "spot_quote_volume": np.full(BARS, turnover / 5),
        "open_interest": Known(time_ns=times, known_ns=times + HOUR_NS, value=np.full(BARS, 1e6)),
    }
    return dataclasses.replace(panel, **{**given, **changed})


def said(panel, side=Side.SHORT, facts=KNOWN, rules=None, **changed):
    return guard(at_end(side, **changed), panel, [], rules, None, facts)


def test_a_large_old_liquid_coin_passes():
    verdict = said(market(spot_buy_share=np.full(BARS, 0.5)))
    assert (verdict.veto, verdict.size_multiplier, verdict.unchecked, verdict.reasons) == (None, 1.0, (), ())


@pytest.mark.parametrize(("turnover", "vetoed"), [(50e6 / 24, False), (49.9e6 / 24, True)])
def test_little_turnover_is_a_veto(turnover, vetoed):
    """The median over seven days of what is traded in 24 hours, against fifty million."""
    verdict = said(market(turnover=turnover))
    assert (verdict.veto is not None) is vetoed
    if verdict.veto is not None:
        assert verdict.veto.reason is Reason.LOW_CAP
        assert (verdict.veto.have, verdict.veto.need) == ("49.9", "at least 50")
        assert verdict.veto.detail == "median turnover of 7 days, in millions of USDT"


def test_one_loud_day_makes_no_market():
    quiet = np.full(BARS, 1e6)
    quiet[-24:] = 1e9
    assert said(market(quote_volume=quiet)).veto is not None


def test_the_two_largest_coins_are_not_asked_about():
    panel = market(turnover=1.0, spot_buy_share=np.full(BARS, 0.5))
    for base in ("BTC", "ETH"):
        named = dataclasses.replace(panel, instrument=dataclasses.replace(panel.instrument, base=base))
        verdict = said(named, facts=None)
        assert (verdict.veto, verdict.unchecked, verdict.size_multiplier) == (None, (), 1.0)


def test_turnover_in_another_currency_is_not_judged():
    assert "24 h turnover" in said(market(turnover=1.0, quote="BTC")).unchecked


def test_a_spot_market_a_tenth_of_the_contract_is_needed():
    thin = market(spot_quote_volume=np.full(BARS, 5e6 * 0.099))
    verdict = said(thin)
    assert verdict.veto is not None
    assert (verdict.veto.have, verdict.veto.need) == ("9.9%", "at least 10%")
    holed = np.full(BARS, 5e6 * 0.2)
    holed[-100:] = np.nan
    assert "spot turnover" in said(market(spot_quote_volume=holed)).unchecked
    assert {"spot turnover", "spot price"} <= set(said(market(spot_quote_volume=None, spot_close=None)).unchecked)


@pytest.mark.parametrize(
    ("changed", "have"),
    [
        ({"tier1_mmr": 0.02}, "0.02"),
        ({"index_venues": 2}, "2"),
        ({"depth_quote": 9e5}, "900000"),
        ({"float_frac": 0.1}, "0.1"),
        ({"listed_ns": END_NS - 89 * DAY_NS}, "89 days"),
    ],
)
def test_each_fact_may_veto(changed, have):
    verdict = said(market(), facts=dataclasses.replace(KNOWN, **changed))
    assert verdict.veto is not None
    assert (verdict.veto.reason, verdict.veto.have) == (Reason.LOW_CAP, have)


def test_facts_that_are_not_known_halve_the_size_once_together():
    """Eighty days of data do not say that a coin is eighty days old."""
    verdict = said(market(), facts=None)
    assert verdict.veto is None
    assert verdict.unchecked == ("listing age", "tier-1 maintenance", "index venues", "depth", "float", "spot takers")
    assert verdict.size_multiplier == 0.5
    bare = said(market(spot_close=None, spot_quote_volume=None, open_interest=None, funding=None), facts=None)
    assert bare.unchecked[0] == "squeeze"
    assert bare.size_multiplier == 0.25  # once for the squeeze guard, once for all the others


def test_the_made_up_market_is_not_asked_for_dollars():
    for panel, rules in ((market(venue="synthetic", turnover=1.0), None), (market(turnover=1.0), made_up())):
        verdict = said(panel, facts=None, rules=rules)
        assert (verdict.veto, verdict.unchecked, verdict.size_multiplier) == (None, (), 1.0)
    nothing = said(market(turnover=1.0), facts=None, rules=GuardRules(outside=None))
    assert (nothing.veto, nothing.unchecked, nothing.size_multiplier) == (None, (), 1.0)


def made_up():
    return GuardRules(outside=OutsideRules(made_up=True))


def test_a_float_may_be_given_by_symbol_or_coin():
    lacking = dataclasses.replace(KNOWN, float_frac=None)
    for name, vetoed in (("DRAWNUSDT", True), ("DRAWN", True), ("OTHER", False)):
        rules = GuardRules(outside=OutsideRules(floats=((name, 0.05),)))
        assert (said(market(), facts=lacking, rules=rules).veto is not None) is vetoed


def zigzag(day):
    return 0.001 * (round(day * 24) % 2)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("size", [0.24, 0.26])
def test_a_bar_that_moves_as_only_a_pushed_coin_does(side, size):
    """Hourly bars: a quarter in log price stands in for ten per cent in a minute, either way, for seven days."""

    def pushed(days_ago):
        hour = (DAYS - days_ago) * 24
        return market(lambda day: zigzag(day) + (size if round(day * 24) == hour else 0.0))

    verdict = said(pushed(6), side)
    assert (verdict.veto is not None) is (size > 0.25)
    if verdict.veto is not None:
        assert verdict.veto.detail == "log move of one bar in seven days, in place of 10% in a minute"
    assert said(pushed(8), side).veto is None


def led(basis_end, spot_share, *, share=0.6, up=True):
    """A market that has moved two per cent in its last twelve bars, with the contract `basis_end` above spot."""
    sign = 1 if up else -1

    def path(day):
        return waves(day) + sign * 0.02 * max(0.0, (day - DAYS + 0.5) / 0.5)

    panel = market(path)
    noise = 0.0001 * np.sin(np.arange(BARS))
    basis = noise + np.where(np.arange(BARS) > LAST - 6, basis_end, 0.0)
    return dataclasses.replace(
        panel,
        spot_close=panel.close * np.exp(-basis),
        spot_buy_share=np.full(BARS, spot_share),
        taker_buy_volume=panel.volume * share,
    )


@pytest.mark.parametrize(
    ("basis", "spot", "label"),
    [(-0.002, 0.6, "spot-led"), (0.002, 0.4, "perp-led"), (0.002, 0.6, ""), (-0.002, 0.4, "")],
)
def test_who_leads_a_rise(basis, spot, label):
    rules = OutsideRules()
    found = linked(View(led(basis, spot), Side.SHORT), LAST, rules)
    assert found.label == label
    assert found.own_flow == pytest.approx(0.2)
    assert found.spot_flow == pytest.approx(2 * spot - 1)
    falling = led(-basis, 1 - spot, share=0.4, up=False)
    assert linked(View(falling, Side.LONG), LAST, rules).label == label
    assert linked(View(led(basis, spot), Side.LONG), LAST, rules).label == ""  # it has not fallen


def test_a_rise_that_spot_leads_is_faded_at_half_size():
    half, whole = said(led(-0.002, 0.6)), said(led(0.002, 0.4))
    assert (half.size_multiplier, whole.size_multiplier) == (0.5, 1.0)
    assert half.reasons[0].startswith("spot leads the move, basis -0.2")
    assert whole.reasons[0].startswith("the contract leads the move, basis +0.2")


def test_without_spot_takers_nobody_is_named():
    panel = dataclasses.replace(led(-0.002, 0.6), spot_buy_share=None)
    verdict = said(panel)
    assert (verdict.unchecked, verdict.size_multiplier) == (("spot takers",), 0.5)


def straight(day):
    return 0.004 * max(0.0, day - DAYS + 2)


@pytest.mark.parametrize(("side", "path"), [(Side.SHORT, straight), (Side.LONG, lambda day: -straight(day))])
def test_going_on_needs_a_sign_of_exhaustion(side, path):
    """Two days of nothing but rising bars: a crossing of means is no reason to sell them, a failed breakout is."""
    verdict = said(market(path), side, setup="ma_cross")
    assert verdict.veto is not None
    assert verdict.veto.reason is Reason.RSI
    assert verdict.veto.need == ("at most 70" if side is Side.SHORT else "at least 30")
    assert said(market(path), side, setup="failed_breakout").veto is None
    assert said(market(zigzag), side, setup="ma_cross").veto is None


def test_a_fall_on_little_volume_is_taken_at_half_size():
    def path(day):
        return waves(day) - (0.001 if day >= DAYS else 0.0)

    quiet = np.full(BARS, 5e6)
    quiet[-1] = 5e6 * 0.5
    verdict = said(market(path, quote_volume=quiet, spot_buy_share=np.full(BARS, 0.5)))
    assert verdict.size_multiplier == 0.5
    assert verdict.reasons == ("the fall has 0.50 times the usual volume",)


def test_longs_that_close_and_shorts_that_cover_are_not_chased():
    def gone(change):
        times = market().time_ns
        value = np.full(BARS, 1e6)
        value[-3:] *= change
        return Known(time_ns=times, known_ns=times + HOUR_NS, value=value)

    def fall(day):
        return waves(day) - (0.01 if day > DAYS - 0.1 else 0.0)

    full = np.full(BARS, 0.5)
    assert said(market(fall, open_interest=gone(0.98), spot_buy_share=full)).reasons == (
        "longs are closing: the move may be over",
    )
    assert said(market(fall, open_interest=gone(1.02), spot_buy_share=full)).size_multiplier == 1.0
    rise = market(lambda day: -fall(day), open_interest=gone(0.98), spot_buy_share=full)
    assert said(rise).reasons == ("shorts are covering: the squeeze may go on",)
    assert said(rise, Side.LONG).reasons == ("shorts are closing: the move may be over",)


def test_thin_hours_of_the_week_are_asked_for_only_where_wanted():
    """One hour of the day has a tenth of the others; the bar that closes before it is the last."""
    hours = (market().time_ns // HOUR_NS) % 24
    next_hour = (END_NS // HOUR_NS) % 24
    turnover = np.where(hours == next_hour, 1e6, 1e7)
    panel = market(quote_volume=turnover)
    assert hour_share(View(panel, Side.SHORT), LAST) == pytest.approx(0.1)
    assert said(panel).veto is None
    verdict = said(panel, rules=GuardRules(outside=OutsideRules(thin_hour=0.2)))
    assert verdict.veto is not None
    assert verdict.veto.reason is Reason.THIN_HOUR
    assert hour_share(View(panel, Side.SHORT), 200) is None  # eight days have each hour of the week once


def test_brackets_tell_the_grade_of_risk():
    row = Bracket(floor=dec(0), cap=dec(1), mmr=dec("0.015"), max_leverage=20, cum=dec(0))
    told = facts_of(Brackets(venue="v", symbol="s", snapshot="t", rows=(row,)))
    assert told == Facts(tier1_mmr=0.015)
    assert facts_of(None) == Facts()


def random_market(seed):
    """A walk with everything a guard may ask for."""
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.standard_t(4, BARS + 1) * 0.002)
    panel = market(lambda day: float(steps[round(day * 24)]))
    turnover = 4e6 * rng.lognormal(0, 0.5, BARS)
    times = panel.time_ns + HOUR_NS
    return dataclasses.replace(
        panel,
        quote_volume=turnover,
        spot_close=panel.close * np.exp(rng.normal(0, 0.001, BARS)),
        spot_quote_volume=turnover * 0.2,
        spot_buy_share=rng.uniform(0.3, 0.7, BARS),
        taker_buy_volume=panel.volume * rng.uniform(0.3, 0.7, BARS),
        open_interest=Known(time_ns=times, known_ns=times, value=1e6 * np.exp(np.cumsum(rng.normal(0, 0.004, BARS)))),
    )


def test_the_long_hears_what_the_short_does_in_the_mirror():
    here = random_market(4)
    there = dataclasses.replace(
        here,
        open=1e4 / here.open,
        high=1e4 / here.low,
        low=1e4 / here.high,
        close=1e4 / here.close,
        taker_buy_volume=here.volume - here.taker_buy_volume,
        spot_close=1e4 / here.spot_close,
        spot_buy_share=1 - here.spot_buy_share,
    )
    rules, seen = OutsideRules(thin_hour=0.7), set()
    for bar in range(300, BARS, 23):
        for setup in ("drawn", "ma_cross"):
            known_ns = here.known_ns(bar)
            short = event(Side.SHORT, setup=setup, bar=bar, known_ns=known_ns)
            long = event(Side.LONG, setup=setup, bar=bar, known_ns=known_ns)
            wanted = [told(one) for one in outside(short, View(here, Side.SHORT), 0, KNOWN, rules)]
            assert [told(one) for one in outside(long, View(there, Side.LONG), 0, KNOWN, rules)] == wanted
            seen |= {word for one in wanted for word in one}
    assert {"warns", "tells", Reason.THIN_HOUR} <= seen


def told(said):
    """What one guard says, without the words that name a side."""
    refused = () if said.refused is None else (said.refused.reason,)
    return (*refused, *("warns" for _ in said.warnings), *("tells" for _ in said.remarks), *said.unchecked)


def test_a_thousand_bars_say_what_all_of_them_do():
    """As a bot sees it: the last thousand bars, and the whole days of all."""
    panel = random_market(11)
    whole = View(panel, Side.SHORT).higher(DAY_NS)
    days = Days(known_ns=whole.known_ns, high=np.exp(whole.high), low=np.exp(whole.low), close=np.exp(whole.close))
    rules = GuardRules(outside=OutsideRules(thin_hour=0.3))
    seen = set()
    for bar in range(1_100, BARS, 37):
        kept = slice(bar - 999, bar + 1)
        part = dataclasses.replace(
            panel,
            **{
                field.name: value[kept]
                for field in dataclasses.fields(panel)
                if isinstance(value := getattr(panel, field.name), np.ndarray)
            },
        )
        known = bisected(days, panel.known_ns(bar))
        for side in Side:
            for setup in ("drawn", "ma_cross"):
                asked = event(side, setup=setup, bar=bar, known_ns=panel.known_ns(bar))
                there = guard(asked, panel, [], rules, None, KNOWN)
                here = guard(dataclasses.replace(asked, bar=999), part, [], rules, known, KNOWN)
                assert here == there
                seen.add(there.size_multiplier)
    assert len(seen) > 1


def bisected(days, time_ns):
    seen = days.known_ns <= time_ns
    return Days(known_ns=days.known_ns[seen], high=days.high[seen], low=days.low[seen], close=days.close[seen])


def test_what_is_not_known_yet_changes_nothing():
    panel = market(spot_buy_share=np.full(BARS, 0.5))
    bar = BARS - 30
    asked = event(bar=bar, known_ns=panel.known_ns(bar))
    wild = {name: getattr(panel, name).copy() for name in ("quote_volume", "spot_close", "spot_quote_volume", "close")}
    for column in wild.values():
        column[bar + 1 :] *= 7
    assert guard(asked, dataclasses.replace(panel, **wild), [], None, None, KNOWN) == guard(
        asked, panel, [], None, None, KNOWN
    )
