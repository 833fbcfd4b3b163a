"""A venue's history that is kept: the same panel as one that was asked for whole, with a few questions."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np

from bearskin.live import Past
from bearskin.live._history import history_of
from bearskin.live._skew import MarketClock
from bearskin.terms import HOUR_NS, MINUTE_NS, Instrument, Product

MS = 1_000_000
INSTRUMENT = Instrument(
    venue="binance", symbol="BTCUSDT", product=Product.LINEAR, base="BTC", quote="USDT", settle="USDT",
    tick=Decimal("0.1"), step=Decimal("0.001"), min_qty=Decimal("0.001"), min_notional=Decimal(5),
    taker_fee_rate=Decimal("0.0005"), maker_fee_rate=Decimal("0.0002"), source="test",
)  # fmt: skip


class Exchange:
    """A market of candles whose close is their number, funding every 8 hours, statistics every 5 minutes."""

    has = {"fetchOpenInterestHistory": True, "fetchLongShortRatioHistory": True}  # noqa: RUF012
    timeframes = {"1m": "1m", "1h": "1h"}  # noqa: RUF012

    def __init__(self) -> None:
        self.now_ns, self.asked, self.rows = 3_000 * HOUR_NS, Counter[str](), 0

    def market(self, _: str) -> Any:
        return {"id": "BTCUSDT"}

    async def fapiPublicGetKlines(self, params: Any) -> Any:
        return self.klines("klines", params)

    async def fapiPublicGetMarkPriceKlines(self, params: Any) -> Any:
        return self.klines("marks", params)

    def klines(self, what: str, params: Any) -> Any:
        step_ms = {"1m": 60_000, "1h": 3_600_000}[params["interval"]]
        first = -(-params["startTime"] // step_ms)
        last = self.now_ns // MS // step_ms
        self.asked[what] += 1
        self.rows += (found := max(0, min(last + 1, first + params["limit"]) - first))
        return [[at * step_ms, 1, 2, 0.5, at, 10, 0, 100, 0, 5] for at in range(first, first + found)]

    async def fetch_funding_rate_history(self, _: str, since: int, limit: int, params: Any) -> Any:
        self.asked["funding"] += 1
        first, last = -(-since // (8 * 3_600_000)), params["until"] // (8 * 3_600_000)
        return [{"timestamp": at * 8 * 3_600_000, "fundingRate": at / 1e6} for at in range(first, last + 1)][:100]

    async def fetch_open_interest_history(self, _: str, frame: str, since: int, limit: int, *__: Any) -> Any:
        return self.statistic("interest", "openInterestAmount", frame, since, limit)

    async def fetch_long_short_ratio_history(self, _: str, frame: str, since: int, limit: int, *__: Any) -> Any:
        return self.statistic("ratio", "longShortRatio", frame, since, limit)

    def statistic(self, what: str, name: str, frame: str, since: int, limit: int) -> Any:
        self.asked[what] += 1
        step_ms = {"5m": 300_000, "1h": 3_600_000}[frame]
        first, last = -(-since // step_ms), self.now_ns // MS // step_ms - 1
        return [{"timestamp": at * step_ms, name: float(at)} for at in range(first, last + 1)][:limit]


class Budget:
    async def ask(self, _: str) -> None:
        pass


def venue_of(exchange: Exchange, past: Past | None) -> Any:
    async def instruments(_: Any) -> Any:
        return {"BTCUSDT": (INSTRUMENT, None)}

    clock = MarketClock(lambda: exchange.now_ns)
    clock.heard(exchange.now_ns)
    market = SimpleNamespace(symbol="BTCUSDT", unified="BTC/USDT:USDT", contract_size=Decimal(1))
    return SimpleNamespace(
        markets={"BTCUSDT": market}, clock=clock, dialect=SimpleNamespace(venue="binance"), exchange=exchange,
        past=past, budget=Budget(), instruments=instruments,
    )  # fmt: skip


def history(exchange: Exchange, past: Past | None, interval: str, bars: int) -> Any:
    return asyncio.run(history_of(venue_of(exchange, past), "BTCUSDT", interval, bars))


def same(left: Any, right: Any) -> None:
    for name in ("time_ns", "open", "close", "volume", "taker_buy_volume", "mark_close"):
        assert np.array_equal(getattr(left, name), getattr(right, name)), name
    for name in ("time_ns", "rate", "interval_ns"):
        assert np.array_equal(getattr(left.funding, name), getattr(right.funding, name)), name
    for name in ("time_ns", "value"):
        mine, whole = (getattr(one.open_interest, name) for one in (left, right))
        assert np.array_equal(mine, whole), name
    assert left.notes == right.notes


def test_a_kept_history_is_that_which_is_asked_for_whole():
    past, exchange = Past(), Exchange()
    for passed_ns in (0, MINUTE_NS, 7 * MINUTE_NS, 90 * MINUTE_NS, 9 * HOUR_NS, 400 * HOUR_NS):
        exchange.now_ns += passed_ns
        for interval, bars in (("1m", 500), ("1m", 1_500), ("1h", 700), ("1m", 500)):
            same(history(exchange, past, interval, bars), history(exchange, None, interval, bars))


def test_what_came_since_is_asked_for_alone():
    past, exchange = Past(), Exchange()
    history(exchange, past, "1m", 1_500)
    exchange.asked.clear()
    exchange.rows = 0
    history(exchange, past, "1m", 1_500)
    assert not exchange.asked
    exchange.now_ns += MINUTE_NS
    history(exchange, past, "1m", 1_500)
    assert exchange.asked == {"klines": 1, "marks": 1}
    assert exchange.rows <= 4
    exchange.now_ns += 5 * MINUTE_NS
    history(exchange, past, "1m", 500)
    assert exchange.asked == {"klines": 2, "marks": 2, "interest": 1, "ratio": 1}  # no funding was due
