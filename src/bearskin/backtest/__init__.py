"""Set-ups traded through history: a portfolio over many symbols with every cost, in strict order of time."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from bearskin import VerbRoom

if TYPE_CHECKING:
    from bearskin.backtest._core_venue import Latency
    from bearskin.backtest._deaf import deaf_children
    from bearskin.backtest._engine_run import run_engine
    from bearskin.backtest._kept import Kept, keep_history, kept_of
    from bearskin.backtest._luck import Luck, Tried, luck_json, luck_of, tried_trades
    from bearskin.backtest._luck_again import luck_of_backtest
    from bearskin.backtest._luck_choice import Choice
    from bearskin.backtest._luck_days import Brief, brief_luck
    from bearskin.backtest._luck_gates import Gate
    from bearskin.backtest._luck_sweep import Remaking, luck_of_sweep
    from bearskin.backtest._parity import Pair, Parity, Unmatched, compare
    from bearskin.backtest._request import BacktestRequest, BacktestResult
    from bearskin.backtest._run import run, warm
    from bearskin.backtest._scan import Scan, ScanRequest, SymbolScan, reward_to_risk, scan, scan_panel, together
    from bearskin.backtest._search_axes import axes_of, axis_words
    from bearskin.backtest._search_cluster import local_cluster
    from bearskin.backtest._search_read import Sweep, read_sweep, sweep_words
    from bearskin.backtest._search_run import SweepRequest, SweepRun, run_sweep
    from bearskin.backtest._search_work import Panels, Stored
    from bearskin.backtest._study import CasesKept, run_study
    from bearskin.backtest._study_cases import coarser
    from bearskin.backtest._study_request import StudyRequest, StudyResult, StudySet
    from bearskin.backtest._sweep_core import warm_sweep

_HOMES = {
    "BacktestRequest": "_request",
    "BacktestResult": "_request",
    "Brief": "_luck_days",
    "CasesKept": "_study",
    "Choice": "_luck_choice",
    "Gate": "_luck_gates",
    "Kept": "_kept",
    "Latency": "_core_venue",
    "Luck": "_luck",
    "Pair": "_parity",
    "Panels": "_search_work",
    "Parity": "_parity",
    "Remaking": "_luck_sweep",
    "Scan": "_scan",
    "ScanRequest": "_scan",
    "Stored": "_search_work",
    "StudyRequest": "_study_request",
    "StudyResult": "_study_request",
    "StudySet": "_study_request",
    "Sweep": "_search_read",
    "SweepRequest": "_search_run",
    "SweepRun": "_search_run",
    "SymbolScan": "_scan",
    "Tried": "_luck",
    "Unmatched": "_parity",
    "axes_of": "_search_axes",
    "axis_words": "_search_axes",
    "brief_luck": "_luck_days",
    "coarser": "_study_cases",
    "compare": "_parity",
    "deaf_children": "_deaf",
    "keep_history": "_kept",
    "kept_of": "_kept",
    "local_cluster": "_search_cluster",
    "luck_json": "_luck",
    "luck_of": "_luck",
    "luck_of_backtest": "_luck_again",
    "luck_of_sweep": "_luck_sweep",
    "read_sweep": "_search_read",
    "reward_to_risk": "_scan",
    "run": "_run",
    "run_engine": "_engine_run",
    "run_study": "_study",
    "run_sweep": "_search_run",
    "scan": "_scan",
    "scan_panel": "_scan",
    "sweep_words": "_search_read",
    "together": "_scan",
    "tried_trades": "_luck",
    "warm": "_run",
    "warm_sweep": "_sweep_core",
}

__all__ = [
    "BacktestRequest",
    "BacktestResult",
    "Brief",
    "CasesKept",
    "Choice",
    "Gate",
    "Kept",
    "Latency",
    "Luck",
    "Pair",
    "Panels",
    "Parity",
    "Remaking",
    "Scan",
    "ScanRequest",
    "Stored",
    "StudyRequest",
    "StudyResult",
    "StudySet",
    "Sweep",
    "SweepRequest",
    "SweepRun",
    "SymbolScan",
    "Tried",
    "Unmatched",
    "axes_of",
    "axis_words",
    "brief_luck",
    "coarser",
    "compare",
    "deaf_children",
    "keep_history",
    "kept_of",
    "local_cluster",
    "luck_json",
    "luck_of",
    "luck_of_backtest",
    "luck_of_sweep",
    "read_sweep",
    "reward_to_risk",
    "run",
    "run_engine",
    "run_study",
    "run_sweep",
    "scan",
    "scan_panel",
    "sweep_words",
    "together",
    "tried_trades",
    "warm",
    "warm_sweep",
]


def __getattr__(name: str) -> Any:  # PEP 562: the face is cheap, Polars and the set-ups load when used
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.backtest' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.backtest.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


sys.modules[__name__].__class__ = VerbRoom  # `bearskin.backtest(...)` is the verb
