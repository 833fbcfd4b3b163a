"""Whether a set-up still stands some bars after it was told: what has happened to its trade since."""

from __future__ import annotations

import math

from bearskin.market import Panel
from bearskin.setups._events import SetupEvent
from bearskin.terms import BadInput, Side


def over(event: SetupEvent, panel: Panel) -> str | None:
    """Why nobody can take `event` any more at the close of the panel's last bar; None while it stands.

    In the order in which the bars after the signal say it: its stop was reached (of an event that trails it, the one
    that follows the best price of the bars since the signal and before), a close went beyond the
    invalidation, the nearest target was reached, the time is up, or a limit order has waited its bars or was traded
    through by a tick (then the trade is on, and whoever had ordered is in it). The stop is looked at first in a bar
    that reached both. Raises BadInput for another symbol's event or one of bars that are not there.
    """
    if event.symbol != panel.instrument.symbol or not 0 <= event.bar < len(panel):
        raise BadInput(f"bar {event.bar} of {event.symbol} is not in the panel of {panel.instrument.symbol}")
    tick = float(panel.instrument.tick)
    stop = event.stop
    for bar in range(event.bar + 1, len(panel)):
        said = _in_bar(event, panel, bar, tick, stop)
        if said is not None:
            return said
        stop = _trailed(event, panel, bar, stop)
        age = bar - event.bar
        if event.horizon_bars and age >= event.horizon_bars:
            return f"its time was up after {event.horizon_bars} bars"
        if event.limit_price is not None and age >= event.valid_bars:
            return f"the limit {event.limit_price:g} was not reached in {event.valid_bars} bars"
    return None


def _trailed(event: SetupEvent, panel: Panel, bar: int, stop: float) -> float:
    """Where the stop stands after `bar`: so far behind its best price where that is tighter."""
    if event.trail_atr <= 0:
        return stop
    distance = event.entry_ref * math.expm1(event.trail_atr * event.atr)
    if event.side is Side.SHORT:
        return min(stop, float(panel.low[bar]) + distance)
    return max(stop, float(panel.high[bar]) - distance)


def _in_bar(event: SetupEvent, panel: Panel, bar: int, tick: float, stop: float) -> str | None:
    high, low, close = float(panel.high[bar]), float(panel.low[bar]), float(panel.close[bar])
    short = event.side is Side.SHORT
    against, along = (high, low) if short else (low, high)
    sign = -1 if short else 1
    if event.limit_price is not None and -sign * (against - event.limit_price) > 0.999 * tick:
        return f"the limit {event.limit_price:g} was filled"
    if sign * (against - stop) <= 0:
        return f"the stop {stop:g} was reached"
    if event.targets and sign * (along - event.targets[0]) >= 0:
        return f"the target {event.targets[0]:g} was reached"
    if event.invalidation > 0 and sign * (close - event.invalidation) < 0:
        return f"it closed beyond {event.invalidation:g}, where the set-up is wrong"
    return None
