"""What an error means for the command that ran into it: known to stand, known not to stand, or unknown.

The venue's own code decides where it is known; else ccxt's class does. When in doubt the outcome is unknown: asking
again costs a request, taking a live order for dead costs money.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bearskin.live._ccxt import banned_until_ms, load_ccxt, plain_words
from bearskin.live._dialects._words import Answer, Reason

LOCAL: Final = "local"  # the code of what we refused ourselves: nothing was sent
# what says that nothing is known of the outcome, and what says that the thing asked for is so already
_LOST: Final = "lost"
_SO_ALREADY: Final = "no-change"

# ccxt's classes, the most special first; classes not named here follow their parents
_BY_CLASS: Final[Mapping[str, Reason]] = {
    "DDoSProtection": "rate-limit",
    "RateLimitExceeded": "rate-limit",
    "OnMaintenance": "maintenance",
    "InvalidNonce": "clock",
    "ChecksumError": "lost",
    "ExchangeNotAvailable": "lost",
    "RequestTimeout": "lost",
    "NetworkError": "lost",
    "BadResponse": "lost",
    "CancelPending": "lost",
    "OperationFailed": "lost",
    "ExchangeClosedByUser": "lost",
    "UnsubscribeError": "lost",
    "AuthenticationError": "auth",
    "RestrictedLocation": "auth",
    "NoChange": "no-change",
    "InsufficientFunds": "margin",
    "OrderNotFound": "unknown-order",
    "OrderNotCached": "unknown-order",
    "OrderImmediatelyFillable": "would-trigger",
    "OrderNotFillable": "would-take",
    "DuplicateOrderId": "duplicate-id",
    "BadSymbol": "filter",
    "ExchangeError": "",
    "BaseError": "",
}
_CODE: Final = re.compile(r"""["']?(?:\b(?:code|retCode|sCode|ret_code|errorCode))["']?\s*[:=]\s*["']?(-?\d+)["']?""")


def answer_of(error: BaseException, codes: Mapping[str, Reason]) -> Answer:
    """What an error of ccxt, or of the network below it, means; `codes` are the venue's numbers in our words."""
    text = plain_words(str(error))
    code, reason = "", _class_reason(error)
    for found in _CODE.findall(str(error)):
        code = code if code and found in ("0", "200") else found
        if found in codes:
            code, reason = found, codes[found]
            break
    until_ms = banned_until_ms(text)
    if until_ms is not None or " 418 " in text:
        reason = "banned"
    outcome = "unknown" if reason == _LOST else "accepted" if reason == _SO_ALREADY else "rejected"
    return Answer(
        outcome=outcome,  # type: ignore[arg-type] # one of the three
        code=code,
        reason=reason,
        message=text,
        until_wall_ms=until_ms,
    )


def _class_reason(error: BaseException) -> Reason:
    ccxt: Any = load_ccxt()
    if not isinstance(error, ccxt.BaseError):
        return "lost"  # sockets, time-outs, bugs between us and the venue: it may have gone out
    for kind in type(error).__mro__:
        if kind.__name__ in _BY_CLASS:
            return _BY_CLASS[kind.__name__]
    raise AssertionError("BaseError is in the table")
