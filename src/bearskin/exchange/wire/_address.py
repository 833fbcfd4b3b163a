"""Where an exchange is reached, and the file in its folder that tells its owner's other programs while it runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

ADDRESS_FILE, LOCK_FILE = "address.json", ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an exchange is reached and with what; the secret and the token are for its owner's eyes only."""

    url: str
    ws_url: str
    key: str
    secret: str = field(repr=False)
    control_url: str
    token: str = field(repr=False)


@contextlib.contextmanager
def address_told(folder: Path, address: Address) -> Iterator[None]:
    """Keep `address` in a file of `folder`, for its owner alone, as long as the context lasts."""
    path = folder / ADDRESS_FILE
    fresh = path.with_name(f".{ADDRESS_FILE}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    # 0600 from the first moment: nobody else may open it between making and writing
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({one.name: getattr(address, one.name) for one in fields(Address)}, file)
    fresh.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_address(folder: Path) -> Address | None:
    """Where the exchange that runs in `folder` is reached; None when none runs there.

    A file left behind by one that was killed does not count: a running exchange holds the folder's lock.
    """
    try:
        said = json.loads((folder / ADDRESS_FILE).read_text("utf-8"))
        address = Address(**{one.name: str(said[one.name]) for one in fields(Address)})
        with (folder / LOCK_FILE).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return address
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
