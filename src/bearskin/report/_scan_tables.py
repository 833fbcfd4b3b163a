"""A scan for the terminal: one line for each candidate, and below it what speaks for and against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bearskin.backtest import Scan, reward_to_risk
from bearskin.report._evidence import evidence_sentence
from bearskin.report._scan_json import scan_json
from bearskin.report._terminal import WIDE, Fitted, bulleted, empty_table, toned
from bearskin.report._words import NOTHING, Kind, clean, prose, shown, when
from bearskin.terms import counted, interval_word

STYLES = {"passes": ("✔", "green"), "unguarded": ("?", "yellow"), "smaller": ("!", "yellow"), "declined": ("✘", "red")}
TOLD_MAX = 12  # candidates that are told at length; the rest stand in the table
GONE_MAX = 8


def scan_tables(scan: Scan) -> list[RenderableType]:
    """`scan` for the terminal."""
    found = scan.found
    parts: list[RenderableType] = [_headline(scan)]
    if found:
        parts.append(Fitted(lambda width: _table(scan, width)))
        parts += [_told(one) for one in found[:TOLD_MAX]]
        if len(found) > TOLD_MAX:
            more = len(found) - TOLD_MAX
            stand = "stands" if more == 1 else "stand"
            parts.append(Text(f"{more} more {stand} in the table only; --json and --out tell all."))
    else:
        looked = any(not one.left_out for one in scan.symbols)
        parts.append(Text("Nothing stands at this time." if looked else "No symbol could be looked at: see why below."))
    parts += _rest(scan)
    return [Padding(part, (0, 0, 1, 0)) for part in parts]


def headline_words(scan: Scan) -> str:
    """What was looked at, in one sentence."""
    counts = scan_json(scan)["counts"]
    bars, word = scan.request.within_bars, interval_word(scan.interval_ns)
    return (
        f"{counted(counts['symbols'], 'symbol')}, set-ups of the last {counted(bars, 'bar')} of {word}: "
        f"{_passed(counts)}, {counts['smaller']} smaller, {counts['declined']} declined, "
        f"{counts['gone']} over already"
    )


def _passed(counts: Mapping[str, int]) -> str:
    return f"{counts['unguarded']} without asking any guard" if counts["unguarded"] else f"{counts['passes']} pass"


def _headline(scan: Scan) -> RenderableType:
    text = Text()
    text.append(f"Scan at {when(scan.request.at_ns)} UTC", style="bold")
    text.append(f"\n{headline_words(scan)}")
    text.append("\nWhat a set-up was worth in the past stands under each. None of this is advice.", style="dim")
    return text


def verdict_text(word: str) -> Text:
    """Sign and word; the colour only repeats them."""
    sign, style = STYLES[word]
    return Text(f"{sign} {word}", style=style)


def _table(scan: Scan, width: int) -> Table:
    wide = width >= WIDE
    table = empty_table("Candidates")
    for heading in ("Verdict", "Symbol", "Side", "Set-ups"):
        table.add_column(heading, no_wrap=heading != "Set-ups", overflow="fold")
    for heading in ("Bars ago", "Entry", "Stop", "Target", "R:R", "Qty", "Risk", "Liquidation", "Carry"):
        if wide or heading not in ("Qty", "Liquidation", "Carry", "Bars ago"):
            table.add_column(heading, justify="right", no_wrap=True)
    for one in scan.found:
        best = one.best
        event, sized, ratio = best.event, best.sized, reward_to_risk(best)
        cells: dict[str, Text] = {
            "Bars ago": Text(str(best.age_bars)),
            "Entry": Text(shown(Kind.PRICE, best.entry)),
            "Stop": Text(shown(Kind.PRICE, event.stop)),
            "Target": Text(shown(Kind.PRICE, event.targets[0]) if event.targets else NOTHING),
            "R:R": Text(NOTHING if ratio is None else f"{ratio:.1f}"),
            "Qty": Text(NOTHING if sized is None else shown(Kind.QTY, sized.qty)),
            "Risk": Text(NOTHING if sized is None else shown(Kind.MONEY, sized.loss_at_stop)),
            "Liquidation": Text(shown(Kind.PRICE, best.liquidation_price)),
            "Carry": _money(best.carry.money if best.carry is not None else None),
        }
        side = event.side.word
        table.add_row(
            verdict_text(best.verdict),
            clean(event.symbol),
            Text(side, style="yellow" if side == "short" else "cyan"),
            ", ".join(one.candidate.setups),
            *(cell for name, cell in cells.items() if wide or name not in ("Qty", "Liquidation", "Carry", "Bars ago")),
        )
    return table


def _money(value: object) -> Text:
    return toned(shown(Kind.MONEY, value, signed=True), signed=True)


def _told(one: Any) -> RenderableType:
    best = one.best
    event = best.event
    sign, style = STYLES[best.verdict]
    head = Text()
    head.append(f"{sign} {clean(event.symbol)} {event.side.word}", style=f"bold {style}")
    head.append(f"  {best.verdict}: {prose(best.reason)}")
    lines: list[RenderableType] = [head, Text(f"  {prose(event.why)}")]
    lines += [
        Text(f"  {name}: {prose(evidence_sentence(name, event.side))}", style="dim") for name in one.candidate.setups
    ]
    said = [] if best.guards is None else [*best.guards.reasons]
    if best.guards is not None and best.guards.unchecked:
        said.append(f"not checked: {', '.join(best.guards.unchecked)}")
    lines += [Text(f"  guard: {prose(sentence)}") for sentence in said if sentence not in best.reason]
    if not one.families_enough:
        lines.append(Text(f"  {alone(one)}"))
    return Group(*lines)


def alone(one: Any) -> str:
    """What is said of a candidate that only one family speaks for."""
    return f"only {' and '.join(one.candidate.families)} speaks for it, of structure, positioning and flow"


def _rest(scan: Scan) -> list[RenderableType]:
    told = scan_json(scan)
    parts: list[RenderableType] = []
    if told["gone"]:
        lines = [f"{one['symbol']} {one['side']} {one['setup']}: {one['why']}" for one in told["gone"]]
        parts.append(bulleted("Over already", _some(lines, GONE_MAX)))
    if told["abstained"]:
        lines = [f"{a['setup']}: {a['why']} ({counted(len(a['symbols']), 'symbol')})" for a in told["abstained"]]
        parts.append(bulleted("Not looked for", lines))
    if told["left_out"]:
        lines = [f"{one['symbol']}: {one['why']}" for one in told["left_out"]]
        parts.append(bulleted("Left out", _some(lines, GONE_MAX)))
    return parts


def _some(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more"]
