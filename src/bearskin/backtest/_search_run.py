"""Running a sweep: survey the data, plan the units, have them done, keep what they found, go on where one was left."""

from __future__ import annotations

import dataclasses
import enum
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bearskin.backtest._request import BacktestRequest
from bearskin.backtest._search_axes import Axis
from bearskin.backtest._search_crew import Alone, Crew, Processes
from bearskin.backtest._search_folder import ABOUT, Folder, Unit
from bearskin.backtest._search_grid import Blocks, Grid, drawn
from bearskin.backtest._search_read import Sweep
from bearskin.backtest._search_sound import about_of, check_parts, check_trials, held
from bearskin.backtest._search_work import Job, Source, Task, code_digest, data_digest
from bearskin.backtest._symbols import BracketBook, Progress, cut_panel, usable
from bearskin.terms import DAY_NS, BadInput, Brackets, MarginMode

SEARCHES = ("grid", "random", "optuna")
OBJECTIVES = ("net", "sharpe", "folds")
TRIALS_MAX = 1_000_000  # of a random search: their numbers are kept in memory
logger = logging.getLogger("bearskin.backtest")


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """What is swept: one backtest and the axes it is varied along.

    `search` grid tries every combination, random `trials` different ones drawn with `seed`, optuna lets Optuna's TPE
    choose `trials` of them for the highest `objective`: net (money over all symbols), sharpe (of daily net) or folds
    (the median Sharpe ratio of five equal stretches of time). `words` are kept in the folder for whoever resumes.
    """

    base: BacktestRequest
    axes: tuple[Axis, ...]
    search: Literal["grid", "random", "optuna"] = "grid"
    trials: int | None = None
    seed: int = 0
    objective: Literal["net", "sharpe", "folds"] = "net"
    setup_files: tuple[tuple[str, str], ...] = ()
    words: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises BadInput for what cannot be swept, every axis' values included."""
        if self.base.holds:
            raise BadInput("hold is a yardstick, not a set-up: it cannot be swept")
        if self.base.margin_mode is not MarginMode.ISOLATED:
            raise BadInput("a sweep trades on isolated margin, a cross account stands behind all its positions at once")
        if self.search not in SEARCHES:
            raise BadInput(f"search was {self.search!r}, must be {' or '.join(SEARCHES)}")
        if self.objective not in OBJECTIVES:
            raise BadInput(f"objective was {self.objective!r}, must be {' or '.join(OBJECTIVES)}")
        if self.search == "grid" and self.trials is not None:
            raise BadInput("a grid tries every combination: give --trials with --search random or optuna")
        if self.search != "grid" and not 1 <= (self.trials or 0) <= TRIALS_MAX:
            was = "none was given" if self.trials is None else f"was {self.trials}"
            raise BadInput(f"a search by {self.search} needs a number of trials from 1 to {TRIALS_MAX:,}: {was}")
        if not self.axes:
            raise BadInput("nothing is varied: name at least one axis, such as --vary stop_scale=0.8,1,1.25")
        self.grid.check()

    @property
    def grid(self) -> Grid:
        """The combinations."""
        return Grid(self.base, self.axes)

    @property
    def job(self) -> Job:
        """What workers are told."""
        return Job(base=self.base, axes=self.axes, setup_files=self.setup_files)


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    """How a run went: the sweep as it stands in its folder, whether it was interrupted, units done now and before."""

    sweep: Sweep
    interrupted: bool
    done_now: int
    done_before: int


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """What there is to sweep: symbols with their brackets and digests, and those left out with why."""

    brackets: Mapping[str, Brackets]
    data: Mapping[str, str]
    left_out: tuple[tuple[str, str], ...]
    first_day: int
    last_day: int


def run_sweep(
    request: SweepRequest,
    source: Source,
    book: BracketBook,
    folder: Path,
    *,
    resume: bool = False,
    processes: int = 1,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> SweepRun:
    """Sweep into `folder`; Ctrl-C ends it with what is done, and `resume` goes on from there.

    Raises BadInput where the folder holds another sweep or is at work in another process, or the request, the data or
    the code have changed since, BadFile where something in it is damaged.
    """
    with held(folder):
        return _run(request, source, book, folder, resume, processes, cluster, progress)


def _run(
    request: SweepRequest,
    source: Source,
    book: BracketBook,
    folder: Path,
    resume: bool,
    processes: int,
    cluster: str | None,
    progress: Progress | None,
) -> SweepRun:
    there = (folder / ABOUT).exists()
    if there and not resume:
        raise BadInput(f"{folder} already holds a sweep: go on with it with --resume, or name another with --out")
    if resume and not there:
        raise BadInput(f"there is nothing to resume in {folder}: it holds no sweep; leave --resume out to begin one")
    if there:
        then = about_of(folder)
        check_parts(folder, then)
        check_trials(folder)
    try:
        surveyed = survey(request.base, source, book, progress)
    except KeyboardInterrupt:
        if not there:
            raise
        return SweepRun(sweep=Sweep(folder=folder, about=about_of(folder)), interrupted=True, done_now=0, done_before=0)
    about = _about(request, surveyed)
    writer = Folder(folder, tuple(surveyed.brackets))
    if there:
        _refuse_changes(folder, about_of(folder), about)
    sweep = Sweep(folder=folder, about=about)
    done = writer.done() if there else set()
    before, now, interrupted = len(done), 0, False
    try:
        with _crew(request.job, source, processes, cluster) as crew:
            if not there:
                writer.begin(about)  # not before somebody is there to do the work
            for _ in _work(request, surveyed, sweep, writer, done, crew, progress):
                now += 1
    except KeyboardInterrupt:
        if not (folder / ABOUT).exists():
            raise
        interrupted = True
    except BadInput:
        if not there and not now:
            writer.forget()  # the next try may have the same folder
        raise
    return SweepRun(sweep=sweep, interrupted=interrupted, done_now=now, done_before=before)


def _crew(job: Job, source: Source, processes: int, cluster: str | None) -> Crew:
    if cluster is not None:
        from bearskin.backtest._search_cluster import Cluster

        return Cluster(job, source, cluster)
    return Alone(job, source) if processes == 1 else Processes(job, source, processes)


def _work(
    request: SweepRequest,
    surveyed: Surveyed,
    sweep: Sweep,
    writer: Folder,
    done: set[Unit],
    crew: Crew,
    progress: Progress | None,
) -> Iterator[Unit]:
    """Do what is left to do, unit by unit; each is in the folder when it is told."""
    if request.search == "optuna":
        from bearskin.backtest._search_optuna import Chooser

        chooser = Chooser(request, sweep)
        for batch, numbers in chooser.batches():
            tasks = _tasks(surveyed, partial(list, [(batch, numbers)]), done)
            for unit in _kept(request.grid, crew, tasks, writer, done):
                yield unit
                _tell(progress, f"trial {chooser.told} of {request.trials}", chooser.told, request.trials or 0)
            chooser.heard(batch, numbers)
        chooser.finish()
        return
    blocks = _blocks(request)
    total = len(blocks) * len(surveyed.brackets)
    tasks = _tasks(surveyed, lambda: ((i, blocks.block(i)) for i in range(len(blocks))), done)
    _tell(progress, "combinations", len(done), total)
    for unit in _kept(request.grid, crew, tasks, writer, done):
        yield unit
        _tell(progress, writer.symbols[unit[1]], len(done), total)


def _tell(progress: Progress | None, what: str, done: int, total: int) -> None:
    if progress is not None:
        progress(what, done, total)


def _tasks(
    surveyed: Surveyed, blocks: Callable[[], Iterable[tuple[int, Sequence[int]]]], done: set[Unit]
) -> Iterator[Task]:
    """What is not done yet: all blocks of one symbol, then of the next, so that each is laid out once."""
    for place, (symbol, brackets) in enumerate(surveyed.brackets.items()):
        for index, numbers in blocks():
            if (index, place) not in done:
                yield Task(unit=(index, place), symbol=symbol, brackets=brackets, numbers=numbers)


def _kept(grid: Grid, crew: Crew, tasks: Iterable[Task], writer: Folder, done: set[Unit]) -> Iterator[Unit]:
    for task, found in crew.run(tasks):
        writer.write(task.unit, found, grid.columns(task.numbers))
        done.add(task.unit)
        yield task.unit


def _blocks(request: SweepRequest) -> Blocks:
    grid = request.grid
    if request.search == "random":
        return Blocks(grid, drawn(grid, request.trials or 0, request.seed))
    return Blocks(grid)


def survey(base: BacktestRequest, source: Source, book: BracketBook, progress: Progress | None = None) -> Surveyed:
    """Look at every symbol once, one at a time: can it be traded, which days, a digest of its data.

    Raises BadInput when none can be traded.
    """
    brackets: dict[str, Brackets] = {}
    data: dict[str, str] = {}
    left_out = list(source.left_out)
    days: list[int] = []
    names = source.names
    for i, name in enumerate(names):
        _tell(progress, f"reading {name}", i, len(names))
        panel = source.panel(name)
        found = usable(base, panel, book)
        if isinstance(found, str):
            left_out.append((name, found))
            continue
        panel = cut_panel(panel, base)
        brackets[name], data[name] = found, data_digest(panel, found)
        start_ns = int(panel.time_ns[0]) if base.start_ns is None else max(base.start_ns, int(panel.time_ns[0]))
        days += [start_ns // DAY_NS, panel.known_ns(len(panel) - 1) // DAY_NS]
    if not brackets:
        symbol, why = left_out[0] if left_out else ("nothing", "no symbol was given")
        raise BadInput(f"nothing can be swept: {symbol}: {why}")
    return Surveyed(
        brackets=brackets, data=data, left_out=tuple(sorted(left_out)), first_day=min(days), last_day=max(days)
    )


def _about(request: SweepRequest, surveyed: Surveyed) -> dict[str, Any]:
    """What sweep.json holds beside kind and version."""
    from bearskin import __version__

    grid = request.grid
    tried = grid.total if request.search == "grid" else min(request.trials or 0, grid.total)
    return {
        "bearskin": __version__,
        "request": plain(request.base),
        "axes": [{"name": axis.name, "values": list(axis.plain)} for axis in grid.axes],
        "search": request.search,
        "trials": request.trials,
        "seed": request.seed,
        "objective": request.objective,
        "tried": tried,
        "grid": grid.total,
        "units": None if request.search == "optuna" else len(_blocks(request)) * len(surveyed.brackets),
        "symbols": list(surveyed.brackets),
        "left_out": [{"symbol": symbol, "why": why} for symbol, why in surveyed.left_out],
        "first_day": surveyed.first_day,
        "last_day": surveyed.last_day,
        "code": code_digest(),
        "data": dict(surveyed.data),
        "setup_files": [name for name, _ in request.setup_files],
        "words": dict(request.words),
    }


def plain(value: Any) -> Any:
    """A request as JSON holds it: money and rates as strings, parameters by their names."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    return value


def _refuse_changes(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Results of two different questions must not lie in one folder; raises BadInput that says what has changed."""
    for name in ("axes", "search", "trials", "seed", "objective", "request"):
        if then[name] != now[name]:
            changed = _difference(name, then[name], now[name])
            raise BadInput(f"the sweep in {folder} asked for something else: {changed}; give another folder with --out")
    if then["symbols"] != now["symbols"]:
        apart = sorted(set(then["symbols"]) ^ set(now["symbols"]))
        raise BadInput(f"the sweep in {folder} was on other symbols ({', '.join(apart[:5])}): begin another with --out")
    moved = [symbol for symbol in then["symbols"] if then["data"][symbol] != now["data"][symbol]]
    if moved:
        raise BadInput(
            f"the data of {', '.join(moved[:5])} are not those the sweep in {folder} began with:"
            " its results would not fit together; begin another with --out, or set an end with --to"
        )
    if then["code"] != now["code"]:
        raise BadInput(
            f"the code of bearskin or a library has changed since the sweep in {folder} was begun (with"
            f" {then['bearskin']}, this is {now['bearskin']}): results would not fit together; begin another with --out"
        )


def _difference(name: str, then: Any, now: Any) -> str:
    if name == "request":
        field = next(key for key in now if then.get(key) != now[key])
        return f"{field} was {then.get(field)}, is {now[field]}"
    if name == "axes":

        def told(axes: Any) -> str:
            return "; ".join(f"{axis['name']}={','.join(str(value) for value in axis['values'][:9])}" for axis in axes)

        return f"--vary was {told(then)}, is {told(now)}"
    return f"{name} was {then}, is {now}"
