"""The market in the API: what the market page shows, by the same functions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bearskin.app.web import _market, _market_crowd
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._pace import Pace


class SymbolNow(BaseModel):
    """A symbol; amounts in the quote currency, null for what the venue has not told. `grade` is an estimate."""

    symbol: str
    last: float | None
    change_frac: float | None
    turnover_24h: float | None
    spread_bp: float | None
    depth_quote: float | None
    traded: bool
    grade: str
    why: str


class ContractSpec(BaseModel):
    """What a contract is. `brackets` are [largest notional, largest leverage, maintenance rate]."""

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
    brackets: list[tuple[str, int, str]]
    taker_fee_rate: str | None
    maker_fee_rate: str | None
    funding_interval_h: float | None


class FundingTold(BaseModel):
    """Rates as longs pay them; `settled` are [ms, rate], oldest first; times are of the venue's clock."""

    symbol: str
    predicted: float | None
    words: str
    next_ms: int | None
    time_ms: int | None
    interval_h: float | None
    settled: list[tuple[int, float]]


class Statistic(BaseModel):
    """[ms, value] oldest first; `missing` says why there are none."""

    name: str
    unit: str
    rows: list[tuple[int, float]]
    missing: str


class Candles(BaseModel):
    """[open ms, open, high, low, close, volume] oldest first, the last one running; mark and index [ms, close]."""

    symbol: str
    interval: str
    candles: list[tuple[int, float, float, float, float, float]]
    mark: list[tuple[int, float]]
    index: list[tuple[int, float]]


class Book(BaseModel):
    """[price, quantity] from the best outwards."""

    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


class Asking(BaseModel):
    """What the pages asked of the venue in the last minute, as it weighs there; the bot's own part is not in it."""

    weight: float
    by_question: dict[str, float]
    allowed_weight: float = Field(description="What pages may ask in a minute for long.")
    waiting: int = Field(description="Questions that wait for their turn.")
    silent_s: float = Field(description="For how long the venue wants to hear nothing; 0 when it may be asked.")


def router_of(desk: WebDesk) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/market", tags=["market"])

    @router.get("/asking", summary="What the pages ask of the venue, against what they may")
    async def asking() -> Asking:
        return _asking(_market.market_of_desk(desk).guard.pace)

    @router.get("/symbols", summary="What can be traded, with a grade of liquidity that is an estimate")
    async def symbols() -> list[SymbolNow]:
        return [SymbolNow(**row.to_json()) for row in await _market.symbol_rows(desk)]

    @router.get("/spec", summary="What a contract is")
    async def spec(symbol: str) -> ContractSpec:
        found = await _market.spec(desk, symbol)
        return ContractSpec(**{name: getattr(found, name) for name in ContractSpec.model_fields})

    @router.get("/candles", summary="Candles, with mark and index where `lines` asks for them")
    async def candles(
        symbol: str,
        interval: str = "5m",
        limit: int = Query(500, ge=1, le=_market.CANDLES_MAX),
        lines: bool = False,
    ) -> Candles:
        asked = (desk, symbol, interval)
        rows = await _market.candles(*asked, limit)
        kinds: dict[str, Any] = {
            kind: await _market.price_line(*asked, kind, limit) if lines else [] for kind in ("mark", "index")
        }
        return Candles(symbol=symbol, interval=interval, candles=[tuple(row[:6]) for row in rows], **kinds)

    @router.get("/funding", summary="Funding: predicted, when, and what was settled")
    async def funding(symbol: str) -> FundingTold:
        found = await _market_crowd.funding(desk, symbol)
        return FundingTold(**{name: getattr(found, name) for name in FundingTold.model_fields})

    @router.get("/interest", summary="Open interest in coins")
    async def interest(symbol: str, interval: str = "5m") -> Statistic:
        return _statistic(await _market_crowd.open_interest(desk, symbol, _market.interval_of(interval)))

    @router.get("/ratio", summary="Accounts long for each that is short")
    async def ratio(symbol: str, interval: str = "5m") -> Statistic:
        return _statistic(await _market_crowd.long_short(desk, symbol, _market.interval_of(interval)))

    @router.get("/basis", summary="The last price over the index, less one")
    async def basis(symbol: str, interval: str = "5m") -> Statistic:
        return _statistic(await _market_crowd.basis(desk, symbol, _market.interval_of(interval)))

    @router.get("/depth", summary="The book now")
    async def depth(symbol: str, rows: int = Query(20, ge=1, le=_market.BOOK_ROWS)) -> Book:
        return Book(**await _market.depth(desk, symbol, rows))

    @router.get("/setups", summary="Set-ups in the last candles, each with its evidence and what is drawn of it")
    async def setups(symbol: str, interval: str = "5m") -> list[dict[str, Any]]:
        from bearskin.app.web._market_setups import seen

        return [one.to_json() for one in (await seen(desk, symbol, interval)).setups]

    @router.get("/profile", summary="Turnover by price of the last whole session; null without one")
    async def profile(symbol: str, interval: str = "5m") -> dict[str, Any] | None:
        from bearskin.app.web._market_setups import seen

        return (await seen(desk, symbol, interval)).profile

    return router


def _asking(pace: Pace) -> Asking:
    found = pace.in_a_minute()
    return Asking(
        weight=sum(found.values()),
        by_question=found,
        allowed_weight=60 * pace.per_s,
        waiting=pace.waiting,
        silent_s=round(pace.silent_s, 1),
    )


def _statistic(series: _market_crowd.Series) -> Statistic:
    return Statistic(name=series.name, unit=series.unit, rows=list(series.rows), missing=series.missing)
