"""Two backtests beside each other: figures with their differences, both curves, and what was asked differently."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from bearskin.app._house import House
from bearskin.app.web._backtests import FIGURES, Json, curve_of, result_of
from bearskin.terms import BadInput

NOT_COMPARED = ("store",)
WARNING = (
    "The better of two is not proven better: both were seen before they were compared, and the difference may be luck."
)


def compared(house: House, a: str, b: str) -> Json:
    """Both results by figure, `difference` being b less a; raises BadInput where one is not there.

    `settings` are the words that were asked differently, `data` what was traded differently (symbols, span, interval).
    """
    if a == b:
        raise BadInput("these are the same result: choose two")
    one, other = result_of(house, a), result_of(house, b)
    return {
        "a": a,
        "b": b,
        "warning": WARNING,
        "evidence": {"a": one["evidence"], "b": other["evidence"]},
        "currency": {"a": one["currency"], "b": other["currency"]},
        "figures": _figures(one, other),
        "settings": settings_apart(one["asked"], other["asked"]),
        "data": _apart({name: _told(one, name) for name in _DATA}, {name: _told(other, name) for name in _DATA}),
        "curves": {"a": curve_of(house, a), "b": curve_of(house, b)},
    }


_DATA = ("symbols", "start", "end", "interval")


def settings_apart(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> list[Json]:
    """The words that differ: `{name, a, b}`; where one result does not say how it was asked, one row says so."""
    if a is None or b is None:
        missing = "the settings of " + ("both" if a is b else "the first" if a is None else "the second")
        return [{"name": f"{missing} were not kept", "a": None, "b": None}]
    return [row for row in _apart(a, b) if row["name"] not in NOT_COMPARED]


def _apart(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Json]:
    names = list(dict.fromkeys([*a, *b]))
    return [{"name": name, "a": a.get(name), "b": b.get(name)} for name in names if a.get(name) != b.get(name)]


def _told(result: Json, name: str) -> Any:
    value = result[name]
    return ", ".join(value) if isinstance(value, list) else value


def _figures(a: Json, b: Json) -> list[Json]:
    first = {row["key"]: row["value"] for row in a["figures"]}
    second = {row["key"]: row["value"] for row in b["figures"]}
    return [
        {
            "key": key,
            "label": label,
            "kind": kind,
            "a": first[key],
            "b": second[key],
            "difference": _less(second[key], first[key]),
        }
        for key, label, kind in FIGURES
    ]


def _less(b: Any, a: Any) -> str | None:
    try:
        return None if a is None or b is None else f"{Decimal(str(b)) - Decimal(str(a)):f}"
    except InvalidOperation:
        return None
