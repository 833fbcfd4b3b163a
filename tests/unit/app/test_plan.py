"""`plan` through the command line: the figures people compare, and the questions that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

import bearskin as package
from bearskin.market import Part, SeriesKey, Store
from bearskin.terms import HOUR_NS

SIZED = "plan short BTCUSDT --entry 60000 --stop 62500 --equity 10000 --risk 1% --leverage 5"


def test_the_example_everybody_can_check(bearskin) -> None:
    """60,000 short with a stop at 62,500, one per cent of 10,000 at risk, taker 0.05 % both ways, 5x isolated."""
    ran = bearskin(SIZED, "--json")
    assert ran.code == 0
    told = ran.object
    assert (told["qty"], told["loss_at_stop"], told["liquidation_price"]) == ("-0.039", "99.89", "71713.15")
    assert ran.err == ""


@pytest.mark.parametrize(("wallet", "price"), [("30000", "65681.59"), ("60000", "71651.74")])
def test_the_hedge_of_five_coins_with_the_brackets_of_2024(bearskin, real_data: Path, wallet: str, price: str) -> None:
    brackets = real_data / "brackets" / "binance_leverage_tiers_freqtrade_2024-10.json.gz"
    words = f"plan short BTCUSDT --entry 60000 --qty 5 --wallet {wallet} --brackets {brackets} --json"
    ran = bearskin(words)
    assert ran.code == 0
    assert ran.object["liquidation_price"] == price
    assert ran.object["verdict"] == "incomplete"


def test_a_leverage_that_is_only_a_setting_does_not_contradict_size_and_wallet(bearskin) -> None:
    """300,000 on a wallet of 30,000 is ten times, whatever leverage is kept for other trades."""
    assert bearskin("config set leverage 3").code == 0
    words = "plan short BTCUSDT --entry 60000 --qty 5 --wallet 30000 --json"
    assert bearskin(words).object["leverage"] == "10"
    assert bearskin(words, "--leverage", "4").object["leverage"] == "4", "on the command line it was meant"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plan short BTCUSDT --entry 60000 --stop 59000 --equity 10000", "stop 59000"),
        ("plan long BTCUSDT --entry 60000 --stop 61000 --equity 10000", "stop 61000"),
        ("plan short BTCUSDT --entry 60000 --qty -5 --wallet 30000", "above zero"),
        ("plan short BTCUSDT --entry 0 --qty 5", "above zero"),
        ("plan short BTCUSDT --entry nan --qty 5", "must be a number"),
        ("plan short BTCUSDT --entry 60000 --stop 62500 --risk 1", "write 1%"),
        ("plan short NOSUCHCOIN --entry 60000 --qty 5 --wallet 30000", "NOSUCHCOIN"),
        ("plan sideways BTCUSDT --entry 60000 --qty 5", "short or long"),
        ("plan short BTCUSDT --entry 60000 --qty 5 --wallet 1 --margin both", "isolated"),
        ("plan short BTCUSDT --qty 5 --wallet 30000", "give --entry"),
        ("plan short BTCUSDT --entry 60000 --qty 5 --brackets no/such.json", "no/such.json"),
        ("plan short BTCUSDT --entry 60000 --qty 5 --wallet 30000 --horizon soon", "soon"),
        ("plan short BTCUSDT --entry 60000 --stop 62500 --preset reckless", "reckless"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(bearskin, home: Path, words: str, said: str) -> None:
    ran = bearskin(words, "--json")
    assert ran.code == 2, ran.out
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ran.object["error"]["message"] == ran.err.removeprefix("error: ").strip()
    assert not (home / "store").exists()


def test_a_refused_plan_ends_with_three_and_is_still_printed(bearskin) -> None:
    words = "plan short BTCUSDT --entry 60000 --stop 62500 --equity 10000 --leverage 20"
    ran = bearskin(words, "--json")
    assert ran.code == 3
    assert ran.object["verdict"] == "refused"
    assert ran.object["reasons"]
    table = bearskin(words)
    assert table.code == 3
    assert "71" in table.out or "62" in table.out
    assert bearskin(words, "--beyond-preset").code != 2


def test_the_verb_says_the_same_as_the_command(bearskin) -> None:
    plan = package.plan("short", "BTCUSDT", entry="60000", stop="62500", equity="10000", risk="1%", leverage=5)
    assert plan.to_json() == bearskin(SIZED, "--json").object


def test_settings_stand_in_for_options(bearskin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARSKIN_EQUITY", "20000")
    bearskin("config", "set", "leverage", "5")
    told = bearskin("plan short BTCUSDT --entry 60000 --stop 62500 --risk 1% --json").object
    assert (float(told["equity"]), told["leverage"]) == (20000, "5")


def test_a_resting_entry_pays_the_maker_fee(bearskin) -> None:
    market = bearskin(SIZED, "--json").object
    resting = bearskin(SIZED, "--limit", "--json").object
    own = bearskin(SIZED, "--limit", "--maker", "0.01%", "--json").object
    assert float(market["fee_in"]) > float(resting["fee_in"]) > float(own["fee_in"]) > 0
    assert "--limit" in bearskin(SIZED, "--maker", "0.01%").err


def test_the_store_gives_entry_funding_and_worst_moves(bearskin, home: Path) -> None:
    import polars as pl

    count = 24 * 10
    time = pl.Series([i * HOUR_NS + 1_735_689_600_000_000_000 for i in range(count)]).cast(pl.Datetime("ns", "UTC"))
    price = [50_000.0 + 10 * (i % 24) for i in range(count)]
    bars = pl.DataFrame({"time": time, "open": price, "high": [p + 500 for p in price], "low": [p - 100 for p in price],
                         "close": [p + 5 for p in price], "volume": [1.0] * count})  # fmt: skip
    funding = pl.DataFrame({"time": time.gather_every(8), "rate": [0.0003] * (count // 8)})
    store = Store(home / "store")
    for kind, interval, frame in (("trade", "1h", bars), ("funding", "event", funding)):
        key = SeriesKey("binance", "linear", "BTCUSDT", kind, interval)
        store.append_all([Part(key=key, frame=frame)], "test")
    ran = bearskin("plan short BTCUSDT --stop 52000 --json")
    assert ran.code in (0, 3), ran.err
    told = ran.object
    assert told["entry"] == "50235"
    assert "last close in the store" in ran.err
    assert "last close in the store" in ran.object["assumptions"][0]
    assert any("days old" in warning for warning in ran.object["warnings"])
    assert told["funding"]["rate"] == "0.0003"
    assert "settlements in the store" in told["funding"]["source"]
    assert not told["funding"]["assumed"]
    assert "BTCUSDT" in told["history_source"]
    assert any(row["label"].startswith("worst day") for row in told["gaps"])
    words = "plan short BTCUSDT --stop 52000 --funding-rate -0.02% --funding-interval 4h --json"
    given = bearskin(words).object
    assert (given["funding"]["rate"], given["funding"]["interval_h"]) == ("-0.0002", 4)
