"""`demo --backtest`: a made-up market, a backtest on it and its tear sheet, without network or key."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._backtest import announce_compiling, backtest, warm_up, write
from bearskin.app._data import turned, words_of
from bearskin.app._house import open_house, results_folder
from bearskin.app._stores import kernel_files, numba_folder
from bearskin.terms import BadInput

if TYPE_CHECKING:
    from bearskin.backtest import BacktestResult

Progress = Callable[[str, int, int | None], None]
SEED, DAYS = 7, 180


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBacktest:
    """The backtest of the demo and the files it was written to."""

    seed: int
    days: int
    result: BacktestResult
    files: dict[str, Path]


def demo_backtest(
    *,
    seed: int = SEED,
    days: int = DAYS,
    symbols: str | Sequence[str] | None = None,
    interval: str | None = None,
    out: Path | str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> DemoBacktest:
    """Make a synthetic market from `seed`, backtest every set-up on it and write the results with their tear sheet.

    The market goes into `store` where one is given, else into a folder that is removed afterwards. Results go to `out`,
    else below the home's reports. The same seed gives the same figures. Raises BadInput.
    """
    from bearskin import market

    house = open_house(home, store=store, interval=interval)
    folder = results_folder(out, house.home.part("reports") / f"demo-{seed}")
    with contextlib.ExitStack() as stack:
        if store is not None:
            root = house.writable_store()
            if market.store_version(root) is not None and any(market.Store(root).keys(venue="synthetic")):
                raise BadInput(f"{root} holds a synthetic market already: name an empty folder, or leave --store away")
        else:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bearskin-demo-")))
        if not kernel_files(numba_folder(house.home.part("cache")), "market"):
            announce_compiling()
        warm_up()
        named: dict[str, Any] = {"symbols": words_of(symbols)} if symbols is not None else {}
        market.write_synthetic(
            market.Store(root),
            seed=seed,
            days=days,
            interval=house.settings.interval,
            progress=turned(progress),
            **named,
        )
        result = backtest(
            venue="synthetic",
            product="linear",
            interval=house.settings.interval,
            home=home,
            store=root,
            progress=progress,
        )
    label = f"a synthetic market from seed {seed}: nobody traded at these prices"
    # the market may be gone when this ends: nothing there could be asked again
    summary = {name: value for name, value in result.summary.items() if name != "asked"}
    result = dataclasses.replace(result, summary=summary, notes=(label, *result.notes))
    files = write(result, folder, html=True, title=f"Demo: synthetic market, seed {seed}")
    return DemoBacktest(seed=seed, days=days, result=result, files=files)
