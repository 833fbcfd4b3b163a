"""One synthetic coin, minute by minute: index, premium, crowd, forced orders, mark and funding (compiled).

The order inside a minute: the index moves; the premium drifts towards the crowd's lean; the mark's extremes are
taken; whoever is liquidated there is sold or bought out against the book, which moves the price, which may liquidate
more, for a few rounds; candles are closed; funding samples are taken; the crowd opens and closes; everything is
written down.

State lives in one float array (`s`) under the names below, the crowd in two arrays over log price: the coins whose
liquidation price lies in each bin. No clock, no dice: all randomness comes in as arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from bearskin.margin import clamp, funding_rate, mark_price

F8 = NDArray[np.float64]
MINUTES_PER_DAY = 1440
BIN = 0.001  # log width of a bin of the crowd's liquidation prices
ROUNDS_MAX = 10  # rounds of forced orders inside a minute
IMPACT_POWER = 0.875  # price moves with forced volume over depth to this power
THROUGH = 0.6  # part of a forced move that stays in the index (spot follows), the rest is premium and fades
FACTOR_SIGMA = 0.0005  # usual volatility of the factor per square root of a minute (FACTOR_VOL_DAY over sqrt(1440))
FADE = 0.9  # what is left of the fading part after a minute
INTEREST = 0.0001  # per 8 hours

# the slots of the state
(
    INDEX, PREMIUM, PUSH, LAST, MARK, BASIS, DRIFT, VOL_OWN, PENDING,
    FORCED_LONG, FORCED_SHORT, CROWD_LONG, CROWD_SHORT, PATIENT_LONG, PATIENT_SHORT, OI,
    SCALE_LONG, SCALE_SHORT, TOP_LONG, BOTTOM_SHORT, SURVIVAL, MOOD, TREND_DAY, TREND_WEEK,
    SAMPLES, SAMPLE_SUM, RATE, INTERVAL, CALM, VOLUME, TAKER_BUY, SIGMA,
) = range(32)  # fmt: skip
SLOTS = 32


_F = TypeVar("_F", bound=Callable[..., Any])
_entry: Callable[[_F], _F] = numba.njit(cache=True)
# Parts are inlined before compilation: one function to compile instead of twenty takes two thirds of the time.
_part: Callable[[_F], _F] = numba.njit(inline="always")


class Coin(NamedTuple):
    """The figures of one coin as the kernel reads them (log prices, quote units, fractions per minute)."""

    beta: float
    own_vol: float
    volume_usd: float
    oi_usd: float
    depth_usd: float
    premium_scale: float
    interval_h: float
    cap_rate: float
    stress_rate: float
    crowd_share: float
    grid_low: float
    first_minute: int


class Draws(NamedTuple):
    """What chance brings a coin, one value a minute: the shared factor and its volatility, then its own dice."""

    factor: F8
    factor_vol: F8
    own: F8
    own_jump: F8
    noise: F8  # [minute, 6] standard normals
    uniform: F8  # [minute, 2] in (0, 1]


class Book(NamedTuple):
    """The crowd: coins by bin of liquidation price; log distance and share of openings per kind of trader."""

    longs: F8
    shorts: F8
    long_distance: F8
    short_distance: F8
    share: F8


class Minutes(NamedTuple):
    """What is written down, one row a minute; `spot` is the index; prices are logs, quantities coins."""

    last: F8  # [minute, 4] open high low close
    mark: F8
    spot: F8
    flow: F8  # [minute, 2] volume and taker buys in coins
    forced: F8  # [minute, 2] longs sold out, shorts bought in, in coins
    crowd: F8  # [minute, 5] open interest, all longs, all shorts, leveraged longs, leveraged shorts
    funding: F8  # [minute, 2] rate settled at the minute's start (nan: none) and its interval in hours


@_part
def season(minute: int) -> float:
    """Activity through the day: low around 04 UTC, high around 15 UTC."""
    return 1.0 + 0.3 * math.sin(2.0 * math.pi * (minute % 1440 - 570) / 1440.0)


@_entry
def factor_path(shock: F8, jump: F8, noise: F8, vol: float, first_minute: int) -> tuple[F8, F8]:
    """The return all coins share, and its volatility relative to the usual.

    Log volatility is the sum of a quick and a slow mean-reverting part (half-lives of four hours and eight days); a
    jump is spread over some minutes and leaves the quick part excited, so that storms come in clusters.
    """
    n = len(shock)
    out, relative = np.empty(n), np.empty(n)
    keep_quick, keep_slow = 0.5 ** (1.0 / 240.0), 0.5 ** (1.0 / 11520.0)
    kick_quick = 0.45 * math.sqrt(1.0 - keep_quick**2)
    kick_slow = 0.45 * math.sqrt(1.0 - keep_slow**2)
    quick, slow, pending = 0.5 * noise[0, 0], 0.45 * noise[0, 1], 0.0
    for t in range(n):
        quick = keep_quick * quick + kick_quick * noise[t, 0]
        slow = keep_slow * slow + kick_slow * noise[t, 1]
        if jump[t] != 0.0:
            quick = min(quick + 1.2, 2.5)
            pending += jump[t]
        relative[t] = math.exp(quick + slow - 0.25) * season(first_minute + t)
        out[t] = relative[t] * vol * shock[t] + 0.25 * pending
        pending *= 0.75
    return out, relative


@_part
def _mark_of(s: F8, index: float, last: float, hours_left: float) -> float:
    """Log mark: the venue's median of three, which is the same in logs: what multiplies is added."""
    due = s[RATE] * hours_left / s[INTERVAL]
    mean_basis = 0.5 * (s[BASIS] + last - index)
    return float(mark_price(index + due, index + mean_basis, last))


@_part
def _bin_of(coin: Coin, bins: int, log_price: float) -> int:
    return min(max(int((log_price - coin.grid_low) / BIN), 0), bins - 1)


@_part
def _sweep_longs(s: F8, longs: F8, floor_bin: int) -> float:
    """Take every long whose liquidation price is above the mark's bin out of the book; returns coins."""
    taken = 0.0
    top = int(s[TOP_LONG])
    while top > floor_bin:
        taken += longs[top]
        longs[top] = 0.0
        top -= 1
    s[TOP_LONG] = top
    return float(taken * s[SCALE_LONG])


@_part
def _sweep_shorts(s: F8, shorts: F8, ceiling_bin: int) -> float:
    """The mirror of `_sweep_longs`."""
    taken = 0.0
    bottom = int(s[BOTTOM_SHORT])
    while bottom < ceiling_bin:
        taken += shorts[bottom]
        shorts[bottom] = 0.0
        bottom += 1
    s[BOTTOM_SHORT] = bottom
    return float(taken * s[SCALE_SHORT])


@_part
def _patient_trade(s: F8, bought: float) -> None:
    """The patient side takes the other side of what the crowd bought net (negative: sold), half of it by closing.

    Every long has its short: all longs and all shorts change by the same quantity, which is the change of open
    interest.
    """
    if bought > 0.0:
        closed = min(s[PATIENT_LONG], 0.5 * bought)
        s[PATIENT_LONG] -= closed
        s[PATIENT_SHORT] += bought - closed
    else:
        closed = min(s[PATIENT_SHORT], -0.5 * bought)
        s[PATIENT_SHORT] -= closed
        s[PATIENT_LONG] += -bought - closed


@_part
def _force(coin: Coin, s: F8, longs: float, shorts: float) -> None:
    """Sell `longs` and buy in `shorts` (coins) against the book: the index keeps a part of the move, the rest fades."""
    for sign, coins in ((-1.0, longs), (1.0, shorts)):
        if coins <= 0.0:
            continue
        depth = coin.depth_usd * s[SURVIVAL]
        usd = coins * math.exp(s[LAST])
        move = min(0.01 * (usd / depth) ** IMPACT_POWER, 0.04)
        s[INDEX] += sign * THROUGH * move
        s[PUSH] += sign * (1.0 - THROUGH) * move
        s[LAST] += sign * move
        s[SURVIVAL] = max(0.15, s[SURVIVAL] * math.exp(-6.0 * move))
    s[FORCED_LONG] += longs
    s[FORCED_SHORT] += shorts
    s[CROWD_LONG] = max(s[CROWD_LONG] - longs, 0.0)
    s[CROWD_SHORT] = max(s[CROWD_SHORT] - shorts, 0.0)
    _patient_trade(s, shorts - longs)
    s[OI] = s[CROWD_LONG] + s[PATIENT_LONG]


@_part
def _move(coin: Coin, draws: Draws, s: F8, t: int) -> None:
    """The index and the premium of the next minute, before anybody is forced."""
    noise = draws.noise[t]
    s[VOL_OWN] = 0.998 * s[VOL_OWN] + 0.028 * noise[0]  # log volatility of its own, half-life six hours
    if draws.own_jump[t] != 0.0:
        s[VOL_OWN] = min(s[VOL_OWN] + 0.8, 1.8)
        s[PENDING] += draws.own_jump[t]
    relative = math.exp(s[VOL_OWN] - 0.1) * math.sqrt(draws.factor_vol[t])
    own = coin.own_vol * relative * draws.own[t]
    s[SIGMA] = math.sqrt((coin.beta * FACTOR_SIGMA * draws.factor_vol[t]) ** 2 + (coin.own_vol * relative) ** 2)
    s[DRIFT] = 0.9999 * s[DRIFT] + 0.00006 * coin.own_vol * noise[1]  # slow trends, half-life five days
    step = coin.beta * draws.factor[t] + own + 0.25 * s[PENDING] + s[DRIFT] - 0.5 * s[SIGMA] ** 2
    s[PENDING] *= 0.75
    s[INDEX] += min(max(step, -0.08), 0.08)
    lean = (s[CROWD_LONG] - s[CROWD_SHORT]) / max(s[CROWD_LONG] + s[CROWD_SHORT], 1e-12)
    target = coin.premium_scale * (lean + 0.15 * s[MOOD]) * min(draws.factor_vol[t], 3.0) ** 0.5
    jitter = 0.05 * coin.premium_scale * min(relative, 3.0) * noise[2]
    s[PREMIUM] += (target - s[PREMIUM]) / 240.0 + jitter
    s[PUSH] *= FADE
    s[SURVIVAL] += (1.0 - s[SURVIVAL]) * 0.067  # the book comes back with a half-life of ten minutes
    bounce = 0.1 * coin.premium_scale * min(relative, 3.0) * noise[5]  # takers lift the offer or hit the bid
    s[LAST] = s[INDEX] + s[PREMIUM] + s[PUSH] + bounce


@_part
def _bridge(first: float, last: float, sigma: float, u_high: float, u_low: float) -> tuple[float, float]:
    """Highest and lowest point of a Brownian bridge between two log prices (each by itself exact)."""
    spread = (last - first) ** 2
    high = 0.5 * (first + last + math.sqrt(spread - 2.0 * sigma**2 * math.log(u_high)))
    low = 0.5 * (first + last - math.sqrt(spread - 2.0 * sigma**2 * math.log(u_low)))
    return high, low


@_part
def _cascade(coin: Coin, book: Book, s: F8, out: Minutes, t: int, hours_left: float) -> None:
    """Liquidate what the mark has reached, move the price by it, look again; then close the minute's candles."""
    last, mark, index = out.last[t], out.mark[t], out.spot[t]
    bins = len(book.longs)
    for _ in range(ROUNDS_MAX):
        now = _mark_of(s, s[INDEX], s[LAST], hours_left)
        mark[1], mark[2] = max(mark[1], now), min(mark[2], now)
        longs = _sweep_longs(s, book.longs, _bin_of(coin, bins, mark[2]))
        shorts = _sweep_shorts(s, book.shorts, _bin_of(coin, bins, mark[1]))
        if longs <= 0.0 and shorts <= 0.0:
            break
        _force(coin, s, longs, shorts)
        last[1], last[2] = max(last[1], s[LAST]), min(last[2], s[LAST])
        index[1], index[2] = max(index[1], s[INDEX]), min(index[2], s[INDEX])
    s[MARK] = _mark_of(s, s[INDEX], s[LAST], hours_left)
    for row, value in ((last, s[LAST]), (mark, s[MARK]), (index, s[INDEX])):
        row[1], row[2], row[3] = max(row[1], value), min(row[2], value), value
    s[BASIS] = s[LAST] - s[INDEX]


@_part
def _open_candles(s: F8, out: Minutes, t: int, before: tuple[float, float, float], draws: Draws, left: float) -> None:
    """Opens are the closes before; highs and lows come from one bridge of the index, lifted by each price's basis."""
    last0, mark0, index0 = before
    high, low = _bridge(index0, s[INDEX], s[SIGMA], draws.uniform[t, 0], draws.uniform[t, 1])
    basis = 0.5 * (s[BASIS] + s[LAST] - s[INDEX])
    mark1 = _mark_of(s, s[INDEX], s[LAST], left)
    mark_basis = 0.5 * (mark0 - index0 + mark1 - s[INDEX])
    rows = (
        (out.last[t], last0, s[LAST], basis),
        (out.mark[t], mark0, mark1, mark_basis),
        (out.spot[t], index0, s[INDEX], 0.0),
    )
    for row, first, end, lift in rows:
        row[0] = first
        row[1] = max(first, end, high + lift)
        row[2] = min(first, end, low + lift)


@_part
def _fund(coin: Coin, s: F8, out: Minutes, t: int) -> float:
    """Settle at the minute's start if it is due, and say how many hours remain to the next settlement.

    The rate is the premium's mean with weights 1..n, pulled to interest inside the clamp, over 8 / interval, cut at
    the cap. A rate of `stress_rate` or more halves the interval (8, 4, 1 hours); after two calm days it returns at
    once to normal, at a settlement of the normal interval, so that an interval is always the time since the last
    settlement.
    """
    out.funding[t, 0] = out.funding[t, 1] = math.nan
    minute = coin.first_minute + t
    due = int(s[INTERVAL]) * 60
    if minute % due == 0 and s[SAMPLES] > 0.0:
        mean = s[SAMPLE_SUM] / (0.5 * s[SAMPLES] * (s[SAMPLES] + 1.0))
        s[RATE] = clamp(funding_rate(mean, INTEREST, s[INTERVAL]), -coin.cap_rate, coin.cap_rate)
        out.funding[t, 0], out.funding[t, 1] = s[RATE], s[INTERVAL]
        s[SAMPLES] = s[SAMPLE_SUM] = 0.0
        if abs(s[RATE]) >= coin.stress_rate * s[INTERVAL] / 8.0:
            s[INTERVAL] = 4.0 if s[INTERVAL] > 4.0 else 1.0
            s[CALM] = 0.0
        elif s[CALM] >= 2.0 * MINUTES_PER_DAY and minute % int(coin.interval_h * 60) == 0:
            s[INTERVAL] = coin.interval_h
    s[CALM] += 1.0
    due = int(s[INTERVAL]) * 60
    return (due - minute % due) / 60.0


@_part
def _sample(s: F8, spread: float) -> None:
    """One premium sample: impact bid over index or index over impact ask, nothing inside the spread."""
    basis = s[LAST] - s[INDEX]
    premium = max(0.0, basis - spread) - max(0.0, -basis - spread)
    s[SAMPLES] += 1.0
    s[SAMPLE_SUM] += s[SAMPLES] * premium


@_part
def _place(coin: Coin, book: Book, s: F8, longs: float, shorts: float) -> None:
    """Put newly opened positions (coins) into the bins of their liquidation prices."""
    bins = len(book.longs)
    below, above = _bin_of(coin, bins, s[MARK]) - 1, _bin_of(coin, bins, s[MARK]) + 1
    for kind in range(len(book.share)):
        low = min(_bin_of(coin, bins, s[LAST] - book.long_distance[kind]), below)
        high = max(_bin_of(coin, bins, s[LAST] + book.short_distance[kind]), above)
        book.longs[low] += longs * book.share[kind] / s[SCALE_LONG]
        book.shorts[high] += shorts * book.share[kind] / s[SCALE_SHORT]
        s[TOP_LONG] = max(s[TOP_LONG], low)
        s[BOTTOM_SHORT] = min(s[BOTTOM_SHORT], high)


@_part
def _renormalise(s: F8, book: Book) -> None:
    """Voluntary closes shrink one number per side; before it gets too small it is multiplied out."""
    for slot, coins in ((SCALE_LONG, book.longs), (SCALE_SHORT, book.shorts)):
        if s[slot] < 1e-6:
            coins *= s[slot]
            s[slot] = 1.0


@_part
def _crowd(coin: Coin, book: Book, s: F8, ret: float, noise: F8) -> None:
    """The crowd follows the trend, dislikes paying funding, trades with activity; the patient take the other side."""
    day_vol = 38.0 * s[SIGMA]
    s[TREND_DAY] += ret - s[TREND_DAY] / 720.0
    s[TREND_WEEK] += ret - s[TREND_WEEK] / 4320.0
    s[MOOD] = 0.9995 * s[MOOD] + 0.013 * noise[3]
    pull = 0.5 * s[TREND_DAY] / day_vol + 0.3 * s[TREND_WEEK] / (2.4 * day_vol) + 0.8 * s[MOOD] + 0.15
    taste = math.tanh(pull - 250.0 * s[RATE] * 8.0 / s[INTERVAL])
    price = math.exp(s[LAST])
    activity = min(s[VOLUME] * price / coin.volume_usd, 6.0)
    churn = (0.3 + 0.7 * activity) / MINUTES_PER_DAY
    wanted = coin.crowd_share * coin.oi_usd / price
    opened_long, opened_short = wanted * churn * (1.0 + 0.6 * taste), wanted * churn * (1.0 - 0.6 * taste)
    leave_long, leave_short = min(churn, 0.5), min(churn, 0.5)
    bought = opened_long - leave_long * s[CROWD_LONG] - opened_short + leave_short * s[CROWD_SHORT]
    s[CROWD_LONG] += opened_long - leave_long * s[CROWD_LONG]
    s[CROWD_SHORT] += opened_short - leave_short * s[CROWD_SHORT]
    s[SCALE_LONG] *= 1.0 - leave_long
    s[SCALE_SHORT] *= 1.0 - leave_short
    _place(coin, book, s, opened_long, opened_short)
    _renormalise(s, book)
    _patient_trade(s, bought)
    wanted_patient = (1.0 - coin.crowd_share) * coin.oi_usd / price
    spare = min(s[PATIENT_LONG], s[PATIENT_SHORT])
    paired = max((wanted_patient - spare) * 0.5 / MINUTES_PER_DAY, -spare)  # the patient among themselves
    s[PATIENT_LONG] += paired
    s[PATIENT_SHORT] += paired
    s[OI] = s[CROWD_LONG] + s[PATIENT_LONG]


@_part
def _flow(coin: Coin, s: F8, draws: Draws, t: int, ret: float) -> None:
    """Volume grows with volatility and the size of the move, takers lean with the move; forced orders come on top."""
    noise = draws.noise[t]
    surprise = min(abs(ret) / s[SIGMA], 8.0)
    shape = (0.55 + 0.45 * surprise) * math.exp(0.45 * noise[4] - 0.1) * min(draws.factor_vol[t], 6.0)
    volume = coin.volume_usd * shape / math.exp(s[LAST])
    side = math.tanh(0.25 * ret / s[SIGMA] + 0.18 * noise[5])
    s[TAKER_BUY] = 0.5 * volume * (1.0 + side) + s[FORCED_SHORT]
    s[VOLUME] = volume + s[FORCED_LONG] + s[FORCED_SHORT]


@_part
def _write(s: F8, out: Minutes, t: int) -> None:
    out.flow[t, 0], out.flow[t, 1] = s[VOLUME], s[TAKER_BUY]
    out.forced[t, 0], out.forced[t, 1] = s[FORCED_LONG], s[FORCED_SHORT]
    out.crowd[t, 0] = s[OI]
    out.crowd[t, 1], out.crowd[t, 2] = s[CROWD_LONG] + s[PATIENT_LONG], s[CROWD_SHORT] + s[PATIENT_SHORT]
    out.crowd[t, 3], out.crowd[t, 4] = s[CROWD_LONG], s[CROWD_SHORT]


@_entry
def walk(coin: Coin, draws: Draws, book: Book, s: F8, out: Minutes) -> None:
    """Run the coin through all minutes of `draws`, filling `out`; `book` and `s` are left as they are at the end."""
    for t in range(len(draws.own)):
        left = _fund(coin, s, out, t)
        before = (s[LAST], s[MARK], s[INDEX])
        s[FORCED_LONG] = s[FORCED_SHORT] = 0.0
        _move(coin, draws, s, t)
        _open_candles(s, out, t, before, draws, left)
        _cascade(coin, book, s, out, t, left)
        ret = s[LAST] - before[0]
        _sample(s, 0.1 * coin.premium_scale)
        _flow(coin, s, draws, t, ret)
        _crowd(coin, book, s, ret, draws.noise[t])
        _write(s, out, t)
