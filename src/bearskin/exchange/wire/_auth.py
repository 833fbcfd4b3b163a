"""Whose request it is: key, signature, time stamp, and whether it was heard before.

The signature covers the raw query and the raw body as they came over the wire, the signature itself taken out wherever
it stands: no client's way of encoding has to be guessed.
"""

from __future__ import annotations

import base64
import hmac
import importlib
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from bearskin.exchange._codes import Code
from bearskin.exchange.wire._params import Denied, missing

if TYPE_CHECKING:
    from bearskin.exchange._keys import KeyOwner, Keys

RECV_WINDOW_MS = 5_000
RECV_WINDOW_MS_MAX = 60_000
AHEAD_MS_MAX = 1_000
KEY_LENGTH_MAX = 256
SIGNATURE = b"signature="


def take_signature(raw: bytes) -> tuple[bytes, bytes]:
    """`raw` without its signature parameter, and the signature's value (empty when there is none)."""
    at = raw.rfind(SIGNATURE)
    while at > 0 and raw[at - 1] != 0x26:  # the name must stand at the start or after an ampersand
        at = raw.rfind(SIGNATURE, 0, at)
    if at < 0:
        return raw, b""
    end = raw.find(b"&", at)
    if end < 0:
        return raw[: at - 1] if at else b"", raw[at + 10 :]
    return raw[:at] + raw[end + 1 :], raw[at + 10 : end]


def signed_text(query: bytes, body: bytes) -> tuple[bytes, bytes]:
    """What the signature of a request covers, and the signature."""
    if body:
        rest, signature = take_signature(body)
        if signature:
            if SIGNATURE in query and take_signature(query)[1]:
                raise Denied(Code.TOO_MANY_PARAMETERS, "Duplicate values for parameter 'signature' detected.")
            return query + rest, signature
        rest_of_query, signature = take_signature(query)
        return rest_of_query + body, signature
    return take_signature(query)


def key_owner(keys: Keys, api_key: bytes | str | None) -> KeyOwner:
    """Whose an API key is."""
    if not api_key or len(api_key) > KEY_LENGTH_MAX:
        raise Denied(Code.BAD_API_KEY, "API-key format invalid.", 401)
    if isinstance(api_key, bytes):
        if not api_key.isalnum():
            raise Denied(Code.BAD_API_KEY, "API-key format invalid.", 401)
        api_key = api_key.decode("ascii")
    elif not (api_key.isalnum() and api_key.isascii()):
        raise Denied(Code.BAD_API_KEY, "API-key format invalid.", 401)
    owner = keys.secret_of(api_key)
    if owner is None:
        raise Denied(Code.REJECTED_KEY, "Invalid API-key, IP, or permissions for action.", 401)
    return owner


def check_signature(owner: KeyOwner, covered: bytes, signature: bytes) -> bytes:
    """Refuse a request whose signature is missing or not its owner's.

    Returns what stands for the request when it is heard again: the same however its signature was spelled.
    """
    if not signature:
        raise missing("signature")
    if owner.kind == "HMAC":
        right = hmac.digest(owner.secret, covered, "sha256").hex().encode()
        if hmac.compare_digest(right, signature.lower()):
            return right
    elif is_signed_by(owner, covered, signature):
        return hmac.digest(owner.secret, covered, "sha256")
    raise Denied(Code.INVALID_SIGNATURE, "Signature for this request is not valid.")


def is_signed_by(owner: KeyOwner, covered: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 or RSA (PKCS 1.5, SHA-256) key made the signature; base64, percent-encoded or not.

    Looked at with the `cryptography` package, which is not a dependency: without it such keys are refused.
    """
    try:
        invalid_signature = importlib.import_module("cryptography.exceptions").InvalidSignature
        serialization = importlib.import_module("cryptography.hazmat.primitives.serialization")
    except ImportError:
        raise Denied(
            Code.INVALID_SIGNATURE, "Ed25519 and RSA signatures need the package `cryptography` beside the exchange."
        ) from None
    try:
        raw = base64.b64decode(unquote_to_bytes(signature), validate=True)
        public = serialization.load_pem_public_key(owner.secret)
        if owner.kind == "ED25519":
            public.verify(raw, covered)
        else:
            padding = importlib.import_module("cryptography.hazmat.primitives.asymmetric.padding")
            hashes = importlib.import_module("cryptography.hazmat.primitives.hashes")
            public.verify(raw, covered, padding.PKCS1v15(), hashes.SHA256())
    except (invalid_signature, ValueError, TypeError):
        return False
    return True


def is_public_key(kind: str, pem: str) -> bool:
    """Whether `pem` is a public key of that kind; where the `cryptography` package is missing nobody can tell: True."""
    try:
        serialization = importlib.import_module("cryptography.hazmat.primitives.serialization")
    except ImportError:
        return True
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except (ValueError, TypeError):
        return False
    return type(public).__name__.upper().startswith(kind)


def check_time(args: Mapping[str, str], now_ms: int) -> int:
    """The wall time in ms at which the request was sent; refuse one from outside its window."""
    sent = args.get("timestamp")
    if not sent:
        raise missing("timestamp")
    window = args.get("recvWindow")
    if not (sent.isdigit() and sent.isascii() and len(sent) <= 16):
        raise Denied(
            Code.ILLEGAL_CHARS, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'."
        )
    window_ms = RECV_WINDOW_MS
    if window is not None:
        # the venue takes fractions of a millisecond too; whole ones are enough for every client
        if not (window.isdigit() and window.isascii() and len(window) <= 9):
            raise Denied(Code.BAD_RECV_WINDOW, "recvWindow must be a whole number of milliseconds.")
        window_ms = int(window)
        if window_ms > RECV_WINDOW_MS_MAX:
            raise Denied(Code.BAD_RECV_WINDOW, f"recvWindow must be less than {RECV_WINDOW_MS_MAX}.")
    sent_ms = int(sent)
    if sent_ms >= now_ms + AHEAD_MS_MAX:
        raise Denied(
            Code.INVALID_TIMESTAMP, f"Timestamp for this request was {AHEAD_MS_MAX}ms ahead of the server's time."
        )
    if now_ms - sent_ms > window_ms:
        raise Denied(Code.INVALID_TIMESTAMP, "Timestamp for this request is outside of the recvWindow.")
    return sent_ms


class Heard:
    """Marks of requests that must not be carried out twice, each for as long as its window can last.

    What was signed before `since_ms`, when this memory began, may have been carried out by an earlier run of the
    exchange: it is refused too.
    """

    __slots__ = ("_known", "_queue", "_since_ms")

    def __init__(self, since_ms: int) -> None:
        self._since_ms = since_ms
        self._known: dict[bytes, None] = {}
        self._queue: deque[tuple[int, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._known)

    def once(self, mark: bytes, sent_ms: int, now_ms: int) -> None:
        """Remember `mark`; refuse it when it is remembered already."""
        if sent_ms < self._since_ms:
            raise Denied(Code.INVALID_TIMESTAMP, "Timestamp for this request is from before the exchange was started.")
        queue, known = self._queue, self._known
        while queue and queue[0][0] < now_ms:
            known.pop(queue.popleft()[1], None)
        if mark in known:
            raise Denied(Code.INVALID_SIGNATURE, "Signature for this request is not valid: it was used before.")
        known[mark] = None
        # kept for the longest window, not its own: so the queue is in order, and holds a minute's orders at most
        queue.append((now_ms + RECV_WINDOW_MS_MAX + AHEAD_MS_MAX, mark))
