"""Processes that a command starts and takes down with itself."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bearskin.terms import BadInput, BearskinError

KILL_AFTER_S = 15.0


class ChildBroken(BearskinError):
    """A process that was started did not do what it was started for."""


class Child:
    """A command of ours running in a process of its own, `log` taking what it says on stderr.

    It stands in a session of its own, so that Ctrl-C reaches only us, and ends by itself when we are gone.
    """

    def __init__(self, name: str, words: Sequence[str], log: Path) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", "bearskin.app._child", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._said: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._listen, name=f"bearskin-{name}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def first_object(self, timeout_s: float) -> dict[str, Any]:
        """The JSON object it says first on stdout; raises what it says instead, or ChildBroken."""
        try:
            line = self._said.get(timeout=timeout_s)
        except queue.Empty:
            raise ChildBroken(f"the {self.name} has not answered within {timeout_s:g} s: see {self.log}") from None
        try:
            said = json.loads(line or b"")
        except ValueError:
            said = {}
        if not isinstance(said, dict) or not said or "error" in said:
            self._process.wait(KILL_AFTER_S)
            raise self._failure(said if isinstance(said, dict) else {})
        return said

    def heard(self) -> dict[str, Any] | None:
        """The next JSON object it has said on stdout, None when it has said nothing yet."""
        with contextlib.suppress(queue.Empty, ValueError):
            line = self._said.get_nowait()
            if line is not None:
                found: dict[str, Any] = json.loads(line)
                return found
        return None

    def last_object(self) -> dict[str, Any]:
        """The last JSON object it said on stdout, once it has ended; empty when it said none."""
        found: dict[str, Any] = {}
        while (line := self._said.get(timeout=KILL_AFTER_S)) is not None:
            with contextlib.suppress(ValueError):
                found = json.loads(line)
        return found

    def failure(self) -> Exception:
        """Why it ended by itself, as far as it said."""
        with contextlib.suppress(subprocess.TimeoutExpired, queue.Empty):
            self._process.wait(KILL_AFTER_S)
            return self._failure(self.last_object())
        return self._failure({})

    def stop(self) -> int:
        """Ask it to end, wait until it has, and return its exit code; kills it when it will not."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _ended(self) -> int:
        try:
            return self._process.wait(KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode
        finally:
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            for line in out:
                self._said.put(line)
        self._said.put(None)

    def _failure(self, said: dict[str, Any]) -> Exception:
        error = said.get("error") or {}
        message = error.get("message") or self._last_words() or f"it left with {self._process.poll()}"
        sentence = f"the {self.name} could not go on: {str(message).removeprefix('error: ')}"
        return BadInput(sentence) if error.get("exit_code") == 2 else ChildBroken(sentence)

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        errors = [line for line in lines if line.startswith("error: ")]
        return (errors or lines or [""])[-1]
