"""quiz, legal, cap and keys vouch on the command line: asked, answered, kept."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from bearskin.app._licence import FILE
from bearskin.app._quiz import QUESTIONS


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


class Knowing(io.StringIO):
    """Reads each question from stderr as it is put, and answers it rightly (or, `wrong` times, wrongly)."""

    def __init__(self, capsys: pytest.CaptureFixture[str], wrong: int = 0) -> None:
        super().__init__()
        self.capsys, self.wrong, self.shown = capsys, wrong, ""

    def readline(self, *_: object) -> str:  # type: ignore[override]
        said = self.capsys.readouterr().err
        self.shown += said
        asked = said[said.rindex("/10  ") :]
        answers = dict(re.findall(r"^   ([abc])\) (.*)$", asked, re.MULTILINE))
        right = next(letter for letter, answer in answers.items() if any(answer == q.answers[0] for q in QUESTIONS))
        if self.wrong:
            self.wrong -= 1
            return next(letter for letter in "abc" if letter != right) + "\n"
        return f"{right}\n"


def test_ten_right_answers_open_live_trading(bearskin, home: Path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Knowing(capsys, wrong=1))
    failed = bearskin("quiz --json")
    assert (failed.code, failed.object["passed"]) == (3, False)
    assert not (home / FILE).exists()
    knowing = Knowing(capsys)
    monkeypatch.setattr(sys, "stdin", knowing)
    passed = bearskin("quiz --json")
    assert passed.code == 0, passed.err
    assert passed.object["passed"]
    assert len(passed.object["questions"]) == 10
    assert all(row["reason"] for row in passed.object["questions"])
    assert json.loads((home / FILE).read_text())["quiz_passed_at"].endswith("Z")
    assert knowing.shown.count("Right.") == 9  # the last verdict came after the last question


def test_nobody_there_is_one_sentence(bearskin, home: Path, monkeypatch: pytest.MonkeyPatch):
    for words, said in (
        ("quiz", "run `bearskin quiz` in a terminal"),
        ("cap set binance 500", "say --confirm binance"),
    ):
        typed(monkeypatch)
        ran = bearskin(words)
        assert ran.code == 2
        assert said in ran.err
    assert not (home / FILE).exists()


def test_the_notice_is_shown_and_acknowledged(bearskin, home: Path):
    shown = bearskin("legal --json").object
    assert shown["acknowledged"] is None
    assert set(shown["regions"]) == {"eu", "uk", "us", "ca", "other"}
    assert not (home / FILE).exists()
    assert bearskin("legal --accept moon").code == 2
    assert bearskin("legal --accept EU --json").object["region"] == "eu"
    assert "acknowledged for eu" in bearskin("legal").out


def test_a_cap_is_set_by_naming_the_venue_again(bearskin, home: Path, monkeypatch: pytest.MonkeyPatch):
    assert bearskin("cap list --json").object == {"first": "100", "caps": {}}
    assert bearskin("cap set binance 500 --confirm bybit").code == 2
    assert bearskin("cap set binance -5 --confirm binance").code == 2
    typed(monkeypatch, "binance")
    assert bearskin("cap set binanceusdm 500 --json").object["caps"] == {"binance": "500"}
    assert bearskin("cap set binance 1e3 --confirm binance --json").object["caps"] == {"binance": "1000"}


def test_a_key_is_vouched_for_by_the_words(bearskin, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BEARSKIN_MEXC_KEY", "a-key-of-mexc")
    monkeypatch.setenv("BEARSKIN_MEXC_SECRET", "a-secret-of-mexc")
    typed(monkeypatch, "it cannot")
    assert bearskin("keys vouch mexc").code == 2
    assert not (home / FILE).exists()
    typed(monkeypatch, "Cannot withdraw")
    ran = bearskin("keys vouch mexc --json")
    assert ran.code == 0, ran.err
    assert list(json.loads((home / FILE).read_text())["cannot_withdraw"]) == [ran.object["key"]]
    assert "a-key-of-mexc" not in (home / FILE).read_text() + ran.out + ran.err


def test_trading_is_locked_and_plans_are_not(bearskin, home: Path):
    locked = bearskin("trade --venue binance --symbols BTCUSDT --live-confirm binance")
    assert (locked.code, "bearskin legal" in locked.err) == (2, True)
    assert bearskin("plan short BTCUSDT --entry 60000 --stop 62500 --json").code == 0
