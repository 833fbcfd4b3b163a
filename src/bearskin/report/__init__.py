"""What happened, for eyes and for scripts: terminal tables, JSON, Parquet and a tear sheet that works offline.

The face is lazy (PEP 562): neither plotly nor rich is imported until something is shown.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.report._bot_screen import BotScreen, decision_line
    from bearskin.report._bot_tables import account_lines, bot_tables, hand_lines, orders_table, runs_table
    from bearskin.report._files import Written, write_result
    from bearskin.report._json import result_json
    from bearskin.report._page import tear_sheet
    from bearskin.report._plan_tables import plan_tables
    from bearskin.report._store_tables import coverage_table, faults_table
    from bearskin.report._tables import summary_tables

_HOMES = {
    "runs_table": "_bot_tables",
    "orders_table": "_bot_tables",
    "hand_lines": "_bot_tables",
    "account_lines": "_bot_tables",
    "BotScreen": "_bot_screen",
    "Written": "_files",
    "bot_tables": "_bot_tables",
    "coverage_table": "_store_tables",
    "decision_line": "_bot_screen",
    "faults_table": "_store_tables",
    "plan_tables": "_plan_tables",
    "result_json": "_json",
    "summary_tables": "_tables",
    "tear_sheet": "_page",
    "write_result": "_files",
}

__all__ = [
    "BotScreen",
    "Written",
    "account_lines",
    "bot_tables",
    "coverage_table",
    "decision_line",
    "faults_table",
    "hand_lines",
    "orders_table",
    "plan_tables",
    "result_json",
    "runs_table",
    "summary_tables",
    "tear_sheet",
    "write_result",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"bearskin.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bearskin.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
