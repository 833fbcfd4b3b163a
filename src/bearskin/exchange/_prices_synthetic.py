"""A made-up market second by second: one factor, clusters of volatility, jumps, several spot sources around it.

The dice of a minute are keyed by seed, symbol and minute, so the same seed gives the same moves whenever the exchange
is started and at whatever speed it runs; the level goes on from where it stood.
"""

from __future__ import annotations

import decimal
import hashlib
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from bearskin.exchange._coins import coin_of, start_price
from bearskin.exchange._prices import F8, HISTORY_DAYS, Candles, Quote, on_tick
from bearskin.exchange._state import Contract
from bearskin.margin import funding_rate
from bearskin.terms import DAY_NS, HOUR_NS, MINUTE_NS, QUOTE, SECOND_NS

CENT_8 = Decimal("0.00000001")
SOURCES = ("spot-a", "spot-b", "spot-c", "spot-d")
FACTOR, FACTOR_VOL_DAY = "*", 0.019
SECONDS_DAY = 86_400
JUMPS_DAY, JUMP_SIZE = 5.0, 0.006
SOURCE_NOISE = 0.00005
OUTLIERS_DAY, OUTLIER_FROM, OUTLIER_TO = 6.0, 0.04, 0.09
PREMIUM_MEAN, PREMIUM_SIZE = 0.0001, 0.0004  # perpetuals trade a little above their index more often than below
PULL_DAY = 0.01  # share of the distance to the start price that is made good in a day
CAUGHT_UP_MINUTES = 240  # of a longer gap only the end is lived through
# knots of volatility and premium: how far apart they are and how much they weigh
_CLUSTERS = ((10 * 60, 0.35), (3 * 3_600, 0.40), (SECONDS_DAY, 0.30))
_PREMIUM_KNOT_S = 20 * 60


class SyntheticPrices:
    """The made-up market of `symbols`; `levels` are the last prices of an exchange that ran before.

    `ticks` are the price steps by symbol. The history ends at `start_ns` and at the start prices.
    """

    follows_wall = True

    def __init__(
        self,
        ticks: Mapping[str, Decimal],
        *,
        seed: int,
        start_ns: int,
        levels: Mapping[str, float] | None = None,
        from_ns: int | None = None,
    ) -> None:
        self._seed = seed
        self._ticks = dict(ticks)
        self._start_ns = start_ns
        self._starts = {symbol: start_price(symbol) for symbol in ticks}
        before = levels or {}
        self._logs = {symbol: math.log(before.get(symbol, price)) for symbol, price in self._starts.items()}
        self._second = (start_ns if from_ns is None else from_ns) // SECOND_NS
        self._minute = -1
        self._moves: dict[str, F8] = {}
        self._spots: dict[str, F8] = {}
        self._knots: dict[tuple[str, int, int], float] = {}
        self._histories: dict[str, Candles] = {}
        self._factor_history: tuple[F8, F8] | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols it makes."""
        return tuple(self._ticks)

    def next_ns(self, after_ns: int, stride_ns: int) -> int | None:
        """The next whole stride; it never ends."""
        return (after_ns // stride_ns + 1) * stride_ns

    def quotes(self, time_ns: int) -> Sequence[Quote]:
        """All symbols at a moment; moments that are skipped are lived through."""
        self._live_to(time_ns // SECOND_NS)
        at = self._second % 60
        # the history ends with perpetual and spot at one price, so the premium comes in from nothing
        opening = min(1.0, max(0.0, (self._second - self._start_ns // SECOND_NS) / _PREMIUM_KNOT_S))
        made = []
        for symbol, tick in self._ticks.items():
            index = math.exp(self._logs[symbol])
            strayed = PREMIUM_SIZE * self._smooth(f"premium/{symbol}", _PREMIUM_KNOT_S, self._second)
            premium = opening * (PREMIUM_MEAN + strayed)
            spots = self._spots[symbol][:, at]
            made.append(
                Quote(
                    symbol=symbol,
                    fair=on_tick(index * (1 + premium), tick),
                    sources={name: on_tick(index * float(off), tick) for name, off in zip(SOURCES, spots, strict=True)},
                )
            )
        return made

    def _live_to(self, second: int) -> None:
        if second - self._second > CAUGHT_UP_MINUTES * 60:
            self._second = second - CAUGHT_UP_MINUTES * 60
        if self._minute < 0:
            self._throw(self._second // 60)
        while self._second < second:
            # to the end of this minute at most, whose dice are at hand
            upto = min(second, self._second // 60 * 60 + 59)
            if upto > self._second:
                lo, hi = self._second % 60 + 1, upto % 60 + 1
                for symbol, moves in self._moves.items():
                    self._move(symbol, float(moves[lo:hi].sum()), hi - lo)
                self._second = upto
            else:
                self._throw(self._second // 60 + 1)
                self._second += 1
                for symbol, moves in self._moves.items():
                    self._move(symbol, float(moves[0]), 1)

    def _move(self, symbol: str, log_return: float, seconds: int) -> None:
        away = self._logs[symbol] - math.log(self._starts[symbol])
        self._logs[symbol] += log_return - away * PULL_DAY * seconds / SECONDS_DAY

    def _throw(self, minute: int) -> None:
        """The dice of one minute: moves of every second and what the spot sources are off by (as factors)."""
        self._minute = minute
        factor = self._minute_moves(FACTOR, minute, FACTOR_VOL_DAY, self._dice(FACTOR, minute))
        for symbol in self._ticks:
            dice = self._dice(symbol, minute)
            coin = coin_of(symbol)
            self._moves[symbol] = coin.beta * factor + self._minute_moves(symbol, minute, coin.vol_day, dice)
            spots = 1 + SOURCE_NOISE * dice.standard_normal((len(SOURCES), 60))
            if dice.random() < OUTLIERS_DAY / 1_440:
                which, begin, length = dice.integers(len(SOURCES)), dice.integers(50), dice.integers(5, 30)
                off = dice.uniform(OUTLIER_FROM, OUTLIER_TO) * dice.choice((-1, 1))
                spots[which, begin : begin + length] += off
            self._spots[symbol] = spots

    def _minute_moves(self, name: str, minute: int, vol_day: float, dice: np.random.Generator) -> F8:
        second = minute * 60
        heat = sum(weight * self._smooth(f"heat/{name}", knot, second) for knot, weight in _CLUSTERS)
        scale = vol_day / math.sqrt(SECONDS_DAY) * math.exp(heat - 0.18)
        moves: F8 = scale * dice.standard_normal(60)
        if dice.random() < JUMPS_DAY / 1_440:
            # news takes some seconds to be in the price
            at, length = int(dice.integers(50)), int(dice.integers(1, 8))
            size = dice.normal(0.0, JUMP_SIZE) * vol_day / FACTOR_VOL_DAY
            moves[at : at + length] += size / length
        return moves

    def _smooth(self, name: str, knot_s: int, second: int) -> float:
        """A wave through dice thrown every `knot_s` seconds, of about unit size, the same whenever asked."""
        left, along = divmod(second, knot_s)
        share = along / knot_s
        ease = share * share * (3 - 2 * share)
        return (1 - ease) * self._knot(name, knot_s, left) + ease * self._knot(name, knot_s, left + 1)

    def _knot(self, name: str, knot_s: int, at: int) -> float:
        key = (name, knot_s, at)
        found = self._knots.get(key)
        if found is None:
            if len(self._knots) > 4_096:
                self._knots.clear()
            found = self._knots[key] = float(self._dice(f"{name}/{knot_s}", at).standard_normal())
        return found

    def _dice(self, name: str, at: int) -> np.random.Generator:
        word = hashlib.blake2b(f"{self._seed}/{name}".encode(), digest_size=16).digest()
        key = np.frombuffer(word, dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, at]))

    # ---- what was before

    def history(self, symbol: str, kind: str) -> Candles | None:
        """One-minute bars of the days before the start, ending at the start price; mark and index ran with the trades.

        The arrays are shared between the kinds and must not be written to.
        """
        made = self._histories.get(symbol)
        if made is None:
            made = self._histories[symbol] = self._made(symbol)
        if kind == "trade":
            return made
        nothing = np.zeros(1)
        return made._replace(volume=nothing, quote_volume=nothing, trades=nothing.astype(np.int64), taker_buy=nothing)

    def _made(self, symbol: str) -> Candles:
        minutes = HISTORY_DAYS * 1_440
        last = self._start_ns // MINUTE_NS
        coin = coin_of(symbol)
        factor, heat = self._factor()
        own, own_heat = self._walk(symbol, coin.vol_day, minutes)
        logs = np.cumsum(coin.beta * factor + own)
        logs += math.log(self._starts[symbol]) - logs[-1]
        dice = self._dice(f"candles/{symbol}", last)
        spread = np.hypot(coin.beta * FACTOR_VOL_DAY * heat, coin.vol_day * own_heat) / math.sqrt(1_440)
        before = np.concatenate((logs[:1], logs[:-1]))
        # the highest and lowest point of a random walk between two known ends
        high = _extreme(before, logs, spread, dice.random(minutes))
        low = -_extreme(-before, -logs, spread, dice.random(minutes))
        tick = float(self._ticks[symbol])
        bars = [np.maximum(np.round(np.exp(x) / tick), 1.0) * tick for x in (before, high, low, logs)]
        activity = spread / spread.mean() * np.exp(0.4 * dice.standard_normal(minutes))
        quote = coin.volume_day / 1_440 * activity
        buyers = np.clip(0.5 + 20 * (logs - before) + 0.05 * dice.standard_normal(minutes), 0.05, 0.95)
        volume = quote / bars[3]
        return Candles(
            step_ns=MINUTE_NS,
            time_ns=(np.arange(last - minutes, last, dtype=np.int64)) * MINUTE_NS,
            open=bars[0],
            high=bars[1],
            low=bars[2],
            close=bars[3],
            volume=volume,
            quote_volume=quote,
            trades=(quote / 1_500).astype(np.int64) + 1,
            taker_buy=volume * buyers,
        )

    def settled(self, contract: Contract) -> Sequence[tuple[int, Decimal]]:
        """Settlements of the history at the contract's interest: its bars lie at the index, so there is no premium."""
        step_ns = contract.funding_interval_h * HOUR_NS
        with decimal.localcontext(QUOTE):
            rate = funding_rate(Decimal(0), contract.interest_rate_8h, contract.funding_interval_h).quantize(CENT_8)
        first_ns = self._start_ns // MINUTE_NS * MINUTE_NS - HISTORY_DAYS * DAY_NS
        return [(at, rate) for at in range(-(-first_ns // step_ns) * step_ns, self._start_ns, step_ns)]

    def _factor(self) -> tuple[F8, F8]:
        if self._factor_history is None:
            self._factor_history = self._walk(FACTOR, FACTOR_VOL_DAY, HISTORY_DAYS * 1_440)
        return self._factor_history

    def _walk(self, name: str, vol_day: float, minutes: int) -> tuple[F8, F8]:
        """Log returns by minute and the heat (volatility over its usual) they were drawn with."""
        dice = self._dice(f"walk/{name}", self._start_ns // DAY_NS)
        times = np.arange(minutes, dtype=np.float64)
        heat = np.full(minutes, -0.18)
        for knot_s, weight in _CLUSTERS:
            knots = np.arange(0, minutes + knot_s // 60, knot_s // 60, dtype=np.float64)
            heat += weight * np.interp(times, knots, dice.standard_normal(len(knots)))
        heat = np.exp(heat)
        moves = vol_day / math.sqrt(1_440) * heat * dice.standard_normal(minutes)
        jumps = dice.random(minutes) < JUMPS_DAY / 1_440
        moves += jumps * dice.normal(0.0, JUMP_SIZE * vol_day / FACTOR_VOL_DAY, minutes)
        return moves, heat


def _extreme(before: F8, after: F8, spread: F8, chance: F8) -> F8:
    """The maximum of a Brownian path with both ends known, drawn by inverting its distribution."""
    reach: F8 = np.sqrt((after - before) ** 2 - 2 * spread**2 * np.log(np.maximum(chance, 1e-12)))
    top: F8 = (before + after + reach) / 2
    return top


__all__ = ["HISTORY_DAYS", "SOURCES", "SyntheticPrices"]
