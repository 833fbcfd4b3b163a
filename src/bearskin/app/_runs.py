"""Runs of the bot as the house finds them: whose they are, who holds them, and where their bot listens."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bearskin.journal import RUN_CURE, DamagedRun, RunFolder, begin_run, damaged_in, read_run, runs_in
from bearskin.terms import BadInput, StoreBroken, iso, parse_time

LOCK_FILE, BOT_FILE, CHOICE_FILE = "lock", "bot.json", ".choice"
PATIENCE_S = 0.5
logger = logging.getLogger("bearskin.app")
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: `tag` names it in its client order ids, `account` the account it trades (an exchange begun anew is
    another); `settings` are those it was begun with."""

    kept: RunFolder
    venue: str
    env: str
    account: str
    tag: str
    started: str
    symbols: tuple[str, ...]
    interval: str
    settings: dict[str, Any]

    @property
    def id(self) -> str:
        """Its name."""
        return self.kept.run

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.kept.path


@contextlib.contextmanager
def chosen_alone(journals: Path) -> Iterator[None]:
    """Let one process at a time choose its run: two that begin together on one account are to take the same."""
    with (journals / CHOICE_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def new_run(
    journals: Path,
    *,
    venue: str,
    env: str,
    account: str,
    symbols: tuple[str, ...],
    interval: str,
    settings: dict[str, Any],
    now_ns: int,
) -> Run:
    """A run that begins now, in a folder of its own below `journals`; raises BadInput where that cannot be."""
    facts = {
        "venue": venue,
        "env": env,
        "account": account,
        "tag": "".join(_LETTERS[byte % 36] for byte in os.urandom(4)),
        "started": iso(now_ns),
        "symbols": list(symbols),
        "interval": interval,
        "settings": settings,
    }
    stem = "-".join(word for word in (venue, env, re.sub(r"[-:]", "", iso(now_ns)[:19])) if word)
    for extra in ("", *(f"-{number}" for number in range(2, 100))):
        if not (journals / f"{stem}{extra}").exists():
            return _run(begin_run(journals, f"{stem}{extra}", facts))
    raise AssertionError("a hundred runs within a second")


def runs_of(journals: Path) -> list[Run]:
    """Every sound run of a bot below `journals`, oldest first; the others are `damaged_runs`."""
    found = []
    for kept in runs_in(journals):
        with contextlib.suppress(StoreBroken):
            if "tag" in kept.facts:
                found.append(_run(kept))
    return sorted(found, key=lambda run: (parse_time(run.started), run.id))


def damaged_runs(journals: Path) -> list[DamagedRun]:
    """Every run below `journals` that cannot be read, with what to do about it, in the order of names."""
    found = list(damaged_in(journals))
    for kept in runs_in(journals):
        try:
            _run(kept)
        except StoreBroken as error:
            found.append(DamagedRun(run=kept.run, path=kept.path, why=str(error)))
    return sorted(found, key=lambda one: one.run)


def _passed_over(journals: Path) -> None:
    for one in damaged_runs(journals):
        logger.warning("the run %s is passed over: %s", one.run, one.why)


def run_named(journals: Path, name: str) -> Run:
    """The run called `name`, or the `last` sound one; raises BadInput naming the last ones, StoreBroken for damage."""
    if name == "last":
        runs = runs_of(journals)
        _passed_over(journals)
        if not runs:
            raise BadInput("there is no run yet: `bearskin demo` begins one")
        return runs[-1]
    return _run(read_run(journals, name))


def latest_run(journals: Path, *, venue: str, env: str = "", account: str | None = None) -> Run | None:
    """The latest sound run on a venue (and of one account there), None where there is none."""
    _passed_over(journals)
    fitting = [
        run
        for run in runs_of(journals)
        if (run.venue, run.env) == (venue, env) and (account is None or run.account == account)
    ]
    return fitting[-1] if fitting else None


class RunHeld(BadInput):
    """Another process has the run."""


@contextlib.contextmanager
def run_held(run: Run) -> Iterator[None]:
    """Hold a run against every other process; raises RunHeld where another has it."""
    with (run.folder / LOCK_FILE).open("ab") as lock:
        until = time.monotonic() + PATIENCE_S  # somebody may be looking whether it is held
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise RunHeld(f"a bot is running in {run.folder}: stop that one first") from None
                time.sleep(0.05)
        # left behind by a bot that was killed: with the run held it would be taken for the address of the one to come
        (run.folder / BOT_FILE).unlink(missing_ok=True)
        yield


def is_held(run: Run) -> bool:
    """Whether a process has the run."""
    try:
        with (run.folder / LOCK_FILE).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class BotAddress:
    """Where the bot of a run listens, for its owner alone."""

    url: str
    token: str


@contextlib.contextmanager
def bot_told(run: Run, address: BotAddress) -> Iterator[None]:
    """Keep the bot's address in the run's folder, mode 0600, as long as the context lasts."""
    path = run.folder / BOT_FILE
    fresh = path.with_name(f".{BOT_FILE}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
    fresh.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def bot_of(run: Run) -> BotAddress | None:
    """Where the bot of a run listens; None when none runs, or it does not listen yet."""
    try:
        address = BotAddress(**json.loads((run.folder / BOT_FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return address if is_held(run) else None


def _run(kept: RunFolder) -> Run:
    told = kept.facts
    try:
        return _told(kept, told)
    except (TypeError, ValueError, BadInput) as error:
        raise StoreBroken(f"{kept.path / 'run.json'} cannot be read ({error}): {RUN_CURE}") from None


def _told(kept: RunFolder, told: Mapping[str, Any]) -> Run:
    parse_time(str(told.get("started", "1970-01-01T00:00:00Z")))
    return Run(
        kept=kept,
        venue=str(told.get("venue", "")),
        env=str(told.get("env", "")),
        account=str(told.get("account", "")),
        tag=str(told.get("tag", "")),
        started=str(told.get("started", "1970-01-01T00:00:00Z")),
        symbols=tuple(str(symbol) for symbol in told.get("symbols", ())),
        interval=str(told.get("interval", "1h")),
        settings=dict(told.get("settings", {})),
    )
