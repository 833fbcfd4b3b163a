"""What a running bot tells and hears: put together from settings and gone with it; and what past runs are worth."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearskin.app._bot import _listening
from bearskin.app._config import config
from bearskin.app._house import open_house
from bearskin.app._licence import CAP_CLEAN, CAP_FIRST, Licence, clean_record, write_licence
from bearskin.app._outward import counted_down, outward
from bearskin.app._permit import live_permit, live_records
from bearskin.app._runs import new_run
from bearskin.engine import Ended, Record, record_bytes
from bearskin.live import KeyPermissions
from bearskin.terms import DAY_NS, BadInput, Pulse, Side

NOW = 1_800_000_000_000_000_000


class Runner:
    """Tells nobody anything, but knows who would be told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def subscribe(self, told: object):
        self.told.append(told)
        return lambda: self.told.remove(told)


def opened(look):
    """What `look(answer, runner)` saw while everything was open."""
    runner = Runner()

    async def story():
        async with outward(open_house(), "run1", runner.subscribe, None, lambda: (0, 0)) as answer:
            return look(answer, runner)

    found = asyncio.run(story())
    assert runner.told == []
    return found


def test_without_settings_there_is_nothing_and_no_door(home: Path):
    assert opened(lambda answer, runner: (answer, len(runner.told))) == (None, 0)


def test_settings_open_alerts_webhook_and_door(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BEARSKIN_ALERT_URLS", "json://127.0.0.1:9 json://127.0.0.1:10")
    monkeypatch.setenv("BEARSKIN_WEBHOOK_URL", "http://127.0.0.1:9/x")
    with pytest.raises(BadInput, match="keys set webhook"):
        opened(lambda answer, runner: None)
    monkeypatch.setenv("BEARSKIN_WEBHOOK_SECRET", "a-secret-of-sixteen-signs")
    assert opened(lambda answer, runner: (callable(answer), len(runner.told))) == (True, 2)


def test_a_token_that_can_be_guessed_opens_nothing(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BEARSKIN_WEBHOOK_KEY", "12345678")
    with pytest.raises(BadInput, match="fewer than 16"):
        opened(lambda answer, runner: None)


def test_no_countdown_where_the_venue_does_not_spare_stops():
    venue = SimpleNamespace(dialect=SimpleNamespace(able=SimpleNamespace(countdown=None)), exchange=None)

    async def story() -> int:
        async with counted_down(venue, ("BTCUSDT",), lambda: True):
            return len(asyncio.all_tasks())

    assert asyncio.run(story()) == 1


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="choose another"):
        _listening(taken.getsockname()[1])


def run_with(reasons: list[tuple[float, str]], *, venue: str = "binance", env: str = "live"):
    """A run whose trades ended so many days ago, for these reasons."""
    house = open_house()
    run = new_run(
        house.home.part("journal"), venue=venue, env=env, account="a", symbols=("BTCUSDT",), interval="1h",
        settings={}, now_ns=NOW,
    )  # fmt: skip
    with contextlib.closing(run.kept.open_journal()) as journal:
        for days_ago, reason in reasons:
            wall, zero = NOW - int(days_ago * DAY_NS), Decimal(0)
            note = Ended(
                time_ns=wall, wall_ns=wall, trade=1, symbol="BTCUSDT", side=Side.SHORT, origin="hand", reason=reason,
                qty=zero, entry=Decimal(60_000), exit=zero, entered_ns=wall, gross=zero, fees=zero, funding=zero,
                net=zero, r=None, unprotected_s_max=0.0,
            )  # fmt: skip
            journal.append([record_bytes(Record(Pulse(time_ns=wall, wall_ns=wall), (note,)))])
    return run


def cap_now(monkeypatch: pytest.MonkeyPatch) -> Decimal | None:
    for part in ("KEY", "SECRET"):
        monkeypatch.setenv(f"BEARSKIN_BINANCE_{part}", f"the-{part}-of-binance")
    house = open_house()
    write_licence(house.home, Licence().with_notice("eu", "2026-01-01").with_quiz("2026-01-01"))
    permit = live_permit(
        house, "binance", confirm="binance", records=lambda: live_records(house, "binance"),
        look=lambda keys: KeyPermissions(withdraw=False, trade=True), now_wall_ns=NOW,
    )  # fmt: skip
    return permit.notional_cap


def test_the_cap_follows_the_journals_of_live_runs(home: Path, monkeypatch: pytest.MonkeyPatch):
    clean = [(20 - 0.5 * number, "stop") for number in range(20)]
    run_with(clean, venue="demo", env="")
    run_with(clean, env="demo")
    assert live_records(open_house(), "binance") == []
    assert cap_now(monkeypatch) == CAP_FIRST
    run_with(clean[:10])
    run_with(clean[10:])
    assert clean_record(live_records(open_house(), "binance"), NOW).trades == 20
    assert cap_now(monkeypatch) == CAP_CLEAN
    run_with([(1, "emergency")])
    assert cap_now(monkeypatch) == CAP_FIRST


def test_a_run_that_cannot_be_read_keeps_the_cap_small(home: Path, monkeypatch: pytest.MonkeyPatch, caplog):
    run_with([(20 - 0.5 * number, "stop") for number in range(20)])
    damaged = run_with([(1, "stop")])
    damaged.kept.journal_path.write_bytes(b"no journal at all, but long enough to be read as something")
    assert cap_now(monkeypatch) == CAP_FIRST
    assert "is not counted" in caplog.text


def test_an_address_that_is_set_while_the_bot_runs_is_taken_up(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearskin.app._outward.CONFIG_LOOK_S", 0.02)
    config(set={"quiet_hours": "22:00-07:00"})
    runner = Runner()

    async def until(count):
        for _ in range(400):
            if len(runner.told) == count:
                return True
            await asyncio.sleep(0.02)
        return False

    async def story():
        async with outward(open_house(), "run1", runner.subscribe, None, lambda: (0, 0)):
            found = [len(runner.told)]
            await asyncio.to_thread(config, set={"alert_urls": "json://127.0.0.1:9"})
            found.append(await until(1))
            await asyncio.to_thread(config, unset=["alert_urls"])
            found.append(await until(0))
            return found

    assert asyncio.run(story()) == [0, True, True]
    assert runner.told == []
