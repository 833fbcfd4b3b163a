"""A store as a whole: its version, its lock, its way up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bearskin import market
from bearskin.terms import BadInput, StoreBroken


def made(root: Path, version: object = market.STORE_VERSION) -> Path:
    root.mkdir()
    (root / "store.json").write_text(json.dumps({"format": "bearskin-store", "version": version}))
    return root


def test_no_store_has_no_version_and_nothing_to_migrate(tmp_path: Path) -> None:
    assert market.store_version(tmp_path) is None
    assert market.migrate_store(tmp_path) == ()


def test_a_current_store_needs_no_step(tmp_path: Path) -> None:
    root = made(tmp_path / "store")
    assert market.store_version(root) == market.STORE_VERSION
    assert market.migrate_store(root) == ()


def test_a_store_from_the_future_is_refused_untouched(tmp_path: Path) -> None:
    root = made(tmp_path / "store", 99)
    before = (root / "store.json").read_bytes()
    with pytest.raises(BadInput, match="version 99"):
        market.migrate_store(root)
    assert (root / "store.json").read_bytes() == before


def test_a_damaged_version_file_is_said(tmp_path: Path) -> None:
    root = made(tmp_path / "store")
    (root / "store.json").write_text("{")
    with pytest.raises(StoreBroken, match=r"store\.json"):
        market.store_version(root)


def test_who_holds_the_store_holds_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(tmp_path / "store")
    monkeypatch.setattr("bearskin.market._writing._WAIT_S", 0.1)
    with market.hold_store(root), pytest.raises(StoreBroken, match="is being written"), market.hold_store(root):
        pass
    with market.hold_store(root):
        pass
