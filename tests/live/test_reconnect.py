"""Cut off and back: what happened meanwhile is found, told once, and acted on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from live.apart import exchange_apart
from live.kit import QTY, SYMBOL, Bot, Eye, bot_at, control, journal_of
from live.proxy import Proxy
from live.test_killed import checked, ours

from bearskin.engine import Ended
from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread
from bearskin.live import RunnerOptions
from bearskin.terms import BarClosed, Connected, Filled, Funded, Throttled


def test_a_fill_while_cut_off_is_found_and_protected(running: Running, eye: Eye, tag: str, tmp_path: Path) -> None:
    """
    short by a limit above the market, then every socket is cut and none can be had
    the price comes up: filled, and nobody tells us
    the way is free again -> the fill is told with its fee, and protected
    """

    async def story() -> None:
        async with Proxy(running.url) as proxy:
            port = proxy.port
            async with bot_at(proxy.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
                await bot.until(lambda: SYMBOL in bot.hand.marks)
                await bot.enter(price=bot.price("1.001"))
                await bot.until(lambda: eye.resting(tag))
                await proxy.__aexit__()
                await bot.until(lambda: bot.runner.state().channels == {"market": False, "account": False})
                control(running, "POST", f"/symbols/{SYMBOL}/index", {"price": "60120"})
                await bot.until(lambda: eye.position() == -QTY)
                assert bot.trade.qty == 0
                async with Proxy(running.url, port):
                    await bot.protected()
                    control(running, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
                    await bot.close()
                    [ended] = bot.notes(Ended)
                    assert ended.fees > 0

    asyncio.run(story())
    fills = [record.event for record in journal_of(tmp_path / "j.sqlite") if isinstance(record.event, Filled)]
    assert sorted(fill.qty for fill in fills) == [-QTY, QTY]


def test_the_exchange_is_restarted_under_an_open_position(tmp_path: Path) -> None:
    """
    short and protected; the exchange goes away and comes back on its port
    -> candles without a hole, account compared again, then closed by the same bot
    """
    options = {"symbols": (SYMBOL,), "prices": "manual", "crowd": False, "limits": False, "folder": tmp_path / "ex"}
    first = start_in_thread(ExchangeOptions(port=0, deposit=Decimal(100_000), **options))
    control(first, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
    port = int(first.url.rsplit(":", 1)[1])

    async def story() -> None:
        async with bot_at(first.url, first, tmp_path / "j.sqlite", tag="rest") as bot:
            await bot.enter()
            await bot.protected()
            await asyncio.to_thread(first.stop)
            await bot.until(lambda: not any(bot.runner.state().channels.values()), what="down")
            second = await asyncio.to_thread(start_in_thread, ExchangeOptions(port=port, **options))
            try:
                bot.told.clear()
                await bot.until(lambda: all(bot.runner.state().channels.values()), 30.0, what="up again")
                await bot.until(lambda: any(isinstance(r.event, Connected) and r.event.up for _, r in bot.told))
                assert bot.trade.qty == -QTY
                assert len(Eye(second).resting("rest")) == 1
                await bot.close()
                assert Eye(second).position() == 0
            finally:
                await asyncio.to_thread(second.stop)

    asyncio.run(story())


@pytest.mark.slow
def test_the_exchange_is_killed_under_a_bot_at_work(tmp_path: Path) -> None:
    """
    an exchange in a process of its own is killed (SIGKILL) and started again on its folder, four times over: while a
    position stands protected, and while entry, stop or close are on their way
    -> the same bot goes on; positions and stops are those of the exchange, no order exists twice
    """
    options = {"symbols": (SYMBOL,), "prices": "manual", "crowd": False, "folder": tmp_path / "exchange"}
    journal, tag = tmp_path / "j.sqlite", "kill"

    async def agree(bot: Bot, eye: Eye) -> None:
        await bot.until(bot.is_up, 30.0, what="up again")
        await bot.quiet()

        def same() -> bool:
            rest = sum(Decimal(row["quantity"]) for row in eye.resting(tag) if row.get("clientAlgoId"))
            return ours(bot) == eye.position() and rest == -ours(bot)

        await bot.until(same, 20.0, what="positions and stops agree")

    async def story() -> None:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(exchange_apart(**options))
            port = int(first.url.rsplit(":", 1)[1])
            control(first, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
            eye, exchange = Eye(first), first
            async with bot_at(first.url, first, journal, tag=tag) as bot:
                await bot.enter("open-0")
                await bot.protected()
                for number, delay_s in enumerate((0.0, 0.003, 0.008, 0.020), 1):
                    if number > 1:
                        done = bot.close(f"close-{number}", wait=False) if bot.trade else bot.enter(f"open-{number}")
                        acting = asyncio.ensure_future(done)
                        await asyncio.sleep(delay_s)
                        exchange.process.kill()
                        await acting
                    exchange.process.kill()
                    exchange.process.wait(10)
                    await bot.until(lambda: not any(bot.runner.state().channels.values()), what="down")
                    exchange = await asyncio.to_thread(stack.enter_context, exchange_apart(**options, port=port))
                    await agree(bot, eye)
                if bot.trade is not None:
                    await bot.close("the end")
            checked(eye, tag, journal)

    asyncio.run(story())


def test_candles_missed_while_cut_off_come_in_order(running: Running, tag: str, tmp_path: Path) -> None:
    """At sixty times the speed, cut for two seconds: every candle is told once, oldest first."""
    control(running, "POST", "/clock/speed", {"speed": 60})

    async def story() -> list[BarClosed]:
        async with Proxy(running.url) as proxy:
            port = proxy.port
            async with bot_at(proxy.url, running, tmp_path / "j.sqlite", tag=tag) as bot:

                def bars() -> list[BarClosed]:
                    return [record.event for _, record in bot.told if isinstance(record.event, BarClosed)]

                await bot.until(lambda: len(bars()) >= 2)
                await proxy.__aexit__()
                await asyncio.sleep(2)
                async with Proxy(running.url, port):
                    before = len(bars())
                    await bot.until(lambda: len(bars()) >= before + 4, 20.0)
                    return bars()

    try:
        bars = asyncio.run(story())
    finally:
        control(running, "POST", "/clock/speed", {"speed": 1})
    assert {after.opened_ns - before.opened_ns for before, after in itertools.pairwise(bars)} == {60 * 10**9}


def test_a_ban_is_a_ban_and_protection_goes_first_after_it(
    running: Running, eye: Eye, tag: str, tmp_path: Path
) -> None:
    """
    418 on the stop of a new position
    -> nothing reaches the exchange until the ban is over; then the same stop, the first order of all
    """

    async def story() -> None:
        async with Proxy(running.url) as proxy, bot_at(proxy.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.until(lambda: bot.runner.state().channels.get("account"))
            proxy.befall("418", skip=1)
            await bot.enter()
            await bot.protected()
            [throttled, *_] = [r.event for _, r in bot.told if isinstance(r.event, Throttled)]
            assert throttled.until_wall_ns > throttled.wall_ns
            asked = [at for at, _ in proxy.log if throttled.wall_ns < at]
            assert min(asked) >= throttled.until_wall_ns
            first = next(what for at, what in proxy.log if at >= throttled.until_wall_ns)
            assert first == "POST /fapi/v1/algoOrder"
            await bot.close()

    asyncio.run(story())


def test_funding_is_told_once(running: Running, tag: str, tmp_path: Path) -> None:
    """Funding settles under a short: it is told, belongs to the trade, and is not told again by a later question."""

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter()
            await bot.protected()
            control(running, "POST", f"/symbols/{SYMBOL}/funding_rate", {"rate": "0.0010"})
            control(running, "POST", f"/symbols/{SYMBOL}/settle")
            await bot.until(lambda: bot.trade.funding > 0, what="funding received")
            await bot.close()
            assert sum(isinstance(record.event, Funded) for _, record in bot.told) == 1

    asyncio.run(story())


def test_the_book_survives_a_snapshot(running: Running, tag: str, tmp_path: Path) -> None:
    """With a snapshot every few records, a second life knows the open position and its stop."""
    often = RunnerOptions(snapshot_records=3)

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag, options=often) as bot:
            await bot.enter()
            await bot.protected()
            names = set(bot.trade.orders)
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag, options=often) as bot:
            await bot.quiet()
            assert (bot.trade.qty, set(bot.trade.orders)) == (-QTY, names)
            await bot.close()

    asyncio.run(story())
