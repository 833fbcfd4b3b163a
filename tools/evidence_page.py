"""Fills the evidence blocks of docs/setups.md from the packaged study, so that the page says what the program says.

Run it after the evidence changed: `python tools/evidence_page.py`. Text outside the marked blocks is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "setups.md"
BLOCK = re.compile(r"(<!-- evidence of (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """`page` with every marked block made anew."""
    from bearskin.setups import evidence_words

    return BLOCK.sub(lambda match: f"{match[1]}*Evidence:* {evidence_words(match['name'])}\n{match[3]}", page)


def main() -> int:
    """Write the page; with --check only say whether it is current."""
    page = PAGE.read_text(encoding="utf-8")
    new = filled(page)
    if "--check" in sys.argv:
        return 0 if new == page else 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
