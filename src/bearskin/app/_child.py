"""A command in a process of its own that ends when its parent does, however that ends.

The parent holds the other end of this process's standard input: once it is closed, the parent is gone, killed perhaps.
"""

from __future__ import annotations

import os
import signal
import threading
import time

GRACE_S = 10.0


def main() -> None:
    """Run the command line of this process; leaves with its exit code."""
    threading.Thread(target=_follow_parent, name="bearskin-parent", daemon=True).start()
    from bearskin.app import main as run

    run()


def _follow_parent() -> None:
    try:
        while os.read(0, 4_096):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)  # what does not end by itself must not outlive the parent


if __name__ == "__main__":
    main()
