"""How each venue is spoken to through ccxt: commands as calls, answers in our words, what it can and what it cannot."""

from __future__ import annotations

from collections.abc import Callable

from bearskin.live._dialects._answers import LOCAL
from bearskin.live._dialects._base import Dialect, Unfit, own_name
from bearskin.live._dialects._binance import binance
from bearskin.live._dialects._bingx import bingx
from bearskin.live._dialects._bybit import bybit
from bearskin.live._dialects._mexc import mexc
from bearskin.live._dialects._okx import okx
from bearskin.live._dialects._open import open_trading
from bearskin.live._dialects._weex import weex
from bearskin.live._dialects._words import Abilities, Answer, Call, Env, Reason, State, Traded
from bearskin.terms import BadInput

_MAKERS: dict[str, Callable[[], Dialect]] = {
    "binance": binance,
    "bingx": bingx,
    "bybit": bybit,
    "mexc": mexc,
    "okx": okx,
    "weex": weex,
}

__all__ = [
    "LOCAL",
    "VENUES",
    "Abilities",
    "Answer",
    "Call",
    "Dialect",
    "Env",
    "Reason",
    "State",
    "Traded",
    "Unfit",
    "dialect_of",
    "open_trading",
    "own_name",
]

VENUES: tuple[str, ...] = tuple(sorted(_MAKERS))


def dialect_of(venue: str) -> Dialect:
    """The dialect of a venue by our name or ccxt's; BadInput for one we have none of."""
    name = "binance" if venue == "binanceusdm" else venue
    if name not in _MAKERS:
        raise BadInput(f"{venue!r} is not a venue we trade at: those are {', '.join(VENUES)}")
    return _MAKERS[name]()
