"""Commands that run a bot: demo and trade."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import typer

from bearskin.app._command import BUG, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import DEMO, TRADING

if TYPE_CHECKING:
    from bearskin.app._demo import DemoReport

RESEARCH = ("days", "out")
NEXT = (
    "next: `bearskin demo` again goes on with this market and its positions; --fresh begins another",
    "next: `bearskin plan short BTCUSDT --entry 60000 --stop 62500 --equity 10000` prices a short of your own",
    "next: `bearskin data fetch BTCUSDT ETHUSDT --from 2025-01-01` brings real candles for `bearskin backtest`",
)
STOPS = (
    "Ctrl-C stops and reports; what is open keeps its stop. `bearskin short BTCUSDT --stop PRICE` in another terminal."
)


def register_bot(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "demo", DEMO, "Bot")(demo)
    command(app, "trade", TRADING, "Bot")(trade)


def demo(desk: Desk, backtest: bool, browser: bool, dashboard: bool, show: bool, **given: Any) -> int:
    """A made-up market on the demo exchange and a bot that trades it, live; no network, no key, nothing prepared."""
    if backtest:
        return _rehearsed(desk, show, given)
    from bearskin.terms import BadInput

    for name in RESEARCH:
        if given.pop(name, None) is not None or show:
            raise BadInput(f"--{'open' if show else name} goes with --backtest")
    from bearskin.app._cli_dashboard import opened_in_browser
    from bearskin.app._demo import DemoReport
    from bearskin.app._demo import demo as run
    from bearskin.app._show import Show

    opened = opened_in_browser if browser else None
    with _screen(desk, Show(desk, STOPS)) as shown:
        report = run(
            **known(given),
            dashboard=dashboard,
            opened=opened,
            home=desk.home,
            store=desk.store,
            shown=shown,
            said=desk.say,
        )
    assert isinstance(report, DemoReport)
    desk.result(report.to_json, lambda: _tables(report))
    for line in NEXT:
        desk.say(line)
    if report.books_sum not in ("0", None):
        print(f"error: the exchange's books do not add up: {report.books_sum}", file=sys.stderr)  # noqa: T201
        return BUG
    return 0


def trade(desk: Desk, **given: Any) -> None:
    """A bot on the demo exchange or on a venue: finds set-ups, sizes, trades and protects them; runs until Ctrl-C."""
    from bearskin.app._show import Show
    from bearskin.app._trade import trade as run

    with _screen(desk, Show(desk, STOPS)) as shown:
        state = run(**known(given), home=desk.home, store=desk.store, shown=shown)
    desk.result(lambda: state, lambda: _end_of(state))


@contextlib.contextmanager
def _screen(desk: Desk, show: Any) -> Any:
    with show.open() as opened:
        yield None if desk.quiet else opened.update


def _tables(report: DemoReport) -> list[Any]:
    from bearskin.report import bot_tables, parity_tables

    compared = [] if report.parity is None else parity_tables(report.parity)
    return [
        *bot_tables(report.state),
        *compared,
        f"books of the exchange add up to {report.books_sum}; journal: {report.folder}",
    ]


def _end_of(state: dict[str, Any]) -> list[Any]:
    from bearskin.report import bot_tables

    return list(bot_tables(state))


def _rehearsed(desk: Desk, show: bool, given: dict[str, Any]) -> int:
    """The demo of the backtest."""
    from bearskin.app._bot_words import BOT_WORDS
    from bearskin.app._cli_trade import result_shown
    from bearskin.app._demo_backtest import demo_backtest as rehearse
    from bearskin.terms import BadInput

    taken = ("seed", "days", "symbols", "interval", "out")
    for name, value in given.items():
        if name not in taken and value is not None and (value or name in BOT_WORDS):
            raise BadInput(f"--{'for' if name == 'run_for' else name} is for the bot: leave it away with --backtest")
    desk.say("demo: making a market")
    with desk.progress() as progress:
        wanted = known({name: given[name] for name in taken})
        report = rehearse(**wanted, home=desk.home, store=desk.store, progress=progress)
    code = result_shown(desk, report.result, report.files, show, seed=report.seed, days=report.days)
    for line in NEXT[1:]:
        desk.say(line)
    return code
