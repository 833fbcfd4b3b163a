"""One unit of work: a block of combinations on one symbol, whoever does it.

What detectors found is kept for the group at hand and shared by its combinations; the symbol at hand stays laid out
until another comes. A worker therefore holds one symbol at a time.
"""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import importlib.metadata
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._search_axes import Axis, plain_of, value_at
from bearskin.backtest._search_folder import MEASURES, Found, Unit
from bearskin.backtest._search_grid import Grid
from bearskin.backtest._sweep_core import Swept, forget_symbols, sweep_symbol
from bearskin.backtest._symbols import Offer, Symbol, cut_panel, events_of, offers_of, symbol_of
from bearskin.market import Funding, Known, Panel, Store, load_panel
from bearskin.setups import SETUPS, SetupEvent, forget_views, load_setups
from bearskin.terms import BadInput, Brackets, UnknownSymbol

ROOMS = ("terms", "margin", "market", "paths", "setups", "risk", "backtest")  # whose code a result depends on
BLOCKS_KEPT = 16
LIBRARIES = ("numpy", "numba", "ta-lib")


class Source(Protocol):
    """Where panels come from, one at a time; it travels to other processes, so it must be picklable."""

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols there are, sorted."""

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """Symbols that were not taken, with why."""

    def panel(self, name: str) -> Panel:
        """One symbol's panel."""


@dataclass(frozen=True)
class Panels:
    """Panels that are in memory already."""

    panels: tuple[Panel, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Their symbols, sorted."""
        return tuple(sorted(panel.instrument.symbol for panel in self.panels))

    def panel(self, name: str) -> Panel:
        """The panel of `name`; raises UnknownSymbol."""
        for panel in self.panels:
            if panel.instrument.symbol == name:
                return panel
        raise UnknownSymbol(f"no panel of {name!r} was given")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Panels read from a store when their turn comes; `spans` are (symbol, from, before) with None for no bound.

    `left_out` are symbols that were not taken, with why: they are only told of.
    """

    root: Path
    venue: str
    product: str
    interval: str
    spans: tuple[tuple[str, int | None, int | None], ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols, sorted."""
        return tuple(sorted(span[0] for span in self.spans))

    def panel(self, name: str) -> Panel:
        """Read the panel of `name`; raises what the store raises."""
        start_ns, end_ns = next((span[1:] for span in self.spans if span[0] == name), (None, None))
        return load_panel(
            Store(self.root),
            venue=self.venue,
            product=self.product,
            symbol=name,
            interval=self.interval,
            start_ns=start_ns,
            end_ns=end_ns,
        )


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every worker must know: the base request, the axes, set-ups of the user's own (file name and text)."""

    base: BacktestRequest
    axes: tuple[Axis, ...]
    setup_files: tuple[tuple[str, str], ...] = ()

    @property
    def grid(self) -> Grid:
        """The combinations."""
        return Grid(self.base, self.axes)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A unit and what it is made of."""

    unit: Unit
    symbol: str
    brackets: Brackets
    numbers: Sequence[int]


class Bench:
    """Where one worker works: it knows the job and keeps the symbol and the signals at hand.

    `threads` share the accounts of a unit, None for every core: that is for whoever works alone.
    """

    def __init__(self, job: Job, threads: int | None = 1) -> None:
        self._threads = threads
        for name, text in job.setup_files:
            learn(name, text)
        self.grid = job.grid
        self._symbol: Symbol | None = None
        self._found_by: object = None  # what the signals at hand were looked for with
        self._offers: list[Offer] = []
        self._requests: dict[int, list[tuple[int, list[BacktestRequest]]]] = {}

    def work(self, task: Task, panel_of: Callable[[str], Panel]) -> Found:
        """Do one unit; `panel_of` is asked for a panel when the symbol at hand is another."""
        symbol = self._laid(task, panel_of)
        parts: list[Swept] = []
        for _, requests in self._groups(task):
            parts.append(sweep_symbol(symbol, self._offered(symbol, requests[0]), requests, threads=self._threads))
        return _found(task.numbers, parts)

    def _groups(self, task: Task) -> list[tuple[int, list[BacktestRequest]]]:
        """The requests of a block, by the group they share their signals in; kept a while, for the next symbol."""
        block = task.unit[0]
        if block not in self._requests:
            while len(self._requests) >= BLOCKS_KEPT:
                del self._requests[next(iter(self._requests))]
            runs = itertools.groupby(task.numbers, self.grid.group)
            self._requests[block] = [(group, [self.grid.request(n) for n in numbers]) for group, numbers in runs]
        return self._requests[block]

    def _laid(self, task: Task, panel_of: Callable[[str], Panel]) -> Symbol:
        if self._symbol is None or self._symbol.name != task.symbol:
            self._symbol, self._found_by, self._offers = None, None, []
            forget_symbols()
            forget_views()
            gc.collect()  # the old one goes before the new one comes: views of a panel refer to one another
            panel = cut_panel(panel_of(task.symbol), self.grid.base)
            self._symbol = symbol_of(0, self.grid.base, panel, task.brackets, {})
        return self._symbol

    def _offered(self, symbol: Symbol, request: BacktestRequest) -> list[Offer]:
        wanted = (request.params, request.template)  # groups that differ in their guards have the same signals
        if wanted != self._found_by:
            self._found_by, self._offers = None, []
            self._offers = offers_of(request, symbol, self._events(symbol, request))
            self._offers.sort(key=lambda offer: offer.order_ns)
            self._found_by = wanted
        return self._offers

    def _events(self, symbol: Symbol, request: BacktestRequest) -> tuple[SetupEvent, ...]:
        """The signals; that a detector cannot work with a value of an axis is the user's news, not our bug."""
        try:
            return events_of(request, symbol.panel)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            detecting = [axis.name for axis in self.grid.axes if axis.detects]
            if not detecting:
                raise
            told = ", ".join(f"{name}={plain_of(value_at(request, name))}" for name in detecting)
            theirs = [name for name in detecting if not _ours(name.partition(".")[0])]
            why = f": {type(error).__name__}: {error}" if theirs else ": the set-up cannot work with that value"
            raise BadInput(f"no signals can be looked for on {symbol.name} with {told}{why}") from error


def _ours(head: str) -> bool:
    """Whether a set-up (or the template) came with the program: Python's words of its figures tell nobody anything."""
    return head not in SETUPS or str(getattr(SETUPS[head].detect, "__module__", "")).startswith("bearskin.")


@cache
def learn(name: str, text: str) -> None:
    """Make the set-ups of a user's file known in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text)
        load_setups(path)


def _found(numbers: Sequence[int], parts: Sequence[Swept]) -> Found:
    counts = np.concatenate([np.diff(part.day_from) for part in parts])
    return Found(
        numbers=np.fromiter(numbers, dtype=np.int64, count=len(numbers)),
        rows={name: np.concatenate([getattr(part, name) for part in parts]) for name in MEASURES},
        day_from=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        day=np.concatenate([part.day for part in parts]).astype(np.int32),
        net=np.concatenate([part.day_net for part in parts]),
    )


def data_digest(panel: Panel, brackets: Brackets) -> str:
    """sha256 over all that is known of one symbol: bars, marks, settlements, statistics, instrument, brackets."""
    taken = hashlib.sha256(f"{panel.instrument!r}{panel.interval_ns}{brackets!r}".encode())
    for field in dataclasses.fields(panel):
        value: Any = getattr(panel, field.name)
        columns = [value]
        if isinstance(value, Funding | Known):
            columns = [getattr(value, inner.name) for inner in dataclasses.fields(value)]
        for column in columns:
            if isinstance(column, np.ndarray):
                taken.update(field.name.encode())
                taken.update(np.ascontiguousarray(column).tobytes())
    return taken.hexdigest()[:16]


@cache
def code_digest() -> str:
    """sha256 over the sources that results depend on and the versions of the libraries that count."""
    taken = hashlib.sha256()
    house = Path(__file__).resolve().parents[1]
    for room in ROOMS:
        for path in sorted((house / room).rglob("*.py")):
            taken.update(path.relative_to(house).as_posix().encode() + b"\0" + path.read_bytes())
    for library in LIBRARIES:
        taken.update(f"{library} {importlib.metadata.version(library)}".encode())
    return taken.hexdigest()[:16]
