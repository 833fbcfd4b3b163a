"""Where prices come from: the store, what fills it, what checks it, and the panels research reads.

Names load when first used (PEP 562), so a plan that needs an instrument and its brackets never pays for Polars.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bearskin.market._archive import FetchReport, fetch_archive
    from bearskin.market._archive_layout import ARCHIVE_KINDS, ARCHIVE_URL
    from bearskin.market._brackets import BracketBook, load_brackets
    from bearskin.market._instruments import instrument_of, known_instruments
    from bearskin.market._keys import EVENT, KINDS, SENTIMENT, SeriesKey
    from bearskin.market._load import SymbolCoverage, list_symbols, load_panel
    from bearskin.market._panel import Funding, Known, Panel
    from bearskin.market._store import AppendReport, Coverage, Store
    from bearskin.market._synthetic import SyntheticCoin, synthetic_market, synthetic_sentiment, write_synthetic

_HOMES = {
    "ARCHIVE_KINDS": "_archive_layout",
    "ARCHIVE_URL": "_archive_layout",
    "AppendReport": "_store",
    "BracketBook": "_brackets",
    "Coverage": "_store",
    "EVENT": "_keys",
    "FetchReport": "_archive",
    "Funding": "_panel",
    "KINDS": "_keys",
    "Known": "_panel",
    "Panel": "_panel",
    "SENTIMENT": "_keys",
    "SeriesKey": "_keys",
    "Store": "_store",
    "SymbolCoverage": "_load",
    "SyntheticCoin": "_synthetic",
    "fetch_archive": "_archive",
    "instrument_of": "_instruments",
    "known_instruments": "_instruments",
    "list_symbols": "_load",
    "load_brackets": "_brackets",
    "load_panel": "_load",
    "synthetic_market": "_synthetic",
    "synthetic_sentiment": "_synthetic",
    "write_synthetic": "_synthetic",
}

__all__ = [
    "ARCHIVE_KINDS",
    "ARCHIVE_URL",
    "EVENT",
    "KINDS",
    "SENTIMENT",
    "AppendReport",
    "BracketBook",
    "Coverage",
    "FetchReport",
    "Funding",
    "Known",
    "Panel",
    "SeriesKey",
    "Store",
    "SymbolCoverage",
    "SyntheticCoin",
    "fetch_archive",
    "instrument_of",
    "known_instruments",
    "list_symbols",
    "load_brackets",
    "load_panel",
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
