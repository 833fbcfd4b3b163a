"""The keys of venues: from the environment, else from the system's keyring; never from a file or an argument.

`BEARSKIN_<VENUE>_KEY`, `_SECRET` and, where the venue has one, `_PASSPHRASE` go before the keyring. The venue's own
demo environment has keys of its own, under `<VENUE>_DEMO`. In the keyring each part is an entry of the service
`bearskin`, and one more entry lists whose keys there are, since a keyring cannot be looked through.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bearskin.live import Secret, our_name
from bearskin.terms import BadInput

SERVICE = "bearskin"
PARTS = ("key", "secret", "passphrase")
WEBHOOK = "webhook"  # the secrets of our own door: `secret` signs, `key` is the token for those who cannot sign
_INDEX = "names"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")

KeysOf = Literal["live", "demo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueKeys:
    """The key of one account at a venue. `name` is the venue, with `-demo` for its own demo environment."""

    name: str
    key: Secret
    secret: Secret
    passphrase: Secret | None = None
    origin: str = ""

    @property
    def fingerprint(self) -> str:
        """Tells this key from another without being any use: 16 hex digits of a hash of it."""
        return hashlib.sha256(b"bearskin key\0" + self.key.reveal().encode()).hexdigest()[:16]

    def for_ccxt(self) -> dict[str, str]:
        """The entries a ccxt exchange is made with: the one place where a key becomes text again."""
        given = {"apiKey": self.key.reveal(), "secret": self.secret.reveal()}
        if self.passphrase is not None:
            given["password"] = self.passphrase.reveal()
        return given


def keys_name(venue: str, env: str = "live") -> str:
    """What the keys of a venue are called; raises BadInput for what is no name."""
    name = our_name(venue.strip().lower()) + ("-demo" if env == "demo" else "")
    if not _NAME.fullmatch(name):
        raise BadInput(f"venue was {venue[:60]!r}, must be a name such as binance")
    return name


def variable(name: str, part: str) -> str:
    """The environment variable of one part of a key."""
    return f"BEARSKIN_{re.sub(r'[^A-Z0-9]', '_', name.upper())}_{part.upper()}"


def is_key_variable(text: str) -> bool:
    """Whether an environment variable is one that holds a key, so that nobody calls it a misspelt setting."""
    return re.fullmatch(r"BEARSKIN_[A-Z0-9_]+_(KEY|SECRET|PASSPHRASE)", text) is not None


def find_keys(venue: str, env: str = "live") -> VenueKeys:
    """The keys of a venue from the environment, else from the keyring.

    Raises BadInput when there are none, or only half of them, saying where they would be looked for.
    """
    name = keys_name(venue, env)
    texts: Mapping[str, str] = {part: os.environ.get(variable(name, part), "").strip() for part in PARTS}
    origin = "environment"
    if not any(texts.values()):
        texts, origin = _kept(name), "keyring"
    if not any(texts.values()):
        raise BadInput(
            f"there is no key for {name}: `bearskin keys set {name}` puts one into the keyring, "
            f"or set {variable(name, 'key')} and {variable(name, 'secret')}"
        )
    for part in ("key", "secret"):
        if not texts[part]:
            where = variable(name, part) if origin == "environment" else f"the {part} in the keyring"
            raise BadInput(f"the key for {name} is incomplete: {where} is missing")
    passphrase = Secret(texts["passphrase"]) if texts["passphrase"] else None
    return VenueKeys(
        name=name, key=Secret(texts["key"]), secret=Secret(texts["secret"]), passphrase=passphrase, origin=origin
    )


def find_secret(name: str, part: str) -> Secret | None:
    """One part of what is kept under a name, None when there is none; also without a keyring at hand."""
    text = os.environ.get(variable(name, part), "").strip()
    if not text:
        text = _kept(name)[part]
    return Secret(text) if text else None


def keys_set(venue: str, read: Callable[[str], str]) -> str:
    """Put the parts that `read(part)` returns into the keyring; an empty passphrase is left away.

    Returns the name they are kept under. Raises BadInput for parts that cannot be keys or when there is no keyring.
    """
    name = keys_name(venue)
    parts = ("secret", "key") if name == WEBHOOK else PARTS
    texts = {part: read(part).strip() for part in parts}
    needed = ("secret",) if name == WEBHOOK else ("key", "secret")
    for part, text in texts.items():
        Secret(text)  # from here on it is known, whatever goes wrong
        if not text and part in needed:
            raise BadInput(f"the {part} was empty: nothing was kept")
        if text and (not text.isascii() or any(sign.isspace() for sign in text)):
            raise BadInput(f"the {part} holds blanks or signs that no key has: nothing was kept")
    with _keyring() as ring:
        for part, text in texts.items():
            if text:
                ring.set_password(SERVICE, f"{name}/{part}", text)
            else:
                _forget(ring, f"{name}/{part}")
        _write_index(ring, {*_index(ring), name})
    return name


def keys_list() -> tuple[tuple[str, str], ...]:
    """(name, where its key was found) of all keys there are; never the keys."""
    found: dict[str, str] = {}
    with contextlib.suppress(BadInput), _keyring() as ring:
        found.update(dict.fromkeys(_index(ring), "keyring"))
    for text in os.environ:
        match = re.fullmatch(r"BEARSKIN_([A-Z0-9_]+)_SECRET", text)
        if match and os.environ[text]:
            found[match[1].lower().replace("_", "-")] = "environment"
    return tuple(sorted(found.items()))


def keys_remove(venue: str) -> str:
    """Take a venue's keys out of the keyring; raises BadInput when there are none there."""
    name = keys_name(venue)
    with _keyring() as ring:
        names = _index(ring)
        if name not in names:
            known = f"; there are {', '.join(sorted(names))}" if names else ""
            raise BadInput(f"the keyring has no key for {name}{known}")
        for part in PARTS:
            _forget(ring, f"{name}/{part}")
        _write_index(ring, names - {name})
    return name


def _kept(name: str) -> Mapping[str, str]:
    """The parts in the keyring, empty where there is nothing or no keyring."""
    empty = dict.fromkeys(PARTS, "")
    try:
        with _keyring() as ring:
            return {part: ring.get_password(SERVICE, f"{name}/{part}") or "" for part in PARTS}
    except _NoKeyring:
        return empty


class _NoKeyring(BadInput):
    """There is no keyring here: for looking that is as good as an empty one."""


@contextlib.contextmanager
def _keyring() -> Iterator[Any]:
    """The system's keyring; raises BadInput, in a sentence, where there is none or it stays shut."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise _NoKeyring(
            "keys are kept in the system's keyring, which needs: pip install 'bearskin[keys]' "
            "(or set them in the environment, see docs/live-safety.md)"
        ) from None
    try:
        yield keyring
    except keyring.errors.NoKeyringError:
        raise _NoKeyring(
            "this machine has no keyring: set the keys in the environment, see docs/live-safety.md"
        ) from None
    except keyring.errors.KeyringError as error:
        raise BadInput(f"the keyring could not be used ({type(error).__name__}): unlock it and try again") from None


def _index(ring: Any) -> set[str]:
    try:
        names = json.loads(ring.get_password(SERVICE, _INDEX) or "[]")
    except ValueError:
        return set()
    return {str(name) for name in names} if isinstance(names, list) else set()


def _write_index(ring: Any, names: set[str]) -> None:
    ring.set_password(SERVICE, _INDEX, json.dumps(sorted(names)))


def _forget(ring: Any, entry: str) -> None:
    if ring.get_password(SERVICE, entry) is not None:
        ring.delete_password(SERVICE, entry)
