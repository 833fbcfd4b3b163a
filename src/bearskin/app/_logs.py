"""Logs: a rotated file for each kind of process under the home, without secrets, and notes for a person on stderr."""

from __future__ import annotations

import fcntl
import logging
import logging.handlers
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bearskin.live import guard_loggers, scrubbed

KINDS = {"trade": "bot", "exchange": "exchange", "demo": "demo"}  # commands that keep running have a file of their own
OTHERS = "bearskin"
LOCK_FILE = ".lock"
BYTES_MAX = 1_000_000
FILES_KEPT = 5
HIDDEN = "***"

# begins where a word begins, else a long line without a secret takes the square of its length
_NAME = r"(?<![\w-])[\w-]*(?:key|secret|token|password|passphrase|authorization)"
_VALUE = r"""'[^']*'|"[^"]*"|(?:Bearer\s+|Basic\s+)?[^\s,;&'"(){}\[\]]+"""
_NAMED = re.compile(rf"""(?i)({_NAME})(['"]?\s*[:=]\s*)(?:{_VALUE})""")
_PLACE = re.compile(rf"""(?i)(?P<secret>{_NAME}['"]?\s*[:=]?\s*)?%(?!%)[-#0 +]*[\d.]*[a-z]""")
_SECRET_NAME = re.compile(rf"(?i){_NAME}$")


def redacted(text: str) -> str:
    """`text` with the value after every name that ends in key, secret, token or password hidden, and known secrets."""
    return scrubbed(_NAMED.sub(rf"\1\2{HIDDEN}", text))


class Redacting(logging.Filter):
    """Hides arguments that belong to a secret name, before anything formats them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record's args are replaced where they were secret."""
        if isinstance(record.args, Mapping):
            record.args = _without_secrets(record.args)
        elif record.args:
            places = [bool(match["secret"]) for match in _PLACE.finditer(str(record.msg))]
            record.args = tuple(
                HIDDEN if i < len(places) and places[i] else _without_secrets(arg) for i, arg in enumerate(record.args)
            )
        return True


class RedactingFormatter(logging.Formatter):
    """Formats, tracebacks included, then hides what still reads `name=value` with a secret name."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        return redacted(super().format(record))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: HIDDEN if _SECRET_NAME.search(str(k)) else _without_secrets(v) for k, v in value.items()}
    return value


def guard_process() -> None:
    """Have what Python and the libraries print on their own pass the same sieve: once, in a process of our own."""

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = hook
    threading.excepthook = lambda told: hook(told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback)
    sys.unraisablehook = lambda told: hook(told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback)
    guard_loggers()


class LazyFile(logging.handlers.RotatingFileHandler):
    """Makes its folder and file with the first record, so that looking at a home does not make one.

    Several processes of a kind may write one file: one of them rotates it, under a lock, and the others follow. What
    cannot be written is said once on stderr and then forgotten: a full disk must not stop a plan.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=BYTES_MAX, backupCount=FILES_KEPT, encoding="utf-8", delay=True)
        self._complained = False

    def _open(self) -> Any:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write to the file that has the name now."""
        try:
            if self.stream is not None and not self._current():  # the next record opens the new one
                self.stream.close()
                self.stream = None
        except OSError:
            self.handleError(record)
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 - the name is logging's
        """Rotate, unless another process has done so meanwhile."""
        with Path(self.baseFilename).with_name(LOCK_FILE).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._current() and Path(self.baseFilename).stat().st_size:
                super().doRollover()

    def _current(self) -> bool:
        """Whether our stream is the file of that name."""
        if self.stream is None:
            return False
        try:
            there, ours = Path(self.baseFilename).stat(), os.fstat(self.stream.fileno())
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the signature is logging's
        """One line on stderr, once."""
        if not self._complained:
            self._complained = True
            print(f"the log {self.baseFilename} cannot be written: {sys.exc_info()[1]}", file=sys.stderr)  # noqa: T201


def start_logging(folder: Path, level: str, command: str = "") -> logging.Handler:
    """Send the `bearskin` loggers to the file of a command's kind in `folder` (1 MB, five older ones kept).

    bot.log, exchange.log, demo.log, and bearskin.log for all else. Undone by `stop_logging`.
    """
    handler = LazyFile(folder / f"{KINDS.get(command, OTHERS)}.log")
    handler.setLevel(level.upper())
    handler.addFilter(Redacting())
    formatter = RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger("bearskin").addHandler(handler)
    return handler


def stop_logging(handler: logging.Handler) -> None:
    """Detach and close a handler of `start_logging`."""
    logging.getLogger("bearskin").removeHandler(handler)
    handler.close()
