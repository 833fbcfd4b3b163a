"""Who would be liquidated at which mark: found by price, not by scanning."""

from __future__ import annotations


class Watch:
    """The marks at which positions have to be looked at again."""
