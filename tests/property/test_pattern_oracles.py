"""The patterns against slow ones written out from their rules, bar by bar, seeing only what was there at each close."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from property.test_setups import walk

from bearskin.setups import SETUPS, ChannelBreak, DescendingChannel, HeadShoulders, RsiOverbought, View
from bearskin.terms import Side

BARS = 260
SEEDS = st.integers(0, 2**32 - 1)


def views(seed: int):
    panel = walk(seed, BARS)
    short = View(panel, Side.SHORT)
    return short, View(panel, Side.LONG, short)


def told(name: str, view: View, rules: object):
    return list(SETUPS[name].detect(view, rules))


def slow_pivots(close: list[float], order: int, last: int) -> list[tuple[int, str]]:
    """Tops and bottoms that the closes up to bar `last` confirm, by bar."""
    found = []
    for j in range(order, last - order + 1):
        left, right, own = close[j - order : j], close[j + 1 : j + order + 1], close[j]
        if all(own > c for c in left) and all(own >= c for c in right):
            found.append((j, "top"))
        if all(own < c for c in left) and all(own <= c for c in right):
            found.append((j, "bottom"))
    return found


def slow_heads(close: list[float], rules: HeadShoulders) -> dict[int, tuple[int, tuple[int, ...]]]:
    """For each bar at which a neckline breaks: the order and left shoulder, bottom, head, bottom, right shoulder."""
    found = {}
    for bar, order in itertools.product(range(len(close)), sorted(rules.orders)):
        pivots = slow_pivots(close, order, bar)
        for four in zip(pivots, pivots[1:], pivots[2:], pivots[3:], strict=False):
            if [kind for _, kind in four] != ["top", "bottom", "top", "bottom"]:
                continue
            p1, p2, p3, p4 = (j for j, _ in four)
            slope = (close[p4] - close[p2]) / (p4 - p2)
            neck = [close[p2] + slope * (k - p2) for k in range(len(close))]
            if not bar - p1 <= rules.span_orders * order or not close[bar] < min(neck[bar], close[bar - 1]):
                continue
            if any(close[k] < neck[k] for k in range(p4 + min(rules.orders), bar)) or close[bar - 1] < neck[bar - 1]:
                continue
            p5 = max(range(p4 + 1, bar), key=lambda k: (close[k], -k))
            sides = sorted((p3 - p1, p5 - p3))
            if (
                close[p3] > max(close[p1], close[p5])
                and close[p1] > (close[p5] + close[p4]) / 2
                and close[p5] > (close[p1] + close[p2]) / 2
                and sides[1] <= rules.symmetry_max * sides[0]
            ):
                found[bar] = order, (p1, p2, p3, p4, p5)
    return found


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, orders=st.sampled_from([(2,), (3, 5), (2, 4, 9), (6, 12, 24)]))
def test_head_shoulders(seed, orders):
    rules = HeadShoulders(orders=orders, symmetry_max=4.0)
    for view in views(seed):
        drafts = told("head_shoulders", view, rules)
        names = ("left_shoulder", "left_bottom", "head", "right_bottom", "right_shoulder")
        seen = {d.bar: (d.figures()["order_bars"], tuple(d.bars[name] for name in names)) for d in drafts}
        assert seen == slow_heads(view.close.tolist(), rules)


def slow_line(
    close: np.ndarray, bar: int, rules: DescendingChannel | ChannelBreak
) -> tuple[float, float, float] | None:
    """Upper and lower line at `bar` and their slope, by numpy's fit of the bars before."""
    if bar < rules.bars:
        return None
    x, y = np.arange(-rules.bars, 0), close[bar - rules.bars : bar]
    slope, offset = np.polyfit(x, y, 1)
    if slope >= 0 or np.corrcoef(x, y)[0, 1] ** 2 < rules.r2_min:
        return None
    band = rules.band_sigmas * math.sqrt(((y - offset - slope * x) ** 2).sum() / (rules.bars - 2))
    return offset + band, offset - band, slope


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, bars=st.sampled_from([12, 30, 72]))
def test_the_channel_by_regression(seed, bars):
    touch = DescendingChannel(bars=bars, r2_min=0.4, rest_bars=0)
    break_ = ChannelBreak(bars=bars, r2_min=0.4, rest_bars=0, volume_ratio_min=0.001)
    for view in views(seed):
        touches, breaks = {}, {}
        for bar in range(1, len(view)):
            line = slow_line(view.close, bar, touch)
            if line is None:
                continue
            upper, lower, slope = line
            if view.high[bar] > upper > view.close[bar] and view.close[bar] < view.open[bar]:
                touches[bar] = upper
            if view.close[bar] < lower and view.close[bar - 1] >= lower - slope:
                breaks[bar] = lower
        seen = {d.bar: d.level for d in told("descending_channel", view, touch)}
        assert seen.keys() == touches.keys()
        np.testing.assert_allclose([seen[k] for k in touches], list(touches.values()), rtol=1e-9)
        seen = {d.bar: d.level for d in told("channel_break", view, break_)}
        # the turnover is compared with half of 96 bars at the least
        assert seen.keys() == {bar for bar in breaks if bar >= break_.volume_bars // 2}


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, rest=st.integers(1, 20))
def test_a_signal_soon_after_another_is_not_told(seed, rest):
    """Another is one that the rules would tell without the rest, told or not."""
    every = DescendingChannel(bars=20, r2_min=0.1, band_sigmas=0.7, rest_bars=0)
    some = DescendingChannel(bars=20, r2_min=0.1, band_sigmas=0.7, rest_bars=rest)
    for view in views(seed):
        bars = [d.bar for d in told("descending_channel", view, every)]
        alone = [b for a, b in itertools.pairwise([-rest - 1, *bars]) if b - a > rest]
        assert [d.bar for d in told("descending_channel", view, some)] == alone


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, k=st.integers(1, 4), bars=st.sampled_from([20, 40, 72]))
def test_the_channel_through_pivots(seed, k, bars):
    rules = DescendingChannel(kind="pivots", pivot_bars=k, bars=bars, rest_bars=0)
    for view in views(seed):
        seen = {d.bar: (d.bars["upper_first"], d.bars["lower_first"]) for d in told("descending_channel", view, rules)}
        expected = {}
        high, low, close = view.high.tolist(), view.low.tolist(), view.close.tolist()
        for bar in range(bars, len(view)):
            tops = [j for j, kind in slow_pivots(high, k, bar - 1) if kind == "top"][-2:]
            bottoms = [j for j, kind in slow_pivots(low, k, bar - 1) if kind == "bottom"][-2:]
            if len(tops) < 2 or len(bottoms) < 2 or bar - min(tops[0], bottoms[0]) > bars:
                continue
            up = (high[tops[1]] - high[tops[0]]) / (tops[1] - tops[0])
            down = (low[bottoms[1]] - low[bottoms[0]]) / (bottoms[1] - bottoms[0])
            upper, lower = high[tops[1]] + up * (bar - tops[1]), low[bottoms[1]] + down * (bar - bottoms[1])
            if not (up < 0 and down < 0 and upper > lower and max(up, down) / min(up, down) >= 0.5):
                continue
            held = all(close[j] <= upper + up * (j - bar) for j in range(tops[0], bar))
            if held and high[bar] > upper > close[bar] and close[bar] < view.open[bar]:
                expected[bar] = tops[0], bottoms[0]
        assert seen == expected


def slow_turns(high: list[float], rsi: list[float], rules: RsiOverbought) -> dict[int, tuple[int, int]]:
    """For each signal the peak and the lower high, looked for anew at every close since RSI crossed back."""
    found = {}
    crosses = [t for t in range(1, len(high)) if rsi[t - 1] >= rules.overbought > rsi[t]]
    for cross in crosses:
        first = cross
        while first > 0 and rsi[first - 1] >= rules.overbought and cross - first < rules.run_max_bars:
            first -= 1
        for now in range(cross, min(cross + rules.valid_bars + 1, len(high))):
            if rsi[now] >= rules.overbought:
                break
            peak = max(range(first, now + 1), key=lambda j: (high[j], -j))
            lower = [j for j, kind in slow_pivots(high, rules.pivot_bars, now) if kind == "top" and j > peak]
            if lower:
                found[now] = peak, lower[-1]
                break
    return found


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, k=st.integers(1, 4), mark=st.sampled_from([55.0, 62.0, 70.0]), valid=st.sampled_from([3, 24]))
def test_rsi_overbought(seed, k, mark, valid):
    rules = RsiOverbought(pivot_bars=k, overbought=mark, valid_bars=valid)
    for view in views(seed):
        seen = {d.bar: (d.bars["peak"], d.bars["lower_high"]) for d in told("rsi_overbought", view, rules)}
        assert seen == slow_turns(view.high.tolist(), view.rsi(14).tolist(), rules)
