"""Whatever is thrown at the exchange, its books hold: against a second, simple model after every step."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from model.driver import begin, carry_out, run
from model.rules import RULES

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


def _rule_of(entry):
    def act(self, **numbers):
        command = entry.make(self.world, **numbers)
        if command is not None:
            carry_out(self.world, self.auditor, command)

    act.__name__ = entry.name
    return rule(**{name: st.integers(0, n - 1) for name, n in entry.ranges.items()})(act)


for _entry in RULES:
    setattr(Machine, _entry.name, _rule_of(_entry))

TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
