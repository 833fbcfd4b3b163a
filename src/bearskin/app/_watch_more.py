"""What stands behind a decision, as plain JSON: the plan's figures, the signal's, the trade's result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bearskin import engine as words
from bearskin.terms import iso

Json = dict[str, Any]


def signal_more(note: words.Signalled) -> Json:
    """What the set-up has told: its sentence, where it would enter and leave, and the figures of its evidence."""
    return {
        "setup": note.setup,
        "signal_at": iso(note.known_ns),
        "signal": note.why,
        "entry_ref": _number(note.entry_ref),
        "stop": _number(note.stop),
        "targets": [_number(price) for price in note.targets],
        "figures": {name: _figure(name, value) for name, value in sorted(note.attrs.items())},
    }


def plan_more(note: words.Planned) -> Json:
    """The figures of a plan: size and the cap that bound it, margin, where it dies, what was not checked."""
    return {
        "trade": note.trade,
        "purpose": note.purpose,
        "qty": _plain(note.qty),
        "entry_ref": _plain(note.entry_ref),
        "limit": _plain(note.entry_price),
        "stop": _plain(note.stop),
        "stop_by": note.stop_by,
        "targets": [_plain(price) for price in note.targets],
        "invalidation": _plain(note.invalidation),
        "until": iso(note.until_ns) if note.until_ns else None,
        "leverage": _plain(note.leverage),
        "margin_mode": note.margin_mode.value,
        "margin": _plain(note.margin),
        "loss_at_stop": _plain(note.loss_at_stop),
        "liquidation_price": _plain(note.liquidation_price),
        "survives_frac": _plain(note.survives_frac),
        "bound_by": note.bound_by,
        "unchecked": list(note.unchecked),
        "equity": _plain(note.equity),
    }


def end_more(note: words.Ended) -> Json:
    """What a trade came to; funding is positive when received, fees when paid."""
    return {
        "trade": note.trade,
        "reason": note.reason,
        "qty": _plain(note.qty),
        "entry": _plain(note.entry),
        "exit": _plain(note.exit),
        "entered": iso(note.entered_ns) if note.entered_ns else None,
        "gross": _plain(note.gross),
        "fees": _plain(note.fees),
        "funding": _plain(note.funding),
        "net": _plain(note.net),
        "r": None if note.r is None else f"{note.r:.4f}",
        "slippage_entry": _plain(note.slippage_entry),
        "slippage_exit": _plain(note.slippage_exit),
        "unprotected_s": round(note.unprotected_s_max, 3),
    }


def regime_figures(figures: Mapping[str, float]) -> dict[str, str]:
    """The figures of a daily regime, six digits each; what is not a number is left out."""
    return {name: f"{value:.6g}" for name, value in figures.items() if math.isfinite(value)}


def _figure(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if name.endswith("_ns") and math.isfinite(value):
        return iso(int(value))
    return f"{Decimal(f'{value:.7g}').normalize():f}" if math.isfinite(value) else "–"


def _number(value: float) -> str | None:
    return _plain(Decimal(repr(float(value)))) if math.isfinite(value) else None


def _plain(value: Decimal | None) -> str | None:
    """With the digits it has, ten significant at most."""
    return None if value is None else f"{Decimal(f'{value:.10g}').normalize():f}"
