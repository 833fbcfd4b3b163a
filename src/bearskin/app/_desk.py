"""What a command has at hand: its common options, its one object for stdout, and stderr for everything else."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bearskin.app._logs import redacted

# what is being done, how much of it is done, how much there is (None: not known)
Progress = Callable[[str, int, int | None], None]
PLAIN_EVERY_S = 5.0
PIPED_COLUMNS = 140


def one_line(text: str) -> str:
    """`text` without line breaks and control characters: a file's name must not command the terminal."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else repr(sign)[1:-1] for sign in text)


def stand_in_streams() -> None:
    """Streams that were closed become the null device; what a narrow encoding cannot say is written as escapes."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in the order of their descriptors
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - lives as long as we do
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@dataclass(slots=True, kw_only=True)
class Desk:
    """The common options of one command and its way to the screen."""

    command: str
    home: str | None = None
    store: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    _console: Any = field(default=None)
    _taken: Callable[[str], None] | None = field(default=None)

    @property
    def console(self) -> Any:
        """Rich's console on stderr, made when first used."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
        return self._console

    def say(self, text: str) -> None:
        """One line on stderr, unless quiet."""
        if not self.quiet:
            self._line(text)

    def _line(self, text: str) -> None:
        text = "\n".join(one_line(line) for line in text.split("\n")) if self.verbose else one_line(text)
        if self._taken is not None:
            self._taken(text)
        elif self._console is not None:  # a progress display may be running there
            self._console.print(text, markup=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - the edge of the house prints

    @contextlib.contextmanager
    def lines_taken(self, taken: Callable[[str], None]) -> Iterator[None]:
        """Have lines for stderr given to `taken` as long as the context lasts: the screen is somebody else's then."""
        self._taken = taken
        try:
            yield
        finally:
            self._taken = None

    def emit(self, thing: dict[str, Any]) -> None:
        """The one object of `--json`."""
        text = json.dumps(thing, ensure_ascii=False, allow_nan=False)
        try:
            text.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:  # a narrow terminal, or a file name that is no text
            text = json.dumps(thing, allow_nan=False)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def show(self, *renderables: Any) -> None:
        """Tables and text for a person, on stdout."""
        from rich.console import Console

        class Stdout(Console):
            def on_broken_pipe(self) -> None:  # Rich would leave with 1
                raise BrokenPipeError

        # a file or another program has no width of its own, and is no place for cut words
        wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_COLUMNS
        console = Stdout(highlight=False, width=wide)
        for renderable in renderables:
            if isinstance(renderable, str):
                console.print(renderable, markup=False, soft_wrap=True)  # a path must not be broken
            else:
                console.print(renderable)
                console.print()

    def result(self, thing: Callable[[], dict[str, Any]], tables: Callable[[], Any]) -> None:
        """Either the object or the tables, as `--json` says; only the one asked for is made."""
        if self.json:
            self.emit(thing())
        else:
            made = tables()
            self.show(*(made if isinstance(made, list | tuple) else [made]))

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress | None]:
        """A callback for the rooms: a bar where stderr is a terminal, else a line now and then; None when quiet."""
        if self.quiet:
            yield None
        elif sys.stderr.isatty():
            with self._bars() as report:
                yield report
        else:
            yield self._lines()

    @contextlib.contextmanager
    def _bars(self) -> Iterator[Progress]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(self.command, total=None)

            def report(what: str, done: int, total: int | None) -> None:
                bars.update(task, description=what[:60], completed=done, total=total)

            yield report

    def _lines(self) -> Progress:
        last_s = -PLAIN_EVERY_S

        def report(what: str, done: int, total: int | None) -> None:
            nonlocal last_s
            now_s = time.monotonic()
            if now_s - last_s >= PLAIN_EVERY_S:
                last_s = now_s
                self._line(f"{self.command}: {what}" + (f" ({done} of {total})" if total else ""))

        return report


class Notes(logging.Handler):
    """Shows what the rooms log to the person at the screen: notes, warnings, and with --verbose everything."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(logging.WARNING if desk.quiet else logging.DEBUG if desk.verbose else logging.INFO)
        self._desk = desk
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """One line on stderr; a sentence is said once in a command."""
        try:
            text = redacted(self.format(record))
            if text not in self._said:
                self._said.add(text)
                self._desk._line(text)
        except BrokenPipeError:
            raise
        except Exception:  # noqa: BLE001 - logging must not take the command down
            self.handleError(record)
