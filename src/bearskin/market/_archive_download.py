"""Getting one file of an archive whole: checksum first, then the bytes, resumed where they broke off, then the proof.

A download lies as `<name>.part` until its SHA-256 is the published one; only then does it get its own name. So
whatever stops a run (a dead network, a power cut, Ctrl-C) loses at most what was in flight.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from bearskin.market._writing import said
from bearskin.terms import BadFile, BadInput, VenueBroken, VenueRejected

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")

ATTEMPTS: Final = 6  # in a row without a byte of progress
BACKOFF_S: Final = 0.5  # doubled each time
BACKOFF_S_MAX: Final = 30.0
_TRY_AGAIN: Final = frozenset({408, 418, 425, 429, 500, 502, 503, 504})


class Absent(Exception):
    """The archive has no such file (yet)."""


class Stopped(Exception):
    """Another download failed for good, or the user stopped the run."""


class Retry(Exception):
    """This attempt failed in a way that another may not; `after_s` is what the server asked for."""

    def __init__(self, why: str, *, after_s: float | None = None, advanced: bool = False) -> None:
        super().__init__(why)
        self.why, self.after_s, self.advanced = why, after_s, advanced


@dataclass(slots=True, kw_only=True)
class Downloader:
    """One HTTP client, one folder, and the patience with which files are fetched into it (used by several threads)."""

    client: httpx.Client
    base_url: str
    folder: Path
    sleep: Callable[[float], object] | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def fetch(self, path: str) -> tuple[Path, str, int]:
        """The verified file, its SHA-256 and how many bytes came over the wire now (0: it lay there already).

        Raises Absent (404), BadFile (the bytes do not match the published checksum), VenueBroken (no answer after
        bounded attempts), VenueRejected (the server says no), Stopped.
        """
        digest = self._checksum(path)
        whole = self.folder / path
        part = whole.with_name(whole.name + ".part")
        if whole.exists() and _sha256(whole) == digest:
            return whole, digest, 0
        with said(self.folder):
            whole.parent.mkdir(parents=True, exist_ok=True)
        before = _size(part)
        for fresh in (False, True):  # a wrong sum after resuming may come from the old part: once more from the start
            if fresh:
                before = 0
                part.unlink(missing_ok=True)
            resumed = part.exists()
            self._patiently(path, lambda url: self._stream(url, part))
            if _sha256(part) == digest:
                part.replace(whole)
                return whole, digest, _size(whole) - before
            if not resumed:
                break
        actual = _sha256(part)
        part.unlink(missing_ok=True)
        raise BadFile(path, f"its SHA-256 was {actual}, the archive's checksum says {digest}")

    def _checksum(self, path: str) -> str:
        text = self._patiently(path + ".CHECKSUM", self._text)
        match = re.match(r"\s*([0-9a-fA-F]{64})\b", text)
        if match is None:
            raise BadFile(path + ".CHECKSUM", f"{text[:80]!r} is not a SHA-256 sum and a file name")
        return match[1].lower()

    def _text(self, url: str) -> str:
        response = self.client.get(url)
        self._judge(url, response)
        return response.text

    def _stream(self, url: str, part: Path) -> None:
        """Write what is missing of `part`; raises Retry when the bytes stopped early (what came is kept)."""
        import httpx

        have = _size(part)
        headers = {"Range": f"bytes={have}-"} if have else {}
        received = 0
        try:
            # raw bytes: a zip is never decoded on the way
            with self.client.stream("GET", url, headers={**headers, "Accept-Encoding": "identity"}) as response:
                if response.status_code == 416:  # the part is as long as the file, or longer: let the sum decide
                    return
                self._judge(url, response)
                append = response.status_code == 206 and _starts_at(response) == have
                with said(self.folder), part.open("ab" if append else "wb") as out:
                    for chunk in response.iter_raw():  # as it arrives: a block waiting to fill would be lost
                        out.write(chunk)
                        received += len(chunk)
                        if self.stop.is_set():
                            raise Stopped
        except httpx.TransportError as error:
            raise Retry(f"{type(error).__name__}: {error}", advanced=received > 0) from error
        expected = response.headers.get("Content-Length")
        if expected is not None and received < int(expected):
            raise Retry(f"{received} of {expected} bytes came", advanced=received > 0)

    @staticmethod
    def _judge(url: str, response: httpx.Response) -> None:
        status = response.status_code
        if status == 404:
            raise Absent(url)
        if status in _TRY_AGAIN:
            asked = response.headers.get("Retry-After", "")
            raise Retry(f"HTTP {status}", after_s=float(asked) if asked.isdigit() else None)
        if status >= 400:
            raise VenueRejected(f"{url} answered HTTP {status}")
        if status >= 300:
            raise VenueRejected(f"{url} answered HTTP {status}, a redirection to {response.headers.get('Location')}")

    def _patiently(self, path: str, attempt: Callable[[str], _T]) -> _T:
        import httpx

        url = f"{self.base_url.rstrip('/')}/{path}"
        failed = 0
        while True:
            if self.stop.is_set():
                raise Stopped
            try:
                return attempt(url)
            except Retry as retry:
                why, asked = retry.why, retry.after_s
                failed = 1 if retry.advanced else failed + 1
            except httpx.TransportError as error:
                why, asked, failed = f"{type(error).__name__}: {error}", None, failed + 1
            except httpx.InvalidURL as error:
                raise BadInput(f"{url!r} is not an address: {error}") from error
            if failed >= ATTEMPTS:
                raise VenueBroken(
                    f"{url} could not be had in {ATTEMPTS} attempts ({why}); run it again to go on from here"
                )
            pause = self.sleep or self.stop.wait  # Ctrl-C ends a wait too
            pause(min(asked if asked is not None else BACKOFF_S * 2.0 ** (failed - 1), BACKOFF_S_MAX))


def _starts_at(response: httpx.Response) -> int:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
