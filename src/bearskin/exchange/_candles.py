"""Candles of every interval the venue has, made of one-minute candles that grow and of history handed in at the start.

A minute in which nothing happened has no candle of its own: it is filled in when asked for, at the last close and
without volume.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from bearskin.terms import BadInput

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
MONDAY_MS = 4 * DAY_MS  # the first Monday of the epoch
ZERO = Decimal(0)

Kind = Literal["trade", "mark", "index", "premium"]
KINDS: tuple[Kind, ...] = ("trade", "mark", "index", "premium")
Whole = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


class Candle(msgspec.Struct, array_like=True):
    """One candle. Volumes are coins, `quote` is their value; `buy_*` is what takers bought of them.

    For mark, index and premium there are no volumes and `count` is how often it was set.
    """

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    count: int = 0
    buy_volume: Decimal = ZERO
    buy_quote: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1

    def join(self, later: Candle) -> None:
        """Take in a candle that follows this one within the same interval."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote += later.quote
        self.count += later.count
        self.buy_volume += later.buy_volume
        self.buy_quote += later.buy_quote
        if later.first_id >= 0:
            self.last_id = later.last_id
            if self.first_id < 0:
                self.first_id = later.first_id

    def at(self, open_ms: int) -> Candle:
        """A copy that opens at `open_ms`."""
        return Candle(
            open_ms, self.open, self.high, self.low, self.close, self.volume, self.quote, self.count,
            self.buy_volume, self.buy_quote, self.first_id, self.last_id,
        )  # fmt: skip


def flat(open_ms: int, price: Decimal) -> Candle:
    """The candle of a time in which nothing happened."""
    return Candle(open_ms, price, price, price, price)


def trim(rows: list[Any], kept: int) -> None:
    """Drop the oldest rows when there are a quarter more than are kept: cheap for every single addition."""
    if len(rows) >= kept + (kept >> 2) + 1:
        del rows[:-kept]


# --- intervals -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of the venue. Its candles are counted from the epoch; months (`step_ms` 0) by the calendar."""

    name: str
    step_ms: int
    offset_ms: int = 0

    def place(self, time_ms: int) -> int:
        """The number of the candle that holds a time."""
        if self.step_ms:
            return (time_ms - self.offset_ms) // self.step_ms
        day = datetime.fromtimestamp(time_ms // 1000, UTC)
        return day.year * 12 + day.month - 1

    def open_ms(self, place: int) -> int:
        """When a candle opens."""
        if self.step_ms:
            return place * self.step_ms + self.offset_ms
        return int(datetime(place // 12, place % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000

    def places(self, times_ms: Whole) -> Whole:
        """As `place`, for many."""
        if self.step_ms:
            return (times_ms - self.offset_ms) // self.step_ms
        return times_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) + 1970 * 12

    @property
    def width_ms(self) -> int:
        """How long its shortest candle is."""
        return self.step_ms or 28 * DAY_MS


def _intervals() -> dict[str, Interval]:
    found = {
        f"{count}{unit}": Interval(f"{count}{unit}", count * size)
        for unit, size, counts in (
            ("m", MINUTE_MS, (1, 3, 5, 15, 30)), ("h", HOUR_MS, (1, 2, 4, 6, 8, 12)), ("d", DAY_MS, (1, 3)),
        )
        for count in counts
    }  # fmt: skip
    found["1w"] = Interval("1w", 7 * DAY_MS, MONDAY_MS)
    found["1M"] = Interval("1M", 0)
    return found


INTERVALS = _intervals()


# --- history that is handed in ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Candles from before the exchange was started, as columns, oldest first, each `step_ms` long."""

    step_ms: int
    open_ms: Whole
    open: Reals
    high: Reals
    low: Reals
    close: Reals
    volume: Reals
    quote: Reals
    count: Whole
    buy_volume: Reals
    buy_quote: Reals

    def __len__(self) -> int:
        return len(self.open_ms)

    def rows(self, low: int, high: int, digits: tuple[int, int]) -> list[Candle]:
        """Those from `low` to before `high`, with their prices and volumes rounded to `digits`."""
        price, qty = f".{digits[0]}f", f".{digits[1]}f"

        def numbers(column: Reals, kept: str) -> list[Decimal]:
            return [Decimal(format(value, kept)) for value in column[low:high].tolist()]

        columns = (
            self.open_ms[low:high].tolist(),
            numbers(self.open, price),
            numbers(self.high, price),
            numbers(self.low, price),
            numbers(self.close, price),
            numbers(self.volume, qty),
            numbers(self.quote, ".8f"),
            self.count[low:high].tolist(),
            numbers(self.buy_volume, qty),
            numbers(self.buy_quote, ".8f"),
        )
        return [Candle(*row) for row in zip(*columns, strict=True)]

    def whole(self, low: int, high: int, digits: tuple[int, int]) -> Candle:
        """Those from `low` to before `high` as one."""
        price, qty = f".{digits[0]}f", f".{digits[1]}f"

        def number(value: float, kept: str) -> Decimal:
            return Decimal(format(value, kept))

        return Candle(
            int(self.open_ms[low]),
            number(self.open[low], price),
            number(self.high[low:high].max(), price),
            number(self.low[low:high].min(), price),
            number(self.close[high - 1], price),
            number(self.volume[low:high].sum(), qty),
            number(self.quote[low:high].sum(), ".8f"),
            int(self.count[low:high].sum()),
            number(self.buy_volume[low:high].sum(), qty),
            number(self.buy_quote[low:high].sum(), ".8f"),
        )


def seed_of(step_ms: int, columns: dict[str, npt.ArrayLike]) -> Seed:
    """Candles out of columns `open_ms`, `open`, `high`, `low`, `close` and, where known, volumes and counts.

    What is not given is zero, but for `quote`, which is then volume at the mean of high, low and close. Raises
    BadInput when the columns do not fit together or the times do not ascend by whole steps.
    """
    open_ms = np.asarray(columns["open_ms"], dtype=np.int64)
    prices = {name: np.asarray(columns[name], dtype=np.float64) for name in ("open", "high", "low", "close")}
    nothing = np.broadcast_to(np.zeros(1), (len(open_ms),))  # one zero seen everywhere takes no memory
    volume = buy_volume = quote = buy_quote = nothing
    if "volume" in columns:
        volume = np.asarray(columns["volume"], dtype=np.float64)
        middle = (prices["high"] + prices["low"] + prices["close"]) / 3
        quote = np.asarray(columns.get("quote", volume * middle), dtype=np.float64)
        buy_volume = np.asarray(columns.get("buy_volume", volume / 2), dtype=np.float64)
        buy_quote = np.asarray(columns.get("buy_quote", quote / 2), dtype=np.float64)
    count = np.asarray(columns["count"], dtype=np.int64) if "count" in columns else nothing.astype(np.int64)
    lengths = {len(c) for c in (open_ms, *prices.values(), volume, quote, count, buy_volume, buy_quote)}
    if len(lengths) != 1:
        raise BadInput(f"columns of seeded candles were {sorted(lengths)} long, must be equally long")
    if step_ms % MINUTE_MS or step_ms <= 0:
        raise BadInput(f"step_ms was {step_ms}, must be whole minutes")
    if len(open_ms) and (np.any(np.diff(open_ms) < step_ms) or np.any(open_ms % step_ms)):
        raise BadInput("times of seeded candles must ascend by whole steps")
    return Seed(
        step_ms=step_ms, open_ms=open_ms, **prices, volume=volume, quote=quote, count=count,
        buy_volume=buy_volume, buy_quote=buy_quote,
    )  # fmt: skip


def joined(seed: Seed, interval: Interval) -> Seed | None:
    """The candles of a longer interval; None when they cannot be made of these."""
    width = interval.width_ms
    if width == seed.step_ms and not interval.offset_ms:
        return seed
    fits = width >= seed.step_ms and (DAY_MS if not interval.step_ms else width) % seed.step_ms == 0
    if not fits or not len(seed):
        return None
    places = interval.places(seed.open_ms)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(places)) + 1))
    ends = np.concatenate((starts[1:] - 1, [len(seed) - 1]))
    total = np.add.reduceat
    return Seed(
        step_ms=width,
        open_ms=np.array([interval.open_ms(int(p)) for p in places[starts]], dtype=np.int64),
        open=seed.open[starts],
        high=np.maximum.reduceat(seed.high, starts),
        low=np.minimum.reduceat(seed.low, starts),
        close=seed.close[ends],
        volume=total(seed.volume, starts),
        quote=total(seed.quote, starts),
        count=total(seed.count, starts),
        buy_volume=total(seed.buy_volume, starts),
        buy_quote=total(seed.buy_quote, starts),
    )


# --- what is asked for -----------------------------------------------------------------------------------------------


class Source(Protocol):
    """Candles that have been seen, of a length that the interval asked for is made of; rows must not be changed."""

    @property
    def first_ms(self) -> int | None:
        """When the oldest one opens; None when there is none."""

    def between(self, low_ms: int, high_ms: int) -> Sequence[Candle]:
        """Those that open from `low_ms` to before `high_ms`, oldest first."""

    def before(self, time_ms: int) -> Candle | None:
        """The last one that opens before a time."""


def window(
    seeds: Iterable[Seed],
    seen: Source | None,
    interval: Interval,
    digits: tuple[int, int],
    *,
    now_ms: int,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = 500,
) -> list[Candle]:
    """Candles without gaps: the first `limit` from `start_ms` on where it is given, else the last ones up to `end_ms`.

    `seeds` are of this interval already, the coarser before the finer. The candle that `now_ms` lies in is the last.
    """
    parts = [seed for seed in seeds if len(seed)]
    firsts = [int(seed.open_ms[0]) for seed in parts]
    live_ms = seen.first_ms if seen is not None else None
    if live_ms is not None:
        firsts.append(live_ms)
    if not firsts or limit <= 0:
        return []
    first, last = interval.place(min(firsts)), interval.place(now_ms)
    if end_ms is not None:
        last = min(last, interval.place(end_ms))
    if start_ms is not None:
        first = max(first, interval.place(start_ms - 1) + 1)
        last = min(last, first + limit - 1)
    else:
        first = max(first, last - limit + 1)
    if last < first:
        return []
    found: dict[int, Candle] = {}
    before: Candle | None = None
    from_ms, to_ms = interval.open_ms(first), interval.open_ms(last + 1)
    for seed in parts:
        before = _from_seed(seed, interval, digits, (from_ms, to_ms), found) or before
    if seen is not None:
        _join(seen.between(from_ms, to_ms), interval, found)
        if first not in found:  # a gap at the beginning goes on from what was last seen
            before = seen.before(from_ms) or before
    return _without_gaps(found, interval, range(first, last + 1), before)


def _from_seed(
    seed: Seed, interval: Interval, digits: tuple[int, int], span_ms: tuple[int, int], found: dict[int, Candle]
) -> Candle | None:
    """Put the candles within a span into `found` and return the one before it."""
    low, high = (int(place) for place in np.searchsorted(seed.open_ms, span_ms))
    for row, candle in enumerate(seed.rows(low, high, digits), low):
        place = interval.place(candle.open_ms)
        if row or place not in found:  # where a finer history begins, its first candle may be a part only
            found[place] = candle
    return seed.rows(low - 1, low, digits)[0] if low else None


def _join(rows: Iterable[Candle], interval: Interval, found: dict[int, Candle]) -> None:
    """Add candles to those of an interval that are there."""
    for candle in rows:
        place = interval.place(candle.open_ms)
        running = found.get(place)
        if running is None:
            found[place] = candle.at(interval.open_ms(place))
        else:
            running.join(candle)


def _without_gaps(found: dict[int, Candle], interval: Interval, places: range, before: Candle | None) -> list[Candle]:
    filled: list[Candle] = []
    close = before.close if before is not None else None
    for place in places:
        candle = found.get(place)
        if candle is None:
            if close is None:
                continue
            candle = flat(interval.open_ms(place), close)
        close = candle.close
        filled.append(candle)
    return filled


def since(rows: Sequence[Candle], time_ms: int) -> int:
    """The place of the first row that opens at `time_ms` or later."""
    return bisect_left(rows, time_ms, key=opens)


def opens(candle: Candle) -> int:
    """When it opens; what rows are in order of."""
    return candle.open_ms


def kline(candle: Candle, close_ms: int, price_digits: int, qty_digits: int | None) -> tuple[Any, ...]:
    """A candle in the venue's twelve columns; prices and volumes are text, the latter "0" without `qty_digits`."""
    price = f".{price_digits}f"
    qty, quote = (".0f", ".0f") if qty_digits is None else (f".{qty_digits}f", f".{min(8, price_digits + qty_digits)}f")
    return (
        candle.open_ms,
        format(candle.open, price),
        format(candle.high, price),
        format(candle.low, price),
        format(candle.close, price),
        format(candle.volume, qty),
        close_ms,
        format(candle.quote, quote),
        candle.count,
        format(candle.buy_volume, qty),
        format(candle.buy_quote, quote),
        "0",
    )
