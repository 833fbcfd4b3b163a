"""Tables kept up with a run while it goes on, in a thread of their own: no database holds up a trade."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from bearskin.journal._projection import Projection, Row
from bearskin.terms import BearskinError

_ITEM = TypeVar("_ITEM")
_BATCH_RECORDS = 500
_GATHER_S = 0.2  # a transaction costs as much as ten records: those of one moment share it


class Follower(Generic[_ITEM]):
    """Takes records in the order of their numbers and brings their rows into the tables.

    When the tables cannot be reached it tries again; when too much waits, or records are missing, it takes no more and
    `fault` says so: then the tables are brought up from the journal (`Projection.follow`), as before each start.
    """

    def __init__(
        self,
        projection: Projection,
        run: str,
        rows_of: Callable[[int, _ITEM], Iterable[Row]],
        *,
        retry_s: float = 5.0,
        waiting_max: int = 20_000,
    ) -> None:
        self.fault = ""
        self._projection, self._run, self._rows_of, self._retry_s = projection, run, rows_of, retry_s
        self._waiting: queue.Queue[tuple[int, _ITEM]] = queue.Queue(waiting_max)
        self._last: int | None = None
        self._lost = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tables of {run}", daemon=True)
        self._thread.start()

    def put(self, sequence: int, record: _ITEM) -> None:
        """Take a record; returns at once. One that was taken before is let go."""
        if self._lost or (self._last is not None and sequence <= self._last):
            return
        try:
            if self._last is not None and sequence != self._last + 1:
                raise queue.Full
            self._waiting.put_nowait((sequence, record))
            self._last = sequence
        except queue.Full:
            self._lost = True  # what is taken stays without holes
            self.fault = f"the tables lag behind the journal from record {sequence} on"

    def close(self, timeout_s: float = 10.0) -> bool:
        """Bring in what waits, for so long at most; whether every record that was put is in the tables."""
        self._ending.set()
        self._thread.join(timeout_s)
        return not (self._thread.is_alive() or self.fault)

    def _work(self) -> None:
        try:
            self._bring()
        except BaseException as error:
            self._lost, self.fault = True, f"the tables are given up: {error!r}"
            raise

    def _bring(self) -> None:
        part: list[tuple[int, _ITEM]] = []
        while True:
            part = part or self._next()
            if not part:
                if self._ending.is_set():
                    return
                continue
            try:
                rows = [row for sequence, record in part for row in self._rows_of(sequence, record)]
                self._projection.apply(self._run, part[-1][0], rows, after=part[0][0] - 1)
            except BearskinError as error:
                self.fault = str(error)
                if self._ending.wait(self._retry_s):
                    return
            else:
                part = []
                if not self._lost:
                    self.fault = ""

    def _next(self) -> list[tuple[int, _ITEM]]:
        """What waits; waits a moment for the first, and another for those that come with it."""
        part: list[tuple[int, _ITEM]] = []
        with contextlib.suppress(queue.Empty):
            part.append(self._waiting.get(timeout=0.1))
            self._ending.wait(_GATHER_S)
            while len(part) < _BATCH_RECORDS:
                part.append(self._waiting.get_nowait())
        return part
