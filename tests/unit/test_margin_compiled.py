"""The same formulas inside numba: every one compiles, nested calls included, and float results agree bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden.figures import brackets

import bearskin.margin as m
from bearskin.terms import BadInput

numba = pytest.importorskip("numba")

Q, E, W = -1.237, 60123.7, 15432.1
C = Q * E
FACE, COINS = -61234.0, -61234.0 / 60123.7
COLUMN = np.array([0.0013, -0.0004, 0.0021])
# one set of arguments for every formula; "tiers" stands for the brackets
ARGS = {
    "adl_score": (812.3, W, 301.7),
    "assuming_price": (Q, 59990.5, E, 60100.1),
    "bankruptcy_price": (Q, C, W),
    "bracket_at": ("tiers", 912345.6),
    "break_even_price": (Q, C, 0.0005),
    "break_even_price_all_in": (Q, C, 0.0005, 0.0002),
    "buy_back_qty": (0.1237, 0.001),
    "carry_per_day": (Q, E, 0.00013, 8),
    "clamp": (0.0123, -0.003, 0.003),
    "delivery_price": (COLUMN,),
    "delivery_received": (Q, C, 59123.4, 0.0005),
    "equity": (Q, C, 61234.5, W),
    "fee": (74321.9, 0.0005),
    "funding_interest": (0.0006, 0.0003, 3),
    "funding_rate": (0.00213, 0.0001, 4),
    "funding_received": (Q, E, 0.00013),
    "funding_total": (Q, np.array([E, 60321.1, 59876.5]), COLUMN),
    "impact_margin_notional": (200.0, 0.008),
    "initial_margin": (74321.9, 7.0),
    "interest_hours": (13 * 3600 * 10**9 + 1, 15 * 3600 * 10**9),
    "inverse_bankruptcy_price": (FACE, COINS, 0.3),
    "inverse_bracket_at": ("tiers", -(10.0**11), 6000.0),
    "inverse_cost": (FACE, E),
    "inverse_funding_received": (FACE, E, 0.00013),
    "inverse_harmonic_entry": (FACE, COINS),
    "inverse_is_liquidated": ("tiers", FACE, COINS, 61234.5, 0.01),
    "inverse_liquidation_price": ("tiers", FACE, COINS, 0.3),
    "inverse_maintenance": ("tiers", FACE, E),
    "inverse_notional": (FACE, E),
    "inverse_profit": (FACE, COINS, 59123.4),
    "inverse_wallet_needed": ("tiers", FACE, COINS, 61234.5),
    "is_liquidated": ("tiers", Q, C, 71234.5, W),
    "liquidation_price": ("tiers", Q, C, W),
    "loan_carry_per_day": (0.1237, 0.00000571, E),
    "loan_interest": (0.1237, 0.00000571, 721),
    "loan_liquidation_price": (9000.3, 0.0, 0.0, 0.1237, 1.1),
    "maintenance": ("tiers", 912345.6),
    "margin_level": (9000.3, 7437.3, 1.7),
    "margin_ratio": (301.7, 1234.5),
    "mark_price": (60003.1, 59987.5, 60100.2),
    "max_borrow": (1234.5, 3.0),
    "net_profit": (Q, C, 59123.4, 0.0005, 0.0002, 12.3),
    "next_cum": (50000.0, 0.005, 0.004, 0.0),
    "notional": (Q, E),
    "open_loss": (Q, 59990.5, E),
    "order_cost": (Q, 59990.5, E, 60100.1, 7.0),
    "premium_average": (COLUMN,),
    "premium_index": (60010.1, 60012.3, 60001.7),
    "price_one": (60000.3, 0.00013, 3.3, 8),
    "price_two": (60000.3, -12.7),
    "profit": (Q, C, 59123.4),
    "realized_profit": (Q, C, 0.3, 59123.4),
    "return_on_margin": (812.3, W),
    "roe": (Q, C, 59123.4, 7.0),
    "root_bracket": ("tiers", W - C, -1),
    "survival_wallet": ("tiers", Q, C, 0.13),
    "wallet_needed": ("tiers", Q, C, 66123.7),
}


@pytest.fixture(scope="module")
def armed(tmp_path_factory):
    """Formulas callable from compiled code, with the environment put back afterwards."""
    before = os.environ.get("NUMBA_CACHE_DIR")
    m.arm(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("NUMBA_CACHE_DIR", None)
    if before is not None:
        os.environ["NUMBA_CACHE_DIR"] = before
    numba.config.CACHE_DIR = before or ""


def ours():
    return {f.__name__: f for f in m.formulas() if f.__module__.startswith("bearskin.margin.")}


def test_every_formula_is_tried():
    assert ours().keys() == ARGS.keys()


@pytest.mark.slow
def test_every_formula_compiles_and_agrees_bit_for_bit(armed):
    """One kernel that calls them all, so that each is reached through a nested call."""
    tiers = m.tiers_of(brackets("2024-10"), float)
    names = sorted(ARGS)
    given = [tuple(tiers if isinstance(arg, str) else arg for arg in ARGS[name]) for name in names]
    calls = [f"{name}({', '.join(f'a[{i}][{j}]' for j in range(len(given[i])))})" for i, name in enumerate(names)]
    space = dict(ours())
    exec(f"def kernel(a):\n    return ({', '.join(calls)})", space)
    plain = [ours()[name](*args) for name, args in zip(names, given, strict=True)]
    found = numba.njit(space["kernel"])(tuple(given))
    assert dict(zip(names, found, strict=True)) == dict(zip(names, plain, strict=True))


def test_compiled_prices_and_decisions_agree_over_a_sweep(armed):
    """Five thousand positions at once, long and short, over every bracket."""
    tiers = m.tiers_of(brackets("2026.9"), float)
    liquidation_price, is_liquidated = m.liquidation_price, m.is_liquidated

    def sweep(tiers, qty, cost, mark, wallet):
        price, dead = np.empty(len(qty)), np.empty(len(qty), np.bool_)
        for i in range(len(qty)):
            price[i] = liquidation_price(tiers, qty[i], cost[i], wallet[i])
            dead[i] = is_liquidated(tiers, qty[i], cost[i], mark[i], wallet[i])
        return price, dead

    dice = np.random.default_rng(7)
    qty = np.round(dice.choice([-1, 1], 5000) * np.exp(dice.normal(3, 4, 5000)), 3) + 0.001
    mark = np.round(60000 * np.exp(dice.normal(0, 0.1, 5000)), 1)
    cost = qty * 60000.0
    wallet = np.abs(cost) / dice.integers(1, 125, 5000)
    plain, fast = sweep(tiers, qty, cost, mark, wallet), numba.njit(sweep)(tiers, qty, cost, mark, wallet)
    assert np.array_equal(plain[0], fast[0])
    assert np.array_equal(plain[1], fast[1])
    assert 100 < fast[1].sum() < 4900


def test_bad_input_keeps_its_name_in_compiled_code(armed):
    with pytest.raises(BadInput, match="equity above zero"):
        numba.njit(m.margin_ratio)(1.0, 0.0)


def test_arming_twice_changes_nothing(armed, tmp_path):
    folder = os.environ["NUMBA_CACHE_DIR"]
    m.arm(tmp_path / "elsewhere")
    assert os.environ["NUMBA_CACHE_DIR"] == folder
    assert folder == numba.config.CACHE_DIR


KERNEL = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import numba
from bearskin.margin import arm
import own
arm(kernel_files=[Path(__file__)])
@numba.njit(cache=True)
def kernel(x):
    return own.tripled(x) + 1
print(kernel(10.0), numba.config.CACHE_DIR)
"""
OWN = """
from bearskin.margin import formula
@formula
def tripled(x):
    return x * {factor}
"""


def test_an_edited_formula_is_not_served_from_the_cache(tmp_path):
    """numba looks only at the kernel's own file; the digest in the folder's name sees the formula's file too."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    env["PYTHONPATH"] = str(Path(m.__file__).parents[2])
    seen = []
    for factor in (3, 3, 5):
        (tmp_path / "own.py").write_text(OWN.format(factor=factor))
        command = [sys.executable, str(tmp_path / "kernel.py")]
        run = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        value, folder = run.stdout.split()
        seen.append((float(value), Path(folder)))
    assert [value for value, _ in seen] == [31.0, 31.0, 51.0]
    folders = [folder for _, folder in seen]
    assert folders[0] == folders[1] != folders[2]
    assert {folder.parent for folder in folders} == {tmp_path / "cache"}
    assert all(list(folder.rglob("*.nbi")) for folder in folders)
