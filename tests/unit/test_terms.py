"""Exact numbers, times and refusals at the door of the house."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from bearskin.terms import (
    BadFile,
    BadInput,
    Reason,
    Refused,
    dec,
    interval_ns,
    interval_word,
    iso,
    parse_time,
    shown,
    step_down,
    step_up,
    tick_down,
    tick_up,
)


@pytest.mark.parametrize(
    ("given", "exact"),
    [("60000", "60000"), (0.1, "0.1"), (np.float64(0.07), "0.07"), (3, "3"), (1e-8, "0.00000001")],
)
def test_a_number_comes_in_as_a_person_would_read_it(given, exact):
    assert dec(given) == Decimal(exact)


@pytest.mark.parametrize("given", ["six", "", "nan", "inf", float("nan"), float("-inf")])
def test_what_is_no_number_is_refused_in_one_sentence(given):
    with pytest.raises(BadInput, match="number") as caught:
        dec(given)
    assert "\n" not in str(caught.value)


def test_prices_round_to_the_tick_in_the_named_direction():
    tick = Decimal("0.10")
    assert tick_down(Decimal("62500.19"), tick) == Decimal("62500.1")
    assert tick_up(Decimal("62500.11"), tick) == Decimal("62500.2")
    assert tick_up(Decimal("62500.2"), tick) == Decimal("62500.2"), "a price on the grid stays where it is"


@pytest.mark.parametrize(("qty", "down", "up"), [("-0.0399", "-0.039", "-0.040"), ("0.0391", "0.039", "0.040")])
def test_quantities_round_towards_zero_or_away_whatever_their_side(qty, down, up):
    step = Decimal("0.001")
    assert step_down(Decimal(qty), step) == Decimal(down)
    assert step_up(Decimal(qty), step) == Decimal(up)


def test_shown_prices_round_half_to_even_and_never_read_minus_zero():
    assert shown(Decimal("71713.145")) == "71713.14"
    assert shown(Decimal("71713.155")) == "71713.16"
    assert shown(Decimal("-0.001")) == "0.00"
    assert shown(Decimal("0.00001234"), Decimal("0.0000001")) == "0.0000123"
    assert shown(None) is None


@pytest.mark.parametrize("word", ["1s", "5m", "1h", "8h", "1d"])
def test_intervals_survive_the_round_trip(word):
    assert interval_word(interval_ns(word)) == word


@pytest.mark.parametrize("word", ["", "0m", "h", "5 m", "1y", "-1h"])
def test_other_words_are_no_interval(word):
    with pytest.raises(BadInput, match="interval"):
        interval_ns(word)


def test_times_are_utc_and_exact_to_the_nanosecond():
    assert parse_time("1970-01-01") == 0
    assert parse_time("2025-10-10T21:20:00Z") == 1_760_131_200_000_000_000
    assert parse_time("2025-10-10T23:20:00+02:00") == parse_time("2025-10-10T21:20:00")
    assert iso(1_760_131_200_000_000_000) == "2025-10-10T21:20:00Z"
    assert iso(1_760_131_200_000_000_001) == "2025-10-10T21:20:00.000000001Z"
    with pytest.raises(BadInput, match="2025-13-01"):
        parse_time("2025-13-01")


def test_a_bad_file_names_its_row_and_column():
    fault = BadFile("prices.csv", "'abc' is not a price", row=7, column="close")
    assert str(fault) == "prices.csv, row 7, column 'close': 'abc' is not a price"


def test_a_refusal_reads_as_a_sentence():
    refused = Refused(reason=Reason.LIQUIDATION_TOO_CLOSE, have="1.2 stop distances", need="2")
    assert str(refused) == "liquidation too close behind the stop (is 1.2 stop distances, needs 2)"
