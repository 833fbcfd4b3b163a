"""Everything a bot can be told is an option and a setting, read the same way, and reaches the engine."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bearskin.app._bot_words import BOT_SETTINGS, BOT_WORDS
from bearskin.app._calendar import read_calendar
from bearskin.app._house import open_house
from bearskin.app._options import DEMO, TRADING
from bearskin.app._settings import Settings
from bearskin.app._trade import settings_json, settings_of, told_of
from bearskin.app._world import Place
from bearskin.engine import EngineSettings
from bearskin.terms import BadFile, BadInput, MarginMode, interval_ns, parse_time

D = Decimal
WITHIN = Place(venue="demo", env="", account="a", key="k", secret="s")
VENUE = Place(venue="okx", env="live", account="a", key="k", secret="s", notional_cap=D(100))


def made(home: Path, place: Place = WITHIN, interval: str = "1h", **given: object) -> EngineSettings:
    return settings_of(open_house(home), place, told_of(given), tag="test", symbols=("BTCUSDT",), interval=interval)


def test_every_setting_of_the_engine_is_an_option_of_both_and_a_setting() -> None:
    fields = {field.name for field in dataclasses.fields(EngineSettings)} - {
        "tag",
        "symbols",
        "interval_ns",
        "guard_rules",
    }
    assert {word.field for word in BOT_WORDS.values()} == fields | {"floats"}  # these go into its guard_rules
    assert set(BOT_WORDS) <= set(DEMO)
    assert set(BOT_WORDS) <= set(TRADING)
    assert {word.kept for word in BOT_WORDS.values()} <= set(Settings.model_fields)


GIVEN = [
    ("sides", "auto", "sides", "auto"),
    ("setups", "failed_breakout,stop_hunt", "setups", ("failed_breakout", "stop_hunt")),
    ("preset", "pro", "preset", "pro"),
    ("risk", "0.5%", "risk_frac", D("0.005")),
    ("heat", "2%", "heat_frac", D("0.02")),
    ("leverage", "4x", "leverage", D(4)),
    ("margin", "cross", "margin_mode", MarginMode.CROSS),
    ("slippage", "10bp", "slippage_frac", D("0.001")),
    ("positions_max", "2", "positions_max", 2),
    ("equity_cap", "500", "equity_cap", D(500)),
    ("notional_cap", "250", "notional_cap", D(250)),
    ("entry", "ladder", "entry", "ladder"),
    ("ladder_steps", "4", "ladder_steps", 4),
    ("target1_share", "100%", "target1_share", D(1)),
    ("trail_atr", "2.5", "trail_atr", D("2.5")),
    ("break_even_r", "1", "break_even_r", D(1)),
    ("stop_by", "last", "stop_by", "last"),
    ("unprotected_max", "1.5s", "unprotected_max_s", 1.5),
    ("guards", "false", "guards", False),
    ("limits", "off", "limits", False),
    ("blackout_hours", "0,22-23", "blackout_hours", (0, 22, 23)),
    ("blackout_hours", "23-1", "blackout_hours", (0, 1, 23)),
    ("low_volume", "30%", "low_volume_frac", 0.3),
    ("book_wait", "90s", "book_wait_s", 90.0),
    ("stale_bars", "5", "stale_bars", 5),
    ("stale_quote", "20", "stale_quote_s", 20.0),
    ("bars_kept", "4000", "bars_kept", 4_000),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), GIVEN)
def test_a_word_is_the_same_from_an_option_and_from_a_setting(
    bearskin, home: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    assert getattr(made(home, **{name: text}), field) == value
    kept = BOT_WORDS[name].kept
    assert bearskin("config", "set", kept, text).code == 0
    assert getattr(made(home), field) == value
    monkeypatch.setenv(f"BEARSKIN_{kept.upper()}", text)
    assert getattr(made(home), field) == value


def test_what_toml_says_in_its_own_types_is_taken(home: Path) -> None:
    home.mkdir()
    lines = "bot_guards = false\nbot_positions_max = 3\nbot_blackout_hours = [1, 2]\nbot_setups = ['stop_hunt']\n"
    (home / "config.toml").write_text(lines)
    found = made(home)
    assert (found.guards, found.positions_max, found.blackout_hours) == (False, 3, (1, 2))
    assert found.setups == ("stop_hunt",)
    assert made(home, guards=True, positions_max=1).positions_max == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("sides", "down", "short, long, both, auto, none"),
        ("setups", "nope", "no set-up"),
        ("entry", "soon", "chase, ladder"),
        ("ladder_steps", "1", "from 2 to 20"),
        ("heat", "3", "write 3%"),
        ("blackout_hours", "25", "from 0 to 23"),
        ("positions_max", "1.5", "whole number"),
        ("bars_kept", "10", "from 1000"),
        ("unprotected_max", "0", "above zero"),
        ("stop_by", "index", "mark, last"),
        ("trail_atr", "x", "must be a number"),
        ("guards", "maybe", "true or false"),
        ("margin", "both", "isolated"),
    ],
)
def test_a_bad_word_is_one_sentence(bearskin, home: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        made(home, **{name: text})
    if name != "setups" and BOT_WORDS[name].kept in BOT_SETTINGS:
        ran = bearskin("config", "set", BOT_WORDS[name].kept, text)
        assert (ran.code, said in ran.err) == (2, True)
    if name != "guards":
        assert bearskin("demo", f"--{name.replace('_', '-')}", text).code == 2  # before anything is started


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(BadInput, match="did you mean 'sides'"):
        told_of({"side": "short"})


def test_the_smaller_cap_holds(home: Path) -> None:
    assert made(home, VENUE).notional_cap == 100
    assert made(home, VENUE, notional_cap="40").notional_cap == 40
    assert made(home, VENUE, notional_cap="4000").notional_cap == 100


def test_stops_are_attached_only_where_a_venue_can(home: Path) -> None:
    assert made(home, VENUE, attach_stops=True).attach_stops
    for place in (WITHIN, dataclasses.replace(VENUE, venue="binance")):
        with pytest.raises(BadInput, match="carries a stop"):
            made(home, place, attach_stops=True)


def test_on_the_demo_exchange_nothing_is_asked_about_dollars_and_coins(home: Path) -> None:
    """Its market is made up; a run keeps that, so that its comparison with a backtest asks the same."""
    rules = made(home, families="2").guard_rules
    assert rules is not None
    assert rules.outside is not None
    assert (rules.outside.made_up, rules.families_min) == (True, 2)
    kept = settings_json(made(home, families="2"))
    assert msgspec.convert(json.loads(json.dumps(kept)), EngineSettings, strict=False) == made(home, families="2")
    assert made(home, VENUE, families="2").guard_rules is None


def test_hours_of_the_week_need_two_weeks_of_bars(home: Path) -> None:
    assert made(home, interval="5m", low_volume="30%").bars_kept * interval_ns("5m") >= 14 * interval_ns("1d")
    with pytest.raises(BadInput, match="an hour or less"):
        made(home, interval="4h", low_volume="30%")


def test_events_come_from_toml_or_csv(home: Path, tmp_path: Path) -> None:
    toml, table = tmp_path / "events.toml", tmp_path / "events.csv"
    toml.write_text(
        '[[event]]\nname = "CPI"\nstart = 2026-12-10T13:00:00Z\nend = "2026-12-10T14:30:00+00:00"\n'
        '[[event]]\nname = "unlock"\nstart = 2026-12-01\nend = 2026-12-02\nsymbols = ["SOLUSDT"]\n'
    )
    table.write_text(
        "name,start,end,symbols\nCPI,2026-12-10T13:00:00Z,2026-12-10T14:30:00Z,\nunlock,2026-12-01,2026-12-02,solusdt\n"
    )
    unlock, cpi = read_calendar(toml)
    assert read_calendar(table) == (unlock, cpi)
    assert (cpi.start_ns, cpi.symbols) == (parse_time("2026-12-10T13:00:00Z"), ())
    assert unlock.symbols == ("SOLUSDT",)
    assert made(home, calendar=str(toml)).calendar == (unlock, cpi)


def test_an_event_of_one_moment_bars_half_an_hour_either_side(tmp_path: Path) -> None:
    toml, table = tmp_path / "events.toml", tmp_path / "events.csv"
    toml.write_text('[[event]]\nname = "FOMC"\nat = 2026-12-10T19:00:00Z\n')
    table.write_text("name,at,symbols\nFOMC,2026-12-10T19:00:00Z,\n")
    (event,) = read_calendar(toml)
    assert read_calendar(table) == (event,)
    assert (event.start_ns, event.end_ns) == (parse_time("2026-12-10T18:30:00Z"), parse_time("2026-12-10T19:30:00Z"))
    assert event.moment_ns == parse_time("2026-12-10T19:00:00Z")
    toml.write_text('[[event]]\nname = "FOMC"\nat = 2026-12-10T19:00:00Z\nend = 2026-12-11\n')
    with pytest.raises(BadFile, match="column 'at': has start or end beside it"):
        read_calendar(toml)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("e.toml", "x = [", "is not TOML"),
        ("e.toml", "events = 3", r"nothing but \[\[event\]\]"),
        ("e.toml", '[[event]]\nname = "a"\nstart = 2026-12-10', "row 1, column 'end': is empty"),
        ("e.csv", "name,start\na,b", "no column 'end'"),
        ("e.csv", "name,start,end\na,2026-12-10,2026-12-09", "row 2, column 'end': end is not after start"),
        ("e.csv", "name,start,end\na,soon,2026-12-09", "row 2, column 'start'"),
        ("e.csv", "name,start,end\na,2026-12-08,2026-12-09,BTCUSDT", "row 2"),
    ],
)
def test_a_bad_file_of_events_names_the_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadFile, match=said):
        read_calendar(file)
    with pytest.raises(BadFile, match="cannot be read"):
        read_calendar(tmp_path / "none.toml")


@pytest.mark.parametrize("interval", ["7m", "90s", "11h", "2w"])
def test_bars_that_no_venue_has_are_refused_before_a_run_is_begun(interval):
    with pytest.raises(BadInput, match="must be one of 1m, 3m"):
        told_of({"interval": interval})


def test_the_interval_of_a_run_is_written_as_venues_write_it():
    assert told_of({"interval": "60m"}).interval == "1h"
    assert told_of({"interval": None}).interval is None


def test_what_circulates_of_a_coin_reaches_the_guards(home):
    rules = made(home, floats="abc=12%,XYZUSDT=0.4").guard_rules
    assert rules.outside.floats == (("ABC", 0.12), ("XYZUSDT", 0.4))
    with pytest.raises(BadInput, match="COIN=SHARE"):
        made(home, floats="abc")
    with pytest.raises(BadInput, match="floats of ABC"):
        made(home, floats="abc=3")
