"""Text of a venue, a user or a strategy's file in an element: it stays text, whatever signs are in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from nicegui import Client, ui
from nicegui.page import page

import bearskin.app.web
from bearskin.app.web._kit import attrs, text
from bearskin.app.web._page_backtests_parts import button

WEB = Path(bearskin.app.web.__file__).parent
NASTY = ("""A"B'C""", "x onclick=alert(1) y", '" onmouseover="x', "<img src=x>", "\u202eTDSU", "back\\slash\\",
         "{{ 7*7 }}", "two\nlines", "[x", "🐻")  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_an_attribute_is_its_text_and_nothing_else(name: str) -> None:
    with Client(page("/nowhere")):
        made = attrs(ui.element("div"), data_position=name, aria_label=f"Stop of {name}")
        assert dict(made.props) == {"data-position": name, "aria-label": f"Stop of {name}"}


@pytest.mark.parametrize("name", NASTY)
def test_words_in_an_element_are_no_template(name: str) -> None:
    """The text of a slot would be compiled: braces in it are a script."""
    with Client(page("/nowhere")):
        for made in (text("option", name), button(name, lambda: None)):
            assert made.text == name
            assert all(slot.template is None for slot in made.slots.values())


def calls(name: str) -> list[tuple[Path, ast.Call]]:
    """Every call of a method of that name in the dashboard's code."""
    return [
        (path, node)
        for path in sorted(WEB.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]


@pytest.mark.parametrize("name", ["props", "style"])
def test_no_text_is_put_between_quotes_that_something_parses(name: str) -> None:
    """`props(f'title="{note}"')` breaks at the first quote of the note: `attrs` takes any text."""
    found = []
    for path, call in calls(name):
        for given in (node for one in call.args for node in ast.walk(one) if isinstance(node, ast.JoinedStr)):
            for before, value in zip(given.values, given.values[1:], strict=False):
                text_before = before.value if isinstance(before, ast.Constant) else ""
                if isinstance(value, ast.FormattedValue) and str(text_before).endswith(('"', "'", " ")):
                    found.append(f"{path.name}:{call.lineno}")
    allowed = {"_page_ticket_fields.py", "_page_positions_rows.py"}  # words of our own before a blank
    assert [one for one in found if one.split(":")[0] not in allowed] == []


def test_a_slot_takes_no_text_that_is_not_written_there() -> None:
    ours = {"_page_market_chart.py": "word", "_page_ticket_figures.py": "title"}  # intervals and headings of our own
    for path, call in calls("add_slot"):
        template = call.args[1]
        fixed = isinstance(template, ast.Constant) or (
            isinstance(template, ast.Name) and ours.get(path.name) == template.id
        )
        assert fixed, f"{path.name}:{call.lineno}"
