"""Options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

from typing import Annotated, Any

import typer

_COMMON = "Common"

Home = Annotated[str | None, typer.Option("--home", metavar="DIR", help="Home folder.", rich_help_panel=_COMMON)]
StoreDir = Annotated[str | None, typer.Option("--store", metavar="DIR", help="Store folder.", rich_help_panel=_COMMON)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, last on stdout.", rich_help_panel=_COMMON)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.", rich_help_panel=_COMMON)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.", rich_help_panel=_COMMON)]

COMMON: dict[str, Any] = {"home": Home, "store": StoreDir, "json": Json, "quiet": Quiet, "verbose": Verbose}
