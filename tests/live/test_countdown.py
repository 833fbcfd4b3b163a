"""The countdown cancel, on an exchange that documents that conditional orders survive it, and nowhere else."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from bearskin.exchange import ExchangeOptions, start_in_thread
from bearskin.live import VENUES, dialect_of, open_trading
from bearskin.live._countdown import Countdown, countdown_of

CALL = "fapiPrivatePostCountdownCancelAll"
SYMBOL = "BTC/USDT:USDT"


class Exchange:
    """Takes calls down; fails when told to."""

    id = "binanceusdm"

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[dict[str, object]] = []
        self.called = asyncio.Event()
        self.error = error

    async def set(self, params: dict[str, object]) -> None:
        self.calls.append(params)
        self.called.set()
        if self.error is not None:
            raise self.error


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_no_venue_whose_documents_are_silent_gets_a_countdown():
    for venue in VENUES:
        able = dialect_of(venue).able
        made = countdown_of(able, Exchange(), ("BTCUSDT",), alive=lambda: True)
        assert (made is None) == (able.countdown is None)
        assert able.countdown is not None or {"countdown", "live"} & set(able.refusals), venue


def test_it_is_set_for_every_symbol_and_taken_back_at_the_end():
    async def story() -> list[dict[str, object]]:
        exchange = Exchange()
        task = asyncio.create_task(Countdown(exchange, "set", ("BTCUSDT", "ETHUSDT"), alive=lambda: True).run())
        await exchange.called.wait()
        await asyncio.sleep(0)
        await ended(task)
        return exchange.calls

    told = [(call["symbol"], call["countdownTime"]) for call in asyncio.run(story())]
    assert told == [("BTCUSDT", 120_000), ("ETHUSDT", 120_000), ("BTCUSDT", 0), ("ETHUSDT", 0)]


def test_a_bot_that_no_longer_works_does_not_hold_the_venue_back():
    async def story() -> list[dict[str, object]]:
        exchange = Exchange()
        task = asyncio.create_task(
            Countdown(exchange, "set", ("BTCUSDT",), alive=lambda: not exchange.calls, every_s=0.001).run()
        )
        await exchange.called.wait()
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(exchange.calls) == 1
        await ended(task)
        return exchange.calls

    assert asyncio.run(story())[-1]["countdownTime"] == 0


def test_a_call_that_fails_is_made_again_and_shows_no_signature(caplog: pytest.LogCaptureFixture):
    import ccxt

    async def story() -> int:
        exchange = Exchange(ccxt.RequestTimeout("POST https://venue/x?signature=0123456789abcdef0123"))
        task = asyncio.create_task(Countdown(exchange, "set", ("BTCUSDT",), alive=lambda: True, every_s=0.001).run())
        while len(exchange.calls) < 3:
            exchange.called.clear()
            await exchange.called.wait()
        await ended(task)
        return len(exchange.calls)

    assert asyncio.run(story()) >= 3
    assert "was not set" in caplog.text
    assert "0123456789abcdef" not in caplog.text


def test_on_the_demo_exchange_entries_go_and_the_stop_stays(tmp_path: Path):
    options = ExchangeOptions(folder=tmp_path, port=0, symbols=("BTCUSDT",), crowd=False, makers=False, seed=1)
    running = start_in_thread(options)

    async def story() -> tuple[list[str], list[str]]:
        exchange = open_trading(dialect_of("binance"), "live", running.key, running.secret, address=running.url)
        try:
            await exchange.load_markets()
            mark = float((await exchange.fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"}))["markPrice"])
            await exchange.create_order(
                SYMBOL, "limit", "sell", 0.01, round(mark * 1.02, 1), {"clientOrderId": "entry"}
            )
            stop = {"triggerPrice": round(mark * 1.04, 1), "clientOrderId": "stop"}
            await exchange.create_order(SYMBOL, "market", "buy", 0.01, None, stop)
            # set once, and from then on the bot does no work
            alive = itertools.chain((True,), itertools.repeat(False)).__next__
            countdown = Countdown(exchange, CALL, ("BTCUSDT",), alive=alive, countdown_s=0.6, every_s=0.5)
            task = asyncio.create_task(countdown.run())
            for _ in range(200):
                orders = await exchange.fapiPrivateGetOpenOrders({"symbol": "BTCUSDT"})
                if not orders:
                    break
                await asyncio.sleep(0.05)
            await ended(task)
            algos = await exchange.fapiPrivateGetOpenAlgoOrders({"symbol": "BTCUSDT"})
            return [order["clientOrderId"] for order in orders], [algo["clientAlgoId"] for algo in algos]
        finally:
            await exchange.close()

    try:
        assert asyncio.run(story()) == ([], ["stop"])
    finally:
        running.stop()
