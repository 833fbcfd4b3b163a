"""Where prices come from: the store, what fills it, what checks it, and the panels research reads.

Names load when first used (PEP 562), so a plan that needs an instrument and its brackets never pays for Polars.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.market._archive import FetchReport, fetch_archive
    from bearskin.market._archive_layout import ARCHIVE_KINDS, ARCHIVE_URL
    from bearskin.market._brackets import BracketBook, bracket_book, load_brackets, save_brackets
    from bearskin.market._check import CHECKS, Fault, check_store
    from bearskin.market._import import FileReport, ImportReport, import_path
    from bearskin.market._instruments import instrument_of, known_instruments
    from bearskin.market._keeping import STORE_VERSION, hold_store, migrate_store, store_version
    from bearskin.market._keys import EVENT, KINDS, SENTIMENT, SeriesKey
    from bearskin.market._load import SymbolCoverage, list_symbols, load_panel
    from bearskin.market._load_at import load_days_at, load_panel_at
    from bearskin.market._panel import Funding, Known, Panel
    from bearskin.market._store import AppendReport, Coverage, Part, Store
    from bearskin.market._synthetic import SyntheticCoin, synthetic_market, synthetic_sentiment, write_synthetic

_HOMES = {
    "ARCHIVE_KINDS": "_archive_layout",
    "ARCHIVE_URL": "_archive_layout",
    "AppendReport": "_store",
    "BracketBook": "_brackets",
    "CHECKS": "_check",
    "Coverage": "_store",
    "EVENT": "_keys",
    "Fault": "_check",
    "FetchReport": "_archive",
    "FileReport": "_import",
    "Funding": "_panel",
    "ImportReport": "_import",
    "KINDS": "_keys",
    "Known": "_panel",
    "Panel": "_panel",
    "Part": "_store",
    "SENTIMENT": "_keys",
    "STORE_VERSION": "_keeping",
    "SeriesKey": "_keys",
    "Store": "_store",
    "SymbolCoverage": "_load",
    "SyntheticCoin": "_synthetic",
    "check_store": "_check",
    "fetch_archive": "_archive",
    "hold_store": "_keeping",
    "import_path": "_import",
    "instrument_of": "_instruments",
    "known_instruments": "_instruments",
    "list_symbols": "_load",
    "bracket_book": "_brackets",
    "load_brackets": "_brackets",
    "save_brackets": "_brackets",
    "load_days_at": "_load_at",
    "load_panel": "_load",
    "load_panel_at": "_load_at",
    "migrate_store": "_keeping",
    "store_version": "_keeping",
    "synthetic_market": "_synthetic",
    "synthetic_sentiment": "_synthetic",
    "write_synthetic": "_synthetic",
}

__all__ = [
    "ARCHIVE_KINDS",
    "ARCHIVE_URL",
    "CHECKS",
    "EVENT",
    "KINDS",
    "SENTIMENT",
    "STORE_VERSION",
    "AppendReport",
    "BracketBook",
    "Coverage",
    "Fault",
    "FetchReport",
    "FileReport",
    "Funding",
    "ImportReport",
    "Known",
    "Panel",
    "Part",
    "SeriesKey",
    "Store",
    "SymbolCoverage",
    "SyntheticCoin",
    "bracket_book",
    "check_store",
    "fetch_archive",
    "hold_store",
    "import_path",
    "instrument_of",
    "known_instruments",
    "list_symbols",
    "load_brackets",
    "load_days_at",
    "load_panel",
    "load_panel_at",
    "migrate_store",
    "save_brackets",
    "store_version",
    "synthetic_market",
    "synthetic_sentiment",
    "write_synthetic",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bearskin.market' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bearskin.market.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
