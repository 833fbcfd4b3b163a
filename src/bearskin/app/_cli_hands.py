"""Commands of trading by hand: open, close, move a stop, look, pause, panic."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from bearskin.app._command import BUG, REFUSED, command, known
from bearskin.app._desk import Desk
from bearskin.app._options import (
    ADOPTING,
    AIMING,
    CLOSING,
    MARGIN,
    MODE,
    MOVING,
    OPENING,
    PANIC,
    REMARK,
    RESUMING,
    REVERSING,
    TRADED,
)

if TYPE_CHECKING:
    from bearskin.app._hands import HandReport

PANEL = "By hand"


def register_hands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    command(app, "short", OPENING, PANEL)(short)
    command(app, "long", OPENING, PANEL)(long)
    command(app, "close", CLOSING, PANEL)(close)
    command(app, "move-stop", MOVING, PANEL)(move_stop)
    command(app, "move-target", AIMING, PANEL)(move_target)
    command(app, "move-margin", MARGIN, PANEL, signed=True)(move_margin)
    command(app, "reverse", REVERSING, PANEL)(reverse)
    command(app, "positions", TRADED, PANEL)(positions)
    command(app, "orders", TRADED, PANEL)(orders)
    command(app, "mode", MODE, PANEL)(mode)
    command(app, "pause", TRADED, PANEL)(pause)
    command(app, "resume", RESUMING, PANEL)(resume)
    command(app, "panic", PANIC, PANEL)(panic)
    command(app, "adopt", ADOPTING, PANEL)(adopt)
    command(app, "note", REMARK, PANEL)(note)
    command(app, "runs", {}, PANEL)(runs)


def short(desk: Desk, symbol: str, **given: Any) -> int:
    """Sell short, sized for the stop; ends once the venue has the stop. Exit 3 when the desk refuses."""
    from bearskin.app import _hands

    return _told(desk, _hands.short(symbol, **_given(desk, given)))


def long(desk: Desk, symbol: str, **given: Any) -> int:
    """Buy, sized for the stop; ends once the venue has the stop. Exit 3 when the desk refuses."""
    from bearskin.app import _hands

    return _told(desk, _hands.long(symbol, **_given(desk, given)))


def close(desk: Desk, symbol: str, share: str | None, part: str | None, **given: Any) -> int:
    """Close our position by whole or part, at market or by a limit; the stop goes only when it is flat."""
    from bearskin.app import _hands

    return _told(desk, _hands.close(symbol, part=_either(share, part, "--part"), **_given(desk, given)))


def move_stop(desk: Desk, symbol: str, price: str | None, stop: str | None, **given: Any) -> int:
    """Move the stop of our position: the new one rests before the old one goes."""
    from bearskin.app import _hands

    return _told(desk, _hands.move_stop(symbol, stop=_either(price, stop, "--stop"), **_given(desk, given)))


def move_target(desk: Desk, symbol: str, target: str, number: int, **given: Any) -> int:
    """Move a target of our position: the old one ends before the new one rests, and the stop stays where it is."""
    from bearskin.app import _hands

    return _told(desk, _hands.move_target(symbol, target, number=number, **_given(desk, given)))


def move_margin(desk: Desk, symbol: str, amount: str, **given: Any) -> int:
    """Add margin to our isolated position or take some out, as far as risk lets it. Exit 3 when the desk refuses."""
    from bearskin.app import _hands

    return _told(desk, _hands.move_margin(symbol, amount, **_given(desk, given)))


def reverse(desk: Desk, symbol: str, **given: Any) -> int:
    """Close our position and open the other side, sized for its stop."""
    from bearskin.app import _hands

    return _told(desk, _hands.reverse(symbol, **_given(desk, given)))


def positions(desk: Desk, **given: Any) -> None:
    """Our open positions, reconciled with the venue: protection, profit, liquidation."""
    from bearskin.app import _hands

    state = _hands.positions(**_given(desk, given))

    def tables() -> list[Any]:
        from bearskin.report import account_lines

        return list(account_lines(state))

    desk.result(lambda: state, tables)


def orders(desk: Desk, **given: Any) -> None:
    """Our orders that rest at the venue."""
    from bearskin.app import _hands

    state = _hands.orders(**_given(desk, given))

    def tables() -> list[Any]:
        from bearskin.report import orders_table

        return [orders_table(state)]

    desk.result(lambda: state, tables)


def mode(desk: Desk, sides: str, **given: Any) -> int:
    """Which sides the bot enters from now on: short, long, both, auto (with the daily trend) or none."""
    from bearskin.app import _hands

    return _told(desk, _hands.mode(sides, **_given(desk, given)))


def pause(desk: Desk, **given: Any) -> int:
    """No new entries until `resume`; what is open is managed on."""
    from bearskin.app import _hands

    return _told(desk, _hands.pause(**_given(desk, given)))


def resume(desk: Desk, **given: Any) -> int:
    """Lift a pause or a panic."""
    from bearskin.app import _hands

    return _told(desk, _hands.resume(**_given(desk, given)))


def panic(desk: Desk, yes: bool, **given: Any) -> int:
    """Close everything of ours at market and stay closed until `resume`."""
    from bearskin.app import _hands
    from bearskin.terms import BadInput

    def ask(question: str) -> bool:
        if desk.json or not sys.stdin.isatty():
            raise BadInput("nobody is there to confirm: say --yes to close what is not ours without being asked")
        return typer.confirm(question, err=True)

    return _told(desk, _hands.panic(confirm=None if yes else ask, **_given(desk, given)))


def adopt(desk: Desk, symbol: str, **given: Any) -> int:
    """Take a position that is not ours in as ours, with its stop."""
    from bearskin.app import _hands

    return _told(desk, _hands.adopt(symbol, **_given(desk, given)))


def note(desk: Desk, symbol: str, text: str, **given: Any) -> int:
    """Write down what you think about our position in a symbol."""
    from bearskin.app import _hands

    return _told(desk, _hands.note(symbol, text, **_given(desk, given)))


def runs(desk: Desk) -> None:
    """Every run of the bot and whether one is on it now."""
    from bearskin.app import _hands

    found = _hands.runs(home=desk.home, store=desk.store)

    def tables() -> list[Any]:
        from bearskin.report import runs_table

        damaged = [f"{one['run']} is damaged: {one['damaged']}" for one in found if one["damaged"]]
        return [runs_table(found), *damaged] if found else ["no run yet: `bearskin demo` begins one"]

    desk.result(lambda: {"runs": found}, tables)


def _either(bare: str | None, named: str | None, option: str) -> str | None:
    """What was said without its name or with it."""
    from bearskin.terms import BadInput

    if bare is not None and named is not None:
        raise BadInput(f"{bare} and {option} {named} say the same twice: leave one away")
    return named if bare is None else bare


def _given(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    return {**known(given), "home": desk.home, "store": desk.store}


def _told(desk: Desk, report: HandReport) -> int:
    def tables() -> list[Any]:
        from bearskin.report import hand_lines

        return list(hand_lines(report.to_json()))

    desk.result(report.to_json, tables)
    if report.refused:
        if desk.json:
            print(f"refused: {report.detail}", file=sys.stderr)  # noqa: T201 - the edge of the house prints
        return REFUSED
    if report.outcome == "pending":
        print("error: the venue has not confirmed it yet: look with `bearskin positions`", file=sys.stderr)  # noqa: T201
        return BUG
    return 0
