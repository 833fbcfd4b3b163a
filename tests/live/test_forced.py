"""What the venue does to us: liquidation, part liquidation, deleveraging, halts, funding. Seen, told, answered.

Everything happens on the demo exchange over loopback; only what an exchange cannot be driven to is told by hand, in
`tests/unit/engine`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from live.kit import SYMBOL, Bot, Eye, bot_at, control

from bearskin.engine import Ended, Warned
from bearskin.engine._liquidation import liquidation_prices
from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread
from bearskin.terms import Filled, Funded, Side, TradingChanged

FUND = 1  # the account number of the insurance fund
HERE = "60000"


def opened() -> Running:
    """An exchange of its own."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    return start_in_thread(ExchangeOptions(port=0, symbols=(SYMBOL,), prices="manual", crowd=False, limits=False))


@pytest.fixture(scope="module")
def stage() -> Iterator[Running]:
    """An exchange whose market is driven far away and back."""
    found = opened()
    yield found
    found.stop()


@pytest.fixture
def poor() -> Iterator[Running]:
    """An exchange whose insurance fund is empty."""
    found = opened()
    capital = control(found, "GET", f"/accounts/{FUND}")["wallets"]["USDT"]
    control(found, "POST", f"/accounts/{FUND}/deposit", {"amount": f"-{capital}"})
    index(found, HERE)
    yield found
    found.stop()


class Player(Eye):
    """An account of its own at an exchange, with its key."""

    def __init__(self, stage: Running, deposit: str, *, mode: str = "ISOLATED", leverage: int = 20) -> None:
        made = control(stage, "POST", "/accounts", {"name": "player", "deposit": deposit})
        self.at: Any = SimpleNamespace(
            url=stage.url, key=made["key"], secret=made["secret"], control_url=stage.control_url, token=stage.token
        )
        super().__init__(self.at)
        if mode == "ISOLATED":  # a new account is cross
            self.signed("POST", "/fapi/v1/marginType", symbol=SYMBOL, marginType=mode)
        self.signed("POST", "/fapi/v1/leverage", symbol=SYMBOL, leverage=leverage)

    def wallet(self) -> Decimal:
        """The money of the account."""
        [row] = [row for row in self.signed("GET", "/fapi/v3/balance") if row["asset"] == "USDT"]
        return Decimal(row["balance"])

    def liquidation_price(self) -> Decimal:
        """As the exchange says it."""
        [row] = [row for row in self.signed("GET", "/fapi/v3/positionRisk") if row["symbol"] == SYMBOL]
        return Decimal(row["liquidationPrice"])


@pytest.fixture(autouse=True)
def here(stage: Running) -> None:
    """Every story begins at the same price."""
    control(stage, "POST", f"/symbols/{SYMBOL}/mark", {"price": None})
    control(stage, "POST", f"/symbols/{SYMBOL}/index", {"price": HERE})


def index(stage: Running, price: str | Decimal) -> None:
    control(stage, "POST", f"/symbols/{SYMBOL}/index", {"price": str(price)})


def mark(stage: Running, price: str | Decimal) -> None:
    control(stage, "POST", f"/symbols/{SYMBOL}/mark", {"price": str(price)})


def warned(bot: Bot, kind: str) -> list[Warned]:
    return [note for note in bot.notes(Warned) if note.kind == kind]


def forced(bot: Bot) -> list[Filled]:
    return [record.event for _, record in bot.told if isinstance(record.event, Filled) and record.event.why]


async def over(bot: Bot, player: Player, tag: str) -> Ended:
    """The one end there was: flat, nothing rests, the journal says the same as the book."""
    [ended] = await bot.until(lambda: bot.notes(Ended), what="the end")
    assert player.position() == 0
    assert player.resting(tag) == []
    assert bot.restored().state_hash() == bot.engine.book.state_hash()
    return ended


def test_the_mark_jumps_beyond_the_liquidation_price(stage: Running, tag: str, tmp_path: Path) -> None:
    """
    short 0.05 isolated, twenty times; the mark is beyond stop and liquidation at once, the book stays where it was
    -> the exchange takes the position and cancels the stop; told as liquidated, flat, nothing rests
    """
    player = Player(stage, "5000")

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter()
            await bot.protected()
            mark(stage, player.liquidation_price() + 500)
            ended = await over(bot, player, tag)
            assert (ended.reason, ended.exit) == ("liquidated", forced(bot)[0].price)
            assert warned(bot, "liquidated")

    asyncio.run(story())


def test_the_index_is_pushed_through_stop_and_liquidation(stage: Running, tag: str, tmp_path: Path) -> None:
    """
    short 0.05 isolated, twenty times; index and book jump 10 % at once
    -> liquidated at the bankruptcy price, which is all the margin; told, flat, nothing rests
    """
    player = Player(stage, "5000")

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter()
            await bot.protected()
            index(stage, "66000")
            ended = await over(bot, player, tag)
            assert ended.reason == "liquidated"
            assert ended.gross == pytest.approx(Decimal(-150), rel=Decimal("0.01"))
            assert warned(bot, "liquidated")

    asyncio.run(story())


def test_a_hedge_without_a_stop_is_liquidated(stage: Running, tag: str, tmp_path: Path) -> None:
    """
    a hedge short 0.05, isolated, no stop; the mark comes to its liquidation price
    -> no stop is placed, the liquidation is told with its money
    """
    player = Player(stage, "5000")

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter(purpose="hedge", stop=None, shock_frac=Decimal("0.01"))
            await bot.until(lambda: bot.trade.qty)
            assert player.resting(tag) == []
            mark(stage, player.liquidation_price() + 1)
            ended = await over(bot, player, tag)
            assert ended.exit == forced(bot)[-1].price
            [told] = warned(bot, "liquidated")
            assert (ended.reason, told.severity) == ("liquidated", "critical")

    asyncio.run(story())


def test_a_large_cross_hedge_is_liquidated_in_part(stage: Running, tag: str, tmp_path: Path) -> None:
    """
    a cross hedge deep in the brackets, the mark touches its liquidation price
    -> the first step is told, the rest stays ours and of the right size
    """
    player = Player(stage, "600000", mode="CROSSED", leverage=10)
    qty = Decimal(60)

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter(purpose="hedge", stop=None, shock_frac=Decimal("0.01"), qty=qty)
            await bot.until(lambda: bot.trade.qty == -qty, what="filled")
            mark(stage, player.liquidation_price() + 1)
            await bot.until(lambda: warned(bot, "liquidated"), what="told")
            left = player.position()
            assert -qty < left < 0
            await bot.until(lambda: bot.trade.qty == left, what="the rest")
            assert sum(fill.qty for fill in forced(bot)) == left + qty
            assert player.resting(tag) == []
            mark(stage, HERE)
            await bot.close()
            ended = await over(bot, player, tag)
            assert (ended.reason, ended.qty) == ("hand", -qty)

    asyncio.run(story())


def test_a_winning_short_is_deleveraged(poor: Running, tag: str, tmp_path: Path) -> None:
    """
    our short 0.5 wins, a long of 0.3 goes bankrupt through a gap, the insurance fund is empty
    -> 0.3 of ours are closed by the exchange; told; 0.2 are protected again, targets shrink to that
    """
    player, loser = Player(poor, "50000", leverage=50), Player(poor, "5000")
    loser.market(Decimal("0.3"))

    async def story() -> None:
        async with bot_at(poor.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.until(lambda: SYMBOL in bot.hand.marks)
            targets = (bot.price("0.85"), bot.price("0.80"))
            await bot.enter(qty=Decimal("0.5"), stop=bot.price("1.01"), targets=targets)
            await bot.protected()
            await bot.until(lambda: len(player.resting(tag)) == 3, what="targets")
            index(poor, "54000")
            await bot.until(lambda: warned(bot, "adl"), what="told")
            await bot.until(lambda: bot.trade.qty == Decimal("-0.2") and bot.trade.protected, what="protected")

            def right() -> bool:
                rows = player.resting(tag)
                stops = [Decimal(row["quantity"]) for row in rows if "clientAlgoId" in row]
                rest = sum(Decimal(row["origQty"]) for row in rows if "clientOrderId" in row)
                return stops == [Decimal("0.2")] and rest == Decimal("0.2")

            await bot.until(right, what="stop and targets of what is left")
            assert bot.restored().state_hash() == bot.engine.book.state_hash()
            assert [fill.why for fill in forced(bot)] == ["adl"]
            await bot.close()
            ended = await over(bot, player, tag)
            assert (ended.reason, ended.qty) == ("hand", Decimal("-0.5"))
            assert ended.net == player.wallet() - 50_000

    asyncio.run(story())


def test_a_halted_symbol(stage: Running, tag: str, tmp_path: Path) -> None:
    """
    short and protected; the symbol is halted and the mark goes through the stop
    -> the halt is told, the stop cannot trade, closing is tried again; opened again, it is closed at once
    """
    player = Player(stage, "5000", leverage=5)

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag, status_s=0.3) as bot:
            await bot.enter()
            await bot.protected()
            control(stage, "POST", f"/symbols/{SYMBOL}/status", {"status": "HALT"})
            try:
                await bot.until(lambda: bot.engine.book.barred(SYMBOL), what="barred")
                mark(stage, bot.price("1.025"))
                await bot.until(lambda: len(warned(bot, "rejected")) >= 4, what="refused again and again")
                await bot.until(lambda: warned(bot, "unprotected"), what="told as unprotected")
                assert warned(bot, "halted")
                assert bot.trade.leaving
                assert player.position() == -Decimal("0.05")
            finally:
                control(stage, "POST", f"/symbols/{SYMBOL}/status", {"status": "TRADING"})
            await bot.until(lambda: not bot.engine.book.barred(SYMBOL), what="open again")
            await bot.until(lambda: bot.notes(Ended), 1.5, what="closed at once")
            ended = await over(bot, player, tag)
            assert ended.reason == "stop"
            changes = [record.event.status for _, record in bot.told if isinstance(record.event, TradingChanged)]
            assert changes == ["trading", "halted", "trading"]

    asyncio.run(story())


def test_funding_settlements_are_booked_once(stage: Running, tag: str, tmp_path: Path) -> None:
    """One received, one paid, within a second or two: each is told once and the trade has the exchange's figures."""
    player = Player(stage, "5000")

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter()
            await bot.protected()
            for rate in ("0.0010", "-0.0004"):
                before = bot.trade.funding
                control(stage, "POST", f"/symbols/{SYMBOL}/funding_rate", {"rate": rate})
                control(stage, "POST", f"/symbols/{SYMBOL}/settle")
                await bot.until(lambda b=before: bot.trade.funding != b, what="funding")
            rows = player.signed("GET", "/fapi/v1/income", symbol=SYMBOL, incomeType="FUNDING_FEE")
            assert bot.trade.funding == sum(Decimal(row["income"]) for row in rows)
            await bot.close()
            assert sum(isinstance(record.event, Funded) for _, record in bot.told) == len(rows) == 2
            await over(bot, player, tag)

    asyncio.run(story())


@pytest.mark.parametrize("mode", ["ISOLATED", "CROSSED"])
@pytest.mark.parametrize("side", [Side.SHORT, Side.LONG])
def test_our_liquidation_price_is_the_venues(stage: Running, tag: str, tmp_path: Path, mode: str, side: Side) -> None:
    """Within 0.1 %, in both margin modes and on both sides."""
    player = Player(stage, "900", mode=mode, leverage=10)

    async def story() -> None:
        async with bot_at(stage.url, player.at, tmp_path / "j.sqlite", tag=tag) as bot:
            await bot.enter(side=side)
            await bot.protected()
            account = (await bot.venue.account())[-1]
            [now] = account.positions
            theirs = now.liquidation_price
            prices = liquidation_prices(bot.engine.market, account, now)
            assert theirs == player.liquidation_price()
            assert min(abs(price / theirs - 1) for price in prices) < Decimal("0.001")
            assert not warned(bot, "liquidation-price-differs")
            await bot.close()
            await over(bot, player, tag)

    asyncio.run(story())
