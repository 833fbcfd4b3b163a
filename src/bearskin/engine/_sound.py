"""Text that can be written down: a venue, a user or a set-up may send half a Unicode sign, which no file takes."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

_ENCODER = msgspec.msgpack.Encoder()
_T = TypeVar("_T")


def sound(word: _T) -> _T:
    """The word itself or, where it has half a sign (a lone surrogate) in it, the same with U+FFFD in its place."""
    try:
        _ENCODER.encode(word)
    except UnicodeEncodeError:
        return msgspec.convert(_whole(_plain(word)), type(word))
    return word


def packed(word: Any) -> bytes:
    """The word as msgpack, whatever text is in it: nothing that trades may end for a sign in a message."""
    try:
        return _ENCODER.encode(word)
    except UnicodeEncodeError:
        return _ENCODER.encode(_whole(_plain(word)))


def _plain(word: Any) -> Any:
    return msgspec.to_builtins(word, builtin_types=(bytes,))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= sign <= "\udfff" else sign for sign in value)
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    return value
