"""bearskin: the desk for the short side of crypto.

The same verbs as the command line, loaded when first used::

    import bearskin
    plan = bearskin.plan("short", "BTCUSDT", entry="60000", stop="62500", equity="10000", risk="1%", leverage=5)
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_VERBS = (
    "backtest",
    "backup",
    "config",
    "data_check",
    "data_fetch",
    "data_import",
    "data_list",
    "demo",
    "doctor",
    "migrate",
    "plan",
    "reset",
)

__all__ = ["__version__", *_VERBS]


def __getattr__(name: str) -> Any:  # PEP 562: `import bearskin` costs nothing until a verb is used
    if name in _VERBS:
        return getattr(importlib.import_module("bearskin.app"), name)
    raise AttributeError(f"module 'bearskin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
