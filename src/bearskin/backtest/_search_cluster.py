"""Units of a sweep as tasks of a Dask cluster: other machines compute, this process alone writes.

Panels travel with the tasks, so that a worker needs this bearskin and nothing else: no store, no home. A panel is
itself a task whose result is the panel: when the worker that holds it is lost, the scheduler makes it again elsewhere.
"""

from __future__ import annotations

import os
import pickle
import threading
import warnings
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from bearskin.backtest._deaf import deaf_children
from bearskin.backtest._search_crew import AHEAD, Broken
from bearskin.backtest._search_folder import Found
from bearskin.backtest._search_work import Bench, Job, Source, Task, code_digest
from bearskin.backtest._symbols import cut_panel
from bearskin.market import Panel
from bearskin.terms import BadInput

LOCAL = "local"  # a cluster of our own for the time of the sweep
WAIT_S = 20
RETRIES = 5  # of a unit whose worker was lost
PANELS = 2  # symbols that are with the cluster at a time

_mine = threading.local()  # a worker's thread has a bench of its own


class Cluster:
    """Does tasks on the cluster at an address such as tcp://10.0.0.5:8786, or on a local one that lives as long."""

    def __init__(self, job: Job, source: Source, address: str, workers: int | None = None) -> None:
        """Raises BadInput when Dask is missing, nobody answers or a worker runs other code."""
        try:
            import distributed
        except ImportError:
            raise BadInput("a cluster needs Dask distributed: pip install 'bearskin[cluster]'") from None
        self._dask: Any = distributed
        self._job, self._source, self._key = job, source, f"{id(job):x}-{os.getpid()}"
        self._own: Any = local_cluster(workers or os.cpu_count() or 1) if address == LOCAL else None
        self._address = self._own.scheduler_address if self._own is not None else address
        try:
            self._client: Any = distributed.Client(self._address, timeout=WAIT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            said = " ".join(str(error).split())
            raise BadInput(f"no cluster answers at {address} ({said}): `bearskin cluster local` starts one") from None
        self._panels: dict[str, Any] = {}
        self._check()

    def _check(self) -> None:
        """That there are workers and that they run this code."""
        try:
            self._client.wait_for_workers(1, timeout=WAIT_S)
            digests = self._client.run(code_digest)
        except TimeoutError:
            self._leave()
            raise BadInput(f"the cluster at {self._address} has no workers: start some and try again") from None
        except ModuleNotFoundError:
            self._leave()
            raise BadInput(f"the workers at {self._address} have no bearskin: install this version there") from None
        other = sorted(worker for worker, digest in digests.items() if digest != code_digest())
        if other:
            self._leave()
            raise BadInput(
                f"the worker {other[0]} runs another bearskin or other libraries than this process: results would not"
                " be the same; install the same version there"
            )

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Found]]:
        """As they are done. Raises Broken when the cluster is gone or a unit fails on every worker."""
        todo = iter(tasks)
        waiting: dict[Any, Task] = {}
        done = self._dask.as_completed(loop=self._client.loop)
        slots = max(1, sum(self._client.nthreads().values())) * AHEAD
        try:
            while True:
                while len(waiting) < slots and (task := next(todo, None)) is not None:
                    future = self._send(task)
                    waiting[future] = task
                    done.add(future)
                if not waiting:
                    return
                future = next(done)
                task = waiting.pop(future)
                yield task, self._result(future)
        finally:
            self._client.cancel(list(waiting))

    def _send(self, task: Task) -> Any:
        name = f"{self._key}-{task.unit[0]}-{task.symbol}"
        return self._client.submit(
            do_shipped, self._job, task, self._panel(task.symbol), code_digest(), key=f"unit-{name}", retries=RETRIES
        )

    def _panel(self, symbol: str) -> Any:
        if symbol not in self._panels:
            panel = cut_panel(self._source.panel(symbol), self._job.base)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "sending large graph": it is meant to travel
                sent = self._client.submit(pickle.loads, pickle.dumps(panel), key=f"panel-{self._key}-{symbol}")
            self._panels[symbol] = sent
            for old in list(self._panels)[:-PANELS]:
                del self._panels[old]  # tasks that still need it hold it
        return self._panels[symbol]

    def _result(self, future: Any) -> Found:
        try:
            found: Found = future.result()
        except (self._dask.KilledWorker, self._dask.client.FutureCancelledError, OSError) as error:
            said = " ".join(str(error).split())
            raise Broken(f"the cluster at {self._address} gave up ({said}); go on with --resume") from None
        return found

    def _leave(self) -> None:
        self._client.close()
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()


def do_shipped(job: Job, task: Task, panel: Panel, code: str) -> Found:
    """One unit on a worker, with the panel that came along; raises BadInput when the worker runs other code."""
    if code != code_digest():
        raise BadInput("a worker runs another bearskin than the process that sweeps: install the same version there")
    if getattr(_mine, "job", None) != job:
        _mine.job, _mine.bench = job, Bench(job)
    found: Found = _mine.bench.work(task, lambda _: panel)
    return found


def local_cluster(workers: int) -> Any:
    """A scheduler and `workers` processes on 127.0.0.1, started anew when one dies; raises BadInput without Dask."""
    try:
        import dask
        from distributed import LocalCluster
    except ImportError:
        raise BadInput("a cluster needs Dask distributed: pip install 'bearskin[cluster]'") from None
    dask.config.set({"distributed.scheduler.allowed-failures": RETRIES})
    with deaf_children():
        return LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        )
