"""Every value is written in its unit, with its sign, and never guessed."""

from __future__ import annotations

import math

import pytest

from bearskin.report._words import Kind, clean, moment_ns, plain, prose, shown


@pytest.mark.parametrize(
    ("kind", "value", "signed", "text"),
    [
        (Kind.MONEY, 1234567.891, False, "1,234,567.89"),
        (Kind.MONEY, 12.5, True, "+12.50"),
        (Kind.MONEY, -12.5, True, "−12.50"),
        (Kind.MONEY, -0.001, True, "0.00"),
        (Kind.FRAC, -0.0816, True, "−8.16 %"),
        (Kind.R, 0.126, True, "+0.13 R"),
        (Kind.QTY, -0.039, False, "−0.039"),
        (Kind.PRICE, 0.00000841, False, "0.00000841"),
        (Kind.PRICE, 117145.1, False, "117,145.1"),
        (Kind.PRICE, 60000.0, False, "60,000"),
        (Kind.TIMES, 5.0, False, "5×"),
        (Kind.COUNT, 148371, False, "148,371"),
        (Kind.RATIO, math.inf, False, "∞"),
        (Kind.RATIO, math.nan, False, "–"),
        (Kind.MONEY, None, False, "–"),
        (Kind.FLAG, True, False, "yes"),
        (Kind.TIME, 1760131200000000000, False, "2025-10-10 21:20"),
    ],
)
def test_shown_for_eyes(kind, value, signed, text):
    assert shown(kind, value, signed=signed) == text


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (Kind.MONEY, -99.886, "-99.89"),
        (Kind.MONEY, -0.001, "0.00"),
        (Kind.PRICE, 0.00000841, "0.00000841"),
        (Kind.PRICE, 60000.0, "60000"),
        (Kind.QTY, -0.039, "-0.039"),
        (Kind.FRAC, 0.12345678, "0.123457"),
        (Kind.COUNT, 7, 7),
        (Kind.RATIO, math.inf, None),
        (Kind.MONEY, math.nan, None),
        (Kind.TIME, "2025-10-10T21:20:00Z", "2025-10-10T21:20:00Z"),
        (Kind.FLAG, False, False),
    ],
)
def test_plain_for_scripts(kind, value, written):
    assert plain(kind, value) == written
    assert type(plain(kind, value)) is type(written)


def test_an_escape_sequence_cannot_command_a_terminal():
    assert clean("BTC\x1b[31m\x07USDT") == "BTC�[31m�USDT"


def test_a_time_may_come_as_text_integer_or_datetime():
    ns = 1760131200000000000
    assert moment_ns("2025-10-10T21:20:00Z") == moment_ns(ns) == ns


@pytest.mark.parametrize(
    ("made", "read"),
    [
        ("mean -0.11 R over 3912 trades, t -4.2", "mean −0.11 R over 3912 trades, t −4.2"),
        ("takes more than 31350 USDT, it has 30000", "takes more than 31,350 USDT, it has 30,000"),
        ("ends at 2026-02-19T16:00:00Z", "ends at 2026-02-19 16:00"),
        ("at 2026-02-19T16:00:01Z", "at 2026-02-19T16:00:01Z"),  # nothing may be lost
        (
            "candles of 2025-2026, BTCUSDT_261225, 20221213_trade.zip",
            "candles of 2025-2026, BTCUSDT_261225, 20221213_trade.zip",
        ),
        ("a tick of 0.00001234", "a tick of 0.00001234"),
    ],
)
def test_prose_writes_figures_as_tables_do(made, read):
    assert prose(made) == read
