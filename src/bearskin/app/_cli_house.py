"""Commands that look after the house: config, doctor, backup, reset, migrate."""

from __future__ import annotations

import sys
from typing import Any

import typer

from bearskin.app._command import BAD_INPUT, command, end
from bearskin.app._desk import Desk
from bearskin.app._options import Home, Json, Quiet, StoreDir, Verbose, flag, word, words

BACKUP = {
    "file": word("The .tar.gz to write, or to restore from.", "FILE"),
    "restore": flag("--restore", "Bring FILE back into an empty home."),
}
RESET = {
    "parts": words("store, cache, logs, reports, exchange, dashboard, or all.", "PART"),
    "yes": flag("--yes", "Do not ask."),
    "journal": flag("--journal", "Empty the journal too: what was traded."),
}


def register_house(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    settings = typer.Typer(help="Show every setting and where it came from; set or unset one in config.toml.")
    settings.callback(invoke_without_command=True)(config_root)
    key = word("Name of a setting.", "KEY")
    command(settings, "set", {"key": key, "value": word("Its new value.", "VALUE")})(config_set)
    command(settings, "unset", {"key": key})(config_unset)
    app.add_typer(settings, name="config", rich_help_panel="House")
    command(app, "doctor", {}, "House")(doctor)
    command(app, "backup", BACKUP, "House")(backup)
    command(app, "reset", RESET, "House")(reset)
    command(app, "migrate", {}, "House")(migrate)


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


def _config_shown(desk: Desk) -> None:
    from bearskin.app._config import config
    from bearskin.app._tables import config_tables

    report = config(home=desk.home, store=desk.store)
    desk.result(report.to_json, lambda: config_tables(report))


def _config_changed(desk: Desk, key: str, **change: Any) -> None:
    """What counts from now on; a value from the environment goes before the file, and then that is seen here."""
    from bearskin.app._config import config

    report = config(home=desk.home, store=desk.store, **change)
    now = next(setting for setting in report.settings if setting.name == key)
    line = f"{key} is {now.stands_in if now.value is None else now.value} ({now.origin}); {report.config_file}"
    desk.result(report.to_json, lambda: [line, *report.notes])


def config_set(desk: Desk, key: str, value: str) -> None:
    """Write one setting into config.toml."""
    _config_changed(desk, key, set={key: value})


def config_unset(desk: Desk, key: str) -> None:
    """Take one setting out of config.toml."""
    _config_changed(desk, key, unset=(key,))


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


def backup(desk: Desk, file: str, restore: bool) -> None:
    """Keep settings, store, journal and reports in one file, checked by reading it back; or restore one."""
    from bearskin.app._keep import backup as keep

    with desk.progress() as progress:
        report = keep(file, restore=restore, home=desk.home, store=desk.store, progress=progress)
    verb = "restored from" if restore else "backed up into"
    from bearskin.app._tables import size_word

    size = f"{size_word(report.content_bytes)} (packed {size_word(report.file_bytes)})"
    sentence = f"{report.files:,} files, {size} {verb} {report.file}, every checksum agreed"
    desk.result(report.to_json, lambda: sentence)


def reset(desk: Desk, parts: list[str] | None, yes: bool, journal: bool) -> None:
    """Empty parts of the home for good; asks first. config.toml stays, the journal too unless named."""
    from bearskin.app._keep import reset as empty
    from bearskin.terms import BadInput

    def ask(question: str) -> bool:
        if desk.json or not sys.stdin.isatty():
            raise BadInput("nobody is there to confirm: say --yes to empty these parts without being asked")
        return typer.confirm(question, err=True)

    report = empty(*(parts or ()), journal=journal, home=desk.home, store=desk.store, confirm=None if yes else ask)
    from bearskin.app._tables import size_word

    lines = [f"{part}: {size_word(size)} in {folder} are gone" for part, folder, size in report.emptied]
    desk.result(report.to_json, lambda: [*lines, f"kept: {', '.join(report.kept)}"])


def migrate(desk: Desk) -> None:
    """Bring the store, the journals and their tables up to the version this bearskin writes."""
    from bearskin.app._keep import migrate as bring

    report = bring(home=desk.home, store=desk.store)
    if report.version_before is None:
        told = f"no store in {report.store} yet, nothing to do"
    elif report.version_before == report.version_after:
        told = f"the store in {report.store} has version {report.version_after}, nothing to do"
    else:
        told = f"the store has version {report.version_after} now, it had {report.version_before}"
    lines = [*report.steps, told, f"journal: {report.journal}", f"tables: {report.tables}"]
    desk.result(report.to_json, lambda: lines)
