"""Time is `int` nanoseconds since 1970 UTC; words and dates are for the edges."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bearskin.terms._errors import BadInput

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

# What 64 bits can count ends in 2262, what is traded here begins long after 1970.
_LAST_NS = 9_200_000_000 * SECOND_NS
_LONGEST_NS = 36_500 * DAY_NS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_NS = {"s": SECOND_NS, "m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS, "w": 7 * DAY_NS}


def interval_ns(word: str) -> int:
    """Nanoseconds of an interval such as `5m`, `1h`, `1d`; raises BadInput for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,9})([smhdw])", word)
    if match is None:
        raise BadInput(f"{word[:40]!r} is not an interval: write a count and s, m, h, d or w, such as 1h")
    length_ns = int(match[1]) * _UNITS_NS[match[2]]
    if length_ns > _LONGEST_NS:
        raise BadInput(f"{word} is too long an interval: it can be up to {_LONGEST_NS // DAY_NS}d")
    return length_ns


def interval_word(length_ns: int) -> str:
    """The shortest word for an interval: 3600000000000 is `1h`."""
    for unit in ("d", "h", "m", "s"):
        if length_ns % _UNITS_NS[unit] == 0:
            return f"{length_ns // _UNITS_NS[unit]}{unit}"
    raise BadInput(f"{length_ns} ns is not a whole number of seconds")


def parse_time(text: str) -> int:
    """Nanoseconds of an ISO date or RFC 3339 time; without an offset it is UTC. Raises BadInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a time: write 2025-10-10 or 2025-10-10T21:20:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    time_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    if not 0 <= time_ns <= _LAST_NS:
        raise BadInput(f"{text} is out of reach: times lie between 1970 and 2261")
    return time_ns


def iso(time_ns: int) -> str:
    """RFC 3339 in UTC with as many decimals of a second as are needed: `2025-10-10T21:20:00Z`."""
    seconds, rest_ns = divmod(time_ns, SECOND_NS)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest_ns:09d}".rstrip("0") + "Z" if rest_ns else f"{text}Z"
