"""Market data: contracts, book, trades, candles, marks and funding. Anybody may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from bearskin.exchange._codes import Code
from bearskin.exchange.wire._numbers import NS_PER_MS, bare, money
from bearskin.exchange.wire._params import Denied, integer, limited, need, span, span_of_hour
from bearskin.exchange.wire._routes import KEYED, OPEN, Ask, Route, bad_symbol, route
from bearskin.exchange.wire._shapes import Face, Row
from bearskin.terms import QUOTE

DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
DEPTH_WEIGHTS = {"5": 2, "10": 2, "20": 2, "50": 2, "100": 5, "500": 10, "1000": 20}
INTERVALS = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
KLINES_MAX = 1500
CandleKind = Literal["trade", "mark", "index", "premium"]


async def ping(_: Ask) -> Row:
    """Here."""
    return {}


async def server_time(ask: Ask) -> Row:
    """Wall time: signatures live on it."""
    return {"serverTime": ask.wall_ms}


async def exchange_info(ask: Ask) -> Row:
    """What is traded, and how fast one may ask."""
    wire = ask.wire
    limits = wire.limits
    rows = []
    for face in wire.faces:
        status = wire.markets[face.symbol].status
        rows.append(face.row if status == "TRADING" else {**face.row, "status": status})
    assets = dict.fromkeys(face.contract.settle for face in wire.faces)
    return {
        "timezone": "UTC",
        "serverTime": ask.wall_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": limits.weight_per_minute,
            },
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": limits.orders_per_minute},
            {
                "rateLimitType": "ORDERS",
                "interval": "SECOND",
                "intervalNum": 10,
                "limit": limits.orders_per_ten_seconds,
            },
        ],
        "exchangeFilters": [],
        "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "0"} for asset in assets],
        "symbols": rows,
    }


def depth_limit(args: Mapping[str, str]) -> int:
    """How many levels; only the numbers the venue knows."""
    limit = integer(args, "limit")
    if limit is None:
        return 500
    if limit not in DEPTH_LIMITS:
        raise Denied(Code.BAD_DEPTH_LIMIT, f"{limit} is not valid depth limit. Please use one of {DEPTH_LIMITS}.")
    return limit


def depth_weight(args: Mapping[str, str]) -> int:
    """The weight of a depth request."""
    return DEPTH_WEIGHTS.get(args.get("limit", "500"), 2)


def side_levels(ask: Ask, face: Face, side: int, limit: int) -> list[tuple[str, str]]:
    """The best levels of a side as price and quantity."""
    half = ask.wire.floor.books[face.symbol].half(side)
    price, qty = face.prices.text, face.qtys.text
    levels = half.levels
    return [(price(level.ticks), qty(level.steps)) for level in map(levels.__getitem__, half.places[: -limit - 1 : -1])]


async def depth(ask: Ask) -> Row:
    """The book; `lastUpdateId` is that of the diff stream."""
    face = ask.face()
    limit = depth_limit(ask.args)
    now_ms = ask.wire.now_ms()
    return {
        "lastUpdateId": ask.wire.markets[face.symbol].update_id,
        "E": now_ms,
        "T": now_ms,
        "symbol": face.symbol,
        "pair": face.symbol,
        "bids": side_levels(ask, face, 1, limit),
        "asks": side_levels(ask, face, -1, limit),
    }


async def trades(ask: Ask) -> list[Row]:
    """Recent trades, oldest first."""
    face = ask.face()
    rows = ask.wire.archive.trades(face.symbol, limited(ask.args, "limit", 500, 1000), integer(ask.args, "fromId"))
    return [
        {
            "id": row.trade_id,
            "price": face.prices.show(row.price),
            "qty": face.qtys.show(row.qty),
            "quoteQty": money(row.price * row.qty),
            "time": row.time_ns // NS_PER_MS,
            "isBuyerMaker": row.buyer_is_maker,
            "isRPITrade": False,
        }
        for row in rows
    ]


async def agg_trades(ask: Ask) -> list[Row]:
    """Trades of one order at one price taken together."""
    face = ask.face()
    start_ms, end_ms = span_of_hour(ask.args)
    rows = ask.wire.archive.agg_trades(
        face.symbol, limited(ask.args, "limit", 500, 1000), integer(ask.args, "fromId"), start_ms, end_ms
    )
    return [
        {
            "a": row.id,
            "p": face.prices.show(row.price),
            "q": face.qtys.show(row.qty),
            "nq": face.qtys.show(row.qty),
            "f": row.first_id,
            "l": row.last_id,
            "T": row.time_ns // NS_PER_MS,
            "m": row.buyer_is_maker,
        }
        for row in rows
    ]


def kline_weight(args: Mapping[str, str]) -> int:
    """The weight of a candle request by its length."""
    text = args.get("limit", "500")
    limit = int(text) if text.isdecimal() and len(text) < 6 else 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def candles(kind: CandleKind, by: str = "symbol") -> Callable[[Ask], Awaitable[list[tuple[Any, ...]]]]:
    """The candles of one kind, asked for by `symbol` or by `pair`."""

    async def answer(ask: Ask) -> list[tuple[Any, ...]]:
        face = ask.face(by)
        interval = need(ask.args, "interval")
        if interval not in INTERVALS:
            raise Denied(Code.BAD_INTERVAL, "Invalid interval.")
        if "contractType" in ask.args and ask.args["contractType"] != "PERPETUAL":
            raise Denied(Code.INVALID_PARAMETER, "Invalid contractType.")
        start_ms, end_ms = span(ask.args)
        return ask.wire.archive.klines(
            face.symbol,
            interval,
            kind=kind,
            start_ms=start_ms,
            end_ms=end_ms,
            limit=limited(ask.args, "limit", 500, KLINES_MAX),
        )

    return answer


def premium_row(ask: Ask, face: Face) -> Row:
    """Mark, index and the funding to come."""
    market = ask.wire.markets[face.symbol]
    mark = market.mark if market.mark is not None else market.index
    interest = QUOTE.divide(face.contract.interest_rate_8h * market.interval_h, 8)
    return {
        "symbol": face.symbol,
        "pair": face.symbol,
        "markPrice": money(mark) if mark is not None else "0",
        "indexPrice": money(market.index) if market.index is not None else "0",
        "estimatedSettlePrice": money(market.index) if market.index is not None else "0",
        "lastFundingRate": money(market.pinned_rate if market.pinned_rate is not None else market.last_rate),
        "interestRate": money(interest),
        "nextFundingTime": market.next_funding_ns // NS_PER_MS,
        "time": ask.wire.now_ms(),
    }


def one_or_all(form: Callable[[Ask, Face], Row]) -> Callable[[Ask], Awaitable[Any]]:
    """A row for the symbol named, or the rows of all."""

    async def answer(ask: Ask) -> Any:
        face = ask.face_or_all()
        if face is not None:
            return form(ask, face)
        return [form(ask, each) for each in ask.wire.faces]

    return answer


def last_text(ask: Ask, face: Face) -> str:
    """The last price; the mark or the index before there was a trade."""
    market = ask.wire.markets[face.symbol]
    for price in (market.last_price, market.mark, market.index):
        if price is not None:
            return face.prices.show(price)
    return "0"


def price_row(ask: Ask, face: Face) -> Row:
    """The last price."""
    return {"symbol": face.symbol, "ps": face.symbol, "price": last_text(ask, face), "time": ask.wire.now_ms()}


def book_row(ask: Ask, face: Face) -> Row:
    """The best bid and ask."""
    bids, asks = side_levels(ask, face, 1, 1), side_levels(ask, face, -1, 1)
    bid, bid_qty = bids[0] if bids else ("0", "0")
    best_ask, ask_qty = asks[0] if asks else ("0", "0")
    return {
        "symbol": face.symbol,
        "pair": face.symbol,
        "bidPrice": bid,
        "bidQty": bid_qty,
        "askPrice": best_ask,
        "askQty": ask_qty,
        "time": ask.wire.now_ms(),
        "lastUpdateId": ask.wire.markets[face.symbol].update_id,
    }


def day_row(ask: Ask, face: Face) -> Row:
    """The last 24 hours."""
    return {**ask.wire.archive.ticker(face.symbol), "pair": face.symbol}


async def funding_rates(ask: Ask) -> list[Row]:
    """Settled funding, oldest first."""
    face = ask.face_or_all()
    start_ms, end_ms = span(ask.args)
    rows = ask.wire.archive.funding(
        face.symbol if face else None, start_ms=start_ms, end_ms=end_ms, limit=limited(ask.args, "limit", 100, 1000)
    )
    return [
        {
            "symbol": row.symbol,
            "fundingTime": row.time_ns // NS_PER_MS,
            "fundingRate": money(row.rate),
            "markPrice": money(row.mark),
            "rateType": "REALIZED",
        }
        for row in rows
    ]


async def funding_info(ask: Ask) -> list[Row]:
    """Interval and bounds of every symbol (the venue lists only the adjusted ones)."""
    return [
        {
            "symbol": face.symbol,
            "adjustedFundingRateCap": money(face.contract.funding_cap_rate),
            "adjustedFundingRateFloor": money(-face.contract.funding_cap_rate),
            "fundingIntervalHours": ask.wire.markets[face.symbol].interval_h,
            "disclaimer": False,
        }
        for face in ask.wire.faces
    ]


async def open_interest(ask: Ask) -> Row:
    """Coins held long."""
    face = ask.face()
    market = ask.wire.markets[face.symbol]
    return {
        "symbol": face.symbol,
        "pair": face.symbol,
        "openInterest": face.qtys.show(market.open_interest),
        "time": ask.wire.now_ms(),
    }


async def constituents(ask: Ask) -> Row:
    """The spot sources of the index, equal in weight."""
    face = ask.face()
    market = ask.wire.markets[face.symbol]
    weight = (
        bare(QUOTE.quantize(QUOTE.divide(1, len(market.sources)), QUOTE.create_decimal("1E-8")))
        if market.sources
        else "0"
    )
    return {
        "symbol": face.symbol,
        "time": ask.wire.now_ms(),
        "constituents": [
            {"exchange": name, "symbol": face.symbol, "price": bare(price), "weight": weight}
            for name, price in market.sources.items()
        ],
    }


async def no_index(ask: Ask) -> Any:
    """There are no composite indices here."""
    if "symbol" in ask.args:
        raise bad_symbol()
    return []


def adl_row(ask: Ask, face: Face) -> Row:
    """The risk of deleveraging in a symbol: there is no published scale, the lowest is told."""
    return {"symbol": face.symbol, "adlRisk": "low", "updateTime": ask.wire.now_ms()}


async def insurance(ask: Ask) -> Any:
    """What the insurance fund holds."""
    face = ask.face_or_all()
    fund = ask.wire.state.accounts.get(1)
    symbols = [face.symbol] if face is not None else [f.symbol for f in ask.wire.faces]
    name = fund.wallet_name if fund is not None else "insurance"
    row = {
        "symbols": symbols,
        "assets": [
            {"asset": asset, "marginBalance": money(ledger.balance(name)), "updateTime": ask.wire.now_ms()}
            for asset, ledger in ask.wire.state.ledgers.items()
        ],
    }
    return row if face is not None else [row]


def per_symbol(one: int, every: int) -> Callable[[Mapping[str, str]], int]:
    """A weight that depends on whether one symbol is named or all are meant."""
    return lambda args: one if "symbol" in args else every


def public(
    handler: Callable[[Ask], Awaitable[Any]],
    names: str = "",
    weight: int | Callable[[Mapping[str, str]], int] = 1,
    security: int = OPEN,
) -> Route:
    """A route for anybody."""
    return route(handler, names, security=security, weight=weight)


CANDLE = "interval startTime endTime limit"

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/fapi/v1/ping"): public(ping),
    ("GET", "/fapi/v1/time"): public(server_time),
    ("GET", "/fapi/v1/exchangeInfo"): public(exchange_info),
    ("GET", "/fapi/v1/depth"): public(depth, "symbol limit", depth_weight),
    ("GET", "/fapi/v1/rpiDepth"): public(depth, "symbol limit", 20),
    ("GET", "/fapi/v1/trades"): public(trades, "symbol limit", 5),
    ("GET", "/fapi/v1/historicalTrades"): public(trades, "symbol limit fromId", 20, KEYED),
    ("GET", "/fapi/v1/aggTrades"): public(agg_trades, "symbol fromId startTime endTime limit", 20),
    ("GET", "/fapi/v1/klines"): public(candles("trade"), "symbol " + CANDLE, kline_weight),
    ("GET", "/fapi/v1/continuousKlines"): public(candles("trade", "pair"), "pair contractType " + CANDLE, kline_weight),
    ("GET", "/fapi/v1/indexPriceKlines"): public(candles("index", "pair"), "pair " + CANDLE, kline_weight),
    ("GET", "/fapi/v1/markPriceKlines"): public(candles("mark"), "symbol " + CANDLE, kline_weight),
    ("GET", "/fapi/v1/premiumIndexKlines"): public(candles("premium"), "symbol " + CANDLE, kline_weight),
    ("GET", "/fapi/v1/premiumIndex"): public(one_or_all(premium_row), "symbol", per_symbol(1, 10)),
    ("GET", "/fapi/v1/fundingRate"): public(funding_rates, "symbol startTime endTime limit"),
    ("GET", "/fapi/v1/fundingInfo"): public(funding_info),
    ("GET", "/fapi/v1/ticker/24hr"): public(one_or_all(day_row), "symbol", per_symbol(1, 40)),
    ("GET", "/fapi/v1/ticker/price"): public(one_or_all(price_row), "symbol", per_symbol(1, 2)),
    ("GET", "/fapi/v2/ticker/price"): public(one_or_all(price_row), "symbol", per_symbol(1, 2)),
    ("GET", "/fapi/v1/ticker/bookTicker"): public(one_or_all(book_row), "symbol", per_symbol(2, 5)),
    ("GET", "/fapi/v1/openInterest"): public(open_interest, "symbol"),
    ("GET", "/fapi/v1/constituents"): public(constituents, "symbol", 2),
    ("GET", "/fapi/v1/indexInfo"): public(no_index, "symbol"),
    ("GET", "/fapi/v1/assetIndex"): public(no_index, "symbol", 10),
    ("GET", "/fapi/v1/symbolAdlRisk"): public(one_or_all(adl_row), "symbol"),
    ("GET", "/fapi/v1/insuranceBalance"): public(insurance, "symbol"),
}
