"""The check for look-ahead: every planted cheat is caught with its bar and field, honest set-ups pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bearskin.market import Known
from bearskin.setups import SETUPS, Draft, Setup, SetupEvent, View, check_setup, over
from bearskin.setups import _look_ahead as checking
from bearskin.setups import _worlds as worlds
from bearskin.terms import BadInput, Side


@dataclasses.dataclass(frozen=True)
class Params:
    """Nothing to set."""


def draft(view: View, bar: int, **more: Any) -> Draft:
    """A short after bar `bar`: stop beyond its high, target two risks below, whatever the set-up saw."""
    close = float(view.close[bar])
    risk = max(float(view.high[max(0, bar - 3) : bar + 1].max()) - close, 0.0) + 0.6 * float(view.atr()[bar])
    return Draft(
        bar=bar,
        level=close,
        anchor_bar=max(0, bar - 3),
        extreme=close + risk,
        targets=(close - 3 * risk,),
        invalidation=close + risk,
        horizon_bars=24,
        why="test",
        **more,
    )


def every(view: View, wanted: Any, least: int = 40) -> Iterator[Draft]:
    for bar in range(least, len(view)):
        if bar % 7 == 0 and wanted(bar):
            yield draft(view, bar)


def honest(view: View, _: Params) -> Iterator[Draft]:
    """A close above the mean of the last 20, both known."""
    yield from every(view, lambda bar: view.close[bar] > view.close[bar - 19 : bar + 1].mean())


def next_close(view: View, _: Params) -> Iterator[Draft]:
    """Shorts where the next close is lower."""
    close = view.close
    yield from every(view, lambda bar: bar + 1 < len(close) and close[bar + 1] < close[bar])


def next_close_only_where_there_is_one(view: View, _: Params) -> Iterator[Draft]:
    """The same with an excuse for the last bar: told there whatever comes."""
    close = view.close
    yield from every(view, lambda bar: bar + 1 >= len(close) or close[bar + 1] < close[bar])


def centred(view: View, _: Params) -> Iterator[Draft]:
    """A mean of five bars either side."""
    means = np.convolve(view.close, np.ones(11) / 11, mode="same")
    yield from every(view, lambda bar: view.close[bar] > means[bar])


def whole_sample(view: View, _: Params) -> Iterator[Draft]:
    """A z-score by mean and deviation of everything."""
    moves = np.diff(view.close, prepend=view.close[0])
    z = (moves - moves.mean()) / moves.std()
    yield from every(view, lambda bar: z[bar] > 0.5)


def early_pivot(view: View, _: Params) -> Iterator[Draft]:
    """A pivot told at its own bar instead of three bars later."""
    high, n = view.high, len(view)
    for bar in range(40, n):
        if high[bar] >= high[bar - 3 : min(bar + 4, n)].max():
            yield draft(view, bar)


def coming_funding(view: View, _: Params) -> Iterator[Draft]:
    """The settlement after the bar's close."""
    times, rates = view.funding_8h()

    def dear(bar: int) -> bool:
        at = int(np.searchsorted(times, view.panel.known_ns(bar), side="right"))
        return at < len(rates) and rates[at] > 0.0002

    yield from every(view, dear)


def unpublished(view: View, _: Params) -> Iterator[Draft]:
    """Sentiment by the day it describes, an hour before it is public."""
    series = view.panel.sentiment
    assert isinstance(series, Known)

    def greedy(bar: int) -> bool:
        at = int(np.searchsorted(series.time_ns, view.panel.known_ns(bar), side="right")) - 1
        return at >= 0 and series.value[at] > 50

    for bar in range(40, len(view)):
        if greedy(bar):
            yield draft(view, bar)


def figure_only(view: View, _: Params) -> Iterator[Draft]:
    """The same events whatever comes, but a figure of them knows the future."""
    top = float(view.high.max())
    for bar in range(40, len(view), 40):
        yield dataclasses.replace(draft(view, bar), figures={"room": top - float(view.close[bar])})


def knows_dates(view: View, _: Params) -> Iterator[Draft]:
    """Trades one day that is known to have been a good one."""
    day = int(worlds.START_NS + 20 * 86_400 * 10**9)
    yield from every(view, lambda bar: day <= view.panel.time_ns[bar] < day + 86_400 * 10**9)


def falls_over(view: View, _: Params) -> Iterator[Draft]:
    """Fails where the market is shorter than it is used to."""
    if len(view) < 600:
        raise IndexError("index 599 is out of bounds")
    yield from honest(view, _)


CHEATS = {
    "next_close": (next_close, {checking.CUT_OFF, checking.REPLACED}),
    "excused": (next_close_only_where_there_is_one, {checking.CUT_OFF, checking.REPLACED}),
    "centred": (centred, {checking.CUT_OFF, checking.REPLACED}),
    "whole_sample": (whole_sample, {checking.CUT_OFF, checking.REPLACED}),
    "early_pivot": (early_pivot, {checking.CUT_OFF, checking.REPLACED}),
    "coming_funding": (coming_funding, {checking.CUT_OFF, checking.REPLACED}),
    "unpublished": (unpublished, {checking.LATER_PUBLIC}),
    "figure_only": (figure_only, {checking.CUT_OFF, checking.REPLACED}),
    "knows_dates": (knows_dates, {checking.OTHER_DATE}),
    "falls_over": (falls_over, {checking.CUT_OFF}),
}


@pytest.fixture(scope="module")
def markets():
    """Two markets are enough for a cheat."""
    return worlds.walks(2, 800, seed=5)


def check(name: str, detector: Any, markets: Any, **more: Any) -> Any:
    full = f"planted_{name}"
    SETUPS.add(Setup(name=full, title=name, families=("structure",), detect=detector, params=Params()), "a test")
    try:
        return check_setup(full, markets, **more)
    finally:
        SETUPS._known.pop(full)


@pytest.mark.parametrize("name", CHEATS)
def test_a_planted_cheat_is_caught(name, markets):
    detector, tests = CHEATS[name]
    found = check(name, detector, markets)
    assert found.looks_ahead
    assert found.verdict == "looks ahead"
    assert tests <= {fault.test for fault in found.faults}
    for fault in found.faults:
        assert 0 <= fault.bar < 800
        assert fault.field
        assert fault.whole != fault.part or fault.field == "the set-up"
        assert str(fault.bar) in str(fault)


def test_the_first_offending_field_is_named(markets):
    found = check("figure_only", figure_only, markets)
    assert {fault.field for fault in found.faults} == {"attrs.room"}
    assert "attrs.room" in found.sentence


def test_an_honest_set_up_passes(markets):
    found = check("honest", honest, markets)
    assert found.faults == ()
    assert found.events > 50
    assert found.verdict == "says the same whatever follows"
    assert found.mirror[0] == found.mirror[1] > 0
    assert all(changed == 0 for bars, changed, _ in found.warm_up if bars >= 250)


def test_a_set_up_that_says_nothing_proves_nothing(markets):
    found = check("silent", lambda view, params: iter(()), markets)
    assert (found.looks_ahead, found.events, found.verdict) == (False, 0, "silent")
    assert "nothing is shown" in found.sentence


def test_what_cannot_be_checked_is_said(markets):
    with pytest.raises(BadInput, match="not a set-up"):
        check_setup("no_such_thing", markets)
    with pytest.raises(BadInput, match="at least 2"):
        check("honest", honest, markets, cuts=1)
    with pytest.raises(BadInput, match="30"):
        check("honest", honest, worlds.walks(1, 25, seed=1))


@pytest.mark.parametrize("name", sorted(SETUPS))
def test_the_built_in_set_ups_say_the_same_whatever_follows(name):
    found = check_setup(name, worlds.walks(2, 900, seed=3), cuts=8)
    assert found.faults == (), found.sentence


def test_every_set_up_that_can_speak_on_random_markets_is_checked_on_events():
    told = {name for name in SETUPS if check_setup(name, worlds.walks(3, 1500, seed=1), cuts=2).events}
    assert len(told) >= 0.75 * len(SETUPS)


def event_of(**more: Any) -> SetupEvent:
    base: dict[str, Any] = {
        "setup": "x", "side": Side.SHORT, "symbol": "WALK0USDT", "bar": 10, "known_ns": 0, "level": 1.0,
        "entry_ref": 100.0, "stop": 110.0, "targets": (90.0,), "invalidation": 105.0, "horizon_bars": 4,
        "anchor_ns": 0, "atr": 0.01,
    }  # fmt: skip
    return SetupEvent(**(base | more))


def panel_with(bars: list[tuple[float, float, float]]) -> Any:
    """Ten quiet bars, the signal's, then bars of (high, low, close)."""
    panel = worlds.walks(1, 11 + len(bars), seed=1)[0]
    rows = [(101.0, 99.0, 100.0)] * 11 + bars
    high, low, close = (np.array(column) for column in zip(*rows, strict=True))
    return dataclasses.replace(panel, open=close, high=high, low=low, close=close)


RESTS = {"limit_price": 103.0, "entry": "limit", "valid_bars": 2}


@pytest.mark.parametrize(
    ("bars", "event", "why"),
    [
        ([], {}, None),
        ([(101, 99, 100)], {}, None),
        ([(110, 99, 100)], {}, "the stop 110 was reached"),
        ([(109.9, 99, 106)], {}, "it closed beyond 105"),
        ([(101, 90, 95)], {}, "the target 90 was reached"),
        ([(111, 89, 95)], {}, "the stop 110 was reached"),
        ([(101, 99, 100)] * 4, {}, "its time was up after 4 bars"),
        ([(101, 99, 100)] * 4, {"horizon_bars": 0}, None),
        ([(101, 89, 95)], {"targets": ()}, None),
        ([(104, 99, 100)], RESTS, "the limit 103 was filled"),
        ([(103, 99, 100)], RESTS, None),
        ([(101, 99, 100)] * 2, RESTS, "the limit 103 was not reached"),
    ],
)  # fmt: skip
def test_when_a_set_up_is_over(bars, event, why):
    said = over(event_of(**event), panel_with(bars))
    assert (said is None) if why is None else (said is not None and said.startswith(why))


def test_a_long_is_over_in_the_mirror():
    long = {"side": Side.LONG, "stop": 90.0, "targets": (110.0,), "invalidation": 95.0}
    assert over(event_of(**long), panel_with([(101, 90, 100)])) == "the stop 90 was reached"
    assert over(event_of(**long), panel_with([(110, 99, 100)])) == "the target 110 was reached"
    assert "closed beyond 95" in str(over(event_of(**long), panel_with([(101, 91, 94)])))
    with pytest.raises(BadInput, match="not in the panel"):
        over(event_of(symbol="OTHER"), panel_with([]))
