"""Where prices come from: the made-up market, and stored candles played again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from bearskin.exchange._genesis import Setup, packaged_contracts
from bearskin.exchange._prices_replay import ReplayPrices, replay_setup
from bearskin.exchange._prices_synthetic import SOURCES, SyntheticPrices
from bearskin.market import SeriesKey, Store
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, BadInput, UnknownSymbol

START_NS = 1_795_000_000 * SECOND_NS
TICKS = {"BTCUSDT": Decimal("0.1"), "DOGEUSDT": Decimal("0.00001")}


def synthetic(**changes) -> SyntheticPrices:
    return SyntheticPrices(**{"ticks": TICKS, "seed": 7, "start_ns": START_NS, **changes})


def walked(prices: SyntheticPrices, seconds: int, stride: int = 1) -> list[float]:
    now_ns, out = START_NS, []
    while now_ns < START_NS + seconds * SECOND_NS:
        next_ns = prices.next_ns(now_ns, stride * SECOND_NS)
        assert next_ns is not None
        now_ns = next_ns
        out.append(float(prices.quotes(now_ns)[0].fair))
    return out


def test_the_same_seed_makes_the_same_market():
    assert walked(synthetic(), 200) == walked(synthetic(), 200)
    assert walked(synthetic(), 200) != walked(synthetic(seed=8), 200)


def test_a_symbol_moves_alike_whoever_else_is_there():
    alone = walked(synthetic(ticks={"BTCUSDT": TICKS["BTCUSDT"]}), 100)
    assert alone == walked(synthetic(), 100)


def test_a_coarse_walk_meets_a_fine_one():
    fine = walked(synthetic(), 600)
    coarse = walked(synthetic(), 600, stride=20)
    assert coarse[-1] == pytest.approx(fine[(len(coarse) * 20 - 1) - START_NS // SECOND_NS % 20], rel=1e-5)


def test_it_goes_on_from_where_it_stood_before_a_restart():
    prices = synthetic()
    walked(prices, 500)
    at_ns = START_NS + 500 * SECOND_NS
    index = float(np.median([float(p) for p in prices.quotes(at_ns)[0].sources.values()]))
    again = synthetic(levels={"BTCUSDT": index}, from_ns=at_ns)
    first = again.quotes(at_ns + SECOND_NS)[0]
    assert float(first.fair) == pytest.approx(index, rel=0.01)
    assert float(first.fair) != pytest.approx(60_000.0, rel=1e-6)


def test_the_history_ends_at_the_first_price_and_its_bars_hold_together():
    prices = synthetic()
    bars = prices.history("BTCUSDT", "trade")
    assert bars is not None
    assert len(bars.time_ns) == 120 * 1_440
    assert np.all(np.diff(bars.time_ns) == 60 * SECOND_NS)
    assert bars.time_ns[-1] + 60 * SECOND_NS == START_NS // (60 * SECOND_NS) * (60 * SECOND_NS)
    assert bars.close[-1] == 60_000.0
    assert walked(prices, 1)[0] == pytest.approx(60_000.0, rel=5e-4), "no gap between history and market"
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.open[1:] == bars.close[:-1])
    assert np.all(bars.taker_buy <= bars.volume)
    mark = prices.history("BTCUSDT", "mark")
    assert mark is not None
    assert not mark.volume.any()


def test_volatility_is_of_the_order_of_the_coin_and_comes_in_clusters():
    bars = synthetic().history("BTCUSDT", "trade")
    assert bars is not None
    moves = np.diff(np.log(bars.close))
    daily = moves.std() * np.sqrt(1_440)
    assert 0.01 < daily < 0.045
    size = np.abs(moves)
    assert np.corrcoef(size[:-30], size[30:])[0, 1] > 0.05, "a wild minute is followed by wild ones"


def test_sources_lie_close_together_and_one_strays_now_and_then():
    prices = synthetic(ticks={"BTCUSDT": TICKS["BTCUSDT"]})
    strays = 0
    for minute in range(3 * 1_440):
        at_ns = START_NS + minute * 60 * SECOND_NS
        spots = [float(price) for price in prices.quotes(at_ns)[0].sources.values()]
        assert len(spots) == len(SOURCES)
        middle = float(np.median(spots))
        off = [abs(spot / middle - 1) for spot in spots]
        assert sum(one > 0.01 for one in off) <= 1
        strays += max(off) > 0.03
    assert 1 <= strays <= 60


def test_a_symbol_it_does_not_have():
    with pytest.raises(UnknownSymbol, match="replay or manual"):
        synthetic(ticks={"ABCUSDT": Decimal("0.1")})


# --- replay ----------------------------------------------------------------------------------------------------------

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_NS = int(FIRST.timestamp()) * SECOND_NS
BARS = [  # open, high, low, close
    (100.0, 110.0, 95.0, 105.0),
    (105.0, 120.0, 100.0, 101.0),
    (101.0, 103.0, 99.0, 102.0),
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    times = [datetime.fromtimestamp(FIRST.timestamp() + 3_600 * hour, UTC) for hour in range(len(BARS))]
    columns = {name: [bar[at] for bar in BARS] for at, name in enumerate(("open", "high", "low", "close"))}
    there = Store(tmp_path / "store")
    key = SeriesKey("binance", "linear", "SOLUSDT", "trade", "1h")
    there.append(key, pl.DataFrame({"time": times, **columns, "volume": [5.0] * len(BARS)}), "test")
    raised = {name: [price + 1 for price in prices] for name, prices in columns.items()}
    there.append(
        SeriesKey("binance", "linear", "SOLUSDT", "mark", "1h"), pl.DataFrame({"time": times, **raised}), "test"
    )
    funding = pl.DataFrame({"time": [times[2]], "rate": [0.0003], "interval_h": [8.0]})
    there.append(SeriesKey("binance", "linear", "SOLUSDT", "funding", "event"), funding, "test")
    return tmp_path / "store"


def replay(store: Path | None, side: int, **changes) -> ReplayPrices:
    blank = Setup(created_ns=0, start_ns=0, symbols=(), prices="replay")
    named = {"store": store, "venue": "binance", "interval": None, "symbols": None, "start_ns": None, **changes}
    return ReplayPrices(replay_setup(blank, **named), {"SOLUSDT": Decimal("0.01")}, lambda _: side)


def played(prices: ReplayPrices, stride_s: int = 3_600) -> list[tuple[int, float, float]]:
    out, now_ns = [], FIRST_NS - SECOND_NS
    while (next_ns := prices.next_ns(now_ns, stride_s * SECOND_NS)) is not None:
        now_ns = next_ns
        (quote,) = prices.quotes(now_ns)
        assert quote.mark is not None
        out.append(((now_ns - FIRST_NS) // SECOND_NS, float(quote.fair), float(quote.mark)))
    return out


@pytest.mark.parametrize(
    ("side", "corners"),
    [
        (-1, [100, 110, 95, 105, 105, 120, 100, 101, 101, 103, 99, 102]),
        (1, [100, 95, 110, 105, 105, 100, 120, 101, 101, 99, 103, 102]),
        (0, [100, 95, 110, 105, 105, 120, 100, 101, 101, 99, 103, 102]),
    ],
)
def test_inside_a_bar_what_hurts_comes_first(store, side, corners):
    seen = played(replay(store, side))
    assert [fair for _, fair, _ in seen] == corners
    assert [mark for _, _, mark in seen] == [price + 1 for price in corners]
    assert [at for at, _, _ in seen][:5] == [0, 1_200, 2_400, 3_599, 3_600]


def test_between_corners_the_price_runs_straight(store):
    seen = {at: fair for at, fair, _ in played(replay(store, -1), stride_s=30)}
    assert seen[30] == seen[60] == 100.0  # a bar stands at its open for a sixtieth of its time
    assert seen[630] == 105.0
    assert seen[1_800] == 102.5


def test_who_enters_while_a_bar_stands_at_its_open_has_the_way_that_hurts(store):
    """A rising bar would go low first: a short that is there a minute after the open, not at it, turns that round."""
    side = [0]
    blank = Setup(created_ns=0, start_ns=0, symbols=(), prices="replay")
    setup = replay_setup(blank, store=store, venue=None, interval=None, symbols=None, start_ns=None)
    prices = ReplayPrices(setup, {"SOLUSDT": Decimal("0.01")}, lambda _: side[0])
    (quote,) = prices.quotes(FIRST_NS + 30 * SECOND_NS)
    assert quote.fair == 100
    side[0] = -1
    (quote,) = prices.quotes(FIRST_NS + 1_200 * SECOND_NS)
    assert quote.fair == 110


def test_a_side_taken_at_the_open_counts_and_one_taken_later_does_not(store):
    sides = [0]
    blank = Setup(created_ns=0, start_ns=0, symbols=(), prices="replay")
    setup = replay_setup(blank, store=store, venue=None, interval=None, symbols=None, start_ns=None)
    prices = ReplayPrices(setup, {"SOLUSDT": Decimal("0.01")}, lambda _: sides[0])
    fairs = []
    now_ns = FIRST_NS - SECOND_NS
    while (next_ns := prices.next_ns(now_ns, HOUR_NS)) is not None:
        now_ns = next_ns
        fairs.append(float(prices.quotes(now_ns)[0].fair))
        if len(fairs) == 1:
            sides[0] = -1  # sold at the open of the first bar
        if len(fairs) == 6:
            sides[0] = 1  # turned round in the middle of the second
    assert fairs[:8] == [100, 110, 95, 105, 105, 120, 100, 101]
    assert fairs[8:] == [101, 99, 103, 102]


def test_the_coming_rate_stands_until_its_settlement(store):
    prices = replay(store, 0)
    rates = [prices.quotes(FIRST_NS + at * SECOND_NS)[0].rate for at in (0, 3_600, 7_200, 7_201)]
    assert rates == [Decimal("0.0003"), Decimal("0.0003"), Decimal("0.0003"), None]


def test_the_finest_candles_that_reach_the_start_are_played(store):
    there = Store(store)
    prices = {name: [1.0] for name in ("open", "high", "low", "close", "volume")}
    finer = pl.DataFrame({"time": [datetime(2026, 1, 1, tzinfo=UTC)], **prices})
    there.append(SeriesKey("binance", "linear", "SOLUSDT", "trade", "5m"), finer, "test")
    blank = Setup(created_ns=0, start_ns=0, symbols=(), prices="replay")

    def interval(start_ns: int | None) -> str:
        return replay_setup(blank, store=store, venue=None, interval=None, symbols=None, start_ns=start_ns).interval

    assert interval(FIRST_NS) == "1h"
    assert interval(None) == "5m"
    with pytest.raises(BadInput, match=r"SOLUSDT have together 5m candles from 2026-01-01.* to .*, 1h candles from"):
        interval(FIRST_NS + 9 * HOUR_NS)


def test_a_later_start_leaves_the_bars_before_it_as_history(store):
    prices = replay(store, 0, start_ns=FIRST_NS + HOUR_NS)
    bars = prices.history("SOLUSDT", "trade")
    assert bars is not None
    assert (bars.close.tolist(), bars.volume.tolist(), bars.step_ns) == ([105.0], [5.0], HOUR_NS)
    assert prices.next_ns(0, HOUR_NS) == FIRST_NS + HOUR_NS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_ns": FIRST_NS + 9 * HOUR_NS}, "is not in the store"),
        ({"symbols": ("BTCUSDT",)}, "no candles of BTCUSDT: `bearskin data fetch`"),
        ({"interval": "5m"}, "no 5m candles of SOLUSDT"),
        ({"venue": "bybit"}, "no candles of bybit"),
    ],
)
def test_replays_that_cannot_be(store, changes, said):
    with pytest.raises(BadInput, match=said):
        replay(store, 0, **changes)


def test_a_replay_without_a_store():
    with pytest.raises(BadInput, match="--store"):
        replay(None, 0)


def test_the_made_up_history_settled_at_its_interest():
    """Its bars lie at the index, so the premium is zero and the rate the interest: 0.01 % for each 8 hours."""
    contract = packaged_contracts(("BTCUSDT",), 0)[0]
    rows = synthetic().settled(contract)
    first_ns = START_NS // MINUTE_NS * MINUTE_NS - 120 * DAY_NS
    assert 359 <= len(rows) <= 361
    assert rows[0][0] - first_ns < 8 * HOUR_NS
    assert all(at % (8 * HOUR_NS) == 0 and first_ns <= at < START_NS for at, _ in rows)
    assert {rate for _, rate in rows} == {Decimal("0.0001")}
    often = msgspec.structs.replace(contract, funding_interval_h=4)
    assert {rate for _, rate in synthetic().settled(often)} == {Decimal("0.00005")}


@pytest.mark.parametrize(
    ("symbol", "cap"),
    [("BTCUSDT", "0.003"), ("SOLUSDT", "0.00375"), ("DOGEUSDT", "0.004875"), ("1000PEPEUSDT", "0.02")],
)
def test_funding_of_the_large_coins_is_capped_closer(symbol: str, cap: str):
    """As measured at the venue on 2026-09-26: BTC 0.300 %, SOL 0.375 %, DOGE 0.4875 %, most others 2 %."""
    assert packaged_contracts((symbol,), 0)[0].funding_cap_rate == Decimal(cap)


def test_a_replay_tells_the_stored_settlements_before_its_start(store):
    """At the whole minute, though the venue's stamps jitter; what settles from the start on is not yet history."""
    key = SeriesKey("binance", "linear", "SOLUSDT", "funding", "event")
    jittered = datetime.fromtimestamp(FIRST.timestamp() + 3_600.004, UTC)
    Store(store).append(key, pl.DataFrame({"time": [jittered], "rate": [-0.0002], "interval_h": [8.0]}), "test")
    contract = packaged_contracts(("SOLUSDT",), 0)[0]
    assert replay(store, 0, start_ns=FIRST_NS + 2 * HOUR_NS).settled(contract) == [
        (FIRST_NS + HOUR_NS, Decimal("-0.0002"))
    ]
    assert list(replay(store, 0).settled(contract)) == []
