"""The door to ccxt: importing it, opening a venue, finding a market, and whose fault an error is."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bearskin.live._secret import guard_loggers, scrubbed
from bearskin.terms import (
    BadInput,
    BearskinError,
    ClockOff,
    NotAllowed,
    Product,
    UnknownSymbol,
    VenueBroken,
    VenueBusy,
    VenueRejected,
)

# ccxt keeps one class per API; in our store a venue has one name
_OUR_NAMES = {"binanceusdm": "binance", "binancecoinm": "binance", "krakenfutures": "kraken", "kucoinfutures": "kucoin"}
_PREFERRED = (Product.LINEAR, Product.INVERSE, Product.DATED, Product.DATED_INVERSE, Product.SPOT)


_ANSWERED: Final = re.compile(r"\w+ (\{.*\})")  # ccxt's text: the venue's name and its answer
_MESSAGES: Final = ("msg", "retMsg", "sMsg", "message")
_CODES: Final = ("code", "retCode", "sCode")
_BANNED: Final = re.compile(r"banned until (\d{13})")

ATTEMPTS: Final = 5
BACKOFF_S: Final = 1.0  # doubled each time


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One market of a venue: ccxt's unified symbol to ask with, our venue, product and symbol to store under."""

    unified: str
    venue: str
    product: Product
    symbol: str
    base: str


def load_ccxt() -> Any:
    """The ccxt module; raises BadInput saying how to install it when it is not there."""
    try:
        import ccxt
    except ImportError:
        raise BadInput("venues are reached through ccxt, which is missing here: pip install ccxt") from None
    guard_loggers()  # ccxt logs whole requests, keys and signatures, where somebody asks for everything
    return ccxt


def open_venue(venue_id: str) -> Any:
    """A ccxt exchange without keys that keeps to the venue's rate limits; raises BadInput for an unknown id."""
    ccxt = load_ccxt()
    if venue_id not in ccxt.exchanges:
        near = difflib.get_close_matches(venue_id, ccxt.exchanges, 3)
        hint = (
            f": did you mean {' or '.join(near)}?" if near else f": it has {len(ccxt.exchanges)} others, such as bybit"
        )
        raise BadInput(f"ccxt {ccxt.__version__} has no venue {venue_id!r}{hint}")
    return getattr(ccxt, venue_id)({"enableRateLimit": True})


def plain_words(text: str) -> str:
    """What ccxt says, on one line of bounded length; it puts whole signed addresses into its words, hence scrubbed.

    Of a venue's answer in JSON, which ccxt hands on as it is, its message and code.
    """
    line = re.sub(r"\s+", " ", scrubbed(text)).strip()
    found = _ANSWERED.fullmatch(line)
    return (line if found is None else _message_of(found[1]) or line)[:300]


def _message_of(text: str) -> str:
    """The message of an answer, with its code; empty where it has none."""
    try:
        answer = json.loads(text)
    except ValueError:
        return ""
    said = next((answer[name] for name in _MESSAGES if isinstance(answer.get(name), str) and answer[name]), "")
    code = next((answer[name] for name in _CODES if answer.get(name) not in (None, "")), None)
    return said if not said or code is None else f"{said} ({code})"


def banned_until_ms(text: str) -> int | None:
    """The end of a ban as Binance words it, in milliseconds of the wall; None where none is named."""
    found = _BANNED.search(text)
    return int(found[1]) if found else None


def venue_error(error: Exception, *, venue: str, symbol: str = "") -> BearskinError:
    """A ccxt error in our tree: VenueBroken may pass, VenueRejected will not, the rest is the user's to mend.

    Anything of ccxt's `OperationFailed` branch (network, time-out, 5xx, maintenance, unreadable answer) and closed
    sockets are VenueBroken, with rate limits and bans VenueBusy and time stamps out of bounds ClockOff; keys,
    permissions and places are NotAllowed, an unknown market UnknownSymbol, proxy settings BadInput, all else
    VenueRejected.
    """
    ccxt = load_ccxt()
    words = plain_words(str(error)) or type(error).__name__
    text = f"{venue}: {type(error).__name__}: {words}"
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return VenueBusy(text, banned_until_ms(str(error)))
    if isinstance(error, ccxt.InvalidNonce) and not isinstance(error, ccxt.ChecksumError):
        return ClockOff(text)
    if isinstance(error, ccxt.OperationFailed | ccxt.ExchangeClosedByUser | ccxt.UnsubscribeError):
        return VenueBroken(text)
    if isinstance(error, ccxt.AuthenticationError | ccxt.RestrictedLocation):
        return NotAllowed(text)
    if isinstance(error, ccxt.BadSymbol):
        return UnknownSymbol(f"{venue} has no market {symbol!r} ({words})")
    if isinstance(error, ccxt.InvalidProxySettings):
        return BadInput(text)
    return VenueRejected(text)


@dataclass(slots=True, kw_only=True)
class Caller:
    """Calls a ccxt exchange with patience, and puts its errors into our words."""

    venue: Any
    symbol: str
    sleep: Callable[[float], object]
    needs_key: bool = field(default=False)

    def call(self, method: str, *args: Any) -> Any:
        """The answer; VenueBroken only after several attempts, everything else at once."""
        ccxt = load_ccxt()
        self.needs_key = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return getattr(self.venue, method)(*args)
            except ccxt.OperationFailed as error:
                if attempt == ATTEMPTS:
                    raise venue_error(error, venue=self.venue.id, symbol=self.symbol) from error
                self.sleep(BACKOFF_S * 2.0 ** (attempt - 1))
            except ccxt.BaseError as error:
                self.needs_key = isinstance(error, ccxt.AuthenticationError)
                raise venue_error(error, venue=self.venue.id, symbol=self.symbol) from error
        raise AssertionError("the last attempt returns or raises")


def our_name(venue_id: str) -> str:
    """What our store calls the venue behind one of ccxt's ids."""
    return _OUR_NAMES.get(venue_id, venue_id)


def find_market(exchange: Any, symbol: str, product: str | None = None) -> Market:
    """The market that `symbol` names, in ccxt's form (`BTC/USDT:USDT`) or the venue's own (`BTCUSDT`).

    Where the venue's own name is that of several markets, `product` decides, else the perpetual comes before the dated
    future and that before spot. Raises UnknownSymbol naming near ones. `exchange` has its markets loaded.
    """
    found = [exchange.markets[symbol]] if symbol in exchange.markets else list(exchange.markets_by_id.get(symbol, []))
    named = [(what, market) for market in found if (what := product_of(market)) and product in (None, what.value)]
    if not named:
        names = [*exchange.markets, *exchange.markets_by_id]
        near = list(dict.fromkeys(difflib.get_close_matches(symbol, names, 4)))
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        kind = f" {product}" if product else ""
        raise UnknownSymbol(f"{exchange.id} has no{kind} market {symbol!r}{hint}")
    what, market = min(named, key=lambda pair: _PREFERRED.index(pair[0]))
    return Market(
        unified=market["symbol"],
        venue=our_name(exchange.id),
        product=what,
        symbol=_own_name(market),
        base=str(market["base"]),
    )


def product_of(market: dict[str, Any]) -> Product | None:
    """What a ccxt market is in our words; None for options and what else we do not trade."""
    if market.get("option"):
        return None
    if market.get("spot"):
        return Product.SPOT
    inverse = bool(market.get("inverse"))
    if market.get("swap"):
        return Product.INVERSE if inverse else Product.LINEAR
    if market.get("future"):
        return Product.DATED_INVERSE if inverse else Product.DATED
    return None


def _own_name(market: dict[str, Any]) -> str:
    """The venue's own name for a market; its base where the venue only counts its markets (Hyperliquid)."""
    own = str(market["id"])
    if not re.search(r"[A-Za-z]", own):
        return str(market["base"])
    return re.sub(r"[^A-Za-z0-9._-]+", "-", own).strip("-.")
