"""The candles of one price since the exchange began: the last ones in memory, closed ones in pages of the journal.

Closed candles are kept in several lengths, each folded out of the minutes as they close, so that no interval needs more
than some thousand rows for a whole answer. A page holds what lies within `PAGE_ROWS` candles of one length. Once a
candle beyond it has opened nothing in it can change any more: it is written, and only then leaves the memory. What a
layer says of itself decides from where on it is read out of memory, never what else lies in the file: after a crash
the replay makes the same candles again, and writing their pages again changes nothing.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Protocol

import msgspec

from bearskin.exchange._candles import DAY_MS, HOUR_MS, MINUTE_MS, Candle, Interval, opens, since
from bearskin.terms import StoreBroken

PAGE_ROWS = 120
PAGES_READ = 64  # kept as they were read: a few megabytes
STEPS_MS = (MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS)


class PageStore(Protocol):
    """Where pages are kept: by name and place, for good once `keep_pages` returns. Raises StoreBroken."""

    def keep_pages(self, pages: Sequence[tuple[str, int, bytes]]) -> None:
        """Write all of them or none."""

    def pages(self, name: str, first: int, last: int) -> list[tuple[int, bytes]]:
        """Those from place `first` to `last`, both included, in order."""

    def page_before(self, name: str, place: int) -> tuple[int, bytes] | None:
        """The last one before a place."""


class Layer(msgspec.Struct, array_like=True):
    """Candles of one length, oldest first. Those that open before `paged_ms` lie in pages, `rows` are all since.

    `first_ms` is when the very first opens, -1 before there is one.
    """

    step_ms: int
    rows: list[Candle] = []
    first_ms: int = -1
    paged_ms: int = 0

    @property
    def page_ms(self) -> int:
        """How long a time one page holds."""
        return self.step_ms * PAGE_ROWS

    def add(self, candle: Candle) -> None:
        """Append a candle."""
        self.rows.append(candle)
        if self.first_ms < 0:
            self.first_ms = candle.open_ms

    def first_page(self) -> tuple[int, list[Candle]] | None:
        """Place and rows of the oldest page in memory; None while something in it may still change."""
        rows, width = self.rows, self.page_ms
        if not rows:
            return None
        place = rows[0].open_ms // width
        if place == rows[-1].open_ms // width:
            return None
        return place, rows[: since(rows, (place + 1) * width)]

    def let_go(self, place: int, count: int) -> None:
        """Forget the oldest `count` rows, all of the page at `place`, which has been written."""
        del self.rows[:count]
        self.paged_ms = (place + 1) * self.page_ms


def _coarser() -> list[Layer]:
    return [Layer(step_ms) for step_ms in STEPS_MS[1:]]


class Series(msgspec.Struct, array_like=True):
    """What has been seen of one price: its minutes, the running one included, and longer candles of closed minutes."""

    minutes: Layer = msgspec.field(default_factory=lambda: Layer(MINUTE_MS))
    coarser: list[Layer] = msgspec.field(default_factory=_coarser)

    def note(self, time_ms: int, price: Decimal) -> Candle:
        """The candle of the running minute, with `price` in it; the caller adds volumes."""
        rows = self.minutes.rows
        if rows:
            candle = rows[-1]
            if time_ms < candle.open_ms + MINUTE_MS:
                if price > candle.high:
                    candle.high = price
                elif price < candle.low:
                    candle.low = price
                candle.close = price
                return candle
            self._fold(candle)
        candle = Candle(time_ms - time_ms % MINUTE_MS, price, price, price, price)
        self.minutes.add(candle)
        return candle

    def _fold(self, candle: Candle) -> None:
        for layer in self.coarser:
            open_ms = candle.open_ms - candle.open_ms % layer.step_ms
            rows = layer.rows
            if rows and rows[-1].open_ms == open_ms:
                rows[-1].join(candle)
            else:
                layer.add(candle.at(open_ms))

    def running(self) -> Candle | None:
        """The candle of the minute that is not over."""
        rows = self.minutes.rows
        return rows[-1] if rows else None

    def layers(self) -> tuple[Layer, ...]:
        """All lengths, the minutes first."""
        return self.minutes, *self.coarser

    def layer_for(self, interval: Interval) -> Layer:
        """The longest candles that those of an interval are made of."""
        return self.layer_of(interval.step_ms or DAY_MS)

    def layer_of(self, width_ms: int) -> Layer:
        """The longest candles that fit into a width without rest."""
        return next(layer for layer in reversed(self.layers()) if width_ms % layer.step_ms == 0)


@dataclass(frozen=True, slots=True)
class Reader:
    """The candles of one length of a series, wherever they lie; rows are lent and must not be changed."""

    name: str
    series: Series
    layer: Layer
    pages: Pages | None

    @property
    def first_ms(self) -> int | None:
        """When the oldest one opens."""
        if self.layer.first_ms >= 0:
            return self.layer.first_ms
        running = self.series.running()
        return running.open_ms if running is not None else None

    def between(self, low_ms: int, high_ms: int) -> list[Candle]:
        """Those that open from `low_ms` to before `high_ms`, the running minute as it is."""
        layer, rows = self.layer, self.layer.rows
        found: list[Candle] = []
        if self.pages is not None and low_ms < layer.paged_ms:
            found = self.pages.between(self.name, layer, max(low_ms, layer.first_ms), min(high_ms, layer.paged_ms))
        found += rows[since(rows, low_ms) : since(rows, high_ms)]
        running = self.series.running()
        if layer is not self.series.minutes and running is not None and low_ms <= running.open_ms < high_ms:
            found.append(running)
        return found

    def before(self, time_ms: int) -> Candle | None:
        """The last one that opens before a time."""
        running, rows = self.series.running(), self.layer.rows
        if running is not None and running.open_ms < time_ms:
            return running
        at = since(rows, time_ms)
        if at:
            return rows[at - 1]
        return self.pages.before(self.name, self.layer, time_ms) if self.pages is not None else None


class Pages:
    """Pages of candles as a store keeps them; those read last are kept at hand."""

    def __init__(self, store: PageStore) -> None:
        self._store = store
        self._read: dict[tuple[str, int], list[Candle]] = {}

    def settle(self, names: Iterable[tuple[str, Series]], at_once: int) -> bool:
        """Write the oldest page of every layer in which nothing can change any more, and take it out of memory.

        `at_once` pages at most, in one transaction, all or none; returns whether there were any. Raises StoreBroken.
        """
        ready = list(islice(_ready(names), at_once))
        if not ready:
            return False
        self._store.keep_pages([(_page_name(name, layer), place, _packed(rows)) for name, layer, place, rows in ready])
        for name, layer, place, rows in ready:
            layer.let_go(place, len(rows))
            self._hold(_page_name(name, layer), place, rows)
        return True

    def between(self, name: str, layer: Layer, low_ms: int, high_ms: int) -> list[Candle]:
        """Candles that open from `low_ms` to before `high_ms`."""
        if high_ms <= low_ms:
            return []
        places = range(low_ms // layer.page_ms, (high_ms - 1) // layer.page_ms + 1)
        found = [row for rows in self._pages(_page_name(name, layer), places) for row in rows]
        return found[since(found, low_ms) : since(found, high_ms)]

    def before(self, name: str, layer: Layer, time_ms: int) -> Candle | None:
        """The last candle that opens before a time and lies in a page."""
        if time_ms <= layer.first_ms:
            return None
        name, time_ms = _page_name(name, layer), min(time_ms, layer.paged_ms)
        place = time_ms // layer.page_ms
        for rows in self._pages(name, range(place, place + 1)):
            at = bisect_left(rows, time_ms, key=opens)
            if at:
                return rows[at - 1]
        earlier = self._store.page_before(name, place)
        return _unpacked(name, earlier[1])[-1] if earlier is not None else None

    def _pages(self, name: str, places: range) -> Iterator[list[Candle]]:
        """The rows of every page within `places`; none where there is no page."""
        read = self._read
        known = {place: rows for place in places if (rows := read.get((name, place))) is not None}
        missing = [place for place in places if place not in known]
        if missing:
            for place, data in self._store.pages(name, missing[0], missing[-1]):
                if place not in known:
                    known[place] = _unpacked(name, data)
        for place in places:
            rows = known.get(place, [])  # nothing happened then: worth remembering too
            self._hold(name, place, rows)
            yield rows

    def _hold(self, name: str, place: int, rows: list[Candle]) -> None:
        read = self._read
        read.pop((name, place), None)
        read[name, place] = rows
        if len(read) > PAGES_READ:
            del read[next(iter(read))]


def rows_between(name: str, series: Series, pages: Pages | None, low_ms: int, high_ms: int) -> Iterator[Candle]:
    """What has been seen from one minute to before another, in few rows: minutes at both ends, hours between them.

    The minute before `high_ms` must be closed.
    """
    if high_ms <= low_ms:
        return
    minutes, hours = (Reader(name, series, layer, pages) for layer in (series.minutes, series.layer_of(HOUR_MS)))
    first_ms, last_ms = low_ms - low_ms % -HOUR_MS, high_ms - high_ms % HOUR_MS
    if first_ms >= last_ms:
        yield from minutes.between(low_ms, high_ms)
        return
    yield from minutes.between(low_ms, first_ms)
    yield from hours.between(first_ms, last_ms)
    yield from minutes.between(last_ms, high_ms)


def _ready(names: Iterable[tuple[str, Series]]) -> Iterator[tuple[str, Layer, int, list[Candle]]]:
    for name, series in names:
        for layer in series.layers():
            page = layer.first_page()
            if page is not None:
                yield name, layer, *page


def _page_name(name: str, layer: Layer) -> str:
    return f"{name}/{layer.step_ms // MINUTE_MS}m"


_ROWS = msgspec.msgpack.Decoder(list[Candle])


def _packed(rows: list[Candle]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(rows), 1)


def _unpacked(name: str, data: bytes) -> list[Candle]:
    try:
        return _ROWS.decode(zlib.decompress(data))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise StoreBroken(f"a page of {name} holds no candles ({error})") from None


__all__ = ["PAGE_ROWS", "STEPS_MS", "Layer", "PageStore", "Pages", "Reader", "Series", "rows_between"]
