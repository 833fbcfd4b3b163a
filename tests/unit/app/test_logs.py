"""The log: rotated, and without anybody's secrets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bearskin.app._logs import BYTES_MAX, FILES_KEPT, LOCK_FILE, OTHERS, redacted, start_logging, stop_logging

SECRET = "s3same-op3n"
FILE = f"{OTHERS}.log"


@pytest.fixture
def log(tmp_path: Path):
    handler = start_logging(tmp_path / "logs", "info")
    logger = logging.getLogger("bearskin.test")
    logger.setLevel(logging.DEBUG)
    yield logger, tmp_path / "logs" / FILE
    stop_logging(handler)


def test_nothing_is_made_until_something_is_said(log) -> None:
    logger, file = log
    logger.debug("below the level")
    assert not file.parent.exists()
    logger.info("hello")
    assert "INFO bearskin.test: hello" in file.read_text()


def test_secrets_in_messages_arguments_and_traces_are_hidden(log) -> None:
    logger, file = log
    logger.info("api_key=%s", SECRET)
    logger.info("the password %s was wrong", SECRET)
    logger.info("headers %s", {"X-API-KEY": SECRET, "nested": {"token": SECRET}, "venue": "binance"})
    logger.info("%(secret)s for %(venue)s", {"secret": SECRET, "venue": "binance"})
    logger.info("GET /x?symbol=BTCUSDT&apiKey=%s&side=SELL", SECRET)
    logger.info('{"secret": "%s", "side": "sell"}', SECRET)
    logger.info("Authorization: Bearer %s", SECRET)
    try:
        raise ValueError(f"token={SECRET}")
    except ValueError:
        logger.exception("failed")
    text = file.read_text()
    assert SECRET not in text
    assert text.count("***") >= 8
    assert "binance" in text
    assert "side=SELL" in text
    assert '"side": "sell"' in text


def test_ordinary_words_stay() -> None:
    assert redacted("qty=-0.039 stop=62500 monkey business") == "qty=-0.039 stop=62500 monkey business"


def test_the_file_is_rotated(log) -> None:
    logger, file = log
    for _ in range(3 * BYTES_MAX // 100_000):
        logger.info("x" * 100_000)
    names = sorted(path.name for path in file.parent.glob("*.log*"))
    assert names[0] == FILE
    assert len(names) > 1
    assert len(names) <= FILES_KEPT + 1
    assert all(path.stat().st_size <= BYTES_MAX for path in file.parent.iterdir())


def test_a_log_that_cannot_be_written_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    handler = start_logging(tmp_path / "file" / "logs", "info")
    try:
        logging.getLogger("bearskin.test").warning("one")
        logging.getLogger("bearskin.test").warning("two")
    finally:
        stop_logging(handler)
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_every_kind_of_process_has_its_own_file(tmp_path: Path) -> None:
    logger = logging.getLogger("bearskin.test")
    for command, file in (("trade", "bot"), ("exchange", "exchange"), ("demo", "demo"), ("plan", "bearskin")):
        handler = start_logging(tmp_path, "info", command)
        logger.warning("key=%s said by %s", SECRET, command)
        stop_logging(handler)
        assert (tmp_path / f"{file}.log").read_text().count("\n") == 1
        assert SECRET not in (tmp_path / f"{file}.log").read_text()


def test_two_processes_of_a_kind_rotate_it_once_and_lose_nothing(tmp_path: Path) -> None:
    one, two = start_logging(tmp_path, "info", "trade"), start_logging(tmp_path, "info", "trade")
    try:
        for number in range(60):
            for handler in (one, two):
                handler.handle(logging.LogRecord("b", logging.INFO, "", 0, f"line {number} {'x' * 30_000}", (), None))
    finally:
        stop_logging(one)
        stop_logging(two)
    files = [path for path in tmp_path.iterdir() if path.name != LOCK_FILE]
    assert len(files) == 4
    assert sum(path.read_text().count(": line ") for path in files) == 120
    assert all(path.stat().st_size <= BYTES_MAX for path in files)
