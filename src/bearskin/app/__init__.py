"""The edge of the house: command line, settings, home folder, and the verbs behind both faces.

Everything here is loaded when first used, so that `import bearskin` and `bearskin --help` stay quick. The room reads
the clock, the environment and the configuration; the rooms below get what they need as arguments.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "Home": "_home",
    "House": "_house",
    "Settings": "_settings",
    "adopt": "_hands",
    "alert_test": "_safety",
    "backtest": "_backtest",
    "backup": "_keep",
    "cap": "_safety",
    "close": "_hands",
    "cluster_local": "_sweep",
    "config": "_config",
    "dashboard": "_dashboard",
    "data_brackets": "_data",
    "data_check": "_data",
    "data_fetch": "_data",
    "data_import": "_data",
    "data_list": "_data",
    "demo": "_demo",
    "doctor": "_doctor",
    "exchange": "_exchange",
    "keys": "_safety",
    "legal": "_safety",
    "long": "_hands",
    "luck": "_luck",
    "migrate": "_keep",
    "move_margin": "_hands",
    "move_stop": "_hands",
    "move_target": "_hands",
    "note": "_hands",
    "orders": "_hands",
    "panic": "_hands",
    "parity": "_parity",
    "mode": "_hands",
    "pause": "_hands",
    "plan": "_plan",
    "positions": "_hands",
    "quiz": "_safety",
    "report": "_report",
    "reset": "_keep",
    "resume": "_hands",
    "reverse": "_hands",
    "runs": "_hands",
    "scan": "_scan",
    "setups": "_setups",
    "short": "_hands",
    "study": "_study",
    "sweep": "_sweep",
    "tables": "_report",
    "trade": "_trade",
}

__all__ = [  # noqa: PLE0604, RUF100 - the names are in _WHERE and loaded on first use
    "Home",
    "House",
    "Settings",
    "adopt",
    "alert_test",
    "backtest",
    "backup",
    "cap",
    "close",
    "cluster_local",
    "config",
    "dashboard",
    "data_brackets",
    "data_check",
    "data_fetch",
    "data_import",
    "data_list",
    "demo",
    "doctor",
    "exchange",
    "keys",
    "legal",
    "long",
    "luck",
    "main",
    "migrate",
    "mode",
    "move_stop",
    "note",
    "orders",
    "panic",
    "parity",
    "pause",
    "plan",
    "positions",
    "quiz",
    "report",
    "reset",
    "resume",
    "reverse",
    "runs",
    "scan",
    "setups",
    "short",
    "study",
    "sweep",
    "tables",
    "trade",
]


def main() -> None:
    """The command line; leaves the process with the exit code of the contract."""
    import sys

    try:
        from bearskin.app._cli import run
        from bearskin.app._desk import stand_in_streams
        from bearskin.app._logs import guard_process

        stand_in_streams()
        guard_process()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before a command was even found
        print("stopped", file=sys.stderr)  # noqa: T201 - the edge of the house prints
        code = 130
    sys.exit(code)


def __getattr__(name: str) -> Any:  # PEP 562
    if name in _WHERE:
        return getattr(importlib.import_module(f"bearskin.app.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'bearskin.app' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
