"""Commands about market data: import, fetch, list, check."""

from __future__ import annotations

import typer


def register_data(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    data = typer.Typer(no_args_is_help=True, help="Market data: import, fetch, list and check the store.")
    app.add_typer(data, name="data", rich_help_panel="Market data")
