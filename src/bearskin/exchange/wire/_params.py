"""What a client sent, read strictly: every name known, every number plain, nothing twice.

A refusal of the wire is raised as `Denied` and answered with the venue's code; it never reaches the exchange.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import unquote_to_bytes

import msgspec

from bearskin.exchange._codes import Code

DIGITS_MAX = 20  # significant digits of a number; the exact context of the core holds products of three such
INTEGER_DIGITS_MAX = 18
PARAMETERS_MAX = 64
PAGES_MAX = 1_000_000
HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}\Z")
NUMBER = re.compile(r"(-?)(\d*)(?:\.(\d*))?\Z", re.ASCII)
SIGNING = frozenset(("timestamp", "recvWindow", "signature"))


class Denied(Exception):
    """The request is refused: a code of the venue, its sentence and the HTTP status."""

    def __init__(
        self, code: int, message: str, status: int = 400, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
        self.status = status
        self.headers = headers

    def body(self) -> dict[str, object]:
        """The venue's form of a refusal."""
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> Denied:
    """A mandatory parameter was not sent."""
    return Denied(Code.MANDATORY_PARAM, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> Denied:
    """What was sent for a parameter is not of its form."""
    return Denied(Code.INVALID_PARAMETER, f"Data sent for parameter '{name}' is not valid.")


def plain(raw: bytes) -> str:
    """A name or value as text: percent-encoding and plus signs undone, UTF-8 only."""
    if b"%" in raw or b"+" in raw:
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Denied(Code.ILLEGAL_CHARS, "Illegal characters found in a parameter.") from None
    if not text.isprintable():
        raise Denied(Code.ILLEGAL_CHARS, "Illegal characters found in a parameter.")
    return text


def parse_pairs(raw: bytes, into: dict[str, str]) -> None:
    """Add the `name=value` pairs of a query or a form body to `into`, the signature left out."""
    bare = None
    if raw.isascii() and b"%" not in raw and b"+" not in raw:
        bare = raw.decode()
        if not bare.isprintable():
            raise Denied(Code.ILLEGAL_CHARS, "Illegal characters found in a parameter.")
    if bare is not None:  # the common case at once, the others pair by pair
        pairs = [pair.partition("=") for pair in bare.split("&")]
    else:
        parts = [pair.partition(b"=") for pair in raw.split(b"&")]
        pairs = [(plain(name), "=" if equals else "", plain(value)) for name, equals, value in parts]
    for name, equals, value in pairs:
        if name == "signature" or not (name or equals):
            continue
        if not equals:
            raise Denied(Code.PARAM_EMPTY, f"Parameter '{name[:40]}' was empty.")
        if name in into:
            raise Denied(Code.TOO_MANY_PARAMETERS, f"Duplicate values for parameter '{name[:40]}' detected.")
        into[name] = value
    if len(into) > PARAMETERS_MAX:
        raise Denied(Code.TOO_MANY_PARAMETERS, f"Too many parameters; at most {PARAMETERS_MAX} are read.")


def check_names(args: Mapping[str, str], known: frozenset[str]) -> None:
    """Refuse a parameter the endpoint does not take, by name: one that is ignored would be trusted in vain."""
    for name, value in args.items():
        if name not in known and name not in SIGNING:
            raise Denied(
                Code.UNREAD_PARAM,
                f"Not all sent parameters were read: '{name[:40]}' is not a parameter of this endpoint.",
            )
        if not value:
            raise Denied(Code.PARAM_EMPTY, f"Parameter '{name[:40]}' was empty.")


def need(args: Mapping[str, str], name: str) -> str:
    """The text of a mandatory parameter."""
    found = args.get(name)
    if not found:
        raise missing(name)
    return found


def number(args: Mapping[str, str], name: str, below_zero: Code = Code.INVALID_PARAMETER) -> Decimal | None:
    """A decimal that is not negative, or None when it was not sent.

    Digits with at most one point, at most 20 of them significant (else -1111); no exponent, no NaN (-1130); negative
    is answered with `below_zero`.
    """
    text = args.get(name)
    if text is None:
        return None
    if len(text) <= DIGITS_MAX and text.isdigit() and text.isascii():
        return Decimal(text)
    match = NUMBER.match(text)
    if match is None:
        raise invalid(name)
    sign, whole, part = match.groups()
    digits = whole + (part or "")
    if not digits:
        raise invalid(name)
    if sign:
        if below_zero is Code.INVALID_PARAMETER:
            raise invalid(name)
        raise Denied(below_zero, f"Parameter '{name}' is less than zero.")
    if len(digits.lstrip("0")) > DIGITS_MAX or len(digits) > 2 * DIGITS_MAX:
        raise Denied(Code.BAD_PRECISION, f"Precision is over the maximum defined for parameter '{name}'.")
    return Decimal(text)


def integer(args: Mapping[str, str], name: str) -> int | None:
    """A whole number that is not negative, or None when it was not sent."""
    text = args.get(name)
    if text is None:
        return None
    if len(text) > INTEGER_DIGITS_MAX or not text.isdigit() or not text.isascii():
        raise invalid(name)
    return int(text)


def limited(args: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A count of rows from 1 to `most`; anything else is refused, as the venue does."""
    found = integer(args, name)
    if found is None:
        return default
    if not 0 < found <= most:
        raise invalid(name)
    return found


def paged(args: Mapping[str, str], start_ms: int | None, limit: int) -> tuple[int | None, int, int]:
    """Start, how many rows to read and how many of those to leave out for `page`, which is counted from 1.

    Without a page nothing changes; with one rows are counted from the start of the history.
    """
    page = integer(args, "page")
    if page is None:
        return start_ms, limit, 0
    if not 0 < page <= PAGES_MAX:
        raise invalid("page")
    return start_ms or 0, page * limit, (page - 1) * limit


def flag(args: Mapping[str, str], name: str) -> bool | None:
    """A truth value in any case (python-binance sends `False`), or None when it was not sent."""
    text = args.get(name)
    if text is None:
        return None
    low = text.lower()
    if low == "true":
        return True
    if low == "false":
        return False
    raise invalid(name)


def choice(args: Mapping[str, str], name: str, allowed: tuple[str, ...], code: Code, message: str) -> str | None:
    """One word of `allowed`, or None when it was not sent."""
    text = args.get(name)
    if text is None or text in allowed:
        return text
    raise Denied(code, message)


def client_id(args: Mapping[str, str], name: str) -> str | None:
    """A client order id of the venue's form."""
    text = args.get(name)
    if text is None:
        return None
    if not CLIENT_ID.match(text):
        raise Denied(
            Code.ILLEGAL_CHARS,
            f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'.",
        )
    return text


def span(args: Mapping[str, str]) -> tuple[int | None, int | None]:
    """startTime and endTime in ms; an end before its start is refused."""
    start_ms, end_ms = integer(args, "startTime"), integer(args, "endTime")
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        raise Denied(Code.START_AFTER_END, "Start time is greater than end time.")
    return start_ms, end_ms


def span_of_hour(args: Mapping[str, str]) -> tuple[int | None, int | None]:
    """As `span`; an hour at most between the two where both are sent."""
    start_ms, end_ms = span(args)
    if start_ms is not None and end_ms is not None and end_ms - start_ms > HOUR_MS:
        raise Denied(Code.MORE_THAN_HOURS, "More than 1 hours between startTime and endTime.")
    return start_ms, end_ms


def span_of_week(args: Mapping[str, str]) -> tuple[int | None, int | None]:
    """As `span`; seven days at most between the two where both are sent."""
    start_ms, end_ms = span(args)
    if start_ms is not None and end_ms is not None and end_ms - start_ms > WEEK_MS:
        raise Denied(Code.INTERVAL_TOO_LONG, "Invalid time interval. Maximum time interval is 7 days.")
    return start_ms, end_ms


ROWS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
WORDS = msgspec.json.Decoder(list[msgspec.Raw])


def texts(row: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """The values of a JSON object as a form would carry them: strings bare, numbers and truths as written."""
    return {name: text_of(raw) for name, raw in row.items()}


def text_of(raw: msgspec.Raw) -> str:
    """One JSON value as a form would carry it."""
    data = bytes(raw)
    if data[:1] == b'"':
        return str(msgspec.json.decode(data))
    return data.decode()


def rows_of(args: Mapping[str, str], name: str) -> list[dict[str, str]]:
    """A JSON list of objects sent as one parameter (batchOrders)."""
    try:
        found = ROWS.decode(need(args, name))
        return [texts(row) for row in found]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid(name) from None


def words_of(args: Mapping[str, str], name: str) -> list[str] | None:
    """A JSON list of plain values sent as one parameter (orderIdList), or None when it was not sent."""
    if name not in args:
        return None
    try:
        return [text_of(raw) for raw in WORDS.decode(args[name])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid(name) from None
