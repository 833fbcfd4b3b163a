"""The made-up result, with trades, without, and with text that wants to be a program."""

from __future__ import annotations

import pytest
from unit.report.made_up import MadeUp, hostile, made_up, without_trades


@pytest.fixture(scope="session")
def result() -> MadeUp:
    return made_up()


@pytest.fixture(scope="session")
def empty_result(result: MadeUp) -> MadeUp:
    return without_trades(result)


@pytest.fixture(scope="session")
def hostile_result(result: MadeUp) -> MadeUp:
    return hostile(result)
