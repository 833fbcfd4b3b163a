"""How a trade ended, among all that the bot has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def end_in(decisions: Sequence[Mapping[str, Any]], trade: int) -> Mapping[str, Any] | None:
    """The decision that tells how a trade ended, whatever was decided of its symbol since; None where none does."""
    ends = (one for one in reversed(decisions) if one["kind"] in ("exit", "unfilled"))
    return next((one for one in ends if trade and one["more"].get("trade") == trade), None)
