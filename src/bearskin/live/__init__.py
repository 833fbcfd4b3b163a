"""Real venues through ccxt: what they publish without a key, and their errors in our words.

ccxt is slow to import, so it is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.live._brackets import fetch_brackets
    from bearskin.live._ccxt import venue_error
    from bearskin.live._dialects import VENUES, dialect_of, open_trading
    from bearskin.live._public import PublicReport, fetch_public

_HOMES = {
    "VENUES": "_dialects",
    "PublicReport": "_public",
    "dialect_of": "_dialects",
    "fetch_brackets": "_brackets",
    "fetch_public": "_public",
    "open_trading": "_dialects",
    "venue_error": "_ccxt",
}

__all__ = ["VENUES", "PublicReport", "dialect_of", "fetch_brackets", "fetch_public", "open_trading", "venue_error"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.live' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.live.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
