"""The trade that is being thought about on one open page: the ticket writes it, the chart draws and drags it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from urllib.parse import urlencode

TARGETS_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What would be sent. `price` is that of a limit order; `qty` and `risk_frac` None means sized for the stop by the
    preset. `qty` is in base units without a sign: the side gives it. `preset` empty is the bot's own; `shock_frac` is
    the adverse move that a hedge has to survive."""

    symbol: str = ""
    side: Literal["short", "long"] = "short"
    kind: Literal["market", "limit"] = "market"
    price: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    qty: Decimal | None = None
    risk_frac: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: Literal["isolated", "cross"] = "isolated"
    trail_atr: Decimal | None = None
    purpose: Literal["speculation", "hedge"] = "speculation"
    shock_frac: Decimal | None = None
    preset: str = ""
    setup: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A price that follows from the draft, to be drawn and not dragged. `kind` is entry, liquidation, break-even,
    suggested-stop or suggested-target; `text` says it in a few words."""

    kind: str
    price: Decimal
    text: str


EVERYWHERE: list[Callable[[Draft], None]] = []  # who is told of the drafts of every page: the guide of a first trade


@dataclass(slots=True, repr=False)
class Drafting:
    """The draft of one open page, and who wants to know when it changes.

    `lines` are what the ticket has computed for it; a chart that listens is told of them as of the draft.
    """

    draft: Draft = field(default_factory=Draft)
    lines: tuple[DraftLine, ...] = ()
    _listeners: list[Callable[[Draft], None]] = field(default_factory=list)

    def set(self, **changes: Any) -> None:
        """Change some of it; everybody is told, unless nothing has changed."""
        changed = dataclasses.replace(self.draft, **changes)
        if changed != self.draft:
            self.draft = changed
            for listener in [*self._listeners, *EVERYWHERE]:
                listener(changed)

    def draw(self, lines: tuple[DraftLine, ...]) -> None:
        """Put other computed lines beside the draft; everybody is told, unless nothing has changed."""
        if lines != self.lines:
            self.lines = lines
            for listener in list(self._listeners):
                listener(self.draft)

    def listen(self, changed: Callable[[Draft], None]) -> None:
        """Have `changed` called with the draft after every change of it or of its lines, as long as the page lives."""
        self._listeners.append(changed)


def path_of(draft: Draft) -> str:
    """The address of the market page with this draft on its ticket, such as /?symbol=BTCUSDT&side=short&stop=62500."""
    said: list[tuple[str, str]] = []
    for one in dataclasses.fields(draft):
        value = getattr(draft, one.name)
        if value == one.default or value is None:
            continue
        said.append((one.name, ",".join(f"{part}" for part in value) if isinstance(value, tuple) else f"{value}"))
    return f"/?{urlencode(said)}"


def draft_of(query: Mapping[str, str]) -> Draft:
    """The draft in an address; what cannot be read is left out: a bookmark must not break the page."""
    fields = {one.name: one for one in dataclasses.fields(Draft)}
    found: dict[str, Any] = {}
    for name, text in query.items():
        if name == "targets":
            found[name] = tuple(filter(None, map(_number, text.split(","))))[:TARGETS_MAX]
        elif name in ("price", "stop", "qty", "risk_frac", "leverage", "trail_atr", "shock_frac"):
            found[name] = _number(text)
        elif name in fields and text in _CHOICES.get(name, (text,)):
            found[name] = text
    return Draft(**found)


_CHOICES = {
    "side": ("short", "long"),
    "kind": ("market", "limit"),
    "margin_mode": ("isolated", "cross"),
    "purpose": ("speculation", "hedge"),
    "preset": ("", "beginner", "standard", "pro", "hedge"),
}


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > 0 else None
