"""Records of every kind, made by dice from the types themselves: a note that is new is in them from its first day."""

from __future__ import annotations

import enum
import random
import types
import typing
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from bearskin.engine import AnyNote, Record
from bearskin.terms import AnyEvent, client_id

EVENTS: tuple[type, ...] = get_args(AnyEvent)
NOTES: tuple[type, ...] = get_args(AnyNote)
IDS = tuple(client_id("demo", trade, role, nth) for trade in (1, 2) for role in ("entry", "stop") for nth in (0, 1))
WORDS = {
    "symbol": ("BTCUSDT", "ETHUSDT"),
    "client_id": (*IDS, client_id("othr", 1, "entry", 0), "web_4711"),
    "trade_id": ("1", "2", "3"),
    "act_id": ("act-1", "act-2"),
    "asset": ("USDT",),
    "fee_asset": ("USDT", "BNB"),
    "what": ("Place", "PlaceStop", "Cancel"),
    "reason": ("stop", "it's 100 % \N{BEAR FACE}; --", "a\x00b"),
}


def made(kind: Any, dice: random.Random, name: str = "") -> Any:
    """A value of the type `kind`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: made(hints[field.name], dice, field.name) for field in msgspec.structs.fields(kind)})
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return made(dice.choice(get_args(kind)), dice, name)
    if origin is Literal:
        return dice.choice(get_args(kind))
    if origin is tuple:
        kinds = get_args(kind)
        if kinds[-1] is Ellipsis:
            return tuple(made(kinds[0], dice) for _ in range(dice.randrange(3)))
        return tuple(made(one, dice) for one in kinds)
    if origin is dict:
        of = get_args(kind)[1]
        return {f"k{nth}": made(of, dice) for nth in range(dice.randrange(3))}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return dice.choice(list(kind))
    if kind is Decimal:
        return Decimal(dice.randrange(-(10**14), 10**14)).scaleb(-dice.randrange(12))
    plain = {
        str: lambda: dice.choice(WORDS.get(name, ("", "some words", "ünï"))),
        bool: lambda: dice.random() < 0.5,
        int: lambda: dice.randrange(1, 3) if name == "trade" else dice.randrange(2 * 10**18),
        float: lambda: dice.choice((0.0, 0.1, -1e-9, 3.5e7, float("nan"), float("inf"))),
        types.NoneType: lambda: None,
    }
    return plain[kind]()


def made_record(dice: random.Random) -> Record:
    """One record: any event with up to three notes."""
    notes = tuple(made(dice.choice(NOTES), dice) for _ in range(dice.randrange(4)))
    return Record(made(dice.choice(EVENTS), dice), notes)


def made_records(seed: int, count: int) -> list[Record]:
    """Records of a whole run."""
    dice = random.Random(seed)
    return [made_record(dice) for _ in range(count)]
