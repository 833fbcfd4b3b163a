"""A running bot shown to a person: a live screen on a terminal, else a line of log for every decision."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from bearskin.app._desk import Desk


class Show:
    """Takes the bot's state a few times a second."""

    def __init__(self, desk: Desk, hint: str) -> None:
        self._desk, self._hint, self._seen = desk, hint, 0
        self._live: Any = None

    @contextlib.contextmanager
    def open(self) -> Iterator[Show]:
        """Take the screen over where there is one, and give it back."""
        if self._desk.json or self._desk.quiet or not sys.stderr.isatty():
            yield self
            return
        from rich.live import Live

        with Live(console=self._desk.console, screen=True, auto_refresh=False, transient=True) as self._live:
            yield self
        self._live = None

    def update(self, state: Mapping[str, Any]) -> None:
        """Show it."""
        from bearskin.report import BotScreen, decision_line

        if self._live is not None:
            self._live.update(BotScreen(state, hint=self._hint), refresh=True)
            return
        self._seen = max(self._seen, state["restored"])
        for decision in state["decisions"]:
            if decision["number"] > self._seen:
                self._seen = decision["number"]
                self._desk.say(decision_line(decision))
