"""Reading strictly: names, numbers, truths, and what the limits of speed say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bearskin.exchange._codes import Code
from bearskin.exchange.wire import _params as params
from bearskin.exchange.wire._limits import Limits
from bearskin.exchange.wire._numbers import Grid, bare, money
from bearskin.exchange.wire._params import Denied


def code_of(work) -> int:
    with pytest.raises(Denied) as no:
        work()
    return no.value.code


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"),
        ("0.001", "0.001"),
        ("61000.0", "61000.0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("12345678901234567890", "12345678901234567890"),
        ("0.000000000000000000000001", "1e-24"),
    ],
)
def test_plain_numbers_are_read(text: str, number: str) -> None:
    assert params.number({"q": text}, "q") == Decimal(number)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1" * 21, -1111),
        ("1" * 40, -1111),
        ("0." + "1" * 40, -1111),
        ("0" * 4_000, -1111),
        ("1e5", -1130),
        ("1E5", -1130),
        ("NaN", -1130),
        ("Infinity", -1130),
        ("-Infinity", -1130),
        ("+1", -1130),
        ("1,5", -1130),
        ("0x10", -1130),
        ("1_000", -1130),
        ("", -1130),
        (".", -1130),
        ("-", -1130),
        (" 1", -1130),
        ("١٢", -1130),
        ("²", -1130),
        ("1.2.3", -1130),
    ],
)
def test_no_other_number_is(text: str, code: int) -> None:
    assert code_of(lambda: params.number({"q": text}, "q")) == code


def test_a_negative_number_has_the_code_of_its_parameter() -> None:
    assert code_of(lambda: params.number({"q": "-1"}, "q", Code.QTY_BELOW_ZERO)) == -4003
    assert code_of(lambda: params.number({"q": "-1"}, "q")) == -1130


@pytest.mark.parametrize("text", ["-1", "1.0", "1" * 19, "", "x", "٣", "1e3", " 1"])
def test_whole_numbers_are_digits(text: str) -> None:
    assert code_of(lambda: params.integer({"n": text}, "n")) == -1130


def test_truths_come_in_any_case_and_nothing_else_is_one() -> None:
    assert [params.flag({"f": text}, "f") for text in ("true", "TRUE", "False", "false")] == [True, True, False, False]
    assert params.flag({}, "f") is None
    assert code_of(lambda: params.flag({"f": "1"}, "f")) == -1130


def test_pairs_are_decoded_and_neither_doubled_nor_broken() -> None:
    args: dict[str, str] = {}
    params.parse_pairs(b"a=%7B1%7D&b=x+y&signature=00&c=1=2", args)
    assert args == {"a": "{1}", "b": "x y", "c": "1=2"}
    assert code_of(lambda: params.parse_pairs(b"a=1&a=2", {})) == -1101
    assert code_of(lambda: params.parse_pairs(b"a", {})) == -1105
    assert code_of(lambda: params.parse_pairs(b"a=%ff%fe", {})) == -1100
    assert code_of(lambda: params.parse_pairs(b"a=%00", {})) == -1100
    assert code_of(lambda: params.parse_pairs("&".join(f"p{n}=1" for n in range(65)).encode(), {})) == -1101


def test_a_json_list_reads_as_forms_do() -> None:
    rows = params.rows_of(
        {"batchOrders": '[{"price":61000.0,"symbol":"BTC\\u0055SDT","reduceOnly":true}]'}, "batchOrders"
    )
    assert rows == [{"price": "61000.0", "symbol": "BTCUSDT", "reduceOnly": "true"}]
    for text in ("", "{", "[1]", "{}", '[{"a":}]', "[" * 3_000, '"x"', "null", "[null]"):
        assert code_of(lambda text=text: params.rows_of({"batchOrders": text}, "batchOrders")) in (-1130, -1102)
    assert params.words_of({"orderIdList": "[1,2]"}, "orderIdList") == ["1", "2"]
    assert params.words_of({"orderIdList": '["a"]'}, "orderIdList") == ["a"]
    assert params.words_of({}, "orderIdList") is None


def test_money_is_cut_to_eight_digits_towards_zero() -> None:
    assert money(Decimal("1008.6736121277")) == "1008.67361212"  # as the venue prints it
    assert money(Decimal("-0.000000009")) == "0.00000000"
    assert money(Decimal("-1.999999999")) == "-1.99999999"
    assert bare(Decimal("1E+3")) == "1000"
    assert bare(Decimal("0.00010")) == "0.0001"


@pytest.mark.parametrize(
    ("size", "count", "text"),
    [
        ("0.1", 600_001, "60000.1"),
        ("0.001", 5, "0.005"),
        ("0.001", -5, "-0.005"),
        ("0.05", 3, "0.15"),
        ("1", 12, "12"),
        ("10", 12, "120"),
        ("0.0000001", 7, "0.0000007"),
        ("0.001", 0, "0.000"),
    ],
)
def test_ticks_and_steps_are_shown_on_their_grid(size: str, count: int, text: str) -> None:
    grid = Grid(Decimal(size))
    assert grid.text(count) == text
    assert Decimal(text) == grid.number(count)
    assert grid.show(grid.number(count)) == text


def test_weight_is_counted_by_the_minute_and_address() -> None:
    limits = Limits(weight_per_minute=10)
    assert [limits.spend("a", 4, 59_000), limits.spend("a", 4, 59_500)] == [4, 8]
    with pytest.raises(Denied) as slow:
        limits.spend("a", 4, 59_500)
    assert (slow.value.code, slow.value.status) == (-1003, 429)
    assert dict(slow.value.headers)[b"retry-after"] == b"1"
    assert limits.spend("b", 4, 59_500) == 4
    assert limits.spend("a", 4, 60_000) == 4


def test_orders_are_counted_by_ten_seconds_and_by_the_minute() -> None:
    limits = Limits(orders_per_ten_seconds=2, orders_per_minute=3)
    assert limits.count_orders(1, 2, 1_000) == (2, 2)
    with pytest.raises(Denied) as slow:
        limits.count_orders(1, 1, 1_500)
    assert (slow.value.code, slow.value.status, dict(slow.value.headers)[b"retry-after"]) == (-1015, 429, b"9")
    assert limits.count_orders(2, 1, 1_500) == (1, 1)
    assert limits.count_orders(1, 1, 10_000) == (1, 3)
    assert code_of(lambda: limits.count_orders(1, 1, 20_000)) == -1015
    assert limits.count_orders(1, 1, 60_000) == (1, 1)


def test_limits_that_are_off_count_and_refuse_nothing() -> None:
    limits = Limits(on=False, weight_per_minute=1, orders_per_minute=1)
    assert [limits.spend("a", 5, 0), limits.spend("a", 5, 0)] == [5, 10]
    assert limits.count_orders(1, 9, 0) == (9, 9)
    assert limits.orders_used(1, 0) == (9, 9)
