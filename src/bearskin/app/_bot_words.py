"""How a bot is told to trade, in words: one reader for each setting, wherever it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bearskin.app._rates import leverage_of, number_of, positive_of, share_of
from bearskin.terms import DAY_NS, HOUR_NS, BadInput, MarginMode

SIDES: Final = ("short", "long", "both", "auto", "none")
ENTRIES: Final = ("setup", "market", "limit", "chase", "ladder")
STOPS_BY: Final = ("mark", "last")
BARS_LEAST: Final = 1_000  # what set-ups are computed from
BARS_KEPT: Final = 3_000
VOLUME_DAYS: Final = 15  # every hour of the week twice
HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class BotWord:
    """One setting of a bot: `field` is its name in the engine, `kept` that in config.toml and the environment."""

    field: str
    kept: str
    read: Callable[[Any, str], Any]
    meaning: str
    otherwise: str  # what stands where it is not set


def _one_of(allowed: Sequence[str]) -> Callable[[Any, str], str]:
    def read(value: Any, name: str) -> str:
        word = str(value).strip().lower()
        if word not in allowed:
            raise BadInput(f"{name} was {str(value)[:60]!r}, must be one of {', '.join(allowed)}")
        return word

    return read


def _whole(least: int, most: int = 1_000_000) -> Callable[[Any, str], int]:
    def read(value: Any, name: str) -> int:
        number = number_of(value, name)
        if number != int(number) or not least <= number <= most:
            raise BadInput(f"{name} was {value}, must be a whole number from {least} to {most}")
        return int(number)

    return read


def _factor(value: Any, name: str) -> Decimal:
    number = number_of(value, name)
    if number < 0:
        raise BadInput(f"{name} was {value}, must be 0 or more")
    return number


def _share_to_one(value: Any, name: str) -> Decimal:
    whole = str(value).strip() in ("1", "1.0", "100%")
    return Decimal(1) if whole else share_of(value, name)


def _seconds(value: Any, name: str) -> float:
    return float(positive_of(value.strip().removesuffix("s") if isinstance(value, str) else value, name))


def _seconds_or_none(value: Any, name: str) -> float:
    plain = value.strip().removesuffix("s") if isinstance(value, str) else value
    return 0.0 if str(plain) in ("0", "off", "none") else float(positive_of(plain, name))


def _switch(value: Any, name: str) -> bool:
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise BadInput(f"{name} was {str(value)[:60]!r}, must be true or false")
    return found


def _mode(value: Any, name: str) -> MarginMode:
    return MarginMode(_one_of([mode.value for mode in MarginMode])(value, name))


def _setups(value: Any, name: str) -> tuple[str, ...] | None:  # noqa: ARG001 - a reader
    from bearskin.setups import SETUPS

    words = _words(value)
    if words == ["all"]:
        return None
    for word in words:
        if word not in SETUPS:
            raise BadInput(f"{word!r} is no set-up: they are {', '.join(SETUPS)}")
    if not words:
        raise BadInput("setups names none: say all, or --sides none for a bot that only does what it is told")
    return tuple(words)


def _hours(value: Any, name: str) -> tuple[int, ...]:
    """`0,1,22-23`: hours of the day, UTC."""
    found: set[int] = set()
    for word in _words(value):
        first, dash, last = word.partition("-")
        low, high = (_whole(0, HOURS - 1)(part, name) for part in (first, last if dash else first))
        found |= set(range(low, high + 1)) if low <= high else {*range(low, HOURS), *range(high + 1)}
    return tuple(sorted(found))


def _calendar(value: Any, name: str) -> Any:  # noqa: ARG001 - a reader
    from bearskin.app._calendar import read_calendar

    return read_calendar(value)


def floats_of(value: Any, name: str) -> tuple[tuple[str, float], ...]:
    """`ABC=12%,XYZUSDT=0.4`: which part of all its coins circulates, by coin or symbol; raises BadInput."""
    found: dict[str, float] = {}
    for word in _words(value):
        coin, equals, share = word.partition("=")
        if not (coin.strip() and equals):
            raise BadInput(f"{name} was {word[:60]!r}, must be COIN=SHARE such as ABC=12%, commas between")
        found[coin.strip().upper()] = float(_share_to_one(share, f"{name} of {coin.strip().upper()[:20]}"))
    return tuple(found.items())


def _words(value: Any) -> list[str]:
    parts = [part for one in ([value] if isinstance(value, str) else value) for part in str(one).split(",")]
    return list(dict.fromkeys(part.strip().lower() for part in parts if part.strip()))


BOT_WORDS: Final[Mapping[str, BotWord]] = {
    "sides": BotWord("sides", "bot_sides", _one_of(SIDES), "sides a bot enters", "both"),
    "setups": BotWord("setups", "bot_setups", _setups, "set-ups a bot looks for", "all"),
    "preset": BotWord("preset", "preset", _one_of(("beginner", "standard", "pro", "hedge")), "", "standard"),
    "risk": BotWord("risk_frac", "risk", share_of, "", "as the preset"),
    "heat": BotWord("heat_frac", "bot_heat", _share_to_one, "share of equity at risk in all positions", "3%"),
    "leverage": BotWord("leverage", "leverage", leverage_of, "", "as the preset"),
    "margin": BotWord("margin_mode", "margin_mode", _mode, "", "as the preset"),
    "slippage": BotWord("slippage_frac", "slippage", share_of, "", "0.02%"),
    "positions_max": BotWord("positions_max", "bot_positions_max", _whole(0), "positions a bot holds at most", "any"),
    "equity_cap": BotWord("equity_cap", "bot_equity_cap", positive_of, "the most a bot sizes from", "all there is"),
    "notional_cap": BotWord("notional_cap", "bot_notional_cap", positive_of, "largest position of a bot", "none"),
    "entry": BotWord("entry", "bot_entry", _one_of(ENTRIES), "setup, market, limit, chase or ladder", "setup"),
    "ladder_steps": BotWord("ladder_steps", "bot_ladder_steps", _whole(2, 20), "orders of a ladder", "3"),
    "target1_share": BotWord(
        "target1_share", "bot_target1_share", _share_to_one, "share closed at the first target", "50%"
    ),
    "trail_atr": BotWord("trail_atr", "bot_trail_atr", _factor, "trailing stop in ATR, 0 as the set-up asks", "0"),
    "break_even_r": BotWord("break_even_r", "bot_break_even_r", positive_of, "R after which the stop pays", "never"),
    "stop_by": BotWord("stop_by", "bot_stop_by", _one_of(STOPS_BY), "stops go off by mark or last", "mark"),
    "attach_stops": BotWord("attach_stops", "bot_attach_stops", _switch, "the stop rides on the entry", "false"),
    "unprotected_max": BotWord(
        "unprotected_max_s", "bot_unprotected_max", _seconds, "seconds without a stop before it is closed", "3"
    ),
    "guards": BotWord("guards", "bot_guards", _switch, "guards of a bot", "true"),
    "families": BotWord("families_min", "bot_families", _whole(0, 3), "kinds of evidence a signal needs", "0"),
    "floats": BotWord("floats", "bot_floats", floats_of, "which part of a coin's coins circulates", "not known"),
    "limits": BotWord("limits", "bot_limits", _switch, "daily loss, drawdown, streaks, kill switch", "true"),
    "calendar": BotWord("calendar", "bot_calendar", _calendar, "file of events, none is entered around them", "none"),
    "blackout_hours": BotWord(
        "blackout_hours", "bot_blackout_hours", _hours, "UTC hours in which nothing is entered", "none"
    ),
    "low_volume": BotWord(
        "low_volume_frac", "bot_low_volume", lambda value, name: float(share_of(value, name)),
        "share of the median hour's turnover below which nothing is entered", "off",
    ),
    "book_wait": BotWord(
        "book_wait_s", "bot_book_wait", _seconds_or_none, "seconds a market entry waits for the order book", "0"
    ),
    "stale_bars": BotWord("stale_bars", "bot_stale_bars", _whole(1), "bars that may be missing", "3"),
    "stale_quote": BotWord("stale_quote_s", "bot_stale_quote", _seconds, "seconds that a quote may be old", "15"),
    "bars_kept": BotWord("bars_kept", "bot_bars_kept", _whole(BARS_LEAST, 50_000), "bars a bot remembers", "3,000"),
}  # fmt: skip

# settings of a bot alone, in config.toml and the environment: their words are kept as they were written
BOT_SETTINGS: Final[Mapping[str, str]] = {
    word.kept: name for name, word in BOT_WORDS.items() if word.kept.startswith("bot_")
}


def checked(kept: str, value: Any) -> str:
    """A setting of a bot as the text that is kept; raises BadInput for what it cannot be.

    A file that it names is read when it is needed, not here.
    """
    text = ",".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    if not (text.strip() and text.isprintable()):
        raise BadInput(f"{kept} was {text[:60]!r}, must be something that can be printed")
    if kept not in ("bot_calendar", "bot_setups"):
        BOT_WORDS[BOT_SETTINGS[kept]].read(text, kept)
    return text.strip()


def engine_words(given: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's own words for what was `given` by name, else for what the settings have `kept`; raises BadInput."""
    found: dict[str, Any] = {}
    for name, word in BOT_WORDS.items():
        value = given.get(name)
        if value is None:
            value = kept.get(word.kept)
        if value is not None:
            found[word.field] = word.read(value, name)
    return found


def with_memory(words: dict[str, Any], interval_ns: int) -> dict[str, Any]:
    """The words, with bars enough to know what an hour of the week usually trades where that is asked for.

    Raises BadInput for bars longer than an hour, which have no such hours.
    """
    if not words.get("low_volume_frac"):
        return words
    if interval_ns > HOUR_NS:
        raise BadInput("low_volume compares hours: it needs bars of an hour or less")
    needed = VOLUME_DAYS * DAY_NS // interval_ns
    return {**words, "bars_kept": max(words.get("bars_kept", BARS_KEPT), needed)}
