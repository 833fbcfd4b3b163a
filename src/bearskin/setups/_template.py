"""The trade every set-up asks for: where the stop goes, what is too tight or too wide, which targets count.

All distances are in log prices of the view, where every position is a short: the stop is above, targets below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bearskin.setups._events import SetupEvent
from bearskin.terms import BadInput, Reason, Refused

ONE_RISK = "1R"  # the attr `target_rule` of an event whose nearest target is, by definition, one risk away


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The parameters all set-ups share; `..._atr` count ATR(14) of the log price at the signal."""

    buffer_atr: float = 0.25  # beyond the anchor's high
    buffer_ticks: float = 2.0
    half_spread: float = 0.0  # fraction of price; the buffer is at least twice this
    risk_min_atr: float = 0.5  # a tighter stop is within the noise
    risk_max_atr: float = 3.0  # a wider one comes near liquidation
    moved_atr: float = 0.5  # an entry worse than the signal's close by more than this is let go
    reward_min_r: float = 1.0  # nearest target, in multiples of the risk
    reward_second_r: float = 2.0  # second target where targets are picked from candidates
    cost_multiple: float = 3.0  # nearest target, in multiples of the round trip's cost
    slip_in: float = 0.0002  # fraction of price
    slip_stop: float = 0.0002


def entry_ok(event: SetupEvent, open_price: float, template: Template | None = None) -> Refused | None:
    """Why the entry must be let go at `open_price`, the open of the bar after the signal; None when it stands.

    At market: refused when the open is at or beyond the stop, worse than the signal's close by more than
    `moved_atr`, past the nearest target, when the risk from there is tighter or wider than the template allows, or
    when the nearest target no longer pays for it (not asked of a target that is defined as one risk away).
    A limit order is only refused when the open is at or beyond the stop: its price does not move.
    """
    rules = template or Template()
    if not (math.isfinite(open_price) and open_price > 0):
        raise BadInput(f"the open must be a positive price, was {open_price}")
    sign = -int(event.side)  # in the view every position is a short: its stop is above
    at, stop = sign * math.log(open_price), sign * math.log(event.stop)
    if at >= stop:
        return Refused(reason=Reason.ENTRY_MOVED, have=f"{open_price:g}", need=f"inside the stop {event.stop:g}")
    if event.entry == "limit":
        return None
    worse_atr = (sign * math.log(event.entry_ref) - at) / event.atr
    if worse_atr > rules.moved_atr:
        detail = f"the open {open_price:g} is {worse_atr:.2f} ATR worse than the signal's close {event.entry_ref:g}"
        return Refused(
            reason=Reason.ENTRY_MOVED, have=f"{worse_atr:.2f} ATR", need=f"at most {rules.moved_atr:g} ATR", detail=detail
        )
    if at <= sign * math.log(event.targets[0]):
        return Refused(reason=Reason.TARGET_WRONG_SIDE, have=f"{open_price:g}", need=f"before {event.targets[0]:g}")
    refused = risk_ok((stop - at) / event.atr, rules)
    if refused is not None or event.attrs.get("target_rule") == ONE_RISK:
        return refused
    reward_r = (at - sign * math.log(event.targets[0])) / (stop - at)
    if reward_r < rules.reward_min_r:
        return Refused(reason=Reason.REWARD_TOO_SMALL, have=f"{reward_r:.2f} R", need=f"{rules.reward_min_r:g} R")
    return None


def risk_ok(risk_atr: float, rules: Template) -> Refused | None:
    """Whether the distance to the stop, in ATR, is one the template trades."""
    if risk_atr < rules.risk_min_atr:
        return Refused(reason=Reason.STOP_TOO_TIGHT, have=f"{risk_atr:.2f} ATR", need=f"{rules.risk_min_atr:g} ATR")
    if risk_atr > rules.risk_max_atr:
        return Refused(reason=Reason.STOP_TOO_WIDE, have=f"{risk_atr:.2f} ATR", need=f"{rules.risk_max_atr:g} ATR")
    return None
