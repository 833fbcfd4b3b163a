"""What the venue tells of its market: symbols with a grade of liquidity, specs, candles, the book."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bearskin.app.web._desk import WebDesk
from bearskin.app.web._market_grade import Grade, grade_of
from bearskin.app.web._market_link import MarketLink
from bearskin.terms import BadInput, VenueError, dec, interval_ns

INTERVALS = ("1m", "5m", "15m", "1h", "4h", "1d")
CANDLES_MAX = 5_000
TERMS_S, GRADES_S, TICKERS_S, FACTS_S = 1_800.0, 120.0, 30.0, 15.0  # so long is what was told of it told again
NEAR_FRAC = 0.01  # depth is counted so far from the middle
BOOK_ROWS = 500
LISTED_MAX = 30
MS = 1_000_000

Rows = list[list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolRow:
    """One symbol of the list. Amounts are in the quote currency; None is what the venue has not told."""

    symbol: str
    last: float | None
    change_frac: float | None
    turnover_24h: float | None
    spread_bp: float | None
    depth_quote: float | None
    grade: Grade
    traded: bool  # the bot looks at it

    def to_json(self) -> dict[str, Any]:
        """The row as the API tells it."""
        names = ("symbol", "last", "change_frac", "turnover_24h", "spread_bp", "depth_quote", "traded")
        return {**{name: getattr(self, name) for name in names}, "grade": self.grade.letter, "why": self.grade.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What one contract is. Prices in quote, quantities in base units; None is what the venue has not told."""

    symbol: str
    base: str
    quote: str
    settle: str
    tick: str
    step: str
    min_qty: str | None
    min_notional: str | None
    contract_size: str
    max_leverage: int | None
    brackets: tuple[tuple[str, int, str], ...]  # up to this notional, largest leverage, maintenance rate
    taker_fee_rate: str | None
    maker_fee_rate: str | None
    funding_interval_h: float | None

    @property
    def digits(self) -> int:
        """Digits of a price after the point."""
        return digits_of(self.tick)

    @property
    def qty_digits(self) -> int:
        """Digits of a quantity after the point."""
        return digits_of(self.step)


def digits_of(step: str) -> int:
    """Digits after the point of a tick or step such as 0.10 (one)."""
    exponent = Decimal(step).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def price_digits(desk: WebDesk, symbol: str) -> int:
    """Digits of a price of `symbol` after the point; two where the venue's markets are not known."""
    try:
        return digits_of(_plain(market_of_desk(desk).exchange.markets[unified(desk, symbol)]["precision"]["price"]))
    except (BadInput, KeyError, TypeError):
        return 2


def market_of_desk(desk: WebDesk) -> MarketLink:
    """The line to the market; raises BadInput where no venue runs."""
    if desk.market is None:
        raise BadInput("no venue runs: `bearskin demo` starts one with a bot")
    return desk.market


def unified(desk: WebDesk, symbol: str) -> str:
    """ccxt's name of `symbol`; raises BadInput where the venue has no such perpetual."""
    link = market_of_desk(desk)
    try:
        return link.unified(symbol.strip().upper())
    except (KeyError, StopIteration):
        raise BadInput(f"{symbol[:40]!r} is no perpetual of this venue, such as {_some(desk)}") from None


def interval_of(word: str) -> str:
    """The interval, one of `INTERVALS`; raises BadInput."""
    if word not in INTERVALS:
        raise BadInput(f"interval was {word[:20]!r}, must be one of {', '.join(INTERVALS)}")
    return word


async def asked(desk: WebDesk, method: str, *args: Any, fresh_s: float = 0.0, **named: Any) -> Any:
    """The venue's answer to a public question, no older than `fresh_s`; raises VenueError in our words.

    Who asks the same while it is being asked shares the answer.
    """
    link = market_of_desk(desk)

    async def ask() -> Any:
        with link.guard.plainly():
            return await getattr(link.exchange, method)(*args, **named)

    key = (method, repr(args), repr(sorted(named.items())))
    return await link.guard.answers.get(key, fresh_s, ask)


async def told(desk: WebDesk, method: str, *args: Any, fresh_s: float = 0.0, **named: Any) -> Any:
    """As `asked`, but None where the venue does not give it or does not answer now."""
    camel = "".join(part.title() if k else part for k, part in enumerate(method.split("_")))
    if not market_of_desk(desk).exchange.has.get(camel.replace("Ohlcv", "OHLCV")):
        return None
    try:
        return await asked(desk, method, *args, fresh_s=fresh_s, **named)
    except VenueError:
        return None


async def candles(desk: WebDesk, symbol: str, interval: str, limit: int = CANDLES_MAX) -> Rows:
    """The newest candles, oldest first: [open ms, open, high, low, close, volume]; the last one is still running.

    Those that were asked for before are not asked for again. Raises BadInput, VenueError.
    """
    return await _rows(desk, "fetch_ohlcv", symbol, interval, limit)


async def price_line(desk: WebDesk, symbol: str, interval: str, kind: str, limit: int = CANDLES_MAX) -> Rows:
    """Closes of the mark or the index, [open ms, close]; empty where the venue does not tell. Raises BadInput."""
    if kind not in ("mark", "index"):
        raise BadInput(f"kind was {kind[:20]!r}, must be mark or index")
    if not market_of_desk(desk).exchange.has.get(f"fetch{kind.title()}OHLCV"):
        return []
    try:
        rows = await _rows(desk, f"fetch_{kind}_ohlcv", symbol, interval, limit)
    except VenueError:
        return []
    return [[row[0], row[4]] for row in rows]


async def _rows(desk: WebDesk, method: str, symbol: str, interval: str, limit: int) -> Rows:
    name, step_ms = unified(desk, symbol), interval_ns(interval_of(interval)) // MS
    if not 1 <= limit <= CANDLES_MAX:
        raise BadInput(f"limit was {limit}, must be from 1 to {CANDLES_MAX:,}")
    link = market_of_desk(desk)

    async def ask(since: int | None, rows: int) -> Rows:
        found: Rows = await asked(desk, method, name, interval, since, rows)
        return found

    return await link.shelf.newest((method, name, interval), step_ms, limit, ask)


async def depth(desk: WebDesk, symbol: str, rows: int = 20, fresh_s: float = 0.5) -> dict[str, Any]:
    """The book now, from the best outwards, [price, quantity in base units] each. Raises BadInput, VenueError."""
    if not 1 <= rows <= BOOK_ROWS:
        raise BadInput(f"rows was {rows}, must be from 1 to {BOOK_ROWS}")
    # venues take round numbers of rows only
    most = next(n for n in (20, 50, 100, 500) if rows <= n)
    book = await asked(desk, "fetch_order_book", unified(desk, symbol), most, fresh_s=fresh_s)
    return {side: [[row[0], row[1]] for row in book[side][:rows]] for side in ("bids", "asks")}


def spec_now(desk: WebDesk, symbol: str) -> Spec:
    """What is known of a contract without asking: neither brackets nor the account's own fees. Raises BadInput."""
    market = market_of_desk(desk).exchange.markets[unified(desk, symbol)]
    limits = market["limits"]
    return Spec(
        symbol=symbol.strip().upper(),
        base=market["base"],
        quote=market["quote"],
        settle=market["settle"],
        tick=_plain(market["precision"]["price"]),
        step=_plain(market["precision"]["amount"]),
        min_qty=_plain_or_none(limits["amount"]["min"]),
        min_notional=_plain_or_none(limits["cost"]["min"]),
        contract_size=_plain(market["contractSize"] or 1),
        max_leverage=None,
        brackets=(),
        taker_fee_rate=_plain_or_none(market.get("taker")),
        maker_fee_rate=_plain_or_none(market.get("maker")),
        funding_interval_h=None,
    )


async def spec(desk: WebDesk, symbol: str) -> Spec:
    """What one contract of `symbol` is. Raises BadInput."""
    known, name = spec_now(desk, symbol), unified(desk, symbol)
    tiers, fee, interval_h = await asyncio.gather(
        told(desk, "fetch_leverage_tiers", [name], fresh_s=TERMS_S),
        told(desk, "fetch_trading_fee", name, fresh_s=TERMS_S),
        funding_interval_h(desk, name),
    )
    rows = [] if tiers is None else tiers.get(name, [])
    brackets = tuple(
        (_plain(row["maxNotional"]), int(row["maxLeverage"]), _plain(row["maintenanceMarginRate"])) for row in rows
    )
    fees = fee or {}
    return replace(
        known,
        max_leverage=max((row[1] for row in brackets), default=None),
        brackets=brackets,
        taker_fee_rate=_plain_or_none(fees.get("taker")) or known.taker_fee_rate,
        maker_fee_rate=_plain_or_none(fees.get("maker")) or known.maker_fee_rate,
        funding_interval_h=interval_h,
    )


async def funding_interval_h(desk: WebDesk, name: str) -> float | None:
    """Hours between two settlements of funding; None where the venue does not say."""
    found = await told(desk, "fetch_funding_interval", name, fresh_s=TERMS_S)
    found = found or await told(desk, "fetch_funding_rate", name, fresh_s=FACTS_S)
    word = None if found is None else found.get("interval")
    return None if not word else interval_ns(word) / 3_600e9


async def symbol_rows(desk: WebDesk, also: Sequence[str] = ()) -> list[SymbolRow]:
    """The bot's symbols, then the venue's most traded, each with a grade of liquidity that is an estimate.

    The book is looked into for the bot's symbols and `also`. Raises BadInput, VenueError.
    """
    link = market_of_desk(desk)
    await desk.aside(lambda: importlib.import_module("bearskin.setups"))  # the grades ask it; slow the first time
    own = [name for name in dict.fromkeys((*desk.symbols, *also)) if name in link.exchange.markets_by_id]
    tickers, tops = await asyncio.gather(
        told(desk, "fetch_tickers", fresh_s=TICKERS_S), told(desk, "fetch_bids_asks", fresh_s=TICKERS_S)
    )
    tickers, tops = tickers or {}, tops or {}
    others = sorted(
        (name for name, one in link.exchange.markets.items() if one["swap"] and one["active"] is not False),
        key=lambda name: -_number(tickers.get(name, {}).get("quoteVolume"), 0.0),
    )
    names = list(dict.fromkeys((*own, *(link.exchange.markets[name]["id"] for name in others[:LISTED_MAX]))))
    books = dict(zip(own, await asyncio.gather(*(_near(desk, name) for name in own)), strict=True))
    return [_row(desk, name, tickers, tops, books.get(name)) for name in names]


async def _near(desk: WebDesk, symbol: str) -> float | None:
    """What rests within `NEAR_FRAC` of the middle on the thinner side, in quote; None where the book is not told."""
    try:
        book = await depth(desk, symbol, 100, fresh_s=GRADES_S)
    except (VenueError, BadInput):
        return None
    return near_quote(book)


def near_quote(book: dict[str, Any]) -> float | None:
    """As the guards count depth: what rests within 1 % of the middle on the thinner side; None for an empty side."""
    if not book["bids"] or not book["asks"]:
        return None
    middle = (book["bids"][0][0] + book["asks"][0][0]) / 2
    near = (
        sum(price * qty for price, qty in book[side] if abs(price / middle - 1) <= NEAR_FRAC)
        for side in ("bids", "asks")
    )
    return float(min(near))


def _row(desk: WebDesk, symbol: str, tickers: Any, tops: Any, near: float | None) -> SymbolRow:
    name = unified(desk, symbol)
    ticker, top = tickers.get(name, {}), tops.get(name, {})
    bid, ask = (top.get(side) or ticker.get(side) for side in ("bid", "ask"))
    spread_bp = None if not bid or not ask else 2e4 * (ask - bid) / (ask + bid)
    percentage, turnover = ticker.get("percentage"), ticker.get("quoteVolume")
    return SymbolRow(
        symbol=symbol,
        last=ticker.get("last"),
        change_frac=None if percentage is None else percentage / 100,
        turnover_24h=turnover,
        spread_bp=spread_bp,
        depth_quote=near,
        grade=grade_of(spread_bp=spread_bp, depth_quote=near, turnover_24h=turnover),
        traded=symbol in desk.symbols,
    )


def _number(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def _plain(value: Any) -> str:
    return f"{dec(str(value)).normalize():f}"


def _plain_or_none(value: Any) -> str | None:
    return None if value is None else _plain(value)


def _some(desk: WebDesk) -> str:
    return ", ".join(desk.symbols[:3]) or "BTCUSDT"
