"""Listen keys: who may hear the private events of an account, for an hour of wall time at a go."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

VALID_MS = 60 * 60 * 1000
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 64


class ListenKeys:
    """The keys in force: one for each account, extended by asking again.

    A key that has run out is forgotten when it is next looked at; `expired` forgets all of them and names them.
    """

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._keys: dict[int, str] = {}
        self._owners: dict[str, int] = {}
        self._until_ms: dict[str, int] = {}

    def create(self, account: int) -> str:
        """The key of an account: the one in force, extended, or a new one."""
        key = self._keys.get(account)
        if key is None or self.owner(key) is None:
            key = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
            self._keys[account] = key
            self._owners[key] = account
        self._until_ms[key] = self._wall_ms() + VALID_MS
        return key

    def extend(self, key_or_account: str | int) -> str | None:
        """Give a key (or the key of an account) another hour and return it; None when there is none in force."""
        key = self._keys.get(key_or_account) if isinstance(key_or_account, int) else key_or_account
        if key is None or self.owner(key) is None:
            return None
        self._until_ms[key] = self._wall_ms() + VALID_MS
        return key

    def close(self, key_or_account: str | int) -> str | None:
        """End a key (or that of an account) and return it; None when there was none in force."""
        key = self._keys.get(key_or_account) if isinstance(key_or_account, int) else key_or_account
        if key is None or self.owner(key) is None:
            return None
        self._forget(key)
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
        return gone

    def _forget(self, key: str) -> None:
        account = self._owners.pop(key)
        del self._until_ms[key]
        if self._keys.get(account) == key:
            del self._keys[account]
