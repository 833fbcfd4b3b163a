"""The engine against a venue that fails in every way at once: what must hold, holds after every step.

Checked in each life, while everything goes wrong: the journal gives the same book; nothing known to be open stays
without a confirmed stop beyond the limit. Afterwards: no entry went out twice; no more was closed in parts
than was asked; the book is the venue's; what is open has exactly one stop, of its size and at its trigger; nothing of
ours rests beside it; what the trades say they made is what the venue paid, fee by fee.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from sim.engine_venue import Faults, live, worlds

SEEDS = 200
PER_TEST = 20


@pytest.mark.parametrize("first", range(0, SEEDS, PER_TEST))
def test_engine_lives_through_every_fault(first):
    for seed in range(first, first + PER_TEST):
        live(seed)


def test_engine_lives_through_every_fault_in_parts():
    """The same where most positions are larger than one market or stop order may be."""
    for seed in range(SEEDS, SEEDS + 2 * PER_TEST):
        live(seed, largest=Decimal("0.9"))


def test_lives_do_go_wrong():
    """Over the first seeds every kind of fault is thrown, and trades end for every reason the venue can give."""
    lives = [live(seed) for seed in range(8)]
    assert all(any(getattr(worlds(seed), name) for seed in range(8)) for name in Faults.__dataclass_fields__)
    assert sum(world.crashes for world in lives) >= 5
    reasons = {note.reason for world in lives for note in world.ended.values()}
    assert {"stop", "target", "hand", "adl", "unfilled", "panic"} <= reasons
