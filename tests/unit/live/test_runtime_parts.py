"""The runner's parts by themselves: inbox, market clock, skew, budget, and the order in which things go out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bearskin.live import CcxtFeed, CcxtVenue, FeedOptions, MarketClock, dialect_of
from bearskin.live._budget import Budget, Orders
from bearskin.live._queue import Inbox
from bearskin.live._rounds import Rounds
from bearskin.live._sends import Sends
from bearskin.live._skew import Skew
from bearskin.risk import Approved, approve_reducing
from bearskin.risk._approved import minted
from bearskin.terms import (
    SECOND_NS,
    AddMargin,
    Answered,
    AnyCommand,
    AnyEvent,
    Cancel,
    Connected,
    OrderChanged,
    OrderNow,
    Place,
    PlaceStop,
    Quoted,
    SetLeverage,
    Throttled,
    TradingChanged,
    client_id,
)

S = SECOND_NS


class Wall:
    """A clock on the wall that is set by hand."""

    def __init__(self) -> None:
        self.ns = 1_000 * S

    def __call__(self) -> int:
        """Now."""
        return self.ns


def quoted(bid: str) -> Quoted:
    """A quote."""
    return Quoted(time_ns=0, wall_ns=0, symbol="BTCUSDT", bid=Decimal(bid), ask=Decimal(bid) + 1)


def test_only_the_newest_quote_waits_and_everything_else_keeps_its_place() -> None:
    """quote 1, connected, quote 2 -> connected, quote 2."""
    inbox, up = Inbox(), Connected(time_ns=0, wall_ns=0, channel="market", up=True)
    for event in (quoted("1"), up, quoted("2")):
        inbox.put(event)
    assert (inbox.waiting, inbox.passed_over) == (2, 1)
    assert [inbox.take(), inbox.take(), inbox.take()] == [up, quoted("2"), None]
    inbox.put(quoted("3"))
    assert (inbox.waiting, inbox.take(), inbox.waiting) == (1, quoted("3"), 0)


def test_the_market_clock_learns_its_pace_and_stops_when_nothing_is_heard() -> None:
    """Stamps ten seconds apart each second of the wall: ten market seconds a second, one wall second ahead at most."""
    wall = Wall()
    clock = MarketClock(wall)
    assert clock.now_ns() == wall.ns
    for second in range(5):
        wall.ns = (1_000 + second) * S
        clock.heard(5_000 * S + second * 10 * S)
    assert clock.speed == pytest.approx(10)
    wall.ns += S // 2
    assert clock.now_ns() == 5_045 * S
    wall.ns += 60 * S
    assert clock.now_ns() == 5_050 * S
    clock.heard(4_000 * S)
    assert clock.heard_ns == 5_040 * S


def test_the_quickest_answer_tells_the_skew() -> None:
    """A slow answer says ten seconds, a quick one two: two it is, ours ahead."""
    skew = Skew()
    assert skew.asked(100 * S, 95 * S, 110 * S) == 10 * S
    assert skew.asked(200 * S, 198 * S, 200 * S) == 2 * S


def test_questions_wait_for_their_budget_and_a_ban_says_how_long() -> None:
    """Two of weight five out of ten at once; the third waits for the refill; Retry-After is believed."""
    wall = Wall()
    budget = Budget(wall, per_s=1.0, at_once=10.0)

    async def three() -> bool:
        await budget.ask("fetch_positions")
        await budget.ask("fetch_positions")
        waiting = asyncio.ensure_future(budget.ask("fetch_positions"))
        await asyncio.sleep(0.01)
        held = not waiting.done()
        waiting.cancel()
        return held

    assert asyncio.run(three())
    until = budget.told_off(banned=True, headers={"retry-after": "7"}, until_wall_ms=None)
    assert (until, budget.silent) == (wall.ns + 7 * S, True)
    assert (
        budget.told_off(banned=False, headers=None, until_wall_ms=(wall.ns + 60 * S) // 1_000_000) == wall.ns + 60 * S
    )
    wall.ns += 61 * S
    assert not budget.silent


def test_entries_leave_a_quarter_of_the_orders_to_what_protects() -> None:
    """
    8 orders in ten seconds, 20 in a minute: an entry has room until 6 went out, and again ten seconds after the first
    the venue counts 15 in this minute, of whomever -> no room until its minute is over
    """
    wall = Wall()
    wall.ns = 1_200 * S
    orders = Orders(wall)
    orders.sent()
    assert orders.wait_s() == 0
    orders.limited(
        [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 8},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 20},
        ]
    )
    assert orders.limits == {10: 8, 60: 20}
    for _ in range(5):
        wall.ns += S
        assert orders.wait_s() == 0
        orders.sent()
    assert (orders.used(10), orders.wait_s()) == (6, 5.0)
    wall.ns += 5 * S
    assert (orders.used(10), orders.used(60), orders.wait_s()) == (5, 6, 0)
    orders.counted({"X-MBX-ORDER-COUNT-10S": "2", "X-MBX-ORDER-COUNT-1M": "15", "Date": "today"})
    assert (orders.used(60), orders.wait_s()) == (15, 50.0)
    orders.sent()
    assert (orders.used(60), orders.used(10)) == (15, 6)
    wall.ns += 50 * S
    assert orders.wait_s() == 0


class Script:
    """A venue that answers by the client id and writes down what it was sent."""

    def __init__(self, answers: dict[str, list[list[AnyEvent]]] | None = None, hang: str = "") -> None:
        self.answers, self.hang = answers or {}, hang
        self.sent: list[str] = []
        self.asked: list[list[AnyEvent]] = []

    async def send(self, approved: Approved[AnyCommand]) -> Sequence[AnyEvent]:
        """Answer as told, else accept."""
        command = approved.command
        name = getattr(command, "client_id", "") or type(command).__name__
        self.sent.append(name)
        if name == self.hang:
            await asyncio.sleep(60)
        queue = self.answers.get(name)
        return queue.pop(0) if queue else [answered(command, "accepted")]

    async def ask(self, symbol: str, client_id: str, *, conditional: bool, issued_wall_ns: int) -> Sequence[AnyEvent]:
        """The next of the prepared answers."""
        return self.asked.pop(0)


def answered(command: AnyCommand, outcome, **more) -> Answered:
    """An answer."""
    return Answered(
        time_ns=0, wall_ns=0, symbol=command.symbol, client_id=getattr(command, "client_id", ""),
        what=type(command).__name__, outcome=outcome, **more,
    )  # fmt: skip


def entry(nth: int) -> Place:
    """A short by market."""
    return Place(symbol="BTCUSDT", client_id=client_id("test", 1, "entry", nth), role="entry", qty=Decimal(-1))


def stop(nth: int) -> PlaceStop:
    """Its stop."""
    return PlaceStop(
        symbol="BTCUSDT", client_id=client_id("test", 1, "stop", nth), role="stop", qty=Decimal(1), trigger=Decimal(9)
    )


def sent_by(venue: Script, commands: list[AnyCommand], seconds: float = 0.05, wall: Wall | None = None):
    """What goes out, in order, and what is told, when these are decided at once."""
    told: list[AnyEvent] = []
    clock = wall or Wall()

    async def run() -> None:
        tasks: set[asyncio.Task] = set()

        def spawn(work):
            task = asyncio.ensure_future(work)
            tasks.add(task)
            return task

        sends = Sends(
            venue, told.append, spawn, wall_ns=clock, market_ns=clock, at=lambda point: None, refresh=lambda: None
        )
        for command in commands:
            sends.add(minted(command, "test"))
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    return venue.sent, told


def test_what_reduces_does_not_wait_for_an_entry_without_an_answer() -> None:
    """The entry's answer never comes; the stop goes out all the same."""
    venue = Script(hang=entry(0).client_id)
    sent, _ = sent_by(venue, [entry(0), stop(0)])
    assert sorted(sent) == sorted([entry(0).client_id, stop(0).client_id])


def test_a_cancel_does_not_overtake_its_order() -> None:
    """Entry and its cancel decided together: the cancel waits."""
    cancel = Cancel(symbol="BTCUSDT", client_id=entry(0).client_id)
    sent, told = sent_by(Script(), [entry(0), cancel])
    assert sent == [entry(0).client_id] * 2
    assert [event.what for event in told] == ["Place", "Cancel"]


def test_no_entry_with_another_leverage_than_wanted() -> None:
    """The leverage was refused: the entry behind it is not sent, and said to be so."""
    lever = SetLeverage(symbol="BTCUSDT", leverage=5)
    venue = Script({"SetLeverage": [[answered(lever, "rejected", code="-4028")]]})
    sent, told = sent_by(venue, [lever, entry(0)])
    assert sent == ["SetLeverage"]
    assert (told[-1].client_id, told[-1].outcome, told[-1].code) == (entry(0).client_id, "rejected", "not-sent")


def test_a_told_off_stop_goes_out_again_under_its_name_and_a_told_off_entry_does_not() -> None:
    """429 says that nothing was done: the stop waits for the end of the silence."""
    wall = Wall()
    silence = Throttled(time_ns=0, wall_ns=0, until_wall_ns=wall.ns)
    venue = Script(
        {
            stop(0).client_id: [[silence, answered(stop(0), "rejected")], [answered(stop(0), "accepted")]],
            entry(0).client_id: [[silence, answered(entry(0), "rejected")]],
        }
    )
    sent, told = sent_by(venue, [stop(0), entry(0)], wall=wall)
    assert sorted(sent) == sorted([stop(0).client_id] * 2 + [entry(0).client_id])
    outcomes = {(event.client_id, event.outcome) for event in told if isinstance(event, Answered)}
    assert outcomes == {(stop(0).client_id, "accepted"), (entry(0).client_id, "rejected")}


def test_margin_that_a_venue_told_off_is_not_added_long_after_its_act_was_answered() -> None:
    """Who was told that it was not done asks again, and had it added twice once the silence was over."""
    wall = Wall()
    margin = AddMargin(symbol="BTCUSDT", amount=Decimal(30))

    class Later(Script):
        async def send(self, approved: Approved[AnyCommand]) -> Sequence[AnyEvent]:
            found = await super().send(approved)
            wall.ns += 30 * S
            return found

    silence = Throttled(time_ns=0, wall_ns=0, until_wall_ns=wall.ns + 30 * S)
    sent, told = sent_by(Later({"AddMargin": [[silence, answered(margin, "rejected")]]}), [margin], wall=wall)
    assert sent == ["AddMargin"]
    [answer] = [event for event in told if isinstance(event, Answered)]
    assert (answer.what, answer.outcome, answer.code) == ("AddMargin", "rejected", "not-sent")


def test_an_unknown_outcome_is_asked_for_until_it_is_known_and_nothing_is_sent_again() -> None:
    """unknown; asked: unknown, unknown, absent."""
    order = entry(0)
    venue = Script({order.client_id: [[answered(order, "unknown")]]})
    venue.asked = [[answered(order, "unknown")], [answered(order, "unknown")], [answered(order, "absent")]]
    sent, told = sent_by(venue, [order], seconds=0.4)
    assert sent == [order.client_id]
    assert [event.outcome for event in told] == ["unknown", "absent"]


def test_a_lost_cancel_is_known_by_the_order() -> None:
    """The cancel's answer was lost; the order says that it is cancelled."""
    name = stop(0).client_id
    now = OrderNow(symbol="BTCUSDT", client_id=name, venue_id="7", status="canceled", qty=Decimal(1), conditional=True)
    cancel = Cancel(symbol="BTCUSDT", client_id=name, conditional=True)
    venue = Script({name: [[answered(cancel, "unknown")]]})
    venue.asked = [[answered(stop(0), "accepted", order=now)]]
    _, told = sent_by(venue, [cancel], seconds=0.3)
    assert [type(event) for event in told] == [Answered, OrderChanged, Answered]
    assert (told[-1].what, told[-1].outcome) == ("Cancel", "accepted")


def test_the_stamp_is_needed() -> None:
    """Nothing goes to a venue that risk has not stamped."""
    stamped = approve_reducing(stop(0), open_qty=Decimal(-1), why="test")
    assert isinstance(stamped, Approved)


def markets(**status: Any) -> list[dict[str, Any]]:
    """The markets of a venue with what it says of the one we trade."""
    other = {"symbol": "ETH/USDT:USDT", "active": True, "info": {"status": "TRADING"}}
    return [other, {"symbol": "BTC/USDT:USDT", **status}] if status else [other]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (markets(active=True, info={"status": "TRADING", "deliveryDate": "4133404800000"}), ("trading", None)),
        (markets(active=False, info={"status": "HALT"}), ("halted", None)),
        (markets(active=False, info={"status": "SETTLING"}), ("delisting", None)),
        (markets(active=False, info={"status": "CLOSE"}), ("delisted", None)),
        (markets(), ("delisted", None)),
        (
            markets(active=True, info={"status": "TRADING", "deliveryDate": "1800000000000"}),
            ("delisting", 1_800_000_000 * S),
        ),
    ],
)
def test_what_a_venue_says_of_a_symbol_is_told_once(rows: list[dict[str, Any]], told: tuple[str, int | None]) -> None:
    """Halted, leaving at a named date, being settled, closed, or not listed any more; and that it trades, at first."""
    found: list[AnyEvent] = []

    async def fetch_markets(_: Any) -> list[dict[str, Any]]:
        return rows

    venue: Any = SimpleNamespace(
        exchange=SimpleNamespace(fetch_markets=fetch_markets),
        markets={"BTCUSDT": SimpleNamespace(unified="BTC/USDT:USDT")},
        clock=MarketClock(Wall()),
        budget=Budget(Wall()),
    )
    rounds = Rounds(venue, FeedOptions(), found.append)

    async def twice() -> None:
        await rounds._trading()
        await rounds._trading()

    asyncio.run(twice())
    [event] = found
    assert isinstance(event, TradingChanged)
    assert (event.symbol, event.status, event.ends_ns) == ("BTCUSDT", *told)


def test_a_channel_that_breaks_is_opened_again_but_not_as_it_is_given_up() -> None:
    """A task group says only how its own tasks failed, even when it was cancelled in the same moment."""
    opened: list[int] = []
    cut = asyncio.Event()

    async def fails() -> None:
        try:
            await cut.wait()
        except asyncio.CancelledError:
            raise ConnectionError("cut in the same moment") from None
        cut.clear()
        raise ConnectionError("cut")

    async def hold(_: Any) -> None:
        opened.append(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    async def story() -> None:
        venue: Any = SimpleNamespace(clock=MarketClock(Wall()))
        feed = CcxtFeed(venue, "1h")
        kept = asyncio.ensure_future(feed._kept("market", hold))
        for times in (2, 3):
            cut.set()
            while len(opened) < times:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        feed._given_up = True
        kept.cancel()
        done, _ = await asyncio.wait({kept}, timeout=1.0)
        assert done == {kept}
        assert kept.cancelled()

    asyncio.run(asyncio.wait_for(story(), 10.0))
    assert len(opened) == 3


@pytest.mark.parametrize(("name", "whose"), [("binance", ""), ("bybit", "bstest000001s0000")])
def test_the_number_of_a_stop_is_no_ordinary_orders_where_they_are_numbered_apart(name: str, whose: str) -> None:
    """Somebody's fill of order 128 is not our stop 128's."""
    venue = CcxtVenue(dialect_of(name), SimpleNamespace(), ("BTCUSDT",), clock=MarketClock(Wall()))
    stop = OrderNow(
        symbol="BTCUSDT", client_id="bstest000001s0000", venue_id="128", status="open", qty=Decimal(1),
        conditional=True,
    )  # fmt: skip
    venue.heard_order(stop)
    assert venue._names.get("128", "") == whose
