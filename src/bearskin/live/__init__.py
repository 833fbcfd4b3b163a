"""Real venues through ccxt: what they publish without a key, and their errors in our words.

ccxt is slow to import, so it is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.live._brackets import fetch_brackets
    from bearskin.live._ccxt import open_venue, our_name, venue_error
    from bearskin.live._dialects import VENUES, dialect_of, open_trading
    from bearskin.live._permissions import KeyPermissions, key_permissions
    from bearskin.live._public import PublicReport, fetch_public
    from bearskin.live._secret import Secret, hide, scrubbed

_HOMES = {
    "VENUES": "_dialects",
    "KeyPermissions": "_permissions",
    "PublicReport": "_public",
    "Secret": "_secret",
    "dialect_of": "_dialects",
    "fetch_brackets": "_brackets",
    "fetch_public": "_public",
    "hide": "_secret",
    "key_permissions": "_permissions",
    "open_trading": "_dialects",
    "open_venue": "_ccxt",
    "our_name": "_ccxt",
    "scrubbed": "_secret",
    "venue_error": "_ccxt",
}

__all__ = [
    "VENUES",
    "KeyPermissions",
    "PublicReport",
    "Secret",
    "dialect_of",
    "fetch_brackets",
    "fetch_public",
    "hide",
    "key_permissions",
    "open_trading",
    "open_venue",
    "our_name",
    "scrubbed",
    "venue_error",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.live' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.live.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
