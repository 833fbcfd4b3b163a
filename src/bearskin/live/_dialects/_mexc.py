"""MEXC: its market data can be used, its contracts are not traded, because no stop of ours could be relied on there."""

from __future__ import annotations

from typing import Final

from bearskin.live._dialects._base import Dialect
from bearskin.live._dialects._words import Abilities

ABLE: Final = Abilities(
    attached_stops=False,
    hedge_mode=False,
    stop_ids=False,
    amends=False,
    stream_fills=False,
    countdown=None,
    brackets="contracts",
    demo="",
    late_ms=5_000,
    fills_page=100,
    refusals={
        "live": "MEXC is not traded: conditional orders placed there through ccxt lapse after a week at most and are "
        "not told with our order id, so that a stop could vanish, or be lost sight of when an answer is",
        "demo": "MEXC has no demo environment for contracts",
    },
)


def mexc() -> Dialect:
    """The dialect of MEXC: refuses everything with its reason."""
    return Dialect(venue="mexc", ccxt_id="mexc", able=ABLE)
