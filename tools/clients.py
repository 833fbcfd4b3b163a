"""Real clients trade on the demo exchange: one environment, one exchange and one script for each of them.

    python tools/clients.py               every client
    python tools/clients.py ccxt_sync     some of them
    python tools/clients.py --list        their names

Environments are made once under `.clients/` and made anew when their requirements change. A client whose packages
cannot be installed is skipped with the reason; anything else that goes wrong makes the exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".clients"
TESTS = ROOT / "tests" / "clients"
START_S_MAX = 30.0
SCRIPT_S_MAX = 600.0

OWN = ""  # the environment this runs in
# the script and the environment it runs in
CLIENTS = {
    "printed_text": OWN,
    "ccxt_sync": "ccxt",
    "ccxt_pro": "ccxt",
    "official_sdk": "official_sdk",
    "python_binance": "python_binance",
    "freqtrade_run": "freqtrade",
}


@dataclass(kw_only=True)
class Outcome:
    """What became of one client: its steps in order, and why it was skipped if it was."""

    client: str
    versions: str = ""
    skipped: str = ""
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """One word for the table."""
        return "skipped" if self.skipped else "FAILED" if self.failed else "ok"


class CannotInstall(Exception):
    """The packages of a client are not to be had here; the last line of pip says why."""


def environment_of(name: str) -> Path:
    """The python of an environment that holds exactly the pinned requirements, made when it is not there yet."""
    if name == OWN:
        return Path(sys.executable)
    wanted = TESTS / "requirements" / f"{name}.txt"
    stamp = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    folder = ENVIRONMENTS / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    if ready.exists() and ready.read_text() == stamp:
        return python
    print(f"     making the environment {name} (once)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr.strip()]
        raise CannotInstall(errors[-1][-300:])
    ready.write_text(stamp)
    return python


def versions_in(python: Path, name: str) -> str:
    """The first pinned package of the environment as it is really installed."""
    if name == OWN:
        return "bearskin " + said_by(python, "import bearskin; print(bearskin.__version__)")
    first = re.search(r"^([\w-]+)==", (TESTS / "requirements" / f"{name}.txt").read_text(), re.MULTILINE)
    assert first is not None
    code = f"import importlib.metadata as m; print('{first[1]}', m.version('{first[1]}'))"
    return said_by(python, code)


def said_by(python: Path, code: str) -> str:
    """What a line of Python prints in an environment."""
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def exchange(port: int) -> Iterator[str]:
    """A fresh exchange of the project's own environment in a home of its own; the line it introduces itself with."""
    with tempfile.TemporaryDirectory(prefix="bearskin-clients-") as home:
        surroundings = {**os.environ, "BEARSKIN_HOME": home, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "bearskin", "exchange", "--port", str(port), "--json"]
        log = Path(home) / "exchange.log"
        with log.open("w") as wrong:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=wrong, text=True, env=surroundings)
        try:
            assert process.stdout is not None
            there, _, _ = select.select([process.stdout], [], [], START_S_MAX)
            line = process.stdout.readline().strip() if there else ""
            if not line.startswith("{"):
                raise RuntimeError(f"the exchange did not introduce itself: {line!r} {log.read_text()[-2000:]}")
            yield line
            if process.poll() is not None:
                raise RuntimeError(f"the exchange left with {process.returncode}: {log.read_text()[-2000:]}")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def steps_of(python: Path, script: Path, port: int, introduced: str, outcome: Outcome, *, loud: bool) -> None:
    """Run one script and read its steps; what it prints is printed on, one line a step."""
    surroundings = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", ""),
        "CLIENT_EXCHANGE": introduced,
        "CLIENT_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    kept = ("CLIENT_KEEP_LOG", "PYTHONPATH") if python == Path(sys.executable) else ("CLIENT_KEEP_LOG",)
    surroundings |= {name: os.environ[name] for name in kept if name in os.environ}
    command = [str(python), str(script)]
    with tempfile.TemporaryFile("w+") as wrong:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=wrong, text=True, env=surroundings) as running:
            try:
                assert running.stdout is not None
                for line in running.stdout:
                    print(f"     {line.rstrip()}", flush=True)
                    if line.startswith("ok "):
                        outcome.passed += 1
                    elif line.startswith("FAIL "):
                        outcome.failed.append(line[5:].strip())
                code = running.wait(SCRIPT_S_MAX)
            finally:
                running.kill()  # does nothing to one that has ended
        wrong.seek(0)
        told = wrong.read()
    if code and not outcome.failed:
        outcome.failed.append(f"left with {code}: {' | '.join(told.strip().splitlines()[-3:])}")
        print(f"     FAIL {outcome.failed[-1]}")
    if loud and told:
        print(told, file=sys.stderr)


def trial(client: str, port: int, *, loud: bool) -> Outcome:
    """One client against an exchange of its own."""
    outcome = Outcome(client=client)
    print(f"{client}", flush=True)
    try:
        python = environment_of(CLIENTS[client])
    except CannotInstall as reason:
        outcome.skipped = str(reason)
        print(f"     skipped: {outcome.skipped}")
        return outcome
    outcome.versions = versions_in(python, CLIENTS[client])
    began = time.monotonic()
    try:
        with exchange(port) as introduced:
            json.loads(introduced)
            steps_of(python, TESTS / "scripts" / f"{client}.py", port, introduced, outcome, loud=loud)
    except (RuntimeError, subprocess.TimeoutExpired) as wrong:
        outcome.failed.append(str(wrong))
        print(f"     FAIL {wrong}")
    outcome.seconds = time.monotonic() - began
    return outcome


def table(outcomes: list[Outcome]) -> str:
    """All clients in one view, then every failure again."""
    rows = [f"{'client':<16}{'with':<54}{'steps':>6}{'failed':>8}{'seconds':>9}  result"]
    rows += [
        f"{o.client:<16}{o.versions:<54}{o.passed + len(o.failed):>6}{len(o.failed):>8}{o.seconds:>9.1f}  {o.word}"
        + (f" ({o.skipped})" if o.skipped else "")
        for o in outcomes
    ]
    rows += [f"FAILED {o.client}: {step}" for o in outcomes for step in o.failed]
    return "\n".join(rows)


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> int:
    """Run the clients asked for; 1 when one of them failed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("clients", nargs="*", metavar="client", help=f"of {', '.join(CLIENTS)}; all by default")
    asked.add_argument("--port", type=int, default=0, help="where the exchange is started; 0 (default) is any free one")
    asked.add_argument("--list", action="store_true", help="print the names and leave")
    asked.add_argument("--loud", action="store_true", help="print what the scripts write to stderr")
    words = asked.parse_args()
    if words.list:
        print("\n".join(CLIENTS))
        return 0
    if unknown := [client for client in words.clients if client not in CLIENTS]:
        print(f"no such client: {', '.join(unknown)}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    outcomes = [trial(client, words.port or free_port(), loud=words.loud) for client in words.clients or CLIENTS]
    print(table(outcomes))
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
