"""What a person wants to see of a running bot: a fold of its audit stream, told as plain JSON."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from bearskin.engine import Record
from bearskin.engine import _notes as notes
from bearskin.terms import iso, our_id

if TYPE_CHECKING:
    from bearskin.engine import Book

