"""Statistics by period: worked out of candles and of what was held; of the largest traders there are none."""

from __future__ import annotations

from decimal import Decimal

from bearskin.exchange._candles import INTERVALS, Candle
from bearskin.exchange._codes import Code
from bearskin.exchange._rows import HeldRow
from bearskin.exchange.wire._numbers import bare, money
from bearskin.exchange.wire._params import choice, limited, missing, span
from bearskin.exchange.wire._routes import OPEN, Ask, Route, route
from bearskin.exchange.wire._shapes import Face, Row
from bearskin.terms import QUOTE

PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
FOUR_DIGITS = Decimal("0.0001")


def period_of(ask: Ask) -> str:
    """The period asked for."""
    found = choice(ask.args, "period", PERIODS, Code.INVALID_PARAMETER, "Invalid period.")
    if found is None:
        raise missing("period")
    return found


def face_of(ask: Ask) -> Face:
    """The contract asked for, by pair or by symbol; perpetuals only."""
    face = ask.face("pair" if "pair" in ask.args else "symbol")
    choice(ask.args, "contractType", ("PERPETUAL",), Code.INVALID_PARAMETER, "Invalid contractType.")
    return face


async def no_statistics(ask: Ask) -> list[Row]:
    """Statistics the exchange does not keep: none."""
    face_of(ask)
    period_of(ask)
    span(ask.args)
    limited(ask.args, "limit", 30, 500)
    return []


def held(ask: Ask, face: Face) -> list[HeldRow]:
    """What was held at the times asked for."""
    step_ms = INTERVALS[period_of(ask)].step_ms
    start_ms, end_ms = span(ask.args)
    return ask.wire.archive.held(face.symbol, step_ms, start_ms, end_ms, limited(ask.args, "limit", 30, 500))


async def open_interest(ask: Ask) -> list[Row]:
    """Coins held long at the start of each period, and their value at mark."""
    face = face_of(ask)
    return [
        {
            "symbol": face.symbol,
            "sumOpenInterest": money(row.coins),
            "sumOpenInterestValue": money(row.coins * row.mark),
            "CMCCirculatingSupply": "0",
            "timestamp": row.time_ms,
        }
        for row in held(ask, face)
    ]


async def long_short_accounts(ask: Ask) -> list[Row]:
    """How many accounts were long for each that was short, makers not counted; nothing while nobody was short."""
    face = face_of(ask)
    out = []
    for row in held(ask, face):
        if not row.shorts:
            continue
        share = QUOTE.quantize(QUOTE.divide(row.longs, row.longs + row.shorts), FOUR_DIGITS)
        out.append(
            {
                "symbol": face.symbol,
                "longAccount": format(share, "f"),
                "longShortRatio": format(QUOTE.quantize(QUOTE.divide(row.longs, row.shorts), FOUR_DIGITS), "f"),
                "shortAccount": format(1 - share, "f"),
                "timestamp": row.time_ms,
            }
        )
    return out


def closed(ask: Ask, face: Face, kind: str) -> list[Candle]:
    """The candles of the periods asked for, without the running one."""
    period = period_of(ask)
    start_ms, end_ms = span(ask.args)
    limit = limited(ask.args, "limit", 30, 500)
    now_ms = ask.wire.now_ms()
    rows = ask.wire.archive.candles(
        face.symbol,
        period,
        kind=kind,  # type: ignore[arg-type]  # one of the two kinds named below
        start_ms=start_ms,
        end_ms=end_ms,
        limit=limit + 1,
        now_ms=now_ms,
    )
    running = ask.wire.archive.candles(face.symbol, period, kind=kind, limit=1, now_ms=now_ms)  # type: ignore[arg-type]
    if rows and running and rows[-1].open_ms == running[-1].open_ms:
        rows = rows[:-1]
    return rows[:limit] if start_ms is not None else rows[-limit:]


async def taker_volumes(ask: Ask) -> list[Row]:
    """What takers bought and sold in each period."""
    face = face_of(ask)
    out = []
    for row in closed(ask, face, "trade"):
        sold = row.volume - row.buy_volume
        ratio = QUOTE.quantize(QUOTE.divide(row.buy_volume, sold), FOUR_DIGITS) if sold else Decimal(0)
        out.append(
            {
                "buySellRatio": format(ratio, "f"),
                "buyVol": face.qtys.show(row.buy_volume),
                "sellVol": face.qtys.show(sold),
                "timestamp": row.open_ms,
            }
        )
    return out


async def basis(ask: Ask) -> list[Row]:
    """How far the contract stood from its index at the end of each period."""
    face = face_of(ask)
    spot = {row.open_ms: row.close for row in closed(ask, face, "index")}
    out = []
    for row in closed(ask, face, "trade"):
        index = spot.get(row.open_ms)
        if not index:
            continue
        gap = row.close - index
        out.append(
            {
                "indexPrice": bare(index),
                "contractType": "PERPETUAL",
                "basisRate": format(QUOTE.quantize(QUOTE.divide(gap, index), FOUR_DIGITS), "f"),
                "futuresPrice": face.prices.show(row.close),
                "annualizedBasisRate": "",
                "basis": bare(gap),
                "pair": face.symbol,
                "timestamp": row.open_ms,
            }
        )
    return out


NAMES = "symbol pair period contractType limit startTime endTime"
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", f"/futures/data/{name}"): route(handler, NAMES, security=OPEN, weight=0)
    for name, handler in (
        ("openInterestHist", open_interest),
        ("topLongShortAccountRatio", no_statistics),
        ("topLongShortPositionRatio", no_statistics),
        ("globalLongShortAccountRatio", long_short_accounts),
        ("takerlongshortRatio", taker_volumes),
        ("basis", basis),
    )
}
