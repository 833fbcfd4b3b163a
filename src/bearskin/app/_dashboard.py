"""The verb that serves the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bearskin.terms import SECOND_NS, interval_ns

if TYPE_CHECKING:
    from bearskin.app.web import WebAddress


def dashboard(
    ready: Callable[[WebAddress], None],
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    run: str | None = None,
    venue: str | None = None,
    env: str | None = None,
    folder: Path | str | None = None,
    run_for: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> None:
    """Serve the pages and the API beside a bot and its venue until Ctrl-C, SIGTERM or for `run_for`.

    `ready` is told the address once it answers. Follows the bot of `run`, else whichever runs. Raises BadInput for what
    does not fit.
    """
    from bearskin.app.web import Dashboard, serve_dashboard

    options = Dashboard(
        port=port, host=host, run=run, venue=venue, env=env, folder=None if folder is None else str(folder)
    )
    stop_after_s = None if run_for is None else interval_ns(run_for) / SECOND_NS
    serve_dashboard(options, ready, home=home, store=store, stop_after_s=stop_after_s)
