"""One backtest in a process of its own: words come in on stdin, progress and the end go out on stdout, a line each.

It ends with its parent. Until everything is written the results lie in a folder that no list shows.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

EVERY_S = 0.1
NICE = 5  # pages go on moving meanwhile


def main() -> None:
    """Do what the first line of stdin asks."""
    asked = json.loads(sys.stdin.buffer.readline())
    folder = Path(asked["folder"])
    threading.Thread(target=_follow_parent, args=(folder,), daemon=True).start()
    with contextlib.suppress(OSError):
        os.nice(NICE)
    said = _Said()
    said.tell(what="loading the program", done=0, total=None)
    logger = logging.getLogger("bearskin.app")
    logger.setLevel(logging.INFO)
    logger.addHandler(said)
    from bearskin.terms import BearskinError

    try:
        _done(asked, folder, said)
    except BearskinError as error:
        said.tell(failed=str(error))
    except Exception as error:  # the parent tells it: this process has no screen
        logging.getLogger("bearskin").exception("the backtest broke")
        said.tell(failed=f"our bug ({type(error).__name__}: {error}); the log of the dashboard has more")


def _done(asked: dict[str, Any], folder: Path, said: _Said) -> None:
    from bearskin.app._backtest import backtest, write
    from bearskin.app._house import open_house
    from bearskin.app._made_up import SYNTHETIC, synthetic_made

    words, home, store = asked["words"], asked["home"], asked["store"]
    if asked["market"] == SYNTHETIC:
        house = open_house(home, store=store, interval=words.get("interval"))
        store = synthetic_made(house, house.settings.interval, said.progress)
        words = {**words, "venue": SYNTHETIC, "product": "linear"}
    said.progress("reading", 0, None)
    result = backtest(**words, home=home, store=store, progress=said.progress)
    said.tell(what="writing the results", done=0, total=None)
    write(result, folder, html=True)
    said.tell(finished=True)


class _Said(logging.Handler):
    """What this process says: progress not more often than anybody looks, notes at once."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._last_s = 0.0
        self._what = ""
        self._line = threading.Lock()

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Tell how far it is."""
        now_s = time.monotonic()
        if what != self._what or now_s - self._last_s >= EVERY_S:
            self._what, self._last_s = what, now_s
            self.tell(what=what, done=done, total=total)

    def emit(self, record: logging.LogRecord) -> None:
        """What the log says is a note."""
        self.tell(note=record.getMessage())

    def tell(self, **said: Any) -> None:
        """One line."""
        with self._line:
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()


def _follow_parent(folder: Path) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4_096):
            pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
