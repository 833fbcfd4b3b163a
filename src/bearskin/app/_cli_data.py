"""Commands about market data: import, fetch, brackets, list, check."""

from __future__ import annotations

import sys
from typing import Any

import typer

from bearskin.app._command import BAD_INPUT, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import BRACKETS, CHECK, FETCH, IMPORT, SERIES
from bearskin.terms import BadInput


def register_data(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    data = typer.Typer(no_args_is_help=True, help="Market data: import, fetch, list and check the store.")
    command(data, "import", IMPORT)(data_import)
    command(data, "fetch", FETCH)(data_fetch)
    command(data, "brackets", BRACKETS)(data_brackets)
    command(data, "list", SERIES)(data_list)
    command(data, "check", CHECK)(data_check)
    app.add_typer(data, name="data", rich_help_panel="Market data")


def data_import(desk: Desk, paths: list[str] | None, **given: Any) -> int:
    """Take files into the store: Binance's archive, freqtrade, LEAN, generic CSV and Parquet. Exit 2 if one is bad."""
    desk.say(f"reading {', '.join(paths or ())}")
    from bearskin.app._data import data_import as take
    from bearskin.app._data import import_json

    with desk.progress() as progress:
        report = take(*(paths or ()), **known(given), home=desk.home, store=desk.store, progress=progress)

    def tables() -> object:
        from bearskin.app._tables import import_tables

        return import_tables(report)

    desk.result(lambda: import_json(report), tables)
    if report.taken:
        desk.say("next: `bearskin data check` tells what is wrong with it, `bearskin backtest` trades it")
    if report.bad:
        first = f"{len(report.bad)} of {len(report.files)} files were refused; the first: {report.bad[0].error}"
        print(f"error: {first}", file=sys.stderr)  # noqa: T201 - the edge of the house prints
        return BAD_INPUT
    return 0


def data_fetch(desk: Desk, symbols: list[str] | None, **given: Any) -> None:
    """Fetch public data, no key needed: Binance's archive, or any venue through ccxt."""
    desk.say(f"asking for {', '.join(symbols or ())}")
    from bearskin.app._data import data_fetch as fetch

    with desk.progress() as progress:
        report = fetch(*(symbols or ()), **known(given), home=desk.home, store=desk.store, progress=progress)

    def tables() -> object:
        from bearskin.app._tables import fetch_tables

        return fetch_tables(report)

    desk.result(report.to_json, tables)


def data_brackets(desk: Desk, symbols: list[str] | None, out: str | None, **given: Any) -> None:
    """Save a venue's maintenance brackets to a file, for --brackets; no key needed, where the venue shows them."""
    if out is None:
        raise BadInput("there is no place for the brackets: name a file with --out FILE")
    desk.say(f"asking for the brackets of {', '.join(symbols or ())}")
    from bearskin.app._data import data_brackets as fetch

    book = fetch(*(symbols or ()), out=out, **known(given), home=desk.home)

    def tables() -> object:
        return [f"{len(book.rows)} tables of {book.snapshot} are in {out}: use them with --brackets {out}"]

    saved = [{"venue": venue, "product": product, "symbol": symbol} for venue, product, symbol in book.rows]
    desk.result(lambda: {"file": out, "snapshot": book.snapshot, "source": book.source, "tables": saved}, tables)


def data_list(desk: Desk, each: bool = False, **given: Any) -> None:
    """What the store holds, and from when to when."""
    from bearskin.app._data import data_list as look

    report = look(**known(given), home=desk.home, store=desk.store)

    def tables() -> object:
        from bearskin.app._tables import list_tables

        return list_tables(report, each=each)

    desk.result(report.to_json, tables)


def data_check(desk: Desk, each: bool = False, **given: Any) -> None:
    """What is wrong with it: gaps, doubles, bad bars, stale ends, switching funding, sources that disagree."""
    desk.say("checking")
    from bearskin.app._data import data_check as check

    report = check(**known(given), home=desk.home, store=desk.store)

    def tables() -> object:
        from bearskin.report import faults_table

        if not report.checked:
            return [f"nothing is in {report.store}, so nothing was checked: `bearskin data import PATH` fills it"]
        said = f"{report.checked:,} series in {report.store} were checked"
        more = "" if each or not report.faults else "; `--each` lists every fault, docs/data.md explains them"
        return [faults_table(report.faults, each=each), said + more]

    desk.result(report.to_json, tables)
