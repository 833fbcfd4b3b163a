"""Fills the evidence blocks of docs/setups/*.md from the packaged study, so that the pages say what the program says.

Run it after the evidence changed: `python tools/evidence_page.py`. Text outside the marked blocks is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "docs" / "setups"
BLOCK = re.compile(r"(<!-- evidence of (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """`page` with every marked block made anew."""
    from bearskin.setups import evidence_words

    return BLOCK.sub(lambda match: f"{match[1]}*Evidence:* {evidence_words(match['name'])}\n{match[3]}", page)


def main() -> int:
    """Write the pages; with --check only say whether they are current."""
    stale = 0
    for path in sorted(PAGES.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        new = filled(page)
        stale += new != page
        if "--check" not in sys.argv:
            path.write_text(new, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
