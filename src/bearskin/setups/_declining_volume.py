"""DECLINING_VOLUME: a market holds near its highs on ever less turnover, then closes below everything it held.

Nobody is left to buy the highs: the range breaks down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bearskin.setups._events import Draft
from bearskin.setups._features import B1, F8, I8, highest_before
from bearskin.setups._view import View
from bearskin.terms import HOUR_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class DecliningVolume:
    """Parameters; `..._atr` count ATR(14) of bars `atr_bars` times as long, complete at the signal, as the trade does.

    The window is the bars before the break: it is several ATR of its own bars high even when the market stands still.
    """

    window_bars: int = 48
    atr_bars: int = 4
    top_bars: int = 200  # whose highest high the window stays near
    near_atr: float = 1.0
    near_share: float = 0.6  # of the window's highs
    closes_atr: float = 4.0  # from its lowest to its highest close, at most
    tau_max: float = -0.3  # Kendall's, of time and turnover
    p_max: float = 0.05  # two-sided
    cvd_slope_max: float = 0.0  # of the taker buys less sells run up over the window, where the venue tells them
    second_target: float = 2.0  # heights of the window below its low; the first is one risk away
    horizon_bars: int = 48


class Trend(NamedTuple):
    """Kendall's rank correlation with time, and how often chance alone would give as much."""

    tau: float
    p: float


class Window(NamedTuple):
    """The bars before a break, in log prices of the view."""

    atr: float
    high: float
    low: float
    near_share: float
    closes_atr: float
    trend: Trend
    cvd_slope: float | None  # per bar, of the window's mean volume


def declining_volumes(view: View, rules: DecliningVolume) -> Iterator[Draft]:
    """Drafts by rising bar: the first close below a window in which none had closed below the window before it."""
    for bar in _breaks(view, rules).tolist():
        window = _window(view, rules, bar)
        if window is not None:
            yield _draft(view, rules, bar, window)


def _breaks(view: View, rules: DecliningVolume) -> I8:
    """Bars asked for that close below the lows of the window before, as no bar of that window had."""
    bars = rules.window_bars
    first = max(view.first, rules.top_bars, bars)
    if not (view.close[first:] < view.low[first - 1 : -1]).any():  # a break is always below the bar before, too
        return np.empty(0, dtype=np.int64)
    start = max(0, first - 2 * bars)
    broke = _below(view, start, bars)
    at: I8 = np.flatnonzero(broke[first - start :]) + first
    told = np.concatenate([[0], np.cumsum(broke)])
    fresh: I8 = at[told[at - start] == told[np.maximum(at - bars - start, 0)]]
    return fresh


def _below(view: View, start: int, bars: int) -> B1:
    """From bar `start` on: whether a bar closes below the lows of the `bars` before it."""
    with np.errstate(invalid="ignore"):
        return view.close[start:] < -highest_before(-view.low[start:], bars)[:-1]


def _window(view: View, rules: DecliningVolume, bar: int) -> Window | None:
    """The window before `bar`, when it is what the set-up asks for: the cheap questions first."""
    held, atr = (
        slice(bar - rules.window_bars, bar),
        float(view.higher_atr(rules.atr_bars * view.panel.interval_ns)[bar]),
    )
    close, high = view.close[held], view.high[held]
    closes_atr = float(close.max() - close.min()) / atr if atr > 0 else math.inf
    if closes_atr > rules.closes_atr:
        return None
    top = float(view.high[bar - rules.top_bars : bar].max())
    near_share = float(np.count_nonzero(high >= top - rules.near_atr * atr)) / rules.window_bars
    if near_share < rules.near_share:
        return None
    slope = cvd_slope(view, bar - rules.window_bars, bar)
    if slope is not None and slope > rules.cvd_slope_max:
        return None
    trend = kendall(view.quote_volume()[held])
    if trend is None or trend.tau > rules.tau_max or trend.p >= rules.p_max:
        return None
    return Window(atr, float(high.max()), float(view.low[held].min()), near_share, closes_atr, trend, slope)


def kendall(values: F8) -> Trend | None:
    """Kendall's tau-b of `values` with their order, and its two-sided p from the normal approximation with ties.

    tau-b = S / sqrt(n0 (n0 - n2)) with S the rising less the falling pairs, n0 all pairs, n2 those tied; without
    continuity correction (Kendall 1970, Rank Correlation Methods). None with a missing value or when all are equal.
    """
    n = len(values)
    if n < 2 or math.isnan(float(values.sum())):
        return None
    s = int(np.sign(values[None, :] - values[:, None])[np.triu_indices(n, 1)].sum())
    _, counts = np.unique(values, return_counts=True)
    pairs = n * (n - 1) / 2
    tied = float((counts * (counts - 1)).sum()) / 2
    if tied == pairs:
        return None
    variance = (n * (n - 1) * (2 * n + 5) - float((counts * (counts - 1) * (2 * counts + 5)).sum())) / 18
    return Trend(s / math.sqrt(pairs * (pairs - tied)), math.erfc(abs(s) / math.sqrt(2 * variance)))


def cvd_slope(view: View, first: int, end: int) -> float | None:
    """Slope by least squares of the taker buys less sells summed up over bars [first, end), of the mean volume per bar.

    In a long's view sells less buys. None without the series or without volume.
    """
    bought = view.panel.taker_buy_volume
    if bought is None:
        return None
    volume = view.panel.volume[first:end]
    run = np.cumsum(view.sign * (2 * bought[first:end] - volume))
    time = np.arange(len(run)) - (len(run) - 1) / 2
    slope = float((time * run).sum() / (time * time).sum())
    mean = float(volume.mean())
    return slope / mean if mean > 0 and math.isfinite(slope) else None


def _draft(view: View, rules: DecliningVolume, bar: int, window: Window) -> Draft:
    first = bar - rules.window_bars
    height = window.high - window.low
    turnover = view.quote_volume()[first:bar]
    half = rules.window_bars // 2
    return Draft(
        bar=bar,
        level=window.low,
        anchor_bar=first,
        extreme=max(window.high, float(view.high[bar])),
        targets=(window.low - rules.second_target * height,),
        one_risk=True,
        invalidation=window.high,
        horizon_bars=rules.horizon_bars,
        atr=window.atr,
        prices={"window_high": window.high, "window_low": window.low},
        bars={"window_first": first},
        lines=(("level", first, window.low, bar, window.low),),
        zones=(("range", first, bar - 1, window.low, window.high),),
        figures=lambda: {
            "tau": window.trend.tau,
            "tau_p": window.trend.p,
            "near_share": window.near_share,
            "closes_atr": window.closes_atr,
            "atr_hours": rules.atr_bars * view.panel.interval_ns / HOUR_NS,
            "cvd_slope": window.cvd_slope,
            "unchecked": None if window.cvd_slope is not None else "taker",
            "turnover_halves": float(turnover[half:].mean() / turnover[:half].mean()),
        },
        why=(
            f"held near its {{highs}} for {rules.window_bars} bars on falling turnover (Kendall's tau"
            f" {window.trend.tau:.2f}), then closed at {{close}}, {{below}} every one of these bars, whose {{low}} was"
            " {level}; the stop stands at {stop}."
        ),
    )
