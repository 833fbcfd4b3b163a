"""What holds for set-ups on any market: the long is the mirrored short, and the future changes nothing."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bearskin.market import Funding, Known, Panel
from bearskin.setups import (
    SETUPS,
    ChannelBreak,
    CrowdedLongs,
    CrowdRules,
    DecliningVolume,
    DescendingChannel,
    Distribution,
    FailedBreakout,
    HeadShoulders,
    Line,
    OverextendedRally,
    RsiDivergence,
    RsiOverbought,
    StopHunt,
    SupportRules,
    Zone,
    detect,
    guard,
    levels,
    regime,
)
from bearskin.terms import HOUR_NS, Instrument, Product, Side

START_NS = 1_735_689_600_000_000_000
MIRROR = 10_000.0  # a price p is mirrored to MIRROR / p
NEUTRAL_8H = 0.0001
NO_ROUND = StopHunt(level_kinds=("equal", "prior-day", "prior-week", "donchian", "pivot-3", "pivot-10"))
NO_NUMBERS = SupportRules(weights={kind: weight for kind, weight in SupportRules().weights.items() if kind != "round"})
NO_CROWD = CrowdedLongs(supports=NO_NUMBERS)
EAGER_CROWD = CrowdedLongs(
    above_bars=2,
    crowd=CrowdRules(interest_pct=30.0, interest_rise=-1.0, funding_pct=50.0, funding_neutrals=0.5, greed=10.0),
    supports=NO_NUMBERS,
)
VARIANTS = {
    "plain": {"stop_hunt": NO_ROUND, "crowded_longs": NO_CROWD},
    "limits": {
        "stop_hunt": dataclasses.replace(NO_ROUND, variant="wick"),
        "failed_breakout": FailedBreakout(
            variant="retest", level_kinds=(*NO_ROUND.level_kinds[:5], "poc", "value-top", "value-floor")
        ),
        "rsi_divergence": RsiDivergence(variant="aggressive"),
        "crowded_longs": NO_CROWD,
        "overextended_rally": OverextendedRally(trigger="ema-cross"),
        "descending_channel": DescendingChannel(kind="pivots"),
        "channel_break": ChannelBreak(kind="pivots", volume_ratio_min=1.0),
        "head_shoulders": HeadShoulders(orders=(3, 5)),
        "rsi_overbought": RsiOverbought(overbought=60.0, pivot_bars=1),
    },
    "eager": {
        "crowded_longs": EAGER_CROWD,
        "stop_hunt": dataclasses.replace(NO_ROUND, wick_share=0.3, wick_atr=0.3),
        "overextended_rally": OverextendedRally(
            rise=0.02, rise_sigmas=0.5, extended_atr=0.5, funding_pct=55.0, funding_neutrals=1.0
        ),
        "distribution": Distribution(volume_z=0.3, wick_share=0.3, near_atr=1.0),
        "declining_volume": DecliningVolume(near_share=0.2, near_atr=2.0, tau_max=0.1, p_max=1.1, cvd_slope_max=9.0),
        "descending_channel": DescendingChannel(bars=24, r2_min=0.2, band_sigmas=1.0, rest_bars=0),
        "channel_break": ChannelBreak(bars=24, r2_min=0.2, volume_ratio_min=0.5, first_target=2.0, second_target=3.0),
        "head_shoulders": HeadShoulders(orders=(2, 3, 8), first_target=1.0, second_target=2.0, symmetry_max=5.0),
        "rsi_overbought": RsiOverbought(overbought=55.0, valid_bars=60, run_max_bars=10),
    },
}


def instrument(tick: str = "0.000000001") -> Instrument:
    return Instrument(
        venue="synthetic", symbol="WALKUSDT", product=Product.LINEAR, base="WALK", quote="USDT", settle="USDT",
        tick=Decimal(tick), step=Decimal("0.001"), min_qty=Decimal("0.001"), min_notional=Decimal(5),
    )  # fmt: skip


def walk(seed: int, bars: int = 700) -> Panel:
    """A random market with fat tails, clustered volatility, funding that follows the price, and the other series."""
    rng = np.random.default_rng(seed)
    scale = 0.004 * np.exp(0.4 * np.sin(np.arange(bars) / 40.0 + rng.uniform(0, 6)))
    close = np.log(100) + np.cumsum(scale * rng.standard_t(3, bars))
    opens = np.concatenate([[np.log(100)], close[:-1]]) + 0.0002 * rng.standard_normal(bars)
    high = np.maximum(opens, close) + scale * rng.exponential(0.7, bars)
    low = np.minimum(opens, close) - scale * rng.exponential(0.7, bars)
    volume = rng.lognormal(5, 1, bars)
    times = START_NS + HOUR_NS * np.arange(bars, dtype=np.int64)
    hours = np.where(np.arange(200) < 150, 8, 4)
    settled = times[0] - 100 * 8 * HOUR_NS + HOUR_NS * np.cumsum(hours).astype(np.int64)
    trail = np.interp(settled.astype(float), times.astype(float), close - np.log(100))
    rate = (NEUTRAL_8H + 0.002 * trail + 0.00005 * rng.standard_normal(200)) * hours / 8
    greed = Known(time_ns=times[::24], known_ns=times[::24] + HOUR_NS, value=rng.uniform(1, 99, len(times[::24])))
    interest = Known(time_ns=times, known_ns=times + HOUR_NS, value=rng.lognormal(9, 0.05, bars))
    ratio = Known(time_ns=times, known_ns=times + HOUR_NS, value=rng.lognormal(0, 0.2, bars))
    o, h, lo, c = (np.exp(x) for x in (opens, high, low, close))
    return Panel(
        instrument=instrument(), interval_ns=HOUR_NS, time_ns=times, open=o, high=h, low=lo, close=c, volume=volume,
        quote_volume=volume * 100, taker_buy_volume=volume * rng.uniform(0.3, 0.7, bars),
        mark_open=o, mark_high=h * 0.9999, mark_low=lo * 1.0001, mark_close=c,
        open_interest=interest, long_short_ratio=ratio, sentiment=greed,
        funding=Funding(time_ns=settled, rate=rate, interval_ns=hours.astype(np.int64) * HOUR_NS),
    )  # fmt: skip


def mirror(panel: Panel) -> Panel:
    """The market seen in a mirror, written out from the rule and not from the code under test."""
    funding, greed, ratio = panel.funding, panel.sentiment, panel.long_short_ratio
    assert funding is not None
    assert greed is not None
    assert ratio is not None
    assert panel.taker_buy_volume is not None
    neutral = NEUTRAL_8H * funding.interval_ns / (8 * HOUR_NS)
    return dataclasses.replace(
        panel,
        open=MIRROR / panel.open,
        high=MIRROR / panel.low,
        low=MIRROR / panel.high,
        close=MIRROR / panel.close,
        mark_open=MIRROR / panel.mark_open,
        mark_high=MIRROR / panel.mark_low,
        mark_low=MIRROR / panel.mark_high,
        mark_close=MIRROR / panel.mark_close,
        taker_buy_volume=panel.volume - panel.taker_buy_volume,
        funding=dataclasses.replace(funding, rate=2 * neutral - funding.rate),
        sentiment=dataclasses.replace(greed, value=100 - greed.value),
        long_short_ratio=dataclasses.replace(ratio, value=1 / ratio.value),
    )


def flipped(name: str, figure: float | str) -> float | str:
    """An attr of a long as the mirrored short should have it: prices and funding mirror, the rest stays."""
    if isinstance(figure, str):
        return figure
    if name.endswith("_price"):
        return MIRROR / figure
    return 2 * NEUTRAL_8H - figure if name.endswith("_8h") else figure


def assert_mirrored_drawing(long, short, near):
    turned = {"upper": "lower", "lower": "upper"}  # lines are named as one sees them
    assert [turned.get(drawn.name, drawn.name) for drawn in long.drawing] == [drawn.name for drawn in short.drawing]
    for one, other in zip(long.drawing, short.drawing, strict=True):
        assert (one.start_ns, one.end_ns) == (other.start_ns, other.end_ns)
        if isinstance(one, Line):
            prices, others = (one.start_price, one.end_price), (other.start_price, other.end_price)
        else:
            prices, others = (one.high_price, one.low_price), (other.low_price, other.high_price)
        assert [MIRROR / price for price in prices] == pytest.approx(others, **near)


def assert_drawn_in_the_past(event, panel):
    """Every set-up draws something, forwards, between positive prices, and nothing after the bar of its signal."""
    assert event.drawing
    last = int(panel.time_ns[event.bar])
    for drawn in event.drawing:
        assert int(panel.time_ns[0]) <= drawn.start_ns <= drawn.end_ns <= last
        if isinstance(drawn, Zone):
            assert 0 < drawn.low_price <= drawn.high_price
        else:
            assert min(drawn.start_price, drawn.end_price) > 0


def assert_mirrored(long, short):
    same = ("setup", "symbol", "bar", "known_ns", "horizon_bars", "anchor_ns", "entry", "valid_bars", "trail_atr")
    assert [getattr(long, name) for name in same] == [getattr(short, name) for name in same]
    near = {"rel": 1e-7}
    for name in ("level", "entry_ref", "stop"):
        assert MIRROR / getattr(long, name) == pytest.approx(getattr(short, name), **near), name
    assert long.invalidation * short.invalidation == pytest.approx(MIRROR if short.invalidation else 0.0, **near)
    assert [MIRROR / t for t in long.targets] == pytest.approx(list(short.targets), **near)
    assert long.atr == pytest.approx(short.atr, **near)
    assert_mirrored_drawing(long, short, near)
    assert long.attrs.keys() == short.attrs.keys()
    for name, figure in long.attrs.items():
        other = short.attrs[name]
        assert (
            flipped(name, figure) == other
            if isinstance(other, str)
            else flipped(name, figure) == pytest.approx(other, rel=1e-5, abs=1e-7)
        ), name


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_longs_are_the_shorts_of_the_mirrored_market(variant, seed):
    panel, params = walk(seed), VARIANTS[variant]
    for here, there in ((panel, mirror(panel)), (mirror(panel), panel)):
        longs = detect(here, sides=[Side.LONG], params=params)
        shorts = detect(there, sides=[Side.SHORT], params=params)
        assert [(e.bar, e.setup) for e in longs] == [(e.bar, e.setup) for e in shorts]
        for long, short in zip(longs, shorts, strict=True):
            assert_mirrored(long, short)


def test_the_mirror_property_is_not_empty():
    """Over a few walks every set-up speaks on both sides, so the property above says something."""
    told = {(e.setup, e.side) for seed in range(8) for e in detect(walk(seed), params=VARIANTS["eager"])}
    assert told == {(name, side) for name in SETUPS for side in Side}


def cut(panel: Panel, bars: int) -> Panel:
    """The panel as it was at the close of bar `bars` - 1: no later bar, no later settlement, nothing not yet public."""
    columns = {
        field.name: value[:bars]
        for field in dataclasses.fields(panel)
        if isinstance(value := getattr(panel, field.name), np.ndarray)
    }
    now = panel.known_ns(bars - 1)
    for name in ("open_interest", "long_short_ratio", "sentiment"):
        series = getattr(panel, name)
        if series is not None:
            seen = series.known_ns <= now
            columns[name] = Known(
                time_ns=series.time_ns[seen], known_ns=series.known_ns[seen], value=series.value[seen]
            )
    funding = panel.funding
    if funding is not None:
        seen = funding.time_ns <= now
        columns["funding"] = Funding(
            time_ns=funding.time_ns[seen], rate=funding.rate[seen], interval_ns=funding.interval_ns[seen]
        )
    return dataclasses.replace(panel, **columns)


def assert_future_changes_nothing(panel: Panel, ends: list[int], params) -> int:
    whole = detect(panel, params=params)
    for end in ends:
        part = cut(panel, end)
        before = [event for event in whole if event.bar < end]
        assert detect(part, params=params) == before
        for event in before:
            assert_drawn_in_the_past(event, part)
        for event in before[-3:]:
            assert guard(event, part, before) == guard(event, panel, whole)
        assert regime(part, end - 1) == regime(panel, end - 1)
        for side in Side:
            assert levels(part, end - 1, side) == levels(panel, end - 1, side)
    return len(whole)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), ends=st.lists(st.integers(30, 699), min_size=1, max_size=3))
def test_cutting_the_future_off_changes_no_event(variant, seed, ends):
    assert_future_changes_nothing(walk(seed), ends, VARIANTS[variant])


@pytest.mark.parametrize(("symbol", "tick"), [("BTCUSDT", "0.1"), ("NAORISUSDT", "0.00001")])
def test_cutting_the_future_off_changes_no_event_of_a_real_market(real_data: Path, symbol: str, tick: str):
    panel = real_panel(real_data, symbol, tick)
    ends = [len(panel) * k // 7 for k in range(2, 7)] + [len(panel) - 1]
    assert assert_future_changes_nothing(panel, ends, None) > 50


def real_panel(folder: Path, symbol: str, tick: str) -> Panel:
    bars = pl.read_parquet(folder / "binance_um_2025" / "trade" / f"{symbol}_1h.parquet")
    rates = pl.read_parquet(folder / "binance_um_2025" / "funding" / f"{symbol}.parquet")
    settled = rates["time"].dt.truncate("1m").to_physical().to_numpy()
    named = dataclasses.replace(instrument(tick), symbol=symbol)
    return Panel(
        instrument=named,
        interval_ns=HOUR_NS,
        time_ns=bars["time"].to_physical().to_numpy(),
        **{name: bars[name].to_numpy() for name in ("open", "high", "low", "close", "volume")},
        funding=Funding(
            time_ns=settled,
            rate=rates["funding_rate"].to_numpy(),
            interval_ns=np.diff(settled, prepend=settled[0]),
        ),
    )


def test_every_event_of_a_real_market_is_a_trade_that_makes_sense(real_data: Path):
    """Stops are beyond the entry, targets on the other side, everything on the tick, nearest target first."""
    panel = real_panel(real_data, "ETHUSDT", "0.01")
    events = detect(panel)
    assert {(e.setup, e.side) for e in events} >= {
        (name, side) for name in ("failed_breakout", "stop_hunt", "rsi_divergence") for side in Side
    }
    assert events == sorted(events, key=lambda e: (e.bar, e.setup, e.side))
    for event in events:
        assert_drawn_in_the_past(event, panel)
        sign = int(event.side)
        assert sign * (event.entry_ref - event.stop) > 0
        assert all(sign * (target - event.entry_ref) > 0 for target in event.targets)
        assert list(event.targets) == sorted(event.targets, reverse=sign < 0)
        assert event.targets or event.trail_atr
        for price in (event.stop, event.invalidation, *event.targets):
            assert Decimal(repr(price)) % Decimal("0.01") == 0
        assert event.why.startswith("ETHUSDT ")
        assert event.why.endswith(".")
        assert "{" not in event.why


@pytest.mark.parametrize("hours", [1, 2, 4, 8])
def test_neutral_funding_is_neutral_in_the_mirror(hours):
    """0.01% per eight hours, scaled to the interval, maps to itself exactly, so no tie is broken by the mirror."""
    from bearskin.setups import View

    panel = walk(1)
    steps = np.full(50, hours * HOUR_NS, dtype=np.int64)
    neutral = Funding(time_ns=START_NS + np.cumsum(steps), rate=np.full(50, NEUTRAL_8H * hours / 8), interval_ns=steps)
    here = dataclasses.replace(panel, funding=neutral)
    _, short = View(here, Side.SHORT).funding_8h()
    _, long = View(here, Side.LONG).funding_8h()
    assert short.tolist() == long.tolist() == [NEUTRAL_8H] * 50


ALL_LEVELS = ("equal", "prior-day", "prior-week", "round", "donchian", "pivot-3", "pivot-10")
TAILS = {
    **VARIANTS,
    "defaults": {},
    "every level": {
        "stop_hunt": StopHunt(level_kinds=ALL_LEVELS, wick_share=0.3, wick_atr=0.3),
        "failed_breakout": FailedBreakout(level_kinds=ALL_LEVELS),
    },
}


@pytest.mark.parametrize("variant", TAILS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(200, 1_400), back=st.integers(1, 60))
def test_asking_only_for_the_last_bars_finds_their_events(variant, seed, bars, back):
    panel, params = walk(seed, bars), TAILS[variant]
    whole = detect(panel, params=params)
    assert detect(panel, params=params, first_bar=bars - back) == [e for e in whole if e.bar >= bars - back]
    for cut in range(bars - 40, bars):
        window = head(panel, cut + 1)
        assert detect(window, params=params, first_bar=cut) == [e for e in whole if e.bar == cut]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_a_window_of_bars_sees_what_the_whole_history_sees(seed):
    """What is forgotten of the means and the pools by 1,100 bars is nothing: the same trades at the same prices."""
    panel = walk(seed, 2_000)
    for end in range(1_500, 2_000, 7):
        window = dataclasses.replace(head(panel, end), **columns_from(head(panel, end), end - 1_100))
        here = detect(window, first_bar=len(window) - 12)
        there = detect(head(panel, end), first_bar=end - 12)
        assert [trade_of(e) for e in here] == [trade_of(e) for e in there]


def trade_of(event):
    names = ("setup", "side", "known_ns", "entry_ref", "stop", "targets", "invalidation", "horizon_bars", "anchor_ns")
    return [getattr(event, name) for name in names] + [round(event.atr, 9)]


def head(panel: Panel, bars: int) -> Panel:
    """The first bars of a panel; other series stay, they know their own times."""
    return dataclasses.replace(panel, **columns_from(panel, 0, bars))


def columns_from(panel: Panel, first: int, end: int | None = None) -> dict[str, object]:
    arrays = {f.name: getattr(panel, f.name) for f in dataclasses.fields(panel)}
    return {name: value[first:end] for name, value in arrays.items() if isinstance(value, np.ndarray)}
