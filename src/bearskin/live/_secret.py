"""`Secret`: a text that no print, log, trace or pickle shows; and `scrubbed`, which takes secrets out of any text.

What a secret may come out in is mostly not ours: a client library puts the whole address of a call, signature included,
into its exceptions, and those go to logs and journals. So every secret that is made is remembered here, in each form
it takes in an address or a header, and whatever leaves the process as text passes `scrubbed` first.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
import threading
import traceback
from typing import Any, Final, NoReturn
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"
_LEAST: Final = 6  # what is shorter is no secret, and would blank ordinary words
# what stands for a key for as long as its window lasts, however the venue calls it
_SIGNED: Final = re.compile(
    r"""(?i)(?<![\w-])((?:[\w-]{0,32}(?:api-?_?key|signature|passphrase|[_-]sign)|sign|listenkey)"""
    r"""['"]?\s{0,4}[:=]\s{0,4}b?['"]?)([A-Za-z0-9+/=%_.~-]{8,})"""
)
# loggers of libraries that hold addresses, headers or exceptions of ours; a filter counts for its own logger only
_TALKATIVE: Final = (
    "asyncio", "apprise", "ccxt.base.exchange", "httpx", "httpcore.http11", "urllib3.connectionpool", "uvicorn.error",
    "uvicorn.access", "websockets.client", "websockets.server",
)  # fmt: skip
_known: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None
_lock = threading.Lock()


class Secret:
    """A text that is only had by `reveal()`. Equal to a secret of the same text, compared in constant time."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        hide(text)

    def reveal(self) -> str:
        """The text itself, for the one place that signs or sends with it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not written down")


def hide(*texts: str) -> None:
    """Remember texts that `scrubbed` takes out from now on, with the forms they have in addresses, headers and JSON."""
    global _pattern
    guard_loggers()
    with _lock:
        for text in texts:
            for part in {text, *(line.strip() for line in text.splitlines())}:  # a PEM is printed line by line
                if len(part) >= _LEAST:
                    _known.update(dict.fromkeys(_forms(part)))
        longest_first = sorted(_known, key=lambda form: (-len(form), form))
        _pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def scrubbed(text: str) -> str:
    """`text` without any secret made so far and without the value of anything called a signature or an API key."""
    pattern = _pattern
    if pattern is not None:
        text = pattern.sub(HIDDEN, text)
    return _SIGNED.sub(rf"\1{HIDDEN}", text)


class Scrubbing(logging.Filter):
    """Takes what is secret out of a record whole, whoever formats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is made one finished text, its trace included."""
        trace = ""
        if record.exc_info:
            trace = "\n" + "".join(traceback.format_exception(*record.exc_info))
        record.msg, record.args, record.exc_info, record.exc_text = (
            scrubbed(record.getMessage() + trace),
            (),
            None,
            None,
        )
        return True


_SIEVE: Final = Scrubbing()


def guard_loggers() -> None:
    """Have the loggers of the libraries that know our keys pass the sieve, whatever level somebody gave them."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_SIEVE)  # the same filter is there once


def _forms(text: str) -> tuple[str, ...]:
    plain = base64.b64encode(text.encode()).decode().rstrip("=")
    return (text, quote(text, safe=""), quote(text), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1], plain)
