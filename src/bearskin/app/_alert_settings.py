"""What can be set of alerts and webhooks: kinds, quiet hours, addresses. Light: every command reads settings."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bearskin.terms import BadInput

KINDS: Final[dict[str, str]] = {
    "entry": "an entry of ours was filled",
    "exit": "a trade ended, with its reason and what it made",
    "stop-moved": "the stop moved: trail, break-even, by hand",
    "protected": "a position that had been without a stop for a second or more has one again",
    "plan": "a trade was decided",
    "declined": "a signal or an act was not traded, and why",
    "limit": "a limit of the account was reached or lifted",
    "mode": "the bot was paused, resumed, or stands still after a panic",
    "difference": "our book and the venue's differed",
    "unprotected": "a position has no confirmed stop",
    "emergency": "a position is closed at market because it could not be protected",
    "liquidation-near": "the way to liquidation is below half, or a quarter, of what it was",
    "liquidated": "the venue liquidated a position",
    "adl": "the venue took a part of a position to close someone else's",
    "delisting": "a symbol leaves the venue",
    "halted": "a symbol cannot be traded for now",
    "funding-flip": "funding changed its sign against a position",
    "hedge-suggest": "an event of the calendar is a day away",
    "basis": "mark and index, or mark and last, part",
    "feed-lost": "market data or account events stopped",
    "stale": "prices are too old to enter on",
    "skew": "our clock and the venue's differ",
    "kill-switch": "the loss limits closed the desk",
    "foreign": "a position or an order that is not ours",
    "transfer": "money was put in or taken out",
    "liquidation-price-differs": "the venue's liquidation price is not ours",
    "rejected": "the venue refused an order",
    "unknown": "an order's fate is being asked for",
    "rule": "a rule of your own rang",
}
NOT_TOLD: Final = ("plan", "declined")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Minutes of the local day in which only what is critical is told; may go over midnight."""

    start_minute: int
    end_minute: int

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day is one of them."""
        if self.start_minute <= self.end_minute:
            return self.start_minute <= minute < self.end_minute
        return minute >= self.start_minute or minute < self.end_minute


def quiet_hours(text: str) -> QuietHours:
    """Such as `22:00-07:00`; raises BadInput."""
    match = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", text)
    parts = [int(part) for part in match.groups()] if match else []
    if not parts or parts[0] > 24 or parts[2] > 24 or max(parts[1], parts[3]) > 59:
        raise BadInput(f"quiet_hours was {text[:30]!r}, must be such as 22:00-07:00")
    start, end = (parts[0] * 60 + parts[1]) % 1440, (parts[2] * 60 + parts[3]) % 1440
    if start == end:
        raise BadInput(f"quiet_hours was {text[:30]!r}: it begins when it ends")
    return QuietHours(start_minute=start, end_minute=end)


def kinds_of(text: str | None) -> frozenset[str]:
    """Kinds that are not told, from a list of words; raises BadInput for one that is no kind."""
    words = frozenset(NOT_TOLD if text is None else re.split(r"[\s,]+", text.strip()))
    for word in words - {"", *KINDS}:
        raise BadInput(f"{word!r} is no kind of alert; they are {', '.join(KINDS)}")
    return words


def checked_url(url: str) -> str:
    """An address notes may be sent to: https, or http on this machine; raises BadInput without showing it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise BadInput("webhook_url is no address: write https://…") from None
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and (host == "localhost" or _is_loopback(host)):
        return url
    raise BadInput("webhook_url must be an https:// address, or http:// on this machine: notes tell what you trade")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
