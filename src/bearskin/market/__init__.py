"""Where prices come from: the store, what fills it, what checks it, and the panels research reads.

Names load when first used (PEP 562), so a plan that needs an instrument and its brackets never pays for Polars.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.market._brackets import BracketBook, load_brackets
    from bearskin.market._instruments import instrument_of, known_instruments
    from bearskin.market._keys import EVENT, KINDS, SENTIMENT, SeriesKey
    from bearskin.market._load import SymbolCoverage, list_symbols, load_panel
    from bearskin.market._panel import Funding, Known, Panel
    from bearskin.market._store import AppendReport, Coverage, Store

_HOMES = {
    "AppendReport": "_store",
    "BracketBook": "_brackets",
    "Coverage": "_store",
    "EVENT": "_keys",
    "Funding": "_panel",
    "KINDS": "_keys",
    "Known": "_panel",
    "Panel": "_panel",
    "SENTIMENT": "_keys",
    "SeriesKey": "_keys",
    "Store": "_store",
    "SymbolCoverage": "_load",
    "instrument_of": "_instruments",
    "known_instruments": "_instruments",
    "list_symbols": "_load",
    "load_brackets": "_brackets",
    "load_panel": "_load",
}

__all__ = [
    "EVENT",
    "KINDS",
    "SENTIMENT",
    "AppendReport",
    "BracketBook",
    "Coverage",
    "Funding",
    "Known",
    "Panel",
    "SeriesKey",
    "Store",
    "SymbolCoverage",
    "instrument_of",
    "known_instruments",
    "list_symbols",
    "load_brackets",
    "load_panel",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.market' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.market.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
