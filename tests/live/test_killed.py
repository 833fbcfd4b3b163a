"""Killed at every reach into the world, with the world failing at the same time: what stands is right afterwards.

The story: a short is opened, protected, its stop is moved, it is closed. Its I/O points are counted as it runs; it is
told again and again, killed at the first of them, at the second and so on, each time with another of the proxy's faults
befalling one of its orders. A second life on the same journal then has to bring everything in order.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from live.kit import QTY, SYMBOL, Bot, Eye, bot_at, journal_of
from live.proxy import FAULTS, Proxy

from bearskin.engine import Issued
from bearskin.exchange.wire import Running
from bearskin.terms import our_id

OTHER = "ETHUSDT"
PARTS, POINTS = 8, 64  # undisturbed, the story has 56 points or so
SYMBOLS = (SYMBOL, OTHER)


class Killed(Exception):
    """The process dies here."""


@dataclass(slots=True)
class Blade:
    """Kills at the nth point; `points` are those that were passed."""

    nth: int
    points: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        """Pass a point, or die at it."""
        self.points.append(point)
        if len(self.points) == self.nth:
            raise Killed(point)


async def told(bot: Bot, life: int = 1) -> None:
    """The story, as far as the world lets it happen."""
    await bot.until(lambda: bot.runner.state().ready, what="ready")
    for attempt in range(3):
        await bot.enter(f"open-{life}-{attempt}")
        await bot.until(lambda: bot.trade is None or bot.trade.protected, 20.0, what="protected or over")
        if bot.trade is not None:
            break
    if bot.trade is not None:
        await bot.move("1.03", f"move-{life}")
        await bot.until(lambda: bot.trade is None or is_at(bot, bot.price("1.03")), 20.0, what="moved")
    if bot.trade is not None:
        await bot.close(f"close-{life}")


def is_at(bot: Bot, price: Decimal) -> bool:
    """Whether one stop rests, at that price or, where the venue would not have it, at the old one."""
    stops = [order for order in bot.trade.orders.values() if order.role == "stop" and order.live]
    return len(stops) == 1 and stops[0].confirmed and stops[0].stop_price in (price, bot.trade.stop)


async def mended(bot: Bot, eye: Eye, tag: str) -> None:
    """A second life: everything agrees with the exchange, and what is open is protected; then it is closed."""
    await bot.quiet()
    await bot.until(lambda: ours(bot) == eye.position(), what="positions agree")
    for trade in bot.engine.book.trades.values():
        if trade.qty:
            stops = [row for row in eye.resting(tag) if row.get("clientAlgoId")]
            assert sum(Decimal(row["quantity"]) for row in stops) >= abs(trade.qty), stops
    if bot.trade is not None:
        await bot.close("close-after")


def ours(bot: Bot) -> Decimal:
    """What the bot believes to hold."""
    return sum((trade.open_qty for trade in bot.engine.book.trades.values()), Decimal(0))


def checked(eye: Eye, tag: str, journal: Path) -> None:
    """Flat, nothing rests, nothing twice, nothing that the journal does not know."""
    assert eye.position() == 0
    assert eye.resting(tag) == []
    orders = eye.orders(tag)
    issued = [note for record in journal_of(journal) for note in record.notes if isinstance(note, Issued)]
    assert set(orders) <= {note.command.client_id for note in issued}, "an order that is not in the journal"
    entries = [known.trade for name in orders if (known := our_id(name)) is not None and known.role == "entry"]
    assert len(entries) == len(set(entries)), "an entry was sent twice"
    for name, row in orders.items():
        known = our_id(name)
        if known is not None and known.role == "entry":
            assert Decimal(row["origQty"]) == QTY


async def case(running: Running, eye: Eye, tag: str, journal: Path, nth: int, fault: str, skip: int) -> Blade:
    """One life that ends at the nth point, and the next."""
    blade = Blade(nth)
    async with Proxy(running.url) as proxy:
        proxy.befall(fault, skip=skip)
        try:
            async with bot_at(proxy.url, running, journal, tag=tag, at=blade, symbols=SYMBOLS) as bot:
                await told(bot)
        except Killed:
            pass
        proxy.left, proxy.stream = 0, ""
        await asyncio.sleep(0.1)  # what is on its way gets there: the process is dead, the network is not
        async with bot_at(proxy.url, running, journal, tag=tag, symbols=SYMBOLS) as bot:
            await mended(bot, eye, tag)
    checked(eye, tag, journal)
    return blade


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_point(running: Running, eye: Eye, tag: str, tmp_path: Path, part: int) -> None:
    """Every PARTS-th point of the story, with the faults in turn; the user's own position is left alone."""
    eye.market(Decimal("0.5"), OTHER)
    before = eye.position(OTHER)
    deaths = 0
    for nth in range(part + 1, POINTS + 1, PARTS):
        fault, skip = FAULTS[nth % len(FAULTS)], nth // len(FAULTS) % 4
        name = f"{tag[1:]}{'0123456789abcdef'[nth // PARTS]}"
        blade = asyncio.run(case(running, eye, name, tmp_path / f"{nth}.sqlite", nth, fault, skip))
        deaths += len(blade.points) >= nth
    assert eye.position(OTHER) == before
    assert deaths >= POINTS // PARTS * 0.6  # a fault may make the story shorter


@pytest.mark.parametrize("skip", range(3))
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_entry_stop_and_move(
    running: Running, eye: Eye, tag: str, tmp_path: Path, fault: str, skip: int
) -> None:
    """Without a kill: the fault befalls the entry, its stop or the moved stop; the same life comes through."""

    async def story() -> list[str]:
        async with Proxy(running.url) as proxy:
            proxy.befall(fault, skip=skip)
            async with bot_at(proxy.url, running, tmp_path / "j.sqlite", tag=tag, symbols=SYMBOLS) as bot:
                await told(bot)
                await mended(bot, eye, tag)
            return proxy.seen

    assert asyncio.run(story())
    checked(eye, tag, tmp_path / "j.sqlite")
