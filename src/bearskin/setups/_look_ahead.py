"""Does a set-up know the future? What it says of a bar must be the same whatever comes after that bar.

Every market is run whole, cut off after a bar, and with rubbish after that bar; every event up to it has to agree in
every field. Publication is made later and the check repeated, so that reading a series by what it describes instead
of by when it was public shows; the market is moved to another date, which moves the events and changes nothing else.
How much warm-up the set-up needs and whether the long is the mirror of the short is told beside it: neither is a fault.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bearskin.market import Panel
from bearskin.setups import _worlds as worlds
from bearskin.setups._events import Line, SetupEvent, Zone
from bearskin.setups._registry import SETUPS, detect
from bearskin.terms import DAY_NS, BadInput, Side, iso

MARKETS, BARS = 6, 1_500
CUTS = 16  # of each market, half of them right after an event
LATER_STEPS = 3  # of each series
MOVED_NS = 364 * DAY_NS  # whole weeks, and nearly the same season
SAME = 1e-9  # relative: sums in another order differ by less
WARM_UPS = (100, 250, 500)
CUT_OFF, REPLACED, LATER_PUBLIC, OTHER_DATE = (
    "later bars cut off", "later bars replaced by rubbish", "series public later than they are, later bars cut off",
    "the market at another date",
)  # fmt: skip
THE_SETUP, ABSENT = "the set-up", "no event"
Progress = Callable[[str, int, int], None]
Fields = dict[str, Any]
Said = dict[tuple[int, int, int], Fields]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first bar at which a test found another answer: which field said what with the whole market, and without."""

    test: str
    symbol: str
    bar: int
    time_ns: int
    side: Side
    field: str
    whole: str
    part: str
    cut_bar: int | None

    def __str__(self) -> str:
        where = f"bar {self.bar} of {self.symbol} ({iso(self.time_ns)}, {self.side.word})"
        if self.field == THE_SETUP:
            return f"{self.test}: {where} has {self.part}, with the whole market {self.whole}"
        return f"{self.test}: {self.field} of {where} is {self.part}, with the whole market {self.whole}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the check found. `warm_up` holds (bars of warm-up, events changed, events), `mirror` (alike, shorts)."""

    setup: str
    markets: int
    bars: int
    events: int
    runs: int
    faults: tuple[Fault, ...]
    warm_up: tuple[tuple[int, int, int], ...]
    mirror: tuple[int, int]

    @property
    def looks_ahead(self) -> bool:
        """Whether anything it said depends on what was not known."""
        return bool(self.faults)

    @property
    def verdict(self) -> str:
        """`looks ahead`, `says the same whatever follows`, or `silent`."""
        if self.looks_ahead:
            return "looks ahead"
        return "says the same whatever follows" if self.events else "silent"

    @property
    def sentence(self) -> str:
        """The verdict with its figures."""
        markets = f"{self.markets} markets, {self.bars:,} bars"
        if self.looks_ahead:
            return f"{self.setup} looks ahead: {self.faults[0]}"
        if not self.events:
            return f"{self.setup} told no event in {markets}: nothing is shown either way"
        return f"{self.setup} says the same whatever follows: {self.events:,} events in {markets}, {self.runs:,} runs"


def check_setup(
    name: str,
    panels: Sequence[Panel] | None = None,
    *,
    cuts: int = CUTS,
    seed: int = 1,
    progress: Progress | None = None,
) -> Checked:
    """Check the set-up called `name` on `panels`, or on random markets that have every series.

    A set-up that raises on a market cut short while it does not on the whole one is at fault too. Raises BadInput for
    an unknown name, fewer than 2 cuts, and when the set-up fails on a whole market.
    """
    if name not in SETUPS:
        raise BadInput(f"{name!r} is not a set-up: there are {', '.join(sorted(SETUPS))}")
    if cuts < 2:
        raise BadInput(f"cuts was {cuts}, must be at least 2")
    markets = list(panels) if panels is not None else worlds.walks(MARKETS, BARS, seed)
    tests = [_Test(name, panel, np.random.default_rng([seed, k]), cuts) for k, panel in enumerate(markets)]
    for done, test in enumerate(tests, 1):
        test.run()
        if progress is not None:
            progress(f"{name} on {test.panel.instrument.symbol}", done, len(tests))
    faults: dict[str, Fault] = {}
    for fault in sorted((one for test in tests for one in test.faults), key=lambda one: one.bar):
        faults.setdefault(fault.test, fault)
    order = (CUT_OFF, REPLACED, LATER_PUBLIC, OTHER_DATE)
    return Checked(
        setup=name,
        markets=len(markets),
        bars=sum(len(panel) for panel in markets),
        events=sum(len(test.whole) for test in tests),
        runs=sum(test.runs for test in tests),
        faults=tuple(sorted(faults.values(), key=lambda one: order.index(one.test))),
        warm_up=tuple((bars, *_summed(test.warm_up(bars) for test in tests)) for bars in WARM_UPS),
        mirror=_summed(test.mirror() for test in tests),
    )


def _summed(pairs: Iterator[tuple[int, int]]) -> tuple[int, int]:
    found = list(pairs)
    return sum(one for one, _ in found), sum(other for _, other in found)


class _Test:
    """One market and what was found in it."""

    def __init__(self, name: str, panel: Panel, rng: np.random.Generator, cuts: int) -> None:
        self.name, self.panel, self.rng, self.cuts = name, panel, rng, cuts
        self.whole: Said = {}
        self.faults: list[Fault] = []
        self.runs = 0

    def run(self) -> None:
        n, least = len(self.panel), SETUPS[self.name].bars_min
        if n <= least + 1:
            raise BadInput(f"{self.panel.instrument.symbol} has {n} bars, the set-up alone needs {least}")
        early = {int(self.rng.integers(least, n)) for _ in range(self.cuts // 2)}
        self.whole = self._all(self.panel)
        bars = np.array(sorted({key[0] for key in self.whole}), dtype=np.int64)
        picked = self.rng.permutation(bars)[: self.cuts - len(early)]
        ends = {int(bar) + 1 for bar in picked if bar + 1 < n}
        for end in sorted(early | ends):
            self._compare(CUT_OFF, self.whole, self._said(worlds.cut(self.panel, end)), end)
            self._compare(REPLACED, self.whole, self._said(worlds.spoiled(self.panel, end, self.rng), end), end)
        self._publication(sorted(ends))
        there = _shifted(self.whole, MOVED_NS)
        self._compare(OTHER_DATE, there, self._said(worlds.moved(self.panel, MOVED_NS)), None, drop=("why",))

    def _publication(self, ends: list[int]) -> None:
        later = worlds.delayed(self.panel, LATER_STEPS)
        whole = self._all(later) if ends else {}
        for end in ends:
            self._compare(LATER_PUBLIC, whole, self._said(worlds.cut(later, end)), end)

    def warm_up(self, bars: int) -> tuple[int, int]:
        """How many events are told otherwise when the first third is missing and so many bars were seen since."""
        dropped = len(self.panel) // 3
        if len(self.panel) - dropped <= bars:
            return 0, 0
        short = self._said(worlds.without_first(self.panel, dropped))
        if isinstance(short, str):
            return 0, 0
        first = dropped + bars
        ours = {key: value for key, value in self.whole.items() if key[0] >= first}
        there = {(bar + dropped, side, count): value for (bar, side, count), value in short.items()}
        theirs = {key: value for key, value in there.items() if key[0] >= first}
        keys = set(ours) | set(theirs)
        return sum(not _same_trade(ours.get(key), theirs.get(key)) for key in keys), len(keys)

    def mirror(self) -> tuple[int, int]:
        """How many shorts the mirrored market has as longs, of how many there are on a grid that rounds nothing."""
        shorts = {key[0] for key in self._all(worlds.fine(self.panel)) if key[1] == Side.SHORT}
        longs = self._said(worlds.mirrored(self.panel))
        if isinstance(longs, str):
            return 0, len(shorts)
        return len(shorts & {key[0] for key in longs if key[1] == Side.LONG}), len(shorts)

    def _all(self, panel: Panel) -> Said:
        self.runs += 1
        return _keyed(detect(panel, [self.name]))

    def _said(self, panel: Panel, end: int | None = None) -> Said | str:
        """The events of bars before `end`; what it raised if it did."""
        try:
            said = self._all(panel)
        except BadInput as error:
            return str(error)
        return said if end is None else {key: value for key, value in said.items() if key[0] < end}

    def _compare(self, test: str, whole: Said, part: Said | str, end: int | None, drop: tuple[str, ...] = ()) -> None:
        """Note the first event up to bar `end` - 1 in which the part differs."""
        bars = len(self.panel) if end is None else end
        if isinstance(part, str):
            self._note(test, (bars - 1, int(Side.SHORT)), "the run", "no error", f"an error ({part})", end)
            return
        expected = {key: value for key, value in whole.items() if key[0] < bars}
        for key in sorted(set(expected) | set(part)):
            field = _first_difference(expected.get(key), part.get(key), drop)
            if field is not None:
                self._note(test, key, *field, end)
                return

    def _note(self, test: str, key: tuple[int, ...], field: str, whole: str, part: str, end: int | None) -> None:
        self.faults.append(
            Fault(
                test=test,
                symbol=self.panel.instrument.symbol,
                bar=key[0],
                time_ns=int(self.panel.time_ns[key[0]]),
                side=Side(key[1]),
                field=field,
                whole=whole,
                part=part,
                cut_bar=None if end is None else end - 1,
            )
        )


def _keyed(events: Sequence[SetupEvent]) -> Said:
    """Events by bar and side, and a count where one bar has several."""
    said: Said = {}
    for event in events:
        count = 0
        while (event.bar, int(event.side), count) in said:
            count += 1
        said[event.bar, int(event.side), count] = _fields(event)
    return said


def _fields(event: SetupEvent) -> Fields:
    """Every field and figure by name; those of tuples and of the drawing with their place."""
    flat: Fields = {}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if isinstance(value, Mapping):
            flat |= {f"{field.name}.{name}": one for name, one in value.items()}
        elif isinstance(value, tuple):
            for place, one in enumerate(value):
                inner = dataclasses.asdict(one) if isinstance(one, Line | Zone) else {"": one}
                flat |= {f"{field.name}[{place}]{'.' if name else ''}{name}": x for name, x in inner.items()}
        else:
            flat[field.name] = value
    return flat


def _shifted(said: Said, by_ns: int) -> Said:
    """The same events with every time later."""
    return {
        key: {
            name: value + by_ns if name.endswith("_ns") and isinstance(value, int | float) else value
            for name, value in fields.items()
        }
        for key, fields in said.items()
    }


def _first_difference(whole: Fields | None, part: Fields | None, drop: tuple[str, ...]) -> tuple[str, str, str] | None:
    if whole is None or part is None:
        there = "an event"
        return THE_SETUP, ABSENT if whole is None else there, ABSENT if part is None else there
    for name in sorted(set(whole) | set(part)):
        if name not in drop and not _alike(whole.get(name), part.get(name)):
            return name, _shown(whole.get(name)), _shown(part.get(name))
    return None


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def _same_trade(one: Fields | None, other: Fields | None) -> bool:
    """Whether two events ask for the same trade: figures beside it may look back further."""
    if one is None or other is None:
        return False
    names = {name for name in one if name.startswith(("stop", "targets", "entry", "limit", "invalidation"))}
    return all(
        one[name] == other.get(name)
        or (
            isinstance(one[name], float)
            and isinstance(other.get(name), float)
            and math.isclose(one[name], other[name], rel_tol=1e-6)
        )
        for name in names
    )


def _shown(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else "absent" if value is None else str(value)
