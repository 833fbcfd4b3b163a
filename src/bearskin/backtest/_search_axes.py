"""Axes of a sweep: what is varied, over which values, read as a person writes them and typed by the fields they vary.

An axis is a word of the backtest (`stop_scale`), a parameter of a set-up (`failed_breakout.fail_bars`, deeper ones with
further dots: `failed_breakout.levels.window_bars`), of the template all set-ups share (`template.buffer_atr`) or of the
guards (`guards.adx_min`).
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bearskin.backtest._request import BacktestRequest
from bearskin.setups import SETUPS, GuardRules, Template
from bearskin.terms import BadInput, dec

# words of a sweep and the fields of a request they stand for
WORDS = {
    "risk": "risk_frac",
    "leverage": "leverage",
    "entry": "entry",
    "trail_atr": "trail_atr",
    "target1_share": "target1_share",
    "stop_scale": "stop_scale",
    "stop_frac": "stop_frac",
    "target_r": "target_r",
    "target_frac": "target_frac",
    "hold_bars": "hold_bars",
    "invalidation": "invalidation",
    "stop_trigger": "stop_trigger",
    "cost_scale": "cost_scale",
    "guards": "guards",
    "families": "families_min",
}
TEMPLATE, GUARDS = "template", "guards"
GUARDING = ("guards", "families")  # words that change what the guards say of the same signals
NONE, AND = "none", "+"  # the value that is no value; what joins the parts of a list
WHOLE_MAX = 1_000_000_000
VALUES_MAX = 100_000  # of one axis: they are kept, the combinations are not
YES, NO = ("yes", "true", "on"), ("no", "false", "off")
Plain = int | float | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that is varied: its name and its typed values, in the order given; none is there twice."""

    name: str
    values: tuple[Any, ...]

    @property
    def detects(self) -> bool:
        """Whether it changes which signals there are, not only how they are traded or what guards say of them."""
        return "." in self.name and not self.guards

    @property
    def guards(self) -> bool:
        """Whether it changes what the guards say."""
        return self.name in GUARDING or self.name.startswith(f"{GUARDS}.")

    @property
    def plain(self) -> tuple[Plain, ...]:
        """The values as they stand in tables and in JSON."""
        return tuple(plain_of(value) for value in self.values)


def plain_of(value: Any) -> Plain:
    """A value as a table's column holds it: a Decimal as a float, a list joined by `+`."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, tuple):
        return AND.join(str(plain_of(part)) for part in value)
    return typing.cast("Plain", value)


def guard_rules_of(request: BacktestRequest) -> GuardRules:
    """The rules a request's guards go by."""
    return request.guard_rules or GuardRules(families_min=request.families_min)


def value_at(request: BacktestRequest, name: str) -> Any:
    """What a request has for an axis."""
    head, dot, path = name.partition(".")
    if not dot:
        return getattr(request, WORDS[name])
    found: Any
    if head == GUARDS:
        found = guard_rules_of(request)
    else:
        found = request.template or Template() if head == TEMPLATE else request.params.get(head, SETUPS[head].params)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def axes_of(given: Sequence[str] | Mapping[str, object], request: BacktestRequest) -> tuple[Axis, ...]:
    """The axes of `name=values` words, or of a mapping from names to values; raises BadInput for whatever is wrong.

    Values are `a,b,c`, `lo..hi` (whole numbers), `lo..hi:step`, or any of these joined by commas. In a mapping they may
    also be a sequence or one value.
    """
    pairs = list(given.items()) if isinstance(given, Mapping) else [_split(word) for word in given]
    axes: list[Axis] = []
    for name, values in pairs:
        axis = axis_of(str(name).strip(), values, request)
        if any(other.name == axis.name for other in axes):
            raise BadInput(f"{axis.name} is varied twice: give all its values at once, such as {axis.name}=1,2,3")
        axes.append(axis)
    _no_clash(axes)
    return tuple(axes)


def axis_words(table: Mapping[str, object], before: str = "") -> dict[str, object]:
    """The axes of a table as a TOML file holds it: tables within name set-ups and groups of parameters."""
    found: dict[str, object] = {}
    for key, value in table.items():
        name = f"{before}{key}"
        found |= axis_words(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found


def _split(word: str) -> tuple[str, str]:
    name, equals, values = word.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise BadInput(
            f"{word!r} is no axis: write NAME=VALUES, such as stop_scale=0.8,1,1.25 or hold_bars=12..48:12,"
            " or name a .toml file"
        )
    return name, values


def _no_clash(axes: Sequence[Axis]) -> None:
    named = {axis.name for axis in axes}
    for one, other in (("stop_scale", "stop_frac"), ("target_r", "target_frac")):
        if {one, other} <= named:
            raise BadInput(f"{one} and {other} both say the same thing in another way: vary one of them")


def axis_of(name: str, values: object, request: BacktestRequest) -> Axis:
    """One axis; raises BadInput."""
    hint = hint_of(name, request)
    parts = _parts(name, values)
    found: list[Any] = []
    for part in parts:
        _not_below_zero(name, part)
        new = _range(name, part, hint) if isinstance(part, str) and ".." in part else [typed(name, part, hint)]
        found += new
        if len(found) > VALUES_MAX:
            raise BadInput(f"{name} has more than {VALUES_MAX:,} values: use a wider step")
    if not found:
        raise BadInput(f"{name} has no values: give at least one, such as {name}=1,2,3")
    seen: set[tuple[str, Any]] = set()
    for value in found:
        key = (type(value).__name__, value)
        if key in seen:
            raise BadInput(f"{name} has {_told(value)} twice: give every value once, the same would be tried twice")
        seen.add(key)
    return Axis(name=name, values=tuple(found))


def _told(value: Any) -> str:
    plain = plain_of(value)
    if plain is None or isinstance(plain, bool):
        return NONE if plain is None else YES[0] if plain else NO[0]
    return f"{plain:.12g}" if isinstance(plain, float) else str(plain)


def _not_below_zero(name: str, part: object) -> None:
    if str(part).strip().startswith("-") and str(part).strip()[1:2].isdigit():
        raise BadInput(f"{name} was {part}: nothing that is varied goes below zero, the side gives the sign")


def _parts(name: str, values: object) -> list[object]:
    if isinstance(values, str):
        parts = [part.strip() for part in values.split(",")]
        if not all(parts):
            raise BadInput(f"{name} was {values!r}: there is nothing between two commas")
        return list(parts)
    if isinstance(values, Iterable):
        return list(values)
    return [values]


def hint_of(name: str, request: BacktestRequest) -> Any:
    """The type of what an axis varies; raises BadInput with the names there are."""
    head, dot, rest = name.partition(".")
    if not dot:
        if name not in WORDS:
            raise BadInput(f"{name!r} cannot be varied: {_near(name, WORDS)}there are {', '.join(sorted(WORDS))}, "
                           "template.PARAMETER, guards.PARAMETER and SET-UP.PARAMETER")  # fmt: skip
        return typing.get_type_hints(BacktestRequest)[WORDS[name]]
    if head == TEMPLATE:
        return _field(name, Template(), rest)
    if head == GUARDS:
        if rest == "families_min":
            raise BadInput(f"{name!r} is varied as families, such as families=0,2")
        return _field(name, guard_rules_of(request), rest)
    if head not in SETUPS:
        raise BadInput(f"{name!r} cannot be varied: {_near(head, SETUPS)}there is no set-up {head!r}, only"
                       f" {', '.join(sorted(SETUPS))}")  # fmt: skip
    if request.setups is not None and head not in request.setups:
        raise BadInput(f"{name!r} varies a set-up that is not swept: this sweep is of {', '.join(request.setups)}")
    return _field(name, SETUPS[head].params, rest)


def _field(name: str, params: object, path: str) -> Any:
    """The type of the field at `path` (dotted) of a parameter dataclass."""
    head, dot, rest = path.partition(".")
    if not dataclasses.is_dataclass(params):
        raise BadInput(f"{name!r} cannot be varied: the set-up has no parameters")
    names = [field.name for field in dataclasses.fields(params)]
    if head not in names:
        raise BadInput(f"{name!r} cannot be varied: {_near(head, names)}the parameters are {', '.join(names)}")
    value = getattr(params, head)
    if dot:
        if not dataclasses.is_dataclass(value):
            raise BadInput(f"{name!r} cannot be varied: {head} is one value, it has no {rest!r}")
        return _field(name, value, rest)
    if dataclasses.is_dataclass(value):
        within = ", ".join(f"{name}.{field.name}" for field in dataclasses.fields(value))
        raise BadInput(f"{name!r} is a group of parameters: vary one of {within}")
    return typing.get_type_hints(type(params))[head]


def _near(word: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(names), 1)
    return f"did you mean {close[0]}? " if close else ""


def typed(name: str, given: object, hint: Any) -> Any:
    """`given` as a value of type `hint`; raises BadInput that says what would be right."""
    text = NONE if given is None else str(given).strip()
    args = typing.get_args(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        if type(None) in args and text.lower() == NONE:
            return None
        return typed(name, given, next(arg for arg in args if arg is not type(None)))
    if typing.get_origin(hint) is typing.Literal:
        if text not in args:
            raise BadInput(f"{name} was {text!r}, must be {' or '.join(str(arg) for arg in args)}")
        return text
    if typing.get_origin(hint) is tuple:
        parts = list(given) if isinstance(given, list | tuple) else text.split(AND)
        return tuple(typed(name, part, args[0]) for part in parts)
    if hint is bool:
        if text.lower() not in (*YES, *NO):
            raise BadInput(f"{name} was {text!r}, must be yes or no")
        return text.lower() in YES
    if hint is str:
        return text
    if hint in (int, float, Decimal):
        return _number(name, text, hint)
    raise BadInput(f"{name} cannot be varied: it holds {hint}, which cannot be written in a word")


def _number(name: str, text: str, hint: Any) -> int | float | Decimal:
    share = text.endswith("%") and hint is not int
    try:
        number = dec(text.removesuffix("%") if share else text)
    except BadInput:
        kind = "a whole number" if hint is int else "a number"
        raise BadInput(f"{name} was {text!r}, must be {kind}") from None
    number = number / 100 if share else number
    if hint is Decimal:
        return number
    if hint is int and number != int(number):
        raise BadInput(f"{name} was {text}, must be a whole number")
    if hint is int and number > WHOLE_MAX:
        raise BadInput(f"{name} was {text}, must be at most {WHOLE_MAX:,}")
    exact = int(number) if hint is int else float(number)
    if not math.isfinite(exact):
        raise BadInput(f"{name} was {text}, which is more than a number can hold here")
    return exact


def _range(name: str, text: str, hint: Any) -> list[Any]:
    """`lo..hi` and `lo..hi:step`, both ends included; raises BadInput."""
    kinds = [arg for arg in typing.get_args(hint) or (hint,) if arg in (int, float, Decimal)]
    if not kinds:
        raise BadInput(f"{name} was {text!r}: a range needs numbers, list the values instead, such as a,b")
    kind = kinds[0]
    ends, colon, step_text = text.partition(":")
    low_text, _, high_text = ends.partition("..")
    low, high = (dec(str(_number(name, end.strip(), Decimal))) for end in (low_text, high_text))
    if not colon and (kind is not int) and (low != int(low) or high != int(high)):
        raise BadInput(f"{name} was {text!r}: say how far apart the values are, such as {text}:0.1")
    step = dec(str(_number(name, step_text.strip(), Decimal))) if colon else Decimal(1)
    if step <= 0 or high < low:
        raise BadInput(f"{name} was {text!r}: a range goes upwards, from the lower to the higher end by a step above 0")
    count = int((high - low) / step) + 1
    if count > VALUES_MAX:
        raise BadInput(f"{name} has {count:,} values, {VALUES_MAX:,} at most: use a wider step")
    return [typed(name, str(low + i * step), kind) for i in range(count)]
