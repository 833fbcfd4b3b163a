"""The guide: the eight steps of a first short with play money, ticked off by what bot and account really did."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bearskin.app.web._draft import Draft
from bearskin.app.web._ends import end_in
from bearskin.terms import BadInput

LEVERAGE_LOW = Decimal(3)
ENDED = (  # in the place of looking at a position that is gone
    "It has ended already. Mark, funding and margin ratio stand beside every open position: look there the next time."
)
BILL: Final = ("gross", "fees", "funding", "net", "r", "slippage_entry", "slippage_exit")  # as an exit tells them


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `path` is the page it is done on, `points` are selectors of the control, the best first.

    `by_hand` says that only the person knows whether it was done, as reading is; `say` is what their button says.
    """

    key: str
    title: str
    do: str
    why: str
    path: str = "/"
    points: tuple[str, ...] = ()
    say: str = ""


STEPS: Final = (
    Step(
        key="account",
        title="A demo account with play money",
        do="Look at the equity in the bar: it lies in the futures wallet, where a short takes its margin from.",
        why="On a real venue this is a transfer from spot to futures. Here nothing is deposited, nothing can be lost.",
        points=("[data-figure=equity]",),
    ),
    Step(
        key="pair",
        title="Pick a pair and the short side",
        do="Choose BTCUSDT and Short on the ticket.",
        why="Liquid majors first: thin coins are where a small push moves the mark and liquidates shorts.",
        points=("[data-panel=ticket] [data-choice=side]", "[data-panel=ticket]"),
    ),
    Step(
        key="margin",
        title="Isolated margin, low leverage",
        do="Choose the preset beginner, or isolated margin and 3x or less.",
        why="Isolated loses its own margin at most. At 3x a rise of 32.8 % liquidates, at 10x one of 9.56 %.",
        points=("[data-panel=ticket] [data-choice=preset]", "[data-panel=ticket]"),
    ),
    Step(
        key="stop",
        title="A stop above, and the size that fits it",
        do="Set a stop above the price: the one offered is wide, as the demo runs faster than your clock. Leave the "
        "quantity to the risk.",
        why="The size follows from the way to the stop: with the preset beginner half a per cent of equity is lost "
        "there at most, less where the cap on margin makes it smaller.",
        points=("[data-panel=ticket] [data-field=stop]", "[data-panel=ticket]"),
    ),
    Step(
        key="preflight",
        title="Read the preflight",
        do="Read what the ticket says: loss at the stop, liquidation price, fees, funding, gaps.",
        why="Everything the trade can cost is said before it is sent. After that it is too late.",
        points=("[data-panel=ticket] [data-part=checks]", "[data-panel=ticket]"),
        say="I have read it",
    ),
    Step(
        key="send",
        title="Send it and see PROTECTED",
        do="Send the order. The position is PROTECTED once the venue has confirmed its stop.",
        why="The stop rests at the venue, not on this machine: it holds when the machine is off.",
        points=("[data-panel=ticket] [data-action=send]", "[data-panel=ticket]"),
    ),
    Step(
        key="watch",
        title="Watch mark, funding and margin ratio",
        do="Look at the position: its mark price, the next funding, its margin ratio and the way to liquidation.",
        why="The mark decides on liquidation, not the last trade. At a margin ratio of 100 % the venue closes it.",
        path="/positions",
        points=("[data-panel=positions]", "[data-panel=account]"),
        say="I have seen it",
    ),
    Step(
        key="close",
        title="Close it and read what it cost",
        do="Close the position, then read what was made of it after fees and funding.",
        why="A trade is only over when its costs are known: fees at both ends, slippage, funding.",
        path="/positions",
        points=("[data-panel=positions] button[aria-label^='Close 100']", "[data-panel=positions]"),
    ),
)  # fmt: skip
KEYS: Final = tuple(step.key for step in STEPS)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a person is. `on` whether the guide is shown; `asked` whether they were asked to begin.

    `trade` is the number of the trade that was seen open, `cost` the sentence on how it ended, `bill` its figures by
    their names in `BILL`. `ready` says that the ticket holds a draft with a stop now; it is not kept.
    """

    on: bool = False
    asked: bool = False
    done: frozenset[str] = frozenset()
    trade: int = 0
    cost: str = ""
    bill: tuple[tuple[str, str], ...] = ()
    ready: bool = False

    @property
    def step(self) -> Step | None:
        """The step that comes next, None when all are done."""
        found = next((step for step in STEPS if step.key not in self.done), None)
        if found is not None and found.key == "watch" and "close" in self.done:
            return dataclasses.replace(found, do=ENDED)
        return found

    def to_json(self) -> dict[str, Any]:
        """As the prefs keep it and the API tells it."""
        return {
            "on": self.on,
            "asked": self.asked,
            "done": [key for key in KEYS if key in self.done],
            "trade": self.trade,
            "cost": self.cost,
            "bill": dict(self.bill),
            "ready": self.ready,
        }


def progress_of(kept: Any) -> Progress:
    """The progress that prefs keep; the beginning where they keep none, or something else."""
    if not isinstance(kept, dict):
        return Progress()
    done, bill = kept.get("done"), kept.get("bill")
    return Progress(
        on=kept.get("on") is True,
        asked=kept.get("asked") is True,
        done=frozenset(key for key in done if key in KEYS) if isinstance(done, list) else frozenset(),
        trade=kept["trade"] if isinstance(kept.get("trade"), int) else 0,
        cost=str(kept.get("cost") or ""),
        bill=_billed(bill) if isinstance(bill, dict) else (),
    )


def begun(progress: Progress, *, anew: bool = False) -> Progress:
    """The guide is wanted: taken up where it was left, or from the first step."""
    return Progress(on=True, asked=True) if anew else dataclasses.replace(progress, on=True, asked=True)


def left(progress: Progress) -> Progress:
    """The guide is put away; what was done is kept."""
    return dataclasses.replace(progress, on=False, asked=True)


def said_done(progress: Progress, key: str) -> Progress:
    """A person says that a step was done, or is to be left out; raises BadInput for what is no step."""
    if key not in KEYS:
        raise BadInput(f"{key[:40]!r} is no step of the guide; they are {', '.join(KEYS)}")
    return dataclasses.replace(progress, done=progress.done | {key})


def after_draft(progress: Progress, draft: Draft, price: Decimal | None) -> Progress:
    """What a draft on a ticket ticks off, one step after the other; `price` is the mark, None where it is unknown."""
    progress = dataclasses.replace(progress, ready=draft.stop is not None)
    while progress.step is not None:
        match progress.step.key:
            case "pair":
                met = bool(draft.symbol) and draft.side == "short"
            case "margin":
                met = _careful(draft)
            case "stop":
                met = _stopped(draft, price)
            case _:
                met = False
        if not met:
            return progress
        progress = said_done(progress, progress.step.key)
    return progress


def after_state(progress: Progress, state: Mapping[str, Any], decisions: tuple[Mapping[str, Any], ...]) -> Progress:
    """What the bot's state ticks off: an account with money, a short of ours that is protected, and its end. A
    protected short ticks off all that must have come before it; whether it was looked at only the person can say."""
    account = state["account"]
    if account["known"] and Decimal(account["equity"]) > 0:
        progress = said_done(progress, "account")
    if not progress.trade:
        return _opened(progress, state)
    if not any(one["trade"] == progress.trade for one in state["positions"]):
        return _closed(progress, decisions)
    return progress


def _opened(progress: Progress, state: Mapping[str, Any]) -> Progress:
    if "send" in progress.done:
        return progress
    for one in state["positions"]:
        if one["side"] == "short" and one["protected"] and one["origin"] == "hand" and Decimal(one["qty"]):
            done = progress.done | set(KEYS[: KEYS.index("send") + 1])
            return dataclasses.replace(progress, done=done, trade=one["trade"])
    return progress


def _closed(progress: Progress, decisions: tuple[Mapping[str, Any], ...]) -> Progress:
    if "close" in progress.done:
        return progress
    end = end_in(decisions, progress.trade)
    progress = said_done(progress, "close")
    if end is None:
        return progress
    return dataclasses.replace(progress, cost=f"{end['symbol']} {end['text']}", bill=_billed(end["more"]))


def _billed(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The figures of a bill that are numbers, in the order of `BILL`."""
    found = []
    for name in BILL:
        try:
            value = Decimal(str(told.get(name)))
        except InvalidOperation:
            continue
        if value.is_finite():
            found.append((name, f"{value:f}"))
    return tuple(found)


def _careful(draft: Draft) -> bool:
    """Whether margin and leverage were chosen for a beginner: by hand, or by that preset."""
    low = draft.preset == "beginner" if draft.leverage is None else draft.leverage <= LEVERAGE_LOW
    return draft.margin_mode == "isolated" and low


def _stopped(draft: Draft, price: Decimal | None) -> bool:
    entry = draft.price if draft.kind == "limit" else price
    return draft.stop is not None and draft.qty is None and entry is not None and draft.stop > entry
