"""Keeping what is ours: backup and restore, reset, and bringing old stores up to date."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import logging
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bearskin import __version__
from bearskin.app._exchange import exchange_held
from bearskin.app._home import PARTS, size_bytes, user_path, writable
from bearskin.app._house import ELSEWHERE, TABLES_FILE, House, open_house
from bearskin.app._journals import journals_told, migrate_journals, migrate_tables, runs_at_rest
from bearskin.app._stores import migrate_store, store_lock, store_version
from bearskin.terms import BadFile, BadInput, StoreBroken, iso

KEPT = (  # caches and logs are made again
    "config.toml", "licence.json", "store", "journal", "exchange", "reports", "dashboard",
)  # fmt: skip
RESETTABLE = ("store", "cache", "logs", "reports", "exchange", "dashboard")
MANIFEST = "bearskin-backup.json"
LOCK = ".lock"
OWN = (PurePosixPath("dashboard/token"), PurePosixPath("dashboard/address.json"))  # of this machine; made again
PASSING = (".writing", "files")  # half-written appends, and downloads on their way into the store (.archive/files)
SHARED_MEMORY = "-shm"  # beside a journal that was looked at; SQLite makes it again
CHUNK_BYTES = 1 << 20
LISTING_BYTES_MAX = 256 << 20
Progress = Callable[[str, int, int | None], None]
logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What a backup holds, or what a restore brought back."""

    action: str  # "backup" or "restore"
    file: Path
    home: Path
    files: int
    content_bytes: int
    file_bytes: int
    made: str

    def to_json(self) -> dict[str, Any]:
        """The object `backup --json` prints."""
        return {
            "action": self.action,
            "file": str(self.file),
            "home": str(self.home),
            "files": self.files,
            "content_bytes": self.content_bytes,
            "file_bytes": self.file_bytes,
            "made": self.made,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetReport:
    """What was emptied, and what was kept on purpose."""

    home: Path
    emptied: tuple[tuple[str, Path, int], ...]  # part, folder, bytes given back
    kept: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object `reset --json` prints."""
        rows = [{"part": part, "folder": str(folder), "bytes": size} for part, folder, size in self.emptied]
        return {"home": str(self.home), "emptied": rows, "kept": list(self.kept)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateReport:
    """Versions before and after; `steps` is empty when there was nothing to do."""

    store: Path
    version_before: int | None
    version_after: int | None
    steps: tuple[str, ...]
    journal: str
    tables: str

    def to_json(self) -> dict[str, Any]:
        """The object `migrate --json` prints."""
        return {
            "store": str(self.store),
            "version_before": self.version_before,
            "version_after": self.version_after,
            "steps": list(self.steps),
            "journal": self.journal,
            "tables": self.tables,
        }


def backup(
    file: Path | str,
    *,
    restore: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> BackupReport:
    """Write the home's settings, store, journal, exchange, reports and dashboard into one .tar.gz, or bring one back.

    A backup holds the store's lock while it reads, never overwrites a file, and reads itself back before it takes its
    name. A restore goes into an empty home only and moves everything into place after every checksum agreed.
    Raises BadInput (BadFile with the member that is damaged).
    """
    house = open_house(home, store=store)
    path = user_path(file)
    return _restored(house, path, progress) if restore else _backed_up(house, path, progress)


def _backed_up(house: House, path: Path, progress: Progress | None) -> BackupReport:
    if path.exists():
        raise BadInput(f"{path} exists already: a backup never overwrites, name another file")
    if not path.parent.is_dir():
        raise BadInput(f"the folder {path.parent} does not exist: make it first or name another")
    for name in ("store", "journal", "exchange"):
        folder = house.store_folder if name == "store" else house.home.part(name)
        if path.is_relative_to(folder):
            raise BadInput(f"{path} lies inside the {name} it would back up: name a file outside")
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    made = iso(time.time_ns() // 1_000_000_000 * 1_000_000_000)
    try:
        _sweep(path.parent, f".{path.name}.part-")
        runs_at_rest(house.home.part("journal"))
        with store_lock(house.store_folder), exchange_held(house.home.part("exchange")):
            sums = _write_archive(part, list(_sources(house)), made, progress)
        _, read_back = _read_archive(part, None)
        assert read_back == sums, "the archive did not read back as it was written"
        os.link(part, path)  # fails where the name was taken meanwhile, unlike a rename
        part.unlink()
    except FileExistsError:
        raise BadInput(f"{path} exists already: a backup never overwrites, name another file") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error})") from None
    finally:
        part.unlink(missing_ok=True)
    return BackupReport(
        action="backup",
        file=path,
        home=house.home.root,
        files=len(sums),
        content_bytes=sum(size for size, _ in sums.values()),
        file_bytes=path.stat().st_size,
        made=made,
    )


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what processes that are no more left behind under `prefix` and their number."""
    for left in folder.iterdir():
        number = left.name.removeprefix(prefix).split("-")[0]
        if not left.name.startswith(prefix) or not number.isdecimal():
            continue
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        except (OSError, OverflowError):
            continue  # somebody else's, and alive


def _sources(house: House) -> Iterator[tuple[str, Path]]:
    """(name in the archive, file), in a fixed order; the store keeps its place even when it lies elsewhere."""
    for name in KEPT:
        root = house.store_folder if name == "store" else house.home.root / name
        if root.is_file():
            yield name, root
        for base, folders, names in os.walk(root):
            folders[:] = sorted(folder for folder in folders if folder not in PASSING)
            for file in sorted(names):
                path = Path(base) / file
                kept = PurePosixPath(name) / path.relative_to(root).as_posix()
                passing = file == LOCK or file.endswith(SHARED_MEMORY) or kept in OWN
                if path.is_file() and not path.is_symlink() and not passing:
                    yield str(kept), path


def _write_archive(
    target: Path, sources: Sequence[tuple[str, Path]], made: str, progress: Progress | None
) -> dict[str, tuple[int, str]]:
    """Write the archive; returns name -> (bytes, sha256) of what went in."""
    sums: dict[str, tuple[int, str]] = {}
    with (
        _new_file(target, 0o600) as raw,
        gzip.open(raw, "wb", compresslevel=1) as zipped,
    ):  # Parquet is compressed already
        with tarfile.open(fileobj=zipped, mode="w|") as tar:
            for i, (name, path) in enumerate(sources):
                if progress is not None:
                    progress(f"packing {name}", i, len(sources))
                with path.open("rb") as stream:
                    info = tar.gettarinfo(arcname=name, fileobj=stream)
                    info.uid = info.gid = 0
                    info.uname = info.gname = ""
                    reader = _Summing(stream)
                    tar.addfile(info, reader)
                sums[name] = (info.size, reader.digest.hexdigest())
            listing = {"made": made, "bearskin": __version__, "files": sums}
            body = json.dumps(listing, indent=1).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        zipped.flush()
        raw.flush()
        os.fsync(raw.fileno())
    return sums


class _Summing:
    """A reader that sums what passes through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As the stream's, summed."""
        block = self._stream.read(size)
        self.digest.update(block)
        return block


def _read_archive(
    path: Path, into: Path | None, progress: Progress | None = None
) -> tuple[str, dict[str, tuple[int, str]]]:
    """Check every member against the listing, writing below `into` when given; (when made, name -> (bytes, sha256))."""
    found: dict[str, tuple[int, str]] = {}
    listing: dict[str, Any] | None = None
    try:
        with tarfile.open(path, "r|gz") as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isfile() else None
                if stream is None:
                    raise BadFile(path, f"{member.name!r} is not a plain file, so this is no bearskin backup")
                if member.name == MANIFEST:
                    listing = json.loads(stream.read(LISTING_BYTES_MAX))
                    continue
                if progress is not None:
                    progress(f"reading {member.name}", len(found), None)
                if member.name in found:
                    raise BadFile(path, f"{member.name!r} comes twice, so this is no bearskin backup")
                found[member.name] = _read_member(path, member, stream, into)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, OSError, ValueError, RecursionError, zlib.error) as error:
        raise BadFile(path, f"cannot be read as a bearskin backup ({error})") from None
    try:
        if listing is None:
            raise KeyError("files")
        wanted = {str(name): (int(size), str(digest)) for name, (size, digest) in listing["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadFile(path, "has no listing at its end: it is cut short or no bearskin backup") from None
    for name in sorted(set(wanted) | set(found)):
        if wanted.get(name) != found.get(name):
            raise BadFile(path, f"{name!r} is not as it was backed up (size or checksum differ)")
    return str(listing.get("made", "")), found


def _read_member(archive: Path, member: tarfile.TarInfo, stream: IO[bytes], into: Path | None) -> tuple[int, str]:
    where = PurePosixPath(member.name)
    if where.is_absolute() or ".." in where.parts or not where.parts or where.parts[0] not in KEPT:
        raise BadFile(archive, f"{member.name!r} does not belong into a home")
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        out: IO[bytes] | None = None
        if into is not None:
            target = into / where
            with _unpacking(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                out = stack.enter_context(_new_file(target, 0o666 if member.mode & 0o077 else 0o600))
        while block := stream.read(CHUNK_BYTES):
            digest.update(block)
            size += len(block)
            if out is not None:
                with _unpacking(out):
                    out.write(block)
                    out.flush()
    return size, digest.hexdigest()


def _new_file(path: Path, mode: int) -> IO[bytes]:
    """A file that was not there; with mode 0600 nobody else can read it, so a secret stays one."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


@contextlib.contextmanager
def _unpacking(target: Path | IO[bytes]) -> Iterator[None]:
    """What goes wrong with the disk is not said of the archive."""
    try:
        yield
    except OSError as error:
        place = target if isinstance(target, Path) else target.name
        raise BadInput(f"{place} cannot be written ({error.strerror or error}), so nothing was restored") from None


def _restored(house: House, path: Path, progress: Progress | None) -> BackupReport:
    if not path.is_file():
        raise BadInput(f"{path} is not a file: name the backup to restore")
    if house.settings.store is not None:
        raise BadInput(
            f"the store is set to {house.settings.store} ({house.origins['store']}): a restore fills the home's own"
            " store, take that setting away first"
        )
    root = writable(house.home.root, "home", ELSEWHERE)
    for name in KEPT:
        there = root / name
        if there.is_file() or (there.is_dir() and any(there.iterdir())):
            raise BadInput(f"{there} is there already: a restore goes into an empty home, name one with --home")
    _sweep(root, ".restore-")
    with tempfile.TemporaryDirectory(dir=root, prefix=f".restore-{os.getpid()}-") as name:
        staged = Path(name)
        made, sums = _read_archive(path, staged, progress)
        for name in KEPT:
            if (staged / name).exists():
                if (root / name).is_dir():
                    (root / name).rmdir()
                (staged / name).rename(root / name)
    return BackupReport(
        action="restore",
        file=path,
        home=root,
        files=len(sums),
        content_bytes=sum(size for size, _ in sums.values()),
        file_bytes=path.stat().st_size,
        made=made,
    )


def reset(
    *parts: str,
    journal: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> ResetReport:
    """Empty parts of the home: store, cache, logs, reports, exchange, dashboard, or `all` of these; config.toml stays.

    The journal (what was traded) goes only with `journal=True`. `confirm` is asked once with what would go, and False
    raises BadInput with nothing touched; without it nothing is asked.
    """
    house = open_house(home, store=store)
    wanted = RESETTABLE if "all" in parts else tuple(dict.fromkeys(parts))
    for part in wanted:
        if part == "journal":
            raise BadInput("the journal is what was traded: to empty it too, say --journal")
        if part not in RESETTABLE:
            raise BadInput(f"{part!r} is no part of the home: choose from {', '.join(RESETTABLE)} or all")
    if journal:
        wanted = (*wanted, "journal")
    if not wanted:
        raise BadInput(f"nothing was named: choose from {', '.join(RESETTABLE)} or all")
    folders = {part: house.store_folder if part == "store" else house.home.part(part) for part in wanted}
    _recognised(house, folders)
    sizes = {part: size_bytes(folder) for part, folder in folders.items()}
    if confirm is not None:
        listing = ", ".join(f"{part} ({folders[part]}, {sizes[part]:,} bytes)" for part in wanted)
        if not confirm(f"This deletes for good: {listing}. Go on?"):
            raise BadInput("not confirmed, so nothing was touched")
    for part, folder in folders.items():
        with _held_part(part, folder):
            _emptied(folder)
    if journal:  # tables tell of journals that are there
        for file in house.home.part("cache").glob(f"{TABLES_FILE}*"):
            file.unlink(missing_ok=True)
    kept = tuple(part for part in (*PARTS, "config.toml") if part not in wanted)
    return ResetReport(
        home=house.home.root, emptied=tuple((part, folders[part], sizes[part]) for part in wanted), kept=kept
    )


def _recognised(house: House, folders: dict[str, Path]) -> None:
    """Refuse to empty a folder outside the home that does not look like a store of ours."""
    folder = folders.get("store")
    if folder is None or folder.is_relative_to(house.home.root) or not folder.exists() or not any(folder.iterdir()):
        return
    with contextlib.suppress(StoreBroken):  # a damaged version file is a version file
        if store_version(folder) is not None:
            return
        raise BadInput(f"{folder} is not a bearskin store (it has no version file), so it is not emptied")


def _held_part(part: str, folder: Path) -> contextlib.AbstractContextManager[None]:
    """What keeps others out of a part while it is emptied."""
    if part == "store":
        return _held(folder)
    if part == "journal":
        runs_at_rest(folder)
    return exchange_held(folder) if part == "exchange" else contextlib.nullcontext()


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The store's lock; a store too damaged to be read has no writer, and emptying it is the cure."""
    try:
        store_version(folder)
    except StoreBroken:
        yield
        return
    with store_lock(folder):
        yield


def _emptied(folder: Path) -> None:
    try:
        for child in list(folder.iterdir()) if folder.is_dir() else []:
            if child.name == LOCK:
                continue  # a writer may be waiting for this very file
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()
    except OSError as error:
        raise BadInput(f"{error.filename or folder} cannot be deleted ({error.strerror or error})") from None


def migrate(*, home: Path | str | None = None, store: Path | str | None = None) -> MigrateReport:
    """Bring the store, the journals and the tables of runs up to the versions this bearskin writes.

    Nothing to do is a report without steps; a version from the future raises BadInput and touches nothing.
    """
    house = open_house(home, store=store)
    folder = house.store_folder
    before = store_version(folder)
    steps: tuple[str, ...] = ()
    if before is not None:
        steps = migrate_store(folder)
    journals = migrate_journals(house.home.part("journal"), house.home.part("exchange"))
    tables = migrate_tables(house)
    return MigrateReport(
        store=folder,
        version_before=before,
        version_after=store_version(folder),
        steps=(*steps, *journals, *tables),
        journal="; ".join(journals) or journals_told(house.home.part("journal")),
        tables="; ".join(tables) or "nothing to do",
    )
