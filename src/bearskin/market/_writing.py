"""Files that appear together or not at all, by one writer at a time.

A transaction writes every file whole into its own folder inside the store, fsyncs it, then writes a list of moves and
fsyncs that: from here on it will be done, if need be by the next process that opens the store (`recover`). Only then
are the files moved over the old ones, each with an atomic rename. A transaction without its list never happened.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol

import polars as pl

from bearskin.market._read import UNREADABLE, first_line
from bearskin.terms import BadInput, StoreBroken

_LOCK: Final = ".lock"
_STAGE: Final = ".writing"
_MOVES: Final = "moves.json"
_WAIT_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.05


class Batch(Protocol):
    """Where files are put that shall appear together."""

    def current(self, path: Path) -> pl.DataFrame | None:
        """The frame `path` will hold, as put here or else as on disk; None when there is none."""

    def add_frame(self, path: Path, frame: pl.DataFrame) -> None:
        """`path` shall hold `frame` as Parquet."""

    def add_text(self, path: Path, text: str) -> None:
        """`path` shall hold `text`."""


class Transaction:
    """The files of one append; used as a context, which holds the store's lock.

    Raises BadInput when the folder cannot be written, StoreBroken when another writer does not finish.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stage = root / _STAGE
        self._moves: list[tuple[str, str]] = []
        self._frames: dict[Path, pl.DataFrame] = {}
        self._held: IO[str] | None = None

    def __enter__(self) -> Transaction:
        with said(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            self._held = _locked(self.root)
            try:
                _settle(self.root)
                self.stage.mkdir()
            except BaseException:
                self._held.close()
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # a list of moves that outlived an error is a promise: it stays for `recover`
        if error is None or not (self.stage / _MOVES).exists():
            shutil.rmtree(self.stage, ignore_errors=True)
        if self._held is not None:
            self._held.close()  # which gives the lock back

    def current(self, path: Path) -> pl.DataFrame | None:
        """The frame `path` will hold after this transaction, or None."""
        if path in self._frames:
            return self._frames[path]
        try:
            return pl.read_parquet(path, glob=False) if path.exists() else None
        except UNREADABLE as error:
            raise damaged(path, error) from error

    def add_frame(self, path: Path, frame: pl.DataFrame) -> None:
        """`path` shall hold `frame` as Parquet."""
        self._frames[path] = frame

    def add_text(self, path: Path, text: str) -> None:
        """`path` shall hold `text`."""
        with said(self.root):
            with self._staged(path).open("w") as file:
                file.write(text)
            self._moves.append((self._name(), str(path.relative_to(self.root))))

    def _name(self) -> str:
        return str(len(self._moves))

    def _staged(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        return self.stage / self._name()

    def commit(self) -> None:
        """Make everything added so far visible."""
        with said(self.root):
            for path, frame in self._frames.items():
                packed = io.BytesIO()  # so that a full disk is told by the system, not by half a file
                frame.write_parquet(packed, compression="zstd", compression_level=1, statistics=True)
                self._staged(path).write_bytes(packed.getbuffer())
                self._moves.append((self._name(), str(path.relative_to(self.root))))
            for name, _ in self._moves:
                _to_disk(self.stage / name)
            moves = self.stage / _MOVES
            part = self.stage / f"{_MOVES}.part"
            part.write_text(json.dumps(self._moves))
            _to_disk(part)
            part.replace(moves)
            _to_disk(self.stage)
            _do_moves(self.root)


def damaged(path: Path, why: BaseException | str) -> StoreBroken:
    """Says which of our files is not as it was written, and the way out: data can be had again, so it may go."""
    said = why if isinstance(why, str) else first_line(why)
    return StoreBroken(
        f"{path} is damaged ({said}): restore it from a backup, or move it away and import its source again"
    )


def recover(root: Path) -> None:
    """Finish what a writer that died had promised, and forget what it had not; does nothing while one is at work."""
    if not (root / _STAGE).exists():
        return
    try:
        held = try_lock(root)
    except OSError:
        return  # a store that may only be read: what is there is complete, only not the newest
    if held is not None:
        with held, said(root):
            _settle(root)


def _settle(root: Path) -> None:
    stage = root / _STAGE
    if (stage / _MOVES).exists():
        _do_moves(root)
    shutil.rmtree(stage, ignore_errors=True)


def _do_moves(root: Path) -> None:
    stage = root / _STAGE
    homes = set()
    for name, target in _moves(stage / _MOVES):
        if (stage / name).exists():  # else it was moved before the writer died
            home = (root / target).parent
            home.mkdir(parents=True, exist_ok=True)  # after a power cut its folders may be gone
            (stage / name).replace(root / target)
            homes |= {home, *(above for above in home.parents if above.is_relative_to(root))}
    for home in homes:
        _to_disk(home)


def _moves(path: Path) -> list[tuple[str, str]]:
    """The list of moves; raises StoreBroken for one that is not as it was written."""
    try:
        moves = [(str(name), str(target)) for name, target in json.loads(path.read_bytes())]
    except (ValueError, TypeError) as error:
        raise damaged(path, error) from error
    for name, target in moves:
        if not name.isdecimal() or Path(target).is_absolute() or ".." in Path(target).parts:
            raise damaged(path, f"it would move {name!r} to {target!r}")
    return moves


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(root: Path) -> IO[str] | None:
    """The lock of a folder, held until it is closed; None when another process has it."""
    try:
        file = (root / _LOCK).open("a+")
    except PermissionError:
        file = (root / _LOCK).open()  # who may only read can still hold it, for a backup
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    if file.writable():
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
    return file


def _locked(root: Path) -> IO[str]:
    give_up = time.monotonic() + _WAIT_S
    while (file := try_lock(root)) is None:
        if time.monotonic() > give_up:
            holder = (root / _LOCK).read_text().strip() or "unknown"
            raise StoreBroken(f"{root} is being written by process {holder} for over {_WAIT_S:.0f} s: try again later")
        time.sleep(_LOOK_EVERY_S)
    return file


@contextmanager
def said(root: Path) -> Iterator[None]:
    """Turns the operating system's refusal to write into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreBroken(f"{root} cannot be written: no space left on the device") from error
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"{root} cannot be written: {reason}; choose a folder you may write to") from error
