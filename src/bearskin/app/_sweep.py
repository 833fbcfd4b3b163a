"""`sweep` and `cluster local`: many variants of a backtest, and the machines that compute them."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._backtest import (
    Progress,
    announce_compiling,
    chosen_of,
    names_of,
    one_of,
    request_of,
    rules_of,
    setups_of,
    sides_of,
    span_of,
    used_span,
)
from bearskin.app._home import user_path
from bearskin.app._house import House, new_folder, open_house, results_folder
from bearskin.app._rates import Number
from bearskin.terms import BadFile, BadInput

if TYPE_CHECKING:
    from bearskin.backtest import BacktestRequest, Stored, SweepRequest, SweepRun

Vary = str | Path | Sequence[str] | Mapping[str, object]
PROCESSES_MAX = 256
WORKERS = 2


def sweep(
    setups: str | Sequence[str] = "all",
    *,
    vary: Vary = (),
    search: str = "grid",
    trials: int | None = None,
    seed: int = 0,
    objective: str = "net",
    symbols: str | Sequence[str] = "all",
    side: str = "both",
    start: str | None = None,
    end: str | None = None,
    interval: str | None = None,
    venue: str | None = None,
    product: str | None = None,
    equity: Number | None = None,
    risk: Number | None = None,
    leverage: Number | None = None,
    preset: str | None = None,
    preflight: bool = True,
    guards: bool = True,
    funding: str = "charge",
    stop_trigger: str = "mark",
    mark: str = "required",
    entry: str | None = None,
    trail_atr: Number | None = None,
    taker: Number | None = None,
    maker: Number | None = None,
    slippage: Number | None = None,
    brackets: Path | str | None = None,
    setup_file: Path | str | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    processes: int = 1,
    cluster: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> SweepRun:
    """Try many variants of a backtest, each on an account of its own per symbol, and keep what each came to in `out`.

    `vary` is words such as `stop_scale=0.8,1,1.25`, a mapping from names to values, or a .toml file. `search` grid
    tries every combination, random and optuna `trials` of them (optuna for the highest `objective`: net,
    sharpe or folds).
    `resume` goes on with the sweep in `out`; without `setups` and `vary` it asks again what was asked then. `processes`
    is how many of this machine compute, `cluster` the address of a Dask cluster, or local for one of our own. The rest
    is as in `backtest`. Raises BadInput.
    """
    asked = {name: value for name, value in locals().items() if name not in NOT_ASKED}
    given = {name: value for name, value in asked.items() if value != _default(name)}
    _check(resume, out, processes, cluster)
    folder = None if out is None else user_path(out)
    if resume and folder is not None and not {"setups", "vary"} & given.keys():
        given = _as_then(folder) | given
    house, request, source = _planned({**asked, **given}, home, store, kept=given)
    from bearskin import backtest, market

    backtest.warm_sweep(lambda _: announce_compiling())
    return backtest.run_sweep(
        request,
        source,
        market.load_brackets(house.settings.brackets),
        results_folder(folder, new_folder(house.home.part("reports"), "sweep")),
        resume=resume,
        processes=processes,
        cluster=cluster,
        progress=None if progress is None else lambda what, done, total: progress(what, done, total or None),
    )


NOT_ASKED = ("out", "resume", "processes", "cluster", "home", "store", "progress")  # where and how, not what


def _check(resume: bool, out: Path | str | None, processes: int, cluster: str | None) -> None:
    """Raises BadInput for a crew or a folder that cannot be."""
    if not 1 <= processes <= PROCESSES_MAX:
        raise BadInput(f"processes was {processes}, must be from 1 to {PROCESSES_MAX}")
    if cluster is not None and processes != 1 and cluster != "local":
        raise BadInput("a cluster has workers of its own: give --processes or --cluster, not both")
    if resume and out is None:
        raise BadInput("what is to be resumed? name the folder of the sweep with --out")


def _default(name: str) -> object:
    return inspect.signature(sweep).parameters[name].default


def _as_then(folder: Path) -> dict[str, Any]:
    """What the sweep in `folder` was asked; raises BadInput when there is none."""
    from bearskin.backtest import sweep_words

    words = dict(sweep_words(folder))
    strange = words.keys() - (inspect.signature(sweep).parameters.keys() - set(NOT_ASKED))
    if strange:
        raise BadFile(
            folder / "sweep.json",
            f"it asks for {min(strange)!r}, which no sweep knows: give set-ups and axes again beside --resume, or"
            " begin another sweep with another --out",
        )
    return words


def planned_again(
    folder: Path, home: Path | str | None, store: Path | str | None
) -> tuple[House, SweepRequest, Stored]:
    """What the sweep in `folder` asked for, ready to be asked again; raises BadInput where it cannot be."""
    then = _as_then(folder)
    names = [name for name in inspect.signature(sweep).parameters if name not in NOT_ASKED]
    return _planned({name: then.get(name, _default(name)) for name in names}, home, store, kept=then)


def _planned(
    asked: Mapping[str, Any], home: Path | str | None, store: Path | str | None, *, kept: Mapping[str, Any]
) -> tuple[House, SweepRequest, Stored]:
    """The house, the request and where panels come from; raises BadInput for whatever was asked wrongly."""
    from bearskin import backtest

    names = ("venue", "product", "interval", "equity", "risk", "leverage", "preset", "brackets", "taker", "maker")
    house = open_house(home, store=store, slippage=asked["slippage"], **{name: asked[name] for name in names})
    files = _own_setups(asked["setup_file"])
    rules = rules_of(qty=None, **{name: asked[name] for name in ("entry", "funding", "stop_trigger", "trail_atr")})
    more = {**span_of(asked["start"], asked["end"]), **rules}
    more |= {"no_preflight": not asked["preflight"], "guards": asked["guards"]}
    base = request_of(house, setups_of(asked["setups"]), sides_of(asked["side"]), more)
    axes = backtest.axes_of(_varied(asked["vary"]), base)
    request = backtest.SweepRequest(
        base=base,
        axes=axes,
        search=one_of(asked["search"], ("grid", "random", "optuna"), "search"),
        trials=asked["trials"],
        seed=asked["seed"],
        objective=one_of(asked["objective"], ("net", "sharpe", "folds"), "objective"),
        setup_files=files,
        words=_words(kept),
    )
    _within_preset(request)
    last_stands_in = one_of(asked["mark"], ("required", "last"), "mark") == "last"
    return house, request, _source(house, base, names_of(asked["symbols"]), last_stands_in)


def _source(house: House, base: BacktestRequest, symbols: list[str], last_stands_in: bool) -> Stored:
    from bearskin import backtest

    store, chosen, left_out = chosen_of(house, base, symbols, last_stands_in)
    settings = house.settings
    return backtest.Stored(
        root=store.root,
        venue=settings.venue,
        product=settings.product.value,
        interval=settings.interval,
        spans=tuple((one.symbol, *used_span(store, house, base, one)) for one in chosen),
        left_out=tuple(left_out),
    )


def _varied(vary: Vary) -> Sequence[str] | Mapping[str, object]:
    """The axes as words or as a mapping; words that name .toml files are replaced by what is in them."""
    from bearskin.backtest import axis_words

    if isinstance(vary, Mapping):
        return axis_words(vary)
    words: list[str | Path] = [vary] if isinstance(vary, str | Path) else list(vary)
    if not any(_is_file(word) for word in words):
        return [str(word) for word in words]
    found: dict[str, object] = {}
    for word in words:
        if _is_file(word):
            axes = axis_words(_table(user_path(word)))
        else:
            name, _, values = str(word).partition("=")
            axes = {name.strip(): values}
        twice = found.keys() & axes.keys()
        if twice:
            raise BadInput(f"{min(twice)} is varied twice: give all its values in one place")
        found |= axes
    return found


def _is_file(word: str | Path) -> bool:
    return str(word).endswith(".toml") and "=" not in str(word)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise BadInput(f"there is no file {path} to read axes from") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} cannot be read as TOML ({error}): write lines such as stop_scale = [0.8, 1]") from None


def _own_setups(file: Path | str | None) -> tuple[tuple[str, str], ...]:
    """The user's own set-ups, made known here; their text travels to the workers."""
    if file is None:
        return ()
    from bearskin.setups import load_setups

    path = user_path(file)
    load_setups(path)
    return ((path.name, path.read_text()),)


def _within_preset(request: SweepRequest) -> None:
    """A size that the preset refuses would make combinations without a trade; raises BadInput instead."""
    from bearskin import risk

    if request.base.no_preflight:
        return
    preset = risk.preset_of(request.base.preset)
    for name, most in (("leverage", preset.leverage_max), ("risk", preset.risk_frac)):
        for axis in request.axes:
            if axis.name == name and most is not None and max(axis.values) > most:
                raise BadInput(
                    f"{name}={max(axis.values)} is beyond the preset {request.base.preset}, which allows {most}: every"
                    " trade would be refused; name another with --preset, or --no-preflight (research only)"
                )


def _words(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, as JSON can keep it."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if name == "vary":
            kept[name] = _kept_axes(_varied(value))
        elif isinstance(value, bool | int | str):
            kept[name] = value
        elif isinstance(value, Sequence):
            kept[name] = [str(one) for one in value]
        else:
            kept[name] = str(value)
    return kept


def _kept_axes(axes: Sequence[str] | Mapping[str, object]) -> object:
    if not isinstance(axes, Mapping):
        return list(axes)
    return {
        name: values if isinstance(values, str) or not isinstance(values, Iterable) else [str(one) for one in values]
        for name, values in axes.items()
    }


@contextmanager
def cluster_local(workers: int = WORKERS) -> Iterator[str]:
    """A Dask scheduler and `workers` processes on 127.0.0.1 as long as the context lasts; its address.

    Raises BadInput when Dask distributed is not installed.
    """
    from bearskin import backtest

    if not 1 <= workers <= PROCESSES_MAX:
        raise BadInput(f"workers was {workers}, must be from 1 to {PROCESSES_MAX}")
    with backtest.local_cluster(workers) as cluster:
        yield str(cluster.scheduler_address)
