"""What happened, for eyes and for scripts: terminal tables, JSON, Parquet and a tear sheet that works offline.

The face is lazy (PEP 562): neither plotly nor rich is imported until something is shown.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from bearskin import VerbRoom

if TYPE_CHECKING:
    from bearskin.report._bot_screen import BotScreen, decision_line, opening_screen
    from bearskin.report._bot_tables import account_lines, bot_tables, hand_lines, orders_table, runs_table
    from bearskin.report._evidence import evidence_json, evidence_sentence
    from bearskin.report._files import Written, write_result
    from bearskin.report._html import Markup, el, join
    from bearskin.report._json import result_json
    from bearskin.report._luck_page import luck_page, write_luck
    from bearskin.report._luck_tables import luck_tables
    from bearskin.report._page import tear_sheet
    from bearskin.report._parity_tables import parity_tables
    from bearskin.report._picture import Trade, picture
    from bearskin.report._plan_tables import plan_tables
    from bearskin.report._run import OriginLine, RunSummary, run_json, run_summary
    from bearskin.report._run_money import Books
    from bearskin.report._run_rows import OrderRow, PositionRow, orders_of, positions_of
    from bearskin.report._run_tables import decisions_table, left_tables, run_tables, trades_table
    from bearskin.report._run_tell import caught_up, tables_of, tell_journal
    from bearskin.report._scan_json import scan_json
    from bearskin.report._scan_page import scan_page
    from bearskin.report._scan_tables import scan_tables
    from bearskin.report._setup_tables import check_tables, setup_tables
    from bearskin.report._store_tables import coverage_table, faults_table
    from bearskin.report._study_report import study_json, study_page, study_tables, write_study
    from bearskin.report._sweep_tables import sweep_json, sweep_tables
    from bearskin.report._tables import summary_tables

_HOMES = {
    "write_study": "_study_report",
    "study_tables": "_study_report",
    "study_page": "_study_report",
    "study_json": "_study_report",
    "Books": "_run_money",
    "BotScreen": "_bot_screen",
    "Markup": "_html",
    "OrderRow": "_run_rows",
    "OriginLine": "_run",
    "PositionRow": "_run_rows",
    "RunSummary": "_run",
    "Trade": "_picture",
    "Written": "_files",
    "account_lines": "_bot_tables",
    "bot_tables": "_bot_tables",
    "caught_up": "_run_tell",
    "check_tables": "_setup_tables",
    "coverage_table": "_store_tables",
    "decision_line": "_bot_screen",
    "decisions_table": "_run_tables",
    "evidence_json": "_evidence",
    "evidence_sentence": "_evidence",
    "faults_table": "_store_tables",
    "el": "_html",
    "hand_lines": "_bot_tables",
    "join": "_html",
    "left_tables": "_run_tables",
    "luck_page": "_luck_page",
    "luck_tables": "_luck_tables",
    "opening_screen": "_bot_screen",
    "orders_of": "_run_rows",
    "orders_table": "_bot_tables",
    "parity_tables": "_parity_tables",
    "picture": "_picture",
    "plan_tables": "_plan_tables",
    "positions_of": "_run_rows",
    "result_json": "_json",
    "run_json": "_run",
    "run_summary": "_run",
    "run_tables": "_run_tables",
    "runs_table": "_bot_tables",
    "scan_json": "_scan_json",
    "scan_page": "_scan_page",
    "scan_tables": "_scan_tables",
    "setup_tables": "_setup_tables",
    "summary_tables": "_tables",
    "sweep_json": "_sweep_tables",
    "sweep_tables": "_sweep_tables",
    "tables_of": "_run_tell",
    "tear_sheet": "_page",
    "tell_journal": "_run_tell",
    "trades_table": "_run_tables",
    "write_luck": "_luck_page",
    "write_result": "_files",
}

__all__ = [
    "Books",
    "BotScreen",
    "Markup",
    "OrderRow",
    "OriginLine",
    "PositionRow",
    "RunSummary",
    "Trade",
    "Written",
    "account_lines",
    "bot_tables",
    "caught_up",
    "check_tables",
    "coverage_table",
    "decision_line",
    "decisions_table",
    "el",
    "evidence_json",
    "evidence_sentence",
    "faults_table",
    "hand_lines",
    "join",
    "left_tables",
    "luck_page",
    "luck_tables",
    "opening_screen",
    "orders_of",
    "orders_table",
    "parity_tables",
    "picture",
    "plan_tables",
    "positions_of",
    "result_json",
    "run_json",
    "run_summary",
    "run_tables",
    "runs_table",
    "scan_json",
    "scan_page",
    "scan_tables",
    "setup_tables",
    "study_json",
    "study_page",
    "study_tables",
    "summary_tables",
    "sweep_json",
    "sweep_tables",
    "tables_of",
    "tear_sheet",
    "tell_journal",
    "trades_table",
    "write_luck",
    "write_result",
    "write_study",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"bearskin.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bearskin.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


sys.modules[__name__].__class__ = VerbRoom  # `bearskin.report(...)` is the verb
