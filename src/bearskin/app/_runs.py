"""Runs of the bot: each a folder of the home's journal with what it was told, what it did, and who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bearskin.app._home import user_path
from bearskin.terms import BadInput, StoreBroken, iso

RUN_FILE, JOURNAL_FILE, LOCK_FILE, BOT_FILE = "run.json", "journal.sqlite", "lock", "bot.json"
PATIENCE_S = 0.5
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: `tag` names it in its client order ids, `account` the account it trades (an exchange begun anew is
    another), `settings` what it was last started with."""

    folder: Path
    id: str
    venue: str
    env: str
    account: str
    tag: str
    started: str
    symbols: tuple[str, ...]
    interval: str
    settings: dict[str, Any]

    @property
    def journal(self) -> Path:
        """Its journal: the truth."""
        return self.folder / JOURNAL_FILE

    def write(self) -> None:
        """Keep it in its folder."""
        kept = asdict(self)
        del kept["folder"]
        path = self.folder / RUN_FILE
        fresh = path.with_name(f".{RUN_FILE}-{os.getpid()}")
        fresh.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        fresh.replace(path)


def new_run(journal: Path, *, venue: str, env: str, account: str, now_ns: int, **told: Any) -> Run:
    """A run that begins now, with a folder of its own below `journal` that only its owner may read."""
    stamp = re.sub(r"[-:]", "", iso(now_ns)[:19])
    for extra in ("", *(f"-{number}" for number in range(2, 100))):
        name = f"{venue}-{stamp}{extra}" if not env else f"{venue}-{env}-{stamp}{extra}"
        folder = journal / name
        try:
            folder.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise BadInput(f"{folder} cannot be made ({error.strerror or error}): name another home") from None
        tag = "".join(_LETTERS[byte % 36] for byte in os.urandom(4))
        run = Run(
            folder=folder, id=name, venue=venue, env=env, account=account, tag=tag, started=iso(now_ns), **told
        )
        run.write()
        return run
    raise AssertionError("a hundred runs within a second")


def runs_in(journal: Path) -> list[Run]:
    """Every run below `journal`, oldest first; folders that are none are passed over."""
    found = []
    for path in sorted(journal.glob(f"*/{RUN_FILE}")):
        with contextlib.suppress(StoreBroken):
            found.append(read_run(path.parent))
    return sorted(found, key=lambda run: (run.started, run.id))


def read_run(folder: Path) -> Run:
    """The run kept in `folder`; raises BadInput where there is none, StoreBroken where it cannot be read."""
    try:
        kept = json.loads((folder / RUN_FILE).read_text("utf-8"))
        return Run(folder=folder, **{**kept, "symbols": tuple(kept["symbols"])})
    except FileNotFoundError:
        raise BadInput(f"{folder} is no run: `bearskin runs` lists them") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreBroken(f"{folder / RUN_FILE} cannot be read ({error})") from None


def run_named(journal: Path, name: str) -> Run:
    """The run called `name`, `last`, or the one in a folder; raises BadInput naming the last ones."""
    runs = runs_in(journal)
    if name == "last" and runs:
        return runs[-1]
    for run in runs:
        if run.id == name:
            return run
    if os.sep in name:
        return read_run(user_path(name))
    last = ", ".join(run.id for run in runs[-3:]) or "none yet"
    raise BadInput(f"there is no run {name!r}: the last ones are {last}")


def latest_run(journal: Path, *, venue: str, env: str = "", account: str | None = None) -> Run | None:
    """The latest run on a venue (and of one account there), None where there is none."""
    fitting = [
        run
        for run in runs_in(journal)
        if (run.venue, run.env) == (venue, env) and (account is None or run.account == account)
    ]
    return fitting[-1] if fitting else None


def told_again(run: Run, **told: Any) -> Run:
    """The run with what it is started with this time."""
    again = replace(run, **told)
    again.write()
    return again


@contextlib.contextmanager
def held(run: Run) -> Iterator[None]:
    """Hold a run against every other process; raises BadInput where another has it."""
    with (run.folder / LOCK_FILE).open("ab") as lock:
        until = time.monotonic() + PATIENCE_S  # somebody may be looking whether it is held
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise BadInput(f"a bot is running in {run.folder}: stop that one first") from None
                time.sleep(0.05)
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
