"""Splits in time leak nothing, whatever the events."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearskin.backtest._luck_splits import combinatorial_purged, groups_of, paths_of, walk_forward
from bearskin.terms import DAY_NS, BadInput


@st.composite
def events(draw, least: int = 12):
    starts = sorted(draw(st.lists(st.integers(0, 400), min_size=least, max_size=80)))
    lengths = draw(st.lists(st.integers(0, 30), min_size=len(starts), max_size=len(starts)))
    start = np.array(starts, dtype=np.int64) * DAY_NS // 4
    return start, start + np.array(lengths, dtype=np.int64) * DAY_NS // 4


@given(events(), st.integers(1, 40), st.integers(0, 8), st.one_of(st.none(), st.integers(1, 60)))
def test_what_is_learnt_from_ends_before_the_embargo_of_the_test(given_events, test_days, embargo, train_days):
    start, end = given_events
    first = 20 * DAY_NS
    seen: list[int] = []
    for split in walk_forward(
        start, end, test_ns=test_days * DAY_NS, first_ns=first, embargo_ns=embargo * DAY_NS,
        train_ns=None if train_days is None else train_days * DAY_NS,
    ):  # fmt: skip
        ((opens, closes),) = split.windows
        assert (end[split.train] < opens - embargo * DAY_NS).all()
        if train_days is not None:
            assert (start[split.train] >= opens - train_days * DAY_NS).all()
        assert ((start[split.test] >= opens) & (start[split.test] <= closes)).all()
        assert not set(split.train) & set(split.test)
        seen += split.test.tolist()
    # every event after the first test begins is tested exactly once, in order
    assert seen == np.flatnonzero(start >= first).tolist()


@given(events(), st.integers(3, 8), st.integers(1, 2), st.integers(0, 6))
def test_no_trade_learnt_from_overlaps_a_test_and_its_embargo(given_events, groups, tested, embargo):
    start, end = given_events
    if len(np.unique(start)) < groups:
        with pytest.raises(BadInput):
            list(combinatorial_purged(start, end, groups=groups, tested=tested))
        return
    times = np.zeros(len(start), dtype=int)
    paths: dict[int, set[int]] = {}
    count = 0
    for split in combinatorial_purged(start, end, groups=groups, tested=tested, embargo_ns=embargo * DAY_NS):
        count += 1
        times[split.test] += 1
        for opens, closes in split.windows:
            inside = (end[split.train] >= opens - embargo * DAY_NS) & (start[split.train] <= closes + embargo * DAY_NS)
            assert not inside.any()
        for group, path in zip(split.groups, split.paths, strict=True):
            assert path not in paths.setdefault(group, set())
            paths[group].add(path)
    assert count == math.comb(groups, tested)
    assert (times == paths_of(groups, tested)).all()
    # every group stands on every path once: whole paths
    assert all(found == set(range(paths_of(groups, tested))) for found in paths.values())


@given(events(), st.integers(2, 9))
def test_groups_are_runs_and_keep_moments_together(given_events, count):
    start, _ = given_events
    if len(np.unique(start)) < count:
        return
    group = groups_of(start, count)
    assert sorted(set(group.tolist())) == list(range(count))
    assert (np.diff(group[np.argsort(start, kind="stable")]) >= 0).all()
    for moment in np.unique(start):
        assert len(set(group[start == moment].tolist())) == 1


def test_ten_and_two_make_45_splits_and_nine_paths():
    at = np.arange(300, dtype=np.int64) * DAY_NS
    splits = list(combinatorial_purged(at, at))
    assert len(splits) == 45
    assert paths_of() == 9
    assert {len(split.test) for split in splits} == {60}
    # 240 are left, less one day of embargo at each inner edge of what is tested
    assert {len(split.train) for split in splits} == {236, 237, 238, 239}


def test_splits_refuse_nonsense():
    at = np.arange(10, dtype=np.int64) * DAY_NS
    with pytest.raises(BadInput, match="ends before"):
        list(combinatorial_purged(at, at - 1))
    with pytest.raises(BadInput, match="leave some"):
        list(combinatorial_purged(at, at, groups=3, tested=3))
    with pytest.raises(BadInput, match="positive"):
        list(walk_forward(at, at, test_ns=0, first_ns=0))
