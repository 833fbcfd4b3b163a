"""Panels: marks on their bars, settlements on their minute, and nothing made up without a label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from unit.market.made import BTC_1H, START_NS, candles, funding, times, together

from bearskin.market import SENTIMENT, Panel, SeriesKey, Store, list_symbols, load_panel
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, BadInput, Product, StoreBroken, UnknownSymbol, interval_ns


def key(kind: str, interval: str, symbol: str = "BTCUSDT") -> SeriesKey:
    return SeriesKey("binance", "linear", symbol, kind, interval)


def load(store: Store, interval: str = "1h", **span: int) -> Panel:
    return load_panel(store, venue="binance", symbol="BTCUSDT", interval=interval, **span)


def marks(frame: pl.DataFrame, basis: float = 0.0) -> pl.DataFrame:
    """Mark candles beside trade candles."""
    return frame.select("time", *(pl.col(name) + basis for name in ("open", "high", "low", "close")))


def test_candles_become_arrays_with_their_instrument(tmp_path: Path) -> None:
    """No mark, no funding, no quote volume: None, and the panel says that last stands in."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(48), "x")
    panel = load(store)
    assert len(panel) == 48
    assert panel.close.tolist() == candles(48)["close"].to_list()
    assert panel.time_ns.dtype == np.int64
    assert (panel.mark_open, panel.funding, panel.quote_volume, panel.open_interest) == (None, None, None, None)
    assert panel.notes == ("no mark: last stands in",)
    assert panel.instrument.tick * 10 == 1
    assert panel.known_ns(47) == START_NS + 48 * HOUR_NS
    panel.close[0] = 1.0  # the arrays are the caller's own


def test_a_span_is_half_open_and_must_hold_a_bar(tmp_path: Path) -> None:
    """From the first open on, before the end; outside it says what there is."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(48), "x")
    panel = load(store, start_ns=START_NS + HOUR_NS, end_ns=START_NS + 4 * HOUR_NS)
    assert panel.time_ns.tolist() == [START_NS + n * HOUR_NS for n in (1, 2, 3)]
    with pytest.raises(BadInput, match="it has 2025-03-01T00:00:00Z to 2025-03-02T23:00:00Z"):
        load(store, start_ns=START_NS + 100 * DAY_NS)


def test_a_mark_of_the_same_interval_is_laid_on_its_bars(tmp_path: Path) -> None:
    """Where a mark bar is missing the trade bar stands in and is flagged, never filled from a neighbour."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    store.append(key("mark", "1h"), marks(candles(24), 0.25).filter(pl.int_range(pl.len()) != 7), "x")
    panel = load(store)
    assert panel.mark_missing is not None
    assert panel.mark_low is not None
    assert np.flatnonzero(panel.mark_missing).tolist() == [7]
    assert np.allclose(np.delete(panel.mark_low - panel.low, 7), 0.25)
    assert panel.mark_low[7] == panel.low[7]
    assert not panel.mark_estimated
    assert panel.notes == ("mark missing on 1 of 24 bars (1h): last stands in",)


def test_a_finer_mark_is_put_together(tmp_path: Path) -> None:
    """Hours from five-minute marks; an hour that lacks one of its twelve is missing."""
    store = Store(tmp_path)
    fine = candles(48, "5m")
    store.append(BTC_1H, together(fine, "1h"), "x")
    store.append(key("mark", "5m"), marks(fine).filter(pl.int_range(pl.len()) != 13), "x")
    panel = load(store)
    assert panel.mark_missing is not None
    assert panel.mark_missing.tolist() == [False, True, False, False]
    assert panel.mark_high is not None
    assert panel.mark_high.tolist() == panel.high.tolist()


def test_a_coarser_mark_is_estimated_and_says_so(tmp_path: Path) -> None:
    """Basis 1.0 at the first hour's open and 3.0 at its close: last plus a basis that runs straight between them."""
    store = Store(tmp_path)
    flat = candles(24, "5m").with_columns(open=pl.lit(100.0), high=pl.lit(100.5), low=pl.lit(99.5), close=pl.lit(100.0))
    store.append(key("trade", "5m"), flat, "x")
    mark = pl.DataFrame({"open": [101.0, 103.0], "high": [104.0] * 2, "low": [100.0] * 2, "close": [103.0, 103.0]})
    store.append(key("mark", "1h"), mark.insert_column(0, times(2)), "x")
    panel = load(store, "5m")
    assert panel.mark_estimated
    assert panel.mark_open is not None
    assert panel.mark_close is not None
    assert panel.mark_high is not None
    assert np.allclose(panel.mark_open[:12], 101.0 + np.arange(12) / 6)
    assert np.allclose(panel.mark_close[:11], panel.mark_open[1:12])
    assert np.allclose(panel.mark_open[12:], 103.0)
    assert (panel.mark_high <= 104.0).all()
    assert panel.notes == ("mark ESTIMATED from 1h: last plus basis interpolated between marks",)


def test_an_estimate_never_leaves_the_coarse_bars_own_range(tmp_path: Path) -> None:
    """Last crashed to 50 inside the hour; mark's hour says it never went below 95, so neither does the estimate."""
    store = Store(tmp_path)
    low = pl.when(pl.int_range(pl.len()) == 6).then(50.0).otherwise(99.5)
    fine = candles(12, "5m").with_columns(open=pl.lit(100.0), high=pl.lit(100.5), low=low, close=pl.lit(100.0))
    store.append(key("trade", "5m"), fine, "x")
    mark = pl.DataFrame({"open": [100.0], "high": [100.4], "low": [95.0], "close": [100.0]})
    store.append(key("mark", "1h"), mark.insert_column(0, times(1)), "x")
    panel = load(store, "5m")
    assert panel.mark_low is not None
    assert panel.mark_low[6] == 95.0
    assert panel.mark_high is not None
    assert panel.mark_high.max() == 100.4


def test_where_the_coarse_mark_has_a_hole_the_bars_have_none(tmp_path: Path) -> None:
    """Two hours marked, one not, one marked: the bars of the third are missing, not interpolated across."""
    store = Store(tmp_path)
    fine = candles(48, "5m")
    store.append(key("trade", "5m"), fine, "x")
    store.append(key("mark", "1h"), marks(together(fine, "1h")).filter(pl.int_range(pl.len()) != 2), "x")
    panel = load(store, "5m")
    assert panel.mark_missing is not None
    assert np.flatnonzero(panel.mark_missing).tolist() == list(range(24, 36))


def test_settlements_fall_on_their_minute_with_the_time_since_the_last(tmp_path: Path) -> None:
    """Those before the first bar only tell the first interval; one at the last bar's close belongs to the next."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    early = funding([8, 8, 4, 4, 8], start_ns=START_NS - 8 * HOUR_NS)
    jitter = early.with_columns(pl.col("time") + pl.duration(milliseconds=9))
    store.append(key("funding", "event"), jitter, "x")
    panel = load(store)
    assert panel.funding is not None
    assert panel.funding.time_ns.tolist() == [START_NS + n * HOUR_NS for n in (0, 8, 12, 16)]
    assert (panel.funding.interval_ns // HOUR_NS).tolist() == [8, 8, 4, 4]
    assert (panel.funding.time_ns % MINUTE_NS == 0).all()


def test_statistics_are_known_later_than_they_are_stamped(tmp_path: Path) -> None:
    """Open interest, ratio and sentiment come with the time from which a decision may use them."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    stamps = times(12, 5 * MINUTE_NS).to_frame()
    store.append(key("open-interest", "5m"), stamps.with_columns(oi=pl.lit(7.0), oi_usd=pl.lit(700.0)), "x")
    store.append(key("long-short", "5m"), stamps.with_columns(ratio=pl.lit(1.5)), "x")
    days = times(3, DAY_NS, START_NS - 2 * DAY_NS).to_frame()
    store.append(SENTIMENT, days.with_columns(value=pl.lit(20.0)), "x")
    panel = load(store)
    assert panel.open_interest is not None
    assert panel.long_short_ratio is not None
    assert panel.sentiment is not None
    assert (panel.open_interest.known_ns - panel.open_interest.time_ns == 5 * MINUTE_NS).all()
    assert panel.open_interest.value.tolist() == [7.0] * 12
    assert panel.long_short_ratio.value.tolist() == [1.5] * 12
    assert (panel.sentiment.known_ns - panel.sentiment.time_ns == HOUR_NS).all()


def test_open_interest_is_in_coins(tmp_path: Path) -> None:
    """A value of 700 is 700 over the close of the last bar complete by then; before the first close it is nothing."""
    store = Store(tmp_path)
    bars = candles(24)
    store.append(BTC_1H, bars, "x")
    stamps = times(30, 5 * MINUTE_NS, START_NS + 30 * MINUTE_NS).to_frame()
    store.append(key("open-interest", "5m"), stamps.with_columns(oi_usd=pl.lit(700.0)), "x")
    panel = load(store)
    assert panel.open_interest is not None
    assert panel.open_interest.time_ns[0] == START_NS + HOUR_NS
    assert panel.open_interest.value[0] == pytest.approx(700 / bars["close"][0])
    assert panel.open_interest.value[12] == pytest.approx(700 / bars["close"][1])
    assert "open-interest is oi_usd over the close of the last bar" in panel.notes


def test_the_spot_pair_lies_beside_the_contract(tmp_path: Path) -> None:
    """On the contract's bars, NaN where it has none; turnover is volume times close where the venue gives none."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    assert load(store).spot_close is None
    pair = SeriesKey("binance", "spot", "BTCUSDT", "trade", "1h")
    spot = candles(30, base=99.0)
    store.append(
        pair, spot.filter(pl.int_range(pl.len()) != 5).with_columns(taker_buy_volume=pl.col("volume") * 0.25), "x"
    )
    panel = load(store)
    assert panel.spot_close is not None
    assert panel.spot_quote_volume is not None
    assert panel.spot_buy_share is not None
    assert np.flatnonzero(np.isnan(panel.spot_close)).tolist() == [5]
    assert panel.spot_close[7] == spot["close"][7]
    assert panel.spot_quote_volume[7] == pytest.approx(spot["close"][7] * spot["volume"][7])
    assert np.nanmax(np.abs(panel.spot_buy_share - 0.25)) < 1e-12
    assert load_panel(store, venue="binance", product="spot", symbol="BTCUSDT", interval="1h").spot_close is None


def test_half_a_column_is_left_out_and_said(tmp_path: Path) -> None:
    """Quote volume for part of the bars would read as silence in the rest."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(10), "plain")
    store.append(BTC_1H, candles(24).with_columns(quote_volume=pl.lit(5.0)), "rich")
    panel = load(store)
    assert panel.quote_volume is None
    assert "quote_volume left out: 10 of 24 bars lack it" in panel.notes


def test_holes_in_the_bars_are_said(tmp_path: Path) -> None:
    """A gap stays a hole in time; the notes count it."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24).filter(~pl.int_range(pl.len()).is_between(5, 7)), "x")
    said = "1 holes, 3 bars missing, the widest from 2025-03-01T04:00:00Z to 2025-03-01T08:00:00Z"
    assert said in load(store).notes


def test_a_margin_pair_is_the_spot_pair_without_mark(tmp_path: Path) -> None:
    """Borrowed coin trades on the spot book, which knows no mark and no funding."""
    store = Store(tmp_path)
    store.append(SeriesKey("binance", "spot", "BTCUSDT", "trade", "1h"), candles(24), "x")
    panel = load_panel(store, venue="binance", product=Product.MARGIN, symbol="BTCUSDT", interval="1h")
    assert panel.instrument.product == Product.MARGIN
    assert (panel.mark_open, panel.notes) == (None, ())
    assert [found.symbol for found in list_symbols(store, "binance", Product.MARGIN, "1h")] == ["BTCUSDT"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """A misspelt symbol, an absent interval, an instrument nobody knows."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    with pytest.raises(UnknownSymbol, match="did you mean BTCUSDT"):
        load_panel(store, venue="binance", symbol="BTCUSD", interval="1h")
    with pytest.raises(UnknownSymbol, match=r"has no 5m candles of BTCUSDT .* only 1h"):
        load(store, "5m")
    own = SeriesKey("binance", "linear", "MYOWNUSDT", "trade", "1h")
    store.append(own, candles(24), "x")
    with pytest.raises(UnknownSymbol, match="'MYOWNUSDT' is not a linear instrument of binance"):
        load_panel(store, venue="binance", symbol="MYOWNUSDT", interval="1h")
    given = load(store).instrument
    assert len(load_panel(store, venue="binance", symbol="MYOWNUSDT", interval="1h", instrument=given)) == 24


def test_bars_out_of_order_are_not_used(tmp_path: Path) -> None:
    """A file changed by other hands stops the load and names the check."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    (path,) = store.files(BTC_1H)
    pl.read_parquet(path).reverse().write_parquet(path)
    with pytest.raises(StoreBroken, match="bearskin data check"):
        load(store)


def test_symbols_are_listed_with_their_reach(tmp_path: Path) -> None:
    """First and last bar, how many, and whether mark and funding are there."""
    store = Store(tmp_path)
    store.append(BTC_1H, candles(24), "x")
    store.append(key("mark", "8h"), marks(candles(3, "8h")), "x")
    store.append(key("trade", "1h", "ETHUSDT"), candles(10), "x")
    store.append(key("funding", "event", "ETHUSDT"), funding([8]), "x")
    listed = list_symbols(store, "binance", "linear", "1h")
    assert [(one.symbol, one.rows, one.has_mark, one.has_funding) for one in listed] == [
        ("BTCUSDT", 24, True, False),
        ("ETHUSDT", 10, False, True),
    ]
    assert listed[0].last_ns - listed[0].first_ns == 23 * interval_ns("1h")
    assert list_symbols(store, "okx", "linear", "1h") == []
