"""One side's look at a market: log prices in which every position is a short.

The short's view is the market itself; the long's is its mirror (y to -y, so high and low change places; taker buys and
sells too; sentiment s to 100 - s; long-short ratio x to 1/x; funding f to 2 f0 - f, so that neutral stays neutral; open
interest and volume as they are). Each set-up is written once, for the short, and run on both views.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import numpy as np

from bearskin.market import Known, Panel
from bearskin.setups._features import F8, I8, Higher, highest_before, indicator, pivot_highs, rank_pct, resample
from bearskin.terms import DAY_NS, HOUR_NS, Side

NEUTRAL_8H = 0.0001  # the interest component most venues fix: 0.01% per eight hours
FUNDING_HOURS = 8
ON_TICK = 1e-6  # a price this close to the grid, in ticks, is on it ...
LOG_NOISE = 1e-14  # ... or this close as a fraction of the price: logs cost a few last digits

T = TypeVar("T")


def _same(steps: float, near: int) -> bool:
    off = abs(steps - near)
    return off < ON_TICK or off < steps * LOG_NOISE


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Funding at one moment, per eight hours and in the view: the mean of the last settlements and its rank."""

    last_8h: float
    mean_8h: float
    pct: float
    days: float  # how much history the rank is taken from


class View:
    """A panel seen from one side; features are worked out when first asked for and kept.

    `open, high, low, close` are natural logs of price, negated with high and low exchanged for longs. Arrays share the
    panel's length. Nothing here may be changed in place. `first` is the first bar whose events are asked for: a
    detector may pass over what only matters before it.
    """

    def __init__(self, panel: Panel, side: Side, other: View | None = None, *, first: int = 0) -> None:
        """`other` is the view of the same panel from the other side, with which what is true of both is shared."""
        self.panel, self.side, self.first = panel, side, first
        self.sign = -int(side)
        self.tick = float(panel.instrument.tick)
        self.tick_decimals = max(0, -int(panel.instrument.tick.normalize().as_tuple().exponent))
        self._memo: dict[object, object] = {}
        self._shared: dict[object, object] = {} if other is None else other._shared

    def __len__(self) -> int:
        return len(self.panel)

    def keep(self, key: object, build: Callable[[], T]) -> T:
        """What `build` makes, made once per view and `key`."""
        if key not in self._memo:
            self._memo[key] = build()
        return cast("T", self._memo[key])

    def share(self, key: object, build: Callable[[], T]) -> T:
        """As `keep`, for what the views of both sides have in common."""
        if key not in self._shared:
            self._shared[key] = build()
        return cast("T", self._shared[key])

    # prices -------------------------------------------------------------------------------------------------

    @cached_property
    def open(self) -> F8:
        """Logs of the opens in this view."""
        return self._logs("open")

    @cached_property
    def high(self) -> F8:
        """Logs of the highs in this view: of the lows for longs."""
        return self._logs("high" if self.sign > 0 else "low")

    @cached_property
    def low(self) -> F8:
        """Logs of the lows in this view: of the highs for longs."""
        return self._logs("low" if self.sign > 0 else "high")

    @cached_property
    def close(self) -> F8:
        """Logs of the closes in this view."""
        return self._logs("close")

    def _logs(self, name: str) -> F8:
        logs: F8 = self.share(("log", name), lambda: np.log(getattr(self.panel, name)))
        return logs if self.sign > 0 else -logs

    def price(self, y: float) -> float:
        """The price of a log in this view, put on the tick grid where it stands within a hair of it."""
        raw = math.exp(self.sign * y)
        steps = raw / self.tick
        near = round(steps)
        return self._on_grid(near) if near > 0 and _same(steps, near) else raw

    def up(self, y: float) -> float:
        """The nearest grid price at or above in the view: away from the position for its stop, nearer for a target."""
        return self._rounded(y, 1)

    def down(self, y: float) -> float:
        """The nearest grid price at or below in the view."""
        return self._rounded(y, -1)

    def _rounded(self, y: float, way: int) -> float:
        steps = math.exp(self.sign * y) / self.tick
        near = round(steps)
        if _same(steps, near):
            return self._on_grid(near)
        return self._on_grid(math.ceil(steps) if way * self.sign > 0 else math.floor(steps))

    def _on_grid(self, steps: int) -> float:
        return round(steps * self.tick, self.tick_decimals)  # the float a person's decimal would become

    def log(self, price: float) -> float:
        """The view's log of a price."""
        return self.sign * math.log(price)

    # features -----------------------------------------------------------------------------------------------

    def atr(self, bars: int = 14) -> F8:
        """Average true range of the log price; the mirror's is the same."""
        return self.share(("atr", bars), lambda: indicator("ATR", self.high, self.low, self.close, bars=bars))

    def ema(self, bars: int) -> F8:
        """Exponential mean of the closes."""
        mean: F8 = self.share(("ema", bars), lambda: self.sign * indicator("EMA", self.close, bars=bars))
        return mean if self.sign > 0 else -mean  # of the negated logs it is the negated mean, to the last digit

    def rsi(self, bars: int = 14) -> F8:
        """Relative strength, 0..100; the mirror's is 100 minus it."""
        return self.keep(("rsi", bars), lambda: indicator("RSI", self.close, bars=bars))

    def sigma(self, bars: int) -> F8:
        """Exponentially weighted deviation of the log return of one bar, around zero."""

        def build() -> F8:
            squares = np.concatenate([[np.nan], np.diff(self.close) ** 2])
            return np.sqrt(indicator("EMA", squares, bars=bars))

        return self.keep(("sigma", bars), build)

    def top(self, bars: int) -> F8:
        """Shape (n + 1,): the Donchian high of the `bars` bars before each bar."""
        return self.keep(("top", bars), lambda: highest_before(self.high, bars))

    def pivots(self, bars: int, since: int = 0) -> I8:
        """Pivot highs from bar `since` on, each known `bars` bars later."""
        return self.keep(("pivots", bars, since), lambda: pivot_highs(self.high, bars, since))

    def higher(self, length_ns: int) -> Higher:
        """Complete bars of a higher time frame."""
        return self.keep(
            ("higher", length_ns),
            lambda: resample(self.panel.time_ns, self.panel.interval_ns, self.high, self.low, self.close, length_ns),
        )

    def higher_ema(self, bars: int, length_ns: int) -> F8:
        """The exponential mean of a higher time frame as known at the close of each bar."""

        def build() -> F8:
            higher = self.higher(length_ns)
            values = np.append(indicator("EMA", higher.close, bars=bars), np.nan)  # index -1: before the first
            return values[higher.last_at(self.panel.time_ns + self.panel.interval_ns)]

        return self.keep(("higher ema", bars, length_ns), build)

    def higher_atr(self, length_ns: int, bars: int = 14) -> F8:
        """The average true range of a higher time frame's bars as known at the close of each bar."""

        def build() -> F8:
            higher = self.higher(length_ns)
            values = np.append(indicator("ATR", higher.high, higher.low, higher.close, bars=bars), np.nan)
            return values[higher.last_at(self.panel.time_ns + self.panel.interval_ns)]

        return self.share(("higher atr", length_ns, bars), build)

    def quote_volume(self) -> F8:
        """Turnover in quote units; volume times close where the venue does not give it, contracts for inverse."""

        def build() -> F8:
            if self.panel.quote_volume is not None:
                return self.panel.quote_volume
            return self.panel.volume if self.panel.instrument.inverse else self.panel.volume * self.panel.close

        return self.keep("quote volume", build)

    def session_vwap(self, bar: int) -> float:
        """Mean log price of the UTC day up to `bar`, weighted by turnover (logs, so that it mirrors); NaN without any.

        Nothing but the bars of that day goes into it, however much of the past the panel holds.
        """
        times = self.panel.time_ns
        day = slice(int(np.searchsorted(times, times[bar] // DAY_NS * DAY_NS)), bar + 1)
        turnover = self.quote_volume()[day]
        weight = np.where(np.isfinite(turnover), turnover, 0.0)
        total = float(weight.sum())
        middle = (self.high[day] + self.low[day] + self.close[day]) / 3
        return float((weight * middle).sum()) / total if total > 0 else math.nan

    # other series, as known at the close of a bar --------------------------------------------------------------

    def bars_of(self, hours: float) -> int:
        """How many bars make `hours`, at least one."""
        return max(1, round(hours * HOUR_NS / self.panel.interval_ns))

    def funding_8h(self) -> tuple[I8, F8]:
        """Settlement times and rates per eight hours as this view has them; settlements of unknown length left out."""

        def build() -> tuple[I8, F8]:
            funding = self.panel.funding
            if funding is None:
                return np.empty(0, dtype=np.int64), np.empty(0)
            times, rate, interval_ns = funding.time_ns, funding.rate, funding.interval_ns
            sound = (interval_ns > 0) & np.isfinite(rate)
            if not sound.all():
                times, rate, interval_ns = times[sound], rate[sound], interval_ns[sound]
            rate = rate * (FUNDING_HOURS * HOUR_NS / interval_ns)
            return times, rate if self.side is Side.SHORT else 2 * NEUTRAL_8H - rate

        return self.keep("funding", build)

    def as_paid_8h(self, rate_8h: float) -> float:
        """A rate of this view as the venue states it: positive when longs pay."""
        return rate_8h if self.side is Side.SHORT else 2 * NEUTRAL_8H - rate_8h

    def crowd(self, time_ns: int, *, settlements: int = 3, days: float = 90, days_min: float = 0) -> Crowd | None:
        """Funding as known at `time_ns`; None with fewer settlements than asked or less history than `days_min`.

        The rank compares the mean of the last settlements with every such mean of the `days` up to the last one, or
        of what there is: `days` of the answer says how much that was.
        """
        times, rates = self.funding_8h()
        end = int(times.searchsorted(time_ns, side="right"))
        if end < settlements or (history := (time_ns - int(times[0])) / DAY_NS) < days_min:
            return None

        def smooth() -> F8:
            count = len(rates) - settlements + 1
            total: F8 = rates[:count].copy()
            for k in range(1, settlements):
                total += rates[k : k + count]
            return total / settlements

        means = self.keep(("funding means", settlements), smooth)
        last = end - settlements

        def rank() -> float:
            start = int(times.searchsorted(times[end - 1] - int(days * DAY_NS), side="right"))
            return rank_pct(means[min(max(start - settlements + 1, 0), last) : last + 1], float(means[last]))

        return Crowd(
            last_8h=float(rates[end - 1]),
            mean_8h=float(means[last]),
            pct=self.keep(("funding rank", settlements, days, end), rank),
            days=min(float(days), history),
        )

    def latest(self, series: Known | None, time_ns: int) -> float | None:
        """The last value public at `time_ns`, as the venue gives it."""
        if series is None:
            return None
        index = int(series.known_ns.searchsorted(time_ns, side="right")) - 1
        return float(series.value[index]) if index >= 0 and math.isfinite(series.value[index]) else None

    def buy_share(self, first: int, last: int) -> float | None:
        """Share of taker buys in the volume of bars `first..last`, of sells for longs; None without the series."""
        bought = self.panel.taker_buy_volume
        if bought is None:
            return None
        total = float(np.sum(self.panel.volume[first : last + 1]))
        share = float(np.sum(bought[first : last + 1])) / total if total > 0 else float("nan")
        if not math.isfinite(share):
            return None
        return share if self.side is Side.SHORT else 1 - share
