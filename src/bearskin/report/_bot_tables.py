"""How a run of the bot went: the account, what was closed, what was declined and why, what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bearskin.report._bot_screen import positions_table
from bearskin.report._terminal import Fitted, empty_table, toned
from bearskin.report._words import Kind, clean, prose, shown

DECLINED_MOST = 8


def bot_tables(state: Mapping[str, Any]) -> tuple[RenderableType, ...]:
    """A state of the bot as tables."""
    account, counts = state["account"], state["counts"]
    head = empty_table(f"Run {clean(state['run'])}")
    head.show_header = False
    head.add_column()
    head.add_column(justify="right")
    wins = f" ({counts['wins']} won)" if counts["exits"] else ""
    rows: list[tuple[str, str | Text]] = [
        ("Market time", (state["time"] or "")[:16].replace("T", " ")),
        ("Signals, entered, closed", f"{counts['signals']:,}, {counts['entries']:,}, {counts['exits']:,}{wins}"),
        ("Closed trades, before costs", toned(shown(Kind.MONEY, account["gross"], signed=True), signed=True)),
        ("Closed trades, net", toned(shown(Kind.MONEY, account["net"], signed=True), signed=True)),
        ("Fees, all trades", shown(Kind.MONEY, account["fees"])),
        ("Funding, all trades (+ received)", toned(shown(Kind.MONEY, account["funding"], signed=True), signed=True)),
        ("Equity", f"{shown(Kind.MONEY, account['equity'])} {account['asset']}"),
        ("Longest without a stop", f"{counts['max_unprotected_s']:.3f} s"),
    ]
    for name, figure in rows:
        head.add_row(name, figure)
    made: list[RenderableType] = [head]
    if counts["by_setup"]:
        from bearskin.setups import evidence_verdict

        told = {f"{name}, {evidence_verdict(name)}": count for name, count in counts["by_setup"].items()}
        made.append(_counted("Signals, and what a study found of the set-up (short / long)", told))
    if counts["declined"]:
        made.append(_counted("Declined, and why", counts["declined"]))
    if state["positions"]:
        made.append(Text("Still open; what is PROTECTED has its stop at the venue", style="bold"))
        made.append(Fitted(lambda width: positions_table(state, width, most=len(state["positions"]))))
    return tuple(made)


def _counted(title: str, counts: Mapping[str, int]) -> RenderableType:
    table = empty_table("")
    table.title = None
    table.show_header = False
    table.add_column()
    table.add_column(justify="right")
    for name, number in list(counts.items())[:DECLINED_MOST]:
        table.add_row(clean(name), f"{number:,}")
    rest = sum(list(counts.values())[DECLINED_MOST:])
    if rest:
        table.add_row("other", f"{rest:,}")
    return Group(Text(title, style="bold"), table)


def account_lines(state: Mapping[str, Any]) -> tuple[RenderableType | str, ...]:
    """What is open in a state, with the account above it."""
    account = state["account"]
    risk = f", {shown(Kind.MONEY, account['open_risk'])} at risk" if state["positions"] else ""
    mode = "PANIC, " if state["mode"]["panicked"] else "PAUSED, " if state["mode"]["paused"] else ""
    lines: list[RenderableType | str] = [
        f"{mode}equity {shown(Kind.MONEY, account['equity'])} {account['asset']}{risk}; run {clean(state['run'])}"
    ]
    if state["positions"]:
        lines.append(Fitted(lambda width: positions_table(state, width, most=len(state["positions"]))))
    else:
        lines.append("nothing is open")
    lost = [name for name, up in state["channels"].items() if not up]
    if lost:
        lines.append(Text(f"LOST: {', '.join(lost)}; what is shown is as it was heard last", style="bold red"))
    lines += [f"not ours, left alone: {clean(symbol)}: {clean(why)}" for symbol, why in state["foreign"].items()]
    if any(why.startswith("position") for why in state["foreign"].values()):
        lines.append("the equity leaves out what positions that are not ours gain or lose until they are closed")
    return tuple(lines)


def orders_table(state: Mapping[str, Any]) -> RenderableType:
    """What rests at the venue of ours."""
    if not state["orders"]:
        return Text("nothing rests at the venue")
    table = empty_table("")
    table.title = None
    for name, right in (
        ("Symbol", False), ("For", False), ("Qty", True), ("Filled", True), ("Price", True), ("Trigger", True),
        ("Status", False), ("Client id", False),
    ):  # fmt: skip
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for one in state["orders"]:
        table.add_row(
            one["symbol"],
            one["role"],
            shown(Kind.QTY, one["qty"]),
            shown(Kind.QTY, one["filled"]),
            shown(Kind.PRICE, one["price"]),
            shown(Kind.PRICE, one["trigger"]),
            one["status"],
            Text(one["client_id"], style="dim"),
        )
    return table


def runs_table(runs: list[dict[str, Any]]) -> RenderableType:
    """Runs, the newest last."""
    table = empty_table("")
    table.title = None
    for name in ("Run", "Venue", "Begun", "Bars", "Symbols", ""):
        table.add_column(name, overflow="fold")
    for one in runs:
        if one["damaged"]:
            table.add_row(Text(one["run"], style="bold"), "", "", "", "", Text("damaged", style="bold red"))
            continue
        where = f"{one['venue']} {one['env'] or ''}".strip()
        symbols = ", ".join(one["symbols"][:3]) + (f" and {len(one['symbols']) - 3}" if len(one["symbols"]) > 3 else "")
        running = Text("running", style="green") if one["running"] else ""
        begun = one["started"][:16].replace("T", " ")
        table.add_row(Text(one["run"], style="bold"), where, begun, one["interval"], symbols, running)
    return table


def hand_lines(report: Mapping[str, Any]) -> tuple[RenderableType | str, ...]:
    """What became of an act of the user."""
    words = {
        "protected": ("PROTECTED", "green"),
        "closed": ("closed", "bold"),
        "resting": ("resting at the venue", "yellow"),
        "refused": ("refused", "bold red"),
        "pending": ("not confirmed yet", "bold red"),
    }
    word, style = words.get(report["outcome"], (report["outcome"], "bold"))
    what = " ".join(part for part in (report["symbol"], report["act"]) if part)
    line = Text.assemble((clean(what), "bold"), ": ", (word, style))
    if report["detail"]:
        line.append(f"  {prose(report['detail'])}", style="dim")
    position = report["position"]
    if position is None:
        return (line,)
    state = {"positions": [position]}
    return line, Fitted(lambda width: positions_table(state, width, most=1))
