"""The command line. Only Typer is imported here: a verb, and what it needs, is loaded when its command runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from bearskin.app._command import BAD_INPUT, INTERRUPTED, command, end, fail
from bearskin.app._desk import Desk
from bearskin.app._options import Home, Json, Quiet, StoreDir, Verbose

app = typer.Typer(
    name="bearskin",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="The desk for the short side of crypto: price a short before the order, rehearse it through history.",
)
data = typer.Typer(no_args_is_help=True, help="Market data: import, fetch, list and check what is in the store.")
settings = typer.Typer(help="Show every setting and where it came from; set or unset one in config.toml.")
app.add_typer(data, name="data")
app.add_typer(settings, name="config")


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
    except BrokenPipeError:
        return end(Desk(command="bearskin"), _broken)
    return code if isinstance(code, int) else 0


def _broken() -> int:
    raise BrokenPipeError


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
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
    home: Home = None,
    store: StoreDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """The common options may stand before the command as well as after it."""
    context.obj = {"home": home, "store": store, "json": json, "quiet": quiet, "verbose": verbose}


@settings.callback(invoke_without_command=True)
def config_root(
    context: typer.Context,
    home: Home = None,
    store: StoreDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show every setting and where it came from; set or unset one in config.toml."""
    before = context.find_root().obj
    context.find_root().obj = {
        name: value or before.get(name)
        for name, value in {"home": home, "store": store, "json": json, "quiet": quiet, "verbose": verbose}.items()
    }
    if context.invoked_subcommand is None:
        desk = Desk(command="config", **context.find_root().obj)
        code = end(desk, lambda: _config_shown(desk))
        raise typer.Exit(code)


def _config_shown(desk: Desk, **change: Any) -> None:
    from bearskin.app._config import config
    from bearskin.app._tables import config_tables

    report = config(home=desk.home, store=desk.store, **change)
    desk.result(report.to_json, lambda: config_tables(report))


@command(settings, "set")
def config_set(
    desk: Desk,
    key: Annotated[str, typer.Argument(help="Name of a setting.")],
    value: Annotated[str, typer.Argument(help="Its new value.")],
) -> None:
    """Write one setting into config.toml."""
    _config_shown(desk, set={key: value})


@command(settings, "unset")
def config_unset(desk: Desk, key: Annotated[str, typer.Argument(help="Name of a setting.")]) -> None:
    """Take one setting out of config.toml."""
    _config_shown(desk, unset=(key,))


@command(app, "doctor")
def doctor(desk: Desk) -> int:
    """Look at Python, packages, folders, store, kernels and clock; exit 2 when something is wrong."""
    from bearskin.app._doctor import doctor as look
    from bearskin.app._tables import doctor_tables

    report = look(home=desk.home, store=desk.store)
    desk.result(report.to_json, lambda: doctor_tables(report))
    if not report.healthy:
        wrong = "; ".join(f"{c.name}: {c.detail}" for c in report.checks if c.state == "bad")
        print(f"error: something is wrong: {wrong}", file=sys.stderr)  # noqa: T201 - the edge of the house prints
    return 0 if report.healthy else BAD_INPUT


@command(app, "backup")
def backup(
    desk: Desk,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The .tar.gz to write, or to restore from.")],
    restore: Annotated[bool, typer.Option("--restore", help="Bring FILE back into an empty home.")] = False,
) -> None:
    """Keep settings, store, journal and reports in one file, checked by reading it back; or restore one."""
    from bearskin.app._keep import backup as keep

    with desk.progress() as progress:
        report = keep(file, restore=restore, home=desk.home, store=desk.store, progress=progress)
    verb = "restored from" if restore else "backed up into"
    sentence = f"{report.files} files, {report.content_bytes:,} bytes {verb} {report.file}, every checksum agreed"
    desk.result(report.to_json, lambda: sentence)


@command(app, "reset")
def reset(
    desk: Desk,
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="PART...", help="store, cache, logs, reports, exchange, or all.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    journal: Annotated[bool, typer.Option("--journal", help="Empty the journal too: what was traded.")] = False,
) -> None:
    """Empty parts of the home for good; asks first. config.toml stays, the journal too unless named."""
    from bearskin.app._keep import reset as empty
    from bearskin.terms import BadInput

    def ask(question: str) -> bool:
        if desk.json or not sys.stdin.isatty():
            raise BadInput("nobody is there to confirm: say --yes to empty these parts without being asked")
        return typer.confirm(question, err=True)

    report = empty(*(parts or ()), journal=journal, home=desk.home, store=desk.store, confirm=None if yes else ask)
    lines = [f"{part}: {size:,} bytes in {folder} are gone" for part, folder, size in report.emptied]
    desk.result(report.to_json, lambda: [*lines, f"kept: {', '.join(report.kept)}"])


@command(app, "migrate")
def migrate(desk: Desk) -> None:
    """Bring the store and the journal up to the version this bearskin writes."""
    from bearskin.app._keep import migrate as bring

    report = bring(home=desk.home, store=desk.store)
    if report.version_before is None:
        lines = [f"no store in {report.store} yet, nothing to do"]
    elif not report.steps:
        lines = [f"the store in {report.store} has version {report.version_after}, nothing to do"]
    else:
        lines = [*report.steps, f"the store has version {report.version_after} now, it had {report.version_before}"]
    desk.result(report.to_json, lambda: [*lines, f"journal: {report.journal}"])
