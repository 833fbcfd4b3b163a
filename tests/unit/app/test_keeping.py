"""Backup, restore, reset, migrate, doctor: what is ours is kept, and goes only when somebody says so."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from bearskin.app._doctor import Check, DoctorReport
from bearskin.market import hold_store


@pytest.fixture
def full(home: Path) -> Path:
    """A home with something in every part, and a store that carries its version."""
    for part in ("store/binance/linear", "journal", "exchange", "cache/numba", "logs", "reports/one", "dashboard"):
        (home / part).mkdir(parents=True)
    (home / "config.toml").write_text('risk = "0.02"\n')
    (home / "store" / "store.json").write_text(json.dumps({"format": "bearskin-store", "version": 1}))
    (home / "store" / "binance" / "linear" / "2025.parquet").write_bytes(bytes(range(256)) * 1000)
    (home / "store" / ".lock").write_text("1\n")
    (home / "journal" / "journal.db").write_bytes(b"trades")
    (home / "cache" / "numba" / "x.nbc").write_bytes(b"code")
    (home / "logs" / "bearskin.log").write_text("said\n")
    (home / "reports" / "one" / "tear_sheet.html").write_text("<html>")
    (home / "dashboard" / "token").write_text("secret of this machine")
    (home / "dashboard" / "prefs.json").write_text('{"theme": "light"}')
    return home


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def kept(folder: Path) -> dict[str, bytes]:
    gone = ("cache/", "logs/", "store/.lock", "dashboard/token")
    return {name: content for name, content in tree(folder).items() if not name.startswith(gone)}


def test_a_backup_comes_back_whole(bearskin, full: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    made = bearskin("backup", file, "--json")
    assert made.code == 0
    assert made.object["files"] == 6
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["b.tar.gz"]
    back = bearskin("backup", file, "--restore", "--home", tmp_path / "new", "--json")
    assert back.code == 0
    assert back.object["content_bytes"] == made.object["content_bytes"]
    assert tree(tmp_path / "new") == kept(full)


def test_what_only_its_owner_could_read_stays_so(bearskin, full: Path, tmp_path: Path) -> None:
    (full / "exchange" / "master.secret").touch(0o600)
    file = tmp_path / "b.tar.gz"
    assert bearskin("backup", file).code == 0
    assert bearskin("backup", file, "--restore", "--home", tmp_path / "new").code == 0
    secret, report = "exchange/master.secret", "reports/one/tear_sheet.html"
    assert (tmp_path / "new" / secret).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / report).stat().st_mode == (full / report).stat().st_mode
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_store_elsewhere_is_backed_up_as_the_store(bearskin, full: Path, tmp_path: Path) -> None:
    (full / "store").rename(tmp_path / "elsewhere")
    assert bearskin("backup", tmp_path / "b.tar.gz", "--store", tmp_path / "elsewhere").code == 0
    assert bearskin("backup", tmp_path / "b.tar.gz", "--restore", "--home", tmp_path / "new").code == 0
    assert (tmp_path / "new" / "store" / "store.json").exists()


def test_a_backup_never_overwrites(bearskin, full: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_text("mine")
    ran = bearskin("backup", file)
    assert (ran.code, file.read_text()) == (2, "mine")
    assert "never overwrites" in ran.err
    assert bearskin("backup", full / "store" / "b.tar.gz").code == 2
    assert bearskin("backup", tmp_path / "no" / "b.tar.gz").code == 2


def test_a_backup_waits_for_the_writer(bearskin, full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bearskin.market._writing._WAIT_S", 0.1)
    with hold_store(full / "store"):
        ran = bearskin("backup", tmp_path / "b.tar.gz")
    assert ran.code == 1
    assert "is being written" in ran.err
    assert list(tmp_path.glob("*.gz")) == []
    assert list(tmp_path.glob(".*part*")) == []


def test_a_restore_needs_an_empty_home(bearskin, full: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    assert bearskin("backup", file).code == 0
    before = tree(full)
    ran = bearskin("backup", file, "--restore")
    assert ran.code == 2
    assert "empty home" in ran.err
    assert tree(full) == before


def damaged(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "no gzip":
        file.write_bytes(b"plain text")
    elif how == "flipped":
        content = bytearray(gzip.decompress(whole))
        at = content.index(b"trades")
        content[at] ^= 1
        file.write_bytes(gzip.compress(bytes(content)))
    elif how == "outside":
        with tarfile.open(file, "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("../../evil"))
    else:
        with tarfile.open(file, "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("store/store.json"))


@pytest.mark.parametrize("how", ["cut", "no gzip", "flipped", "outside", "no listing"])
def test_a_damaged_backup_restores_nothing(bearskin, full: Path, tmp_path: Path, how: str) -> None:
    file = tmp_path / "b.tar.gz"
    assert bearskin("backup", file).code == 0
    damaged(file, how)
    ran = bearskin("backup", file, "--restore", "--home", tmp_path / "new")
    assert ran.code == 2
    assert str(file) in ran.err
    assert ran.err.strip().count("\n") == 0 or "reading" in ran.err
    assert tree(tmp_path / "new") == {}
    assert not (tmp_path / "evil").exists()


def test_a_reset_asks_first(bearskin, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(full)
    ran = bearskin("reset", "store")  # the tests have no terminal
    assert ran.code == 2
    assert "--yes" in ran.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    ran = bearskin("reset", "all")
    assert ran.code == 2
    assert "nothing was touched" in ran.err
    assert tree(full) == before
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    assert bearskin("reset", "logs").code == 0
    assert not (full / "logs" / "bearskin.log").exists()


def test_a_reset_of_all_leaves_settings_and_journal(bearskin, full: Path) -> None:
    ran = bearskin("reset", "all", "--yes", "--json")
    assert ran.code == 0
    assert ran.object["kept"] == ["journal", "config.toml"]
    assert sorted(tree(full)) == ["config.toml", "journal/journal.db", "store/.lock"]
    ran = bearskin("reset", "journal", "--yes")
    assert ran.code == 2
    assert "--journal" in ran.err
    assert bearskin("reset", "--journal", "--yes").code == 0
    assert "journal/journal.db" not in tree(full)


def test_a_reset_names_what_it_knows(bearskin, full: Path) -> None:
    assert "store, cache" in bearskin("reset", "everything", "--yes").err
    assert bearskin("reset", "--yes").code == 2


def test_a_folder_that_is_no_store_is_not_emptied(bearskin, home: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one.jpg").write_bytes(b"jpg")
    ran = bearskin("reset", "store", "--store", photos, "--yes")
    assert ran.code == 2
    assert "not a bearskin store" in ran.err
    assert (photos / "one.jpg").exists()


def test_a_damaged_store_can_be_reset(bearskin, full: Path) -> None:
    (full / "store" / "store.json").write_text("{")
    assert bearskin("doctor", "--json").code == 2
    assert bearskin("reset", "store", "--yes").code == 0
    assert bearskin("doctor", "--json").code == 0


def test_migrate_says_when_there_is_nothing_to_do(bearskin, full: Path, tmp_path: Path) -> None:
    assert "nothing to do" in bearskin("migrate").out
    assert "no store" in bearskin("migrate", "--home", tmp_path / "new").out
    assert bearskin("migrate", "--json").object["version_after"] == 1


def test_a_store_from_the_future_is_refused(bearskin, full: Path) -> None:
    (full / "store" / "store.json").write_text(json.dumps({"version": 99}))
    before = tree(full)
    ran = bearskin("migrate")
    assert ran.code == 2
    assert "99" in ran.err
    assert tree(full) == before
    checks = bearskin("doctor", "--json").object["checks"]
    assert [c["state"] for c in checks if c["area"] == "store"] == ["bad"]


def test_a_healthy_home_is_healthy(bearskin, full: Path) -> None:
    ran = bearskin("doctor", "--json")
    report = ran.object
    assert ran.code == 0
    assert report["healthy"]
    names = {(c["area"], c["name"]) for c in report["checks"]}
    for wanted in (("python", "version"), ("import", "numba"), ("import", "talib"), ("package", "polars")):
        assert wanted in names
    assert report["disk_bytes"]["store"] > 256_000
    assert report["disk_bytes"]["logs"] == 5
    table = bearskin("doctor")
    assert table.code == 0
    assert "healthy" in table.out


def test_what_is_wrong_is_named(bearskin, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    ran = bearskin("doctor", "--store", tmp_path / "file" / "store", "--json")
    assert ran.code == 2
    assert "store: " in ran.err
    monkeypatch.setattr("bearskin.app._doctor._needs", lambda: [("polars", "999.0"), ("no-such-package", "1")])
    ran = bearskin("doctor", "--json")
    assert ran.code == 2
    assert "needs 999.0" in ran.err
    assert "no-such-package: is missing" in ran.err
    monkeypatch.undo()
    assert DoctorReport(checks=(Check(area="a", name="b", state="odd", detail=""),), disk_bytes={}).healthy


def test_a_clock_before_its_own_files_is_wrong(bearskin, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bearskin.app._doctor.time.time_ns", lambda: 10**18)
    ran = bearskin("doctor")
    assert ran.code == 2
    assert "wall" in ran.err
