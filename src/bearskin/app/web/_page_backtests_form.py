"""The form that asks for a backtest: the words of `bearskin backtest`, with what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from bearskin.app._made_up import SYNTHETIC
from bearskin.app.web._backtests_words import choices_of
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._kit import Panel, attrs, panel
from bearskin.app.web._page_backtests_parts import choice, field, fold, soon

Json = dict[str, Any]
SIDES = {"both": "short and long", "short": "short", "long": "long"}
MADE_UP, MADE_UP_WORDS = "made-up", "synthetic market, made up"


class Form:
    """Fields of a backtest; `words` is what they say now. `changed` is called after every change."""

    def __init__(self, choices: Json, changed: Callable[[], None], one_symbol: bool = False) -> None:
        self._choices, self._changed, self._one = choices, changed, one_symbol
        self._fields: dict[str, Any] = {}
        self._places = {f"{one['venue']}|{one['product']}|{one['interval']}": one for one in choices["store"]}

    @property
    def market(self) -> str:
        """store or synthetic."""
        return SYNTHETIC if str(self._fields["place"].value).startswith(MADE_UP) else "store"

    @property
    def words(self) -> Json:
        """What is asked."""
        place = str(self._fields["place"].value).split("|")
        words: Json = {name: one.value for name, one in self._fields.items() if name != "place"}
        if self.market == SYNTHETIC:
            words["interval"] = place[1]
        else:
            words |= dict(zip(("venue", "product", "interval"), place, strict=True))
        return {name: value for name, value in words.items() if value not in (None, "", [])}

    def build(self, **start: str) -> None:
        """The fields, in the place where this is called."""
        places = {
            name: f"{one['venue']} {one['product']} · {one['interval']} · {len(one['symbols'])} symbols"
            for name, one in self._places.items()
        }
        made_up = {f"{MADE_UP}|{one}": f"{MADE_UP_WORDS} · {one}" for one in self._choices["synthetic"]["intervals"]}
        options = {**places, **made_up}
        first = next((name for name in places if name.endswith("|1h")), next(iter(places), f"{MADE_UP}|1h"))
        with ui.element("div").classes("bt-form"):
            self._add("place", choice("Market and bars", options, first, "place", "wide"))
            self._symbols(start.get("symbols", ""))
            self._fields["place"].on_value_change(self._place_changed)
            setups = {
                one["name"]: f"{one['name'].replace('_', ' ')} · {one['evidence']}" for one in self._choices["setups"]
            }
            self._add("setups", choice("Set-ups (empty: all)", setups, [], "setups", "wide", many=True))
            usual = self._choices["settings"]["preset"]
            presets = {"": f"set: {usual}", **{name: name for name in self._choices["presets"]}}
            self._add("side", choice("Side", SIDES, "both", "side"))
            self._add("preset", choice("Preset", presets, "", "preset"))
            self._add("start", field("From", start.get("start", ""), "start", hint="2025-10-01"))
            if not self._one:
                self._add("end", field("To", "", "end", hint="2025-11-01"))
            self._folds()

    def _folds(self) -> None:
        with fold("Money", "money"):
            self._add("equity", field("Equity", "", "equity", hint=self._choices["settings"]["equity"]))
            self._add("risk", field("Risk per trade", "", "risk", hint="1%"))
            self._add("leverage", field("Leverage", "", "leverage", hint="5"))
            self._add(
                "margin", choice("Margin", {"": "the preset's", "isolated": "isolated", "cross": "cross"}, "", "margin")
            )
        with fold("Costs", "costs"):
            self._add("taker", field("Taker fee", "", "taker", hint="0.05%"))
            self._add("maker", field("Maker fee", "", "maker", hint="0.02%"))
            self._add("slippage", field("Slippage", "", "slippage", hint="0.02%"))
            self._add("funding", choice("Funding", {"charge": "charged", "ignore": "left out"}, "charge", "funding"))
        with fold("The trade", "trade"):
            self._add("stop_scale", field("Stop distance ×", "", "stop_scale", hint="1"))
            self._add("target_r", field("Target at R", "", "target_r", hint="as the set-up asks"))
            self._add(
                "entry", choice("Entry", {"": "as the set-up asks", "market": "market", "limit": "limit"}, "", "entry")
            )
            self._add("stop_trigger", choice("Stop watches", {"mark": "mark", "last": "last"}, "mark", "stop_trigger"))
            self._add("mark", choice("Mark", {"required": "required", "last": "last may stand in"}, "required", "mark"))
            self._add("trail_atr", field("Trail, ATR", "", "trail_atr", hint="none"))
            self._switch("guards", "Ask the guards")
            self._switch("preflight", "Preflight (off is research only)")

    def _symbols(self, value: str) -> None:
        names = self._names()
        if self._one:
            first = value if value in names else next(iter(names), None)
            self._add("symbols", choice("Symbol", names, first, "symbols", "wide"))
        else:
            self._add("symbols", choice("Symbols (empty: all)", names, [], "symbols", "wide", many=True))

    def _names(self) -> list[str]:
        place = str(self._fields["place"].value)
        if place in self._places:
            return [one["symbol"] for one in self._places[place]["symbols"]]
        return list(self._choices["synthetic"]["symbols"])

    def _place_changed(self) -> None:
        names, symbols = self._names(), self._fields["symbols"]
        held = symbols.value
        if self._one:
            symbols.set_options(names, value=held if held in names else next(iter(names), None))
        else:
            symbols.set_options(names, value=[one for one in held or [] if one in names])

    def _switch(self, name: str, label: str) -> None:
        self._add(name, attrs(ui.checkbox(label, value=True).classes("wide").props("dense"), data_field=name))

    def _add(self, name: str, made: Any) -> None:
        self._fields[name] = made
        made.on_value_change(lambda: self._changed())


def form_panel(desk: WebDesk, title: str, key: str, build: Callable[[Panel, Json], None]) -> None:
    """A panel that is built once it is known what there is to choose from."""
    with panel(title, key) as frame:
        frame.loading("looking what is in the store…")
        place = ui.element("div").classes("bt-stack")

    async def fill() -> None:
        choices = await desk.aside(lambda: choices_of(desk.house))
        frame.shown()
        with place:
            build(frame, choices)

    soon(fill)
