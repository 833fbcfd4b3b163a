"""DESCENDING_CHANNEL and CHANNEL_BREAK: a fall between two lines, sold at the upper one, or through the lower one.

The lines are drawn through the bars before the signal's and carried on to it, so they stood before it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bearskin.setups._events import Draft, DrawnLine
from bearskin.setups._features import B1, F8, I8, pivot_highs
from bearskin.setups._view import View
from bearskin.setups._volume import VolumeRules, volume_confirmation
from bearskin.terms import BadInput, Side

AT_ONCE = 8_192  # windows fitted together


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLines:
    """What makes a channel: a line of least squares with a band, or two lines through two pivots each."""

    kind: Literal["regression", "pivots"] = "regression"
    bars: int = 72  # of the fit, before the signal; the oldest pivot may be as old
    r2_min: float = 0.6  # of the fit
    band_sigmas: float = 1.5  # from the middle to either line, in deviations of the residuals
    pivot_bars: int = 3
    slope_share_min: float = 0.5  # the flatter of two lines through pivots, over the steeper
    rest_bars: int = 6  # no second signal so soon after one

    def __post_init__(self) -> None:
        if self.kind not in ("regression", "pivots"):
            raise BadInput(f"kind of channel must be 'regression' or 'pivots', was {self.kind!r}")
        if self.bars < 3:
            raise BadInput(f"bars of a channel must be 3 or more, were {self.bars}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DescendingChannel(ChannelLines):
    """Parameters; `..._atr` count ATR(14) at the signal."""

    stop_atr: float = 0.75  # above the upper line
    invalidation_atr: float = 0.25  # above the upper line, by a close
    horizon_bars: int = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBreak(ChannelLines):
    """Parameters; `..._atr` count ATR(14) at the signal."""

    volume_ratio_min: float = 1.5  # turnover of the bar over the median before it
    volume_bars: int = 96
    first_target: float = 1.0  # of the channel's height, below the lower line
    second_target: float = 2.0
    invalidation_atr: float = 0.25  # above the lower line, by a close
    horizon_bars: int = 48


class Channel(NamedTuple):
    """The lines at a bar, their slopes, and the bars they are drawn from.

    `fit` is R squared for regressions and the ratio of the slopes for pivots.
    """

    bar: int
    upper: float
    lower: float
    upper_slope: float
    lower_slope: float
    upper_first: int
    lower_first: int
    fit: float

    @property
    def middle(self) -> float:
        """Half way between the lines."""
        return (self.upper + self.lower) / 2

    def upper_at(self, bar: int) -> float:
        """The upper line at another bar."""
        return self.upper + self.upper_slope * (bar - self.bar)

    def lower_at(self, bar: int) -> float:
        """The lower line at another bar."""
        return self.lower + self.lower_slope * (bar - self.bar)


class Channels(NamedTuple):
    """One row per bar that has a channel; columns of one table."""

    bar: I8
    upper: F8
    lower: F8
    upper_slope: F8
    lower_slope: F8
    upper_first: I8
    lower_first: I8
    fit: F8

    def rows(self, wanted: B1) -> Channels:
        """Those rows only."""
        return Channels(*(column[wanted] for column in self))  # type: ignore[arg-type]

    def each(self) -> Iterator[Channel]:
        """The rows one by one."""
        return (Channel(*row) for row in zip(*(column.tolist() for column in self), strict=True))


def descending_channels(view: View, rules: DescendingChannel) -> Iterator[Draft]:
    """Drafts by rising bar: a bar that trades above the upper line and closes back below it, lower than it opened."""

    def touched(first: int) -> Channels:
        bars = np.flatnonzero(view.close[first:] < view.open[first:]) + first
        found = _channels(view, rules, bars, first)
        at = found.bar
        return found.rows((view.high[at] > found.upper) & (view.close[at] < found.upper))

    for found in _rested(view, rules, touched):
        yield _touch_draft(view, rules, found)


def channel_breaks(view: View, rules: ChannelBreak) -> Iterator[Draft]:
    """Drafts by rising bar: a close below the lower line, which the bar before closed above, on much turnover."""

    def broken(first: int) -> Channels:
        since = max(first, 1)
        bars = np.flatnonzero(view.close[since:] < view.close[since - 1 : -1]) + since
        found = _channels(view, rules, bars, since)
        at = found.bar
        found = found.rows((view.close[at] < found.lower) & (view.close[at - 1] >= found.lower - found.lower_slope))
        ratios = (_turnover(view, rules, bar) for bar in found.bar.tolist())
        return found.rows(np.array([ratio >= rules.volume_ratio_min for ratio in ratios], dtype=np.bool_))

    for found in _rested(view, rules, broken):
        yield _break_draft(view, rules, found)


def _rested(view: View, rules: ChannelLines, signals: Callable[[int], Channels]) -> Iterator[Channel]:
    """The signals of the bars asked for that have no other signal in the bars just before."""
    found = signals(view.first)
    if not len(found.bar):
        return
    begin = max(0, view.first - rules.rest_bars)
    bars = found.bar if begin == view.first else signals(begin).bar
    for row in found.each():
        place = int(np.searchsorted(bars, row.bar))
        if place == 0 or row.bar - bars[place - 1] > rules.rest_bars:
            yield row


def _channels(view: View, rules: ChannelLines, bars: I8, since: int) -> Channels:
    """The falling channels that stand at `bars`, drawn from what was known at the close of the bar before each."""
    bars = bars[bars.searchsorted(rules.bars) :]
    return _fitted(view, rules, bars, since) if rules.kind == "regression" else _through_pivots(view, rules, bars)


class Fits(NamedTuple):
    """Least squares of the closes before each bar: the line at the bar, slope, R squared, the residuals' deviation."""

    middle: F8
    slope: F8
    r2: F8
    sigma: F8


def _fits(view: View, bars: int, since: int) -> Fits:
    """For every bar from `since` on, in logs of price: both sides and every kind of signal look at the same ones."""

    def build() -> Fits:
        close = view.sign * view.close[since - bars : -1]
        if len(close) == bars:
            return _least_squares(close[None, :])
        windows = np.lib.stride_tricks.sliding_window_view(close, bars)
        parts = [_least_squares(windows[k : k + AT_ONCE]) for k in range(0, len(windows), AT_ONCE)]
        return parts[0] if len(parts) == 1 else Fits(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    return view.share(("fits", bars, since), build)


def _least_squares(closes: F8) -> Fits:
    n = closes.shape[1]
    steps, square = np.arange(n) - (n - 1) / 2, n * (n * n - 1) / 12
    mean = closes.sum(axis=1) / n
    off = closes - mean[:, None]
    slope = (off * steps).sum(axis=1) / square
    whole, explained = (off * off).sum(axis=1), slope * slope * square
    r2 = np.divide(explained, whole, out=np.zeros(len(mean)), where=whole > 0)
    return Fits(mean + slope * ((n + 1) / 2), slope, r2, np.sqrt(np.maximum(whole - explained, 0) / (n - 2)))


def _fitted(view: View, rules: ChannelLines, bars: I8, since: int) -> Channels:
    """The line of least squares and a band of the residuals' deviations either side of it."""
    since = max(since, rules.bars)
    if not len(bars):
        none = np.empty(0)
        return Channels(bars, none, none, none, none, bars, bars, none)
    fits = _fits(view, rules.bars, since)
    place = bars - since
    falls = (view.sign * fits.slope[place] < 0) & (fits.r2[place] >= rules.r2_min)
    bars, place = bars[falls], place[falls]
    middle, slope, band = view.sign * fits.middle[place], view.sign * fits.slope[place], fits.sigma[place]
    band = rules.band_sigmas * band
    first = bars - rules.bars
    return Channels(bars, middle + band, middle - band, slope, slope, first, first, fits.r2[place])


def _through_pivots(view: View, rules: ChannelLines, bars: I8) -> Channels:
    """Lines through the last two pivot highs and the last two pivot lows; no close has been above the upper one."""
    since = max(0, view.first - rules.rest_bars - rules.bars - 1)
    highs = view.pivots(rules.pivot_bars, since)
    lows = view.keep(("pivot lows", rules.pivot_bars, since), lambda: pivot_highs(-view.low, rules.pivot_bars, since))
    upper, lower = _through_two(view.high, highs, rules, bars), _through_two(view.low, lows, rules, bars)
    falls = (upper.first >= 0) & (lower.first >= 0) & (upper.slope < 0) & (lower.slope < 0) & (upper.y > lower.y)
    steep, flat = np.minimum(upper.slope, lower.slope), np.maximum(upper.slope, lower.slope)
    share = np.divide(flat, steep, out=np.zeros(len(bars)), where=falls)
    rows = Channels(bars, upper.y, lower.y, upper.slope, lower.slope, upper.first, lower.first, share)
    rows = rows.rows(falls & (share >= rules.slope_share_min))
    return rows.rows(np.array([_held(view, row) for row in rows.each()], dtype=np.bool_))


class Lines(NamedTuple):
    """A line at each bar, its slope, and its first pivot: -1 where there is none."""

    y: F8
    slope: F8
    first: I8


def _through_two(y: F8, pivots: I8, rules: ChannelLines, bars: I8) -> Lines:
    """At each bar the line through the last two pivots known at the close of the bar before."""
    if len(pivots) < 2:
        return Lines(np.zeros(len(bars)), np.zeros(len(bars)), np.full(len(bars), -1))
    place = np.searchsorted(pivots + rules.pivot_bars, bars) - 1
    second, first = pivots[np.maximum(place, 1)], pivots[np.maximum(place, 1) - 1]
    slope = (y[second] - y[first]) / (second - first)
    there = (place >= 1) & (bars - first <= rules.bars)
    return Lines(y[second] + slope * (bars - second), slope, np.where(there, first, -1))


def _held(view: View, found: Channel) -> bool:
    """Whether no close has been above the upper line since its first pivot."""
    first, bar = found.upper_first, found.bar
    line = found.upper + found.upper_slope * (np.arange(first, bar) - bar)
    return bool((view.close[first:bar] <= line).all())


def _turnover(view: View, rules: ChannelBreak, bar: int) -> float:
    """Turnover of the bar over the usual one; 0 where that is not known."""
    return volume_confirmation(view, bar, VolumeRules(bars=rules.volume_bars)).ratio or 0.0


def _figures(view: View, found: Channel) -> dict[str, float]:
    atr = float(view.atr()[found.bar])
    return {
        "height_atr": (found.upper - found.lower) / atr,
        "upper_slope_atr": found.upper_slope / atr,
        "lower_slope_atr": found.lower_slope / atr,
        "channel_bars": float(found.bar - min(found.upper_first, found.lower_first)),
    }


def _lines(view: View, found: Channel) -> tuple[DrawnLine, ...]:
    upper, lower = ("upper", "lower") if view.side is Side.SHORT else ("lower", "upper")  # as a person sees them
    first = min(found.upper_first, found.lower_first)
    middle = (found.upper_at(first) + found.lower_at(first)) / 2
    return (
        (upper, found.upper_first, found.upper_at(found.upper_first), found.bar, found.upper),
        ("middle", first, middle, found.bar, found.middle),
        (lower, found.lower_first, found.lower_at(found.lower_first), found.bar, found.lower),
    )


def _fit(rules: ChannelLines, found: Channel) -> dict[str, float]:
    return {"r2" if rules.kind == "regression" else "slope_share": found.fit}


def _words(rules: ChannelLines, found: Channel) -> str:
    """The channel in words, the side's words still to be filled in."""
    bars = found.bar - min(found.upper_first, found.lower_first)
    how = f"R2 {found.fit:.2f}" if rules.kind == "regression" else f"{rules.pivot_bars}-bar pivots"
    return f"channel that has {{fallen}} for {bars} bars ({how})"


def _touch_draft(view: View, rules: DescendingChannel, found: Channel) -> Draft:
    bar, atr = found.bar, float(view.atr()[found.bar])
    high = float(view.high[bar])
    return Draft(
        bar=bar,
        level=found.upper,
        anchor_bar=found.upper_first,
        extreme=found.upper,
        buffer_atr=rules.stop_atr,
        targets=(found.middle, found.lower),
        invalidation=found.upper + rules.invalidation_atr * atr,
        horizon_bars=rules.horizon_bars,
        prices={"touch": high, "middle": found.middle, "far": found.lower},
        bars={"upper_first": found.upper_first, "lower_first": found.lower_first},
        lines=_lines(view, found),
        figures=lambda: {
            **_figures(view, found),
            **_fit(rules, found),
            "channel": rules.kind,
            "beyond_level_atr": (high - found.upper) / atr,
        },
        why=(
            f"traded to {{touch}}, {{above}} the {{upper}} line {{level}} of a {_words(rules, found)}, and closed back"
            " {below} it at {close}; the stop stands at {stop}."
        ),
    )


def _break_draft(view: View, rules: ChannelBreak, found: Channel) -> Draft:
    bar, atr = found.bar, float(view.atr()[found.bar])
    height = found.upper - found.lower
    ratio = _turnover(view, rules, bar)
    return Draft(
        bar=bar,
        level=found.lower,
        anchor_bar=found.lower_first,
        extreme=found.middle,
        targets=(found.lower - rules.first_target * height, found.lower - rules.second_target * height),
        invalidation=found.lower + rules.invalidation_atr * atr,
        horizon_bars=rules.horizon_bars,
        prices={"middle": found.middle, "far": found.upper},
        bars={"upper_first": found.upper_first, "lower_first": found.lower_first},
        lines=_lines(view, found),
        figures=lambda: {
            **_figures(view, found),
            **_fit(rules, found),
            "channel": rules.kind,
            "below_level_atr": (found.lower - float(view.close[bar])) / atr,
            "volume_ratio": ratio,
        },
        why=(
            f"closed at {{close}}, {{below}} the {{under}} line {{level}} of a {_words(rules, found)}, on {ratio:.1f}"
            " times the usual turnover; the stop stands at {stop}."
        ),
    )
