"""What no plan may say, over random trades: the arithmetic is redone in fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from bearskin.risk import PRESETS, PlanRequest, plan
from bearskin.terms import Bracket, Brackets, Instrument, MarginMode, Product, Side

D = Decimal
FEE = D("0.0005")
BTC = Instrument(
    venue="binance", symbol="BTCUSDT", product=Product.LINEAR, base="BTC", quote="USDT", settle="USDT", tick=D("0.1"),
    step=D("0.001"), min_qty=D("0.001"), min_notional=D(100), taker_fee_rate=FEE,
)  # fmt: skip
ROWS = tuple(
    Bracket(floor=D(floor), cap=D(cap), mmr=D(mmr), max_leverage=leverage, cum=D(cum))
    for floor, cap, mmr, leverage, cum in (
        (0, 50_000, "0.004", 125, 0), (50_000, 600_000, "0.005", 100, 50), (600_000, 3_000_000, "0.0065", 75, 950),
        (3_000_000, 12_000_000, "0.01", 50, 11_450), (12_000_000, 10**12, "0.02", 25, 131_450),
    )
)  # fmt: skip
BRACKETS = Brackets(venue="binance", symbol="BTCUSDT", snapshot="2024-10, the first five", rows=ROWS)


@st.composite
def requests(draw: st.DrawFn) -> PlanRequest:
    side = draw(st.sampled_from(Side))
    entry = D(draw(st.integers(10_000, 1_200_000))) / 10
    stop = (entry * (1 - side * D(draw(st.integers(5, 5_000))) / 10_000)).quantize(D("0.1"))
    given_size = draw(st.booleans())
    optional = lambda values: draw(st.none() | st.sampled_from([D(value) for value in values]))  # noqa: E731
    return PlanRequest(
        side=side,
        symbol="BTCUSDT",
        instrument=BTC,
        brackets=BRACKETS,
        entry=entry,
        stop=stop,
        equity=D(draw(st.integers(100, 10**8))),
        qty=D(draw(st.integers(1, 2_000_000))) / 1000 if given_size else None,
        wallet=D(draw(st.integers(100, 10**8))) if given_size and draw(st.booleans()) else None,
        preset=draw(st.sampled_from(sorted(PRESETS))),
        margin_mode=draw(st.none() | st.sampled_from(MarginMode)),
        leverage=optional(["1", "2", "5", "10", "50"]),
        risk_frac=optional(["0.002", "0.01", "0.05"]),
        slippage_frac=D(draw(st.sampled_from(["0", "0.0002", "0.01"]))),
        shock_frac=optional(["0.05", "0.3"]),
        allow_beyond_preset=draw(st.booleans()),
    )


def maintenance(notional: Fraction) -> Fraction:
    row = next(row for row in ROWS if notional <= row.cap)
    return notional * Fraction(row.mmr) - Fraction(row.cum)


@settings(max_examples=200, deadline=None)
@given(requests())
def test_no_plan_goes_ahead_with_a_stop_behind_liquidation_or_a_loss_beyond_the_risk(request: PlanRequest) -> None:
    """`go` and `caution` live at the entry and at the stop; `go` loses no more than preset and request allow."""
    said = plan(request)
    if said.qty is None or said.standing is None or request.stop is None or request.equity is None:
        assert said.verdict == "refused"
        return
    qty, entry, stop = Fraction(said.qty), Fraction(request.entry), Fraction(request.stop)
    wallet = Fraction(said.standing.margin)
    fill = stop * (1 - int(request.side) * Fraction(request.slippage_frac))
    loss = -qty * (fill - entry) + abs(qty) * (fill + entry) * Fraction(FEE)
    assert said.loss_at_stop is not None
    assert abs(Fraction(said.loss_at_stop) / loss - 1) < Fraction(1, 10**20)
    if said.verdict in ("go", "caution"):
        for mark in (entry, stop):
            assert wallet + qty * (mark - entry) > maintenance(abs(qty) * mark)
    if said.verdict == "go":
        limits = [frac for frac in (PRESETS[request.preset].risk_frac, request.risk_frac) if frac is not None]
        assert all(loss <= Fraction(frac) * Fraction(request.equity) for frac in limits)
    if PRESETS[request.preset].hedge and request.shock_frac is None:
        assert said.verdict == "incomplete"
