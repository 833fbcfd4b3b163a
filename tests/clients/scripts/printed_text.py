"""What `bearskin exchange` prints to a person: the address within three seconds, and every text to paste, unbroken.

Runs in the project's own environment, on an exchange of its own beside the one it is handed.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

from _demo import Steps

from bearskin.exchange.wire import snippets

START_S_MAX = 3.0
step = Steps()


def printed(port, home):
    """Everything that is printed until the exchange waits, and after how many seconds the address stood there."""
    command = [sys.executable, "-m", "bearskin", "exchange", "--port", str(port)]
    surroundings = {**os.environ, "BEARSKIN_HOME": home, "PYTHONUNBUFFERED": "1", "COLUMNS": "80", "NO_COLOR": "1"}
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=surroundings)
    alarm = threading.Timer(20, process.kill)
    alarm.start()
    lines, seconds = [], 0.0
    for line in process.stdout:
        lines.append(line)
        if "API key" in line:
            seconds = time.monotonic() - began
        if line.startswith("Ctrl-C"):
            break
    alarm.cancel()
    process.terminate()
    process.wait(10)
    return "".join(lines), seconds


def word_after(text, label):
    """The word that stands behind a label."""
    return next(line.split()[-1] for line in text.splitlines() if line.strip().startswith(label))


def main():
    with step("address and key stand there") as note, tempfile.TemporaryDirectory() as home:
        port = int(os.environ["CLIENT_PORT"]) + 1
        for _ in range(3):  # the first start makes the folder and warms the disk; a busy machine gets another chance
            text, seconds = printed(port, home)
            if 0 < seconds < START_S_MAX:
                break
        assert seconds, text
        url, key, secret = f"http://127.0.0.1:{port}", word_after(text, "API key"), word_after(text, "API secret")
        assert url in text
        assert seconds < START_S_MAX, seconds
        note(f"after {seconds:.1f} s")
    for name, snippet in snippets(url, url.replace("http", "ws"), key, secret).items():
        with step(f"the text for {name} is printed whole"):
            assert snippet.strip() in text, snippet


main()
step.end()
