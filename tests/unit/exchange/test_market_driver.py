"""The market a lone user finds: makers, tape and crowd as ordinary accounts, and what moves them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import bearskin
from bearskin.exchange import _driver
from bearskin.exchange._crowd import TRADERS
from bearskin.exchange._genesis import USER
from bearskin.exchange._report import books_report
from bearskin.exchange._words import Fill, OrderUpdated, Place, PlaceAlgo, Refused, SetIndex
from bearskin.exchange.wire._opening import ExchangeOptions, Opened, open_exchange
from bearskin.terms import SECOND_NS

WALL_NS = 1_795_000_000 * SECOND_NS


class Wall:
    """A wall clock moved by hand."""

    def __init__(self) -> None:
        self.now_ns = WALL_NS

    def __call__(self) -> int:
        return self.now_ns


def begun(folder: Path, **options) -> Opened:
    return open_exchange(ExchangeOptions(**{"folder": folder, "symbols": ("BTCUSDT",), **options}), Wall())


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Opened]:
    opened = begun(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Opened]:
    """Makers and tape, but no crowd."""
    opened = begun(tmp_path, crowd=False)
    yield opened
    opened.close()


def live(opened: Opened, seconds: int) -> None:
    for at in range(1, seconds + 1):
        opened.driver.advance(opened.service.exchange.state.time_ns // SECOND_NS * SECOND_NS + SECOND_NS)
        assert at


def push(opened: Opened, price: str) -> None:
    prices = dict.fromkeys(opened.service.exchange.state.markets["BTCUSDT"].sources, Decimal(price))
    opened.driver.hold("BTCUSDT", prices or {"pushed": Decimal(price)})


def place(opened: Opened, side: int, qty: str, price: str | None = None) -> list:
    command = Place(
        time_ns=opened.service.exchange.state.time_ns, account=USER, symbol="BTCUSDT", side=side,
        type="MARKET" if price is None else "LIMIT", qty=Decimal(qty), price=None if price is None else Decimal(price),
    )  # fmt: skip
    (events,) = opened.service.submit_now([command])
    assert not isinstance(events[0], Refused), events[0]
    return events


def filled(opened: Opened) -> Decimal:
    position = opened.service.exchange.state.accounts[USER].positions.get("BTCUSDT/BOTH")
    return Decimal(0) if position is None else position.qty


def side_of_book(opened: Opened, side: int) -> list[tuple[Decimal, Decimal]]:
    rows: dict[Decimal, Decimal] = {}
    state = opened.service.exchange.state
    contract = state.markets["BTCUSDT"].contract
    for order in state.orders.values():
        if order.side == side:
            price = order.price_ticks * contract.tick
            rows[price] = rows.get(price, Decimal(0)) + (order.qty_steps - order.filled_steps) * contract.step
    return sorted(rows.items(), reverse=side > 0)


def test_a_market_is_there_from_the_first_moment(quiet):
    bids, asks = side_of_book(quiet, 1), side_of_book(quiet, -1)
    assert len(bids) == len(asks) == 20
    assert bids[0][0] < asks[0][0]
    assert float(asks[0][0] / bids[0][0]) < 1.0001
    row = quiet.service.exchange.state.markets["BTCUSDT"]
    assert bids[0][0] < row.last_price < asks[0][0]
    within = sum(price * qty for price, qty in asks if price < row.last_price * Decimal("1.01"))
    assert 5e6 < within < 60e6, "the order of what real books hold within a per cent"


def test_a_market_order_finds_its_other_side_and_the_ladder_is_mended(quiet):
    before = side_of_book(quiet, 1)
    place(quiet, -1, "0.1")
    assert filled(quiet) == Decimal("-0.1")
    live(quiet, 2)
    assert len(side_of_book(quiet, 1)) == len(before)


def test_a_limit_order_is_taken_when_the_market_comes_through_it(quiet):
    push(quiet, "60000")
    live(quiet, 2)
    place(quiet, -1, "0.2", "60100")
    push(quiet, "60090")
    live(quiet, 2)
    assert filled(quiet) == 0
    push(quiet, "60110")
    live(quiet, 1)
    assert filled(quiet) == Decimal("-0.2")


def test_the_last_price_follows_what_is_pushed(quiet):
    for price in ("60500.0", "59800.0", "66000.0"):
        push(quiet, price)
        live(quiet, 4)
        row = quiet.service.exchange.state.markets["BTCUSDT"]
        assert row.last_price == pytest.approx(Decimal(price), rel=Decimal("0.0005"))
        assert row.mark == pytest.approx(Decimal(price), rel=Decimal("0.01"))


@pytest.mark.parametrize(
    ("kind", "trigger", "pushed"), [("STOP_MARKET", "1.03", "1.04"), ("TAKE_PROFIT_MARKET", "0.95", "0.93")]
)
def test_what_a_push_sets_off_meets_a_book_that_has_moved(quiet, kind, trigger, pushed):
    live(quiet, 40)
    place(quiet, -1, "0.2")
    state = quiet.service.exchange.state
    price = state.markets["BTCUSDT"].last_price
    reached = (price * Decimal(trigger)).quantize(Decimal("0.1"))
    stop = PlaceAlgo(
        time_ns=state.time_ns, account=USER, symbol="BTCUSDT", side=1, type=kind, qty=Decimal("0.2"),
        trigger_price=reached, reduce_only=True, by_mark=True,
    )  # fmt: skip
    (events,) = quiet.service.submit_now([stop])
    assert not isinstance(events[0], Refused), events[0]
    heard = []
    quiet.service.subscribe(heard.extend)
    to = (price * Decimal(pushed)).quantize(Decimal("0.1"))
    push(quiet, str(to))
    quiet.service.submit_now([SetIndex(time_ns=state.time_ns, symbol="BTCUSDT", prices=quiet.driver.held()["BTCUSDT"])])
    quiet.driver.move("BTCUSDT")
    assert filled(quiet) == 0
    fills = [event for event in heard if isinstance(event, OrderUpdated) and event.order.account == USER and event.fill]
    (paid,) = {event.fill.price for event in fills}
    assert abs(paid - to) < abs(price - to) / 2, "not where the book stood before the push"


def test_the_crowd_trades_and_the_books_hold(market):
    live(market, 300)
    state = market.service.exchange.state
    crowd = [account for account in state.accounts.values() if account.kind == "CROWD"]
    assert len(crowd) == TRADERS
    assert sum(bool(account.positions) for account in crowd) >= 4
    sides = [position.qty > 0 for account in crowd for position in account.positions.values()]
    assert len({account.settings["BTCUSDT"].leverage for account in crowd if account.settings}) > 1
    assert sides
    report = books_report(state)
    assert report["holds"], report["faults"]


def test_a_fall_liquidates_some_of_the_crowd_in_the_book(market):
    live(market, 400)
    state = market.service.exchange.state
    start = float(state.markets["BTCUSDT"].index)
    for step in range(1, 25):
        push(market, f"{start * (1 - 0.005 * step):.1f}")
        live(market, 3)
    forced = market.service.archive.forced("BTCUSDT")
    assert forced, "nobody with high leverage was long, or none was liquidated"
    report = books_report(state)
    assert report["holds"], report["faults"]


def test_what_six_symbols_cost(tmp_path):
    opened = begun(tmp_path, symbols=None)
    before = opened.driver.commands
    live(opened, 60)
    assert (opened.driver.commands - before) / 60 < 200
    opened.close()


def test_the_same_seed_gives_the_same_state_whatever_the_hash_seed(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from bearskin.exchange.wire._opening import ExchangeOptions, open_exchange\n"
        "opened = open_exchange(ExchangeOptions(folder=Path(sys.argv[1]), symbols=('BTCUSDT', 'DOGEUSDT')), lambda: "
        f"{WALL_NS})\n"
        "for at in range(1, 60):\n    opened.driver.advance(opened.setup.start_ns + at * 10**9)\n"
        "print(opened.service.exchange.state_hash())\nopened.close()\n"
    )
    hashes = []
    for seed in ("1", "2"):
        environment = {
            **os.environ, "PYTHONPATH": str(Path(bearskin.__file__).parents[1]), "PYTHONHASHSEED": seed
        }  # fmt: skip
        command = [sys.executable, "-c", code, str(tmp_path / seed)]
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        hashes.append(ran.stdout.strip())
    assert len(hashes[0]) == 32
    assert hashes[0] == hashes[1]


def test_a_restart_goes_on_at_the_price_it_stood_at(tmp_path):
    first = begun(tmp_path, crowd=False)
    live(first, 120)
    index = first.service.exchange.state.markets["BTCUSDT"].index
    first.close()
    wall = Wall()
    wall.now_ns += 125 * SECOND_NS
    again = open_exchange(ExchangeOptions(folder=tmp_path, crowd=False), wall)
    row = again.service.exchange.state.markets["BTCUSDT"]
    assert not again.began
    assert again.service.now_ns() == wall.now_ns
    assert row.index == pytest.approx(index, rel=Decimal("0.002"))
    assert len(side_of_book(again, 1)) == 20
    again.close()


def test_manual_prices_wait_for_the_first_push(tmp_path):
    opened = begun(tmp_path, prices="manual")
    live(opened, 3)
    state = opened.service.exchange.state
    assert state.markets["BTCUSDT"].mark is None
    assert side_of_book(opened, 1) == []
    push(opened, "50000")
    live(opened, 2)
    assert state.markets["BTCUSDT"].last_price == Decimal("50000.0")
    opened.close()


def test_a_wall_clock_set_back_for_a_moment_does_not_stop_the_market_for_an_hour(tmp_path, monkeypatch):
    monkeypatch.setattr(_driver, "NAP_S", 0.01)
    wall = Wall()
    opened = open_exchange(ExchangeOptions(folder=tmp_path, symbols=("BTCUSDT",), crowd=False), wall)
    state = opened.service.exchange.state

    async def live_on() -> None:
        market = asyncio.create_task(opened.driver.run())
        await asyncio.sleep(0.02)
        stood_ns = state.time_ns
        wall.now_ns -= 3_600 * SECOND_NS
        opened.driver.clock_changed()  # it looks at the clock, and would sleep until the hour is over
        await asyncio.sleep(0.05)
        assert state.time_ns == opened.service.now_ns() == stood_ns, "and time does not run backwards"
        wall.now_ns += 3_605 * SECOND_NS
        async with asyncio.timeout(5):
            while state.time_ns < stood_ns + 4 * SECOND_NS:
                await asyncio.sleep(0.01)
        market.cancel()

    asyncio.run(live_on())
    opened.close()


def test_a_step_at_high_speed_ends_where_it_should(tmp_path):
    """The clock does not run on while the step is worked out, however fast it is: it would run past the prices."""
    wall = Wall()
    options = ExchangeOptions(folder=tmp_path, symbols=("BTCUSDT",), crowd=False, speed=100_000)
    opened = open_exchange(options, wall)
    service, driver = opened.service, opened.driver
    before_ns = service.clock.limit_ns = service.now_ns()
    carried_out = service.submit_now

    def slowly(commands):
        wall.now_ns += SECOND_NS // 10  # ten thousand seconds of the market
        return carried_out(commands)

    service.submit_now = slowly
    assert asyncio.run(driver.step(5)) == before_ns + 5 * SECOND_NS
    assert service.exchange.state.time_ns <= before_ns + 5 * SECOND_NS
    assert service.now_ns() == before_ns + 5 * SECOND_NS
    opened.close()


def test_a_step_by_hand_lives_through_every_second(tmp_path):
    opened = begun(tmp_path)
    before = opened.service.now_ns()
    marks = []
    opened.service.subscribe(lambda events: marks.extend(e for e in events if type(e).__name__ == "MarkSet"))
    opened.service.clock.pause()
    after = asyncio.run(opened.driver.step(90))
    assert after - before == 90 * SECOND_NS
    assert len({mark.time_ns for mark in marks}) >= 89
    opened.close()


def test_the_clock_runs_the_market_and_stands_still_when_paused(tmp_path):
    wall = Wall()
    opened = open_exchange(ExchangeOptions(folder=tmp_path, symbols=("BTCUSDT",)), wall)

    async def run() -> None:
        running = asyncio.create_task(opened.driver.run())
        state = opened.service.exchange.state
        for _ in range(3):
            wall.now_ns += SECOND_NS
            opened.driver.clock_changed()
            await asyncio.sleep(0.05)
        assert state.time_ns == WALL_NS + 3 * SECOND_NS
        opened.service.clock.pause()
        wall.now_ns += 10 * SECOND_NS
        opened.driver.clock_changed()
        await asyncio.sleep(0.05)
        assert state.time_ns == WALL_NS + 3 * SECOND_NS
        opened.service.clock.resume()
        wall.now_ns += 3_600 * SECOND_NS  # slept through an hour
        opened.driver.clock_changed()
        await asyncio.sleep(0.1)
        assert state.time_ns == WALL_NS + 3_603 * SECOND_NS
        running.cancel()

    asyncio.run(run())
    opened.close()


def test_a_touched_order_is_left_alone_in_a_replay_and_taken_a_tick_beyond(tmp_path):
    """The tape of a replay prints against the move: a sell at the very high stays, a tick more takes it."""
    import polars as pl

    from bearskin.market import SeriesKey, Store

    times = pl.datetime_range(pl.datetime(2026, 3, 1), pl.datetime(2026, 3, 1, 2), "1h", time_zone="UTC", eager=True)
    bars = {
        "open": [60_000.0] * 3,
        "high": [60_100.0, 60_100.1, 60_000.0],
        "low": [60_000.0] * 3,
        "close": [60_000.0] * 3,
    }
    store = Store(tmp_path / "store")
    for kind in ("trade", "mark"):
        rows = {"time": times, **bars, **({"volume": [1.0] * 3} if kind == "trade" else {})}
        store.append(SeriesKey("binance", "linear", "BTCUSDT", kind, "1h"), pl.DataFrame(rows), "test")
    opened = begun(tmp_path / "ex", prices="replay", store=tmp_path / "store")
    fills: list[Fill] = []
    opened.service.subscribe(
        lambda events: fills.extend(
            e.fill for e in events if isinstance(e, OrderUpdated) and e.order.account == USER and e.fill is not None
        )
    )
    place(opened, -1, "0.01", "60100")
    now_ns = opened.setup.start_ns
    highest = []
    for hour in (1, 2):
        while now_ns < opened.setup.start_ns + hour * 3_600 * SECOND_NS - SECOND_NS:
            next_ns = opened.driver._prices.next_ns(now_ns, 300 * SECOND_NS)
            assert next_ns is not None
            now_ns = next_ns
            opened.driver.advance(now_ns)
        candle = opened.service.archive.klines("BTCUSDT", "1h", kind="trade")[-1]
        highest.append(candle[2])
        assert bool(fills) == (hour == 2)
    assert highest[1] == "60100.1"
    after_ns = asyncio.run(opened.driver.step(30 * 86_400))
    assert after_ns == opened.setup.end_ns - SECOND_NS, "time ends with the prices"
    assert fills[0].price == Decimal("60100.0")
    opened.close()
