"""Commands that try many variants: sweep, and a cluster on this machine to compute them."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import typer

from bearskin.app._command import INTERRUPTED, command, known
from bearskin.app._desk import Desk, Progress
from bearskin.app._options import CLUSTER_LOCAL, SWEEP

if TYPE_CHECKING:
    from bearskin.backtest import SweepRun

HOUR_S, MINUTE_S = 3600, 60
SETTLED_S = 3  # before that a rate says nothing


def register_sweep(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "sweep", SWEEP, "Trades")(sweep)
    group = typer.Typer(no_args_is_help=True, help="Machines that compute sweeps.")
    app.add_typer(group, name="cluster", rich_help_panel="Trades")
    command(group, "local", CLUSTER_LOCAL)(local)


def sweep(desk: Desk, setups: str | None, out: str | None, **given: Any) -> int:
    """Try many variants of a backtest and keep what each came to; the best of many is luck until shown otherwise."""
    desk.say("sweep: loading")
    from bearskin.app._sweep import sweep as run

    words = known(given) | ({} if setups is None else {"setups": setups})
    with desk.progress() as progress:
        timed = None if progress is None else TimeLeft(progress).tell
        ran = run(**words, out=out, home=desk.home, store=desk.store, progress=timed)
    return _shown(desk, ran)


def _shown(desk: Desk, ran: SweepRun) -> int:
    from bearskin import report

    given: dict[str, Any] = {"interrupted": ran.interrupted, "given": _where(desk)}
    desk.result(lambda: report.sweep_json(ran.sweep, **given), lambda: report.sweep_tables(ran.sweep, **given))
    desk.say(f"results are in {ran.sweep.folder}")
    return INTERRUPTED if ran.interrupted else 0


def _where(desk: Desk) -> str:
    """The home and the store that were named, as words: whoever goes on must name them too."""
    named = {"--home": desk.home, "--store": desk.store}
    return "".join(f" {word} {shlex.quote(str(place))}" for word, place in named.items() if place is not None)


def local(desk: Desk, workers: int) -> int:
    """A Dask scheduler and workers on 127.0.0.1, until Ctrl-C; prints the address for `sweep --cluster`."""
    from bearskin.app._sweep import cluster_local

    try:
        with cluster_local(workers) as address:
            desk.result(
                lambda: {"address": address, "workers": workers},
                lambda: [f"{address} with {workers} workers: bearskin sweep ... --cluster {address}"],
            )
            sys.stdout.flush()
            desk.say("Ctrl-C ends it")
            while True:
                time.sleep(HOUR_S)
    except KeyboardInterrupt:
        desk.say("the cluster has ended")
    return 0


class TimeLeft:
    """Adds to what is being done how long the rest will take at the pace so far."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._since: tuple[float, int, int | None] | None = None

    def tell(self, what: str, done: int, total: int | None) -> None:
        """Pass it on, with the time left."""
        now_s = time.monotonic()
        if self._since is None or self._since[2] != total or done < self._since[1]:
            self._since = (now_s, done, total)
        began_s, first, _ = self._since
        told = what
        if total and done > first and now_s - began_s > SETTLED_S:
            told = f"{what}, about {_duration((now_s - began_s) / (done - first) * (total - done))} left"
        self._progress(told, done, total)


def _duration(seconds: float) -> str:
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h"
