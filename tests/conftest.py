"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real market data: `$BEARSKIN_DATA`, else `../shared/data` beside the checkout."""
    named = os.environ.get("BEARSKIN_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "binance_um_2025").is_dir():
        pytest.skip("no real market data: set BEARSKIN_DATA to a folder that holds binance_um_2025")
    return folder
