"""The trade every set-up asks for: where the stop goes, what is too tight or too wide, which targets count.

All distances are in log prices of the view, where every position is a short: the stop is above, targets below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from bearskin.setups._context import crowding, volume_z
from bearskin.setups._events import Draft, Figure, Line, SetupEvent, Zone
from bearskin.setups._supports import SupportRules, supports_at
from bearskin.setups._view import View
from bearskin.setups._volume import volume_confirmation
from bearskin.terms import BadInput, Reason, Refused, Side

ONE_RISK = "1R"  # the attr `target_rule` of an event whose nearest target is, by definition, one risk away


_SUPPORTS = SupportRules()


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
    merge_atr: float = 0.25  # candidates closer than this are one target
    cost_multiple: float = 3.0  # nearest target, in multiples of the round trip's cost
    slip_in: float = 0.0002  # fraction of price
    slip_stop: float = 0.0002
    targets: Literal["setup", "support"] = "setup"  # what the set-up names, or the supports below the entry

    def __post_init__(self) -> None:
        """Raises BadInput for a choice of targets there is not."""
        if self.targets not in ("setup", "support"):
            raise BadInput(f"targets must be setup or support, was {self.targets!r}")


def entry_ok(event: SetupEvent, open_price: float, template: Template | None = None) -> Refused | None:
    """Why the entry must be let go at `open_price`, the open of the bar after the signal; None when it stands.

    At market: refused when the open is at or beyond the stop, worse than the signal's close by more than
    `moved_atr`, past the nearest target, when the risk from there is tighter or wider than the template allows, or
    when the nearest target no longer pays for it (not asked of a target that is defined as one risk away) or for the
    cost of the trade. An event without targets is asked nothing about them.
    A limit order is only refused when the open is at or beyond the stop: its price does not move.
    """
    rules = template or Template()
    if not (math.isfinite(open_price) and open_price > 0):
        raise BadInput(f"the entry must be a positive price, was {open_price}")
    sign = -int(event.side)  # in the view every position is a short: its stop is above
    at, stop = sign * math.log(open_price), sign * math.log(event.stop)
    if at >= stop:
        return Refused(reason=Reason.ENTRY_MOVED, have=f"{open_price:g}", need=f"inside the stop {event.stop:g}")
    if event.entry == "limit":
        return None
    worse_atr = (sign * math.log(event.entry_ref) - at) / event.atr
    if worse_atr > rules.moved_atr:
        detail = f"the entry {open_price:g} is {worse_atr:.2f} ATR worse than the signal's close {event.entry_ref:g}"
        return Refused(
            reason=Reason.ENTRY_MOVED,
            have=f"{worse_atr:.2f} ATR",
            need=f"at most {rules.moved_atr:g} ATR",
            detail=detail,
        )
    if event.targets and at <= sign * math.log(event.targets[0]):
        return Refused(reason=Reason.TARGET_WRONG_SIDE, have=f"{open_price:g}", need=f"before {event.targets[0]:g}")
    return risk_ok((stop - at) / event.atr, rules) or _reward_ok(event, at, stop, rules)


def _reward_ok(event: SetupEvent, at: float, stop: float, rules: Template) -> Refused | None:
    """Whether the nearest target, if there is one, pays for the cost and the risk of an entry at the log `at`."""
    if not event.targets:
        return None
    reward = at + int(event.side) * math.log(event.targets[0])
    refused = _cost_ok(event, reward, rules)
    if refused is not None or event.attrs.get("target_rule") == ONE_RISK:
        return refused
    reward_r = reward / (stop - at)
    if reward_r < rules.reward_min_r:
        return Refused(reason=Reason.REWARD_TOO_SMALL, have=f"{reward_r:.2f} R", need=f"{rules.reward_min_r:g} R")
    return None


def _cost_ok(event: SetupEvent, reward: float, rules: Template) -> Refused | None:
    """Whether the nearest target, `reward` away in logs, still pays for the cost the event was found with."""
    cost = float(event.attrs.get("cost_frac", 0.0))
    if reward >= rules.cost_multiple * cost:
        return None
    have, need = f"{reward / cost:.2f} times the cost", f"{rules.cost_multiple:g} times"
    return Refused(reason=Reason.COST_EATS_TARGET, have=have, need=need)


def risk_ok(risk_atr: float, rules: Template) -> Refused | None:
    """Whether the distance to the stop, in ATR, is one the template trades."""
    if risk_atr < rules.risk_min_atr:
        return Refused(reason=Reason.STOP_TOO_TIGHT, have=f"{risk_atr:.2f} ATR", need=f"{rules.risk_min_atr:g} ATR")
    if risk_atr > rules.risk_max_atr:
        return Refused(reason=Reason.STOP_TOO_WIDE, have=f"{risk_atr:.2f} ATR", need=f"{rules.risk_max_atr:g} ATR")
    return None


WORDS = {
    Side.SHORT: {
        "above": "above", "below": "below", "high": "high", "low": "low", "highs": "highs", "lows": "lows",
        "higher": "higher", "lower": "lower", "rise": "rise", "rose": "rose", "fell": "fell", "top": "top",
        "fallen": "fallen", "under": "lower", "upper": "upper", "longs": "longs",
    },
    Side.LONG: {
        "above": "below", "below": "above", "high": "low", "low": "high", "highs": "lows", "lows": "highs",
        "higher": "lower", "lower": "higher", "rise": "fall", "rose": "fell", "fell": "rose", "top": "bottom",
        "fallen": "risen", "under": "upper", "upper": "lower", "longs": "shorts",
    },
}  # fmt: skip


def realise(view: View, setup: str, draft: Draft, rules: Template) -> SetupEvent | None:
    """The event of a draft, or None when the template would not trade it (stop too near or far, target too near).

    A draft that trails its stop may name no targets: then nothing is asked of them.
    """
    bar, close = draft.bar, float(view.close[draft.bar])
    atr = float(view.atr()[bar]) if draft.atr is None else draft.atr
    if not atr > 0:
        return None
    entry = close if draft.limit is None else draft.limit
    if rules.targets == "support" and (draft.targets or draft.one_risk):
        levels = tuple(level for level, *_ in supports_at(view, bar, entry, _SUPPORTS))
        draft = replace(draft, targets=levels, one_risk=False, pick_targets=True)
    price = view.price(close)
    buffer_atr = rules.buffer_atr if draft.buffer_atr is None else draft.buffer_atr
    stop = draft.extreme + max(buffer_atr * atr, rules.buffer_ticks * view.tick / price, 2 * rules.half_spread)
    risk = stop - entry
    cost = 2 * float(view.panel.instrument.taker_fee_rate) + rules.slip_in + rules.slip_stop
    if risk_ok(risk / atr, rules) is not None:
        return None
    stop_price, target_prices = view.up(stop), _target_prices(view, draft, entry, atr, risk, cost, rules)
    if stop_price <= 0 or target_prices is None:
        return None
    return SetupEvent(
        setup=setup,
        side=view.side,
        symbol=view.panel.instrument.symbol,
        bar=bar,
        known_ns=view.panel.known_ns(bar),
        level=view.price(draft.level),
        entry_ref=price if draft.limit is None else view.up(draft.limit),
        stop=stop_price,
        targets=target_prices,
        invalidation=0.0 if draft.invalidation is None else view.down(draft.invalidation),
        horizon_bars=draft.horizon_bars,
        anchor_ns=int(view.panel.time_ns[draft.anchor_bar]),
        atr=atr,
        entry="market" if draft.limit is None else "limit",
        limit_price=None if draft.limit is None else view.up(draft.limit),
        valid_bars=draft.valid_bars,
        attrs=(attrs := _attrs(view, draft, risk / atr, cost)),
        why=_why(view, draft, stop_price, attrs),
        trail_atr=draft.trail_atr,
        drawing=_drawing(view, draft),
    )


def _target_prices(
    view: View, draft: Draft, entry: float, atr: float, risk: float, cost: float, rules: Template
) -> tuple[float, ...] | None:
    """The targets on the tick grid, nearest first; None when the template would not trade them."""
    if draft.trail_atr > 0 and not (draft.targets or draft.one_risk):
        return ()
    targets = _targets(draft, entry, atr, risk, cost, rules)
    prices = tuple(dict.fromkeys(view.up(t) for t in targets))
    if not prices or min(prices) <= 0:
        return None
    # a tick coarser than the trade leaves nothing to earn
    return prices if view.log(prices[0]) < entry else None


def _drawing(view: View, draft: Draft) -> tuple[Line | Zone, ...]:
    times, price = view.panel.time_ns, view.price
    lines = tuple(
        Line(name=name, start_ns=int(times[a]), start_price=price(y), end_ns=int(times[b]), end_price=price(z))
        for name, a, y, b, z in draft.lines
    )
    zones = []
    for name, first, last, low, high in draft.zones:
        bottom, top = sorted((price(low), price(high)))
        start, end = int(times[first]), int(times[last])
        zones.append(Zone(name=name, start_ns=start, end_ns=end, low_price=bottom, high_price=top))
    return (*lines, *zones)


def _targets(draft: Draft, entry: float, atr: float, risk: float, cost: float, rules: Template) -> tuple[float, ...]:
    """One or two targets, nearest first; none when the nearest does not pay."""
    hair = 1e-9  # of the risk: a target one risk away by definition is far enough
    need = max((rules.reward_min_r - hair) * risk, rules.cost_multiple * cost)
    below = sorted((t for t in draft.targets if math.isfinite(t) and t < entry), reverse=True)
    if draft.one_risk:
        first = entry - risk
        below = [first, *(t for t in below if t < first)]
    if draft.pick_targets:
        below = [t for t in below if entry - t >= need]
        second = max(rules.reward_second_r * risk, entry - below[0] + rules.merge_atr * atr) if below else 0.0
        below = below[:1] + [t for t in below[1:] if entry - t >= second]
    if not below or entry - below[0] < need:
        return ()
    return tuple(below[:2])


def _attrs(view: View, draft: Draft, risk_atr: float, cost: float) -> dict[str, Figure]:
    times = view.panel.time_ns
    attrs: dict[str, Figure] = {f"{name}_price": view.price(y) for name, y in draft.prices.items()}
    attrs |= {f"{name}_ns": int(times[bar]) for name, bar in draft.bars.items()}
    attrs |= {f"{name}_8h": view.as_paid_8h(rate) for name, rate in draft.rates.items()}
    own = draft.figures() if callable(draft.figures) else draft.figures
    figures = {"volume_z": volume_z(view, draft.bar), **_turnover(view, draft.bar), **crowding(view, draft.bar), **own}
    attrs |= {
        name: figure
        for name, figure in figures.items()
        if figure is not None and not (isinstance(figure, float) and math.isnan(figure))
    }
    attrs |= {"extreme_price": view.price(draft.extreme), "risk_atr": risk_atr, "cost_frac": cost}
    if draft.one_risk:
        attrs["target_rule"] = ONE_RISK
    return attrs


def _turnover(view: View, bar: int) -> dict[str, Figure | None]:
    found = volume_confirmation(view, bar)
    return {
        "volume_ratio": found.ratio,
        "sell_share": found.sell_share,
        "volume": "confirmed" if found.confirmed else "weak" if found.weak else None,
        "quadrant": found.quadrant or None,
    }


def _why(view: View, draft: Draft, stop: float, attrs: dict[str, Figure]) -> str:
    """The draft's sentence with its figures: prices with the tick's decimals, funding in per cent."""

    def shown(price: float) -> str:
        return f"{price:.{view.tick_decimals}f}"

    told: dict[str, Figure] = dict(attrs)
    told |= {name: shown(float(attrs[f"{name}_price"])) for name in draft.prices}
    told |= {name: f"{100 * float(attrs[f'{name}_8h']):.4f}%" for name in draft.rates}
    told |= {
        "level": shown(view.price(draft.level)),
        "extreme": shown(float(attrs["extreme_price"])),
        "close": shown(float(view.panel.close[draft.bar])),
        "stop": shown(stop),
    }
    return f"{view.panel.instrument.symbol} {draft.why.format_map(told | WORDS[view.side])}"
