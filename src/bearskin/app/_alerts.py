"""Alerts: what happens is told where a person hears it, through Apprise, without ever holding up the loop.

`Alerts.told` takes a record of the audit stream and returns at once; a thread of its own merges, waits and sends. What
cannot be sent is logged by the name of its service: an address holds a token, so it is never shown.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from bearskin.app._alert_settings import NOT_TOLD, QuietHours, kinds_of, quiet_hours
from bearskin.app._alert_words import RANK, Alert, alerts_of
from bearskin.engine import Record
from bearskin.live import hide, scrubbed
from bearskin.terms import BadInput

logger = logging.getLogger("bearskin.app")

WAITING_MAX: Final = 1_000
GATHER_S: Final = 2.0  # what happens together is told together
BETWEEN_S: Final = 10.0  # the least between two messages, unless something critical is waiting
REPEAT_S: Final = 300.0  # the same sentence is told once in this time, then counted
LINES_MAX: Final = 20
HELD_MAX: Final = 200
ATTEMPTS: Final = 3
CLOSING_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes out at once."""

    title: str
    body: str
    severity: str


@dataclass(slots=True, kw_only=True)
class Outbox:
    """Decides what is told when; pure but for what it holds. Times are seconds of one clock and minutes of the day."""

    where: str = ""
    off: frozenset[str] = frozenset(NOT_TOLD)
    quiet: QuietHours | None = None
    _waiting: list[Alert] = field(default_factory=list)
    _held: list[Alert] = field(default_factory=list)
    _told: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    _last_s: float = -1e18
    _since_s: float = 0.0

    def add(self, alert: Alert, now_s: float) -> None:
        """Take one in, unless its kind is off or it was told just now."""
        if alert.kind in self.off and alert.severity != "critical":
            return
        key = (alert.kind, alert.text)
        told_s, times = self._told.get(key, (-1e18, 0))
        if now_s - told_s < REPEAT_S:
            self._told[key] = (told_s, times + 1)
            return
        if times:
            text = f"{alert.text} (and {times} times more in between)"
            alert = Alert(
                kind=alert.kind, severity=alert.severity, symbol=alert.symbol, text=text, wall_ns=alert.wall_ns
            )
        self._told[key] = (now_s, 0)
        if len(self._told) > WAITING_MAX:
            self._told = {k: v for k, v in self._told.items() if now_s - v[0] < REPEAT_S}
        if not self._waiting:
            self._since_s = now_s
        self._waiting.append(alert)

    def due(self, now_s: float, minute: int, *, closing: bool = False) -> Message | None:
        """The message that is to go out now, None when there is none."""
        urgent = any(alert.severity == "critical" for alert in self._waiting)
        if self.quiet is not None and self.quiet.holds(minute) and not closing:
            self._held = [*self._held, *(a for a in self._waiting if a.severity != "critical")][-HELD_MAX:]
            self._waiting = [alert for alert in self._waiting if alert.severity == "critical"]
        elif self._held:
            self._waiting, self._held = [*self._held, *self._waiting], []
            self._since_s = min(self._since_s, now_s - GATHER_S)
        if not self._waiting:
            return None
        gathered = now_s - self._since_s >= GATHER_S and now_s - self._last_s >= BETWEEN_S
        if not (urgent or gathered or closing):
            return None
        waiting, self._waiting, self._last_s = self._waiting, [], now_s  # first: what cannot be worded is gone too
        return _message(waiting, self.where)


def _message(alerts: Sequence[Alert], where: str) -> Message:
    """Alerts in one message, the gravest first; what is over the brim is counted."""
    ranked = sorted(alerts, key=lambda alert: -RANK[alert.severity])
    lines = [scrubbed(alert.text) for alert in ranked[:LINES_MAX]]
    if len(ranked) > LINES_MAX:
        lines.append(f"and {len(ranked) - LINES_MAX} more")
    first = ranked[0]
    rest = f" and {len(ranked) - 1} more" if len(ranked) > 1 else ""
    return Message(
        title=f"bearskin{where and ' '}{where}: {first.kind}{rest}", body="\n".join(lines), severity=first.severity
    )


class Sender(Protocol):
    """Brings one message to one address; true when it arrived."""

    @property
    def name(self) -> str:
        """The service, without what is secret about the address."""

    def send(self, message: Message) -> bool:
        """Try once; may raise."""


class AppriseSender:
    """One address of Apprise's; raises BadInput for one it does not know, without showing it."""

    def __init__(self, url: str) -> None:
        hide_address(url)
        self.name = scheme_of(url)
        self._one = load_apprise().Apprise()
        if not self._one.add(url):
            raise BadInput(f"the {self.name} address of alert_urls is not one that Apprise takes: see docs/alerts.md")

    def send(self, message: Message) -> bool:
        """Try once."""
        kinds = {"info": "info", "warning": "warning", "critical": "failure"}
        return bool(self._one.notify(body=message.body, title=message.title, notify_type=kinds[message.severity]))


class Alerts:
    """Tells the audit stream to every sender; `told` fits `Runner.subscribe`. A context, or start and close it."""

    def __init__(
        self,
        senders: Sequence[Sender],
        outbox: Outbox,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        minute: Callable[[], int] | None = None,
        backoff_s: float = 2.0,
    ) -> None:
        self._senders, self._outbox = tuple(senders), outbox
        self._clock_s, self._minute = clock_s, minute or _local_minute
        self._backoff_s = backoff_s
        self._waiting: queue.Queue[Alert | None] = queue.Queue(WAITING_MAX)
        self._closing = threading.Event()
        self._lost = 0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Alerts:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)
        self._thread.start()

    def told(self, sequence: int, record: Record) -> None:  # noqa: ARG002 - the signature of a subscriber
        """Take a record of the audit stream; never waits, never raises."""
        try:
            for alert in alerts_of(record):
                self.put(alert)
        except Exception:
            logger.exception("an alert could not be worded")

    def put(self, alert: Alert) -> None:
        """Take one alert; where too many wait it is dropped and counted."""
        try:
            self._waiting.put_nowait(alert)
        except queue.Full:
            self._lost += 1

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Send what waits and end; what does not get out within the time is given up."""
        if self._thread is None:
            return
        self._closing.set()
        with contextlib.suppress(queue.Full):  # then there is enough to wake it
            self._waiting.put_nowait(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.warning("alerts: what still waited was not sent within %s s", timeout_s)
        self._thread = None

    def _work(self) -> None:
        while True:
            self._take()
            closing = self._closing.is_set() and self._waiting.empty()
            if self._lost:
                lost, self._lost = self._lost, 0
                logger.warning("alerts: %d were dropped, too many waited", lost)
            try:
                message = self._outbox.due(self._clock_s(), self._minute(), closing=closing)
                if message is not None:
                    for sender in self._senders:
                        self._bring(sender, message)
            except Exception:
                logger.exception("alerts: a message could not be made")
            if closing:
                return

    def _take(self) -> None:
        """Wait for an alert, half a second at most, and take all there are."""
        try:
            alert = self._waiting.get(timeout=0.5)
            while True:
                if alert is not None:
                    self._outbox.add(alert, self._clock_s())
                alert = self._waiting.get_nowait()
        except queue.Empty:
            return

    def _bring(self, sender: Sender, message: Message) -> None:
        attempts = ATTEMPTS if message.severity == "critical" else 1
        for attempt in range(1, attempts + 1):
            try:
                if sender.send(message):
                    return
                why = "it was not taken"
            except Exception as error:  # noqa: BLE001 - whatever a service does, the desk goes on
                why = type(error).__name__
            if attempt < attempts:
                self._closing.wait(self._backoff_s * 2 ** (attempt - 1))
        logger.warning("alerts: nothing reached %s (%s): %s", sender.name, why, message.title)


def open_alerts(
    urls: Sequence[str], *, off: str | None = None, quiet: str | None = None, where: str = ""
) -> Alerts | None:
    """Alerts to `urls` (None where there are none); `where` stands in their titles.

    Raises BadInput for an address, kind or time that cannot be.
    """
    outbox = Outbox(where=where, off=kinds_of(off), quiet=None if quiet is None else quiet_hours(quiet))
    if not urls:
        return None
    return Alerts([AppriseSender(url) for url in urls], outbox)


def scheme_of(url: str) -> str:
    """What an address may be called: its scheme, else `an`."""
    match = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]{0,30})://", url)
    return match[1].lower() if match else "an"


def hide_address(url: str) -> None:
    """Have the address, and every longer piece of it, taken out of logs from now on."""
    hide(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    pieces = re.split(r"[/@:&=?]", f"{parts.netloc}/{parts.path}/{parts.query}")
    hide(*(form for piece in pieces for form in {piece, unquote(piece)} if len(form) >= 8 and "." not in form))


def _local_minute() -> int:
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min


def load_apprise() -> Any:
    """Apprise with all its services; raises BadInput saying how to install it when it is not there."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # what its services use is theirs to mend
            import apprise

            apprise.Apprise().add("json://localhost")  # services are loaded with the first address
    except ImportError:
        raise BadInput("alerts go through Apprise, which is missing here: pip install 'bearskin[alerts]'") from None
    return apprise
