"""`doctor`: is everything here that is needed, can it be written, and how much room does it take."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bearskin
from bearskin.app._exchange import exchange_told
from bearskin.app._home import PARTS, can_write, size_bytes
from bearskin.app._house import House, open_house
from bearskin.app._journals import journals_told, tables_version
from bearskin.app._stores import kernel_files, newest_version, numba_folder, store_version
from bearskin.terms import BearskinError, iso

PYTHON_NEEDED = (3, 11)
FREE_BYTES_MIN = 200_000_000
RELEASED_NS = 1_760_000_000 * 1_000_000_000  # October 2025: a clock that is earlier is wrong
GOOD, ODD, BAD = "ok", "odd", "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at; `state` is ok, odd (works, but look) or bad."""

    area: str
    name: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """Every check, and the disk each part of the home takes, in bytes."""

    checks: tuple[Check, ...]
    disk_bytes: dict[str, int]

    @property
    def healthy(self) -> bool:
        """Nothing is bad."""
        return all(check.state != BAD for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The object `doctor --json` prints."""
        return {
            "healthy": self.healthy,
            "checks": [{"area": c.area, "name": c.name, "state": c.state, "detail": c.detail} for c in self.checks],
            "disk_bytes": dict(self.disk_bytes),
        }


def doctor(*, home: Path | str | None = None, store: Path | str | None = None) -> DoctorReport:
    """Look at Python, packages, folders, the store, the kernels and the clock; changes nothing."""
    house = open_house(home, store=store)
    checks = [
        _python(),
        *_packages(),
        *_folders(house),
        _store(house),
        _exchange(house),
        _journals(house),
        _tables(house),
        _kernels(house),
        _clock(house),
    ]
    folders = {name: house.store_folder if name == "store" else house.home.part(name) for name in PARTS}
    return DoctorReport(checks=tuple(checks), disk_bytes={name: size_bytes(folder) for name, folder in folders.items()})


def _python() -> Check:
    good = sys.version_info[:2] >= PYTHON_NEEDED
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if not good:
        detail += f", needs {PYTHON_NEEDED[0]}.{PYTHON_NEEDED[1]} or newer"
    return Check(area="python", name="version", state=GOOD if good else BAD, detail=detail)


def _packages() -> Iterator[Check]:
    yield Check(area="package", name="bearskin", state=GOOD, detail=bearskin.__version__)
    known = _known_good()
    for name, least in _needs():
        yield _package(name, least, known.get(_plain(name)))
    for module, why in (("numba", "compiled kernels"), ("talib", "indicators")):
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a broken wheel raises anything, and the report must go on
            yield Check(area="import", name=module, state=BAD, detail=f"{why}: {type(error).__name__}: {error}")
        else:
            yield Check(area="import", name=module, state=GOOD, detail=why)


def _package(name: str, least: str, known: str | None) -> Check:
    try:
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(area="package", name=name, state=BAD, detail=f"is missing, needs {least} or newer")
    if _numbers(have) < _numbers(least):
        return Check(area="package", name=name, state=BAD, detail=f"{have}, needs {least} or newer")
    if known is not None and _numbers(have) != _numbers(known):
        return Check(area="package", name=name, state=GOOD, detail=f"{have} (tested with {known})")
    return Check(area="package", name=name, state=GOOD, detail=have)


def _needs() -> list[tuple[str, str]]:
    """(package, least version) of everything bearskin cannot do without, from its own metadata or its project file."""
    try:
        lines = importlib.metadata.requires("bearskin") or []
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        project = _root() / "pyproject.toml"
        lines = tomllib.loads(project.read_text())["project"]["dependencies"] if project.is_file() else []
    found = []
    for line in lines:
        match = re.fullmatch(r"([\w.-]+)\s*>=\s*([\w.]+)", line.strip())  # extras carry a marker and do not match
        if match:
            found.append((match[1], match[2]))
    return found


def _known_good() -> dict[str, str]:
    """Versions the tests last ran with, where the list is at hand (a source tree)."""
    path = _root() / "known-good.txt"
    lines = path.read_text().splitlines() if path.is_file() else []
    return {_plain(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def _root() -> Path:
    return Path(bearskin.__file__).resolve().parents[2]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _folders(house: House) -> Iterator[Check]:
    for name, folder in (("home", house.home.root), ("store", house.store_folder)):
        there = "" if folder.exists() else " (not made yet)"
        if not can_write(folder):
            yield Check(area="folder", name=name, state=BAD, detail=f"{folder} cannot be written")
            continue
        yield Check(area="folder", name=name, state=GOOD, detail=f"{folder}{there}")
    disk = house.home.root
    while not disk.exists():
        disk = disk.parent
    free = shutil.disk_usage(disk).free
    low = free < FREE_BYTES_MIN
    yield Check(area="folder", name="disk", state=ODD if low else GOOD, detail=f"{free / 1e9:.1f} GB free")


def _store(house: House) -> Check:
    folder = house.store_folder
    try:
        version = store_version(folder)
    except BearskinError as error:
        return Check(area="store", name="version", state=BAD, detail=str(error))
    if version is None:
        return Check(area="store", name="version", state=GOOD, detail="no store yet: `bearskin data import` makes it")
    if version > newest_version():
        detail = f"{version} is from a newer bearskin; this one reads {newest_version()}"
        return Check(area="store", name="version", state=BAD, detail=detail)
    if version < newest_version():
        detail = f"{version} is old: `bearskin migrate` brings it to {newest_version()}"
        return Check(area="store", name="version", state=BAD, detail=detail)
    return Check(area="store", name="version", state=GOOD, detail=str(version))


def _exchange(house: House) -> Check:
    try:
        detail = exchange_told(house.home.part("exchange"))
    except BearskinError as error:
        return Check(area="exchange", name="folder", state=BAD, detail=str(error))
    return Check(area="exchange", name="folder", state=GOOD, detail=detail)


def _journals(house: House) -> Check:
    try:
        detail = journals_told(house.home.part("journal"))
    except BearskinError as error:
        return Check(area="journal", name="runs", state=BAD, detail=str(error))
    return Check(area="journal", name="runs", state=GOOD, detail=detail)


def _tables(house: House) -> Check:
    from bearskin.journal import PROJECTION_VERSION

    try:
        version = tables_version(house)
    except BearskinError as error:  # they can be made again, so nothing is lost
        return Check(area="journal", name="tables", state=ODD, detail=str(error))
    if version is None:
        return Check(area="journal", name="tables", state=GOOD, detail="none yet: made when a bot trades")
    if version != PROJECTION_VERSION:
        detail = f"version {version}: `bearskin migrate` brings them to {PROJECTION_VERSION}"
        return Check(area="journal", name="tables", state=BAD, detail=detail)
    return Check(area="journal", name="tables", state=GOOD, detail=f"version {version}")


def _kernels(house: House) -> Check:
    folder = numba_folder(house.home.part("cache"))
    count = kernel_files(folder)
    detail = f"{count} compiled in {folder}" if count else "not compiled yet: the first backtest does it, once"
    return Check(area="kernels", name="cache", state=GOOD, detail=detail)


def _clock(house: House) -> Check:
    now_ns = time.time_ns()
    if now_ns < RELEASED_NS:
        return Check(
            area="clock", name="wall", state=BAD, detail=f"says {iso(now_ns)}, which is before this was written"
        )
    newest_ns = 0
    for path in (house.home.config_file, house.store_folder / "store.json"):
        if path.exists():
            newest_ns = max(newest_ns, path.stat().st_mtime_ns)
    if newest_ns > now_ns + 60 * 1_000_000_000:
        detail = f"says {iso(now_ns)}, but a file of ours was written at {iso(newest_ns)}"
        return Check(area="clock", name="wall", state=BAD, detail=detail)
    return Check(area="clock", name="wall", state=GOOD, detail=iso(now_ns // 1_000_000_000 * 1_000_000_000))
