"""What a venue's refusals and silences mean, in our words and with what to do next: pages show no JSON of ccxt's."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from bearskin.terms import BearskinError, ClockOff, NotAllowed, VenueBroken, VenueBusy, VenueError, VenueRejected

_MESSAGE = ("msg", "message", "retMsg", "sMsg", "error")
_CODE = ("code", "retCode", "sCode", "error_code")
_WHOSE = re.compile(r"^[\w ]+: (?:\w+: )?")
_WHY = {
    "RequestTimeout": "its answer has not come in time",
    "OnMaintenance": "it is being maintained",
    "ExchangeNotAvailable": "it is not available",
    "NetworkError": "there is no connection to it",
}
logger = logging.getLogger("bearskin.app")
SOON, THEN = "it is asked again by itself", "it is asked again then"
DOUBT = "look whether it was done before trying again"


def in_our_words(error: Exception, title: str, silent_until_s: float = 0.0, *, acting: bool = False) -> BearskinError:
    """An error of ccxt's or of the live room as one of ours with a sentence for a person; `title` is the venue's name.

    `silent_until_s` is until when, by the wall, the venue is not asked; `acting` that something was to be changed,
    which may have happened when no answer came. What is ours already and no venue's is itself.
    """
    from bearskin import live

    made: BearskinError
    if isinstance(error, BearskinError):
        if not isinstance(error, VenueError) or getattr(error, "worded", False) or isinstance(error, live.NoBars):
            return error
        made = _worded(error, error.__cause__, title, silent_until_s, acting=acting)
    elif not any(kind.__module__.startswith("ccxt") for kind in type(error).__mro__):
        why = "there is no connection to it" if isinstance(error, OSError) else "its answer cannot be read"
        logger.debug("%s: %s: %s", title, type(error).__name__, error)
        made = VenueBroken(f"{title} does not answer ({why}): {DOUBT if acting else SOON}")
    else:
        made = _worded(live.venue_error(error, venue=title), error, title, silent_until_s, acting=acting)
    made.worded = True  # type: ignore[attr-defined] # said once
    return made


def _worded(
    error: BearskinError, cause: BaseException | None, title: str, silent_until_s: float, *, acting: bool
) -> BearskinError:
    match error:
        case VenueBusy():
            until_ms = error.until_wall_ms or (round(1e3 * silent_until_s) if silent_until_s else None)
            return VenueBusy(f"{title} wants fewer questions {_until(until_ms)}: {THEN}", until_ms)
        case ClockOff():
            return ClockOff(
                f"{title} does not take the time of this machine's clock: set the clock (timedatectl set-ntp true), "
                "then ask again"
            )
        case NotAllowed():
            return NotAllowed(
                f"{title} does not take the key for this{_said(error, cause)}: look at the key and its permissions "
                "under Settings"
            )
        case VenueBroken():
            why = next((_WHY[kind.__name__] for kind in type(cause).__mro__ if kind.__name__ in _WHY), "")
            next_ = DOUBT if acting else SOON
            return VenueBroken(f"{title} does not answer{f' ({why})' if why else ''}: {next_}")
        case VenueRejected():
            return VenueRejected(f"{title} says no{_said(error, cause)}: nothing was changed")
        case _:
            return error


def _until(until_ms: int | None) -> str:
    return "for a while" if until_ms is None else f"until {datetime.fromtimestamp(until_ms / 1e3, UTC):%H:%M:%S} UTC"


def _said(error: BearskinError, cause: BaseException | None) -> str:
    """What the venue says of it, in brackets: its message out of whatever it is wrapped in; empty for none."""
    text = str(cause or error)
    begins = text.find("{")
    found: Any = None
    if begins >= 0:
        try:
            found = json.loads(text[begins : text.rfind("}") + 1])
        except ValueError:
            return _loose(text[begins:])
    if isinstance(found, dict):
        words = next((str(found[name]) for name in _MESSAGE if found.get(name)), "")
        code = next((str(found[name]) for name in _CODE if found.get(name)), "")
        return _brackets(words, code)
    return _brackets(_WHOSE.sub("", text) if cause is None else text, "")


def _loose(text: str) -> str:
    """The message of an answer that was cut short."""
    found = re.search(r'"(?:msg|message|retMsg|sMsg)"\s*:\s*"([^"]+)', text)
    return _brackets("" if found is None else found[1], "")


def _brackets(words: str, code: str) -> str:
    words = " ".join(words.split()).rstrip(". ")[:160]
    if "http://" in words or "https://" in words:  # addresses say nothing to a person, and may hold what is signed
        words = ""
    inner = ", ".join(filter(None, (f"“{words}”" if words else "", f"code {code}" if code else "")))
    return f" ({inner})" if inner else ""
