"""`fetch_brackets`: a venue's maintenance tiers through ccxt, where they can be had without a key and in notional."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from bearskin.live._ccxt import Caller, Market, find_market, open_venue, our_name
from bearskin.market import BracketBook, bracket_book
from bearskin.terms import VenueRejected, dec, iso

# ccxt hands tiers on as venues word them: only these word them in notional and show them without a key
_IN_NOTIONAL: Final = ("bybit",)
_WHY_NOT: Final = {
    "binance": "Binance shows its brackets to signed calls only: save the answer of leverageBracket",
    "bingx": "BingX shows its tiers to signed calls only",
    "okx": "OKX states its tiers in contracts, which are no notional until a price is chosen",
    "mexc": "MEXC states its tiers in contracts, which are no notional until a price is chosen",
    "weex": "ccxt has no tiers of WEEX",
}
_HINT: Final = "; give a file that has them with --brackets"


def fetch_brackets(
    venue_id: str,
    symbols: Sequence[str],
    *,
    exchange: Any = None,
    now_ns: int | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> BracketBook:
    """The maintenance brackets of `symbols` as the venue states them now, dated in their `snapshot`.

    `cum` follows from the recursion that makes maintenance continuous. The book is checked, not saved.

    Raises VenueRejected where tiers need a key or are not stated in notional, UnknownSymbol, VenueBroken when the
    venue does not answer, BadInput when its tiers contradict each other.
    """
    name = our_name(venue_id)
    if name not in _IN_NOTIONAL:
        why = _WHY_NOT.get(name, f"{name}: it is not established that its tiers are stated in notional")
        raise VenueRejected(why + _HINT)
    venue = exchange if exchange is not None else open_venue(venue_id)
    caller = Caller(venue=venue, symbol=", ".join(symbols), sleep=sleep)
    caller.call("load_markets")
    markets = [find_market(venue, symbol) for symbol in symbols]
    now = now_ns if now_ns is not None else int(venue.milliseconds()) * 1_000_000
    tables = {(market.product.value, market.symbol): _rows(caller, market) for market in markets}
    day = iso(now)[:10]
    return bracket_book(venue=name, snapshot=f"{name} {day}", source=f"{name}'s public tiers on {day}", tables=tables)


def _rows(caller: Caller, market: Market) -> list[tuple[Decimal, Decimal, Decimal, int]]:
    tiers = caller.call("fetch_market_leverage_tiers", market.unified)
    return [
        (
            dec(tier["minNotional"]),
            dec(tier["maxNotional"]),
            dec(tier["maintenanceMarginRate"]),
            int(dec(tier["maxLeverage"])),  # a half step of leverage cannot be chosen
        )
        for tier in tiers
    ]
