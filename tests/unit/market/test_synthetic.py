"""The made-up market: repeatable, well-formed, and with the traits it claims."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from bearskin.margin import clamp, funding_rate
from bearskin.market import (
    Store,
    SyntheticCoin,
    check_store,
    instrument_of,
    load_panel,
    synthetic_market,
    synthetic_sentiment,
)
from bearskin.market import _synthetic as made
from bearskin.market._synthetic import write_synthetic
from bearskin.market._synthetic_model import COINS, SYMBOLS
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, BadInput, UnknownSymbol, parse_time

DAYS = 120
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def market() -> dict[str, SyntheticCoin]:
    return synthetic_market(SEEDS[0], days=DAYS)


def hourly_returns(coin: SyntheticCoin) -> np.ndarray:
    return np.diff(np.log(coin.trade["close"].to_numpy()))


def frames_of(coin: SyntheticCoin) -> dict[str, pl.DataFrame]:
    return {name: getattr(coin, name) for name in SyntheticCoin.__slots__ if name != "symbol"}


def same(a: SyntheticCoin, b: SyntheticCoin) -> bool:
    ours, theirs = frames_of(a), frames_of(b)
    return all(ours[name].equals(theirs[name]) for name in ours)


def test_the_same_seed_gives_the_same_coin_and_another_seed_another():
    first, again = (synthetic_market(5, ["ETHUSDT"], 10)["ETHUSDT"] for _ in range(2))
    other = synthetic_market(6, ["ETHUSDT"], 10)["ETHUSDT"]
    assert same(first, again)
    assert not any(frame.equals(frames_of(other)[name]) for name, frame in frames_of(first).items())


def test_adding_a_symbol_or_asking_in_another_order_changes_no_other():
    alone = synthetic_market(5, ["SOLUSDT"], 10)["SOLUSDT"]
    among = synthetic_market(5, ["BTCUSDT", "SOLUSDT", "XRPUSDT"], 10)
    assert same(alone, among["SOLUSDT"])
    assert same(among["BTCUSDT"], synthetic_market(5, ["XRPUSDT", "BTCUSDT"], 10)["BTCUSDT"])


def test_more_days_do_not_change_those_before():
    short, long = (frames_of(synthetic_market(5, ["BTCUSDT"], days)["BTCUSDT"]) for days in (3, 5))
    for name, frame in short.items():
        assert long[name].head(len(frame)).equals(frame)
        assert len(long[name]) > len(frame)
    assert synthetic_sentiment(5, 5).head(3).equals(synthetic_sentiment(5, 3))


def test_coarse_bars_are_made_of_fine_ones():
    coarse, fine = (synthetic_market(3, ["DOGEUSDT"], 4, interval)["DOGEUSDT"] for interval in ("1h", "5m"))
    for name in ("trade", "mark", "index"):
        bars = (
            getattr(fine, name)
            .group_by_dynamic("time", every="1h")
            .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last())
        )
        assert bars.equals(getattr(coarse, name).select(bars.columns))
    assert fine.trade["volume"].sum() == pytest.approx(coarse.trade["volume"].sum(), rel=1e-12)
    assert fine.liquidations["long_usd"].sum() == pytest.approx(coarse.liquidations["long_usd"].sum(), rel=1e-12)
    assert fine.funding.equals(coarse.funding)
    assert fine.open_interest.filter(pl.col("time").dt.minute() == 0).equals(coarse.open_interest)


def test_candles_are_whole_valid_and_on_the_grid(market):
    for coin in market.values():
        tick, step = Fraction(COINS[coin.symbol].tick), Fraction(COINS[coin.symbol].step)
        for name in ("trade", "mark", "index"):
            bars = getattr(coin, name)
            time = bars["time"].dt.epoch("ns").to_numpy()
            assert len(bars) == DAYS * 24
            assert np.all(np.diff(time) == HOUR_NS)
            assert (bars["known_at"].dt.epoch("ns") - bars["time"].dt.epoch("ns") == HOUR_NS).all()
            o, h, low, c = (bars[column].to_numpy() for column in ("open", "high", "low", "close"))
            assert np.all(low > 0)
            assert np.all(low <= np.minimum(o, c))
            assert np.all(h >= np.maximum(o, c))
            assert np.all(o[1:] == c[:-1])
            for price in (*o[:50], *h[:50], *low[:50]):
                assert Fraction(Decimal(repr(float(price)))) % tick == 0  # as printed, not as binary noise
        volume, bought = coin.trade["volume"].to_numpy(), coin.trade["taker_buy_volume"].to_numpy()
        assert np.all((bought > 0) & (bought < volume))
        assert all(Fraction(Decimal(repr(float(v)))) % step == 0 for v in volume[:50])
        inside = (coin.trade["quote_volume"] / coin.trade["volume"]).is_between(coin.trade["low"], coin.trade["high"])
        assert inside.all()


def test_mark_and_index_are_not_the_last_price(market):
    for coin in market.values():
        basis = coin.trade["close"].to_numpy() / coin.index["close"].to_numpy() - 1
        assert 1e-4 < basis.std() < 5e-3
        distance = np.abs(np.log(coin.mark["close"].to_numpy() / coin.index["close"].to_numpy()))
        reach = np.abs(np.log(coin.trade["close"].to_numpy() / coin.index["close"].to_numpy()))
        assert distance.mean() < reach.mean() + 1e-4  # the median keeps mark nearer to the index
        assert not coin.mark["close"].equals(coin.trade["close"])


def test_tails_are_fat_and_volatility_clusters(market):
    for coin in market.values():
        returns = hourly_returns(coin)
        centred = returns - returns.mean()
        assert (centred**4).mean() / centred.var() ** 2 > 5.0  # a normal has 3
        size = np.abs(centred) - np.abs(centred).mean()
        lagged = {lag: (size[lag:] * size[:-lag]).mean() / size.var() for lag in (1, 24)}
        assert lagged[1] > 0.1
        assert lagged[24] > 0.02


def test_coins_move_together_and_calm_ones_move_less(market):
    together = np.corrcoef([hourly_returns(coin) for coin in market.values()])
    assert together[np.triu_indices(len(market), 1)].min() > 0.3
    deviation = {symbol: hourly_returns(coin).std() for symbol, coin in market.items()}
    assert deviation["BTCUSDT"] == min(deviation.values())
    assert 0.003 < deviation["BTCUSDT"] < 0.012
    assert deviation["1000PEPEUSDT"] == max(deviation.values())


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000PEPEUSDT"])
def test_funding_is_what_the_formula_makes_of_the_premium(symbol):
    model, coin = COINS[symbol], synthetic_market(1, [symbol], 60, "1m")[symbol]
    opens = coin.trade["time"].dt.epoch("ns").to_numpy()
    basis = np.log(coin.trade["close"].to_numpy() / coin.index["close"].to_numpy())
    spread = 0.1 * model.premium_scale  # inside the spread there is no premium
    premium = np.maximum(basis - spread, 0.0) - np.maximum(-basis - spread, 0.0)
    leans = []
    for time, rate, hours in coin.funding.select(pl.col("time").dt.epoch("ns"), "rate", "interval_h").rows()[1:]:
        period = premium[(opens >= time - hours * HOUR_NS) & (opens < time)]
        mean = np.average(period, weights=np.arange(1, len(period) + 1))
        expected = clamp(funding_rate(mean, 0.0001, hours), -model.funding_cap_rate, model.funding_cap_rate)
        assert rate == pytest.approx(expected, abs=2e-6)  # candles are rounded to the tick, samples are not
        if abs(mean) > 0.0007:
            leans.append(np.sign(mean) == np.sign(rate))
    assert len(leans) >= 5
    assert all(leans)


def test_a_settlement_comes_an_interval_after_the_last(market):
    for coin in market.values():
        gaps = np.diff(coin.funding["time"].dt.epoch("ns").to_numpy()) / HOUR_NS
        assert np.array_equal(gaps, coin.funding["interval_h"].to_numpy()[1:])
        normal = COINS[coin.symbol].funding_interval_h
        assert np.isclose(coin.funding["rate"], 0.0001 * normal / 8, atol=1e-9).mean() > 0.2  # interest and no more
        assert coin.funding["rate"].abs().max() <= COINS[coin.symbol].funding_cap_rate


def test_under_stress_the_interval_shortens_and_comes_back():
    coin = synthetic_market(2, ["1000PEPEUSDT"], 120)["1000PEPEUSDT"]
    hours = coin.funding["interval_h"]
    assert set(hours) == {1.0, 4.0}
    switched = hours.diff().fill_null(0.0)
    assert (switched < 0).any()
    assert (switched > 0).any()
    back = coin.funding.filter(switched > 0)["time"].dt.hour()
    assert (back % 4 == 0).all()


def test_every_long_has_its_short_and_open_interest_is_their_number(market):
    for coin in market.values():
        longs, shorts = coin.crowd["longs"].to_numpy(), coin.crowd["shorts"].to_numpy()
        assert np.allclose(longs, shorts, rtol=1e-9)
        assert np.allclose(coin.open_interest["oi"], longs, atol=float(COINS[coin.symbol].step))
        assert coin.open_interest["oi"].min() > 0
        for side in ("leveraged_longs", "leveraged_shorts"):
            assert coin.crowd[side].min() >= 0
            assert np.all(coin.crowd[side].to_numpy() <= longs * (1 + 1e-9))
        # funding is paid between the sides, so what all longs and all shorts get sums to zero
        paid = coin.funding["rate"].to_numpy()
        step = np.searchsorted(coin.crowd["time"].dt.epoch("ns"), coin.funding["time"].dt.epoch("ns")) - 1
        net = paid * (longs - shorts)[np.maximum(step, 0)]
        assert np.abs(net).max() <= 1e-9 * np.abs(paid).max() * longs.max()


def test_longs_are_liquidated_in_falls_and_shorts_in_rises(market):
    for coin in market.values():
        bars = coin.trade.join(coin.liquidations, on="time")
        move = np.log(bars["close"] / bars["open"]).to_numpy()
        longs, shorts = bars["long_usd"].to_numpy(), bars["short_usd"].to_numpy()
        assert longs.sum() > 0
        assert shorts.sum() > 0
        fell, rose = move < -0.01, move > 0.01
        assert longs[fell].sum() > 5 * longs[rose].sum()
        assert shorts[rose].sum() > 5 * shorts[fell].sum()
        worst = np.argsort(longs)[-20:]
        assert move[worst].mean() < -move.std()


def test_a_forced_order_needs_the_mark_to_move_against_it():
    coin = synthetic_market(2, ["SOLUSDT"], 20, "1m")["SOLUSDT"]
    struck = coin.mark.join(coin.liquidations, on="time", how="inner").filter(pl.col("long_usd") > 1e6)
    assert len(struck) > 3
    # a long sold out in a minute has been opened above that minute's lowest mark
    assert (struck["low"] < struck["open"]).all()


def test_volume_grows_with_volatility_and_takers_lean_with_the_move(market):
    for coin in market.values():
        move = np.log(coin.trade["close"] / coin.trade["open"]).to_numpy()
        volume = np.log(coin.trade["quote_volume"].to_numpy())
        assert np.corrcoef(volume, np.log(np.abs(move) + 1e-5))[0, 1] > 0.2
        lean = 2 * coin.trade["taker_buy_volume"] / coin.trade["volume"] - 1
        assert np.corrcoef(lean, move)[0, 1] > 0.4


def test_statistics_are_known_only_after_their_lag(market):
    coin = market["BTCUSDT"]
    for frame, lag in (
        (coin.open_interest, 5 * MINUTE_NS),
        (coin.long_short, 5 * MINUTE_NS),
        (coin.taker, 5 * MINUTE_NS),
    ):
        assert (frame["known_at"].dt.epoch("ns") - frame["time"].dt.epoch("ns") == lag).all()
        assert frame["time"].dt.epoch("ns")[0] == made.DEFAULT_START_NS + HOUR_NS  # stamped at the end of its hour
    assert (coin.funding["known_at"] == coin.funding["time"]).all()
    assert (coin.liquidations["known_at"] == coin.trade["known_at"]).all()


def test_the_mood_is_between_fear_and_greed_and_uses_only_days_before():
    mood = synthetic_sentiment(1, 60)
    assert len(mood) == 60
    assert mood["value"].is_between(1, 99).all()
    assert mood["value"].n_unique() > 10
    assert (mood["known_at"].dt.epoch("ns") - mood["time"].dt.epoch("ns") == HOUR_NS).all()


def test_ticks_and_steps_are_those_of_the_instruments():
    for symbol, model in COINS.items():
        instrument = instrument_of("synthetic", symbol, "linear")
        assert (instrument.tick, instrument.step) == (model.tick, model.step)


def test_written_to_a_store_it_reads_back_as_a_panel_and_twice_is_once(tmp_path):
    store = Store(tmp_path / "store")
    told = []
    given = {"seed": 9, "symbols": ["BTCUSDT", "DOGEUSDT"], "days": 5}
    reports = write_synthetic(store, **given, progress=lambda *words: told.append(words))
    assert told == [(1, 2, "BTCUSDT"), (2, 2, "DOGEUSDT")]
    assert {report.key.kind for report in reports} == {
        "trade", "mark", "index", "funding", "open-interest", "long-short", "taker", "liquidations", "sentiment",
    }  # fmt: skip
    again = write_synthetic(store, **given)
    assert sum(report.added + report.differing for report in again) == 0
    faults = check_store(store, now_ns=made.DEFAULT_START_NS + 5 * DAY_NS)
    assert {fault.code for fault in faults} <= {"funding-interval"}  # which really switches
    panel = load_panel(store, venue="synthetic", product="linear", symbol="DOGEUSDT", interval="1h")
    coin = synthetic_market(9, ["DOGEUSDT"], 5)["DOGEUSDT"]
    assert np.array_equal(panel.close, coin.trade["close"].to_numpy())
    assert np.array_equal(panel.mark_low, coin.mark["low"].to_numpy())
    assert panel.funding is not None
    assert panel.funding.rate[0] == coin.funding["rate"][0]
    assert panel.sentiment is not None
    assert np.array_equal(panel.sentiment.value, synthetic_sentiment(9, 5)["value"].to_numpy())
    assert panel.notes == ()


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"seed": -1}, BadInput, "-1"),
        ({"days": 0}, BadInput, "0 days"),
        ({"interval": "7m"}, BadInput, "7m"),
        ({"interval": "30s"}, BadInput, "30s"),
        ({"start_ns": parse_time("2025-01-01T00:30:00")}, BadInput, "00:00 UTC"),
        ({"symbols": ["FOOUSDT"]}, UnknownSymbol, "FOOUSDT"),
    ],
)
def test_what_cannot_be_made_is_refused(wrong, error, says):
    with pytest.raises(error, match=says):
        synthetic_market(**{"seed": 1, "symbols": ["BTCUSDT"], "days": 1, **wrong})


def test_bars_of_a_day_and_of_a_minute():
    assert len(synthetic_market(1, ["BTCUSDT"], 2, "1d")["BTCUSDT"].trade) == 2
    coin = synthetic_market(1, ["BTCUSDT"], 2, "1m")["BTCUSDT"]
    assert len(coin.trade) == 2 * 1440
    assert len(coin.open_interest) == 2 * 288  # no finer than five minutes
    assert DAY_NS % HOUR_NS == 0
    assert set(SYMBOLS) == set(COINS)
