"""A scan as one object: prices, money and rates as strings, counts as numbers, times in UTC."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from bearskin.backtest import Scan, reward_to_risk
from bearskin.report._evidence import evidence_json
from bearskin.terms import dec, iso, shown

TICK_SHOWN = Decimal("0.00000001")
Json = dict[str, Any]


def scan_json(scan: Scan) -> Json:
    """Everything of `scan` but the bars; made only of what was known at its time."""
    request, rules = scan.request, scan.request.rules
    found, gone = scan.found, scan.gone
    left_out = [one for one in scan.symbols if one.left_out]
    words = [one.best.verdict for one in found]
    return {
        "at": iso(request.at_ns),
        "interval_s": scan.interval_ns // 10**9,
        "within_bars": request.within_bars,
        "setups": None if request.setups is None else list(request.setups),
        "sides": [side.word for side in request.sides],
        "account": {
            "equity": exact(request.equity),
            "preset": rules.preset,
            "risk_frac": exact(rules.risk_frac),
            "leverage": exact(rules.leverage),
            "margin_mode": rules.margin_mode.value,
            "guards": request.guards,
        },
        "counts": {
            "symbols": len(scan.symbols) - len(left_out),
            "left_out": len(left_out),
            **{word: words.count(word) for word in ("passes", "unguarded", "smaller", "declined")},
            "gone": len(gone),
        },
        "candidates": [_candidate(one) for one in found],
        "gone": [
            {
                "symbol": one.event.symbol,
                "side": one.event.side.word,
                "setup": one.event.setup,
                "known_at": iso(one.event.known_ns),
                "why": one.why,
            }
            for one in gone
        ],
        "abstained": _abstained(scan),
        "left_out": [{"symbol": one.symbol, "why": one.left_out} for one in left_out],
        "notes": {one.symbol: list(one.notes) for one in scan.symbols if one.notes},
    }


def exact(value: Decimal | float | None) -> str | None:
    """A number with all its digits and no exponent; None stays None, and what is not a number is None."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    text = f"{dec(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: Decimal | None) -> str | None:
    """Money and prices that are only shown: eight decimals at most."""
    return None if value is None else exact(Decimal(shown(value, TICK_SHOWN) or 0))


def _moment(time_ns: int | None) -> str | None:
    return None if time_ns is None else iso(time_ns)


def _candidate(one: Any) -> Json:
    best, candidate = one.best, one.candidate
    return {
        "symbol": candidate.symbol,
        "side": candidate.side.word,
        "verdict": best.verdict,
        "reason": best.reason,
        "setups": list(candidate.setups),
        "families": list(candidate.families),
        "families_enough": one.families_enough,
        "score": candidate.score,
        "known_at": iso(candidate.known_ns),
        "price": exact(one.price),
        "currency": one.currency,
        "setup": best.event.setup,
        **_trade(best),
        "others": [_other(trade) for trade in one.trades[1:]],
    }


def _trade(judged: Any) -> Json:
    event, sized, ratio = judged.event, judged.sized, reward_to_risk(judged)
    dies = judged.liquidation_price
    return {
        "evidence": evidence_json(event.setup, event.side),
        "why": event.why,
        "signal_at": iso(event.known_ns),
        "age_bars": judged.age_bars,
        "expires_at": _moment(judged.expires_ns),
        "entry_kind": event.entry,
        "entry": exact(judged.entry),
        "stop": exact(event.stop),
        "stop_distance_frac": _rounded(abs(dec(event.stop) - judged.entry) / judged.entry),
        "targets": [exact(target) for target in event.targets],
        "trail_atr": exact(getattr(event, "trail_atr", 0.0) or None),
        "reward_to_risk": None if ratio is None else f"{ratio:.4f}",
        "invalidation": exact(event.invalidation),
        "qty": None if sized is None else exact(sized.qty),
        "notional": None if sized is None else _rounded(sized.notional),
        "leverage": None if sized is None else exact(sized.leverage),
        "margin": None if sized is None else _rounded(sized.margin),
        "loss_at_stop": None if sized is None else _rounded(sized.loss_at_stop),
        "bound_by": None if sized is None else sized.bound_by,
        "size_unchecked": [] if sized is None else list(sized.unchecked),
        "liquidation_price": _rounded(dies),
        "liquidation_distance_frac": None if dies is None else _rounded(abs(dies - judged.entry) / judged.entry),
        "carry": _carry(judged.carry),
        "guards": _guards(judged.guards),
        "figures": _figures(event.attrs),
        "drawing": [_drawn(part) for part in getattr(event, "drawing", ())],
    }


def _other(judged: Any) -> Json:
    """A set-up of the same story that is not the one to trade."""
    event = judged.event
    return {
        "setup": event.setup,
        "verdict": judged.verdict,
        "reason": judged.reason,
        "signal_at": iso(event.known_ns),
        "stop": exact(event.stop),
        "targets": [exact(target) for target in event.targets],
        "why": event.why,
        "evidence": evidence_json(event.setup, event.side),
    }


def _carry(carry: Any) -> Json | None:
    if carry is None:
        return None
    return {
        "rate": exact(carry.rate),
        "interval_h": float(carry.interval_h),
        "settled_at": iso(carry.settled_ns),
        "horizon_h": float(carry.horizon_h),
        "money": _rounded(carry.money),
    }


def _guards(verdict: Any) -> Json | None:
    if verdict is None:
        return None
    return {
        "veto": None if verdict.veto is None else str(verdict.veto),
        "size_multiplier": exact(verdict.size_multiplier),
        "reasons": list(verdict.reasons),
        "unchecked": list(verdict.unchecked),
    }


def _figures(attrs: Mapping[str, Any]) -> Json:
    return {name: _figure(name, value) for name, value in sorted(attrs.items())}


def _figure(name: str, value: Any) -> Any:
    if name.endswith("_ns") and isinstance(value, int | float):
        return iso(int(value))
    return value if isinstance(value, str | bool) else exact(value)


def _drawn(part: Any) -> Json:
    """A line or a zone, whatever its fields."""
    assert is_dataclass(part)
    told: Json = {"shape": type(part).__name__.lower()}
    for field in fields(part):
        value = getattr(part, field.name)
        name = field.name.replace("_ns", "_at") if field.name.endswith("_ns") else field.name
        told[name] = iso(value) if field.name.endswith("_ns") else value if isinstance(value, str) else exact(value)
    return told


def _abstained(scan: Scan) -> list[Json]:
    """Set-ups that were not looked for, with why and in which symbols."""
    groups: dict[tuple[str, str], list[str]] = {}
    for symbol in scan.symbols:
        for one in symbol.abstained:
            groups.setdefault((one.setup, str(one.refused)), []).append(symbol.symbol)
    return [{"setup": setup, "why": why, "symbols": names} for (setup, why), names in sorted(groups.items())]
