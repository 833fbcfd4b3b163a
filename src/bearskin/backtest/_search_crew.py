"""Who does the units of a sweep: this process alone, or several processes of this machine."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from types import TracebackType
from typing import Protocol, Self

from bearskin.backtest._search_folder import Found
from bearskin.backtest._search_work import Bench, Job, Source, Task
from bearskin.terms import BearskinError

AHEAD = 2  # units that wait for each worker: enough that none stands still, few enough to be held

_at: tuple[Bench, Source] | None = None  # of a worker process


class Broken(BearskinError):
    """A worker died and could not be replaced."""


class Crew(Protocol):
    """Does tasks, in whatever order they come to be done. A context: leaving it lets the workers go."""

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Found]]:
        """What each task found; `tasks` are taken as workers become free."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Alone:
    """Everything in this process, in order."""

    def __init__(self, job: Job, source: Source) -> None:
        self._bench, self._source = Bench(job, threads=None), source

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Found]]:
        """One after another."""
        for task in tasks:
            yield task, self._bench.work(task, self._source.panel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Processes:
    """Several processes of this machine, each with a workbench of its own; they end when this one does."""

    def __init__(self, job: Job, source: Source, count: int) -> None:
        self._count = count
        self._pool = ProcessPoolExecutor(
            count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(job, source)
        )

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Found]]:
        """As they are done; raises Broken when a process was killed."""
        waiting: dict[concurrent.futures.Future[Found], Task] = {}
        todo = iter(tasks)
        try:
            while True:
                while len(waiting) < self._count * AHEAD and (task := next(todo, None)) is not None:
                    waiting[self._pool.submit(_do, task)] = task
                if not waiting:
                    return
                done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    found = future.result()
                    yield waiting.pop(future), found
        except BrokenProcessPool:
            said = "a worker process was killed (out of memory?); what is done is kept, go on with --resume"
            raise Broken(said) from None
        finally:
            for future in waiting:
                future.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        workers = list((getattr(self._pool, "_processes", None) or {}).values())  # the pool forgets them in shutdown
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:  # what is under way is not waited for: going on does it again
            for worker in workers:
                worker.terminate()


def _begin(job: Job, source: Source) -> None:
    """Set a worker process up. Ctrl-C is for the one that writes, and nobody works on when that one is gone."""
    global _at
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    _at = Bench(job), source


def _leave_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _do(task: Task) -> Found:
    assert _at is not None
    bench, source = _at
    return bench.work(task, source.panel)
