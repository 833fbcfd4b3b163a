"""The JSON of a result keeps the contract with scripts."""

from __future__ import annotations

import json

from bearskin.report import result_json


def test_money_is_text_counts_are_numbers_and_unknown_is_null(result):
    found = result_json(result)
    summary = found["summary"]
    assert summary["net"] == "1081.25"
    assert summary["funding"] == "-2.00"
    assert summary["return_frac"] == "0.108125"
    assert summary["trades"] == 4
    assert summary["liquidations"] == 1
    assert summary["sharpe_daily"] is None
    assert summary["sharpe_stderr"] is None
    assert summary["start"] == "2025-01-01T00:00:00Z"
    assert summary["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert summary["left_out"] == [{"symbol": "LUNAUSDT", "why": "no candles in the store"}]
    assert found["currency"] == "USDT"
    assert found["by_setup"][0]["r_stderr"] is None
    assert found["by_setup"][1]["expectancy_r"] == "11.8425"
    assert found["monthly"][1] == {
        "month": "2025-02",
        "net": "-250.25",
        "return_frac": "-0.022080",
        "trades": 2,
        "max_drawdown_frac": "-0.200000",
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_every_missing_datum_is_listed_with_its_time(result):
    missing = result_json(result)["missing"]
    assert [(one["kind"], one["symbol"], one["time"]) for one in missing] == [
        ("mark", "BTCUSDT", "2025-01-01T03:00:00Z"),
        ("mark", "BTCUSDT", "2025-01-01T09:00:00Z"),
        ("funding", "ETHUSDT", "2025-01-01T16:00:00Z"),
    ]


def test_declined_signals_are_counted_by_reason(result):
    first = result_json(result)["declined_by_reason"][0]
    assert first == {
        "reason": "stop too tight",
        "declined": 2,
        "shorts": 2,
        "longs": 0,
        "symbols": 2,
        "example": "had 0.2 %, needed 0.3 %; of the entry",
    }


def test_trades_come_only_when_asked_for(result):
    assert "trades" not in result_json(result)
    rows = result_json(result, include_trades=True)["trades"]
    assert len(rows) == 4
    short = rows[0]
    assert short["qty"] == "-10"
    assert short["entry_time"] == "2025-01-01T11:00:00Z"
    assert short["net"] == "97.00"
    assert short["target2"] is None
    assert short["ambiguous"] is False
    assert short["bars"] == 5


def test_a_result_without_trades_is_an_object_like_any_other(result, empty_result):
    full, empty = result_json(result), result_json(empty_result)
    assert set(empty) == set(full)
    assert set(empty["summary"]) == set(full["summary"])
    assert empty["summary"]["trades"] == 0
    assert empty["by_setup"] == []
