"""Notes of the audit stream out to an address of the user's: signed, in order, retried, never in the loop's way."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bearskin.app._alert_settings import checked_url
from bearskin.app._alert_words import Alert, alerts_of
from bearskin.app._alerts import hide_address
from bearskin.engine import Record
from bearskin.live import Secret, scrubbed
from bearskin.terms import iso

logger = logging.getLogger("bearskin.app")

TIME_HEADER: Final = "X-Bearskin-Timestamp"
SIGNATURE_HEADER: Final = "X-Bearskin-Signature"
WAITING_MAX: Final = 1_000
BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
TIMEOUT_S: Final = 5.0
CLOSING_S: Final = 10.0
AGAIN: Final = frozenset((408, 425, 429))  # what may pass; every 5xx too


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `timestamp.body` under the secret, as both doors write it: `sha256=` and 64 hex digits."""
    signed = hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One body on its way; `id` is the same for every attempt, so that the receiver can drop repeats."""

    id: str
    body: bytes


class Poster(Protocol):
    """Posts a body once and tells the status; raises OSError or a client's own error when nothing came back."""

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer."""


class Webhook:
    """Sends every alert's note as JSON; `told` fits `Runner.subscribe`. A context, or start and close it.

    `kinds` are those of alerts, None for all. `run` goes into every body. Bodies are sent one by one, in order.
    """

    def __init__(
        self,
        url: str,
        secret: Secret,
        *,
        run: str,
        kinds: frozenset[str] | None = None,
        post: Poster | None = None,
        wall_s: Callable[[], float] = time.time,
        backoff_s: tuple[float, ...] = BACKOFF_S,
    ) -> None:
        hide_address(url)
        self._url, self._secret, self._run, self._kinds = checked_url(url), secret, run, kinds
        self._post = post or _post
        self._wall_s, self._backoff_s = wall_s, backoff_s
        self._waiting: queue.Queue[Outgoing | None] = queue.Queue(WAITING_MAX)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Webhook:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        self._thread.start()

    def told(self, sequence: int, record: Record) -> None:
        """Take a record of the audit stream; never waits, never raises."""
        try:
            for number, alert in enumerate(alerts_of(record)):
                if self._kinds is not None and alert.kind not in self._kinds:
                    continue
                # a rule rings beside the audit stream: its sequence is that of another record
                beside = alert.kind == "rule"
                name = f"{self._run}-{f'rule-{alert.wall_ns}' if beside else sequence}-{number}"
                thing = {"id": name, "run": self._run, "sequence": sequence, **_alert_json(alert)}
                text = scrubbed(json.dumps(thing, ensure_ascii=False))
                self._waiting.put_nowait(Outgoing(id=name, body=text.encode()))
        except queue.Full:
            logger.warning("webhook: a note was dropped, %d wait already", WAITING_MAX)
        except Exception:
            logger.exception("a note could not be made into a webhook")

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Send what waits, each once more at most, and end; what does not get out within the time is given up."""
        if self._thread is None:
            return
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.warning("webhook: what still waited was not sent within %s s", timeout_s)
        self._thread = None

    def _work(self) -> None:
        while True:
            made = self._waiting.get()
            if made is not None:
                self._bring(made)
            if self._closing.is_set() and self._waiting.empty():
                return

    def _bring(self, made: Outgoing) -> None:
        why = ""
        for wait_s in (*self._backoff_s, None):
            stamp = str(int(self._wall_s()))
            headers = {
                "Content-Type": "application/json",
                "Idempotency-Key": made.id,
                TIME_HEADER: stamp,
                SIGNATURE_HEADER: signature(self._secret, stamp, made.body),
            }
            try:
                status = self._post(self._url, made.body, headers)
            except Exception as error:  # noqa: BLE001 - whatever the way there does, the desk goes on
                why = type(error).__name__
            else:
                if 200 <= status < 300:
                    return
                why = f"HTTP {status}"
                if status < 500 and status not in AGAIN:
                    break
            if wait_s is None or self._closing.is_set():
                break
            self._closing.wait(wait_s)
        logger.warning("webhook: %s was not taken (%s)", made.id, why)


def _alert_json(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind,
        "severity": alert.severity,
        "symbol": alert.symbol or None,
        "text": alert.text,
        "at": iso(alert.wall_ns),
    }


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    import httpx

    return httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_S, follow_redirects=False).status_code
