"""A running bot shown to a person: a live screen on a terminal, else a line of log for every decision."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from bearskin.app._desk import Desk

SAID_S = 10.0  # that a line which was said stands on the screen


class Show:
    """Takes the bot's state a few times a second.

    On a terminal the screen is taken over; what is said meanwhile stands in its last line, and all of it again below
    once the screen is given back.
    """

    def __init__(self, desk: Desk, hint: str) -> None:
        self._desk, self._hint, self._seen = desk, hint, 0
        self._live: Any = None
        self._state: Mapping[str, Any] | None = None
        self._said: list[tuple[float, str]] = []

    @contextlib.contextmanager
    def open(self) -> Iterator[Show]:
        """Take the screen over where there is one, and give it back."""
        if self._desk.json or self._desk.quiet or not sys.stderr.isatty():
            yield self
            return
        from rich.live import Live

        try:
            with (
                Live(console=self._desk.console, screen=True, auto_refresh=False, transient=True) as self._live,
                self._desk.lines_taken(self._say),
            ):
                yield self
        finally:
            self._live = None
            for _, text in self._said:
                self._desk.say(text)

    def update(self, state: Mapping[str, Any]) -> None:
        """Show it."""
        from bearskin.report import decision_line

        self._state = state
        if self._live is not None:
            self._draw()
            return
        self._seen = max(self._seen, state["restored"])
        for decision in state["decisions"]:
            if decision["number"] > self._seen:
                self._seen = decision["number"]
                self._desk.say(decision_line(decision))

    def _say(self, text: str) -> None:
        self._said.append((time.monotonic(), text))
        self._draw()

    def _draw(self) -> None:
        """The state with what was said last, as long as that is new; before there is a state, what was said so far."""
        from bearskin.report import BotScreen, opening_screen

        if self._state is None:
            self._live.update(opening_screen([text for _, text in self._said]), refresh=True)
            return
        new = [text for at_s, text in self._said if time.monotonic() - at_s < SAID_S]
        self._live.update(BotScreen(self._state, hint=new[-1] if new else self._hint), refresh=True)
