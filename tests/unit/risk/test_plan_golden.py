"""Plans against published figures: the tables in tests/golden/plan_*.json name where each comes from."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from unit.risk.cases import ask

from bearskin.market import load_brackets
from bearskin.risk import PlanRequest, plan

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = [
    pytest.param(case, id=case["id"])
    for path in sorted(GOLDEN.glob("plan_*.json"))
    for case in json.loads(path.read_text())["cases"]
]


def at(answer, path):
    for part in path.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return answer


@pytest.mark.parametrize("case", CASES)
def test_figures(case):
    answer = plan(ask(case["brackets"], **case["request"])).to_json()
    for path, expected in case.get("expect", {}).items():
        assert at(answer, path) == expected, path
    for path, expected in case.get("expect_percent", {}).items():
        assert f"{Decimal(at(answer, path)) * 100:.2f}" == expected, path
    rows = {row["move_frac"]: row for row in answer["survival"]}
    for move, (wallet, leverage) in case.get("expect_survival", {}).items():
        assert rows[move]["wallet_above"] == wallet
        assert f"{Decimal(rows[move]['leverage_below']):.2f}" == leverage


@pytest.mark.parametrize(("wallet", "price"), [("30000", "65681.59"), ("60000", "71651.74")])
def test_founding_hedge_from_the_bracket_file(real_data, wallet, price):
    book = load_brackets(real_data / "brackets" / "binance_leverage_tiers_freqtrade_2024-10.json.gz")
    request = PlanRequest(
        side="short",
        symbol="BTCUSDT",
        entry="60000",
        qty="5",
        wallet=wallet,
        brackets=book.get("binance", "BTCUSDT"),
    )
    assert plan(request).to_json()["liquidation_price"] == price


def test_packaged_snapshots_stand_in_for_what_is_not_given():
    answer = plan(PlanRequest(side="short", symbol="BTCUSDT", entry="60000", qty="5", wallet="30000")).to_json()
    assert answer["liquidation_price"] == "65731.34"
    assert answer["brackets_snapshot"] == "binance 2026.9"


def test_one_tier_for_everything_is_not_our_answer():
    """A published figure for this hedge uses the first tier throughout and is right under neither snapshot."""
    for snapshot in ("2024-10", "2026.9"):
        assert plan(ask(snapshot, qty="5", wallet="30000")).to_json()["liquidation_price"] != "65737.05"


@pytest.mark.parametrize(("contracts", "down", "up"), [(3, -12000, 12000), (5, 0, 0), (7, 12000, -12000)])
def test_under_full_and_over_hedge_of_five_coins(contracts, down, up):
    """5 BTC held, 3, 5 or 7 sold short: what 54,000 and 66,000 make of both together."""
    answer = plan(ask("2024-10", qty=contracts, equity="300000", preset="hedge", targets=("54000",))).to_json()
    assert Decimal(answer["targets"][0]["reward"]) - 5 * 6000 == down
    assert Decimal(answer["gaps"][1]["pnl"]) + 5 * 6000 == up


def test_an_inverse_short_of_its_own_coins_is_worth_the_same_at_every_price():
    priced = plan(ask("coin", symbol="BTCUSD_PERP", product="inverse", qty="3000", wallet="5"))
    assert [round(row.isolated_equity * row.mark, 20) for row in priced.gaps] == [300000] * 5
    assert priced.survival[-1].wallet_above < 5
    assert "never liquidated" in priced.standing.liquidation_note
