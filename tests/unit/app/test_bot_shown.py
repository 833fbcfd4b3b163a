"""What a person and a script see of a running bot."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from rich.console import Console
from unit.app import bot_kit as kit

from bearskin import engine as words
from bearskin.report import BotScreen, bot_tables, decision_line
from bearskin.terms import BalanceNow, Connected, Filled, Marked, Pulse, Side, client_id


def drawn(state: dict[str, object], width: int, height: int = 40) -> str:
    console = Console(width=width, height=height, file=io.StringIO())
    with console.capture() as capture:
        console.print(BotScreen(state, hint="Ctrl-C", height=height))
    return capture.get()


def state(seconds: float = 203) -> dict[str, object]:
    return kit.watched().state(kit.at(seconds)["wall_ns"])


def test_a_state_is_json_with_money_as_text():
    told = state()
    json.dumps(told, allow_nan=False)
    account = told["account"]
    # -0.039 x 59,312.4 against 60,000, and 4,500,000 x 0.0099871 against 0.0100012
    assert account["open_pnl"] == "-36.63"
    assert account["equity"] == str(Decimal("10007.31") + Decimal(account["open_pnl"]))
    # 0.039 x 2,500 with 2.39 of costs, and 4,500,000 x 0.0002571
    assert account["open_risk"] == "1256.84"
    assert (account["fees"], account["net"]) == ("5.38", "-71.13")
    counts = told["counts"]
    assert (counts["signals"], counts["entries"], counts["exits"], counts["wins"]) == (1, 1, 1, 0)
    assert counts["declined"] == {"costs eat the target": 1}
    assert counts["max_unprotected_s"] == 1.2


def test_protection_is_told_as_the_venue_confirmed_it():
    short, long = state(203)["positions"]
    assert (short["protected"], short["unprotected_s"]) == (True, None)
    assert (long["protected"], long["unprotected_s"]) == (False, 201.0)
    assert long["unprotected_s"] < state(210)["positions"][1]["unprotected_s"]
    assert short["liquidation_frac"] == f"{71713.15 / 59312.4 - 1:.6f}"


def test_what_is_protected_is_as_last_heard_while_the_venue_is_silent():
    watch = kit.watched()
    heard = watch.state(kit.at(203)["wall_ns"])["positions"][0]
    assert (heard["protected"], heard["protected_as_of"], heard["protected_unheard_s"]) == (True, None, None)
    for seconds, event in (
        (210, Marked(**kit.at(210), symbol="BTCUSDT", mark=Decimal(59_000))),
        (225, Connected(**kit.at(225), channel="market", up=False, detail="no price for 15 s")),
        (226, Connected(**kit.at(226), channel="account", up=False)),
        (227, Pulse(**kit.at(227))),  # that time passes is no word of the venue's
    ):
        watch.told(100 + seconds, words.Record(event, ()))
    told = watch.state(kit.at(230)["wall_ns"])
    short = told["positions"][0]
    assert (short["protected"], short["protected_as_of"], short["protected_unheard_s"]) == (
        True, "2026-11-22T11:03:30Z", 20.0,
    )  # fmt: skip
    assert told["venue_unheard_s"] == 20.0
    assert "PROTECTED, heard 20 s ago" in drawn(told, 200)
    for channel in ("market", "account"):
        watch.told(400, words.Record(Connected(**kit.at(231), channel=channel, up=True), ()))
    assert watch.state(kit.at(232)["wall_ns"])["positions"][0]["protected_as_of"] is None


def ended(slipped: str) -> words.Ended:
    return words.Ended(
        **kit.at(9), trade=7, symbol="BTCUSDT", side=Side.SHORT, origin="hand", reason="stop", qty=Decimal(-1),
        entry=Decimal(100), exit=Decimal(113), entered_ns=1, gross=Decimal(-13), fees=Decimal(0), funding=Decimal(0),
        net=Decimal(-13), r=-1.3, unprotected_s_max=0.1, slippage_exit=Decimal(slipped),
    )  # fmt: skip


def test_an_exit_names_what_a_stop_slipped_beyond_its_trigger():
    watch = kit.watched()
    watch.told(98, words.Record(Pulse(**kit.at(9)), (ended("0.5"),)))
    assert "beyond" not in watch.decisions[-1]["text"]
    watch.told(99, words.Record(Pulse(**kit.at(9)), (ended("3"),)))
    assert watch.decisions[-1]["text"].endswith("net -13.00 USDT (-1.30 R), 3.00 of it (0.30 R) beyond the stop")


def test_what_is_free_is_left_out_from_a_fill_until_the_venue_says_it_again():
    watch = kit.watched()
    filled = Filled(
        **kit.at(300), symbol="BTCUSDT", client_id="x", venue_id="1", trade_id="1", qty=Decimal(-1), price=Decimal(1),
    )  # fmt: skip
    watch.told(98, words.Record(filled, ()))
    assert watch.state(0)["account"]["available"] is None
    watch.told(99, words.Record(BalanceNow(**kit.at(301), asset="USDT", wallet=Decimal(1), available=Decimal(1)), ()))
    assert watch.state(0)["account"]["available"] == "9071.90"


def test_a_fill_told_twice_is_one_entry():
    watch = kit.watched()
    fill = Filled(
        **kit.at(9), symbol="BTCUSDT", client_id=client_id(kit.TAG, 1, "entry", 0), venue_id="1", trade_id="1",
        qty=Decimal(-1), price=Decimal(1),
    )  # fmt: skip
    watch.told(99, words.Record(fill, ()))
    assert watch.counts()["entries"] == 1


def test_a_moment_without_a_stop_is_no_alarm_but_a_long_one_is():
    watch = kit.watched()
    before = len(watch.decisions)
    for seconds in (0.02, 0.7):
        note = words.Protection(
            **kit.at(300), trade=1, symbol="BTCUSDT", protected=False, open_qty=Decimal(-1), covered_qty=Decimal(0),
            unprotected_s=seconds,
        )  # fmt: skip
        watch.told(100, words.Record(Pulse(**kit.at(300)), (note,)))
    assert [one["kind"] for one in list(watch.decisions)[before:]] == ["unprotected"]


def test_limits_stand_until_they_are_lifted():
    watch = kit.watched()
    for active in (True, False):
        note = words.Limited(**kit.at(300), limit="daily loss", active=active, detail="-3 %")
        watch.told(100, words.Record(Pulse(**kit.at(300)), (note,)))
        limits = watch.state(kit.at(300)["wall_ns"])["limits"]
        assert [one["limit"] for one in limits] == (["daily loss"] if active else [])


def test_what_was_told_before_a_restart_is_counted_but_not_told_again():
    watch = kit.watched()
    watch.restored()
    told = watch.state(kit.at(203)["wall_ns"])
    assert told["restored"] == told["decisions"][-1]["number"]
    assert told["counts"]["exits"] == 1
    assert told["warnings"] == []


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_the_screen_cuts_no_figure_and_no_alarm(width: int):
    lines = drawn(state(), width).splitlines()
    assert max(len(line) for line in lines) <= width
    text = "\n".join(lines)
    assert "PROTECTED" in text
    assert "UNPROTECTED 201.0 s" in text
    assert "9,970.68 USDT" in text
    table = next(i for i, line in enumerate(lines) if line.startswith("Position"))
    assert "…" not in "\n".join(lines[table : table + 4])
    assert ("59,312.4" in text) == (width >= 80)
    if width >= 140:
        assert "71,713.15" in text


@pytest.mark.parametrize("height", [12, 24, 60])
def test_the_screen_fits_its_height_and_keeps_the_last_line(height: int):
    lines = drawn(state(), 100, height).splitlines()
    assert len(lines) <= max(height, 20)
    assert lines[-1].startswith("Ctrl-C")


def test_every_set_up_is_labelled():
    text = drawn(state(), 140)
    assert "failed_breakout, no proven edge" in text
    log = [decision_line(one) for one in state()["decisions"]]
    assert any("ENTER BTCUSDT short" in line and "[failed_breakout, no proven edge]" in line for line in log)
    assert all("\n" not in line for line in log)


def test_words_from_outside_cannot_command_the_terminal():
    watch = kit.watched()
    evil = words.Warned(**kit.at(300), kind="rejected", symbol="BTCUSDT", text="no\x1b[2Jno", severity="critical")
    watch.told(100, words.Record(Pulse(**kit.at(300)), (evil,)))
    told = watch.state(kit.at(300)["wall_ns"])
    assert "\x1b" not in drawn(told, 120)
    assert "\x1b" not in decision_line(told["decisions"][-1])


def test_the_report_names_what_was_declined_and_what_is_open():
    console = Console(width=120, file=io.StringIO())
    with console.capture() as capture:
        for table in bot_tables(state()):
            console.print(table)
    text = capture.get()
    for said in ("costs eat the target", "Still open", "UNPROTECTED", "9,970.68 USDT", "−71.13"):
        assert said in text


def test_a_hedge_without_a_stop_is_no_alarm():
    watch = kit.watched()
    plan = kit.planned(3, "ETHUSDT", Side.SHORT, purpose="hedge", stop=None, targets=())
    watch.book.trades = {3: kit.trade_of(plan, protected=False, unprotected_since_wall_ns=None)}
    assert "hedge, no stop" in drawn(watch.state(kit.at(203)["wall_ns"]), 140)
