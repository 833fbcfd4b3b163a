"""What may be learnt from and what it is tried on: splits of events in time that leak nothing.

An event is known by its start and its end in nanoseconds (a trade by entry and exit). What is learnt from never
overlaps a test's time, nor the embargo around it: López de Prado, "Advances in Financial Machine Learning" (2018),
chapters 7 (purging, embargo) and 12 (combinatorial purged cross-validation).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bearskin.terms import DAY_NS, BadInput

I8 = NDArray[np.int64]
EMBARGO_NS = DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Indices of the events to learn from and of those to try on.

    `windows` are the spans [first start, last end] of
    the tests. `groups` and `paths` tell, for combinatorial splits, which groups are tested and on which path
    each is.
    """

    train: I8
    test: I8
    windows: tuple[tuple[int, int], ...]
    groups: tuple[int, ...] = ()
    paths: tuple[int, ...] = ()


def walk_forward(
    start_ns: I8, end_ns: I8, *, test_ns: int, first_ns: int, train_ns: int | None = None, embargo_ns: int = EMBARGO_NS
) -> Iterator[Split]:
    """Learn from the past, try on what comes next, step on by `test_ns`.

    Tests are the events that start in [first_ns, first_ns + test_ns), then the next stretch, up to the last event;
    stretches without events are left out. Learnt from are the events before, those of the last `train_ns` before the
    test (sliding) or all (None, expanding), if they ended at least `embargo_ns` before the test begins. Raises
    BadInput.
    """
    _check(start_ns, end_ns, embargo_ns)
    if test_ns <= 0 or (train_ns is not None and train_ns <= 0):
        raise BadInput("the lengths of a walk forward must be positive")
    last = int(start_ns.max()) if len(start_ns) else first_ns - 1
    for opens in range(first_ns, last + 1, test_ns):
        test = np.flatnonzero((start_ns >= opens) & (start_ns < opens + test_ns))
        if not len(test):
            continue
        past = end_ns < opens - embargo_ns
        if train_ns is not None:
            past &= start_ns >= opens - train_ns
        window = (opens, max(int(end_ns[test].max()), opens + test_ns - 1))
        yield Split(train=np.flatnonzero(past), test=test, windows=(window,))


def groups_of(start_ns: I8, count: int) -> I8:
    """A group number per event: `count` runs in order of start, as even as can be, events of one moment together.

    Raises BadInput when there are fewer different moments than groups.
    """
    moments, where, sizes = np.unique(start_ns, return_inverse=True, return_counts=True)
    if count < 2 or len(moments) < count:
        raise BadInput(f"{len(moments)} moments cannot be cut into {count} groups of events")
    # the middle of each moment's events decides, then every group gets at least one moment
    middle = np.cumsum(sizes) - sizes / 2
    group = np.minimum((middle * count / len(start_ns)).astype(np.int64), count - 1)
    group[0] = 0
    for i in range(1, len(group)):
        group[i] = min(max(group[i], group[i - 1]), group[i - 1] + 1)
    for i in range(len(group)):
        group[i] = max(group[i], count - (len(group) - i))
    found: I8 = group[where]
    return found


def combinatorial_purged(
    start_ns: I8, end_ns: I8, *, groups: int = 10, tested: int = 2, embargo_ns: int = EMBARGO_NS
) -> Iterator[Split]:
    """Every choice of `tested` of `groups` runs of events as the test, the rest to learn from: 45 splits for 10 and 2.

    Every event is tested in C(groups - 1, tested - 1) splits, which make as many whole paths through history (9). Left
    out of what is learnt from is every event that overlaps the span of a tested group, or `embargo_ns` on either side
    of it. Raises BadInput.
    """
    _check(start_ns, end_ns, embargo_ns)
    if not 1 <= tested < groups:
        raise BadInput(f"{tested} of {groups} groups cannot be tested: leave some to learn from")
    group = groups_of(start_ns, groups)
    spans = [(int(start_ns[group == g].min()), int(end_ns[group == g].max())) for g in range(groups)]
    seen = [0] * groups
    for chosen in itertools.combinations(range(groups), tested):
        test = np.isin(group, chosen)
        train = ~test
        for g in chosen:
            opens, closes = spans[g]
            train &= (end_ns < opens - embargo_ns) | (start_ns > closes + embargo_ns)
        paths = tuple(seen[g] for g in chosen)
        for g in chosen:
            seen[g] += 1
        yield Split(
            train=np.flatnonzero(train),
            test=np.flatnonzero(test),
            windows=tuple(spans[g] for g in chosen),
            groups=chosen,
            paths=paths,
        )


def paths_of(groups: int = 10, tested: int = 2) -> int:
    """How many whole paths the combinatorial splits make."""
    return math.comb(groups - 1, tested - 1)


def _check(start_ns: I8, end_ns: I8, embargo_ns: int) -> None:
    if len(start_ns) != len(end_ns):
        raise BadInput(f"{len(start_ns)} starts and {len(end_ns)} ends: every event has one of each")
    if (end_ns < start_ns).any():
        raise BadInput("an event ends before it starts")
    if embargo_ns < 0:
        raise BadInput("the embargo must not be negative")
