"""One call's surroundings: the home, the settings and the folders a verb may read or write."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearskin.app._home import Home, can_write, find_home, user_path, writable
from bearskin.app._settings import Settings, load_settings
from bearskin.terms import BadInput

TABLES_FILE = "runs.sqlite"  # in the cache: made again from the journals
ELSEWHERE = "name another with --home or BEARSKIN_HOME, or free this one"
logger = logging.getLogger("bearskin.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where a verb lives: `home`, its `settings`, and `origins`, the place each setting was found in."""

    home: Home
    settings: Settings
    origins: Mapping[str, str]

    @property
    def store_folder(self) -> Path:
        """The store named by the settings, else the home's own; it may not exist yet."""
        return self.settings.store or self.home.part("store")

    @property
    def database(self) -> str:
        """Where the tables of runs are kept; it may hold a password."""
        named = self.settings.database
        return str(self.home.part("cache") / TABLES_FILE) if named is None else named.get_secret_value()

    def writable_store(self) -> Path:
        """The store folder, made and proven writable; raises BadInput otherwise."""
        return writable(self.store_folder, "store", "name another with --store or BEARSKIN_STORE, or free this one")

    def writable_part(self, name: str) -> Path:
        """The folder of a part of the home, made and proven writable; raises BadInput otherwise."""
        return writable(self.home.part(name), f"{name} folder", ELSEWHERE)


def results_folder(out: Path | str | None, otherwise: Path) -> Path:
    """Where results go, proven to be writable before hours of work and not made yet; raises BadInput."""
    folder = otherwise if out is None else user_path(out)
    if not can_write(folder):
        raise BadInput(f"the folder {folder} of the results cannot be written: name another with --out")
    return folder


def new_folder(reports: Path, name: str) -> Path:
    """A folder named by the second it is made in; another one where that is taken."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for extra in ("", *(f"-{n}" for n in range(2, 100))):
        folder = reports / f"{name}-{stamp}{extra}"
        if not folder.exists():
            return folder
    raise AssertionError("a hundred results within a second")


def open_house(home: Path | str | None = None, **given: Any) -> House:
    """The house under `home` (None: by environment or platform) with the settings `given` on the command line.

    Nothing is written. Raises BadInput for a bad setting, wherever it stands.
    """
    place = find_home(home)
    found = load_settings(place, given)
    for sentence in found.ignored:
        logger.warning("%s", sentence)
    # compiled kernels are kept below the home; a folder named by the user stays as it is
    os.environ.setdefault("NUMBA_CACHE_DIR", str(place.part("cache") / "numba"))
    return House(home=place, settings=found.settings, origins=found.origins)
