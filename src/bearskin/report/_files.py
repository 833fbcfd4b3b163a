"""A result in a folder: complete or not at all."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bearskin.backtest import BacktestResult
from bearskin.report._json import result_json
from bearskin.terms import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where each part of a result was written."""

    trades: Path
    equity: Path
    declined: Path
    summary: Path
    tear_sheet: Path | None


def write_result(result: BacktestResult, folder: Path | str, *, title: str | None = None, html: bool = True) -> Written:
    """Write `trades`, `equity` and `declined` as Parquet, `summary.json` and `tear_sheet.html` into `folder`.

    Everything is written beside its place first and moved when all of it is there, so an older result stays whole until
    the new one is. `html=False` leaves the tear sheet out. Returns the paths. Raises BadInput when the folder cannot be
    written.
    """
    from bearskin.report._page import tear_sheet

    folder = Path(folder)
    summary = json.dumps(result_json(result), indent=2, ensure_ascii=False)
    page = tear_sheet(result, title=title) if html else ""
    writers: dict[str, Callable[[Path], object]] = {
        "trades.parquet": lambda path: path.write_bytes(_parquet(result.trades)),
        "equity.parquet": lambda path: path.write_bytes(_parquet(result.equity)),
        "declined.parquet": lambda path: path.write_bytes(_parquet(result.declined)),
        "summary.json": lambda path: path.write_text(summary + "\n", encoding="utf-8"),
        "tear_sheet.html": lambda path: path.write_text(page, encoding="utf-8"),
    }
    if not html:
        del writers["tear_sheet.html"]
    parts = {name: folder / f".{name}.{os.getpid()}.part" for name in writers}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in writers.items():
            write(parts[name])
        for name, part in parts.items():
            part.replace(folder / name)
    except OSError as broken:
        why = broken.strerror or str(broken)
        raise BadInput(f"cannot write the results into {folder}: {why}; name a folder you may write to") from broken
    finally:
        _clear(parts.values())
    return Written(
        trades=folder / "trades.parquet",
        equity=folder / "equity.parquet",
        declined=folder / "declined.parquet",
        summary=folder / "summary.json",
        tear_sheet=folder / "tear_sheet.html" if html else None,
    )


def _parquet(frame: pl.DataFrame) -> bytes:
    """The bytes of a file, so that what goes wrong with the disk is told by the system."""
    packed = io.BytesIO()
    frame.write_parquet(packed)
    return packed.getvalue()


def _clear(parts: Iterable[Path]) -> None:
    for part in parts:
        try:
            part.unlink(missing_ok=True)
        except OSError:  # the folder itself is the fault already reported
            continue
