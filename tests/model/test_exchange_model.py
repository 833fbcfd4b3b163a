"""Whatever is thrown at the exchange, its books hold: against a second, simple model after every step."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from model.driver import begin, carry_out, run
from model.rules import CONTRACTS, RULES

from bearskin.exchange._words import SetMark

SEEDS = range(1, 9)
STEPS = 25_000  # each: 200,000 in all


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_books_hold_over_many_steps(seed, measured):
    done = run(seed, STEPS)
    assert done.steps == STEPS
    # a run in which nobody was liquidated or nothing triggered has not tried much
    for kind in (
        "Traded",
        "AlgoUpdated",
        "Liquidating",
        "Deleveraged",
        "FundingSettled",
        "MarginCalled",
        "MarginMoved",
    ):
        assert done.events[kind] > 0, (kind, done.events)
    told = ", ".join(f"{kind} {count}" for kind, count in done.events.most_common(6))
    measured(f"model seed {seed}: {done.steps} steps, {done.steps / done.seconds:.0f} a second; {told}")


class Machine(RuleBasedStateMachine):
    """The same rules for hypothesis, which makes a short story of what goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.auditor = begin()

    def teardown(self) -> None:
        self.auditor.audit()


class Dealing(Machine):
    """Positions, money and prices only: short stories get further with fewer kinds of acts."""

    @rule(who=st.integers(0, 7), symbol=st.integers(0, 2), side=st.integers(0, 1), size=st.integers(0, 5))
    def deal(self, who: int, symbol: int, side: int, size: int) -> None:
        """The maker rests and a trader takes: positions come to be without waiting for chance."""
        resting = ACTS["quote"](self.world, symbol=symbol, side=1 - side, away=0, size=size)
        taking = ACTS["market"](self.world, who=who, symbol=symbol, side=side, size=size)
        for command in (resting, taking):
            carry_out(self.world, self.auditor, command)

    @rule(symbol=st.integers(0, 2), rate=st.integers(1, 9))
    def fund(self, symbol: int, rate: int) -> None:
        """Funding is settled at a rate, and at a mark that divides nothing evenly."""
        mark = (self.world.prices[symbol] * Decimal("1.00012347")).quantize(Decimal("0.00000001"))
        name = CONTRACTS[symbol].symbol
        carry_out(self.world, self.auditor, SetMark(time_ns=self.world.now_ns, symbol=name, price=mark))
        carry_out(self.world, self.auditor, ACTS["funding_rate"](self.world, symbol=symbol, rate=rate, unpin=0))
        carry_out(self.world, self.auditor, ACTS["settle"](self.world, symbol=symbol))


def _rule_of(entry):
    def act(self, **numbers):
        command = entry.make(self.world, **numbers)
        if command is not None:
            carry_out(self.world, self.auditor, command)

    act.__name__ = entry.name
    return rule(**{name: st.integers(0, n - 1) for name, n in entry.ranges.items()})(act)


ACTS = {entry.name: entry.make for entry in RULES}


class Everything(Machine):
    """All rules."""


for _entry in RULES:
    setattr(Everything, _entry.name, _rule_of(_entry))
    if _entry.name in ("reduce", "limit", "cancel", "gap", "leverage", "margin_mode", "add_margin"):
        setattr(Dealing, _entry.name, _rule_of(_entry))

TestEverything = Everything.TestCase
TestDealing = Dealing.TestCase
TestEverything.settings = TestDealing.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
