"""The live screen keeps what is said to a line of its own, and says it all again once it is gone."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console
from unit.app import bot_kit as kit

from bearskin.app._desk import Desk
from bearskin.app._show import Show


class Terminal(io.StringIO):
    """A terminal of 80 columns and 24 lines."""

    def isatty(self) -> bool:
        return True


def shown_on(monkeypatch: pytest.MonkeyPatch) -> tuple[Terminal, Desk]:
    """A terminal on stderr, and a desk that writes to it; pytest puts its own stderr there before a test begins."""
    monkeypatch.setenv("TERM", "xterm")  # where the tests run it may be a dumb one
    terminal, desk = Terminal(), Desk(command="demo")
    monkeypatch.setattr(sys, "stderr", terminal)
    desk._console = Console(file=terminal, force_terminal=True, width=80, height=24)
    return terminal, desk


def test_what_is_said_stands_in_the_last_line_and_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, desk = shown_on(monkeypatch)
    with Show(desk, "the hint").open() as show:
        desk.say("opening the exchange")
        assert "starting" in terminal.getvalue()
        show.update(kit.watched().state(kit.at(203)["wall_ns"]))
        during = terminal.getvalue()
        assert any("opening the exchange" in line for line in during.splitlines()[-2:])
    out = terminal.getvalue()
    assert out.count("\x1b[?25l") == out.count("\x1b[?25h") == 1
    assert out.partition("\x1b[?1049l")[2].count("opening the exchange") == 1
    frame = during.rpartition("\x1b[H")[2]
    assert frame.count("\n") == 23


def test_the_screen_is_given_back_when_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, desk = shown_on(monkeypatch)
    with pytest.raises(KeyboardInterrupt), Show(desk, "").open():
        raise KeyboardInterrupt
    assert terminal.getvalue().endswith(("\x1b[?25h", "\x1b[?1049l", "\x1b[?1049l\x1b[?25h"))
    desk.say("after")
    assert "after" in terminal.getvalue()
