"""The made-up result, with trades, without, and with text that wants to be a program."""

from __future__ import annotations

import pytest
from unit.report.made_up import hostile, made_up, without_trades

from bearskin.backtest import BacktestResult


@pytest.fixture(scope="session")
def result() -> BacktestResult:
    return made_up()


@pytest.fixture(scope="session")
def empty_result(result: BacktestResult) -> BacktestResult:
    return without_trades(result)


@pytest.fixture(scope="session")
def hostile_result(result: BacktestResult) -> BacktestResult:
    return hostile(result)
