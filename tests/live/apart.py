"""A demo exchange in a process of its own, as a user's is."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PROGRAM = """
import json, sys
from decimal import Decimal
from pathlib import Path
from bearskin.exchange.wire import ExchangeOptions, serve
said = json.loads(sys.argv[1])
if said.get("folder"): said["folder"] = Path(said["folder"])
options = ExchangeOptions(**{**said, "symbols": tuple(said["symbols"]), "deposit": Decimal(1_000_000)})
def ready(address, opened):
    print(json.dumps({"url": address.url, "key": address.key, "secret": address.secret,
                      "control_url": address.control_url, "token": address.token}), flush=True)
serve(options, ready)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Where it is, and its process."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    control_url: str
    token: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)


@contextlib.contextmanager
def exchange_apart(folder: Path | None = None, **options: object) -> Iterator[Apart]:
    """The exchange until the context ends; `options` are those of `ExchangeOptions`."""
    said = json.dumps({"port": 0, "limits": False, "folder": str(folder) if folder else None} | options)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, said], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Apart(**json.loads(process.stdout.readline()), process=process)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
