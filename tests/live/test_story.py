"""The whole way once: runner, venue, feed and engine trade on the demo exchange."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

from live.kit import QTY, SYMBOL, Eye, bot_at, control, journal_of

from bearskin.engine import Ended, Issued, Protection
from bearskin.exchange.wire import Running
from bearskin.terms import Answered, BarClosed, Filled, PlaceStop


def test_a_short_is_protected_moved_and_closed(running: Running, eye: Eye, tag: str, tmp_path) -> None:
    """
    short 0.05 by market -> its stop rests at the exchange
    stop moved -> one stop, at the new price
    close -> flat, nothing rests, every order in the journal before it went out
    """

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter()
            await bot.protected()
            assert eye.position() == -QTY
            [stop] = eye.resting(tag)
            assert (stop["side"], Decimal(stop["quantity"]), stop["workingType"]) == ("BUY", QTY, "MARK_PRICE")
            await bot.move("1.03")
            wanted = bot.price("1.03")
            await bot.until(lambda: [Decimal(row["triggerPrice"]) for row in eye.resting(tag)] == [wanted])
            await bot.close()
            assert eye.position() == 0
            assert eye.resting(tag) == []
            [ended] = bot.notes(Ended)
            assert (ended.reason, ended.qty, ended.fees > 0) == ("hand", -QTY, True)

    asyncio.run(story())
    records = journal_of(tmp_path / "j.sqlite")
    issued = [note.command for record in records for note in record.notes if isinstance(note, Issued)]
    assert set(eye.orders(tag)) == {each.client_id for each in issued}
    assert sum(isinstance(each, PlaceStop) for each in issued) == 2
    assert len({each.trade_id for each in _fills(records)}) == 2


def test_a_limit_entry_is_protected_as_it_fills(running: Running, eye: Eye, tag: str, tmp_path) -> None:
    """
    short by a limit above the market; the price comes up to it
    -> the stop rests after the fill that only the stream told of
    """

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.until(lambda: SYMBOL in bot.hand.marks)
            await bot.enter(price=bot.price("1.001"))
            await bot.until(lambda: eye.resting(tag))
            control(running, "POST", f"/symbols/{SYMBOL}/index", {"price": "60120"})
            await bot.protected()
            assert eye.position() == -QTY
            control(running, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
            await bot.close()

    asyncio.run(story())


def test_the_stop_closes_the_position(running: Running, eye: Eye, tag: str, tmp_path) -> None:
    """The mark goes through the stop: flat, told as a stop, nothing rests."""

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter()
            await bot.protected()
            control(running, "POST", f"/symbols/{SYMBOL}/mark", {"price": str(bot.price("1.021"))})
            [ended] = await bot.until(lambda: bot.notes(Ended))
            assert ended.reason == "stop"
            assert eye.position() == 0

    try:
        asyncio.run(story())
    finally:
        control(running, "POST", f"/symbols/{SYMBOL}/mark", {"price": None})


def test_candles_follow_each_other_without_a_hole(running: Running, tag: str, tmp_path) -> None:
    """At sixty times the speed a candle closes each second; all come once, in order, with mark and turnover."""
    control(running, "POST", "/clock/speed", {"speed": 60})

    async def story() -> list[BarClosed]:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.until(lambda: sum(isinstance(record.event, BarClosed) for _, record in bot.told) >= 5)
            return [record.event for _, record in bot.told if isinstance(record.event, BarClosed)]

    try:
        bars = asyncio.run(story())
    finally:
        control(running, "POST", "/clock/speed", {"speed": 1})
    opens = [bar.opened_ns for bar in bars]
    assert [after - before for before, after in itertools.pairwise(opens)] == [60 * 10**9] * (len(opens) - 1)
    assert all(bar.mark_close and bar.quote_volume is not None for bar in bars)


def _fills(records) -> list[Filled]:
    return [record.event for record in records if isinstance(record.event, Filled)]


def test_unprotected_time_is_written_down(running: Running, tag: str, tmp_path) -> None:
    """Thirty entries in one run: each is protected, each time is measured and short."""
    times: list[float] = []

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            for number in range(30):
                await bot.enter(f"open-{number}")
                await bot.protected()
                times.append(bot.trade.unprotected_s_max)
                await bot.close(f"close-{number}")
            protections = [note for note in bot.notes(Protection) if note.protected]
            assert len({note.trade for note in protections}) == 30

    asyncio.run(story())
    assert len(times) == 30
    assert all(0 < seconds < 3 for seconds in times), times
    assert sorted(times)[15] < 0.25, times


def test_entries_keep_to_the_limits_of_orders_and_protection_does_not(
    running: Running, eye: Eye, tag: str, tmp_path
) -> None:
    """
    the limits are the exchange's; entry and stop are counted as it counts them
    no room left -> the stop is moved and the position closed without waiting; the next entry is refused
    """

    async def story() -> None:
        async with bot_at(running.url, running, tmp_path / "j.sqlite", tag=tag) as bot:
            orders = bot.venue.orders
            assert orders.limits == {10: 300, 60: 1200}
            await bot.enter()
            await bot.protected()
            assert orders.used(60) >= 2
            orders.limits = {60: 1}
            await bot.move("1.03")
            wanted = bot.price("1.03")
            await bot.until(lambda: [Decimal(row["triggerPrice"]) for row in eye.resting(tag)] == [wanted], 2.0)
            await bot.close()
            assert eye.position() == 0
            bot.told.clear()
            await bot.enter("another")
            [ended] = await bot.until(lambda: bot.notes(Ended))
            assert ended.reason == "unfilled"
            [refused] = [r.event for _, r in bot.told if isinstance(r.event, Answered)]
            assert (refused.outcome, refused.code) == ("rejected", "not-sent")
            orders.limits = {1: 10}
            await bot.enter("a third")
            await bot.protected()
            await bot.close("the end")

    asyncio.run(story())
