"""bearskin: the desk for the short side of crypto.

The same verbs as the command line, loaded when first used::

    import bearskin
    plan = bearskin.plan("short", "BTCUSDT", entry="60000", stop="62500", equity="10000", risk="1%", leverage=5)
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_VERBS = (
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
    "migrate",
    "mode",
    "move_margin",
    "move_stop",
    "move_target",
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
)

_ROOMS_TOO = (
    "backtest",
    "exchange",
    "report",
    "setups",
)  # names of a verb and of a room: the name is the room, calling it is the verb

__all__ = ["__version__", *_VERBS]


class VerbRoom(ModuleType):
    """A room that can be called: `bearskin.backtest(...)` is the verb, `bearskin.backtest.run` the room's own.

    Importing a room puts it on the package under its name, over whatever stood there, so the verb has to live in it.
    """

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The verb of the same name."""
        return getattr(importlib.import_module("bearskin.app"), self.__name__.rpartition(".")[2])(*args, **named)


def __getattr__(name: str) -> Any:  # PEP 562: `import bearskin` costs nothing until a verb is used
    if name in _ROOMS_TOO:
        return importlib.import_module(f"bearskin.{name}")
    if name in _VERBS:
        return getattr(importlib.import_module("bearskin.app"), name)
    raise AttributeError(f"module 'bearskin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
