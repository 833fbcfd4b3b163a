"""`trade --venue binance` from the first lock to a trade, without a net: Binance's dialect at an exchange of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live.kit import SYMBOL, Eye, control

from bearskin import live
from bearskin.app import _hands as hands
from bearskin.app import _permit, _trade
from bearskin.app._cli import run
from bearskin.app._house import open_house
from bearskin.app._licence import Licence, read_licence, write_licence
from bearskin.app._world import Place
from bearskin.exchange.wire import ExchangeOptions, Running, start_in_thread
from bearskin.live import KeyPermissions
from bearskin.terms import VenueBroken, VenueBusy

FINE = KeyPermissions(withdraw=False, trade=True, ip_bound=False, source="told")
LINE = f"trade --venue binance --symbols {SYMBOL} --sides none --for 1s"
TIME = "2026-11-22T00:00:00Z"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """An exchange that stands still unless it is pushed."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    options = ExchangeOptions(
        port=0, symbols=(SYMBOL,), prices="manual", crowd=False, limits=False, deposit=Decimal(10_000)
    )
    found = start_in_thread(options)
    control(found, "POST", f"/symbols/{SYMBOL}/index", {"price": "60000"})
    yield found
    found.stop()


@pytest.fixture
def home(tmp_path: Path, running: Running, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own. Whatever is opened at Binance is opened at the exchange here instead."""
    opened = live.open_trading

    def here(dialect: Any, env: Any, key: str, secret: str, password: str = "", *, address: str | None = None) -> Any:
        assert (dialect.venue, env, address) == ("binance", "live", None)
        return opened(dialect, env, key, secret, password, address=running.url)

    monkeypatch.setattr(live, "open_trading", here)
    monkeypatch.setattr(_permit, "permissions_of", lambda _: FINE)
    monkeypatch.delenv("BEARSKIN_BINANCE_KEY", raising=False)
    monkeypatch.delenv("BEARSKIN_BINANCE_SECRET", raising=False)
    return tmp_path / "home"


def licensed(home: Path) -> None:
    """Notice and quiz are behind us."""
    write_licence(open_house(home).home, Licence().with_notice("eu", TIME).with_quiz(TIME))


def keyed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key stands in the environment."""
    monkeypatch.setenv("BEARSKIN_BINANCE_KEY", running.key)
    monkeypatch.setenv("BEARSKIN_BINANCE_SECRET", running.secret)


def said(capsys: pytest.CaptureFixture[str], home: Path, line: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, object and what was said."""
    code = run(["--home", str(home), "--json", *line.split()])
    told = capsys.readouterr()
    return code, json.loads(told.out.splitlines()[-1]), told.err


def test_every_lock_refuses_in_one_sentence_that_says_what_to_do(
    home: Path, running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(line: str = LINE) -> str:
        code, thing, err = said(capsys, home, line)
        assert code == 2
        assert thing["error"]["kind"] == "BadInput"
        assert err.count("error: ") == 1
        assert not (home / "journal").exists()
        return str(thing["error"]["message"])

    assert "`bearskin legal`" in refused()
    assert said(capsys, home, "legal --accept eu")[0] == 0
    assert "`bearskin quiz`" in refused()
    house = open_house(home).home
    write_licence(house, read_licence(house).with_quiz(TIME))
    assert "`bearskin keys set binance`" in refused()
    keyed(running, monkeypatch)
    assert "--live-confirm binance" in refused()
    assert "must be binance" in refused(f"{LINE} --live-confirm bybit")
    confirmed = f"{LINE} --live-confirm binance"
    for found, words in (
        (KeyPermissions(withdraw=True, trade=True), "can withdraw"),
        (KeyPermissions(withdraw=False, trade=False), "may not trade futures"),
        (KeyPermissions(), "`bearskin keys vouch binance`"),
    ):
        monkeypatch.setattr(_permit, "permissions_of", lambda _, found=found: found)
        assert words in refused(confirmed)


def test_with_every_lock_open_it_trades_once_and_the_cap_binds(
    home: Path, running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    licensed(home)
    keyed(running, monkeypatch)
    eye = Eye(running)
    code, state, err = said(capsys, home, f"{LINE} --live-confirm binance")
    assert code == 0, err
    assert (state["venue"], state["env"], state["account"]["known"]) == ("binance", "live", True)
    where = {"venue": "binance", "live_confirm": "binance", "home": home}
    monkeypatch.setattr(_permit, "permissions_of", lambda _: FINE)
    small = hands.short(SYMBOL, stop="62000", **where)
    assert small.refused, "100 at 60,000 is less than the smallest order of 0.002"
    assert said(capsys, home, "cap set binance 400 --confirm binance")[0] == 0
    opened = hands.short(SYMBOL, stop="62000", **where)
    assert opened.outcome == "protected", opened
    assert "cap" in opened.detail
    assert eye.position() == Decimal("-0.006")  # 400 at 60,000, rounded down to the step
    assert hands.close(SYMBOL, **where).outcome == "closed"
    assert eye.position() == 0
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert running.secret.encode() not in kept
    assert running.secret not in err


class Stubborn:
    """A way in that fails a few times first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self, dialect: Any, *given: Any, **named: Any) -> Any:
        made = self.inner(dialect, *given, **named)
        if self.errors:
            error = self.errors.pop(0)

            async def failing(*_: Any, **__: Any) -> Any:
                raise error

            made.fetch_time = failing
        return made

    def over(self, inner: Any) -> Stubborn:
        """In front of another way in."""
        self.inner = inner
        return self


def test_a_venue_that_is_busy_at_the_start_is_asked_again(
    home: Path, running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ccxt

    licensed(home)
    keyed(running, monkeypatch)
    monkeypatch.setattr(_trade, "WAIT_S", 0.05)
    busy = Stubborn(ccxt.ExchangeNotAvailable("binance 503"), ccxt.DDoSProtection("binance 429 Too many requests"))
    monkeypatch.setattr(live, "open_trading", busy.over(live.open_trading))
    asked: list[int] = []

    def look(_: Any) -> KeyPermissions:
        asked.append(1)
        if len(asked) == 1:
            raise VenueBroken("binance: ExchangeNotAvailable: 502")
        return FINE

    monkeypatch.setattr(_permit, "permissions_of", look)
    code, state, err = said(capsys, home, f"{LINE.replace('1s', '6s')} --live-confirm binance")
    assert code == 0, err
    assert state["account"]["known"]
    assert [word in err for word in ("502", "503", "429")] == [True] * 3
    assert err.count("it is asked again in") == 3


def test_how_long_it_waits_grows_and_follows_the_venue() -> None:
    patience = _trade.Patience(None)
    assert [patience.after(VenueBroken("x")) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    import time

    assert _trade.Patience(None).after(VenueBusy("x", int(time.time() * 1_000) + 90_000)) > 80
    with pytest.raises(VenueBusy):
        _trade.Patience(5).after(VenueBusy("x", int(time.time() * 1_000) + 90_000))


def test_the_place_of_a_venue_shows_no_secret() -> None:
    place = Place(venue="binance", env="live", account="a", key="k-marked", secret="s-marked", password="p-marked")
    assert "marked" not in repr(place)
