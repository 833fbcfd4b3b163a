"""What a command line may meet: paths that are none, names that command terminals, full disks, readers that left."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import bearskin as package
from bearskin.app._command import end
from bearskin.app._desk import Desk, one_line

SOURCE = Path(package.__file__).parents[1]
PLAN = "plan short BTCUSDT --entry 60000 --stop 62500"
HEAD = "time,open,high,low,close,volume\n"
ROWS = "".join(f"{1_740_787_200_000 + n * 3_600_000},10,12,9,11,5\n" for n in range(30))


def one_sentence(ran, said: str, code: int = 2) -> None:
    """The exit code, one line on stderr that begins with error, and the same as an object."""
    assert ran.code == code, ran.err
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ran.err
    assert said in errors[0]
    assert "Traceback" not in ran.err
    assert ran.object["error"]["exit_code"] == code


def shell(line: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`line` in bash with `bearskin` as this source; for what only a real process shows."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "BEARSKIN_HOME": str(home), **more}
    script = f'bearskin() {{ "{sys.executable}" -m bearskin "$@"; }}\n{line}'
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, errors="replace", env=environment)


# ---- paths


@pytest.mark.parametrize("path", ["~no-such-user/x", "/tmp/" + "a" * 300])
@pytest.mark.parametrize(
    "words",
    [
        ["data", "import", "PATH"],
        ["config", "--home", "PATH"],
        ["config", "--store", "PATH"],
        ["backup", "PATH"],
        ["backtest", "--out", "PATH"],
        ["backtest", "--setup-file", "PATH"],
        ["demo", "--backtest", "--out", "PATH"],
        ["plan", "short", "BTCUSDT", "--entry", "1", "--stop", "2", "--brackets", "PATH"],
    ],
)
def test_a_path_that_cannot_be_one(bearskin, words: list[str], path: str) -> None:
    one_sentence(bearskin(*[path if word == "PATH" else word for word in words], "--json"), path[:60])


def test_an_empty_path_is_not_the_folder_one_stands_in(home: Path, tmp_path: Path) -> None:
    """`bearskin data import "$UNSET"` must not import whatever lies around."""
    (tmp_path / "BTCUSDT_1h.csv").write_text(HEAD + ROWS)
    ran = shell(f'cd {tmp_path}; bearskin data import "" --venue binance', home)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (2, "error: a path was empty: name a file or a folder")
    assert not (home / "store").exists()


def test_results_have_a_place_before_hours_of_work(bearskin, home: Path) -> None:
    one_sentence(bearskin("backtest --out /dev/null/x --json"), "/dev/null/x of the results cannot be written")


def test_a_refused_backtest_makes_no_folder(bearskin, home: Path) -> None:
    one_sentence(bearskin("backtest --json"), "has no 1h candles")
    assert not (home / "reports").exists()


def test_results_may_go_into_a_relative_folder(home: Path, tmp_path: Path, monkeypatch) -> None:
    from bearskin.app._house import results_folder

    monkeypatch.chdir(tmp_path)
    assert results_folder("here", tmp_path) == tmp_path / "here"  # absolute: a tear sheet has an address


def test_names_of_files_do_not_command_the_terminal(bearskin, tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[31m.csv"
    path.write_text("x")
    ran = bearskin("data import", path, "--json")
    one_sentence(ran, r"a b\x1b[31m.csv: there is no row in it")
    assert "\x1b" not in ran.err
    assert one_line("a\tb\r\nc\x00d") == r"a b  c\x00d"


# ---- numbers and settings


@pytest.mark.parametrize("number", ["1e999", "1e16", "1e-16", "٣", "nan", "inf", "0x10", "1,000"])
def test_numbers_out_of_reach_are_refused_where_they_are_kept(bearskin, home: Path, number: str) -> None:
    one_sentence(bearskin("config", "set", "equity", number, "--json"), "equity was")
    assert not (home / "config.toml").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("venue", "a\x7fb"),
        ("venue", "a/b"),
        ("venue", "\udcff\udcfe"),
        ("store", ""),
        ("store", "~no-such-user"),
        ("archive_url", 'http://"x'),
        ("archive_url", "https://user:supersecret@host/x"),
        ("risk", "0"),
        ("taker", "100%"),
    ],
)
def test_settings_that_could_not_be_read_back_are_not_written(home: Path, name: str, value: str, capsys) -> None:
    from bearskin.app._cli import run

    assert run(["config", "set", name, value]) == 2
    said = capsys.readouterr().err
    assert "is a bug" not in said
    assert "supersecret" not in said
    assert not (home / "config.toml").exists()
    assert run(["config", "--json"]) == 0


def test_a_linked_config_file_stays_a_link(bearskin, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (tmp_path / "dotfiles.toml").write_text("# mine\n")
    (home / "config.toml").symlink_to(tmp_path / "dotfiles.toml")
    assert bearskin("config set risk 1% --json").code == 0
    assert (home / "config.toml").is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == '# mine\nrisk = "0.01"\n'


def test_a_config_file_that_fails_leaves_nothing_behind(bearskin, home: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    one_sentence(bearskin("config set risk 1% --json"), "config.toml cannot be written (No space left on device)")
    assert list(home.iterdir()) == []


def test_no_symbols_are_not_all_symbols(bearskin) -> None:
    one_sentence(bearskin("backtest", "--symbols", ",", "--json"), "no symbol was named")


def test_a_check_of_nothing_is_no_clean_bill(bearskin, tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT_1h.csv").write_text(HEAD + ROWS)
    assert bearskin("data import", tmp_path / "BTCUSDT_1h.csv", "--venue binance --json").code == 0
    one_sentence(bearskin("data check --symbol BTCUDST --json"), "no series with symbol 'BTCUDST': it has BTCUSDT")
    assert bearskin("data check --symbol BTCUSDT --json").object["checked_series"] == 1


# ---- the system


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (OSError(36, "File name too long", "/x/y"), 2, "/x/y cannot be used (File name too long)"),
        (PermissionError(13, "Permission denied", "/x/y"), 2, "/x/y cannot be used (Permission denied)"),
        (MemoryError(), 1, "not enough memory"),
    ],
)
def test_what_the_system_refuses_is_no_bug_of_ours(home, capsys, error: Exception, code: int, said: str) -> None:
    def work() -> int:
        raise error

    assert end(Desk(command="x", json=True), work) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert "is a bug" not in shown.err
    assert json.loads(shown.out)["error"]["exit_code"] == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{PLAN} | true", 0),
        (f"{PLAN} --json | true", 0),
        (f"{PLAN} --qty -1 --json | true", 2),
        ("--help | true", 0),
        (f"{PLAN} >&-", 0),
        (f"{PLAN} --json >&- 2>&- <&-", 0),
        (f"{PLAN} --qty -1 2>/dev/full", 2),
        (f"{PLAN} --json >/dev/full", 1),
    ],
)
def test_readers_that_left_and_streams_that_are_closed(tmp_path: Path, line: str, code: int) -> None:
    ran = shell(f"bearskin {line}; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_narrow_encodings_still_give_one_object(tmp_path: Path, encoding: str) -> None:
    ran = shell(f"bearskin {PLAN} --json; bearskin {PLAN} >&2", tmp_path, PYTHONIOENCODING=encoding)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["liquidation_price"]


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    ran = shell("bearskin data import $'/tmp/no\\xff\\xfe.csv' --json", tmp_path)
    assert ran.returncode == 2
    assert "does not exist" in json.loads(ran.stdout)["error"]["message"]


# ---- backups


def archive(path: Path, *members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(body), kind, "/etc"
            tar.addfile(info, io.BytesIO(body))
    return path


LISTING = "bearskin-backup.json"
HOSTILE = {
    "a way out": [("../evil", b"x")],
    "an absolute name": [("/tmp/evil", b"x")],
    "no name": [("", b"x")],
    "a dot": [(".", b"x")],
    "a list for a listing": [(LISTING, b"[]")],
    "nothing for a listing": [(LISTING, b"null")],
    "files that are none": [(LISTING, b'{"files": {"a": 5}}')],
    "a bottomless listing": [(LISTING, b"[" * 100_000)],
    "a file twice": [("config.toml", b"a"), ("config.toml", b"b"), (LISTING, b'{"files": {}}')],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_backup_restores_nothing(bearskin, home: Path, tmp_path: Path, case: str) -> None:
    path = archive(tmp_path / "b.tar.gz", *HOSTILE[case])
    one_sentence(bearskin("backup", path, "--restore --json"), "b.tar.gz")
    assert [one.name for one in home.iterdir() if one.name != "logs"] == []


def test_what_dead_processes_left_is_swept(bearskin, home: Path, tmp_path: Path) -> None:
    """A backup that was killed leaves as much as the store is large; the next one takes it away."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, alive = tmp_path / f".b.tar.gz.part-{dead.pid}", tmp_path / f".b.tar.gz.part-{os.getpid()}x"
    for path in (left, alive):
        path.write_text("half")
    assert bearskin("config set risk 1% --json").code == 0
    assert bearskin("backup", tmp_path / "b.tar.gz", "--json").code == 0
    assert (left.exists(), alive.exists()) == (False, True)
    half = tmp_path / "new" / f".restore-{dead.pid}-abc"
    half.mkdir(parents=True)
    assert bearskin("backup", tmp_path / "b.tar.gz", "--restore --json --home", tmp_path / "new").code == 0
    assert not half.exists()


def test_a_path_with_dots_is_told_as_the_place_it_is(bearskin, tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "real")
    for dotted in ("a/../store", "other/../store"):  # what lies above a link is above what it leads to
        assert f"the store {tmp_path}/store is empty" in bearskin(f"scan --store {tmp_path}/{dotted}").err


@pytest.mark.parametrize(("typed", "meant"), [("status", "bearskin positions"), ("start", "bearskin demo")])
def test_what_other_tools_call_a_command_is_told_what_does_that_here(bearskin, typed: str, meant: str) -> None:
    ran = bearskin(typed)
    assert ran.code == 2
    assert f"No such command '{typed}'. `{meant}`" in ran.err
