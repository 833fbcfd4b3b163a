"""A backtest in words: what a form may ask, what there is to choose from, and the command that asks the same."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping
from functools import cache
from typing import Any

from bearskin.app._backtest import NOT_ASKED, Planned, backtest, planned
from bearskin.app._house import House
from bearskin.app._made_up import DAYS, INTERVALS, SEED, SYNTHETIC, synthetic_folder
from bearskin.terms import BadInput, iso

COMPILING = "The first run compiles kernels, about 15 s"
OPTION = {"start": "from", "end": "to"}  # words whose option is called otherwise
SWITCHES = ("preflight", "guards")
NOT_HERE = ("setup_file", "brackets", "through")  # files of the machine are named on its command line
Json = dict[str, Any]


@cache
def defaults() -> Mapping[str, Any]:
    """The words of the verb with its defaults."""
    found = inspect.signature(backtest).parameters.items()
    return {name: one.default for name, one in found if name not in NOT_ASKED}


def words_of(given: Mapping[str, Any]) -> Json:
    """The words of a form that say something: empty ones are left to the defaults. Raises BadInput for one unknown."""
    allowed = defaults()
    found: Json = {}
    for name, value in given.items():
        if name not in allowed or name in NOT_HERE:
            raise BadInput(f"{name[:40]!r} is no word of a backtest here: there are {', '.join(_here(allowed))}")
        if isinstance(value, str):
            value = value.strip()
        if value in (None, "", [], ()):
            continue
        if name in SWITCHES and not isinstance(value, bool):
            raise BadInput(f"{name} is true or false, was {value!r}")
        if value != allowed[name]:
            found[name] = value
    return found


def planned_of(house: House, words: Mapping[str, Any], market: str = "store") -> Planned:
    """The backtest these words ask for, nothing read yet; raises BadInput for whatever is asked wrongly."""
    words = {**defaults(), **words}
    if market == SYNTHETIC:
        words |= {"venue": SYNTHETIC, "product": "linear"}
    store = synthetic_folder(house, str(words["interval"] or house.settings.interval)) if market == SYNTHETIC else None
    return planned(words, house.home.root, store or house.store_folder)


def market_of(house: House, market: str | None, words: Mapping[str, Any]) -> str:
    """store or synthetic: what was asked, else the store if it holds candles. Raises BadInput."""
    if market not in (None, "", "store", SYNTHETIC):
        raise BadInput(f"market was {market!r}, must be store or {SYNTHETIC}")
    if market:
        return market
    if words.get("venue") == SYNTHETIC:
        return "store"
    return "store" if choices_of(house)["store"] else SYNTHETIC


def command_of(house: House, words: Mapping[str, Any], market: str = "store") -> str:
    """The command that asks the same, to be copied."""
    parts = ["bearskin", "backtest"]
    if market == SYNTHETIC:
        words = {**words, "venue": SYNTHETIC, "product": "linear"}
        parts += ["--store", str(synthetic_folder(house, str(words.get("interval") or house.settings.interval)))]
    for name, value in words.items():
        option = OPTION.get(name, name).replace("_", "-")
        if name in SWITCHES:
            parts.append(f"--{option}" if value else f"--no-{option}")
        else:
            parts += [f"--{option}", ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)]
    return shlex.join(parts)


def is_made(house: House, words: Mapping[str, Any], market: str = "store") -> bool:
    """Whether there is anything a command can read: the synthetic market is made by the first run of its interval."""
    if market != SYNTHETIC:
        return True
    from bearskin.market import store_version

    folder = synthetic_folder(house, str(words.get("interval") or house.settings.interval))
    return store_version(folder) is not None


def replay_command(symbols: str, start: str, end: str = "", speed: str = "") -> str:
    """The command that begins the time machine; raises BadInput for what it would refuse."""
    names = ",".join(part for part in symbols.replace(",", " ").split())
    if not names:
        raise BadInput("a replay needs symbols, such as BTCUSDT,SOLUSDT")
    if not start.strip():
        raise BadInput("a replay begins somewhere: say from when, such as 2025-10-08")
    parts = ["bearskin", "demo", "--replay", names, "--from", start.strip()]
    parts += ["--to", end.strip()] if end.strip() else []
    parts += ["--speed", speed.strip()] if speed.strip() else []
    return shlex.join(parts)


def choices_of(house: House) -> Json:
    """What can be asked: `store` (venue, product, interval, symbols with from and to), set-ups with their evidence,
    presets, and the synthetic market."""
    from bearskin import risk
    from bearskin.setups import SETUPS, evidence_verdict

    settings = house.settings
    return {
        "store": _in_store(house),
        "store_folder": str(house.store_folder),
        "synthetic": {"intervals": list(INTERVALS), "days": DAYS, "seed": SEED, "symbols": list(_coins())},
        "setups": [
            {"name": name, "title": SETUPS[name].title, "evidence": evidence_verdict(name)} for name in sorted(SETUPS)
        ],
        "presets": list(risk.PRESETS),
        "settings": {"venue": settings.venue, "interval": settings.interval, "preset": settings.preset,
                     "equity": str(settings.equity)},
    }  # fmt: skip


def _coins() -> tuple[str, ...]:
    from bearskin import market

    default = inspect.signature(market.synthetic_market).parameters["symbols"].default
    return tuple(default)


def _in_store(house: House) -> list[Json]:
    """One entry for each venue, product and interval with candles, those with most symbols first."""
    from bearskin import market

    if not house.store_folder.is_dir():
        return []
    store = market.Store(house.store_folder)
    places = {(key.venue, key.product, key.interval) for key in store.keys(kind="trade")}
    found: list[Json] = []
    for venue, product, interval in sorted(places):
        if product not in ("linear", "dated"):
            continue
        symbols = [
            {"symbol": one.symbol, "first": iso(one.first_ns)[:10], "last": iso(one.last_ns)[:10],
             "mark": one.has_mark, "funding": one.has_funding}
            for one in market.list_symbols(store, venue, product, interval)
        ]  # fmt: skip
        if symbols:
            found.append({"venue": venue, "product": product, "interval": interval, "symbols": symbols})
    return sorted(found, key=lambda one: -len(one["symbols"]))


def _here(allowed: Mapping[str, Any]) -> list[str]:
    return [name for name in allowed if name not in NOT_HERE]
