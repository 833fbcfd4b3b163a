"""A sweep's folder that somebody or something has damaged: named, with what mends it, and nothing lost."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fake_sweep import write_sweep

from bearskin import report
from bearskin.backtest import luck_of_sweep, read_sweep
from bearskin.backtest._search_folder import ABOUT, DAYS, ROWS, SUMS, _append, sums_in
from bearskin.backtest._search_sound import LOCK, held
from bearskin.terms import BadFile, BadInput

PART = "part-00000000-00001.parquet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    daily = np.random.default_rng(4).normal(0, 5, (140, 12))
    daily[:, 3] = 0.0  # never trades
    return write_sweep(tmp_path / "s", daily, symbols=("AAAUSDT", "BBBUSDT"))


HARMS = ["empty", "text", "cut", "other columns", "another symbol's"]


@pytest.mark.parametrize(("kind", "harm"), [(kind, harm) for kind in (ROWS, DAYS) for harm in HARMS] + [(DAYS, "gone")])
def test_a_damaged_part_is_named_with_what_to_delete(folder: Path, kind: str, harm: str):
    part = folder / kind / PART
    content = part.read_bytes()
    if harm == "other columns":
        pl.DataFrame({"a": [1]}).write_parquet(part)
    elif harm == "another symbol's":
        shutil.copy(part.with_name(PART.replace("00001", "00000")), part)
    elif harm == "gone":
        part.unlink()
    else:
        part.write_bytes({"empty": b"", "text": b"no parquet at all", "cut": content[:-40]}[harm])
    with pytest.raises(BadFile) as told:
        read_sweep(folder)
    assert told.value.path == part
    said = str(told.value)
    delete = "delete it and" if kind == ROWS else f"delete {folder / ROWS / PART} and"
    assert delete in said
    assert f"`bearskin sweep --resume --out {folder}` computes that part again" in said


@pytest.mark.parametrize("kind", [ROWS, DAYS])
def test_a_byte_that_turned_over_is_found_though_the_file_is_read_as_before(folder: Path, kind: str):
    part, whole = folder / kind / PART, pl.read_parquet(folder / kind / PART)
    content = part.read_bytes()
    for at in range(8, len(content) - 8):
        part.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            other = pl.read_parquet(part)
        except Exception:  # noqa: BLE001 - such a byte says so by itself
            continue
        if other.schema == whole.schema and not other.equals(whole):
            break
    else:
        pytest.fail("no byte of it gives other numbers")
    with pytest.raises(BadFile, match=f"{PART}: it is damaged .*its check sum is not the one it was written with"):
        read_sweep(folder)


def test_parts_without_a_sum_and_half_a_line_are_no_damage(folder: Path):
    sums = folder / SUMS
    lines = sums.read_bytes().splitlines(keepends=True)
    sums.write_bytes(lines[0] + lines[1][:20])  # the power went while a line was written
    assert read_sweep(folder).units_done == 2
    _append(sums, '{"part": "x", "rows": "1"}')
    assert sums_in(folder).keys() == {json.loads(lines[0])["part"], "x"}
    sums.unlink()  # a sweep of an older bearskin
    assert read_sweep(folder).units_done == 2


def test_damage_inside_is_found_when_it_is_read(folder: Path):
    sweep = read_sweep(folder)
    part = folder / ROWS / PART
    content = bytearray(part.read_bytes())
    content[4:400] = bytes(396)  # pages, not the foot
    part.write_bytes(bytes(content))
    for look in (sweep.standings, sweep.numbers, sweep.digest, lambda: sweep.of([1]), lambda: luck_of_sweep(sweep)):
        with pytest.raises(BadFile, match=f"{PART}: it is damaged"):
            look()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "it is damaged: it is no JSON"),
        ("[]", "is not about a sweep"),
        ('{"kind": "recipe"}', "is not about a sweep"),
        ('{"kind": "sweep", "version": 99}', "is of version 99"),
        ('{"kind": "sweep", "version": 1}', "its 'request' is missing"),
    ],
)
def test_a_sweep_json_that_is_none_is_told(folder: Path, content: str, said: str):
    (folder / ABOUT).write_text(content)
    with pytest.raises(BadInput, match=said):
        read_sweep(folder)


@pytest.mark.parametrize("name", ["axes", "symbols", "request", "tried", "units", "first_day", "data"])
def test_each_word_of_it_is_looked_at(folder: Path, name: str):
    about = json.loads((folder / ABOUT).read_text())
    for wrong in ("something", [] if name in ("axes", "symbols") else True):
        if name == "axes" and wrong == []:
            continue
        (folder / ABOUT).write_text(json.dumps(about | {name: wrong}))
        with pytest.raises(BadFile, match=rf"sweep\.json: it is damaged: its '{name}' .* another --out"):
            read_sweep(folder)


def test_one_folder_has_one_writer_and_an_empty_one_leaves_no_trace(tmp_path: Path):
    place = tmp_path / "new"
    with held(place):
        with pytest.raises(BadInput, match="another sweep is at work in"), held(place):
            pass
        assert place.is_dir()
    assert not place.exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(ZeroDivisionError), held(tmp_path / "mine"):
        raise ZeroDivisionError
    assert list((tmp_path / "mine").iterdir()) == []


def test_what_never_traded_is_ranked_nowhere(tmp_path: Path):
    daily = -np.abs(np.random.default_rng(4).normal(0, 5, (140, 12)))  # everything loses
    daily[:, 3] = 0.0
    told: Any = report.sweep_json(read_sweep(write_sweep(tmp_path / "s", daily)), given=" --home 'my home'")
    places = [*told["best"], told["median"], *told["worst"]]
    assert 3 not in [row["combination"] for row in places]
    assert all(float(row["net"]) < 0 for row in places)
    assert any("1 combination never traded: tried all the same, ranked nowhere" in note for note in told["notes"])
    assert any(note.endswith("--home 'my home'` asks how much of it is") for note in told["notes"])


def test_a_sweep_without_any_trade_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from rich.console import Console

    sweep = read_sweep(write_sweep(tmp_path / "s", np.zeros((140, 1))))
    for part in report.sweep_tables(sweep):
        Console(width=200).print(part)
    out = capsys.readouterr().out
    assert out.startswith("1 combination tried on AAAUSDT")
    assert "none of them ever traded" in out
    assert "no trades" in out


def test_the_lock_is_the_systems(tmp_path: Path):
    with held(tmp_path / "s"), (tmp_path / "s" / LOCK).open("a") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
