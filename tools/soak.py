"""Throw commands at the exchange core for hours, with the auditor of the tests looking after every step.

    python tools/soak.py --minutes 120 --seed 1

Runs seed after seed, prints each with its steps, and stops by itself when the time is over. A fault ends it at once
with the seed, the step and the command; the same seed gives the same fault again.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]


def main() -> int:
    """Soak until the time is over; 1 at the first fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0, help="how long (default two hours)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; the others follow it")
    parser.add_argument("--steps", type=int, default=50_000, help="steps of one seed")
    given = parser.parse_args()
    # the auditor and the rules are those of the tests
    sys.path[:0] = [str(HERE / "src"), str(HERE / "tests")]
    driver: Any = importlib.import_module("model.driver")
    until = time.perf_counter() + given.minutes * 60
    seed, steps = given.seed, 0
    events: Counter[str] = Counter()
    while (left := until - time.perf_counter()) > 0:
        try:
            done = driver.run(seed, given.steps, seconds_max=left)
        except driver.Faulty as fault:
            print(f"FAULT {fault}", flush=True)
            return 1
        steps += done.steps
        events += done.events
        print(f"seed {seed}: {done.steps} steps, {done.steps / done.seconds:.0f} a second, {steps} in all", flush=True)
        seed += 1
    print(
        f"seeds {given.seed} to {seed - 1}: {steps} steps without a fault; "
        + ", ".join(f"{kind} {count}" for kind, count in events.most_common())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
