"""The look of everything printed in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from bearskin.report._words import prose

WIDE = 110  # from here on there is room for the second-rank columns


@dataclass(frozen=True, slots=True)
class Fitted:
    """A renderable made for the width it is shown at."""

    make: Callable[[int], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks; the width answers."""
        yield self.make(options.max_width)


def empty_table(title: str, *, gap: int = 2) -> Table:
    """A table in the house's look: no frame, a rule under the headings, `gap` blanks between columns."""
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, gap - 1, 0, 0),  # the box draws one blank itself
        header_style="dim",
        show_edge=False,
    )


def toned(text: str, signed: bool) -> Text:
    """`text` in the colour of its sign; the sign itself is always there."""
    style = {"+": "green", "−": "red"}.get(text[:1], "") if signed else ""
    return Text(text, style=style)


def bulleted(title: str, said: Sequence[str]) -> RenderableType:
    """Sentences under a heading, each with its bullet."""
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    rows.title, rows.title_justify, rows.title_style = Text(title, style="bold"), "left", ""
    for one in said:
        rows.add_row("•", Text(prose(one)))
    return rows
