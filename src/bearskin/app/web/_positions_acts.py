"""What can be done with a position by hand: each is an act for the bot's door, so risk has its say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from bearskin.app._rates import positive_of
from bearskin.app.web._account_rows import Row, line_of
from bearskin.app.web._bot import act
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._positions import Standing, marks_of, standing_of
from bearskin.app.web._positions_shock import Shock, shock
from bearskin.terms import BadInput, BearskinError, iso

Given = str | Decimal | None
NOTE_MAX = 1_000


async def standing(desk: WebDesk, *, fresh: bool = False) -> Standing:
    """The account and what it holds, now. Raises BearskinError when the venue cannot be asked."""
    account = await line_of(desk).now(fresh=fresh)
    state = desk.bot.now.state
    return standing_of(account, state, marks_of(state))


async def shocked(desk: WebDesk, frac: Decimal) -> Shock:
    """What the account would be after everything has moved by `frac`."""
    account = await line_of(desk).now()
    state = desk.bot.now.state
    return shock(standing_of(account, state, marks_of(state)), account, frac)


async def close(desk: WebDesk, symbol: str, share: Given = None, price: Given = None) -> dict[str, Any]:
    """Close our position, or a share of it (0.5 is half), at market or by a limit at `price`; the engine's note."""
    part = Decimal(1) if share is None else positive_of(share, "share")
    if part > 1:
        raise BadInput(f"share was {share}, must be at most 1 (0.5 is half)")
    limit = {} if price in (None, "") else {"price": _price(price, "price")}
    return await act(desk, {"is": "Close", "symbol": symbol, "share": f"{part:f}", **limit})


async def move_stop(desk: WebDesk, symbol: str, stop: Given) -> dict[str, Any]:
    """Move the stop to a price: the new one rests at the venue before the old one goes."""
    return await act(desk, {"is": "MoveStop", "symbol": symbol, "stop": _price(stop, "stop")})


async def break_even(desk: WebDesk, symbol: str) -> dict[str, Any]:
    """Move the stop to where the trade breaks even after fees."""
    return await act(desk, {"is": "MoveStop", "symbol": symbol})


async def move_target(desk: WebDesk, symbol: str, target: Given, number: int = 1) -> dict[str, Any]:
    """Move a target, 1 being the nearest: the old one ends before the new one rests, the stop stays where it is."""
    given = _price(target, "target")
    return await act(desk, {"is": "MoveTarget", "symbol": symbol, "target": given, "number": number})


async def reverse(desk: WebDesk, symbol: str, stop: Given) -> dict[str, Any]:
    """Close our position and open the other side, sized for `stop`."""
    if stop in (None, ""):
        raise BadInput("no stop: the other side needs one of its own")
    return await act(desk, {"is": "Reverse", "symbol": symbol, "stop": _price(stop, "stop")})


async def move_margin(desk: WebDesk, symbol: str, amount: Given, way: Literal["add", "take"]) -> dict[str, Any]:
    """Add margin to an isolated position, or take some out as far as risk lets it."""
    if way not in ("add", "take"):
        raise BadInput(f"way was {way!r}, must be add or take")
    given = _price(amount, "amount")
    done = await act(desk, {"is": "MoveMargin", "symbol": symbol, "amount": given, "take": way == "take"})
    line_of(desk).look()
    return done


async def note(desk: WebDesk, symbol: str, text: str) -> dict[str, Any]:
    """Write down the thesis of our position."""
    if not text.strip():
        raise BadInput("the note is empty: say what you think")
    return await act(desk, {"is": "Remark", "symbol": symbol, "text": text.strip()[:NOTE_MAX]})


async def push(desk: WebDesk, symbol: str, price: Given) -> dict[str, Any]:
    """Move the demo exchange's index of a symbol and hold it there; where index and mark are then."""
    if desk.control is None:
        raise BearskinError("only the demo exchange lets prices be pushed")
    told = await desk.control.push(symbol, positive_of("" if price is None else price, "price"))
    return {name: told.get(name) for name in ("symbol", "index", "mark")}


async def release(desk: WebDesk, symbol: str) -> dict[str, Any]:
    """Give a symbol's price back to the demo exchange's own source."""
    if desk.control is None:
        raise BearskinError("only the demo exchange lets prices be pushed")
    told = await desk.control.release(symbol)
    return {name: told.get(name) for name in ("symbol", "index", "mark")}


async def closed(desk: WebDesk, last: int = 200) -> list[Row]:
    """The trades of the run that have ended, the newest first. Raises BearskinError while no run is known."""
    run = desk.bot.found
    if run is None:
        raise BearskinError("no run is followed: start a bot first")
    from bearskin.app._report import closed_trades

    rows = await desk.aside(lambda: closed_trades(desk.house, run, last))
    return [_closed(row) for row in rows]


def _closed(row: dict[str, Any]) -> Row:
    def text(name: str) -> str | None:
        return None if row.get(name) is None else str(row[name])

    return {
        "trade": row["trade"],
        "entered": iso(row["entered_ns"]) if row.get("entered_ns") else None,
        "ended": iso(row["ended_ns"]),
        "symbol": row["symbol"],
        "side": row["side"],
        "purpose": row.get("purpose"),
        "qty": text("ended_qty"),
        "entry": text("average_entry_price"),
        "exit": text("average_exit_price"),
        "by": row["end_reason"],
        "gross": text("gross"),
        "fees": text("fees"),
        "funding": text("funding"),
        "net": text("net"),
        "r": text("r"),
        "thesis": row.get("thesis"),
    }


def _price(value: Given, name: str) -> str:
    return f"{positive_of('' if value is None else value, name):f}"
