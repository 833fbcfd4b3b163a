"""Where runs lie: one folder each below the home's journals, with the journal and what the run was begun with.

Folders are 0700 and files 0600: what was traded is its owner's business. What a run was begun with holds no secret.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bearskin.journal._journal import Journal
from bearskin.terms import BadInput, BearskinError, StoreBroken

RUN_CURE = "bring the folder back from a backup, or move it away"
JOURNAL_CURE = (
    "bring it back from a backup, or begin a new run with `bearskin demo --fresh` or `bearskin trade --fresh`: "
    "positions at the venue keep their stops, and `bearskin adopt` takes them in"
)
_FORMAT = "bearskin-run"
_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """A run on disk: its name, its folder, and the facts it was begun with (settings, venue, times)."""

    run: str
    path: Path
    facts: Mapping[str, Any]

    @property
    def journal_path(self) -> Path:
        """The journal's file; it may not be there yet."""
        return self.path / "journal.sqlite"

    @property
    def held(self) -> bool:
        """Whether a process has the journal open."""
        return journal_held(self.journal_path)

    def open_journal(self) -> Journal:
        """The run's journal, made readable for its owner alone.

        Raises BadInput where another process has it, StoreBroken with what to do about it for one that is damaged.
        """
        _own(self.journal_path)
        if not self.journal_path.stat().st_size and any(self.path.glob("history/*.json")):  # a bot has been at it
            raise StoreBroken(f"{self.journal_path} is empty: {JOURNAL_CURE}")
        return Journal.open(self.journal_path, cure=JOURNAL_CURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedRun:
    """A run whose folder does not say what it is: its name, its folder, and what is wrong with what to do about it."""

    run: str
    path: Path
    why: str


def begin_run(journals: Path, run: str, facts: Mapping[str, Any]) -> RunFolder:
    """A new folder for `run` below `journals`, with `facts` (what JSON can hold: no secrets) in it.

    Raises BadInput for a name that is taken or cannot be one, or a folder that cannot be written.
    """
    _check_name(run)
    path = journals / run
    body = msgspec.json.encode({"format": _FORMAT, "version": _VERSION, "run": run, **facts}, order="sorted")
    try:
        journals.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
        aside = path / ".run.json"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(body, indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path / "run.json")
    except FileExistsError:
        raise BadInput(f"{path} is there already: name the run otherwise, or go on with it") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error})") from None
    return read_run(journals, run)


def read_run(journals: Path, run: str) -> RunFolder:
    """The run of that name; raises BadInput where there is none and StoreBroken for a damaged one."""
    _check_name(run)
    path = journals / run
    try:
        facts = msgspec.json.decode((path / "run.json").read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        known = ", ".join(sorted(_names(journals))[-5:]) or "none yet"
        raise BadInput(f"there is no run {run!r} in {journals} (the last ones: {known})") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreBroken(f"{path / 'run.json'} cannot be read ({error}): {RUN_CURE}") from None
    version = facts.get("version")
    if facts.get("format") != _FORMAT or type(version) is not int or version < 1:
        raise StoreBroken(f"{path / 'run.json'} does not tell of a run: {RUN_CURE}")
    if version > _VERSION:
        raise BadInput(
            f"{path} is of a newer bearskin (version {version}, this one reads {_VERSION}): "
            "go on with that one, or move the folder away"
        )
    return RunFolder(run=run, path=path, facts=facts)


def runs_in(journals: Path) -> tuple[RunFolder, ...]:
    """Every sound run below `journals`, in the order of names; the others are `damaged_in`."""
    return tuple(one for one in _all_in(journals) if isinstance(one, RunFolder))


def damaged_in(journals: Path) -> tuple[DamagedRun, ...]:
    """Every run below `journals` that is damaged or of a newer bearskin, in the order of names."""
    return tuple(one for one in _all_in(journals) if isinstance(one, DamagedRun))


def _all_in(journals: Path) -> Iterator[RunFolder | DamagedRun]:
    for name in sorted(_names(journals)):
        try:
            yield read_run(journals, name)
        except BearskinError as error:
            yield DamagedRun(run=name, path=journals / name, why=str(error))


def journal_held(path: Path) -> bool:
    """Whether a process has the journal in `path` open."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
        ) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return False


def _names(journals: Path) -> list[str]:
    if not journals.is_dir():
        return []
    return [
        child.name for child in journals.iterdir() if _NAME.fullmatch(child.name) and (child / "run.json").is_file()
    ]


def _check_name(run: str) -> None:
    if not _NAME.fullmatch(run):
        raise BadInput(f"{run!r} cannot name a run: letters, digits, dots, dashes and underscores, 64 at most")


def _own(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error})") from None
