"""Market data through the real commands: what goes in, and what is refused with the store left as it was."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from unit.market.archive_server import Archive, klines

import bearskin as package

HEADER = "time,open,high,low,close,volume"
HOUR_MS = 3_600_000
START_MS = 1_735_689_600_000


def rows(count: int = 48, start: int = 0) -> list[str]:
    bars = range(start, start + count)
    return [f"{START_MS + i * HOUR_MS},{100 + i},{101 + i},{99 + i},{100.5 + i},{10 + i}" for i in bars]


def csv(path: Path, lines: list[str], header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def digest(folder: Path) -> str:
    """Names and contents of everything below `folder`; the lock is no content."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")) if folder.exists() else []:
        if path.is_file() and path.name != ".lock":
            total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


NAMED = ("--venue", "binance", "--product", "linear", "--symbol", "BTCUSDT", "--kind", "trade", "--interval", "1h")


@pytest.fixture
def filled(bearskin, home: Path, tmp_path: Path) -> Path:
    ran = bearskin("data", "import", csv(tmp_path / "good.csv", rows()), *NAMED, "--json")
    assert ran.code == 0, ran.err
    assert ran.object["added"] == 48
    return home / "store"


def bad_zip(path: Path, keep: float) -> Path:
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1h-2025-01.csv", "\n".join(rows(200)))
    whole = inside.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole[: int(len(whole) * keep)])
    return path


def truncated(folder: Path) -> Path:
    return bad_zip(folder / "BTCUSDT-1h-2025-01.zip", 0.6)


def wrong_checksum(folder: Path) -> Path:
    file = bad_zip(folder / "BTCUSDT-1h-2025-01.zip", 1.0)
    (folder / f"{file.name}.CHECKSUM").write_text(f"{'0' * 64}  {file.name}\n")
    return file


def no_close(folder: Path) -> Path:
    return csv(folder / "x.csv", [line.rpartition(",")[0] for line in rows()], "time,open,high,low,volume")


def unsorted(folder: Path) -> Path:
    lines = rows()
    return csv(folder / "x.csv", [*lines[:10], lines[11], lines[10], *lines[12:]])


def doubled(folder: Path) -> Path:
    lines = rows()
    return csv(folder / "x.csv", [*lines[:10], lines[9], *lines[10:]])


def not_a_number(folder: Path) -> Path:
    lines = rows()
    cells = lines[7].split(",")
    return csv(folder / "x.csv", [*lines[:7], ",".join([*cells[:4], "NaN", cells[5]]), *lines[8:]])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (truncated, "BTCUSDT-1h-2025-01.zip"),
        (wrong_checksum, "checksum"),
        (no_close, "close"),
        (unsorted, "row"),
        (doubled, "row"),
        (not_a_number, "close"),
    ],
)
def test_a_bad_file_is_one_sentence_and_an_untouched_store(
    bearskin, filled: Path, tmp_path: Path, make, said: str
) -> None:
    before = digest(filled)
    file = make(tmp_path / "bad")
    ran = bearskin("data", "import", file, *NAMED, "--json", "-q")
    assert ran.code == 2
    assert said.lower() in ran.err.lower()
    assert file.name in ran.err
    assert ran.err.count("\n") == 1, ran.err
    assert ran.object["error"]["exit_code"] == 2
    assert digest(filled) == before


def test_a_bad_file_in_a_folder_does_not_stop_the_others(bearskin, home: Path, tmp_path: Path) -> None:
    not_a_number(tmp_path / "set")
    csv(tmp_path / "set" / "y.csv", rows())
    ran = bearskin("data", "import", tmp_path / "set", *NAMED, "--json")
    assert ran.code == 2
    report = ran.object
    assert (report["added"], report["taken_files"], report["bad_files"]) == (48, 1, 1)
    assert "x.csv" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("data", "import"),
        ("data", "import", "no/such/file.csv"),
        ("data", "fetch"),
        ("data", "fetch", "BTCUSDT", "--from", "yesterday"),
        ("data", "fetch", "BTCUSDT", "--from", "2025-02-01", "--to", "2025-01-01"),
        ("data", "fetch", "BTCUSDT", "--via", "carrier-pigeon"),
        ("data", "fetch", "BTCUSDT", "--kinds", "prices"),
        ("data", "fetch", "BTCUSDT", "--interval", "7m"),
        ("data", "fetch", "BTCUSDT", "--venue", "bybit", "--via", "archive"),
    ],
)
def test_what_cannot_be_meant_is_refused(bearskin, filled: Path, words: tuple[str, ...]) -> None:
    before = digest(filled)
    ran = bearskin(*words, "-q", "--json")
    assert ran.code == 2, ran.err
    assert ran.err.count("\n") == 1
    assert "error" in ran.object
    assert digest(filled) == before


def test_an_unwritable_store_is_refused(bearskin, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    good = csv(tmp_path / "good.csv", rows())
    ran = bearskin("data", "import", good, *NAMED, "-q", "--store", tmp_path / "file" / "store")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert ran.err.count("\n") == 1


def test_importing_twice_changes_nothing(bearskin, filled: Path, tmp_path: Path) -> None:
    before = digest(filled)
    again = bearskin("data", "import", tmp_path / "good.csv", *NAMED, "--json").object
    assert (again["added"], again["same"]) == (0, 48)
    assert digest(filled) == before


def test_list_shows_what_is_there(bearskin, filled: Path) -> None:
    found = bearskin("data", "list", "--json").object["series"]
    assert found == [
        {
            "venue": "binance",
            "product": "linear",
            "symbol": "BTCUSDT",
            "kind": "trade",
            "interval": "1h",
            "first": "2025-01-01T00:00:00Z",
            "last": "2025-01-02T23:00:00Z",
            "rows": 48,
        }
    ]
    assert bearskin("data", "list", "--symbol", "ETHUSDT", "--json").object["series"] == []
    assert "BTCUSDT" in bearskin("data", "list", "--each").out


def test_looking_makes_no_store(bearskin, home: Path) -> None:
    assert bearskin("data", "list").code == 0
    assert bearskin("data", "check", "--json").object["checked_series"] == 0
    assert not home.exists()


def test_check_finds_the_hole_that_was_made(bearskin, home: Path, tmp_path: Path) -> None:
    lines = rows()
    bearskin("data", "import", csv(tmp_path / "hole.csv", lines[:20] + lines[23:]), *NAMED)
    faults = bearskin("data", "check", "--json").object["faults"]
    assert [fault["code"] for fault in faults] == ["gap"]
    assert faults[0]["time"] == "2025-01-01T19:00:00Z" or "2025-01-01T20:00" in json.dumps(faults[0])


def test_the_verbs_say_the_same_as_the_commands(bearskin, filled: Path, tmp_path: Path) -> None:
    assert package.data_list().to_json() == bearskin("data", "list", "--json").object
    assert package.data_check().to_json() == bearskin("data", "check", "--json").object
    report = package.data_import(csv(tmp_path / "more.csv", rows(10, 48)), **dict(zip(
        ("venue", "product", "symbol", "kind", "interval"), NAMED[1::2], strict=True)))  # fmt: skip
    assert report.added == 10


def test_a_month_is_fetched_once_and_a_wrong_checksum_touches_nothing(bearskin, home: Path) -> None:
    month = "data/futures/um/monthly/klines/{0}/1h/{0}-1h-2025-01.zip"
    words = ("--kinds", "trade", "--from", "2025-01-01", "--to", "2025-02-01", "--json")
    with Archive() as archive:
        archive.put(month.format("BTCUSDT"), klines(START_MS, 744))
        archive.put(month.format("ETHUSDT"), klines(START_MS, 744), checksum="0" * 64)
        url = ("--archive-url", archive.url)
        first = bearskin("data", "fetch", "BTCUSDT", *words, *url)
        assert first.code == 0, first.err
        assert first.object["added"] == 744
        before = digest(home / "store")
        again = bearskin("data", "fetch", "BTCUSDT", *words, *url).object
        assert (again["added"], again["known_files"], again["downloaded_files"]) == (0, 1, 0)
        wrong = bearskin("data", "fetch", "ETHUSDT", *words, *url, "-q")
        assert wrong.code == 2
        assert "checksum" in wrong.err.lower()
        assert "ETHUSDT-1h-2025-01.zip" in wrong.err
        assert digest(home / "store") == before
        archive.statuses[month.format("SOLUSDT")] = archive.statuses[month.format("SOLUSDT") + ".CHECKSUM"] = [403] * 9
        refused = bearskin("data", "fetch", "SOLUSDT", *words, *url, "-q")
    assert refused.code == 1
    assert "403" in refused.err
    assert "bug" not in refused.err
