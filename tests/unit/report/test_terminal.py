"""The terminal tables fit 80 and 120 columns and show the figures of the result."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from rich.console import Console

from bearskin.market import Fault, SeriesKey, SymbolCoverage
from bearskin.report import coverage_table, faults_table, plan_tables, summary_tables
from bearskin.report._view import some, together
from bearskin.risk import PlanRequest, plan
from bearskin.terms import Side, parse_time


def printed(renderables, width):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    with console.file:
        for one in renderables:
            console.print(one)
        return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
def test_a_result_fits_and_nothing_is_cut(result, width):
    text = printed(summary_tables(result), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for figure in ("+1,081.25 USDT", "+10.81 %", "−20.79 %", "−2.00 USDT", "+5.41 R ±", "failed-breakout", "2025-02"):
        assert figure in text
    assert "−250.25" in text  # February
    assert "+1,234.50" in text  # the last trade
    assert "stop too tight" in text
    assert "ESTIMATED" in text
    flat = " ".join(text.split())
    assert "Four trades prove nothing: their mean is not distinguishable from chance." in flat


def test_only_the_last_trades_are_listed(result):
    text = printed(summary_tables(result, last=1), 80)
    assert "Last 1 of 4 trades" in text
    assert "liquidated" not in text.split("Last 1 of 4")[1].split("Declined")[0]


def test_a_result_without_trades_says_so(empty_result):
    text = printed(summary_tables(empty_result), 80)
    assert "No trades were made." in text
    assert "stop too tight" in text


def test_hostile_text_neither_styles_nor_commands(hostile_result):
    text = printed(summary_tables(hostile_result), 120)
    assert "\x1b" not in text
    assert "alert(1)" in text


@pytest.fixture(scope="module")
def short():
    asked = PlanRequest(
        side=Side.SHORT,
        symbol="BTCUSDT",
        entry="60000",
        stop="62500",
        targets=("55000",),
        equity="10000",
        risk_frac="0.01",
        leverage="5",
    )
    return plan(asked)


@pytest.mark.parametrize("width", [80, 120])
def test_a_plan_shows_the_figures_of_its_json(short, width):
    """
    decisions: equity 10,000, risk 1 %, entry 60,000, stop 62,500 at 5x
    -> qty −0.039, loss at the stop 99.89, liquidation at 71,713.15
    """
    text = printed(plan_tables(short), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for figure in ("SHORT −0.039 BTCUSDT at 60,000", "99.89 USDT", "71,713.15", "62,500 (4.17 %)", "468.00 ✘"):
        assert figure in text
    assert "✔ GO" in text
    assert sum(line.startswith("✔  ") for line in text.splitlines()) == sum(
        check.status == "pass" for check in short.checks
    )


def test_a_refused_plan_says_which_check_refused():
    refused = plan(PlanRequest(side=Side.SHORT, symbol="BTCUSDT", entry=60000, stop=62500, qty=5, leverage=20))
    text = printed(plan_tables(refused), 80)
    assert "✘ REFUSED" in text
    assert "✘  leverage above the preset" in text


def test_faults_of_one_kind_stand_in_one_line():
    at = parse_time("2025-03-01")
    gap = Fault(code="gap", key=SeriesKey("lighter", "linear", "BTC", "trade", "1h"), time_ns=at, detail="2 bars")
    faults = [gap, gap, gap]
    faults += [
        Fault(code="stale", key=SeriesKey("okx", "linear", "BTC", "trade", "1h"), time_ns=None, detail="\x1b[2J")
    ]
    text = printed([faults_table(faults)], 120)
    assert "4 faults in 2 series" in text
    lines = text.splitlines()
    below = lines[lines.index("lighter/linear/BTC/trade/1h") + 1]
    assert below.split() == ["3", "gap,", "2025-03-01", "00:00", "to", "2025-03-01", "00:00;", "first:", "2", "bars"]
    assert printed([faults_table(faults, each=True)], 120).count("gap, 2025-03-01 00:00: 2 bars") == 3
    assert "\x1b" not in text


def test_no_faults_is_said():
    assert "No faults were found." in printed([faults_table([])], 80)


def test_coverage_lists_each_symbol():
    row = SymbolCoverage(
        symbol="BTCUSDT",
        first_ns=parse_time("2024-12-31"),
        last_ns=parse_time("2026-02-19"),
        rows=9983,
        has_mark=True,
        has_funding=False,
    )
    text = printed([coverage_table([row])], 80)
    line = next(line for line in text.splitlines() if line.startswith("BTCUSDT"))
    assert line.split() == ["BTCUSDT", "2024-12-31", "2026-02-19", "9,983", "yes", "no"]


def test_what_was_found_is_counted_and_explained():
    key = SeriesKey("okx", "linear", "BTC", "trade", "1h")
    faults = [Fault(code="gap", key=key, time_ns=parse_time("2025-03-01"), detail="2 bars")] * 3
    text = printed([faults_table(faults)], 80)
    assert "3 gap: rows are missing" in text.split("What was found")[1]


def test_an_account_below_zero_is_told(result):
    sunk = replace(result, equity=result.equity.with_columns(pl.col("equity") - 8000.0))  # it touches zero once
    text = " ".join(printed(summary_tables(sunk), 120).split())
    assert "ACCOUNT BELOW ZERO" in text
    assert "equity was at or below zero from" in text
    assert "BELOW ZERO" not in printed(summary_tables(result), 120)


def test_sentences_about_many_symbols_become_one():
    said = ["AUSDT: 3 of 70 bars lack it", "BUSDT: 6 of 99 bars lack it", "one rule", "CUSDT: no mark"]
    assert together(said, ["AUSDT", "BUSDT", "CUSDT"]) == [
        "AUSDT: 3 of 70 bars lack it; much the same for BUSDT",
        "one rule",
        "CUSDT: no mark",
    ]
    names = [f"S{n}USDT" for n in range(12)]
    assert some(names).endswith("S7USDT and 4 more (summary.json names them)")
    assert some(names[:9]) == ", ".join(names[:9])


def test_what_a_plan_could_not_check_stands_beside_its_verdict(short):
    end = printed(plan_tables(short), 120).split("✔ GO")[1]
    unchecked = [check.name for check in short.checks if check.status == "unchecked"]
    assert unchecked
    assert all(name in end for name in unchecked)


def test_a_reason_carries_the_sign_of_its_check():
    refused = plan(PlanRequest(side=Side.SHORT, symbol="BTCUSDT", entry=60000, stop=62500, qty=5, leverage=20))
    end = printed(plan_tables(refused), 120).split("✘ REFUSED")[1]
    assert " ✘ leverage above the preset (is 20×, needs at most 5×)" in end
