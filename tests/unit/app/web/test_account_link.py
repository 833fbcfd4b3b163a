"""When the account is asked for again: when something of it was written down, by hand, now and then, and not else."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.app.web.api_kit import quiet_desk

from bearskin.app.web import _account_link
from bearskin.app.web._account_link import Account, AccountLink
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._hub import ACCOUNT
from bearskin.app.web._pace import Pace
from bearskin.app.web._venue_line import VenueLine
from bearskin.terms import VenueBroken

SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")


class Venue:
    """Answers, and counts what it was asked; `leg` is how its one position is held."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.broken, self.leg = False, "BOTH"
        self.symbols = SYMBOLS
        self.markets = {name: SimpleNamespace(symbol=name, unified=name) for name in SYMBOLS}
        self.by_unified = self.markets

    async def instruments(self, _: Any) -> dict[str, Any]:
        return {}

    def answer(self, what: str, found: Any) -> Any:
        async def on(_: Any) -> Any:
            self.asked[what] += 1
            await asyncio.sleep(0)
            if self.broken:
                raise ConnectionError("gone")
            return found

        return SimpleNamespace(on=on)


class Dialect:
    """As the links of the live room, over the venue of the test."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def positions_of(self, _: Any) -> Any:
        return self.venue.answer("positions", [{"symbol": "BTCUSDT"}])

    def balance_of(self) -> Any:
        return self.venue.answer("balance", {})

    def mode_of(self, _: Any) -> Any:
        return self.venue.answer("mode", {})

    def dual_of(self, _: Any) -> bool:
        return False

    def open_orders_of(self, market: Any) -> Any:
        return (self.venue.answer(f"orders {market.symbol}", []),)

    def balance_now(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(wallet=100, available=50)

    def position_now(self, *_: Any) -> Any:
        return SimpleNamespace(qty=-1, leg=self.venue.leg, symbol="BTCUSDT")


class Link(AccountLink):
    """A link whose venue is the test's."""

    dialect = property(lambda self: self.market.dialect)  # type: ignore[assignment]


@pytest.fixture
def link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_account_link, "EVERY_S", 0.05)
    monkeypatch.setattr(_account_link, "RETRY_S", 0.05)
    desk, venue = quiet_desk(tmp_path), Venue()
    guard = VenueLine(SimpleNamespace(), "the demo exchange", Pace(per_s=1e9, at_once=1e9))
    market = SimpleNamespace(
        guard=guard, exchange=None, title="the demo exchange", dialect=Dialect(venue), venue=lambda _: venue,
        place=SimpleNamespace(venue="demo", symbols=SYMBOLS),
    )  # fmt: skip
    made = Link(market, desk.hub, desk.bot)  # type: ignore[arg-type]
    return SimpleNamespace(link=made, venue=venue, desk=desk)


def told(link: Any, sequence: int, **changes: int) -> None:
    """The bot tells its state."""
    state = {"sequence": sequence, "symbols": SYMBOLS, "foreign": {}, "account_changes": changes}
    link.desk.bot._now = now = BotNow(up=True, state=state)
    link.desk.hub.say("bot", now)


async def following(link: Any, work: Any) -> list[Account]:
    """What somebody who looks was told while `work` went on."""
    heard: list[Account] = []
    task = asyncio.ensure_future(link.link.follow())
    leave = link.desk.hub.listen(ACCOUNT, heard.append, 0.0)
    try:
        await work()
    finally:
        leave()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return heard


def test_bars_and_signals_that_are_written_down_ask_nothing(link):
    async def work() -> None:
        for sequence in range(60):  # a fast market closes a bar every moment
            told(link, sequence, BTCUSDT=3)
            await asyncio.sleep(0.005)

    asyncio.run(following(link, work))
    assert link.venue.asked["positions"] == 1


def test_what_concerns_the_account_asks_again_but_not_for_every_word(link):
    async def work() -> None:
        for number in range(60):  # fills, orders, protection: twelve times as often as it is asked
            told(link, number, BTCUSDT=number)
            await asyncio.sleep(0.005)

    asyncio.run(following(link, work))
    assert 3 <= link.venue.asked["positions"] <= 8


def test_what_comes_right_behind_an_answer_somebody_else_asked_for_is_asked_for_too(link):
    """It was too soon to ask again, and then nobody did for a quarter of a minute."""

    async def work() -> None:
        told(link, 1, BTCUSDT=1)
        await asyncio.sleep(0.2)
        await link.link.now(fresh=True)
        told(link, 2, BTCUSDT=2)
        await asyncio.sleep(0.3)

    asyncio.run(following(link, work))
    assert link.link._marked == {"BTCUSDT": 2}


def test_orders_are_asked_for_where_something_happened(link):
    async def run() -> None:
        told(link, 1, BTCUSDT=1)
        await link.link.now()
        assert [link.venue.asked[f"orders {name}"] for name in SYMBOLS] == [1, 1, 1]
        told(link, 2, BTCUSDT=1, ETHUSDT=1)
        await asyncio.sleep(0.06)
        await link.link.now()
        assert [link.venue.asked[f"orders {name}"] for name in SYMBOLS] == [1, 2, 1]
        link.link.look()
        await link.link.now()
        assert [link.venue.asked[f"orders {name}"] for name in SYMBOLS] == [2, 3, 2]

    asyncio.run(run())


def test_what_is_written_down_is_asked_for_once_and_again_where_something_happened(link):
    """Every open tab asked for every symbol, as often as anything happened and before all others: payments of funding
    weigh 30 each."""
    asked: Counter[str] = Counter()

    async def fetch_my_trades(name: str) -> list[str]:
        asked[name] += 1
        await asyncio.sleep(0.01)
        return [f"{name} {asked[name]}"]

    link.link.market.exchange = SimpleNamespace(fetch_my_trades=fetch_my_trades)

    async def ten_tabs() -> set[str]:
        found = await asyncio.gather(
            *(link.link.told("fetch_my_trades", name, symbol=name) for name in SYMBOLS for _ in range(10))
        )
        return {row for rows in found for row in rows}

    async def work() -> None:
        told(link, 1, BTCUSDT=1)
        await ten_tabs()
        assert await ten_tabs() == {f"{name} 1" for name in SYMBOLS}
        told(link, 2, BTCUSDT=2)
        await asyncio.sleep(0.01)
        assert await ten_tabs() == {"BTCUSDT 2", "ETHUSDT 1", "XRPUSDT 1"}

    asyncio.run(work())
    assert asked == {"BTCUSDT": 2, "ETHUSDT": 1, "XRPUSDT": 1}


def test_the_mode_is_asked_for_once_and_then_told_by_what_is_held(link):
    async def run() -> None:
        for number in range(5):
            told(link, number, BTCUSDT=number)
            link.link.look()
            assert (await link.link.now()).dual is False
        assert link.venue.asked["mode"] == 1
        link.venue.leg = "SHORT"  # somebody has switched it at the venue
        link.link.look()
        assert (await link.link.now()).dual is True
        link.link.look(whole=True)
        await link.link.now()
        assert link.venue.asked["mode"] == 2

    asyncio.run(run())


def test_many_who_look_ask_once(link):
    async def run() -> None:
        told(link, 1, BTCUSDT=1)
        await asyncio.gather(*(link.link.now() for _ in range(10)))
        assert link.venue.asked["positions"] == 1
        await asyncio.gather(*(link.link.now(fresh=True) for _ in range(10)))
        assert link.venue.asked["positions"] == 3  # the first, and one for all who came while it was being asked

    asyncio.run(run())


def test_while_somebody_looks_it_is_asked_for_now_and_then(link, monkeypatch):
    monkeypatch.setattr(_account_link, "SLOW_S", 0.1)

    async def work() -> None:
        told(link, 1, BTCUSDT=1)
        await asyncio.sleep(0.8)

    asyncio.run(following(link, work))
    assert 3 <= link.venue.asked["positions"] <= 9


def test_nobody_looks_and_nothing_is_asked(link):
    async def run() -> None:
        task = asyncio.ensure_future(link.link.follow())
        for number in range(10):
            told(link, number, BTCUSDT=number)
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(run())
    assert not link.venue.asked


def test_what_was_told_last_stands_while_the_venue_is_away_and_it_is_asked_again_by_itself(link):
    async def work() -> None:
        told(link, 1, BTCUSDT=1)
        await asyncio.sleep(0.03)
        link.venue.broken = True
        link.link.look()
        await asyncio.sleep(0.2)
        link.venue.broken = False
        await asyncio.sleep(0.3)

    heard = asyncio.run(following(link, work))
    away = next(one for one in heard if one.why)
    assert (away.wallet, heard[0].why, heard[-1].why) == (100, "", "")
    assert "the demo exchange" in away.why
    assert "{" not in away.why


def test_an_account_that_was_never_heard_says_so(link):
    async def run() -> None:
        told(link, 1)
        link.venue.broken = True
        with pytest.raises(VenueBroken, match="the demo exchange does not answer"):
            await link.link.now()

    asyncio.run(run())


def test_the_desk_tells_nothing_of_its_content_as_text(tmp_path):
    """NiceGUI writes down the text of whatever a timer calls; with a scan and its candles in it that took a second."""
    desk = quiet_desk(tmp_path)
    desk.kept["scan"] = list(range(10_000))
    assert len(repr(desk)) < 200
    assert len(repr(desk.market)) < 200
