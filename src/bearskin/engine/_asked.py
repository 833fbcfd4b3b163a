"""By what an act is told from another one under the same name: by everything in it that its asker chose."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from bearskin.ledger import digest
from bearskin.terms import Act

_NOT_CHOSEN: Final = frozenset(("time_ns", "wall_ns", "act_id", "by"))


def content_of(act: Act) -> str:
    """32 hex digits over what is asked for; the same amount written another way (5, 5.0) is the same."""
    values = [(name, getattr(act, name)) for name in act.__struct_fields__ if name not in _NOT_CHOSEN]
    chosen = [(name, _plain(value)) for name, value in values if value]  # a field that is new says nothing of old acts
    return digest([repr((type(act).__name__, chosen)).encode("utf-8", "backslashreplace")])


def name_taken(act_id: str) -> str:
    """What is said to who gives an act the name of another one."""
    return f"act_id {act_id[:64]!r} was used for another act: give this one a name of its own"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value.is_finite() else str(value)
    return value.value if hasattr(value, "value") else value
