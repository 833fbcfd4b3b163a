"""How fast pages ask a venue, who goes first, and what a venue's "no" is turned into."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

from bearskin.app.web._answers import Answers
from bearskin.app.web._pace import Errand, Pace, Turn, turn
from bearskin.app.web._venue_line import BINANCE_A_MINUTE, BURST_WEIGHT, VenueLine, guarded
from bearskin.terms import VenueBusy


class Clock:
    """Seconds that pass when they are told to; both of the wall and since some time."""

    def __init__(self) -> None:
        self.s = 1_000.0 * 60

    def __call__(self) -> float:
        return self.s


def pace_of(clock: Clock, **more: Any) -> Pace:
    return Pace(**{"per_s": 20.0, "at_once": 400.0, "limit": 2_400.0, "now_s": clock, "wall_s": clock, **more})


async def served(pace: Pace, *asked: tuple[str, Turn, float]) -> list[str]:
    """Who went at once, in order, of those who asked: name, turn and weight of each."""
    went: list[str] = []

    async def ask(name: str, which: Turn, weight: float) -> None:
        with turn(which):
            await pace.wait(weight)
        went.append(name)

    tasks = [asyncio.ensure_future(ask(*one)) for one in asked]
    for _ in range(5):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return went


def test_the_bot_has_more_than_a_third_whatever_pages_do():
    """Binance allows an address 2,400 a minute: a bucket of 400 that fills by 20 a second gives 1,600 in the worst."""

    async def made() -> Pace:
        exchange = ccxt.pro.binanceusdm()
        try:
            line = guarded(exchange, "binance")
            assert not exchange.enableRateLimit  # ccxt's own would make signatures wait, and knows no turns
            return line.pace
        finally:
            await exchange.close()

    pace = asyncio.run(made())
    assert (pace.per_s * 60, pace.at_once) == (1_200, BURST_WEIGHT)
    assert pace.per_s * 60 + pace.at_once < 0.67 * BINANCE_A_MINUTE


def test_a_bucket_fills_while_nobody_asks():
    """ccxt's own does not: once a burst was spent everything went one by one."""
    clock = Clock()
    pace = pace_of(clock)

    async def run() -> None:
        assert await served(pace, ("all", Turn.FIRST, 400)) == ["all"]
        assert await served(pace, ("none left", Turn.FIRST, 10)) == []
        clock.s += 15
        assert await served(pace, ("rested", Turn.FIRST, 300)) == ["rested"]

    asyncio.run(run())


def test_what_stands_behind_leaves_room_for_the_account():
    async def run() -> None:
        pace = pace_of(Clock())
        assert await served(pace, ("scan", Turn.BEHIND, 150), ("more", Turn.BEHIND, 150)) == ["scan"]
        assert await served(pace, ("candles", Turn.SEEN, 200), ("account", Turn.FIRST, 50)) == ["candles", "account"]

    asyncio.run(run())


def test_the_account_passes_those_who_wait():
    clock = Clock()
    pace = pace_of(clock)

    async def run() -> None:
        await served(pace, ("all", Turn.FIRST, 400))
        went: list[str] = []

        async def ask(name: str, which: Turn) -> None:
            with turn(which):
                await pace.wait(10)
            went.append(name)

        tasks = [asyncio.ensure_future(ask("candles", Turn.SEEN)), asyncio.ensure_future(ask("account", Turn.FIRST))]
        await asyncio.sleep(0)
        clock.s += 0.6  # twelve have run in: enough for one of them
        pace._serve()
        await asyncio.sleep(0.01)
        assert went == ["account"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("used", "goes"), [(1_300, ["scan", "panel", "candles", "account"]), (1_500, ["panel", "candles", "account"]),
                       (2_100, ["candles", "account"]), (2_200, ["account"]), (2_300, [])],
)  # fmt: skip
def test_what_the_bot_has_used_of_the_minute_counts_too(used, goes):
    """The venue tells what it has counted for the address; the rest of a minute that is nearly spent is the bot's."""
    clock = Clock()
    pace = pace_of(clock)
    pace.counted(used)
    names = {"scan": Turn.BEHIND, "panel": Turn.BESIDE, "candles": Turn.SEEN, "account": Turn.FIRST}

    async def run() -> None:
        for name, which in names.items():
            assert await served(pace, (name, which, 1)) == ([name] if name in goes else [])
        clock.s += 60
        assert await served(pace, ("scan", Turn.BEHIND, 1)) == ["scan"]

    asyncio.run(run())


def test_a_turn_inside_another_stays_behind_unless_it_is_the_first():
    async def run() -> None:
        pace = pace_of(Clock())
        await served(pace, ("before", Turn.FIRST, 100))
        with turn(Turn.BEHIND):
            assert await served(pace, ("candles", Turn.SEEN, 150), ("account", Turn.FIRST, 1)) == ["account"]

    asyncio.run(run())


def hurried(begin: Callable[[Pace], Awaitable[None]], join: Callable[[Pace], Awaitable[None]]) -> bool:
    """Whether what was begun behind, in a minute that is spent for it, is done once somebody who is seen joins."""

    async def run() -> bool:
        pace = pace_of(Clock())
        pace.counted(1_800)
        with turn(Turn.BEHIND):
            first = asyncio.ensure_future(begin(pace))
        await asyncio.sleep(0.01)
        assert pace.waiting == 1
        second = asyncio.ensure_future(join(pace))
        _, late = await asyncio.wait({first, second}, timeout=2)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late

    return asyncio.run(run())


def test_an_answer_that_somebody_more_urgent_wants_too_is_hurried():
    """It waited out the minute in the turn of whoever had asked first, and so did all who shared it."""
    answers = Answers()

    async def get(pace: Pace) -> None:
        await answers.get("tickers", 30, lambda: pace.wait(1))

    assert hurried(get, get)


def test_who_holds_a_lock_that_somebody_more_urgent_wants_is_hurried():
    errand = Errand()

    async def ask(pace: Pace) -> None:
        async with errand.alone():
            await pace.wait(1)

    assert hurried(ask, ask)


def test_a_lock_hurries_the_shared_answer_that_its_holder_waits_for():
    errand, answers = Errand(), Answers()

    async def ask(pace: Pace) -> None:
        async with errand.alone():
            await answers.get("candles", 30, lambda: pace.wait(1))

    assert hurried(ask, ask)


def test_what_was_begun_inside_an_errand_may_want_it_again():
    """Its turn is that of the errand, which is that of those who want it."""

    async def run() -> list[Turn]:
        pace, errand, found = pace_of(Clock()), Errand(), []

        async def later() -> None:
            await asyncio.sleep(0.01)
            async with errand.alone():
                await pace.wait(1)
                found.append(errand.turn())

        async with errand.alone():
            task = asyncio.ensure_future(later())
        with turn(Turn.FIRST):
            async with errand.alone():
                await asyncio.sleep(0.02)
                found.append(errand.turn())
        await task
        return found

    assert asyncio.run(run()) == [Turn.FIRST, Turn.BEHIND]


def test_what_nobody_waits_for_any_more_goes_last():
    async def run() -> None:
        pace, answers = pace_of(Clock()), Answers()
        pace.counted(2_300)
        tab = asyncio.ensure_future(answers.get("tickers", 30, lambda: pace.wait(1)))
        await asyncio.sleep(0.01)
        tab.cancel()
        await asyncio.gather(tab, return_exceptions=True)
        assert [one[0]() for one in pace._line] == [Turn.BEHIND]

    asyncio.run(run())


def test_what_is_out_and_not_counted_yet_counts():
    """A bucket of 400 at once, each alone within the limit, together went far beyond it."""

    async def run() -> None:
        pace = pace_of(Clock())
        pace.counted(2_000)
        assert len(await served(pace, *[(str(n), Turn.SEEN, 40) for n in range(9)])) == 4
        for _ in range(4):
            pace.back(40)
        pace.counted(2_040)  # one of them; the others have gone elsewhere
        assert len(await served(pace, *[(str(n), Turn.SEEN, 40) for n in range(9)])) == 3

    asyncio.run(run())


def test_who_leaves_at_the_very_moment_takes_nothing_along():
    async def run() -> None:
        clock = Clock()
        pace = pace_of(clock)
        await served(pace, ("all", Turn.FIRST, 400))
        pace.back(400)
        task = asyncio.ensure_future(pace.wait(10))
        await asyncio.sleep(0)
        clock.s += 3
        pace._serve()
        task.cancel()  # let go already, and has not gone
        await asyncio.gather(task, return_exceptions=True)
        assert (pace._left, pace._out) == (60, 0)

    asyncio.run(run())


def test_a_count_of_the_minute_before_does_not_shut_this_one():
    clock = Clock()
    pace = pace_of(clock)
    asked_s = clock.s - 0.1
    pace.counted(2_300, asked_s)  # asked before the full minute, answered after it

    async def run() -> None:
        assert await served(pace, ("candles", Turn.SEEN, 1)) == ["candles"]
        pace.counted(2_300, clock.s)
        assert await served(pace, ("candles", Turn.SEEN, 1)) == []
        pace.counted(2_250, clock.s)  # answers overtake each other
        assert await served(pace, ("candles", Turn.SEEN, 1)) == []
        pace.counted(12, clock.s)  # the venue's minute has begun
        assert await served(pace, ("candles", Turn.SEEN, 1)) == ["candles"]

    asyncio.run(run())


# --- the line ------------------------------------------------------------------------------------------------------


class Exchange:
    """ccxt's side of a venue: signs in `fetch2` as ccxt does, by the time and the difference it knows."""

    rateLimit, id = 50, "binanceusdm"  # noqa: N815 - ccxt's words

    def __init__(self, *answers: Any, ahead_s: float = 0.0) -> None:
        self.answers, self.ahead_s = list(answers), ahead_s
        self.has, self.options = {"fetchTime": True}, {"timeDifference": 0}
        self.enableRateLimit, self.last_response_headers = True, {}
        self.signed: list[float] = []

    def calculate_rate_limiter_cost(self, api: Any, method: Any, path: Any, params: Any, config: Any) -> float:
        return float(params.get("weight", 1))

    async def fetch2(self, path: Any, api: Any, method: Any, params: Any, config: Any) -> Any:
        if path == "time":
            return round(1e3 * (time.time() - self.ahead_s))
        self.signed.append(time.time() - self.options["timeDifference"] / 1e3)
        answer = self.answers.pop(0) if self.answers else "done"
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def fetch_time(self) -> Any:
        return await self.fetch2("time", "fapiPublic", "GET", {}, {})


def asked(exchange: Exchange, work: Callable[[VenueLine], Awaitable[Any]]) -> Any:
    """What comes of `work` on a line over this exchange."""

    async def run() -> Any:
        line = guarded(exchange, "the demo exchange")
        with line.plainly():
            return await work(line)

    return asyncio.run(run())


OFF = ccxt.InvalidNonce('binanceusdm {"code":-1021,"msg":"Timestamp for this request was 1000ms ahead."}')


def test_what_waits_is_signed_when_it_goes_out():
    exchange = Exchange()

    async def work(line: VenueLine) -> float:
        await exchange.fetch2("positionRisk", "fapiPrivateV3", "GET", {"weight": 390}, {})
        began = time.time()
        await exchange.fetch2("positionRisk", "fapiPrivateV3", "GET", {"weight": 60}, {})
        return began

    began = asked(exchange, work)
    assert exchange.signed[1] - began > 1.0  # it waited, and its stamp is of afterwards


def test_the_clock_is_measured_without_the_wait_before_it():
    """The wait counted as the way there, so that stamps ran ahead of the venue's time by half of it: -1021."""
    exchange = Exchange(ahead_s=5.0)

    async def work(line: VenueLine) -> None:
        await exchange.fetch2("klines", "fapiPublic", "GET", {"weight": 395}, {})
        await exchange.fetch2("klines", "fapiPublic", "GET", {"weight": 30}, {})
        await line.synced()

    asked(exchange, work)
    assert exchange.options["timeDifference"] == pytest.approx(5_000, abs=100)


def test_a_stamp_that_is_off_is_mended_and_tried_once_more():
    exchange = Exchange(OFF, "done", ahead_s=3.0)
    assert asked(exchange, lambda _: exchange.fetch2("account", "fapiPrivateV3", "GET", {}, {})) == "done"
    assert exchange.signed[1] == pytest.approx(time.time() - 3.0, abs=1.0)


def test_a_stamp_that_stays_off_is_said_in_our_words():
    exchange = Exchange(OFF, OFF, OFF)
    with pytest.raises(Exception, match="set the clock") as told:
        asked(exchange, lambda _: exchange.fetch2("account", "fapiPrivateV3", "GET", {}, {}))
    assert len(exchange.signed) == 2
    assert "-1021" not in str(told.value)


def test_a_venue_that_wants_silence_gets_it_and_the_page_says_until_when():
    exchange = Exchange(ccxt.RateLimitExceeded("binanceusdm 429 Too Many Requests {}"))
    exchange.last_response_headers = {"Retry-After": "20"}

    async def work(line: VenueLine) -> None:
        with pytest.raises(ccxt.RateLimitExceeded):
            await exchange.fetch2("klines", "fapiPublic", "GET", {}, {})
        assert 18 < line.pace.silent_s <= 20
        await exchange.fetch2("klines", "fapiPublic", "GET", {}, {})

    with pytest.raises(VenueBusy, match=r"the demo exchange wants fewer questions until \d\d:\d\d:\d\d UTC") as told:
        asked(exchange, work)
    assert len(exchange.signed) == 1  # nothing went out meanwhile
    assert told.value.until_wall_ms is not None


def test_a_ban_is_kept_to_its_end():
    until_ms = round(1e3 * (time.time() + 300))
    exchange = Exchange(ccxt.DDoSProtection(f"binanceusdm 418 I'm a teapot {{'msg':'IP banned until {until_ms}'}}"))

    async def work(line: VenueLine) -> float:
        with pytest.raises(ccxt.DDoSProtection):
            await exchange.fetch2("klines", "fapiPublic", "GET", {}, {})
        return line.pace.silent_s

    assert asked(exchange, work) == pytest.approx(300, abs=2)


def test_the_venues_own_count_is_taken_of_its_futures_alone():
    exchange = Exchange()

    async def work(line: VenueLine) -> list[float]:
        found = []
        for api, used in (("private", "900"), ("fapiPublic", "300")):
            exchange.last_response_headers = {"X-MBX-USED-WEIGHT-1M": used}
            await exchange.fetch2("account", api, "GET", {}, {})
            found.append(line.pace._used[1])
        return found

    assert asked(exchange, work) == [0.0, 300.0]


def test_a_question_that_gets_no_answer_counts_nothing():
    """The headers at hand are those of the last answer: a count of minutes ago shut the pages out for this one."""
    exchange = Exchange(ccxt.RequestTimeout("binanceusdm GET /fapi/v1/klines"))

    async def work(line: VenueLine) -> tuple[float, float]:
        exchange.last_response_headers = {"X-MBX-USED-WEIGHT-1M": "2300"}
        with pytest.raises(ccxt.RequestTimeout):
            await exchange.fetch2("klines", "fapiPublic", "GET", {}, {})
        return line.pace._used[1], line.pace._out

    assert asked(exchange, work) == (0.0, 0.0)


def test_minutes_are_the_venues():
    exchange = Exchange(ahead_s=20.0)

    async def work(line: VenueLine) -> float:
        await line.synced()
        return line.pace.wall_s()

    assert asked(exchange, work) == pytest.approx(time.time() - 20, abs=2)
