"""API keys and their secrets: derived from one master secret in a file, never written down themselves.

A key names its account and carries a seal, so that none has to be remembered: 8 hex digits of the account, 4 of the
key's number, and 52 of HMAC-SHA256 under the master secret. The secret of a key is another HMAC of it.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from bearskin.terms import BadInput, StoreBroken

KeyKind = Literal["HMAC", "ED25519", "RSA"]
_MASTER, _PUBLIC = "master.secret", "public_keys.json"
_MASTER_BYTES = 32
_HEAD, _LENGTH = 12, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOwner:
    """Whom a key belongs to. `secret` is the HMAC secret as the client types it, or the public key (PEM)."""

    account: int
    secret: bytes = field(repr=False)
    kind: KeyKind = "HMAC"


class Keys:
    """The keys of one exchange, out of the master secret in its folder (made with mode 0600 when missing).

    `entropy(n)` gives n random bytes for a new master secret: only the edge of the house throws such dice.
    """

    def __init__(self, master: bytes, public_file: Path | None = None) -> None:
        self._master = master
        self._public_file = public_file
        self._known: dict[str, KeyOwner] = {}
        if public_file is not None and public_file.exists():
            self._read_public(public_file)

    def __repr__(self) -> str:
        return "Keys(***)"

    @classmethod
    def open(cls, folder: Path, entropy: Callable[[int], bytes]) -> Keys:
        """The keys of the exchange in `folder`; raises StoreBroken for a master secret that is damaged."""
        path = folder / _MASTER
        if not path.exists():
            # made aside and moved in place, so that a crash leaves the whole secret or none
            aside = folder / f"{_MASTER}.new"
            aside.unlink(missing_ok=True)
            file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(entropy(_MASTER_BYTES))
                out.flush()
                os.fsync(out.fileno())
            aside.replace(path)
        master = path.read_bytes()
        if len(master) != _MASTER_BYTES:
            raise StoreBroken(f"{path} is not a master secret ({len(master)} bytes, {_MASTER_BYTES} expected)")
        return cls(master, folder / _PUBLIC)

    def make(self, account: int, number: int = 1) -> tuple[str, str]:
        """The key and secret number `number` of an account: the same ones every time."""
        if not (0 < account < 16**8 and 0 < number < 16**4):
            raise BadInput(f"account {account} and key number {number} must be above zero and not huge")
        head = f"{account:08x}{number:04x}"
        key = head + self._seal(head)
        return key, self._secret(key)

    def secret_of(self, api_key: str) -> KeyOwner | None:
        """The owner of a key and what its signatures are checked with; None for a key we did not make."""
        found = self._known.get(api_key)
        if found is not None:
            return found
        if len(api_key) != _LENGTH or not api_key.isascii():
            return None
        head = api_key[:_HEAD]
        if not hmac.compare_digest(api_key[_HEAD:], self._seal(head)):
            return None
        owner = KeyOwner(account=int(head[:8], 16), secret=self._secret(api_key).encode())
        self._known[api_key] = owner  # only keys with a true seal get here, so this stays small
        return owner

    def control_token(self) -> str:
        """What control asks for: the same as long as the master secret stays."""
        return hmac.new(self._master, b"control", sha256).hexdigest()

    def register(self, account: int, kind: Literal["ED25519", "RSA"], public_pem: str) -> str:
        """A key for an account whose owner signs with a private key of his own; returns the key."""
        head = f"{account:08x}0000"
        key = head + hmac.new(self._master, f"public/{head}/{public_pem}".encode(), sha256).hexdigest()[_HEAD:]
        self._known[key] = KeyOwner(account=account, secret=public_pem.encode(), kind=kind)
        if self._public_file is not None:
            rows = {
                name: {"account": owner.account, "kind": owner.kind, "public": owner.secret.decode()}
                for name, owner in self._known.items()
                if owner.kind != "HMAC"
            }
            aside = self._public_file.with_suffix(".new")
            aside.write_text(json.dumps(rows, indent=1), "utf-8")
            aside.replace(self._public_file)
        return key

    def _read_public(self, path: Path) -> None:
        try:
            for key, row in json.loads(path.read_text("utf-8")).items():
                self._known[key] = KeyOwner(
                    account=int(row["account"]), secret=str(row["public"]).encode(), kind=row["kind"]
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreBroken(f"{path} does not hold public keys ({error})") from None

    def _seal(self, head: str) -> str:
        return hmac.new(self._master, b"key/" + head.encode(), sha256).hexdigest()[_HEAD:]

    def _secret(self, key: str) -> str:
        return hmac.new(self._master, b"secret/" + key.encode(), sha256).hexdigest()
