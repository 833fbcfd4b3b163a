"""What a request insists on instead of what the set-up asked for: one place for run, engine and sweep.

Levels are computed in the frame of the side that trades: prices are negated for longs, so that against us is up. The
arithmetic is plain float64 and compiled by the sweep as it stands here, so that both come to the same ticks.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from bearskin.backtest._request import BacktestRequest
from bearskin.setups import SetupEvent, Template
from bearskin.terms import Instrument

HAIR_TICKS = 1e-4  # a price nearer than this to a whole tick is on it
AS_FOUND, SCALED, FRACTION, RISKS = range(4)  # how a level is given
KEEP = -1  # a holding time as the set-up asks


class Insists(NamedTuple):
    """The overriding figures of a request as numbers: a kind and a value each for the stop and the target."""

    stop_kind: int
    stop_by: float
    target_kind: int
    target_by: float
    hold: int
    invalidates: bool


def insists(request: BacktestRequest) -> Insists:
    """The request's overrides; kinds are AS_FOUND where it has none."""
    stop_kind, stop_by = AS_FOUND, 1.0
    if request.stop_frac is not None:
        stop_kind, stop_by = FRACTION, float(request.stop_frac)
    elif request.stop_scale != 1:
        stop_kind, stop_by = SCALED, float(request.stop_scale)
    target_kind, target_by = AS_FOUND, 0.0
    if request.target_r is not None:
        target_kind, target_by = RISKS, float(request.target_r)
    elif request.target_frac is not None:
        target_kind, target_by = FRACTION, float(request.target_frac)
    hold = KEEP if request.hold_bars is None else request.hold_bars
    return Insists(stop_kind, stop_by, target_kind, target_by, hold, request.invalidation)


def ticks_up(exact: float) -> int:
    """The whole tick at or above `exact`; a hair above one counts as that one."""
    whole = int(exact)
    if exact < whole:
        whole -= 1
    return whole if exact - whole < HAIR_TICKS else whole + 1


def stop_ticks(kind: int, by: float, ref: float, stop: float, tick_num: float, tick_den: float) -> int:
    """The stop in mirrored ticks, rounded away from the position; `ref` and `stop` are mirrored prices.

    A long's is one tick above nothing at least.
    """
    distance = by * abs(ref) if kind == FRACTION else by * (stop - ref)
    ticks = ticks_up((ref + distance) * tick_den / tick_num)
    return ticks if ref > 0 else min(ticks, -1)


def target_ticks(kind: int, by: float, ref: float, stop: float, tick_num: float, tick_den: float) -> int:
    """The one target in mirrored ticks, rounded towards the position; a short's is one tick above nothing at least."""
    distance = by * abs(ref) if kind == FRACTION else by * (stop - ref)
    ticks = ticks_up((ref - distance) * tick_den / tick_num)
    return max(ticks, 1) if ref > 0 else ticks


def overridden(request: BacktestRequest, event: SetupEvent, instrument: Instrument) -> SetupEvent:
    """The event with the entry, stop, target, holding time and invalidation that the request insists on."""
    event = _entering(request, event)
    asked = insists(request)
    changes: dict[str, object] = {}
    num, den = (float(part) for part in instrument.tick.as_integer_ratio())
    mirror = -int(event.side)
    stop = event.stop
    if asked.stop_kind != AS_FOUND:
        ticks = stop_ticks(asked.stop_kind, asked.stop_by, mirror * event.entry_ref, mirror * stop, num, den)
        changes["stop"] = stop = mirror * ticks * num / den
    if asked.target_kind != AS_FOUND:
        ticks = target_ticks(asked.target_kind, asked.target_by, mirror * event.entry_ref, mirror * stop, num, den)
        changes["targets"] = (mirror * ticks * num / den,)
    if asked.hold != KEEP:
        changes["horizon_bars"] = asked.hold
    if not asked.invalidates:
        changes["invalidation"] = 0.0
    return replace(event, **changes) if changes else event  # type: ignore[arg-type]


def _entering(request: BacktestRequest, event: SetupEvent) -> SetupEvent:
    if request.entry is None or request.entry == event.entry:
        return event
    if request.entry == "market":
        return replace(event, entry="market", limit_price=None, valid_bars=1)
    return replace(event, entry="limit", limit_price=event.entry_ref)


def rules_of(request: BacktestRequest) -> Template:
    """What an entry is measured against: a stop or target the request insists on is not measured in ATR or risks."""
    asked = insists(request)
    return _rules(request.template or _USUAL, asked.stop_kind != AS_FOUND, asked.target_kind != AS_FOUND)


_USUAL = Template()


@lru_cache(maxsize=1024)
def _rules(rules: Template, own_stop: bool, own_target: bool) -> Template:
    if own_stop:
        return replace(rules, risk_min_atr=0.0, risk_max_atr=float("inf"), reward_min_r=0.0)
    return replace(rules, reward_min_r=0.0) if own_target else rules
