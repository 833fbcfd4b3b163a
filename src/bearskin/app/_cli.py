"""The command line. Only Typer is imported here: a verb, and what it needs, is loaded when its command runs."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bearskin.app._cli_bot import register_bot
from bearskin.app._cli_dashboard import register_dashboard
from bearskin.app._cli_data import register_data
from bearskin.app._cli_exchange import register_exchange
from bearskin.app._cli_hands import register_hands
from bearskin.app._cli_house import register_house
from bearskin.app._cli_luck import register_luck
from bearskin.app._cli_parity import register_parity
from bearskin.app._cli_report import register_report
from bearskin.app._cli_safety import register_safety
from bearskin.app._cli_scan import register_scan
from bearskin.app._cli_study import register_study
from bearskin.app._cli_sweep import register_sweep
from bearskin.app._cli_trade import register_trade
from bearskin.app._command import BAD_INPUT, INTERRUPTED, end, fail
from bearskin.app._desk import Desk
from bearskin.app._options import BARE, Home, Json, Quiet, StoreDir, Verbose

ORDER = (
    "demo", "trade", "dashboard", "short", "long", "close", "move-stop", "move-target", "move-margin", "reverse",
    "positions", "orders", "runs", "report", "tables", "mode", "pause", "resume", "panic", "adopt", "note", "plan",
    "scan", "setups", "backtest", "study", "sweep", "luck", "cluster", "parity", "exchange", "keys", "quiz", "legal",
    "cap", "alert", "data", "config", "doctor", "backup", "reset", "migrate",
)  # fmt: skip


MEANT = {  # what is typed by who knows other tools, where the likest name is another thing
    "status": "`bearskin positions` tells what is open, `bearskin report` how a run has done",
    "balance": "`bearskin positions` tells the account and what is open",
    "account": "`bearskin positions` tells the account and what is open",
    "start": "`bearskin demo` starts a market and a bot with play money, `bearskin trade` a bot at a venue",
    "run": "`bearskin demo` starts a market and a bot with play money, `bearskin trade` a bot at a venue",
    "stop": "`bearskin pause` stops entries, `bearskin close` a position, `bearskin panic` everything",
    "sell": "`bearskin short` opens a short, `bearskin close` ends a position",
    "buy": "`bearskin long` opens a long, `bearskin close` ends a position",
    "trades": "`bearskin report` tells the trades of a run, `bearskin positions` what is open",
}


class InOrder(TyperGroup):
    """Commands in the order a desk is used: trades, data, house."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Groups of commands would stand last otherwise."""
        there = super().list_commands(ctx)
        return [name for name in ORDER if name in there] + [name for name in there if name not in ORDER]


app = typer.Typer(
    name="bearskin",
    cls=InOrder,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    epilog="New here? `bearskin demo` needs nothing. Every command has --help.",
    help="The desk for the short side of crypto: price a short before the order, rehearse it through history.",
)
register_bot(app)
register_dashboard(app)
register_hands(app)
register_report(app)
register_trade(app)
register_scan(app)
register_study(app)
register_sweep(app)
register_parity(app)
register_luck(app)
register_exchange(app)
register_data(app)
register_safety(app)
register_house(app)


def run(args: Sequence[str]) -> int:
    """Run one command line and return the exit code of the contract; never raises for what a user may type."""
    from typer.main import get_command

    try:
        code = get_command(app).main(list(args), prog_name="bearskin", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _usage(error, "--json" in args)
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)  # noqa: T201 - the edge of the house prints
        return INTERRUPTED
    except SystemExit as left:  # Click and Rich leave so when nobody reads the help any more
        return end(Desk(command="bearskin"), functools.partial(_raise, BrokenPipeError())) if left.code == 1 else 0
    except OSError as error:  # help or the last words did not come through
        return end(Desk(command="bearskin"), functools.partial(_raise, error))
    return code if isinstance(code, int) else 0


def _raise(error: OSError) -> int:
    raise error


def _usage(error: typer.TyperException, as_json: bool) -> int:
    """What Typer could not parse: its sentence, and the object where one was asked for."""
    text = error.format_message()
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        if text:
            print(text, file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    sentence = text.strip().replace("\n", " ").rstrip(".")
    unknown = re.match(r"No such command '(\w+)'", sentence)
    if unknown is not None and unknown[1] in MEANT:
        sentence = f"No such command '{unknown[1]}'. {MEANT[unknown[1]]}"
    negative = re.match(r"No such option:? '?(-[\d.]\S*?)'?(?:\s|$)", sentence)
    if negative is not None:
        sentence = f"{negative[1]} is negative: amounts, prices and shares are above zero, the side gives the sign"
    elif "unexpected extra argument" in sentence:
        sentence += "; figures are named by their option, such as --stop 65000, --price 60000, --part 50% or --qty 0.01"
    return fail(Desk(command="bearskin", json=as_json), ValueError(f"{sentence}{hint}"), BAD_INPUT, kind="Usage")


def _version(wanted: bool) -> None:
    if wanted:
        from bearskin import __version__

        print(f"bearskin {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback prints and leaves
        bool,
        typer.Option("--version", metavar=BARE, help="Print the version and leave.", callback=_version, is_eager=True),
    ] = False,
    home: Home = None,
    store: StoreDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """The common options may stand before the command as well as after it."""
    context.obj = {"home": home, "store": store, "json": json, "quiet": quiet, "verbose": verbose}
