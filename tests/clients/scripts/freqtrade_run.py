"""freqtrade: dry run, live with an exit of its own, and live until the stop at the exchange is hit."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

from _demo import SYMBOL, Demo, Steps, wait_for

demo, step = Demo(), Steps()
PATIENCE_S = 90.0


class Bot:
    """One run of `freqtrade trade` with the printed config and what the test adds to it."""

    def __init__(self, folder, config, dry_run):
        self.folder, self.flag = folder, folder / "close-now"
        (folder / "printed.json").write_text(config)
        added = {"dry_run": dry_run, "dry_run_wallet": 5000, "internals": {"process_throttle_secs": 1}}
        (folder / "added.json").write_text(json.dumps(added | {"db_url": f"sqlite:///{folder}/trades.sqlite"}))
        command = [
            sys.executable,
            "-m",
            "freqtrade",
            "trade",
            "-c",
            str(folder / "printed.json"),
            "-c",
            str(folder / "added.json"),
            "--userdir",
            str(folder / "user"),
            "--strategy",
            "ShortsAtOnce",
            "--strategy-path",
            str(Path(__file__).parent),
        ]
        (folder / "user").mkdir()
        self.log = folder / "log.txt"
        environment = {**os.environ, "CLIENT_FLAG": str(self.flag)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)

    def trades(self):
        """Rows of the bot's own book: (is_short, is_open, leverage, amount, exit_reason, stops it placed)."""
        if not (self.folder / "trades.sqlite").exists():
            return []
        with closing(sqlite3.connect(f"file:{self.folder}/trades.sqlite?mode=ro", uri=True, timeout=5)) as book:
            try:
                return book.execute(
                    "select is_short, is_open, leverage, amount, exit_reason, (select count(*) from orders o "
                    "where o.ft_trade_id = t.id and o.ft_order_side = 'stoploss') from trades t"
                ).fetchall()
            except sqlite3.OperationalError:  # not made yet
                return []

    def alive(self):
        """Fail with the end of its log when the bot has stopped."""
        assert self.process.poll() is None, f"freqtrade left with {self.process.returncode}: {self.tail()}"
        return True

    def tail(self):
        """The lines of the log that say what went wrong, or its end."""
        lines = self.log.read_text().splitlines()
        return " | ".join([line for line in lines if " ERROR " in line][-3:] or lines[-3:])

    def until(self, what, seen):
        """Wait while the bot is alive; what was seen."""
        try:
            return wait_for(what, lambda: self.alive() and seen(), PATIENCE_S, pause=0.5)
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}; {self.tail()}") from None


@contextmanager
def running(config, dry_run):
    with tempfile.TemporaryDirectory(prefix="bearskin-freqtrade-") as folder:
        bot = Bot(Path(folder), config, dry_run)
        try:
            yield bot
        finally:
            if bot.process.poll() is None:
                bot.process.send_signal(signal.SIGINT)
                try:
                    bot.process.wait(20)
                except subprocess.TimeoutExpired:
                    bot.process.kill()
            if log := os.environ.get("CLIENT_KEEP_LOG"):
                Path(log).write_text(bot.log.read_text())


def dry(config):
    with running(config, dry_run=True) as bot:
        with step("dry run: short opened in its own book, nothing at the exchange") as note:
            [trade] = bot.until("open trade", lambda: [row for row in bot.trades() if row[1]])
            assert trade[0] == 1 and trade[2] == 3.0, trade
            assert demo.position() == 0
            note(f"{trade[3]} BTC, {trade[2]}x")
        with step("dry run: closed") as note:
            bot.flag.touch()
            [trade] = bot.until("closed trade", lambda: [row for row in bot.trades() if not row[1]])
            note(f"exit reason {trade[4]}")


def resting_stop():
    """The stop as the exchange holds it, asked by a signed request of our own."""
    return [row for row in demo.signed("GET", "/fapi/v1/openAlgoOrders", symbol=SYMBOL) if row["side"] == "BUY"]


def opened(bot, name):
    with step(f"{name}: short at the exchange") as note:
        quantity = bot.until("short position", demo.position)
        assert quantity < 0, quantity
        note(f"{quantity} BTC")
    with step(f"{name}: its stop rests at the exchange") as note:
        [stop] = bot.until("resting stop", resting_stop)
        assert stop["orderType"] == "STOP_MARKET" and stop["reduceOnly"] is True, stop
        assert Decimal(stop["triggerPrice"]) > demo.mark() and Decimal(stop["quantity"]) == -quantity, stop
        [position] = demo.signed("GET", "/fapi/v3/positionRisk", symbol=SYMBOL)
        note(f"{stop['quantity']} at {stop['triggerPrice']}, liquidation at {position['liquidationPrice']}")
    return stop


def live_with_exit(config):
    with running(config, dry_run=False) as bot:
        opened(bot, "live")
        with step("live: closed, and no stop stays behind") as note:
            bot.until("open trade in its book", lambda: [row for row in bot.trades() if row[1] and row[5]])
            bot.flag.touch()
            bot.until("flat position", lambda: demo.position() == 0)
            [trade] = bot.until("closed trade", lambda: [row for row in bot.trades() if not row[1]])
            bot.until("no stop", lambda: not resting_stop())
            note(f"exit reason {trade[4]}")


def live_until_stopped(config):
    with running(config, dry_run=False) as bot:
        stop = opened(bot, "live, stopped")
        with step("live, stopped: the exchange closes it, the bot sees it") as note:
            bot.flag.parent.joinpath("seen").touch()
            bot.until("stop in its book", lambda: [row for row in bot.trades() if row[5]])
            demo.pin_mark(round(Decimal(stop["triggerPrice"]) * Decimal("1.001"), 1))
            bot.until("flat position", lambda: demo.position() == 0)
            demo.pin_mark(None)
            [trade] = bot.until("closed trade", lambda: [row for row in bot.trades() if not row[1]][:1])
            assert trade[4] == "stoploss_on_exchange", trade
            bot.flag.touch()  # no further entry
            note(f"exit reason {trade[4]}")


def main():
    with step("the printed config is taken as it is"):
        config = demo.snippet("freqtrade")
    dry(config)
    live_with_exit(config)
    live_until_stopped(config)
    with step("income shows commission and realised profit") as note:
        sums = demo.income()
        assert {"COMMISSION", "REALIZED_PNL"} <= set(sums), sums
        note(", ".join(f"{kind} {amount}" for kind, amount in sorted(sums.items())))


main()
step.end()
