"""Trading by hand: through the bot that runs, else in this process for as long as it takes to be protected.

Everything goes through the same engine and the same risk as the bot's own trades; a position opened here has its stop
at the venue before the command ends, and keeps it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from bearskin.app._house import House, open_house
from bearskin.app._rates import leverage_of, number_of, positive_of, share_of
from bearskin.app._runs import RunHeld, bot_of, chosen_alone, damaged_runs, latest_run, runs_of
from bearskin.app._trade import Told, place_of, run_of
from bearskin.app._world import DEMO, Place
from bearskin.terms import BadInput, BearskinError, Reason, Side

WAIT_S, LOOK_S, MARGIN_LOOKS = 45.0, 0.1, 30
TARGETS_MOST = 2
PRESETS_NAMED = ("beginner", "standard", "pro")  # a hedge is asked for as one, and has limits of its own
SIDES = ("short", "long", "both", "auto", "none")
REDUCING = ("Close", "MoveStop", "MoveTarget", "Pause", "Remark")  # what a venue's locks do not stand before
BARS = 400  # of the past: for what manages a position, since set-ups are not looked for here
# what is wrong with what was typed, whatever the market does
_TYPED = (Reason.NO_STOP, Reason.STOP_WRONG_SIDE, Reason.TARGET_WRONG_SIDE)


class Hand(Protocol):
    """A bot that does what it is told, wherever it runs."""

    def act(self, act: dict[str, Any]) -> dict[str, Any]:
        """Have an act taken up; the engine's note."""

    def state(self) -> dict[str, Any]:
        """How the bot stands."""

    def rest(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandReport:
    """What became of an act. `outcome` is protected, resting, closed, done, refused or pending, `detail` says more;
    `position` is the position as it stands now, None where there is none."""

    act: str
    outcome: str
    detail: str
    run: str
    venue: str
    symbol: str = ""
    trade: int = 0
    position: dict[str, Any] | None = None
    positions: tuple[dict[str, Any], ...] = field(default=())

    @property
    def refused(self) -> bool:
        """Whether risk or the engine said no."""
        return self.outcome == "refused"

    def to_json(self) -> dict[str, Any]:
        """The object of `--json`."""
        names = ("act", "outcome", "detail", "symbol", "trade", "run", "venue", "position")
        return {name: getattr(self, name) for name in names}


def short(symbol: str, **given: Any) -> HandReport:
    """Sell short: sized for `stop` (or `qty`), at market or resting at `price`; returns once it is PROTECTED.

    Takes stop, qty, risk, price, target, leverage, margin, preset (the limits of this trade alone), hedge with shock,
    trail_atr, note, and where to trade (venue, env, folder, live_confirm, home, store). Raises BadInput.
    """
    return _opened(Side.SHORT, symbol, **given)


def long(symbol: str, **given: Any) -> HandReport:
    """Buy: the mirror of `short`."""
    return _opened(Side.LONG, symbol, **given)


def close(
    symbol: str, *, part: str | Decimal | None = None, price: str | Decimal | None = None, **where: Any
) -> HandReport:
    """Close our position in `symbol`, or a `part` of it such as 50%, at market or by a limit at `price`."""
    whole = part is None or str(part).strip().replace(" ", "") in ("1", "100%")
    share = Decimal(1) if whole else share_of(str(part), "part")
    if not share:
        raise BadInput("part was 0, must be above zero, such as 50%")
    act = {"is": "Close", "symbol": _symbol(symbol), "share": f"{share:f}", **_prices(price=price)}

    def settled(state: dict[str, Any], note: dict[str, Any]) -> str:
        there = _position(state, symbol=_symbol(symbol))
        if there is None:
            return "closed"
        exits = [o for o in state["orders"] if o["trade"] == there["trade"] and o["role"] == "exit"]
        if price is not None and any(_rests(order, "exit") for order in exits):
            return "resting"
        less = there["qty"] != (note.get("before") or there)["qty"]
        quiet = there["phase"] == "open" and there["protected"] and not exits
        return "done" if share < 1 and less and quiet else ""

    return _acted(act, settled, **where)


def move_stop(symbol: str, *, stop: str | Decimal | None = None, break_even: bool = False, **where: Any) -> HandReport:
    """Move the stop of our position to `stop`, or to where it breaks even after fees: the new one rests first."""
    if (stop is None) != break_even:
        raise BadInput("name a stop, or break-even, one of the two")
    act = {"is": "MoveStop", "symbol": _symbol(symbol), **_prices(stop=stop)}

    def settled(state: dict[str, Any], note: dict[str, Any]) -> str:
        there = _position(state, symbol=_symbol(symbol))
        if there is None:
            return "closed"
        if there["stop"] != note.setdefault("goal", there["stop"]):  # the price as the engine has put it on the grid
            note["detail"] = f"the venue did not take the new stop: {there['stop']} is the stop again"
            return "refused"
        moved = all(o["status"] == "open" and o["trigger"] == there["stop"] for o in _stops(state, there))
        return "protected" if there["protected"] and moved else ""

    return _acted(act, settled, **where)


def move_target(symbol: str, target: str | Decimal, *, number: int = 1, **where: Any) -> HandReport:
    """Move a target of our position to `target`; the nearest is `number` 1. The stop stays where it is."""
    if isinstance(number, bool) or not 1 <= number <= TARGETS_MOST:
        raise BadInput(f"number was {number}, must be from 1, the nearest target, to {TARGETS_MOST}")
    act = {"is": "MoveTarget", "symbol": _symbol(symbol), **_prices(target=target), "number": number}

    def settled(state: dict[str, Any], note: dict[str, Any]) -> str:
        there = _position(state, symbol=_symbol(symbol))
        if there is None:
            return "closed"
        if not Decimal(there["qty"]):
            return "done"  # it goes out with the fill
        goal = Decimal(note.setdefault("goal", there["targets"][number - 1]))  # as the engine has put it on the grid
        mine = [one for one in state["orders"] if one["trade"] == there["trade"] and _rests(one, "target")]
        return "resting" if any(Decimal(one["price"]) == goal for one in mine) else ""

    return _acted(act, settled, **where)


def move_margin(symbol: str, amount: str | int | Decimal, **where: Any) -> HandReport:
    """Add margin to our isolated position in `symbol` ("+30" or 30), or take some out ("-30") as far as risk lets it;
    in the settle currency."""
    exact = number_of(amount, "amount")
    if not exact:
        raise BadInput(f"amount was {amount}, must be above zero to add margin, or below to take it out")
    act = {"is": "MoveMargin", "symbol": _symbol(symbol), "amount": f"{abs(exact):f}", "take": exact < 0}

    def settled(state: dict[str, Any], note: dict[str, Any]) -> str:
        there = _position(state, symbol=_symbol(symbol))
        if there is None:
            return "closed"
        note["looks"] = (
            note.get("looks", 0) + 1
        )  # the venue has moved it: where liquidation went is told a moment later
        moved = there["liquidation_price"] != (note["before"] or there)["liquidation_price"]
        return "done" if moved or note["looks"] > MARGIN_LOOKS else ""

    return _acted(act, settled, **where)


def reverse(
    symbol: str, *, stop: str | Decimal | None = None, target: Sequence[str] | str | None = None, **where: Any
) -> HandReport:
    """Close our position and open the other side, sized for `stop`."""
    if stop is None:
        raise BadInput("no stop: the other side needs one of its own")
    act = {"is": "Reverse", "symbol": _symbol(symbol), **_prices(stop=stop), "targets": _targets(target)}
    return _acted(act, lambda state, note: _entered(state, note, symbol=_symbol(symbol)), **where)


def mode(sides: str, **where: Any) -> HandReport:
    """Have the bot enter only these sides from now on: short, long, both, auto (with the daily trend) or none."""
    wanted = sides.strip().lower()
    if wanted not in SIDES:
        raise BadInput(f"sides was {sides!r}, must be one of {', '.join(SIDES)}")
    act = {"is": "Mode", "sides": wanted}
    return _acted(act, lambda state, _: "done" if state["mode"]["sides"] == wanted else "", **where)


def pause(**where: Any) -> HandReport:
    """No new entries until `resume`; what is open is managed on."""
    return _acted({"is": "Pause"}, lambda state, _: "done" if state["mode"]["paused"] else "", **where)


def resume(*, limits: bool = False, **where: Any) -> HandReport:
    """Lift a pause or a panic; with `limits` also a limit that asks for it by hand."""

    def settled(state: dict[str, Any], _: dict[str, Any]) -> str:
        return "" if state["mode"]["paused"] or state["mode"]["panicked"] else "done"

    return _acted({"is": "Resume", "limits": limits}, settled, **where)


def panic(*, foreign: bool = False, confirm: Callable[[str], bool] | None = None, **where: Any) -> HandReport:
    """Close everything of ours at market and stay closed until `resume`; with `foreign` also what is not ours.

    `confirm` is asked before anything foreign is touched.
    """
    with _hand(reducing=True, **where) as (hand, told):
        if foreign and confirm is not None:
            theirs = ", ".join(sorted(hand.state()["foreign"])) or "nothing so far"
            if not confirm(f"what is not ours is closed too, known of: {theirs}. Close everything?"):
                raise BadInput("nothing was closed: leave --foreign away to close only what is ours")

        def settled(state: dict[str, Any], _: dict[str, Any]) -> str:
            return "closed" if state["mode"]["panicked"] and not state["positions"] else ""

        return _done(hand, told, {"is": "Panic", "foreign": foreign}, settled)


def adopt(
    symbol: str,
    *,
    stop: str | Decimal | None = None,
    hedge: bool = False,
    shock: str | Decimal | None = None,
    **where: Any,
) -> HandReport:
    """Take a position that is not ours in as ours, with its `stop` (or as a `hedge` that survives `shock`)."""
    act = {"is": "Adopt", "symbol": _symbol(symbol), **_prices(stop=stop), **_purpose(stop, hedge, shock)}
    return _acted(act, lambda state, note: _entered(state, note, symbol=_symbol(symbol)), **where)


def note(symbol: str, text: str, **where: Any) -> HandReport:
    """Write down what you think about our position in `symbol`."""
    if not text.strip():
        raise BadInput("the note is empty: say what you think")
    act = {"is": "Remark", "symbol": _symbol(symbol), "text": text.strip()[:1000]}
    return _acted(act, lambda _, __: "done", **where)


def positions(**where: Any) -> dict[str, Any]:
    """Our open positions, reconciled with the venue, with the account and what is not ours: as `--json` names them."""
    return _looked(("run", "venue", "time", "account", "mode", "channels", "positions", "foreign"), **where)


def orders(**where: Any) -> dict[str, Any]:
    """Our orders that rest at the venue: as `--json` names them."""
    return _looked(("run", "venue", "time", "orders"), **where)


def _looked(names: tuple[str, ...], **where: Any) -> dict[str, Any]:
    with _hand(reducing=True, **where) as (hand, _):
        state = hand.state()
    return {name: state[name] for name in names}


def runs(*, home: Path | str | None = None, store: Path | str | None = None) -> list[dict[str, Any]]:
    """Every run of the bot, oldest first, and whether a bot is on it now; those that cannot be read with why, last.

    `damaged` is None for a sound run; of another one no more is known than its name and its folder.
    """
    journals = open_house(home, store=store).home.part("journal")
    unknown = dict.fromkeys(("venue", "env", "started", "interval"))
    return [
        {
            "run": run.id,
            "venue": run.venue,
            "env": run.env or None,
            "started": run.started,
            "interval": run.interval,
            "symbols": list(run.symbols),
            "running": bot_of(run) is not None,
            "folder": str(run.folder),
            "damaged": None,
        }
        for run in runs_of(journals)
    ] + [
        {"run": one.run, **unknown, "symbols": [], "running": False, "folder": str(one.path), "damaged": one.why}
        for one in damaged_runs(journals)
    ]


# --- opening ---------------------------------------------------------------------------------------------------------


def _opened(
    side: Side,
    symbol: str,
    *,
    stop: str | Decimal | None = None,
    qty: str | Decimal | None = None,
    risk: str | Decimal | None = None,
    price: str | Decimal | None = None,
    target: Sequence[str] | str | None = None,
    leverage: str | int | Decimal | None = None,
    margin: str | None = None,
    preset: str | None = None,
    hedge: bool = False,
    shock: str | Decimal | None = None,
    trail_atr: str | Decimal | None = None,
    note: str | None = None,
    **where: Any,
) -> HandReport:
    if qty is not None and risk is not None:
        raise BadInput("qty and risk both say how large: leave one away")
    act: dict[str, Any] = {
        "is": "Open",
        "symbol": _symbol(symbol),
        "side": int(side),
        "targets": _targets(target),
        "note": note or "",
        **_prices(stop=stop, price=price, qty=qty, trail_atr=trail_atr),
        **_purpose(stop, hedge, shock),
    }
    if hedge and qty is None:
        raise BadInput("a hedge names how large it is, since no stop sizes it: --qty 0.5")
    if risk is not None:
        act["risk_frac"] = f"{share_of(risk, 'risk'):f}"
    if leverage is not None:
        act["leverage"] = f"{leverage_of(leverage, 'leverage'):f}"
    if margin is not None:
        if margin not in ("isolated", "cross"):
            raise BadInput(f"margin was {margin!r}, must be isolated or cross")
        act["margin_mode"] = margin
    if preset is not None:
        act["preset"] = _preset(preset, hedge)
    return _acted(act, _entered, **where)


def _preset(name: str, hedge: bool) -> str:
    if hedge:
        raise BadInput("a hedge has limits of its own: leave the preset away")
    wanted = name.strip().lower()
    if wanted not in PRESETS_NAMED:
        raise BadInput(f"preset was {name[:30]!r}, must be one of {', '.join(PRESETS_NAMED)}")
    return wanted


def _purpose(stop: Any, hedge: bool, shock: Any) -> dict[str, Any]:
    if hedge:
        if shock is None:
            raise BadInput("a hedge names the move it has to survive: --shock 30%")
        return {"purpose": "hedge", "shock_frac": f"{share_of(shock, 'shock'):f}"}
    if shock is not None:
        raise BadInput("shock is for a hedge: say --hedge as well")
    if stop is None:
        raise BadInput("no stop: name one, or say --hedge and the --shock it has to survive")
    return {}


def _prices(**given: Any) -> dict[str, str]:
    return {name: f"{positive_of(value, name):f}" for name, value in given.items() if value is not None}


def _targets(target: Sequence[str] | str | None) -> list[str]:
    named = [] if target is None else [target] if isinstance(target, str | int | float | Decimal) else list(target)
    if len(named) > TARGETS_MOST:
        raise BadInput(
            f"{len(named)} targets, at most {TARGETS_MOST}: half is taken at the first, the rest at the second"
        )
    return [f"{positive_of(one, 'target'):f}" for one in named]


def _symbol(symbol: str) -> str:
    """`btcusdt`, `BTC/USDT` and `BTC/USDT:USDT` are BTCUSDT; what is margined in its coin is none of ours."""
    name = symbol.strip().upper()
    pair, colon, settle = name.partition(":")
    base, slash, quote = pair.partition("/")
    if not slash and not colon:
        return name
    if not (base and quote) or "/" in quote or (colon and settle != quote):
        raise BadInput(f"symbol was {symbol!r}, must be the name of a linear perpetual, such as BTCUSDT")
    return base + quote


def _entered(state: dict[str, Any], note: Mapping[str, Any], symbol: str = "") -> str:
    """Protected, resting or closed again; empty while it is none of these."""
    there = _position(state, number=int(note.get("trade") or 0), symbol=symbol)
    if there is None:
        return "closed"
    if Decimal(there["qty"]) and there["purpose"] == "hedge" and there["stop"] is None:
        return "done"  # insurance without a stop is not PROTECTED
    if Decimal(there["qty"]) and there["protected"]:
        return "protected"
    if not Decimal(there["qty"]) and any(o["trade"] == there["trade"] and _rests(o, "entry") for o in state["orders"]):
        return "resting"
    return ""


def _rests(order: Mapping[str, Any], role: str) -> bool:
    """Whether the venue has said that a limit order of this role is in its book."""
    return order["role"] == role and order["price"] is not None and order["status"] == "open"


def _stops(state: Mapping[str, Any], there: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stops of a position that rest, or may."""
    return [o for o in state["orders"] if o["trade"] == there["trade"] and o["role"] in ("stop", "disaster")]


def _position(state: Mapping[str, Any], *, number: int = 0, symbol: str = "") -> dict[str, Any] | None:
    for one in state["positions"]:
        if (number and one["trade"] == number) or (not number and one["symbol"] == symbol):
            return dict(one)
    return None


# --- the way there ---------------------------------------------------------------------------------------------------

Settled = Callable[[dict[str, Any], dict[str, Any]], str]


def _acted(act: dict[str, Any], settled: Settled, **where: Any) -> HandReport:
    with _hand(symbol=act.get("symbol"), reducing=_reduces(act), **where) as (hand, told):
        return _done(hand, told, act, settled)


def _done(hand: Hand, told: tuple[str, str], act: dict[str, Any], settled: Settled) -> HandReport:
    """Have it done and wait until the venue has what it takes."""
    run, venue = told
    named = {"act": _verb(act), "run": run, "venue": venue, "symbol": act.get("symbol", "")}
    before = _position(hand.state(), symbol=str(act["symbol"])) if act.get("symbol") else None
    said = {**hand.act(act), "before": before}
    if said.get("refused"):
        typed = act["is"] != "MoveStop" or "stop" in act  # to break-even is no price that somebody typed
        if typed and said["refused"].startswith(tuple(reason.value for reason in _TYPED)):
            raise BadInput(str(said["refused"]))
        return HandReport(outcome="refused", detail=str(said["refused"]), **named)
    trade = int(said.get("trade") or 0)
    until_s = time.monotonic() + WAIT_S
    while True:
        state = hand.state()
        outcome = settled(state, said)
        if outcome or time.monotonic() > until_s:
            break
        hand.rest(LOOK_S)
    there = _position(state, number=trade, symbol=str(act.get("symbol", "")))
    last = [
        one["text"] for one in state["decisions"] if one["symbol"] == act.get("symbol") and one["kind"] != "declined"
    ]
    detail = str(said.get("detail") or "")
    if outcome in ("closed", ""):
        detail = detail or (last[-1] if last else "")
    return HandReport(
        outcome=outcome or "pending", detail=detail, trade=trade, position=there,
        positions=tuple(state["positions"]), **named,
    )  # fmt: skip


def _reduces(act: Mapping[str, Any]) -> bool:
    """Whether it makes what is open safer or smaller, or only looks."""
    return act["is"] in REDUCING or (act["is"] == "MoveMargin" and not act["take"])


def _verb(act: Mapping[str, Any]) -> str:
    """The command that an act came from."""
    kind = str(act["is"])
    if kind == "Open":
        return Side(act["side"]).name.lower()
    return {"MoveStop": "move-stop", "MoveTarget": "move-target", "MoveMargin": "move-margin", "Remark": "note"}.get(
        kind, kind.lower()
    )


@contextlib.contextmanager
def _hand(
    *,
    symbol: str | None = None,
    reducing: bool = False,
    venue: str | None = None,
    env: str | None = None,
    folder: Path | str | None = None,
    live_confirm: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> Iterator[tuple[Hand, tuple[str, str]]]:
    """The bot that runs on a venue, else one in this process, with its run and venue."""
    house = open_house(home, store=store)
    name = (venue or DEMO).lower()
    place: Place | None = None
    until_s = time.monotonic() + WAIT_S
    while True:
        listening = _listening(house, name, env)
        if listening is not None:
            hand, run = listening
            with contextlib.closing(hand):
                yield hand, (run, name)
            return
        try:
            place = place or place_of(house, venue, env, folder=folder, live_confirm=live_confirm, reducing=reducing)
            here = _Here(house, place, symbol)
            break
        except RunHeld:  # another hand is at it, or a bot that does not listen yet
            if time.monotonic() > until_s:
                raise
    with contextlib.closing(here):
        yield here, (here.run_id, name)


class _There:
    """A bot in another process."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.act = client.act
        self.state = client.state
        self.close = client.close

    def rest(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


def _listening(house: House, venue: str, env: str | None) -> tuple[_There, str] | None:
    from bearskin.app._bot_client import BotClient

    for run in reversed(runs_of(house.home.part("journal"))):
        if run.venue == venue and run.env == (env or ("" if venue == DEMO else "live")):
            address = bot_of(run)
            if address is not None:
                return _There(BotClient(address)), run.id
    return None


class _Here:
    """A bot in this process that trades nothing by itself; time passes for it while it is asked something."""

    def __init__(self, house: House, place: Place, symbol: str | None) -> None:
        from bearskin.app._bot import running

        journals = house.writable_part("journal")
        with chosen_alone(journals):
            there = latest_run(journals, venue=place.venue, env=place.env, account=place.account)
            chosen = None if there is not None or place.symbols or symbol is None else symbol
            run, settings = run_of(house, place, Told(symbols=chosen, words={"sides": "none"}))
        symbols = settings.symbols if symbol in (None, *settings.symbols) else (*settings.symbols, str(symbol))
        settings = dataclasses.replace(settings, symbols=symbols, bars_kept=BARS)
        self.run_id = run.id
        self._loop = asyncio.Runner()
        self._context = running(run, place, settings, house, past=(symbol,) if symbol else ())
        try:
            self._bot = self._loop.run(self._context.__aenter__())
            wanted = [symbol] if symbol is not None else [one.symbol for one in self._bot.watch.book.trades.values()]
            self._loop.run(self._bot.priced(wanted))
        except BaseException:
            self._loop.close()
            raise

    def act(self, act: dict[str, Any]) -> dict[str, Any]:
        """Have it done."""
        import msgspec

        from bearskin.app._api import act_of

        made = act_of(act, *self._bot.clocks())
        done: dict[str, Any] = msgspec.to_builtins(self._loop.run(self._bot.act(made)))
        return done

    def state(self) -> dict[str, Any]:
        """How it stands."""
        return self._bot.state()

    def rest(self, seconds: float) -> None:
        """Let the bot work."""
        self._loop.run(asyncio.sleep(seconds))
        if self._bot.task.done():
            self._loop.run(_result(self._bot.task))

    def close(self) -> None:
        """End it; what rests at the venue stays there."""
        try:
            self._loop.run(_left(self._context))
        finally:
            self._loop.close()


async def _result(task: asyncio.Task[None]) -> None:
    await task
    raise BearskinError("the bot has stopped")


async def _left(context: Any) -> None:
    await context.__aexit__(None, None, None)
