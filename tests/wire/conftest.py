"""The exchange the tests of the wire speak to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire.desk_kit import Kit


@pytest.fixture
def kit() -> Iterator[Kit]:
    """A fresh exchange with a wire."""
    found = Kit()
    yield found
    found.close()
