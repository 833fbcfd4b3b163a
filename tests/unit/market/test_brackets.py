"""Brackets: the packaged snapshot, three layouts, and no guess."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bearskin.market import instrument_of, known_instruments, load_brackets
from bearskin.terms import BadFile, Product, UnknownBrackets, UnknownSymbol, iso

# Binance's BTCUSDT tiers of 2026 as the venue printed them: floor, maintenance rate, highest leverage, cum.
BTC_2026 = [
    (0, "0.004", 150, 0),
    (300_000, "0.005", 100, 300),
    (800_000, "0.0065", 75, 1_500),
    (3_000_000, "0.01", 50, 12_000),
    (12_000_000, "0.02", 25, 132_000),
    (70_000_000, "0.025", 20, 482_000),
    (100_000_000, "0.05", 10, 2_982_000),
    (230_000_000, "0.1", 5, 14_482_000),
    (480_000_000, "0.125", 4, 26_482_000),
    (600_000_000, "0.15", 3, 41_482_000),
    (800_000_000, "0.25", 2, 121_482_000),
    (1_200_000_000, "0.5", 1, 421_482_000),
]


def test_the_packaged_snapshot_has_the_venues_figures() -> None:
    """Every figure of BTCUSDT, exact; the snapshot is dated and sourced."""
    book = load_brackets()
    rows = book.get("binance", "BTCUSDT").rows
    assert [(row.floor, str(row.mmr), row.max_leverage, row.cum) for row in rows] == BTC_2026
    assert book.snapshot == "binance 2026.9"
    assert "freqtrade 2026.9" in book.source


def test_every_packaged_bracket_recomputes_and_is_continuous() -> None:
    """Maintenance on both sides of every edge is the same to the last digit."""
    book = load_brackets()
    for product in (Product.LINEAR, Product.DATED):
        for symbol in book.symbols("binance", product):
            rows = book.get("binance", symbol, product).rows
            assert rows[0].floor == rows[0].cum == 0
            for below, above in pairwise(rows):
                assert below.cap == above.floor
                assert below.cap * below.mmr - below.cum == above.floor * above.mmr - above.cum, (symbol, above)
    assert len(book.symbols("binance")) > 500


def test_dated_futures_and_the_synthetic_venue() -> None:
    """BTC and ETH futures with a date are there; the made-up market has Binance's rules under its own name."""
    book = load_brackets()
    assert {"BTCUSDT_261225", "ETHUSDT_260925"} <= set(book.symbols("binance", Product.DATED))
    synthetic = book.get("synthetic", "BTCUSDT")
    assert synthetic.venue == "synthetic"
    assert synthetic.rows == book.get("binance", "BTCUSDT").rows


def test_unknown_brackets_stop_and_say_what_to_do() -> None:
    """Not guessed from another venue, product or symbol."""
    book = load_brackets()
    for venue, symbol, product in [
        ("binance", "BTCUSD", "linear"),
        ("okx", "BTC-USDT-SWAP", "linear"),
        ("binance", "BTCUSDT", "inverse"),
    ]:
        with pytest.raises(UnknownBrackets, match=rf"{symbol} \({venue}, {product}\) in binance 2026.9.*--brackets"):
            book.get(venue, symbol, product)
    with pytest.raises(UnknownBrackets, match="did you mean BTCUSDT"):
        book.get("binance", "BTCUSD")


def tier(floor: float, cap: float, mmr: float, leverage: int, cum: str | None) -> dict[str, Any]:
    """One tier as freqtrade publishes it."""
    info = {} if cum is None else {"cum": cum}
    money = {"minNotional": floor, "maxNotional": cap}
    return {"tier": 1.0, **money, "maintenanceMarginRate": mmr, "maxLeverage": leverage, "info": info}


def test_freqtrades_tiers_plain_and_gzipped(tmp_path: Path) -> None:
    """Pairs become symbols with their product; a file without `cum` has it computed."""
    tiers = [tier(0.0, 50_000.0, 0.004, 125, None), tier(50_000.0, 600_000.0, 0.005, 100, None)]
    content = {"BTC/USDT:USDT": tiers, "BTC/USDT:USDT-261225": tiers, "ETH/USD:ETH": tiers}
    (tmp_path / "tiers.json").write_text(json.dumps(content))
    (tmp_path / "bybit_tiers.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    book = load_brackets(tmp_path / "tiers.json")
    assert book.snapshot == "tiers.json"
    assert book.get("binance", "BTCUSDT").rows[1].cum == 50
    assert book.get("binance", "BTCUSDT_261225", "dated").rows[1].mmr == Decimal("0.005")
    assert book.get("binance", "ETHUSD_PERP", "inverse").rows[1].max_leverage == 100
    assert load_brackets(tmp_path / "bybit_tiers.json.gz").get("bybit", "BTCUSDT").rows[0].cap == 50_000


@pytest.mark.parametrize("single", [True, False])
def test_binances_own_answer(tmp_path: Path, single: bool) -> None:
    """`leverageBracket` for all symbols is a list, for one symbol an object."""
    rows = [
        {
            "bracket": 1,
            "initialLeverage": 75,
            "notionalCap": 10000,
            "notionalFloor": 0,
            "maintMarginRatio": 0.0065,
            "cum": 0,
        },
        {
            "bracket": 2,
            "initialLeverage": 50,
            "notionalCap": 90000,
            "notionalFloor": 10000,
            "maintMarginRatio": 0.01,
            "cum": 35.0,
        },
    ]
    entry = {"symbol": "ETHUSDT", "notionalCoef": 1.5, "brackets": rows}
    (tmp_path / "b.json").write_text(json.dumps(entry if single else [entry]))
    (first, second) = load_brackets(tmp_path / "b.json").get("binance", "ETHUSDT").rows
    assert (first.mmr, second.cum, second.max_leverage) == (Decimal("0.0065"), 35, 50)


BAD = {
    "a cum that does not follow": ([tier(0, 50, 0.004, 10, "0"), tier(50, 90, 0.005, 5, "0.06")], "should be 0.05"),
    "a hole between tiers": ([tier(0, 50, 0.004, 10, "0"), tier(60, 90, 0.005, 5, "0.06")], "does not follow on 50"),
    "a rate above one": ([tier(0, 50, 4, 10, "0")], "maintenance rate 4"),
    "rates that fall": ([tier(0, 50, 0.005, 10, None), tier(50, 90, 0.004, 5, None)], "maintenance rate 0.004"),
    "no tiers": ([], "no brackets"),
    "a missing column": ([{"minNotional": 0}], "'maxNotional' is missing"),
}


@pytest.mark.parametrize("case", BAD)
def test_tiers_that_contradict_each_other_are_refused(tmp_path: Path, case: str) -> None:
    """A wrong bracket is a wrong liquidation price: the whole file is refused."""
    tiers, said = BAD[case]
    (tmp_path / "bad.json").write_text(json.dumps({"BTC/USDT:USDT": tiers}))
    with pytest.raises(BadFile, match=said):
        load_brackets(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "holds no brackets"),
        (b"not json", "not JSON"),
        (b"\x1f\x8b\x08 cut", "not JSON|cannot be read"),
        (b'{"BTCUSDT": []}', "not a pair"),
        (b"5", "not a bracket file"),
    ],
)
def test_files_that_are_no_brackets(tmp_path: Path, content: bytes, said: str) -> None:
    """One sentence for each."""
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(BadFile, match=said):
        load_brackets(tmp_path / "x.json")
    with pytest.raises(BadFile, match="there is no such file"):
        load_brackets(tmp_path / "absent.json")


def test_instruments_have_exact_filters_and_say_where_from() -> None:
    """BTCUSDT as the venue lists it: tick 0.1, step 0.001, smallest order 100 USDT, 0.05 % taker."""
    btc = instrument_of("binance", "BTCUSDT")
    assert (str(btc.tick), str(btc.step), str(btc.min_qty)) == ("0.1", "0.001", "0.001")
    assert (btc.min_notional, btc.contract_size, btc.expiry_ns) == (100, 1, None)
    assert (str(btc.taker_fee_rate), str(btc.maker_fee_rate)) == ("0.0005", "0.0002")
    assert "measured from candles of 2025-2026" in btc.source
    assert btc.liquidation_fee_rate == Decimal("0.0125")


def test_every_product_can_be_named() -> None:
    """Inverse by contract size, dated by delivery, spot and margin from one row."""
    coin = instrument_of("binance", "BTCUSD_PERP", "inverse")
    assert (coin.inverse, coin.contract_size, coin.settle, str(coin.step)) == (True, 100, "BTC", "1")
    assert instrument_of("bitmex", "XBTUSD", "inverse").tick == Decimal("0.5")
    dated = instrument_of("binance", "BTCUSDT_261225", Product.DATED)
    assert iso(dated.expiry_ns or 0) == "2026-12-25T08:00:00Z"
    spot, margin = (instrument_of("binance", "BTCUSDT", product) for product in ("spot", "margin"))
    assert (spot.tick, spot.step) == (margin.tick, margin.step) == (Decimal("0.01"), Decimal("0.00001"))
    assert (spot.taker_fee_rate, margin.product) == (Decimal("0.001"), Product.MARGIN)
    assert instrument_of("synthetic", "SOLUSDT").venue == "synthetic"


def test_an_unknown_symbol_names_its_neighbours() -> None:
    """A slip of the key, a symbol of another product, a venue nobody here knows."""
    with pytest.raises(UnknownSymbol, match=r"did you mean .*BTCUSDT"):
        instrument_of("binance", "BTCUSTD")
    with pytest.raises(UnknownSymbol, match="BTCUSDT is known as binance linear, binance spot, bybit linear"):
        instrument_of("okx", "BTCUSDT")
    with pytest.raises(UnknownSymbol, match="venues known here are binance, bitmex"):
        instrument_of("ftx", "BTC-PERP")


def test_every_packaged_instrument_can_be_built() -> None:
    """Positive ticks and steps, and a source, for every row there is."""
    for venue, product in [
        ("binance", "linear"),
        ("binance", "inverse"),
        ("binance", "spot"),
        ("hyperliquid", "linear"),
    ]:
        symbols = known_instruments(venue, product)
        assert symbols
        for symbol in symbols:
            found = instrument_of(venue, symbol, product)
            assert found.tick > 0
            assert found.step > 0
            assert found.source
