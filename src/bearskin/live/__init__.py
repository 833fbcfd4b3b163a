"""Real venues through ccxt: what they publish without a key, and their errors in our words.

ccxt is slow to import, so it is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.live._brackets import fetch_brackets
    from bearskin.live._budget import Budget
    from bearskin.live._ccxt import open_venue, our_name, venue_error
    from bearskin.live._countdown import countdown_of
    from bearskin.live._dialects import VENUES, dialect_of, open_trading
    from bearskin.live._feed import CcxtFeed, FeedOptions
    from bearskin.live._history import NoBars, Past
    from bearskin.live._permissions import KeyPermissions, key_permissions
    from bearskin.live._public import PublicReport, fetch_public
    from bearskin.live._runner import Runner, RunnerOptions, RunnerState, read_records
    from bearskin.live._seams import Feed, Venue
    from bearskin.live._secret import Scrubbing, Secret, guard_loggers, hide, scrubbed
    from bearskin.live._skew import MarketClock
    from bearskin.live._venue import CcxtVenue

_HOMES = {
    "Budget": "_budget",
    "CcxtFeed": "_feed",
    "CcxtVenue": "_venue",
    "Feed": "_seams",
    "FeedOptions": "_feed",
    "KeyPermissions": "_permissions",
    "MarketClock": "_skew",
    "NoBars": "_history",
    "Past": "_history",
    "PublicReport": "_public",
    "Runner": "_runner",
    "RunnerOptions": "_runner",
    "RunnerState": "_runner",
    "Scrubbing": "_secret",
    "Secret": "_secret",
    "VENUES": "_dialects",
    "Venue": "_seams",
    "countdown_of": "_countdown",
    "dialect_of": "_dialects",
    "fetch_brackets": "_brackets",
    "fetch_public": "_public",
    "guard_loggers": "_secret",
    "hide": "_secret",
    "key_permissions": "_permissions",
    "open_trading": "_dialects",
    "open_venue": "_ccxt",
    "our_name": "_ccxt",
    "read_records": "_runner",
    "scrubbed": "_secret",
    "venue_error": "_ccxt",
}

__all__ = [
    "VENUES",
    "Budget",
    "CcxtFeed",
    "CcxtVenue",
    "Feed",
    "FeedOptions",
    "KeyPermissions",
    "MarketClock",
    "NoBars",
    "Past",
    "PublicReport",
    "Runner",
    "RunnerOptions",
    "RunnerState",
    "Scrubbing",
    "Secret",
    "Venue",
    "countdown_of",
    "dialect_of",
    "fetch_brackets",
    "fetch_public",
    "guard_loggers",
    "hide",
    "key_permissions",
    "open_trading",
    "open_venue",
    "our_name",
    "read_records",
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
