"""The command that runs the demo exchange."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from bearskin.app._command import command, known
from bearskin.app._desk import Desk
from bearskin.app._options import EXCHANGE

if TYPE_CHECKING:
    from bearskin.exchange import Address, Opened


def register_exchange(app: typer.Typer) -> None:
    """Add the command of this file to `app`."""
    command(app, "exchange", EXCHANGE, "Trades")(exchange)


def exchange(desk: Desk, **given: Any) -> None:
    """A derivatives exchange on this machine that real clients trade on, with play money; runs until Ctrl-C."""
    from bearskin.app._exchange import address_json, address_lines, serve_exchange

    def ready(address: Address, opened: Opened) -> None:
        if desk.json:
            desk.emit(address_json(address))
            return
        # plain text, to be copied: no table, no wrapping, no markup
        sys.stdout.write("\n".join(address_lines(address, opened)) + "\n")
        sys.stdout.flush()

    serve_exchange(ready, **known(given), home=desk.home, store=desk.store)
    desk.say("the exchange is closed, its state is kept")
