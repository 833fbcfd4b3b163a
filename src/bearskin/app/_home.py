"""The home folder: where it is, what lies in it, and the one sentence when it cannot be written."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from bearskin.terms import BadInput

PARTS = ("store", "journal", "exchange", "cache", "logs", "reports", "dashboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """`$BEARSKIN_HOME`, else the platform's data folder; `origin` says which, in words. Made when first written."""

    root: Path
    origin: str

    @property
    def config_file(self) -> Path:
        """The settings the user keeps."""
        return self.root / "config.toml"

    def part(self, name: str) -> Path:
        """The folder of one part (see PARTS); it may not exist yet."""
        assert name in PARTS, name
        return self.root / name


def user_path(text: Path | str, what: str = "") -> Path:
    """A path as a person writes it, absolute, `~` and `~name` opened; raises BadInput for one that cannot be."""
    if not str(text).strip():
        raise BadInput(f"{what}a path was empty: name a file or a folder")
    try:
        path = Path(text).expanduser().absolute()
        if ".." in path.parts:
            path = path.resolve()
        os.lstat(path)
    except RuntimeError:
        raise BadInput(f"{what}{text} names a home folder nobody here has: write the whole path") from None
    except ValueError as error:
        raise BadInput(f"{what}{str(text)!r} cannot be a path ({error})") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise BadInput(f"{what}{str(text)[:80]}... cannot be a path ({error.strerror})") from None
    return path


def find_home(named: Path | str | None = None) -> Home:
    """The home named on the command line, else by BEARSKIN_HOME, else the platform's data folder; raises BadInput."""
    if named is not None:
        return Home(root=user_path(named), origin="command line")
    from_environment = os.environ.get("BEARSKIN_HOME", "")
    if from_environment:
        return Home(root=user_path(from_environment), origin="environment BEARSKIN_HOME")
    import platformdirs

    return Home(root=Path(platformdirs.user_data_dir("bearskin", appauthor=False)), origin="default")


def writable(folder: Path, what: str, cure: str) -> Path:
    """`folder`, made and proven writable by a file made and removed in it; raises BadInput with `cure` otherwise."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)  # another thread may have proven it meanwhile
    except OSError as error:
        raise BadInput(f"the {what} {folder} cannot be written ({error.strerror or error}): {cure}") from None
    return folder


def can_write(folder: Path) -> bool:
    """Whether `folder` is, or could be made, writable; makes nothing."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def size_bytes(folder: Path) -> int:
    """Bytes of all files below `folder` (0 when it is not there); files that vanish meanwhile count as none."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_size  # noqa: PTH118 - a Path per file costs more
            except OSError:
                continue
    return total
