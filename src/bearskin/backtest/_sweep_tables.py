"""A symbol's signals and the requests of a sweep as columns of numbers, for the compiled loop."""

from __future__ import annotations
