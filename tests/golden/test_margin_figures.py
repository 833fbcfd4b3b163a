"""Published figures, through all three kinds of number; what is left out says why."""

from __future__ import annotations

from fractions import Fraction

import pytest
from golden.figures import KINDS, NUMBERS, Case, load

import bearskin.margin as m

FIGURES = [*load("figures"), *load("founding")]
SAME = [figure for figure in FIGURES if figure["treatment"] == "same"]
DIFFER = [figure for figure in FIGURES if figure["treatment"] == "differ"]
# what rounding in the number itself may add to the tolerance of a figure, as a part of it
ROUNDING = {"float": Fraction(1, 10**12), "decimal": Fraction(1, 10**30), "fraction": Fraction(0)}


def computed(figure, number):
    """The figures our formulas give, exactly as they came out."""
    with m.quoting():
        found = KINDS[figure["kind"]](Case(figure["inputs"], NUMBERS[number]))
    return {name: Fraction(value) for name, value in found.items()}


def close(found, value, within, number):
    return abs(found - value) <= within + abs(value) * ROUNDING[number]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("figure", SAME, ids=lambda figure: figure["id"])
def test_figure_is_reproduced(figure, number):
    found = computed(figure, number)
    for name, want in figure["expected"].items():
        value, within = Fraction(want["value"]), Fraction(want["within"])
        assert close(found[name], value, within, number), f"{name} was {float(found[name])}, {want['value']} in print"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("figure", DIFFER, ids=lambda figure: figure["id"])
def test_other_models_are_not_followed(figure, number):
    """Where another rule or a shortcut gives another figure, we give the venue's own, exactly."""
    found = computed(figure, number)
    for name, want in figure["expected"].items():
        assert abs(found[name] - Fraction(want["value"])) > Fraction(want["within"])
        assert close(found[name], Fraction(figure["ours"][name]), Fraction(0), number)


def test_every_figure_is_run_or_left_out_with_a_reason():
    ids = [figure["id"] for figure in FIGURES]
    assert len(ids) == len(set(ids))
    for figure in FIGURES:
        assert figure["source"], figure["id"]
        assert figure["expected"], figure["id"]
        assert all(figure.get("left_out", {"none": "reason"}).values()), figure["id"]
        if figure["treatment"] == "left out":
            assert figure["why"], figure["id"]
        elif figure["treatment"] == "differ":
            assert figure["why"], figure["id"]
            assert figure["ours"].keys() == figure["expected"].keys(), figure["id"]
            assert figure["kind"] in KINDS, figure["id"]
        else:
            assert figure["treatment"] == "same", figure["id"]
            assert figure["kind"] in KINDS, figure["id"]
    assert (len(SAME), len(DIFFER)) == (124, 19)


def test_survival_takes_strictly_more_than_the_wallet_of_the_table():
    """At exactly 31,600 the hedge of five coins is liquidated at +10 %; a hundredth more and it lives."""
    case = Case({"brackets": "2024-10", "qty": "-5", "entry": "60000"}, Fraction)
    mark, wallet = Fraction(66000), Fraction(31600)
    assert m.is_liquidated(case.tiers, case["qty"], case.cost, mark, wallet)
    assert not m.is_liquidated(case.tiers, case["qty"], case.cost, mark, wallet + Fraction(1, 100))
    assert m.wallet_needed(case.tiers, case["qty"], case.cost, mark) == wallet


def test_the_hedge_of_ten_times_dies_before_ten_per_cent():
    """The founding document locks in +10 % with 30,000 of margin; both bracket tables liquidate it before."""
    for snapshot in ("2024-10", "2026.9"):
        case = Case({"brackets": snapshot, "qty": "-5", "entry": "60000"}, Fraction)
        price = m.liquidation_price(case.tiers, case["qty"], case.cost, Fraction(30000))
        assert 65000 < price < 66000 == m.bankruptcy_price(case["qty"], case.cost, Fraction(30000))
