"""Keeps the pages of docs/setups true: the picture of each set-up and the line that says what it was worth.

    python tools/setup_pages.py            evidence lines anew; pictures of set-ups that have none
    python tools/setup_pages.py --draw     every picture anew
    python tools/setup_pages.py --check    exit 1 when a page is missing or its evidence is not what is packaged

A picture is a real detection on a made-up market, found from fixed seeds. Text outside the marked blocks is written by
hand.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from bearskin.market import Panel
from bearskin.report import Trade, picture
from bearskin.setups import SETUPS, SetupEvent, detect, evidence_words
from bearskin.setups._worlds import walks
from bearskin.terms import Side

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "setups"
INDEX = FOLDER.parent / "setups.md"
BLOCK = re.compile(r"(<!-- evidence of (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
LISTED = re.compile(r"(<!-- list of set-ups -->\n).*?(<!-- end -->)", re.DOTALL)
TICK = 0.01
SEEDS = range(1, 40)
MARKETS, BARS = 4, 900
BEFORE = 12  # bars before the structure
SHOWN_MIN, SHOWN_MAX = 60, 130
BYTES_MAX = 20_000


@dataclasses.dataclass(frozen=True)
class Shown:
    """The bars of a picture."""

    interval_ns: int
    time_ns: Any
    open: Any
    high: Any
    low: Any
    close: Any


def page_of(name: str) -> Path:
    """The page of a set-up."""
    return FOLDER / f"{name}.md"


def picture_of(name: str) -> Path:
    """The picture beside it."""
    return FOLDER / f"{name}.svg"


def evidence_block(name: str) -> str:
    """What stands in the marked block of a page."""
    return f"*Evidence:* {evidence_words(name)}\n"


def filled(text: str) -> str:
    """A page with its evidence as it is packaged."""
    return BLOCK.sub(lambda match: match[1] + evidence_block(match["name"]) + match[3], text)


def listed(text: str) -> str:
    """The index with its list of set-ups."""
    rows = ["| set-up | families | needs |", "|---|---|---|"]
    rows += [
        f"| [{name}](setups/{name}.md) | {', '.join(one.families)} | {', '.join(one.needs) or 'candles'} |"
        for name, one in SETUPS.items()
    ]
    return LISTED.sub(lambda match: match[1] + "\n".join(rows) + "\n" + match[2], text)


def on_grid(panel: Panel) -> Panel:
    """The panel on a grid that reads well."""
    prices: dict[str, Any] = {
        name: np.round(getattr(panel, name), 2)
        for name in ("open", "high", "low", "close", "mark_open", "mark_high", "mark_low", "mark_close")
    }
    instrument = dataclasses.replace(panel.instrument, tick=Decimal(str(TICK)))
    return dataclasses.replace(panel, instrument=instrument, **prices)


def cases(name: str) -> Iterator[tuple[Panel, SetupEvent]]:
    """Shorts of the set-up on made-up markets, seed by seed."""
    for seed in SEEDS:
        for panel in walks(MARKETS, BARS, seed):
            coarse = on_grid(panel)
            for event in detect(coarse, [name], [Side.SHORT]):
                yield coarse, event


def began(panel: Panel, event: SetupEvent) -> int:
    """The first bar of what is drawn."""
    times = [event.anchor_ns, *(part.start_ns for part in event.drawing)]
    return int(np.searchsorted(panel.time_ns, min(times)))


def reads_well(panel: Panel, event: SetupEvent) -> float:
    """Lower is better: a structure that fills the picture, targets within it."""
    span = event.bar - began(panel, event)
    low = float(panel.low[max(0, event.bar - SHOWN_MIN) : event.bar + 1].min())
    high = float(panel.high[max(0, event.bar - SHOWN_MIN) : event.bar + 1].max())
    far = max(0.0, low - min(event.targets, default=low)) / (high - low)
    risk = abs(event.stop - event.entry_ref) / (high - low)
    return abs(span - 45) / 45 + far + max(0.0, 0.12 - risk) * 5 + (0.3 if len(event.targets) == 1 else 0.0)


def draw(name: str) -> None:
    """Write the picture of one set-up: the one that reads best among the first few."""
    found: list[tuple[float, int, Panel, SetupEvent]] = []
    for k, (panel, event) in enumerate(cases(name)):
        if event.bar > SHOWN_MIN and panel.time_ns[event.bar] - panel.time_ns[began(panel, event)] > 0:
            found.append((reads_well(panel, event), k, panel, event))
        if k >= 60:
            break
    if not found:
        print(f"{name}: no case on the made-up markets, no picture", file=sys.stderr)
        return
    _, _, panel, event = min(found, key=lambda one: one[:2])
    first = min(began(panel, event) - BEFORE, event.bar - SHOWN_MIN)
    cut = slice(max(first, event.bar - SHOWN_MAX, 0), event.bar + 1)
    columns = {field: getattr(panel, field)[cut] for field in ("time_ns", "open", "high", "low", "close")}
    shown = Shown(interval_ns=panel.interval_ns, **columns)
    svg = picture(shown, Trade(event=event, entry=event.entry_ref), alone=True)
    assert len(svg) < BYTES_MAX, f"{name}: {len(svg)} bytes"
    picture_of(name).write_text(svg + "\n", encoding="utf-8")


def stale() -> list[str]:
    """What is not as it should be, one line each."""
    wrong = []
    for name in SETUPS:
        page = page_of(name)
        if not page.is_file():
            wrong.append(f"{name} has no page")
        elif filled(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8"):
            wrong.append(f"the evidence on {page.name} is not what is packaged: run tools/setup_pages.py")
        if not picture_of(name).is_file():
            wrong.append(f"{name} has no picture")
    if listed(INDEX.read_text(encoding="utf-8")) != INDEX.read_text(encoding="utf-8"):
        wrong.append("the list in setups.md is not that of the registry: run tools/setup_pages.py")
    return wrong


def main() -> int:
    """Write what is to be written; with --check only say what is wrong."""
    if "--check" in sys.argv:
        wrong = stale()
        print("\n".join(wrong) or "every set-up has its page")
        return 1 if wrong else 0
    FOLDER.mkdir(exist_ok=True)
    for name in SETUPS:
        if "--draw" in sys.argv or not picture_of(name).is_file():
            draw(name)
        page = page_of(name)
        if page.is_file():
            page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    INDEX.write_text(listed(INDEX.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
