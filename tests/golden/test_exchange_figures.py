"""The published figures of USDⓈ-M contracts, each traded on the exchange to the printed digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from golden.exchange_figures import KINDS, load

VECTORS = load()
TRADED = [vector for vector in VECTORS if vector["how"] != "left out"]


@pytest.mark.parametrize("vector", TRADED, ids=lambda vector: vector["id"])
def test_figure_is_traded(vector):
    found = KINDS[vector["how"]](vector["inputs"], vector["expected"])
    for name, want in vector["expected"].items():
        value, within = Decimal(want["value"]), Decimal(want["within"])
        assert abs(found[name] - value) <= within, f"{name} was {found[name]}, {value} in print"


def test_list_is_whole():
    """Every published figure of linear contracts that stands in the tests is traded, or left out with a reason."""
    ids = [vector["id"] for vector in VECTORS]
    assert len(ids) == len(set(ids))
    assert all(vector["source"] for vector in VECTORS)
    assert all(vector["why"] for vector in VECTORS if vector["how"] == "left out")
    assert all(all(vector.get("left_out", {"": "reason"}).values()) for vector in VECTORS)
    known = [figure for name in ("figures", "founding") for figure in figures_of(name)]
    others = (
        "ft-int-",
        "ft-okx",
        "ft-gate",
        "ft-bybit",
        "ft-margin",
        "bybit",
        "bitmex",
        "coinm",
        "inverse-1x",
        "nt-inv",
    )
    elsewhere = ("loan-", "margin-", "delivery-", "cum-coinm")  # spot margin, inverse and dated contracts
    for figure in known:
        if not figure["id"].startswith((*others, *elsewhere)):
            assert figure["id"] in ids, figure["id"]
    assert (len(TRADED), len(VECTORS)) == (91, 100)


def figures_of(name: str) -> list[dict[str, str]]:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())
