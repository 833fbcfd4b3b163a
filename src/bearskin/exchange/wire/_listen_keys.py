"""Listen keys: who may hear the private events of an account, for an hour of wall time at a go."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import string
from collections.abc import Callable
from pathlib import Path

VALID_MS = 60 * 60 * 1000
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 64


class ListenKeys:
    """The keys in force: one for each account, extended by asking again.

    A key that has run out is forgotten when it is next looked at; `expired` forgets all of them and names them. With a
    `file` they outlive the process: a client whose sockets were cut by a restart comes back with the key it has.
    """

    def __init__(self, wall_ms: Callable[[], int], file: Path | None = None) -> None:
        self._wall_ms = wall_ms
        self._file = file
        self._keys: dict[int, str] = {}
        self._owners: dict[str, int] = {}
        self._until_ms: dict[str, int] = {}
        if file is not None:
            self._read(file)

    def create(self, account: int) -> str:
        """The key of an account: the one in force, extended, or a new one."""
        key = self._keys.get(account)
        if key is None or self.owner(key) is None:
            key = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
            self._keys[account] = key
            self._owners[key] = account
        self._until_ms[key] = self._wall_ms() + VALID_MS
        self._keep()
        return key

    def extend(self, key_or_account: str | int) -> str | None:
        """Give a key (or the key of an account) another hour and return it; None when there is none in force."""
        key = self._keys.get(key_or_account) if isinstance(key_or_account, int) else key_or_account
        if key is None or self.owner(key) is None:
            return None
        self._until_ms[key] = self._wall_ms() + VALID_MS
        self._keep()
        return key

    def close(self, key_or_account: str | int) -> str | None:
        """End a key (or that of an account) and return it; None when there was none in force."""
        key = self._keys.get(key_or_account) if isinstance(key_or_account, int) else key_or_account
        if key is None or self.owner(key) is None:
            return None
        self._forget(key)
        self._keep()
        return key

    def owner(self, key: str) -> int | None:
        """The account a key belongs to; None when it is unknown or has run out."""
        account = self._owners.get(key)
        if account is None or self._wall_ms() >= self._until_ms[key]:
            return None
        return account

    def expired(self) -> list[tuple[int, str]]:
        """Account and key of those that have run out since this was last asked."""
        now_ms = self._wall_ms()
        gone = [(self._owners[key], key) for key, until_ms in self._until_ms.items() if now_ms >= until_ms]
        for _, key in gone:
            self._forget(key)
        if gone:
            self._keep()
        return gone

    def _forget(self, key: str) -> None:
        account = self._owners.pop(key)
        del self._until_ms[key]
        if self._keys.get(account) == key:
            del self._keys[account]

    def _keep(self) -> None:
        """Write the keys in force, moved in place whole and readable by their owner alone."""
        if self._file is None:
            return
        aside = self._file.with_suffix(".new")
        rows = [[account, key, self._until_ms[key]] for key, account in self._owners.items()]
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(rows, out)
        aside.replace(self._file)

    def _read(self, file: Path) -> None:
        """Take up the keys that were in force; a file that cannot be read costs nothing but new keys."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            rows = [(int(account), str(key), int(until)) for account, key, until in json.loads(file.read_text("utf-8"))]
            for account, key, until_ms in rows:
                self._keys[account], self._owners[key], self._until_ms[key] = key, account, until_ms
