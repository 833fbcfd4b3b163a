"""The compiled kernel and the exchange core agree on every fill of one ticket: bar, reason, quantity, price, money."""

from __future__ import annotations

import importlib.util
import sys
from collections import deque
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bearskin.backtest._core_road import Road
from bearskin.backtest._core_venue import CoreVenue, Latency
from bearskin.backtest._symbols import Symbol
from bearskin.paths import REASONS, UNFILLED, Ticket, lay, walk
from bearskin.terms import AnyEvent, Side


def _beside(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


made: Any = _beside("test_kernel_twin")
scripted: Any = _beside("scripted")
D = Decimal
WALLET = D(100_000_000)


def on_the_core(panel: Any, side: Side, ticket: Ticket[float]) -> tuple[Any, CoreVenue]:
    """The same ticket, traded by hand on the core."""
    symbol = Symbol(
        index=0, name=panel.instrument.symbol, panel=panel, course=lay(panel), brackets=made.BRACKETS,
        tiers=made.FLOATS, first_bar=0, funded=True,
    )  # fmt: skip
    rates = {symbol.name: (D(repr(ticket.taker)), D(repr(ticket.maker)))}
    venue = CoreVenue(
        [symbol], rates, equity=WALLET, slip=D(repr(ticket.slip)), start_ns=int(panel.time_ns[0]), latency=Latency()
    )
    hand = scripted.Hand(
        symbol=symbol.name, side=side, ticket=ticket, tick=panel.instrument.tick, step=panel.instrument.step,
        send=venue.send,
    )  # fmt: skip

    def hear(event: AnyEvent) -> None:
        queue = deque([event])
        while queue:
            hand.hear(queue.popleft())
            queue.extend(venue.heard())

    Road(venue, [symbol], hear).run()
    return hand, venue


def compare(panel: Any, side: Side, ticket: Ticket[float]) -> str:
    """Assert that both agree; the reason for which the trade ended."""
    got = walk(lay(panel).lanes[side], made.FLOATS, ticket)
    hand, venue = on_the_core(panel, side, ticket)
    assert venue.books_sum() == 0
    reason = REASONS[got.reason]
    if got.reason == UNFILLED:
        assert hand.fills == []
        return reason
    assert hand.reason == reason, (hand.fills, got)
    roles = [role for role, *_ in hand.fills]
    assert roles[0] == "entry"
    assert hand.entry_bar == got.entry_bar
    assert float(hand.fills[0][3]) == pytest.approx(got.entry, abs=2e-5)
    assert hand.qty == 0
    assert hand.fills[-1][1] == got.bar + (0 if got.place != 2 else 1)
    if got.steps1:
        first = hand.fills[1]
        assert (first[0], first[1]) == ("target", got.bar1)
        assert abs(first[2]) == got.steps1 * panel.instrument.step
        assert float(first[3]) == pytest.approx(got.exit1, abs=2e-5)
    assert float(hand.fills[-1][3]) == pytest.approx(got.exit, abs=2e-5)
    assert float(venue.wallet() - WALLET) == pytest.approx(got.net, abs=0.01)
    return reason


@pytest.mark.parametrize("seed", range(12))
def test_random_tickets_on_random_paths(seed: int) -> None:
    """
    Gaps, both sides, market and limit entries, stops by mark and last, two targets, trailing, time, invalidation,
    isolated margin up to 125x within the first bracket, funding anywhere.
    """
    rng = np.random.default_rng(1000 + seed)
    seen: dict[str, int] = {}
    for _ in range(30):
        panel = made.a_panel(rng)
        side = Side.SHORT if rng.random() < 0.5 else Side.LONG
        ticket, _ = made.a_ticket(rng, panel, side)
        steps = min(ticket.steps, 200_000)
        steps1 = steps if ticket.steps1 == ticket.steps else max(1, steps // 2)
        # the close of the bar in which a limit fills moves a trailing stop, but fills no target: one by last cannot be
        # placed beyond a target that rests, so such stops go by mark
        on_mark = 1 if ticket.trail and ticket.valid else ticket.stop_on_mark
        reason = compare(panel, side, ticket._replace(steps=steps, steps1=steps1, stop_on_mark=on_mark))
        seen[reason] = seen.get(reason, 0) + 1
    assert len(seen) >= 4, seen
