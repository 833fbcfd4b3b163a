"""Keys of venues: from the environment or the keyring, by a prompt, and never to be seen again."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import subprocess
import sys

import keyring
import keyring.backends.fail
import pytest

from bearskin.app._keyring import find_keys, is_key_variable, keys_list, keys_name, variable
from bearskin.app._logs import redacted
from bearskin.live import Scrubbing, Secret, scrubbed
from bearskin.terms import BadInput

KEY, SECRET, PHRASE = "kEy0f1Binance2Ab", "s3cr3t/of+B1nance==", "pass phrase".replace(" ", "-")


def lines(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{text}\n" for text in texts)))


def test_a_key_goes_into_the_keyring_by_stdin_and_comes_back(bearskin, ring, monkeypatch: pytest.MonkeyPatch):
    lines(monkeypatch, KEY, SECRET, PHRASE)
    ran = bearskin("keys set okx --json")
    assert ran.code == 0, ran.err
    assert ran.object["kept"] == "okx"
    assert not any(text in ran.out + ran.err for text in (KEY, SECRET, PHRASE))
    found = find_keys("okx")
    assert found.for_ccxt() == {"apiKey": KEY, "secret": SECRET, "password": PHRASE}
    assert found.origin == "keyring"
    assert found.fingerprint == ran.object["fingerprint"]
    assert bearskin("keys list --json").object == {"keys": {"okx": "keyring"}}
    assert bearskin("keys remove okx").code == 0
    assert {entry for _, entry in ring.kept} == {"names"}
    assert bearskin("keys list --json").object == {"keys": {}}
    again = bearskin("keys remove okx")
    assert (again.code, again.err.count("\n")) == (2, 1)


def test_a_key_without_passphrase_forgets_the_old_one(bearskin, monkeypatch: pytest.MonkeyPatch):
    lines(monkeypatch, KEY, SECRET, PHRASE)
    bearskin("keys set okx")
    lines(monkeypatch, KEY, SECRET)
    assert bearskin("keys set okx").code == 0
    assert find_keys("okx").passphrase is None


@pytest.mark.parametrize("texts", [("", SECRET), (KEY, ""), (f"{KEY} more", SECRET), (KEY, "sécret-of-mine")])
def test_what_cannot_be_a_key_is_not_kept(bearskin, ring, monkeypatch: pytest.MonkeyPatch, texts: tuple[str, str]):
    lines(monkeypatch, *texts)
    ran = bearskin("keys set binance")
    assert ran.code == 2
    assert "nothing was kept" in ran.err
    assert not any(text in ran.err for text in texts if text)
    assert not ring.kept


def test_no_option_takes_a_key(bearskin):
    ran = bearskin("keys set binance", KEY)
    assert ran.code == 2
    assert bearskin("keys set --help").out.count("--key") == 0


def test_the_environment_goes_first_and_is_no_misspelt_setting(bearskin, ring, monkeypatch: pytest.MonkeyPatch):
    ring.set_password("bearskin", "binance/key", "another-key")
    ring.set_password("bearskin", "binance/secret", "another-secret")
    monkeypatch.setenv("BEARSKIN_BINANCE_KEY", KEY)
    monkeypatch.setenv("BEARSKIN_BINANCE_SECRET", SECRET)
    found = find_keys("binanceusdm")
    assert (found.name, found.origin, found.for_ccxt()["apiKey"]) == ("binance", "environment", KEY)
    ran = bearskin("config")
    assert "BEARSKIN_BINANCE" not in ran.err
    assert keys_list() == (("binance", "environment"),)


def test_names_and_variables():
    assert variable("kraken-futures-demo", "secret") == "BEARSKIN_KRAKEN_FUTURES_DEMO_SECRET"
    assert keys_name("Binance", "demo") == "binance-demo"
    assert is_key_variable("BEARSKIN_OKX_PASSPHRASE")
    assert not is_key_variable("BEARSKIN_RISK")
    with pytest.raises(BadInput, match="such as binance"):
        keys_name("bi nance; rm")


def test_without_a_keyring_the_environment_is_named(bearskin, monkeypatch: pytest.MonkeyPatch):
    keyring.set_keyring(keyring.backends.fail.Keyring())
    lines(monkeypatch, KEY, SECRET)
    ran = bearskin("keys set binance")
    assert ran.code == 2
    assert "set the keys in the environment" in ran.err
    with pytest.raises(BadInput, match="there is no key for binance"):
        find_keys("binance")
    assert bearskin("keys list --json").object == {"keys": {}}


def test_a_locked_keyring_is_said(bearskin, ring, monkeypatch: pytest.MonkeyPatch):
    def locked(*_: str) -> None:
        raise keyring.errors.KeyringLocked(f"the vault of {SECRET} is shut")

    monkeypatch.setattr(ring, "get_password", locked)
    with pytest.raises(BadInput, match="unlock it") as caught:
        find_keys("binance")
    assert SECRET not in str(caught.value)


def test_a_secret_is_not_shown_by_anything():
    secret = Secret(SECRET)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret} {secret!r}", repr([secret])]
    shown.append(repr({"secret": secret}))
    assert not any(SECRET in text for text in shown)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not written down"):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        json.dumps({"secret": secret})
    assert copy.deepcopy(secret) is secret
    assert secret == Secret(SECRET)
    assert secret != Secret(SECRET + "x")
    assert secret != SECRET
    with pytest.raises(TypeError):
        hash(secret)
    assert secret.reveal() == SECRET


def test_known_secrets_are_taken_out_in_every_form():
    from urllib.parse import quote, quote_plus

    Secret(SECRET)
    forms = (SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET))
    for form in forms:
        text = scrubbed(f"GET https://venue/x?a={form}&b=1 failed")
        assert form.strip('"') not in text
        assert "b=1 failed" in text


@pytest.mark.parametrize(
    "text",
    [
        "GET https://fapi/x?timestamp=1&signature={} 502",
        "{{'X-MBX-APIKEY': '{}', 'side': 'SELL'}}",
        '{{"OK-ACCESS-SIGN": "{}"}}',
        "listenKey={}",
        "api_key: {}",
        "sign={}&x",
    ],
)
def test_signatures_and_keys_nobody_told_us_of_are_taken_out(text: str):
    unknown = "0f3c9a7be1d24458aa01bb"
    assert unknown not in scrubbed(text.format(unknown))


def test_ordinary_words_stay():
    words = "design: the signal of BTCUSDT at 60000.10, sign of funding −0.05 %, keys set, monkey=business"
    assert scrubbed(words) == words


def test_library_loggers_and_tracebacks_pass_the_sieve(caplog: pytest.LogCaptureFixture):
    secret = Secret("a-marker-for-the-log-42")
    logger = logging.getLogger("a-library-that-knows-our-key")
    sieve = Scrubbing()
    logger.addFilter(sieve)
    try:
        raise OSError(f"https://venue/x?y={secret.reveal()}")
    except OSError:
        logger.exception("failed with %s", secret.reveal())
    logger.removeFilter(sieve)
    assert "a-marker-for-the-log-42" not in caplog.text
    assert "OSError" in caplog.text
    assert "a-marker-for-the-log-42" not in redacted(f"it was {secret.reveal()}")


def test_a_guarded_process_prints_no_secret_when_it_falls_over():
    code = (
        "import threading\nfrom bearskin.app._logs import guard_process\nfrom bearskin.live import Secret\n"
        "guard_process()\nsecret = Secret('a-marker-that-falls')\n"
        "def fall(): raise OSError('in a thread: ' + secret.reveal())\n"
        "thread = threading.Thread(target=fall); thread.start(); thread.join()\n"
        "raise RuntimeError('at the end: ' + secret.reveal())\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "a-marker-that-falls" not in ran.stderr
    assert "in a thread: ***" in ran.stderr
    assert "RuntimeError: at the end: ***" in ran.stderr
