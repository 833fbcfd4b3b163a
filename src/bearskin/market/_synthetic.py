"""A made-up market from a seed, so that everything runs without a network (docs/synthetic.md says what is modelled).

The same seed gives the same market, minute by minute, whatever the bars: an hourly bar is the sum of its minutes.
Dice are drawn per symbol, keyed by its name, so that adding a symbol changes nothing in the others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bearskin.margin import arm, bracket_at, liquidation_price, tiers_of
from bearskin.market._brackets import load_brackets
from bearskin.market._keys import EVENT, SYNTHETIC_SENTIMENT, SeriesKey
from bearskin.market._store import AppendReport, Part, Store
from bearskin.market._synthetic_model import CROWD, SYMBOLS, CoinModel, coin_of
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, BadInput, Product, interval_ns, interval_word

if TYPE_CHECKING:
    from bearskin.market import _synthetic_kernel as kernel_types

Progress = Callable[[int, int, str], object]

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

VENUE = "synthetic"
METRICS_NS = 5 * MINUTE_NS  # open interest, ratios and taker volume come no finer than this
METRICS_LAG_NS = 5 * MINUTE_NS  # and are public this much later
SENTIMENT_LAG_NS = HOUR_NS
DEFAULT_START_NS = 1_735_689_600_000_000_000  # 2025-01-01
BURN_IN_DAYS = 6  # before the first bar, so that the crowd is in place
MINUTES_PER_DAY = 1440
FACTOR_VOL_DAY = 0.019
JUMPS_PER_YEAR, JUMP_SIZE, JUMP_MEAN = 26.0, 0.02, -0.005  # of the factor
OWN_JUMPS_PER_YEAR = 20.0  # of every coin, of the size of a day's own volatility
GRID_HALF_WIDTH = 8.0  # the crowd's bins reach from a three-thousandth to three thousand times the start price
TRADE_USD, LIQUIDATION_USD = 1_500.0, 3_000.0  # size of one print, for the counts


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticCoin:
    """Everything there is to know of one synthetic coin, as frames in the store's columns (without `source`).

    `crowd` is what no venue shows: at each metrics time all longs and all shorts and the leveraged part of each, in
    coins.
    """

    symbol: str
    trade: pl.DataFrame
    mark: pl.DataFrame
    index: pl.DataFrame
    funding: pl.DataFrame
    open_interest: pl.DataFrame
    long_short: pl.DataFrame
    taker: pl.DataFrame
    liquidations: pl.DataFrame
    crowd: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The days to make, in minutes, and how they are cut into bars."""

    seed: int
    start_ns: int
    days: int
    bar: int  # minutes
    metrics: int  # minutes

    @property
    def minutes(self) -> int:
        return (self.days + BURN_IN_DAYS) * MINUTES_PER_DAY

    @property
    def skipped(self) -> int:
        return BURN_IN_DAYS * MINUTES_PER_DAY

    @property
    def first_minute(self) -> int:
        return self.start_ns // MINUTE_NS - self.skipped

    def bar_times(self, step: int) -> I8:
        count = self.days * MINUTES_PER_DAY // step
        return self.start_ns + np.arange(count, dtype=np.int64) * step * MINUTE_NS


def synthetic_market(
    seed: int,
    symbols: Sequence[str] = SYMBOLS,
    days: int = 365,
    interval: str = "1h",
    start_ns: int = DEFAULT_START_NS,
) -> dict[str, SyntheticCoin]:
    """The coins `symbols` over `days` days from `start_ns`, in bars of `interval`; all of it in memory.

    Raises BadInput for a negative seed, no days, an interval that does not divide a day or a start off the day's
    beginning, UnknownSymbol for a symbol the model does not have.
    """
    return {coin.symbol: coin for coin in _coins(_span(seed, days, interval, start_ns), symbols)}


def write_synthetic(
    store: Store,
    *,
    seed: int,
    symbols: Sequence[str] = SYMBOLS,
    days: int = 365,
    interval: str = "1h",
    start_ns: int = DEFAULT_START_NS,
    progress: Progress | None = None,
) -> list[AppendReport]:
    """Make the market and append it to `store` as venue `synthetic`, coin by coin; doing it twice changes nothing.

    `progress` is told (coins written, coins in all, the coin written last). Raises as `synthetic_market` does;
    another seed or start in the same store is seen as a source that disagrees, and the first one stays.
    """
    span = _span(seed, days, interval, start_ns)
    source = f"synthetic-{seed}"
    mood = Part(key=SYNTHETIC_SENTIMENT, frame=synthetic_sentiment(seed, days, start_ns))
    reports: list[AppendReport] = []
    for done, coin in enumerate(_coins(span, symbols), 1):
        reports += store.append_all([*_parts(span, coin), mood][: None if done == 1 else -1], source)
        if progress is not None:
            progress(done, len(symbols), coin.symbol)
    return reports


def _parts(span: _Span, coin: SyntheticCoin) -> list[Part]:
    bar, metrics = (interval_word(minutes * MINUTE_NS) for minutes in (span.bar, span.metrics))
    series = {
        ("trade", bar): coin.trade,
        ("mark", bar): coin.mark,
        ("index", bar): coin.index,
        ("funding", EVENT): coin.funding,
        ("open-interest", metrics): coin.open_interest,
        ("long-short", metrics): coin.long_short,
        ("taker", metrics): coin.taker,
        ("liquidations", bar): coin.liquidations,
    }
    return [
        Part(key=SeriesKey(VENUE, Product.LINEAR, coin.symbol, kind, interval), frame=frame)
        for (kind, interval), frame in series.items()
        if len(frame)
    ]


def synthetic_sentiment(seed: int, days: int = 365, start_ns: int = DEFAULT_START_NS) -> pl.DataFrame:
    """A daily mood of the whole market between 0 (fear) and 100 (greed): columns time, value, known_at.

    It follows the shared factor: a month's trend lifts it, volatility lowers it, and a day's value is from the days
    before.
    """
    span = _span(seed, days, "1d", start_ns)
    returns, relative = _factor(span)
    daily = returns.reshape(-1, MINUTES_PER_DAY).sum(axis=1)
    fear = relative.reshape(-1, MINUTES_PER_DAY).mean(axis=1)
    dice = _dice(seed, 2).standard_normal(len(daily))
    mood = np.empty(len(daily))
    trend = heat = wobble = 0.0
    for day in range(len(daily)):
        trend, heat, wobble = 0.93 * trend + daily[day], 0.8 * heat + 0.2 * (fear[day] - 1.0), 0.8 * wobble + dice[day]
        mood[day] = 50.0 + 40.0 * math.tanh(1.4 * trend / (FACTOR_VOL_DAY * 3.8)) - 8.0 * heat + 3.0 * wobble
    value = np.clip(np.round(mood[BURN_IN_DAYS - 1 : -1]), 1.0, 99.0)
    times = span.bar_times(MINUTES_PER_DAY)
    return _frame(times, times + SENTIMENT_LAG_NS, value=value)


def _span(seed: int, days: int, interval: str, start_ns: int) -> _Span:
    length_ns = interval_ns(interval)
    if seed < 0:
        raise BadInput(f"the seed was {seed}: it must be 0 or more")
    if days < 1:
        raise BadInput(f"the synthetic market was asked for {days} days: it must be 1 or more")
    if length_ns % MINUTE_NS or DAY_NS % length_ns:
        raise BadInput(
            f"the synthetic market has no {interval} bars: the interval must be whole minutes and divide a day"
        )
    if start_ns % DAY_NS or start_ns < BURN_IN_DAYS * DAY_NS:
        raise BadInput(
            f"the synthetic market cannot start at {start_ns} ns: it starts at 00:00 UTC of a day after 1970-01-06"
        )
    metrics_ns = max(METRICS_NS, length_ns)
    return _Span(seed=seed, start_ns=start_ns, days=days, bar=length_ns // MINUTE_NS, metrics=metrics_ns // MINUTE_NS)


def _dice(seed: int, *key: int) -> np.random.Generator:
    """One stream of its own for every use, so that a longer market starts with the shorter one."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _shocks(dice: np.random.Generator, minutes: int) -> F8:
    """Student's t with four degrees of freedom, scaled to variance one."""
    return dice.standard_t(4, minutes) / math.sqrt(2.0)


def _jumps(when: np.random.Generator, size: np.random.Generator, minutes: int, per_year: float) -> F8:
    """Rare large moves in units of their size, zero in most minutes."""
    struck = when.random(minutes) < per_year / (365.0 * MINUTES_PER_DAY)
    return np.where(struck, _shocks(size, minutes), 0.0)


def _factor(span: _Span) -> tuple[F8, F8]:
    kernel = _kernel()
    shock, when, size, volatility = (_dice(span.seed, 0, stream) for stream in range(4))
    struck = _jumps(when, size, span.minutes, JUMPS_PER_YEAR)
    jump = np.where(struck != 0.0, JUMP_SIZE * struck + JUMP_MEAN, 0.0)
    noise = volatility.standard_normal((span.minutes, 2))
    vol = FACTOR_VOL_DAY / math.sqrt(MINUTES_PER_DAY)
    returns, relative = kernel.factor_path(_shocks(shock, span.minutes), jump, noise, vol, span.first_minute)
    # jumps lean down; what they take on average is given back in between, so that the market owes shorts nothing
    return returns - JUMPS_PER_YEAR * JUMP_MEAN / (365.0 * MINUTES_PER_DAY), relative


def _coins(span: _Span, symbols: Sequence[str]) -> Iterator[SyntheticCoin]:
    models = [coin_of(symbol) for symbol in symbols]  # an unknown one is refused before any work is done
    factor = _factor(span)
    for model in models:
        yield _coin_frames(span, model, _walk(span, model, *factor))


def _draws(span: _Span, model: CoinModel, factor: F8, factor_vol: F8) -> kernel_types.Draws:
    kernel = _kernel()
    name = int.from_bytes(hashlib.sha256(model.symbol.encode()).digest()[:4])
    own, when, size, noise, uniform = (_dice(span.seed, 1, name, stream) for stream in range(5))
    n = span.minutes
    draws: kernel_types.Draws = kernel.Draws(
        factor=factor,
        factor_vol=factor_vol,
        own=_shocks(own, n),
        own_jump=model.own_vol_day * _jumps(when, size, n, OWN_JUMPS_PER_YEAR),
        noise=noise.standard_normal((n, 6)),
        uniform=1.0 - uniform.random((n, 2)),
    )
    return draws


def _distances(model: CoinModel) -> tuple[F8, F8, F8]:
    """Log distance from entry to liquidation of longs and shorts by kind of trader, and its share of the crowd.

    By the venue's brackets and formula at the start price; in logs the distance hardly changes with the price.
    """
    brackets = load_brackets().get(VENUE, model.symbol)
    tiers, price = tiers_of(brackets, float), model.start_price
    rows = []
    for kind in CROWD:
        leverage = min(kind.leverage, brackets.rows[bracket_at(tiers, kind.notional_usd)].max_leverage)
        distances = []
        for notional in (kind.notional_usd, -kind.notional_usd):
            at = liquidation_price(tiers, notional / price, notional, kind.notional_usd / leverage)
            distances.append(abs(math.log(at / price)))
        rows.append((*distances, kind.share))
    long_log, short_log, share = (np.array(column) for column in zip(*rows, strict=True))
    return long_log, short_log, share


def _kernel() -> ModuleType:
    """The compiled part; the formulas it calls are armed before it is loaded."""
    arm(kernel_files=[Path(__file__).with_name("_synthetic_kernel.py")])
    from bearskin.market import _synthetic_kernel

    return _synthetic_kernel


def _walk(span: _Span, model: CoinModel, factor: F8, factor_vol: F8) -> kernel_types.Minutes:
    """The minutes of one coin from its dice; the crowd is built up in the burn-in."""
    kernel = _kernel()
    long_distance, short_distance, share = _distances(model)
    log_price = math.log(model.start_price)
    bins = int(2.0 * GRID_HALF_WIDTH / kernel.BIN)
    coin = kernel.Coin(
        beta=model.beta,
        own_vol=model.own_vol_day / math.sqrt(MINUTES_PER_DAY),
        volume_usd=model.volume_usd_day / MINUTES_PER_DAY,
        oi_usd=model.oi_usd,
        depth_usd=model.depth_usd,
        premium_scale=model.premium_scale,
        interval_h=float(model.funding_interval_h),
        cap_rate=model.funding_cap_rate,
        stress_rate=model.stress_rate,
        crowd_share=model.crowd_share,
        grid_low=log_price - GRID_HALF_WIDTH,
        first_minute=span.first_minute,
    )
    book = kernel.Book(np.zeros(bins), np.zeros(bins), long_distance, short_distance, share)
    state = np.zeros(kernel.SLOTS)
    state[[kernel.INDEX, kernel.LAST, kernel.MARK]] = log_price
    state[[kernel.SCALE_LONG, kernel.SCALE_SHORT, kernel.SURVIVAL]] = 1.0
    state[kernel.TOP_LONG], state[kernel.BOTTOM_SHORT] = -1.0, float(bins)
    state[kernel.INTERVAL] = coin.interval_h
    state[[kernel.PATIENT_LONG, kernel.PATIENT_SHORT, kernel.OI]] = model.oi_usd / model.start_price
    n = span.minutes
    widths = {"last": 4, "mark": 4, "spot": 4, "flow": 2, "forced": 2, "crowd": 5, "funding": 2}
    out: kernel_types.Minutes = kernel.Minutes(**{name: np.empty((n, width)) for name, width in widths.items()})
    kernel.walk(coin, _draws(span, model, factor, factor_vol), book, state, out)
    return out


def _utc(times_ns: I8) -> pl.Series:
    return pl.Series(times_ns, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))


def _frame(times_ns: I8, known_ns: I8, **columns: F8) -> pl.DataFrame:
    values = {name: pl.Series(values, dtype=pl.Float64) for name, values in columns.items()}
    return pl.DataFrame({"time": _utc(times_ns), **values, "known_at": _utc(known_ns)})


def _on_grid(counts: NDArray[np.int64] | F8, grid: Fraction) -> F8:
    """Counts of ticks or steps as the floats nearest to the decimal numbers a venue prints (3 × 0.1 is 0.3)."""
    return np.asarray(counts * float(grid.numerator) / float(grid.denominator), dtype=np.float64)


def _ticks(log_prices: F8, tick: Fraction) -> F8:
    return np.maximum(np.round(np.exp(log_prices) / float(tick)), 1.0)


def _bars(ticks: F8, minutes: int, tick: Fraction) -> dict[str, F8]:
    """Minute candles in ticks, [minute, 4], as bars of `minutes` in prices."""
    cut = ticks.reshape(-1, minutes, 4)
    open_, high, low, close = cut[:, 0, 0], cut[:, :, 1].max(axis=1), cut[:, :, 2].min(axis=1), cut[:, -1, 3]
    named = {"open": open_, "high": high, "low": low, "close": close}
    return {name: _on_grid(column, tick) for name, column in named.items()}


def _sums(per_minute: F8, minutes: int) -> F8:
    total: F8 = per_minute.reshape(-1, minutes).sum(axis=1)
    return total


def _coin_frames(span: _Span, model: CoinModel, run: kernel_types.Minutes) -> SyntheticCoin:
    tick, step = Fraction(model.tick), Fraction(model.step)
    kept = slice(span.skipped, None)
    last, mark, index = (_ticks(series[kept], tick) for series in (run.last, run.mark, run.spot))
    times, known = span.bar_times(span.bar), span.bar_times(span.bar) + span.bar * MINUTE_NS
    price = _on_grid(last.mean(axis=1), tick)  # mean of open, high, low and close of each minute
    volume = np.round(run.flow[kept, 0] / float(step))
    bought = np.minimum(np.round(run.flow[kept, 1] / float(step)), volume)
    quote = _on_grid(volume, step) * price
    trade = _frame(
        times,
        known,
        **_bars(last, span.bar, tick),
        volume=_on_grid(_sums(volume, span.bar), step),
        quote_volume=_sums(quote, span.bar),
        trades=_sums(np.ceil(quote / TRADE_USD), span.bar),
        taker_buy_volume=_on_grid(_sums(bought, span.bar), step),
    )
    mark_price = _on_grid(mark[:, 3], tick)
    return SyntheticCoin(
        symbol=model.symbol,
        trade=trade,
        mark=_frame(times, known, **_bars(mark, span.bar, tick)),
        index=_frame(times, known, **_bars(index, span.bar, tick)),
        funding=_funding_frame(span, run.funding[kept]),
        **_metrics_frames(span, run.crowd[kept], mark_price, volume, bought, step),
        liquidations=_liquidation_frame(span, run.forced[kept], mark_price, step),
    )


def _funding_frame(span: _Span, funding: F8) -> pl.DataFrame:
    settled = np.flatnonzero(~np.isnan(funding[:, 0]))
    times = span.start_ns + settled * MINUTE_NS
    return _frame(times, times, rate=np.round(funding[settled, 0], 8), interval_h=funding[settled, 1])


def _metrics_frames(
    span: _Span, crowd: F8, mark_price: F8, volume: F8, bought: F8, step: Fraction
) -> dict[str, pl.DataFrame]:
    """Open interest, long-short ratio and crowd at the end of each metrics interval; taker volume over it."""
    at = slice(span.metrics - 1, None, span.metrics)
    times = span.bar_times(span.metrics) + span.metrics * MINUTE_NS  # a sample is stamped with its own time
    known = times + METRICS_LAG_NS
    oi = _on_grid(np.round(crowd[at, 0] / float(step)), step)
    lean = (crowd[at, 3] - crowd[at, 4]) / (crowd[at, 3] + crowd[at, 4])
    buys, both = _sums(bought, span.metrics), _sums(volume, span.metrics)
    return {
        "open_interest": _frame(times, known, oi=oi, oi_usd=oi * mark_price[at]),
        "long_short": _frame(times, known, ratio=np.round(np.exp(0.3 + 1.6 * lean), 4).astype(np.float64)),
        "taker": _frame(times, known, buy_volume=_on_grid(buys, step), sell_volume=_on_grid(both - buys, step)),
        "crowd": _frame(
            times,
            known,
            longs=crowd[at, 1],
            shorts=crowd[at, 2],
            leveraged_longs=crowd[at, 3],
            leveraged_shorts=crowd[at, 4],
        ),
    }


def _liquidation_frame(span: _Span, forced: F8, mark_price: F8, step: Fraction) -> pl.DataFrame:
    """Longs sold out and shorts bought in over each bar, in quote units at mark and in orders; zero where none were."""
    times = span.bar_times(span.bar)
    usd = _on_grid(np.round(forced / float(step)), step) * mark_price[:, None]
    orders = np.ceil(usd / LIQUIDATION_USD)
    return _frame(
        times,
        times + span.bar * MINUTE_NS,
        long_usd=_sums(usd[:, 0], span.bar),
        short_usd=_sums(usd[:, 1], span.bar),
        long_count=_sums(orders[:, 0], span.bar),
        short_count=_sums(orders[:, 1], span.bar),
    )
