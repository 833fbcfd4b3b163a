"""How far an account is from each of its limits: the figure now, the steps at which something happens, and what."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bearskin.risk import LimitRules, LimitState
from bearskin.terms import DAY_NS, SECOND_NS

ZERO = Decimal(0)
Gauge = dict[str, Any]


def gauges_of(
    worth: LimitState,
    rules: LimitRules,
    *,
    equity: Decimal,
    time_ns: int,
    wall_ns: int,
    gaps: Mapping[str, Decimal],
) -> list[Gauge]:
    """One object for each limit: `now` and the `steps` (as strings; `unit` frac, count or times) with what `then`
    follows; `why` says where the figure comes from. `equity` is at the marks now, `gaps` mark over index less one."""
    high = max(worth.high_water, equity)
    fallen = ZERO if high <= 0 else max(ZERO, 1 - equity / high)
    same_day = worth.day == time_ns // DAY_NS and worth.day_equity > 0
    lost = max(ZERO, 1 - equity / worth.day_equity) if same_day else ZERO
    drawdown = [(at, f"size × {multiplier.normalize():f}") for at, multiplier in rules.drawdown_steps]
    drawdown.append((rules.drawdown_stop, "all closed, nothing entered until lifted by hand"))
    day = "no entries until 00:00 UTC"
    return [
        _gauge("drawdown", "Drawdown", "frac", fallen, drawdown, f"below the high water mark {high:,.2f}"),
        _gauge("daily-loss", "Lost today", "frac", lost, [(rules.daily_loss, day)], "since 00:00 UTC, at the marks"),
        _gauge(
            "daily-stops", "Bot stopped today", "count", Decimal(worth.day_stops if same_day else 0),
            [(Decimal(rules.daily_stops), "the bot enters nothing until 00:00 UTC")],
            "losing trades of the bot that their stop closed",
        ),
        _gauge(
            "hand-stops", "You were stopped today", "count", Decimal(worth.hand_stops if same_day else 0),
            [(Decimal(rules.daily_stops), "none by hand until 00:00 UTC")],
            "losing trades opened by hand that their stop closed",
        ),
        _gauge(
            "streak", "Losses in a row", "count", Decimal(worth.losses),
            [(Decimal(rules.streak_losses), "size × 0.5 until a win")], "",
        ),
        _slippage(worth, rules),
        _gauge(
            "errors", "Refusals by the venue", "count",
            Decimal(sum(1 for at in worth.errors if wall_ns - at < rules.errors_s * SECOND_NS)),
            [(Decimal(rules.errors_max), f"no entries for {rules.errors_pause_s // 60} min")],
            f"within {rules.errors_s} s",
        ),
        _gap(gaps, rules),
    ]  # fmt: skip


def _slippage(worth: LimitState, rules: LimitRules) -> Gauge:
    """Realised over expected slippage; no figure before there are trades enough."""
    realised, expected = (sum((slip[k] for slip in worth.slips), start=ZERO) for k in (0, 1))
    ratio = max(ZERO, realised / expected) if expected > 0 else None
    there = len(worth.slips)
    why = f"realised over expected, {there} of {rules.slippage_trades} trades"
    return _gauge("slippage", "Slippage", "times", ratio, [(rules.slippage_times, "size × 0.5")], why)


def _gap(gaps: Mapping[str, Decimal], rules: LimitRules) -> Gauge:
    worst = max(gaps, key=lambda symbol: gaps[symbol], default=None)
    why = "no index is told" if worst is None else f"widest in {worst}"
    then = [(rules.gap, "no entries in that symbol")]
    return _gauge("gap", "Mark off the index", "frac", None if worst is None else gaps[worst], then, why)


def _gauge(limit: str, title: str, unit: str, now: Decimal | None, steps: list[tuple[Decimal, str]], why: str) -> Gauge:
    return {
        "limit": limit,
        "title": title,
        "unit": unit,
        "now": None if now is None else f"{now:.6f}".rstrip("0").rstrip("."),
        "steps": [{"at": f"{at.normalize():f}", "then": then} for at, then in steps],
        "reached": sum(1 for at, _ in steps if now is not None and now >= at),
        "why": why,
    }
