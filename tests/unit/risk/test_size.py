"""Sizing: the least of the caps, rounded down, with the one that bound named; refusals are values."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from unit.risk.cases import BRACKETS, instrument, size_request

from bearskin.risk import PRESETS, Kelly, Sized, plan, size_position
from bearskin.risk import PlanRequest as Ask
from bearskin.terms import MarginMode, Product, Reason, Refused, Side

ROOMY = {"open_risk": Decimal(0), "open_gross_notional": Decimal(0), "open_net_notional": Decimal(0)}


def test_the_example():
    """1 % of 10,000 against 2,500 of stop and 61.25 of fees a coin."""
    sized = size_position(size_request())
    assert sized == Sized(
        qty=Decimal("-0.039"),
        notional=Decimal(2340),
        leverage=Decimal(5),
        margin_mode=MarginMode.ISOLATED,
        margin=Decimal(468),
        loss_at_stop=Decimal("99.88875"),
        funding_reserve=Decimal(0),
        bound_by="risk",
        caps=sized.caps,
        unchecked=("volatility", "depth", "heat", "gross", "net"),
    )


@pytest.mark.parametrize(
    ("words", "bound_by", "qty"),
    [
        ({"stop": Decimal(61500)}, "margin-share", "-0.041"),
        ({"free": Decimal(250)}, "leverage", "-0.020"),
        ({"depth_entry_notional": Decimal(50000), "depth_exit_notional": Decimal(10**9)}, "depth", "-0.016"),
        ({"depth_entry_notional": Decimal(10**9), "depth_exit_notional": Decimal(200000)}, "depth", "-0.02"),
        ({"volatility_per_year": Decimal(1)}, "volatility", "-0.033"),
        ({"open_risk": Decimal(250)}, "heat", "-0.019"),
        ({"open_gross_notional": Decimal(29000)}, "gross", "-0.016"),
        ({"open_net_notional": Decimal(-14000)}, "net", "-0.016"),
        ({"open_net_notional": Decimal(14000)}, "risk", "-0.039"),
        ({"kelly": Kelly(p_low=Decimal("0.5"), win_frac=Decimal("0.08"), loss_frac=Decimal("0.05"))}, "risk", "-0.039"),
        (
            {"kelly": Kelly(p_low=Decimal("0.4"), win_frac=Decimal("0.08"), loss_frac=Decimal("0.05"))},
            "kelly",
            "-0.020",
        ),
        ({"equity": Decimal(10**7), "risk_frac": Decimal("0.01")}, "tier", "-5.000"),
        ({"size_multiplier": Decimal("0.5")}, "risk", "-0.019"),
    ],
)
def test_each_cap_binds_when_it_is_the_least(words, bound_by, qty):
    sized = size_position(size_request(**words))
    assert isinstance(sized, Sized)
    assert (sized.bound_by, sized.qty) == (bound_by, Decimal(qty))
    assert min(sized.caps, key=lambda cap: cap[1])[0] == bound_by


def test_the_bracket_caps_what_a_leverage_may_hold():
    """At 100x the second bracket still lends, up to 800,000: 13.333 coins; going beyond the preset drops the tier."""
    words = {
        "equity": Decimal(10**7),
        "leverage": Decimal(100),
        "stop": Decimal(60200),
        "preset": "pro",
        "allow_beyond_preset": True,
    }
    sized = size_position(size_request(**words))
    assert (sized.bound_by, sized.qty) == ("bracket", Decimal("-13.333"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"stop": None}, Reason.NO_STOP),
        ({"stop": Decimal(59000)}, Reason.STOP_WRONG_SIDE),
        ({"stop": Decimal(60000)}, Reason.STOP_WRONG_SIDE),
        ({"leverage": Decimal(6)}, Reason.LEVERAGE_ABOVE_PRESET),
        ({"leverage": Decimal(151), "allow_beyond_preset": True}, Reason.LEVERAGE_ABOVE_BRACKET),
        ({"risk_frac": Decimal("0.02")}, Reason.RISK_ABOVE_PRESET),
        ({"margin_share_frac": Decimal("0.06")}, Reason.MARGIN_SHARE),
        ({"equity": Decimal(10)}, Reason.SIZE_ZERO),
        ({"free": Decimal(0)}, Reason.SIZE_ZERO),
        ({"open_risk": Decimal(300)}, Reason.HEAT),
        ({"equity": Decimal(300)}, Reason.BELOW_MIN_NOTIONAL),
        ({"stop": Decimal(72000), "equity": Decimal(100000)}, Reason.LIQUIDATION_BEFORE_STOP),
        ({"stop": Decimal(66000), "equity": Decimal(100000)}, Reason.LIQUIDATION_TOO_CLOSE),
    ],
)
def test_refusals(words, reason):
    refused = size_position(size_request(**words))
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"open_risk": Decimal(300)}, "open risk 300.00 of at most 300.00 USDT"),
        ({"risk_frac": Decimal("0.5")}, "is 50 %, needs at most 1 %"),
    ],
)
def test_refusals_say_their_figures_in_units(words, said):
    assert said in str(size_position(size_request(**words)))


def test_research_may_look_past_liquidation():
    words = {"stop": Decimal(62500), "leverage": Decimal(125), "allow_beyond_preset": True, "check_liquidation": False}
    assert isinstance(size_position(size_request(**words)), Sized)


def test_leverage_nobody_gave_is_lowered_until_liquidation_lies_two_stops_away():
    """A stop 10 % away wants room for 20 %: 1 / (1.004 x 1.2 - 1) = 4.88, so 4x."""
    sized = size_position(size_request(stop=Decimal(66000), leverage=None, equity=Decimal(100000)))
    assert sized.leverage == 4
    long = size_position(size_request(side=Side.LONG, stop=Decimal(54000), leverage=None, equity=Decimal(100000)))
    assert long.leverage == 4
    assert size_position(size_request(leverage=None)).leverage == 5


def test_presets_are_as_documented():
    shape = {
        name: (p.leverage_max, p.risk_frac, p.margin_share_frac, p.margin_mode.value) for name, p in PRESETS.items()
    }
    assert shape == {
        "beginner": (3, Decimal("0.005"), Decimal("0.05"), "isolated"),
        "standard": (5, Decimal("0.01"), Decimal("0.05"), "isolated"),
        "pro": (10, Decimal("0.02"), None, "isolated"),
        "hedge": (5, None, None, "cross"),
    }


def test_inverse_contracts_are_sized_in_coin():
    """1 % of 2 BTC at risk; a contract of 100 USD loses 100/60,000 - 100/62,500 coins and fees on both values."""
    words = {
        "equity": Decimal(2),
        "instrument": instrument(Product.INVERSE),
        "brackets": BRACKETS["coin"],
        "preset": "pro",
    }
    sized = size_position(size_request(**words, risk_frac=Decimal("0.01")))
    loss = Fraction(100, 60000) * (1 + Fraction(5, 10000)) - Fraction(100, 62500) * (1 - Fraction(5, 10000))
    assert -sized.qty == (Fraction(2, 100) / loss).__floor__()
    assert abs(sized.loss_at_stop / -sized.qty - Decimal(loss.numerator) / Decimal(loss.denominator)) < Decimal("1e-20")


money = st.decimals(Decimal(500), Decimal(10**6), places=2)
rate = st.decimals(Decimal(0), Decimal("0.002"), places=5)


@st.composite
def requests(draw):
    side = draw(st.sampled_from(list(Side)))
    entry = draw(st.decimals(Decimal("0.5"), Decimal(90000), places=2))
    stop = entry * (1 - side * draw(st.decimals(Decimal("0.002"), Decimal("0.2"), places=4)))
    step = draw(st.sampled_from([Decimal("0.001"), Decimal("0.1"), Decimal(1), Decimal("0.25"), Decimal(3)]))
    return size_request(
        side=side,
        entry=entry,
        stop=stop,
        equity=draw(money),
        risk_frac=draw(st.decimals(Decimal("0.0005"), Decimal("0.02"), places=4)),
        preset="pro",
        leverage=Decimal(draw(st.integers(1, 10))),
        fee_in_rate=draw(rate),
        fee_out_rate=draw(rate),
        slippage_frac=draw(rate),
        funding_paid_frac=draw(rate),
        instrument=instrument(step=step, min_qty=step, min_notional=Decimal(5)),
        **ROOMY,
    )


def loss_a_unit(request):
    """What one unit loses at the stop with every cost, in exact fractions, written out apart from the code."""
    entry, stop = Fraction(request.entry), Fraction(request.stop)
    fill = stop * (1 - int(request.side) * Fraction(request.slippage_frac))
    fees = entry * Fraction(request.fee_in_rate) + fill * Fraction(request.fee_out_rate)
    return abs(entry - fill) + fees + entry * Fraction(request.funding_paid_frac)


@settings(max_examples=150, deadline=None)
@given(requests())
def test_a_size_never_risks_more_than_was_said_and_one_step_more_would_break_a_cap(request):
    sized = size_position(request)
    assume(isinstance(sized, Sized))
    size, step = abs(Fraction(sized.qty)), Fraction(request.instrument.step)
    budget = Fraction(request.equity) * Fraction(request.risk_frac)
    assert size * loss_a_unit(request) <= budget
    assert size % step == 0
    assert sized.qty * request.side > 0
    assert size + step > Fraction(dict(sized.caps)[sized.bound_by]) * (1 - Fraction(1, 10**30))
    assert size * Fraction(request.entry) / Fraction(request.leverage) <= Fraction(request.equity)


@settings(max_examples=100, deadline=None)
@given(requests(), st.sampled_from(["risk", "share", "free", "heat", "depth", "multiplier"]), st.data())
def test_a_tighter_cap_never_gives_a_larger_size(request, which, data):
    part = data.draw(st.decimals(Decimal("0.05"), Decimal(1), places=2))
    tighter = {
        "risk": {"risk_frac": request.risk_frac * part},
        "share": {"margin_share_frac": part * Decimal("0.1")},
        "free": {"free": request.equity * part},
        "heat": {"open_risk": request.equity * Decimal("0.03") * part},
        "depth": {"depth_entry_notional": request.equity * part, "depth_exit_notional": request.equity},
        "multiplier": {"size_multiplier": part},
    }[which]
    loose, tight = size_position(request), size_position(replace(request, **tighter))
    size = abs(loose.qty) if isinstance(loose, Sized) else Decimal(0)
    if isinstance(loose, Refused) and loose.reason in (Reason.LIQUIDATION_BEFORE_STOP, Reason.LIQUIDATION_TOO_CLOSE):
        return  # a smaller position may stand in a kinder tier
    assert (abs(tight.qty) if isinstance(tight, Sized) else 0) <= size


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(list(Side)),
    st.integers(1, 125),
    st.decimals(Decimal("0.001"), Decimal("0.6"), places=4),
    st.decimals(Decimal("0.001"), Decimal(60), places=3),
    st.booleans(),
)
def test_a_plan_that_dies_before_its_stop_is_refused(side, leverage, distance, qty, beyond):
    """Equity at the stop against maintenance there, in fractions: where it is not enough, the stop is never reached."""
    stop = Decimal(60000) * (1 - side * distance)
    request = Ask(
        side=side,
        symbol="BTCUSDT",
        entry=Decimal(60000),
        stop=stop,
        qty=qty,
        leverage=Decimal(leverage),
        allow_beyond_preset=beyond,
        instrument=instrument(),
        brackets=BRACKETS["2026.9"],
    )
    notional = Fraction(qty) * Fraction(stop)
    row = next(row for row in BRACKETS["2026.9"].rows if notional <= row.cap)
    left = Fraction(qty) * (Fraction(60000) / leverage - abs(Fraction(stop) - 60000))
    priced = plan(request)
    if left <= notional * Fraction(row.mmr) - Fraction(row.cum):
        assert priced.verdict == "refused"
        assert any("liquidation comes before the stop" in said or "at once" in said for said in priced.reasons)
    else:
        assert all("liquidation comes before the stop" not in said for said in priced.reasons)
