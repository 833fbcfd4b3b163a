"""Which layout a file has; every file has one, is left alone for a said reason, or is refused."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Final

from bearskin.market import _layout_binance, _layout_freqtrade, _layout_lean, _layout_sets, _layout_table
from bearskin.market._parts import Hints, Left, Taken
from bearskin.market._read import read_bytes, read_csv, text_schema
from bearskin.terms import BadFile

_TABLES: Final = (".parquet", ".feather")
_NOT_DATA: Final = (".md", ".txt", ".rst", ".html", ".pdf", ".png", ".jpg", ".py", ".toml", ".yaml", ".yml", ".log")
_HEAD: Final = 400
_JSON_MAX: Final = 256 << 20  # bytes; the largest exchangeInfo has 2 million


def read_file(path: Path, hints: Hints) -> Taken | Left:
    """The rows of `path` under the layout that knows it; raises BadFile when one does and the file is not so."""
    if path.name.endswith(".CHECKSUM"):
        return Left(layout="checksum", reason="checked with the file it belongs to")
    if path.suffix.lower() in _NOT_DATA or path.stem.upper() in ("LICENSE", "LICENCE", "README", "NOTICE"):
        return Left(layout="text", reason="not market data")
    if path.suffix == ".gz":
        return _packed(path)
    if path.suffix == ".json":
        return _json(path, _bytes(path))
    if _layout_lean.knows(path):
        return _layout_lean.read(path, hints)
    if _layout_binance.knows(path):
        return _layout_binance.read(path, hints)
    if _layout_freqtrade.knows(path):
        return _layout_freqtrade.read(path, hints)
    if path.suffix in _TABLES:
        return _table(path, hints)
    if path.suffix in (".csv", ".zip"):
        return _csv(path, hints)
    return Left(layout="unknown", reason=f"no layout has files that end in {path.suffix or 'nothing'}")


def _table(path: Path, hints: Hints) -> Taken | Left:
    layout = _layout_sets.of_columns(text_schema(path))
    if layout == _layout_sets.MULTI_VENUE:
        return _layout_sets.read_venues(path, hints)
    if layout == _layout_sets.BITMEX:
        return _layout_sets.read_bitmex(path, hints)
    return _layout_table.read(path, hints)


def _csv(path: Path, hints: Hints) -> Taken | Left:
    frame = read_csv(path, read_bytes(path))
    there = set(frame.columns)
    if _layout_sets.of_columns(frame.columns) == _layout_sets.HYPERLIQUID:
        return _layout_sets.read_hyperliquid(path, frame)
    if {"user", "delta_usd"} <= there:
        return Left(layout="Hyperliquid ledger", reason="deposits and withdrawals of accounts are no market series")
    return _layout_table.read(path, hints, frame)


def _packed(path: Path) -> Left:
    try:
        with gzip.open(path) as file:
            head = file.read(_HEAD)
            if head.lstrip()[:1] in (b"{", b"["):
                return _json(path, head + file.read(_JSON_MAX))
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(path, f"the gzip is damaged or cut short ({error})") from error
    first = head.split(b" ", 1)[0]
    if first.isdigit() and len(first) >= 16:
        return Left(layout="raw wire lines", reason="WebSocket lines as received are for the recorder, not the store")
    if first.startswith((b"http", b"ws")) or b"://" in head:
        return Left(layout="wire capture", reason="captured REST and WebSocket answers are for client tests")
    return Left(layout="unknown", reason="no layout has gzipped files like this")


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_JSON_MAX)
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror or error}") from error


def _json(path: Path, raw: bytes) -> Left:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadFile(path, f"not JSON: {error}") from error
    if isinstance(content, dict) and "symbols" in content:
        return Left(layout="exchangeInfo", reason="instruments, not a series")
    return Left(layout="brackets", reason="leverage brackets are given to a plan or backtest with --brackets")
