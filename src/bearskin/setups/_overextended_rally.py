"""OVEREXTENDED_RALLY: a large and fast rise with crowded longs, sold at the first sign of exhaustion near its peak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bearskin.setups._context import interest_change, volume_z
from bearskin.setups._events import Draft
from bearskin.setups._features import B1, F8
from bearskin.setups._view import NEUTRAL_8H, Crowd, View
from bearskin.terms import DAY_NS, HOUR_NS, Reason, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class OverextendedRally:
    """Parameters; `..._atr` count ATR(14) of the bars traded, rises are in log price."""

    trigger: Literal["low-break", "ema-cross"] = "low-break"
    windows_h: tuple[float, ...] = (24, 72)
    rise: float = 0.10
    rise_sigmas: float = 2.5  # of one bar's deviation times the square root of the window's bars
    sigma_bars: int = 168
    ema_bars: int = 20
    ema_hours: int = 4
    extended_atr: float = 3.0  # above that mean
    settlements: int = 3
    funding_pct: float = 90.0
    funding_days: float = 90.0
    funding_days_min: float = 14.0  # with less history there is no rank worth the name
    funding_neutrals: float = 3.0  # times the neutral rate
    peak_bars: int = 12  # the peak may be this old at the trigger
    cross_bars: int = 8  # mean of the `ema-cross` trigger
    stop_atr: float = 0.5
    retrace: float = 0.5  # of the leg, the farther target
    horizon_bars: int = 48


class Heat(NamedTuple):
    """The state at the close of `bar`: the rise and over which window, how far above the mean, the funding."""

    bar: int
    window_h: float
    rise: float
    sigmas: float
    extended_atr: float
    crowd: Crowd


def lacks_history(view: View, rules: OverextendedRally) -> Refused | None:
    """Why funding is not enough to rank by: too little of it before the last bar."""
    times, _ = view.funding_8h()
    end = view.panel.known_ns(len(view) - 1) if len(view) else 0
    days = (end - int(times[0])) / DAY_NS if len(times) >= rules.settlements else 0.0
    if days >= rules.funding_days_min:
        return None
    return Refused(
        reason=Reason.NO_DATA,
        have=f"{max(days, 0):.1f} days of funding",
        need=f"{rules.funding_days_min:g} days",
        detail="funding history too short to rank",
    )


def overextended_rallies(view: View, rules: OverextendedRally) -> Iterator[Draft]:
    """Drafts by rising bar: the first trigger after each peak that followed a heated state."""
    triggers = _triggers(view, rules)
    longest = max(view.bars_of(hours) for hours in rules.windows_h)
    if not triggers[max(longest, view.first) :].any():
        return
    if not _has_risen(view, rules, max(longest, view.first) - rules.peak_bars):
        return
    heated = _heated(view, rules)
    around = np.flatnonzero(heated.any(axis=0))
    told = -1  # the last peak that had its trigger
    # whether a peak has had its trigger is seen in the bars since, so nothing before the first bar asked for matters
    begin = max(longest, view.first)
    at = np.flatnonzero(triggers[begin:]) + begin
    starts = np.searchsorted(around, at - rules.peak_bars)
    ends = np.searchsorted(around, at, side="right")
    late = ends > starts
    for bar, start, end in zip(at[late].tolist(), starts[late].tolist(), ends[late].tolist(), strict=True):
        reach = around[start:end]
        peak = bar - longest + int(view.high[bar - longest : bar + 1].argmax())
        if peak == told or bar - peak > rules.peak_bars or triggers[peak:bar].any():
            continue
        heat = next((h for s in reach[::-1] if (h := _heat(view, rules, heated, int(s))) is not None), None)
        if heat is not None:
            told = peak
            yield _draft(view, rules, bar, peak, heat)


def _triggers(view: View, rules: OverextendedRally) -> B1:
    """Bars that close below the low before, or below a short mean that the bar before closed at or above."""
    found = np.zeros(len(view), dtype=np.bool_)
    if rules.trigger == "low-break":
        found[1:] = view.close[1:] < view.low[:-1]
        return found
    mean = view.ema(rules.cross_bars)
    with np.errstate(invalid="ignore"):
        found[1:] = (view.close[1:] < mean[1:]) & (view.close[:-1] >= mean[:-1])
    return found


def _has_risen(view: View, rules: OverextendedRally, since: int) -> bool:
    """Whether the price has risen enough, over any window, at any bar from `since` on."""
    for hours in rules.windows_h:
        bars = view.bars_of(hours)
        first = max(since, bars)
        if (view.close[first:] - view.close[first - bars : len(view) - bars] >= rules.rise).any():
            return True
    return False


def _measures(view: View, rules: OverextendedRally) -> tuple[list[F8], F8]:
    """The rise over each window, and the distance above the higher mean, in log price."""

    def build() -> list[F8]:
        rises = []
        for hours in rules.windows_h:
            rise, bars = np.full(len(view), np.nan), view.bars_of(hours)
            rise[bars:] = view.close[bars:] - view.close[:-bars]
            rises.append(rise)
        return rises

    extended = view.close - view.higher_ema(rules.ema_bars, rules.ema_hours * HOUR_NS)
    return view.keep(("rises", rules.windows_h), build), extended


def _heated(view: View, rules: OverextendedRally) -> B1:
    """Shape (windows, n): whether the price part of the state holds."""
    rises, extended = _measures(view, rules)
    found = np.zeros((len(rises), len(view)), dtype=np.bool_)
    sigma, far = view.sigma(rules.sigma_bars), rules.extended_atr * view.atr()
    with np.errstate(invalid="ignore"):
        for row, (rise, hours) in enumerate(zip(rises, rules.windows_h, strict=True)):
            fast = rise >= rules.rise_sigmas * sigma * np.sqrt(view.bars_of(hours))
            found[row] = (rise >= rules.rise) & fast & (extended >= far)
    return found


def _heat(view: View, rules: OverextendedRally, heated: B1, bar: int) -> Heat | None:
    """The whole state at `bar`, over the window with the larger rise; None when the longs are not crowded."""
    crowd = view.crowd(
        view.panel.known_ns(bar),
        settlements=rules.settlements,
        days=rules.funding_days,
        days_min=rules.funding_days_min,
    )
    if crowd is None or crowd.pct < rules.funding_pct or crowd.mean_8h < rules.funding_neutrals * NEUTRAL_8H:
        return None
    rises, extended = _measures(view, rules)
    row = max(np.flatnonzero(heated[:, bar]).tolist(), key=lambda w: float(rises[w][bar]))
    rise, hours = float(rises[row][bar]), rules.windows_h[row]
    sigma = float(view.sigma(rules.sigma_bars)[bar]) * float(np.sqrt(view.bars_of(hours)))
    return Heat(bar, hours, rise, rise / sigma, float(extended[bar] / view.atr()[bar]), crowd)


def _draft(view: View, rules: OverextendedRally, bar: int, peak: int, heat: Heat) -> Draft:
    top = float(view.high[peak])
    start = max(0, peak - view.bars_of(heat.window_h))
    foot = start + int(view.low[start : peak + 1].argmin())
    mean = float(view.higher_ema(rules.ema_bars, rules.ema_hours * HOUR_NS)[bar])
    half = top - rules.retrace * (top - float(view.low[foot]))
    short_window = heat.crowd.days < rules.funding_days
    broke = "{below} the bar before" if rules.trigger == "low-break" else f"{{below}} its {rules.cross_bars}-bar mean"
    moved = 100 * (np.exp(view.sign * heat.rise) - 1)
    return Draft(
        bar=bar,
        level=top,
        anchor_bar=peak,
        extreme=top,
        targets=(mean, half),
        invalidation=top,
        horizon_bars=rules.horizon_bars,
        buffer_atr=rules.stop_atr,
        prices={"mean": mean, "leg_low": float(view.low[foot])},
        bars={"peak": peak, "leg_low": foot, "state": heat.bar},
        rates={"funding": heat.crowd.mean_8h},
        lines=(
            ("leg", foot, float(view.low[foot]), peak, top),
            ("level", peak, top, bar, top),
            ("mean", peak, mean, bar, mean),
        ),
        figures={
            "window_h": heat.window_h,
            "rise": heat.rise,
            "rise_sigmas": heat.sigmas,
            "extended_atr": heat.extended_atr,
            "peak_age_bars": bar - peak,
            "funding_window_days": heat.crowd.days,
            "shrunk": f"funding {heat.crowd.days:.0f} of {rules.funding_days:.0f} days" if short_window else None,
            "peak_volume_z": volume_z(view, peak),
            "open_interest_change": interest_change(view, foot, bar),
            "funding_pct": heat.crowd.pct,
        },
        why=(
            f"{{rose}} {abs(moved):.1f}% in {heat.window_h:g} h ({heat.sigmas:.1f} sigma) with funding at {{funding}}"
            f" per 8 h, {heat.extended_atr:.1f} ATR {{above}} its {rules.ema_hours} h mean, and closed at {{close}},"
            f" {broke}, {bar - peak} bars after the {{top}} {{extreme}}."
        ),
    )
