"""Names like the one that was not found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, names: Iterable[str]) -> str:
    """`; did you mean A, B?` for names like `name`, or nothing."""
    found = difflib.get_close_matches(name.upper(), sorted(set(names)), n=3, cutoff=0.7)
    return f"; did you mean {', '.join(found)}?" if found else ""
