"""A running bot on a terminal: where the account stands, what is open and how it is protected, what was decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from bearskin.report._terminal import WIDE, empty_table, toned
from bearskin.report._words import NOTHING, Kind, clean, number, prose, shown
from bearskin.terms import Side

LINES_EACH = 3  # of one decision at most
OPENING_LINES = 8
MARKET_TIME = " market time"
NEAR_FRAC, NEARING_FRAC = 0.02, 0.05  # of the mark, to liquidation
_LOOKS = {  # glyph and style of each kind of decision
    "enter": ("▶", "bold"),
    "exit": ("■", ""),
    "protected": ("✔", "green"),
    "unprotected": ("!", "bold red"),
    "declined": ("·", "dim"),
    "unfilled": ("·", "dim"),
    "stop": ("↕", ""),
    "leave": ("◁", ""),
    "warning": ("!", "yellow"),
    "limit": ("!", "yellow"),
    "adjusted": ("!", "yellow"),
    "foreign": ("!", "yellow"),
    "reconciled": ("!", "yellow"),
    "mode": ("○", "bold"),
}


@dataclass(frozen=True, slots=True)
class BotScreen:
    """A state of `GET /state`, drawn for the width and the height it is shown at; `hint` is the last line."""

    state: Mapping[str, Any]
    hint: str = ""
    height: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks; width and height answer."""
        width = options.max_width
        height = self.height or options.height or console.height
        above: list[RenderableType] = [*_header(self.state, width), Text()]
        above += [positions_table(self.state, width, most=max(2, height // 3)), Text()]
        below = [*_warnings(self.state, width)]
        if self.hint:
            below.append(Text(self.hint, style="dim", no_wrap=True, overflow="ellipsis"))
        flat = options.update(height=None)
        used = len(console.render_lines(Group(*above, *below), flat, pad=False))
        room = max(3, height - used - 1)
        lines = _decisions(self.state, console, width, room)
        filling = [Text()] * max(0, room - len(lines))
        yield Group(*above, *lines, *filling, *below)


def opening_screen(said: Sequence[str]) -> RenderableType:
    """What is shown before there is a state: what was said so far."""
    lines = [Text(prose(text), overflow="fold", style="dim") for text in said[-OPENING_LINES:]]
    return Group(Text("bearskin", style="bold"), Text("starting …", style="yellow"), Text(), *lines)


def decision_line(decision: Mapping[str, Any]) -> str:
    """One decision as one plain line of a log."""
    origin = _origin(decision)
    words = [decision["time"][:19] + "Z", decision["kind"].upper(), decision["symbol"], decision["side"] or ""]
    head = " ".join(clean(word) for word in words if word)
    why = f" | {prose(decision['why'])}" if decision.get("why") else ""
    return f"{head}: {prose(decision['text'])}{f' [{origin}]' if origin else ''}{why}"


def _header(state: Mapping[str, Any], width: int) -> Iterable[RenderableType]:
    account, mode, counts = state["account"], state["mode"], state["counts"]
    name = Text.assemble(("bearskin ", "bold"), (clean(str(state.get("title", state["venue"]))), "bold"))
    at = (state["time"] or "")[:19].replace("T", " ")
    name.append(f"  {at or 'starting'}", "")
    if at and name.cell_len + len(MARKET_TIME) <= width:
        name.append(MARKET_TIME, "dim")
    yield _two_ends(name, _mode(mode, account), width)
    yield _facts(
        [
            ("Equity", f"{shown(Kind.MONEY, account['equity'])} {account['asset']}", "bold"),
            ("Open", shown(Kind.MONEY, account["open_pnl"], signed=True), _tone(account["open_pnl"])),
            ("Closed", shown(Kind.MONEY, account["net"], signed=True), _tone(account["net"])),
            ("Open risk", _risk(account), ""),
            ("Free", shown(Kind.MONEY, account["available"]), ""),
            ("Fees", shown(Kind.MONEY, -float(account["fees"]), signed=True), ""),
            ("Funding", shown(Kind.MONEY, account["funding"], signed=True), _tone(account["funding"])),
        ],
        width,
    )
    wins = f" ({counts['wins']} won)" if counts["exits"] else ""
    yield _facts(
        [
            ("Limits", _limits(state["limits"]), "yellow" if state["limits"] else ""),
            ("Signals", f"{counts['signals']:,}", ""),
            ("entered", f"{counts['entries']:,}", ""),
            ("closed", f"{counts['exits']:,}{wins}", ""),
            ("declined", f"{sum(counts['declined'].values()):,}", ""),
            ("longest without a stop", f"{counts['max_unprotected_s']:.2f} s", ""),
            ("Feed", _channels(state), "red" if not all(state["channels"].values()) else ""),
        ],
        width,
    )


def _two_ends(left: Text, right: Text, width: int) -> RenderableType:
    if left.cell_len + right.cell_len + 2 > width:
        return Group(left, right)
    line = left.copy()
    line.append(" " * (width - left.cell_len - right.cell_len))
    line.append_text(right)
    return line


def _mode(mode: Mapping[str, Any], account: Mapping[str, Any]) -> Text:
    if not account["known"]:
        return Text("asking the venue", style="yellow")
    if mode["panicked"]:
        return Text("PANIC: stays closed until resumed", style="bold red")
    if mode["paused"]:
        return Text("PAUSED: no new entries", style="bold yellow")
    return Text.assemble(("RUNNING", "green"), (f" sides {mode['sides']}" if mode["sides"] else "", "dim"))


def _facts(facts: list[tuple[str, str, str]], width: int) -> RenderableType:
    """Names and figures in one line, or in as many as they need; none is ever cut in two."""
    lines, line = [], Text()
    for name, figure, style in facts:
        one = Text.assemble((f"{name} ", "dim"), (figure, style))
        if line.cell_len and line.cell_len + 3 + one.cell_len > width:
            lines.append(line)
            line = Text()
        if line.cell_len:
            line.append("   ")
        line.append_text(one)
    return Group(*lines, line)


def _risk(account: Mapping[str, Any]) -> str:
    share = account["open_risk_frac"]
    return shown(Kind.MONEY, account["open_risk"]) + (f" ({shown(Kind.FRAC, share)})" if share is not None else "")


def _limits(limits: list[Mapping[str, Any]]) -> str:
    return ", ".join(clean(one["limit"]) for one in limits) or "none reached"


def _channels(state: Mapping[str, Any]) -> str:
    down = [name for name, up in state["channels"].items() if not up]
    if down:
        return "LOST: " + ", ".join(down)
    heard = state["heard_s_ago"]
    return "up" if heard is None or heard < 10 else f"silent for {heard:.0f} s"


def _tone(value: object) -> str:
    figure = number(value)
    return "" if not figure else "green" if figure > 0 else "red"


def positions_table(state: Mapping[str, Any], width: int, most: int) -> RenderableType:
    """What is open, with as many columns as there is room for: a figure is never cut."""
    positions = state["positions"]
    if not positions:
        mode = state.get("mode") or {}
        waits = not (mode.get("panicked") or mode.get("paused"))
        what = "waiting for a set-up that the desk would take" if waits else "no entries until `bearskin resume`"
        return Text(f"Nothing is open: {what}.", style="dim")
    columns = _columns(positions[:most])
    ranks = sorted({column.rank for column in columns}, reverse=True)
    for rank in ranks:
        if sum(column.width for column in columns) + 2 * (len(columns) - 1) <= width:
            break
        columns = [column for column in columns if column.rank != rank]
    table = empty_table("", gap=2)
    table.title = None
    for column in columns:
        table.add_column(column.name, justify="right" if column.right else "left", no_wrap=True)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    if len(positions) > most:
        return Group(table, Text(f"and {len(positions) - most} more", style="dim"))
    return table


@dataclass(frozen=True, slots=True)
class _Column:
    """One column; the higher its `rank` the sooner it gives way."""

    name: str
    rank: int
    right: bool
    cells: list[Text]

    @property
    def width(self) -> int:
        return max(len(self.name), *(cell.cell_len for cell in self.cells))


def _columns(positions: list[Mapping[str, Any]]) -> list[_Column]:
    def column(name: str, rank: int, cell: Callable[[Mapping[str, Any]], str | Text], right: bool = True) -> _Column:
        made = [cell(one) for one in positions]
        return _Column(name, rank, right, [Text(one) if isinstance(one, str) else one for one in made])

    return [
        column("Position", 0, lambda one: Text.assemble((one["symbol"], "bold"), " ", _side(one)), right=False),
        column("Qty", 4, _qty),
        column("Entry", 3, lambda one: _price(one["entry"])),
        column("Mark", 1, lambda one: _price(one["mark"])),
        column("Stop", 0, lambda one: _price(one["stop"])),
        column("Target", 5, lambda one: _price(one["targets"][0] if one["targets"] else None)),
        column("Liquidation", 6, lambda one: _price(one["liquidation_price"])),
        column("Away", 2, _away),
        column("PnL", 0, lambda one: toned(shown(Kind.MONEY, one["pnl"], signed=True), signed=True)),
        column("R", 7, lambda one: toned(shown(Kind.RATIO, one["r"], signed=True), signed=True)),
        column("Funding", 8, lambda one: toned(shown(Kind.MONEY, one["funding"], signed=True), signed=True)),
        column("Stop at the venue", 0, _protection, right=False),
        column("Set-up", 9, lambda one: Text(_origin(one), "dim"), right=False),
    ]


def _price(value: object) -> str:
    """Seven digits tell a price."""
    figure = number(value)
    return NOTHING if figure is None else shown(Kind.PRICE, float(f"{figure:.7g}"))


def _side(one: Mapping[str, Any]) -> Text:
    text = Text(one["side"], style=_side_style(one))
    if one["purpose"] == "hedge":
        text.append(" hedge", style="dim")
    return text


def _side_style(one: Mapping[str, Any]) -> str:
    return "red" if one["side"] == "short" else "green"


def _qty(one: Mapping[str, Any]) -> Text:
    if number(one["qty"]):
        return Text(shown(Kind.QTY, one["qty"]))
    return Text(shown(Kind.QTY, one["planned_qty"]), style="dim")  # ordered, not filled


def _away(one: Mapping[str, Any]) -> Text:
    """How far liquidation is from the mark."""
    away = number(one["liquidation_frac"])
    if away is None:
        return Text(NOTHING)
    style = "bold red" if away < NEAR_FRAC else "yellow" if away < NEARING_FRAC else ""
    return Text(f"{100 * away:.1f} %", style=style)


def _protection(one: Mapping[str, Any]) -> Text:
    if one["purpose"] == "hedge" and one["stop"] is None:
        return Text("hedge, no stop", style="yellow")
    if one["protected"] and one.get("protected_as_of"):
        return Text(f"PROTECTED, heard {one['protected_unheard_s'] or 0:,.0f} s ago", style="yellow")
    if one["protected"]:
        return Text.assemble(("PROTECTED", "green"), (f" {one['max_unprotected_s']:.2f} s", "dim"))
    if number(one["qty"]):
        return Text(f"UNPROTECTED {one['unprotected_s'] or 0:.1f} s", style="bold white on red")
    return Text(str(one["phase"]), style="dim")


def _origin(one: Mapping[str, Any]) -> str:
    """`failed_breakout, no proven edge`: what the study found of the set-up; hand and webhook are their own words."""
    from bearskin.setups import evidence_verdict

    kind, _, name = (one.get("origin") or "").partition(":")
    if kind != "setup":
        return clean(one.get("origin") or "")
    side = Side[one["side"].upper()] if one.get("side") else None
    return f"{clean(name)}, {evidence_verdict(name, side)}"


def _decisions(state: Mapping[str, Any], console: Console, width: int, room: int) -> list[RenderableType]:
    """The last decisions, newest first, in at most `room` lines."""
    lines: list[RenderableType] = [Text("Decisions", style="dim underline")]
    left = room - 1
    several_days = len({one["time"][:10] for one in state["decisions"]}) > 1 and width >= WIDE
    for decision in reversed(state["decisions"]):
        if decision["kind"] == "warning":  # they stand below
            continue
        drawn = _decision(decision, console, width, several_days)
        if len(drawn) > left:
            break
        lines += drawn
        left -= len(drawn)
    if len(lines) == 1:
        lines.append(Text("none yet: a set-up is looked for whenever a bar closes", style="dim"))
    return lines


def _decision(decision: Mapping[str, Any], console: Console, width: int, with_day: bool) -> list[Text]:
    glyph, style = _LOOKS.get(decision["kind"], ("·", ""))
    if decision["kind"] == "exit":
        style = "red" if "net -" in decision["text"] else "green"
    at = decision["time"][5:16].replace("T", " ") if with_day else decision["time"][11:19]
    head = Text.assemble((f"{at} ", "dim"), (f"{glyph} ", style))
    body = Text()
    if decision["symbol"]:
        body.append(f"{clean(decision['symbol'])} ", "bold" if style == "bold" else style)
    if decision["side"]:
        body.append(f"{decision['side']} ", style if style == "dim" else _side_style(decision))
    body.append(prose(decision["text"]), style)
    if decision["origin"]:
        body.append(f"  {_origin(decision)}", "dim italic")
    if decision["why"]:
        body.append(f"  {prose(decision['why'])}", "dim")
    parts = list(body.wrap(console, max(20, width - head.cell_len)))
    if len(parts) > LINES_EACH:
        parts = parts[:LINES_EACH]
        parts[-1].rstrip()
        parts[-1].truncate(max(20, width - head.cell_len) - 1)
        parts[-1].append("…", "dim")
    blank = Text(" " * head.cell_len)
    return [Text.assemble(head if not number_ else blank, part) for number_, part in enumerate(parts)]


def _warnings(state: Mapping[str, Any], width: int, most: int = 3) -> list[RenderableType]:
    recent = [one for one in state["warnings"] if one["severity"] != "info"][-most:]
    if not recent:
        return []
    table = Table.grid(padding=(0, 1))
    for one in reversed(recent):
        style = "bold red" if one["severity"] == "critical" else "yellow"
        what = " ".join(word for word in (clean(one["kind"]), one["symbol"]) if word)
        text = Text(f"{one['time'][11:19]} {what}: {prose(one['text'])}", style=style)
        text.truncate(width, overflow="ellipsis")
        table.add_row(text)
    return [Text(), Text("Warnings", style="dim underline"), table]
