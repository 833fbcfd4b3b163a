"""Backtests that run: each a process of its own, told about as it goes on, and gone without a trace when cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bearskin.app._house import House, new_folder, results_folder
from bearskin.app.web._backtests_words import command_of, market_of, planned_of, words_of
from bearskin.app.web._desk import WebDesk
from bearskin.terms import BadInput, BearskinError, iso

JOBS = ("backtests", "jobs")  # topic: every job, newest first
RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
AT_ONCE = 2
KEPT = 20
PART = ".part-"
logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One backtest: `what` is done now, `done` of `total` (None: not known). `result` names it on the shelf at the end.

    `error` is the sentence that says why it failed; `notes` are what it said meanwhile, `note` the last of them while
    that is still what it is about.
    """

    id: str
    state: str
    words: Mapping[str, Any]
    market: str
    command: str
    started: str
    what: str = "starting a process"
    done: int = 0
    total: int | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    note: str = ""
    result: str = ""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return {**asdict(self), "notes": list(self.notes), "words": dict(self.words)}


@dataclass(slots=True)
class Jobs:
    """All of this dashboard. One event loop."""

    desk: WebDesk
    _jobs: dict[str, Job] = field(default_factory=dict)
    _processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    def all(self) -> tuple[Job, ...]:
        """Newest first."""
        return tuple(reversed(self._jobs.values()))

    def get(self, job: str) -> Job | None:
        """The job of that id."""
        return self._jobs.get(job)

    async def start(self, given: Mapping[str, Any], market: str | None = None) -> Job:
        """Check the words and begin; raises BadInput for what is asked wrongly, nothing begun then."""
        house = self.desk.house
        words, place = await self.desk.aside(lambda: _checked(house, given, market))
        if sum(job.state == RUNNING for job in self._jobs.values()) >= AT_ONCE:
            raise BadInput(f"{AT_ONCE} backtests are running already: wait for one, or cancel it")
        job = Job(
            id=secrets.token_hex(4),
            state=RUNNING,
            words=words,
            market=place,
            command=command_of(house, words, place),
            started=iso(time.time_ns() // 1_000_000_000 * 1_000_000_000),
        )
        self._jobs[job.id] = job
        for old in [one.id for one in self.all() if one.state != RUNNING][KEPT:]:
            del self._jobs[old]
        self._tell(job)
        task = asyncio.ensure_future(self._run(job))
        self.desk.tasks.add(task)
        task.add_done_callback(self.desk.tasks.discard)
        return job

    async def cancel(self, job_id: str) -> Job:
        """End it: nothing of it is kept; one that has ended stays. Raises BadInput where there is none such."""
        job = self._jobs.get(job_id)
        if job is None:
            raise BadInput(f"no backtest {job_id[:40]!r} was started here")
        if job.state != RUNNING:
            return job
        job = replace(job, state=CANCELLED, what="cancelled: nothing was kept")
        self._tell(job)
        process = self._processes.get(job_id)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await self.desk.aside(lambda: shutil.rmtree(_part(self.desk.house, job_id), ignore_errors=True))
        return job

    async def _run(self, job: Job) -> None:
        begun_s = time.monotonic()
        try:
            await self._followed(job, begun_s)
        except (OSError, BearskinError, ValueError) as error:
            self._end(job.id, begun_s, state=FAILED, error=str(error))
        finally:
            process = self._processes.pop(job.id, None)
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            # here and now: when the dashboard ends no thread takes anything up any more, and it is a few files at most
            shutil.rmtree(_part(self.desk.house, job.id), ignore_errors=True)

    async def _followed(self, job: Job, begun_s: float) -> None:
        house, part = self.desk.house, _part(self.desk.house, job.id)
        log = house.writable_part("logs") / "backtests.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bearskin.app._backtest_child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors, start_new_session=True,
            )  # fmt: skip
        self._processes[job.id] = process
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"words": dict(job.words), "market": job.market, "home": str(house.home.root),
                 "store": str(house.store_folder), "folder": str(part)}  # fmt: skip
        if self._jobs[job.id].state == CANCELLED:  # while the process was being started
            process.kill()
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            await process.stdin.drain()
        said: dict[str, Any] = {}
        async for line in process.stdout:
            with contextlib.suppress(ValueError):  # a library may print
                said = json.loads(line)
                self._heard(job.id, said, begun_s)
        await process.wait()
        if self._jobs[job.id].state == CANCELLED:
            return
        if "failed" in said:
            self._end(job.id, begun_s, state=FAILED, error=str(said["failed"]))
        elif "finished" in said:
            folder = new_folder(house.home.part("reports"), "backtest")
            part.rename(folder)
            self._end(job.id, begun_s, state=DONE, what="done", result=folder.name)
        else:
            self._end(job.id, begun_s, state=FAILED, error=f"its process ended ({process.returncode}): see {log}")

    def _heard(self, job_id: str, said: dict[str, Any], begun_s: float) -> None:
        job = self._jobs[job_id]
        if job.state != RUNNING:
            return
        seconds = round(time.monotonic() - begun_s, 1)
        if "note" in said:
            note = str(said["note"])
            self._tell(replace(job, notes=(*job.notes, note)[-20:], note=note, seconds=seconds))
        elif "what" in said:
            note = job.note if said["what"] == job.what else ""
            self._tell(
                replace(job, what=said["what"], done=said["done"], total=said["total"], note=note, seconds=seconds)
            )

    def _end(self, job_id: str, begun_s: float, **changes: Any) -> None:
        job = self._jobs[job_id]
        if job.state == RUNNING:
            self._tell(replace(job, seconds=round(time.monotonic() - begun_s, 1), **changes))

    def _tell(self, job: Job) -> None:
        self._jobs[job.id] = job
        self.desk.hub.say(JOBS, self.all())


_OF: dict[Path, Jobs] = {}


def jobs_of(desk: WebDesk) -> Jobs:
    """The jobs of this dashboard; what a dashboard that was killed left half-written is swept away first."""
    found = _OF.get(desk.folder)
    if found is None or found.desk is not desk:
        found = _OF[desk.folder] = Jobs(desk)
        _sweep(desk.house)
    return found


def _checked(house: House, given: Mapping[str, Any], market: str | None) -> tuple[dict[str, Any], str]:
    words = words_of(given)
    place = market_of(house, market, words)
    planned_of(house, words, place)
    results_folder(None, house.home.part("reports"))
    return words, place


def _part(house: House, job_id: str) -> Path:
    return house.home.part("reports") / f".backtest-{job_id}{PART}{os.getpid()}"


def _sweep(house: House) -> None:
    for left in house.home.part("reports").glob(f".backtest-*{PART}*"):
        number = left.name.rpartition(PART)[2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except (OSError, ValueError, OverflowError):
            continue  # somebody else's, and alive
