"""A folder of results is complete or untouched, and the face costs nothing until it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest

import bearskin.report
from bearskin.report import result_json, write_result
from bearskin.terms import BadInput


def test_everything_is_written_and_reads_back(result, tmp_path):
    written = write_result(result, tmp_path / "runs" / "one")
    assert sorted(one.name for one in (tmp_path / "runs" / "one").iterdir()) == [
        "declined.parquet",
        "equity.parquet",
        "summary.json",
        "tear_sheet.html",
        "trades.parquet",
    ]
    assert pl.read_parquet(written.trades).equals(result.trades)
    assert pl.read_parquet(written.equity).equals(result.equity)
    assert pl.read_parquet(written.declined).equals(result.declined)
    assert json.loads(written.summary.read_text()) == result_json(result)
    assert written.tear_sheet.read_text().startswith("<!doctype html>")


class FullDisk:
    """A frame that can be looked at, and fails halfway through being written."""

    def __init__(self, frame):
        self._frame = frame

    def __getattr__(self, name):
        return getattr(self._frame, name)

    def write_parquet(self, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")


def test_an_older_result_stays_whole_when_the_new_one_fails(result, tmp_path):
    write_result(result, tmp_path)
    old = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    new = replace(result, summary=result.summary | {"net": 1.0}, equity=FullDisk(result.equity))
    with pytest.raises(BadInput, match="No space left on device"):
        write_result(new, tmp_path)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == old


def test_a_place_that_is_no_folder_is_one_clear_sentence(result, tmp_path):
    place = tmp_path / "taken"
    place.write_text("a file")
    with pytest.raises(BadInput, match=r"cannot write the results into .*taken: .*; name a folder you may write to"):
        write_result(result, place)
    assert place.read_text() == "a file"


def test_the_face_is_sorted_and_complete():
    assert bearskin.report.__all__ == sorted(bearskin.report.__all__)
    assert all(getattr(bearskin.report, name) for name in bearskin.report.__all__)


HEAVY = {"plotly", "rich", "polars", "numpy", "numba"}


@pytest.mark.parametrize(
    ("code", "may"),
    [("import bearskin.report", set()), ("from bearskin.report import plan_tables", {"rich"})],
)
def test_nothing_heavy_is_imported_before_it_is_used(code, may):
    told = f"import sys; {code}; print(*(set(sys.modules) & {HEAVY}))"
    paths = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=paths)
    assert set(ran.stdout.split()) <= may
