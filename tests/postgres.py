"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, with a password."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

USER, PASSWORD = "bear", "growl-7-growl"


@dataclass
class Server:
    """A running server; `database` makes an empty database and gives its address."""

    socket: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, name: str, password: str = PASSWORD) -> str:
        return f"postgresql://{USER}:{password}@/{name}?host={self.socket}"

    def database(self) -> str:
        import psycopg

        name = f"desk_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def programs() -> Path:
    """The folder of PostgreSQL's programs; skips the test where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    named = shutil.which("initdb")
    folders = [*([Path(named).resolve().parent] if named else []), *folders]
    for folder in reversed(folders):
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    pytest.skip("no PostgreSQL here (initdb, pg_ctl): apt-get install postgresql")


def _owner() -> str | None:
    """Who has to run the server: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server for as long as it is needed."""
    pytest.importorskip("psycopg", reason="PostgreSQL needs psycopg: pip install 'bearskin[postgres]'")
    binaries, owner = programs(), _owner()
    root = Path(tempfile.mkdtemp(prefix="bearskin-pg-"))

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [str(binaries / program), *words], user=owner, cwd=root, capture_output=True, text=True, timeout=60,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        secret = root / "secret"
        secret.write_text(PASSWORD)
        if owner is not None:
            shutil.chown(root, owner)
            shutil.chown(secret, owner)
        data = root / "data"
        run(
            "initdb",
            "-D",
            str(data),
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--no-sync",
        )
        options = f"-k {root} -c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(root / "log"), "-o", options, "start")
        try:
            yield Server(root)
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root, ignore_errors=True)
