"""How often something is tried again: at once, then ever more slowly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bearskin.engine._trade import Working

SECOND_NS: Final = 1_000_000_000
PATIENCE_NS: Final = SECOND_NS  # an answer that takes longer is treated as lost
_PAUSES_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_SET_BACK_NS: Final = 2 * SECOND_NS  # events of one moment may come out of order by less
_LONG_AGO_NS: Final = 1 << 62


def passed_ns(wall_ns: int, since_wall_ns: int) -> int:
    """How long ago something was; what lies in the future was written before the clock was set back: long ago."""
    passed = wall_ns - since_wall_ns
    return passed if passed > -_SET_BACK_NS else _LONG_AGO_NS


def is_waiting(order: Working, wall_ns: int) -> bool:
    """Whether the answer to an order that went out may still come soon."""
    return order.status == "sent" and passed_ns(wall_ns, order.issued_wall_ns) < PATIENCE_NS


def may_try(failed: Iterable[Working], wall_ns: int, since_wall_ns: int = 0) -> bool:
    """Whether the next attempt is due after these failed (or lost) ones: the first repeat at once.

    Those from before `since_wall_ns` are not counted: the world has changed since.
    """
    attempts = [order for order in failed if order.issued_wall_ns >= since_wall_ns]
    if not attempts:
        return True
    pause_s = _PAUSES_S[min(len(attempts), len(_PAUSES_S)) - 1]
    return passed_ns(wall_ns, attempts[-1].issued_wall_ns) >= pause_s * SECOND_NS


def may_cancel(order: Working, wall_ns: int) -> bool:
    """Whether a cancellation is due: none is on its way, or the last one was lost or refused some time ago."""
    if not order.live or order.status == "triggered":
        return False
    if not order.cancels:
        return True
    pause_s = _PAUSES_S[min(order.cancels + 1, len(_PAUSES_S) - 1)]
    return passed_ns(wall_ns, order.cancel_wall_ns) >= pause_s * SECOND_NS


def would_trigger(order: Working) -> bool:
    """Whether a stop was refused because the price is beyond it already."""
    text = f"{order.code} {order.message}".lower()
    return order.status == "rejected" and ("-2021" in text or "immediately trigger" in text or "would trigger" in text)


def came_to_naught(order: Working) -> bool:
    """Whether a close that is not at work has closed nothing, or has no answer."""
    if order.status in ("expired", "canceled", "open"):
        return not order.said
    return order.status in ("rejected", "absent", "unknown", "sent")
