"""Alerts: what is told, when, merged how, and that nothing a service does reaches the loop."""

from __future__ import annotations

import logging
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from bearskin.app._alert_settings import KINDS, kinds_of, quiet_hours
from bearskin.app._alert_words import Alert, alerts_of
from bearskin.app._alerts import (
    BETWEEN_S,
    LINES_MAX,
    REPEAT_S,
    Alerts,
    AppriseSender,
    Message,
    Outbox,
    load_apprise,
    open_alerts,
)
from bearskin.app._cli import run
from bearskin.engine import WARNINGS, Adjusted, Limited, ModeSet, Protection, Record, StopMoved, Warned
from bearskin.terms import BadInput, Filled, Pulse, client_id

AT = {"time_ns": 10, "wall_ns": 10}
TOKEN = "marker-token-of-a-service"
NOON, NIGHT = 12 * 60, 23 * 60
arrived: list[tuple[str, str, str]] = []


apprise = load_apprise()


@apprise.decorators.notify(on="bearmarker")
def _taken(body, title, notify_type, *args, **kwargs) -> bool:
    """A service of Apprise's that lives in this test."""
    arrived.append((title, body, str(getattr(notify_type, "value", notify_type))))
    return "refuse" not in body


@pytest.fixture(autouse=True)
def nothing_arrived():
    arrived.clear()


def record(*notes, event=None) -> Record:
    return Record(event or Pulse(**AT), notes)


def warned(kind: str = "unprotected", severity: str = "critical", text: str = "no stop", symbol: str = "BTCUSDT"):
    return Warned(**AT, kind=kind, symbol=symbol, text=text, severity=severity)


def alert(text: str = "something", kind: str = "exit", severity: str = "info") -> Alert:
    return Alert(kind=kind, severity=severity, symbol="", text=text, wall_ns=0)


def told(*notes, event=None) -> list[tuple[str, str, str]]:
    return [(made.kind, made.severity, made.text) for made in alerts_of(record(*notes, event=event))]


def filled(role: str, why: str = "", qty: str = "-0.5") -> Filled:
    name = client_id("demo", 1, role, 1) if not why else "autoclose-1"
    return Filled(
        **AT, symbol="BTCUSDT", client_id=name, venue_id="1", trade_id="1", qty=Decimal(qty), price=Decimal(60000),
        why=why,
    )  # fmt: skip


def test_every_warning_of_the_engine_is_a_kind():
    assert set(WARNINGS) <= set(KINDS)
    assert all(KINDS.values())


def test_what_the_audit_stream_tells():
    assert told(event=filled("entry")) == [("entry", "info", "BTCUSDT short -0.5 at 60000")]
    assert told(event=filled("stop", qty="0.5")) == []
    assert told(event=filled("", "liquidation", "0.5"))[0][:2] == ("liquidated", "critical")
    assert told(event=filled("", "adl", "0.5"))[0][:2] == ("adl", "critical")
    assert told(warned()) == [("unprotected", "critical", "BTCUSDT no stop")]
    moved = StopMoved(**AT, trade=1, symbol="BTCUSDT", old=Decimal(62500), new=Decimal(61000), why="trail")
    assert told(moved) == [("stop-moved", "info", "BTCUSDT stop to 61000 from 62500: trail")]
    back = {"trade": 1, "symbol": "BTCUSDT", "open_qty": Decimal(1), "covered_qty": Decimal(1)}
    assert told(Protection(**AT, **back, protected=True, unprotected_s=0.2)) == []
    assert told(Protection(**AT, **back, protected=True, unprotected_s=2.5))[0][0] == "protected"
    assert told(Limited(**AT, limit="kill-switch", active=True))[0][:2] == ("kill-switch", "critical")
    assert told(Limited(**AT, limit="daily-loss", active=True))[0][:2] == ("limit", "warning")
    assert told(ModeSet(**AT, paused=False, panicked=True, sides="both"))[0][:2] == ("mode", "critical")
    adjusted = Adjusted(**AT, trade=1, symbol="BTCUSDT", ours=Decimal(1), theirs=Decimal(0), why="gone")
    assert told(adjusted)[0][:2] == ("difference", "warning")


def test_what_happens_together_is_told_together():
    outbox = Outbox()
    outbox.add(alert("first"), 100.0)
    assert outbox.due(100.5, NOON) is None
    outbox.add(alert("second", severity="warning"), 101.0)
    message = outbox.due(102.0, NOON)
    assert message == Message(title="bearskin: exit and 1 more", body="second\nfirst", severity="warning")
    assert outbox.due(103.0, NOON) is None


def test_messages_keep_a_distance_unless_it_is_critical():
    outbox = Outbox()
    outbox.add(alert("first"), 0.0)
    assert outbox.due(2.0, NOON) is not None
    outbox.add(alert("second"), 3.0)
    assert outbox.due(6.0, NOON) is None
    assert outbox.due(2.0 + BETWEEN_S, NOON) is not None
    outbox.add(alert("third", severity="critical"), 13.0)
    assert outbox.due(13.0, NOON).body == "third"


def test_the_same_sentence_is_counted_not_repeated():
    outbox = Outbox()
    for second in range(10):
        outbox.add(alert("again", severity="critical"), float(second))
        made = outbox.due(float(second), NOON)
        assert (made is not None) == (second == 0)
    outbox.add(alert("again", severity="critical"), REPEAT_S + 1)
    assert outbox.due(REPEAT_S + 1, NOON).body == "again (and 9 times more in between)"


def test_quiet_hours_hold_all_but_the_critical_until_they_end():
    outbox = Outbox(quiet=quiet_hours("22:00-07:00"))
    outbox.add(alert("an exit"), 0.0)
    outbox.add(alert("no stop", "unprotected", "critical"), 0.0)
    assert outbox.due(60.0, NIGHT).body == "no stop"
    assert outbox.due(120.0, NIGHT) is None
    assert outbox.due(180.0, 7 * 60).body == "an exit"


def test_hours_over_midnight_and_within_a_day():
    night, noon = quiet_hours("22:00-07:00"), quiet_hours("12:00-13:30")
    assert [night.holds(minute) for minute in (21 * 60 + 59, 22 * 60, 0, 419, 420)] == [False, True, True, True, False]
    assert [noon.holds(minute) for minute in (719, 720, 809, 810)] == [False, True, True, False]
    for text in ("22-7", "25:00-07:00", "10:00-10:00", "10:61-11:00", ""):
        with pytest.raises(BadInput):
            quiet_hours(text)


def test_kinds_that_are_off_stay_off_unless_critical():
    outbox = Outbox(off=kinds_of("exit, entry"))
    outbox.add(alert("an exit"), 0.0)
    assert outbox.due(100.0, NOON) is None
    outbox.add(alert("a bad exit", severity="critical"), 100.0)
    assert outbox.due(100.0, NOON) is not None
    with pytest.raises(BadInput, match="no kind of alert"):
        kinds_of("exits")
    assert kinds_of(None) == {"plan", "declined"}


def test_a_flood_is_one_message():
    outbox = Outbox()
    for number in range(500):
        outbox.add(alert(f"exit {number}"), 0.0)
    message = outbox.due(2.0, NOON)
    assert message.body.count("\n") == LINES_MAX
    assert message.body.endswith("and 480 more")


def test_alerts_reach_a_service_and_close_sends_what_waits():
    with open_alerts([f"bearmarker://{TOKEN}"]) as alerts:
        alerts.told(1, record(warned()))
        alerts.told(2, record(event=filled("entry")))
    assert [(title, kind) for title, _, kind in arrived] in (
        [("bearskin: unprotected and 1 more", "failure")],
        [("bearskin: unprotected", "failure"), ("bearskin: entry", "info")],
    )


def test_a_service_that_refuses_raises_or_hangs_is_no_matter_of_the_loop(caplog: pytest.LogCaptureFixture):
    class Raising:
        name = "raising"
        tried = 0

        def send(self, message: Message) -> bool:
            self.tried += 1
            raise OSError(f"https://service/{TOKEN} cannot be reached")

    held = threading.Event()

    class Hanging:
        name = "hanging"

        def send(self, message: Message) -> bool:
            return held.wait(30)

    raising = Raising()
    alerts = Alerts([raising, AppriseSender(f"bearmarker://{TOKEN}"), Hanging()], Outbox(), backoff_s=0.0)
    with caplog.at_level(logging.DEBUG):
        alerts.start()
        begun = time.perf_counter()
        for number in range(3_000):
            alerts.told(number, record(warned(text=f"refuse {number}")))
        took_s = time.perf_counter() - begun
        held_up = alerts._thread
        alerts.close(timeout_s=0.2)
        held.set()
        held_up.join(10)
    assert took_s < 2.0
    assert raising.tried >= 3  # critical ones are tried again
    assert "nothing reached raising (OSError)" in caplog.text
    assert "nothing reached bearmarker" in caplog.text
    assert "were not sent" in caplog.text or "was not sent within" in caplog.text
    assert TOKEN not in caplog.text


def test_a_note_nobody_can_word_does_no_harm(caplog: pytest.LogCaptureFixture):
    with open_alerts([f"bearmarker://{TOKEN}"]) as alerts:
        alerts.told(1, None)
        alerts.put(Alert(kind="exit", severity="critical", symbol="", text=None, wall_ns=0))
        while "could not be made" not in caplog.text:
            alerts._thread.join(0.01)
        alerts.told(2, record(warned()))
    assert "could not be worded" in caplog.text
    assert [title for title, _, _ in arrived] == ["bearskin: unprotected"]


def test_an_address_apprise_does_not_know_is_said_without_it():
    with pytest.raises(BadInput) as caught:
        open_alerts([f"nosuchscheme://{TOKEN}@host"])
    assert "nosuchscheme" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert open_alerts([]) is None


def test_addresses_are_set_shown_and_tested_without_being_seen(bearskin, home: Path):
    assert bearskin("alert test").code == 2
    ran = bearskin("config", "set", "alert_urls", f"bearmarker://{TOKEN}")
    assert ran.code == 0, ran.err
    assert "bearmarker://***" in ran.out
    assert TOKEN in (home / "config.toml").read_text()
    assert (home / "config.toml").stat().st_mode & 0o777 == 0o600
    shown = [bearskin("config"), bearskin("config --json"), bearskin("alert test --json"), bearskin("doctor --json")]
    assert shown[2].object == {
        "arrived": True, "services": [{"service": "bearmarker", "arrived": True, "why": None}],
    }  # fmt: skip
    assert not any(TOKEN in said.out + said.err for said in shown)
    assert len(arrived) == 1
    log = home / "logs" / "bearskin.log"
    assert not log.exists() or TOKEN not in log.read_text()


def test_several_addresses_and_bad_ones(bearskin, home: Path, monkeypatch, capsys):
    home.mkdir()
    (home / "config.toml").write_text(f'alert_urls = ["bearmarker://{TOKEN}", "nosuch://{TOKEN}"]\n')
    ran = bearskin("alert test")
    assert (ran.code, TOKEN in ran.err) == (2, False)
    assert bearskin("config --json").object["settings"]["alert_urls"]["value"] == "bearmarker://***, nosuch://***"
    (home / "config.toml").write_text("")
    for value in (f"{TOKEN}", f"bearmarker://x {TOKEN}"):
        assert run(["config", "set", "alert_urls", value]) == 2
        assert TOKEN not in capsys.readouterr().err
        monkeypatch.setenv("BEARSKIN_ALERT_URLS", value)
        ran = bearskin("config")
        assert (ran.code, TOKEN in ran.err) == (2, False)
        monkeypatch.delenv("BEARSKIN_ALERT_URLS")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("quiet_hours", "late", "22:00-07:00"),
        ("alert_off", "exits", "no kind of alert"),
        ("webhook_kinds", "exits", "no kind of alert"),
        ("webhook_url", "http://example.com/secret-path-x", "https://"),
    ],
)
def test_bad_settings_of_alerts(bearskin, home: Path, name: str, value: str, said: str):
    ran = bearskin("config", "set", name, value)
    assert ran.code == 2
    assert said in ran.err
    assert "secret-path-x" not in ran.err
    assert not (home / "config.toml").exists()


def test_the_kinds_are_listed(bearskin):
    kinds = bearskin("alert list --json").object["kinds"]
    assert kinds["unprotected"]["told"]
    assert not kinds["declined"]["told"]


def test_the_services_people_use_are_addresses_apprise_knows():
    for url in ("tgram://123456789:abcdefg_hijklmnop/12315544/", "ntfy://topic", "mailto://me:pass@example.com"):
        assert apprise.Apprise().add(url), url
