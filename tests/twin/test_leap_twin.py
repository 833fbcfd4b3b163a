"""Passing over blocks of bars comes to the very trade that reading every bar comes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import test_kernel_twin as kernel_twin

from bearskin.market import Panel
from bearskin.paths import NEVER, REASONS, Course, Index, Lane, Outcome, Ticket, index_of, lay, leap, walk
from bearskin.terms import Side

BARS = 9_000  # more than two large blocks
MONEY = ("gross", "fees", "funding", "slippage", "net", "net_if_target_first", "gross1", "fee1", "slippage1")
SEEDS = st.integers(0, 2**32 - 1)
Laid = tuple[Panel, Course, dict[Side, Index[float]]]


@pytest.fixture(scope="module")
def long_paths() -> list[Laid]:
    """Paths on a coarse grid with marks off the trades, settled every half hour, every two and every eight hours."""
    found: list[Laid] = []
    seed = 0
    kept = kernel_twin.BARS
    kernel_twin.BARS = BARS
    try:
        while len({len(laid[1].settle_ns) for laid in found}) < 3:
            panel = kernel_twin.a_panel(np.random.default_rng(seed))
            course = lay(panel)
            found.append((panel, course, {side: index_of(lane) for side, lane in course.lanes.items()}))
            seed += 1
    finally:
        kernel_twin.BARS = kept
    return found


def moved(ticket: Ticket[float], by: int, around: int, stretch: int) -> Ticket[float]:
    """The ticket `by` ticks off, its levels `stretch` times as far from `around`."""

    def at(level: int) -> int:
        return level if abs(level) >= NEVER else around + by + (level - around) * stretch

    return ticket._replace(
        limit=at(ticket.limit) if ticket.valid else 0, stop=at(ticket.stop), target1=at(ticket.target1),
        target2=at(ticket.target2), invalidation=at(ticket.invalidation), trail=ticket.trail * stretch,
    )  # fmt: skip


def same(lane: Lane[float], index: Index[float], ticket: Ticket[float], tiers: Any) -> Outcome[float]:
    """Both roads, compared; funding over many settlements may differ in the last bits."""
    wanted, got = walk(lane, tiers, ticket), leap(lane, index, tiers, ticket)
    for name, a, b in zip(Outcome._fields, wanted, got, strict=True):
        if name in MONEY:
            assert b == pytest.approx(a, rel=1e-9, abs=1e-9 * abs(wanted.gross) + 1e-9), name
        else:
            assert b == a, name
    return wanted


@given(seed=SEEDS, stretch=st.sampled_from([1, 5, 40, 200]), hold=st.sampled_from([1, 63, 64, 65, 5_000]))
@settings(max_examples=400, deadline=None)
def test_blocks_hide_nothing(long_paths: list[Laid], seed: int, stretch: int, hold: int) -> None:
    rng = np.random.default_rng(seed)
    panel, course, indices = long_paths[seed % len(long_paths)]
    for side in (Side.SHORT, Side.LONG):
        lane = course.lanes[side]
        ticket, _ = kernel_twin.a_ticket(rng, panel, side)
        start = int(rng.choice([int(rng.integers(0, BARS)), 64, 4_095, 4_096, BARS - 1]))
        end = int(rng.choice([BARS, min(start + 4_096, BARS), min(start + 4_100, BARS)]))
        ticket = moved(ticket, int(lane.open[start] - lane.open[3]), int(lane.open[3]), stretch)
        leverage = float(rng.choice([0, 1, 3, 20]))
        asked = ticket._replace(start=start, end=end, hold=hold if ticket.hold else 0, leverage=leverage)
        same(lane, indices[side], asked, kernel_twin.FLOATS)


def test_every_reason_is_met(long_paths: list[Laid]) -> None:
    rng = np.random.default_rng(7)
    seen = set()
    for k in range(600):
        panel, course, indices = long_paths[k % len(long_paths)]
        side = Side.SHORT if k % 2 else Side.LONG
        lane, start = course.lanes[side], int(rng.integers(0, BARS))
        ticket, _ = kernel_twin.a_ticket(rng, panel, side)
        ticket = moved(ticket, int(lane.open[start] - lane.open[3]), int(lane.open[3]), 1 + k % 30)
        asked = ticket._replace(start=start, end=BARS, leverage=float(rng.choice([1, 3, 20])))
        seen.add(same(lane, indices[side], asked, kernel_twin.FLOATS).reason)
    assert seen == set(range(len(REASONS)))


def test_funding_over_thousands_of_settlements_is_a_difference_of_sums(long_paths: list[Laid]) -> None:
    """Nothing happens to it but funding: from bar 0, 1 and 5 to the end, no stop, no target, no liquidation."""
    for panel, course, indices in long_paths:
        for side in (Side.SHORT, Side.LONG):
            for start in (0, 1, 5):
                asked = Ticket(
                    1000, 1000, start, len(panel), 0, 0, NEVER, 1, -NEVER, -NEVER, NEVER, 0, 0, 1, 0.0, 0.0005, 0.0002,
                    0.0, 0.0,
                )  # fmt: skip
                outcome = same(course.lanes[side], indices[side], asked, kernel_twin.FLOATS)
                assert outcome.reason == REASONS.index("end")
                assert outcome.funding != 0.0


def test_an_index_of_no_bars_is_empty() -> None:
    panel = kernel_twin.a_panel(np.random.default_rng(0))
    lane = lay(panel).lanes[Side.SHORT]
    none = lane._replace(**{name: getattr(lane, name)[:0] for name in ("high", "low", "mark", "close")})
    assert index_of(none).blocks.shape == (0, 4)
