"""`setups`: which there are, what one of them is and was worth, and whether one looks into the future."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._data import words_of
from bearskin.app._home import user_path
from bearskin.app._house import open_house
from bearskin.terms import BadInput, Product, Side, interval_ns, iso

if TYPE_CHECKING:
    from bearskin.market import Panel
    from bearskin.setups import Checked, Setup

Progress = Callable[[str, int, int | None], None]
BARS = 1_500
CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupList:
    """Set-ups, each with its families, needs, parameters and what it was worth."""

    setups: tuple[Setup, ...]
    alone: bool = False

    def to_json(self) -> dict[str, Any]:
        """The object `setups --json` prints."""
        rows = [setup_json(one) for one in self.setups]
        return rows[0] if self.alone else {"setups": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What the look-ahead check found of each set-up that was named."""

    checked: tuple[Checked, ...]

    @property
    def looks_ahead(self) -> bool:
        """Whether any of them does."""
        return any(one.looks_ahead for one in self.checked)

    def to_json(self) -> dict[str, Any]:
        """The object `setups check --json` prints."""
        return {"looks_ahead": self.looks_ahead, "setups": [_checked_json(one) for one in self.checked]}


def setups(
    *what: str,
    setup_file: Path | str | None = None,
    symbols: str | Sequence[str] | None = None,
    interval: str | None = None,
    venue: str | None = None,
    product: str | None = None,
    bars: int = BARS,
    cuts: int | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> SetupList | CheckReport:
    """All set-ups, one of them by its name, or with `check` and a name or a Python file: does it look ahead?

    The check runs on random markets with every series, or on the last `bars` bars of `symbols` in the store, and cuts
    each market `cuts` times. Raises BadInput for an unknown name or a file without a set-up.
    """
    from bearskin import setups as room

    words = list(what)
    house = open_house(home, store=store, venue=venue, product=product, interval=interval)
    if setup_file is not None:
        room.load_setups(user_path(setup_file))
    if words[:1] == [CHECK]:
        names = [name for word in words[1:] for name in _named(word)]
        if not names:
            raise BadInput("check needs the name of a set-up or a Python file with one")
        panels = None if symbols is None else _panels(house, words_of(symbols), bars)
        more = {} if cuts is None else {"cuts": cuts}
        checked = tuple(room.check_setup(name, panels, progress=progress, **more) for name in names)
        return CheckReport(checked=checked)
    if len(words) > 1:
        raise BadInput(f"one name at a time: {words[1]!r} is one too many")
    return SetupList(setups=tuple(_one(word) for word in words or room.SETUPS), alone=bool(words))


def _one(name: str) -> Setup:
    from bearskin.setups import SETUPS

    wanted = name.replace("-", "_")
    if wanted not in SETUPS:
        raise BadInput(f"{name!r} is no set-up: there are {', '.join(sorted(SETUPS))}")
    return SETUPS[wanted]


def _named(word: str) -> list[str]:
    """The set-ups a word stands for: a name, or those of a file."""
    from bearskin import setups as room

    if word.endswith(".py") or "/" in word:
        return [one.name for one in room.load_setups(user_path(word))]
    return [_one(word).name]


def _panels(house: Any, names: list[str], bars: int) -> list[Panel]:
    from bearskin import market

    settings = house.settings
    store = market.Store(house.store_folder)
    found = {
        one.symbol: one for one in market.list_symbols(store, settings.venue, settings.product.value, settings.interval)
    }
    if names == ["all"]:
        names = sorted(found)
    place: dict[str, Any] = {
        "venue": settings.venue, "product": Product(settings.product), "interval": settings.interval,
    }  # fmt: skip
    panels = []
    for name in names:
        panel = None
        if name in found:
            at_ns = found[name].last_ns + interval_ns(settings.interval)
            panel = market.load_panel_at(store, symbol=name, at_ns=at_ns, bars=bars, **place)
        if panel is None:
            market.load_panel(store, symbol=name, **place)  # raises, naming what there is
            continue
        panels.append(panel)
    if not panels:
        raise BadInput("no symbol was named: give all, or names such as BTCUSDT,ETHUSDT")
    return panels


def setup_json(setup: Setup) -> dict[str, Any]:
    """One set-up with its parameters and evidence."""
    from bearskin.report import evidence_json

    return {
        "name": setup.name,
        "title": setup.title,
        "families": list(setup.families),
        "needs": list(setup.needs),
        "bars_min": setup.bars_min,
        "params": {field.name: _plain(getattr(setup.params, field.name)) for field in dataclasses.fields(setup.params)},
        "evidence": {side.word: evidence_json(setup.name, side) for side in (Side.SHORT, Side.LONG)},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value if isinstance(value, str | bool | int) or value is None else str(value)


def _checked_json(one: Checked) -> dict[str, Any]:
    return {
        "setup": one.setup,
        "verdict": one.verdict,
        "sentence": one.sentence,
        "markets": one.markets,
        "bars": one.bars,
        "events": one.events,
        "runs": one.runs,
        "faults": [
            {
                "test": fault.test,
                "symbol": fault.symbol,
                "bar": fault.bar,
                "time": iso(fault.time_ns),
                "side": fault.side.word,
                "field": fault.field,
                "whole": fault.whole,
                "part": fault.part,
                "cut_bar": fault.cut_bar,
            }
            for fault in one.faults
        ],
        "warm_up": [{"bars": bars, "changed": changed, "of": of} for bars, changed, of in one.warm_up],
        "mirror": {"alike": one.mirror[0], "of": one.mirror[1]},
    }
