"""A database by its address: SQLite by default, PostgreSQL by URL; a password is used and never shown."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.pool import StaticPool

from bearskin.terms import BadInput, StoreBroken

SCHEMA = "bearskin"  # of PostgreSQL: tables of the user's own keep out of the way
_SECRETS = ("password", "sslpassword", "passfile")
_BUSY_S = 10.0


def address_of(url: str | Path) -> URL:
    """The address written as a path (SQLite), `sqlite:///...` or `postgresql://...`; raises BadInput."""
    text = str(url)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        address = make_url(text)
    except (ArgumentError, ValueError):
        raise BadInput(
            "the database's address cannot be read: write postgresql://user:password@host:port/name"
        ) from None
    if address.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return address.set(drivername="postgresql+psycopg")
    if address.drivername != "sqlite":
        raise BadInput(f"a database of kind {address.drivername!r} is not known here: sqlite and postgresql are")
    return address


def shown_address(address: URL) -> str:
    """The address for eyes: secrets are stars."""
    hidden = {name: "***" for name in address.query if name.lower() in _SECRETS}
    return address.update_query_dict(hidden).render_as_string(hide_password=True)


def engine_of(address: URL) -> Engine:
    """An engine for the address; nothing is connected yet. Raises BadInput where the driver is missing."""
    if address.drivername == "sqlite":
        return _sqlite(address)
    try:
        made = create_engine(address, pool_pre_ping=True, connect_args=_patience(address))
    except ModuleNotFoundError:
        raise BadInput("PostgreSQL needs psycopg: pip install 'bearskin[postgres]'") from None
    return made.execution_options(schema_translate_map={None: SCHEMA})


def _patience(address: URL) -> dict[str, Any]:
    return {} if "connect_timeout" in address.query else {"connect_timeout": 5}


def _sqlite(address: URL) -> Engine:
    in_memory = address.database in (None, "", ":memory:")
    if not in_memory:
        assert address.database is not None
        _own_file(Path(address.database))
    options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    engine = create_engine(address, connect_args={"check_same_thread": False, "timeout": _BUSY_S}, **options)

    @event.listens_for(engine, "connect")
    def opened(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # who will write takes the lock at once: two writers wait for each other instead of failing half way
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _own_file(path: Path) -> None:
    """Make the file, readable for its owner alone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise BadInput(f"{path} cannot be opened as a database ({error.strerror or error})") from None


@contextlib.contextmanager
def told(address: URL) -> Iterator[None]:
    """What goes wrong with a database becomes StoreBroken, in one sentence and without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
            raise  # a row of ours that cannot be: our fault, not the database's
        cause = getattr(error, "orig", None) or error
        sentence = " ".join(str(cause).split())
        for secret in (address.password, *(address.query.get(name) for name in _SECRETS)):
            if isinstance(secret, str) and secret:
                sentence = sentence.replace(secret, "***")
        raise StoreBroken(f"{shown_address(address)}: {sentence}") from None
