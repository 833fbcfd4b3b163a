"""Nothing secret is written or shown: a whole run with marked secrets, and then every file and word is searched."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import ccxt
import httpx
import pytest

from bearskin.app._alerts import load_apprise
from bearskin.app._house import open_house
from bearskin.app._keyring import find_keys
from bearskin.app._licence import Licence, write_licence
from bearskin.app._webhook_out import SIGNATURE_HEADER, TIME_HEADER, signature
from bearskin.exchange import ExchangeOptions, start_in_thread
from bearskin.live import Secret, dialect_of, open_trading

DOOR_SECRET, CHART_TOKEN = "mArKer-door-secret-0001", "mArKer-chart-token-0002"
ALERT_TOKEN, HOOK_PATH = "mArKer-alert-token-0003", "mArKer-hook-path-0004"
KEY, SECRET, PHRASE = "mArKer-venue-key-0005", "mArKer/venue+secret=0006", "mArKer-phrase-0007"
MARKERS = (DOOR_SECRET, CHART_TOKEN, ALERT_TOKEN, HOOK_PATH, KEY, SECRET, PHRASE)
MAY_HOLD = {"config.toml": (ALERT_TOKEN, HOOK_PATH)}  # the user wrote them there

apprise = load_apprise()
alerted: list[str] = []


@apprise.decorators.notify(on="leakmarker")
def _taken(body, title, notify_type, *args, **kwargs) -> bool:
    alerted.append(f"{title}\n{body}")
    return True


class Echo(BaseHTTPRequestHandler):
    """A venue gone mad: it answers every call with an error that repeats all it was sent."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        told = json.dumps({"code": -1099, "msg": f"{self.path} {dict(self.headers)} {body}"}).encode()
        self.server.heard.append(self.path)
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def mad_venue() -> Iterator[tuple[str, list[str]]]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        server.heard = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", server.heard
        server.shutdown()
        thread.join(10)


@pytest.fixture
def marked(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose every secret is a marker, with the log at its most talkative."""
    alerted.clear()
    for name, value in (
        ("WEBHOOK_SECRET", DOOR_SECRET), ("WEBHOOK_KEY", CHART_TOKEN), ("BINANCE_KEY", KEY),
        ("BINANCE_SECRET", SECRET), ("BINANCE_PASSPHRASE", PHRASE), ("LOG_LEVEL", "debug"),
    ):  # fmt: skip
        monkeypatch.setenv(f"BEARSKIN_{name}", value)
    home.mkdir()
    return home


def forms(secret: str) -> tuple[bytes, ...]:
    from urllib.parse import quote

    return secret.encode(), quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode()


def leaks(home: Path, secrets: tuple[str, ...], more: dict[str, str]) -> list[str]:
    """Where a secret stands that must not: files below the home, and the texts in `more`."""
    found = []
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        data = path.read_bytes()
        barred = [secret for secret in secrets if secret not in MAY_HOLD.get(path.name, ())]
        found += [f"{path.relative_to(home)}: {s[:14]}" for s in barred if any(form in data for form in forms(s))]
    for name, text in more.items():
        found += [f"{name}: {s[:14]}" for s in secrets if any(form.decode() in text for form in forms(s))]
    return found


def knock(home: Path, hook: list[bytes], modes: dict[str, int], seen: dict[str, str]) -> None:
    """What the outside does while the bot runs: looks, errs, and sends signals until one is filled and told."""

    def wait_for(look: Callable[[], bool], what: str) -> None:
        until_s = time.monotonic() + 60
        while not look():
            if time.monotonic() > until_s:
                raise AssertionError(f"waited in vain for {what}")
            time.sleep(0.02)

    doors: list[Path] = []
    try:
        wait_for(lambda: bool(doors) or bool(doors.extend(home.rglob("bot.json"))) or bool(doors), "the door")
        kept = doors[0].with_name("journal.sqlite")
        for path in [*doors, kept, *home.rglob("address.json"), *home.rglob("master.secret")]:
            modes[path.name] = stat.S_IMODE(path.stat().st_mode)
        address = json.loads(doors[0].read_text())
        seen["token"] = address["token"]
        with httpx.Client(base_url=address["url"], timeout=30) as client:
            owner = {"Authorization": f"Bearer {address['token']}"}
            seen["wrong"] = client.get("/state", headers={"Authorization": "Bearer mine"}).text

            def mark_now() -> str | None:
                prices = client.get("/state", headers=owner).json()["prices"]
                return prices.get("BTCUSDT", {}).get("mark")

            wait_for(lambda: mark_now() is not None, "a mark")
            mark = float(mark_now())
            said = {"id": "leak-1", "symbol": "BTCUSDT", "side": "short", "stop": f"{mark * 1.05:.0f}", "qty": "0.01"}
            body = json.dumps(said).encode()
            stamp = str(int(time.time()))
            proof = {TIME_HEADER: stamp, SIGNATURE_HEADER: signature(Secret(DOOR_SECRET), stamp, body)}
            seen["proof"] = proof[SIGNATURE_HEADER]
            seen["unproven"] = client.post("/signals", content=body).text
            seen["signal"] = client.post("/signals", content=body, headers=proof).text
            shown = json.dumps({**said, "token": CHART_TOKEN, "time": "now"})
            seen["late"] = client.post("/signals", content=shown).text
            wait_for(lambda: any(b'"entry"' in body for body in hook), "the entry at the webhook")
            wait_for(lambda: any("entry" in text for text in alerted), "the entry among the alerts")
            seen["state"] = client.get("/state", headers=owner).text
    except BaseException as error:  # noqa: BLE001 - told by the test
        seen["failed"] = repr(error)
    finally:
        if doors and doors[0].exists():
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
def test_a_whole_run_leaves_no_secret_behind(bearskin, marked: Path, caplog, measured):
    hook: list[bytes] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    folder = open_house().home.part("exchange")
    options = ExchangeOptions(folder=folder, port=0, symbols=("BTCUSDT",), crowd=False, seed=1)
    with contextlib.ExitStack() as ending:
        server = ending.enter_context(HTTPServer(("127.0.0.1", 0), Hook))
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        ending.callback(server.shutdown)
        (marked / "config.toml").write_text(
            f'alert_urls = "leakmarker://{ALERT_TOKEN}"\n'
            f'webhook_url = "http://127.0.0.1:{server.server_port}/{HOOK_PATH}"\nlog_level = "debug"\n'
        )
        exchange = start_in_thread(options)
        ending.callback(exchange.stop)
        modes: dict[str, int] = {}
        seen: dict[str, str] = {}
        outside = threading.Thread(target=knock, args=(marked, hook, modes, seen))
        outside.start()
        with caplog.at_level(logging.DEBUG):
            ran = bearskin("trade --for 90s --verbose --json")
        outside.join(60)
        address = exchange
    assert "failed" not in seen, (seen, ran)
    assert ran.code == 0, ran.err
    assert json.loads(seen["signal"])["id"] == "leak-1"
    assert modes == dict.fromkeys(("bot.json", "journal.sqlite", "address.json", "master.secret"), 0o600)
    texts = {"stdout": ran.out, "stderr": ran.err, "caplog": caplog.text, "alerts": "\n".join(alerted)}
    texts |= {"hook": b"\n".join(hook).decode(), **{name: text for name, text in seen.items() if len(text) > 100}}
    ours = (*MARKERS, address.key, address.secret, address.token, seen["token"], seen["proof"].removeprefix("sha256="))
    assert leaks(marked, ours, texts) == []
    assert not list(marked.rglob("bot.json"))
    searched = [path for path in marked.rglob("*") if path.is_file()]
    assert any(path.name == "journal.sqlite" and path.parent.parent.name == "journal" for path in searched)
    measured(f"no leaks: {len(searched)} files, {sum(p.stat().st_size for p in searched):,} bytes searched")


def test_a_venue_that_repeats_what_it_was_sent_teaches_us_nothing(
    bearskin, marked: Path, mad_venue, monkeypatch, caplog
):
    url, heard = mad_venue
    write_licence(open_house().home, Licence().with_notice("eu", "2026-01-01").with_quiz("2026-01-01"))

    def opened(venue_id: str) -> ccxt.Exchange:
        exchange = getattr(ccxt, venue_id)()
        exchange.urls["api"] = {
            name: at.replace("https://", f"{url}/") if isinstance(at, str) else at
            for name, at in exchange.urls["api"].items()
        }
        return exchange

    monkeypatch.setattr("bearskin.live._ccxt.open_venue", opened)
    with caplog.at_level(logging.DEBUG):
        ran = bearskin("trade --venue binance --live-confirm binance --symbols BTCUSDT --verbose --json")
    assert ran.code in (1, 2)
    assert any("apiRestrictions" in path and "signature=" in path for path in heard)
    assert "***" in ran.err
    sent = next(path.rpartition("signature=")[2] for path in heard if "signature=" in path)
    assert leaks(marked, (*MARKERS, sent), {"stdout": ran.out, "stderr": ran.err, "caplog": caplog.text}) == []


def test_what_holds_keys_does_not_show_them(marked: Path):
    from bearskin.app._world import Place

    keys = find_keys("binance")
    opened = keys.for_ccxt()
    exchange = open_trading(dialect_of("binance"), "live", opened["apiKey"], opened["secret"], opened["password"])
    place = Place(venue="binance", env="live", account=keys.fingerprint, key=KEY, secret=SECRET, password=PHRASE)
    shown = " ".join(f"{thing!r} {thing}" for thing in (keys, exchange, place, [keys], {"keys": keys}))
    assert leaks(marked, MARKERS, {"shown": shown}) == []
    assert not any(part in keys.fingerprint for part in (KEY[:8], SECRET[:8]))


def test_settings_of_a_home_show_no_address(bearskin, marked: Path):
    text = f'alert_urls = "leakmarker://{ALERT_TOKEN}"\nwebhook_url = "https://example.com/{HOOK_PATH}"\n'
    (marked / "config.toml").write_text(text)
    texts = {}
    for words in ("config", "config --json", "config set risk 1% --json", "doctor --json", "alert list", "keys list"):
        ran = bearskin(words)
        texts[words] = ran.out + ran.err
    texts["settings"] = repr(open_house().settings) + str(open_house().settings.model_dump())
    assert leaks(marked, MARKERS, texts) == []
    assert text in (marked / "config.toml").read_text()
