"""Fills the option tables of docs/commands.md from the command line itself, so that the page stays true.

Run it after changing an option: `python tools/commands_page.py`. Text outside the marked blocks is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
BLOCK = re.compile(r"(<!-- options of (?P<name>[a-z -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
COMMON = ("home", "store", "json", "quiet", "verbose", "help")


def commands() -> dict[str, Any]:
    """Every command by the words that call it."""
    from typer.main import get_command

    from bearskin.app._cli import app

    found: dict[str, Any] = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        if inner is None or name == "config":
            found[name] = command
        for word, below in (inner or {}).items():
            found[f"{name} {word}"] = below
    return found


def table(command: Any, *, common: bool = False) -> str:
    """The rows of one command's arguments and options."""
    rows = []
    for parameter in command.params:
        if parameter.name == "help" or (parameter.name in COMMON) is not common:
            continue
        option = parameter.param_type_name == "option"
        names = [f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts)] if option else []
        metavar = "" if getattr(parameter, "is_flag", False) else (parameter.metavar or "")
        shown = ", ".join(names) + (f" {metavar}" if metavar and option else "") if option else f"`{metavar}`"
        rows.append(f"| {shown} | {parameter.help or ''} |")
    return "\n".join(["| | |", "|---|---|", *rows]) + "\n" if rows else "No options of its own.\n"


def filled(page: str) -> str:
    """`page` with every marked block made anew; raises KeyError for a block of a command that is not there."""
    known = commands()

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        rows = table(known["doctor"], common=True) if name == "every command" else table(known[name])
        return match[1] + rows + match[3]

    return BLOCK.sub(block, page)


def main() -> int:
    """Write the page; with --check only say whether it is current."""
    page = PAGE.read_text(encoding="utf-8")
    new = filled(page)
    if "--check" in sys.argv:
        return 0 if new == page else 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
