"""How large: the least of the caps, and the name of the one that bound."""

from __future__ import annotations

import decimal
from dataclasses import dataclass, replace
from decimal import Decimal

from bearskin.risk._payoff import ZERO, Columns, Payoff, payoff_of, tiers
from bearskin.risk._presets import Preset, above, preset_of
from bearskin.terms import QUOTE, Brackets, Instrument, MarginMode, Reason, Refused, Side, step_down

ONE = Decimal(1)
_STRESSED_DEPTH = Decimal("0.3")  # what is left of the book when everybody wants out


@dataclass(frozen=True, slots=True, kw_only=True)
class Kelly:
    """What a switched-on model says of this trade.

    `p_low` is a cautious probability of winning (the lower quartile of a calibrated one), `win_frac` and `loss_frac`
    what is won or lost as fractions of notional after costs, `share` how much of the full bet is dared.
    """

    p_low: Decimal
    win_frac: Decimal
    loss_frac: Decimal
    share: Decimal = Decimal("0.25")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRequest:
    """What sizing needs to know. Money is in the settle currency, rates and `_frac` are fractions, prices positive.

    None means: of `risk_frac`, `margin_share_frac`, `margin_mode`: the preset's; of `leverage`: the preset's maximum,
    lowered until liquidation is far enough behind the stop; of the fees: the instrument's taker fee; of `free`
    (balance free for margin) and `cross_wallet`: all of equity; of the others: not known, and said so in `unchecked`.
    `brackets` None is for spot margin, which has none. `check_liquidation` false is for research only.
    `notional_max` is a cap of the user's own (None: no such cap). `slippage_frac` worsens the stop's fill,
    `funding_paid_frac` is what holding is expected to cost as a fraction of notional, never negative.
    `open_net_notional` is signed. `size_multiplier` (guards, drawdown) scales the result.
    """

    side: Side
    entry: Decimal
    stop: Decimal | None
    equity: Decimal
    instrument: Instrument
    brackets: Brackets | None
    preset: str = "standard"
    risk_frac: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    margin_share_frac: Decimal | None = None
    allow_beyond_preset: bool = False
    check_liquidation: bool = True
    fee_in_rate: Decimal | None = None
    fee_out_rate: Decimal | None = None
    slippage_frac: Decimal = ZERO
    funding_paid_frac: Decimal = ZERO
    free: Decimal | None = None
    cross_wallet: Decimal | None = None
    size_multiplier: Decimal = ONE
    open_risk: Decimal | None = None
    heat_frac: Decimal = Decimal("0.03")
    open_gross_notional: Decimal | None = None
    open_net_notional: Decimal | None = None
    gross_max: Decimal = Decimal(3)
    net_max: Decimal = Decimal("1.5")
    volatility_per_year: Decimal | None = None
    volatility_target: Decimal = Decimal("0.20")
    depth_entry_notional: Decimal | None = None
    depth_exit_notional: Decimal | None = None
    depth_share: Decimal = Decimal("0.02")
    kelly: Kelly | None = None
    notional_max: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A size that every cap allows: `qty` signed and on the step, the rest in the settle currency.

    `loss_at_stop` counts both fees and slippage, `funding_reserve` what funding is expected to take beside it.
    `caps` holds each cap as (name, quantity it allows before rounding), `bound_by` the least, `unchecked` those
    without data.
    """

    qty: Decimal
    notional: Decimal
    leverage: Decimal
    margin_mode: MarginMode
    margin: Decimal
    loss_at_stop: Decimal
    funding_reserve: Decimal
    bound_by: str
    caps: tuple[tuple[str, Decimal], ...]
    unchecked: tuple[str, ...]


def size_position(request: SizeRequest) -> Sized | Refused:
    """The largest position that every cap allows, or the reason why there is none.

    Caps, in quantity: `risk` (loss at the stop with both fees, slippage and expected funding), `margin-share`,
    `leverage` (free balance), `bracket` (the venue's largest position at this leverage), `tier`, `volatility`, `depth`,
    `heat`, `gross`, `net`, `largest-order` (what one market or stop order may hold, where the venue tells: the stop and
    the way out have to fit into one), `cap` where the user set one, and `kelly` where a model is on. The result is
    rounded towards zero to the venue's step.
    """
    with decimal.localcontext(QUOTE):
        refused = _wrong_stop(request)
        if refused is not None or request.stop is None:
            return refused or Refused(reason=Reason.NO_STOP, detail="the risk of a trade without a stop has no size")
        preset = preset_of(request.preset)
        if request.leverage is not None:
            refused = _limits_refusal(request, preset, request.leverage)
            return refused or _sized(request, preset, request.leverage, request.stop)
        return _sized_within(request, preset, request.stop)


def size_for_plan(request: SizeRequest) -> Sized | Refused:
    """The size alone: what exceeds a preset or dies too early is priced all the same, for preflight to refuse it."""
    with decimal.localcontext(QUOTE):
        assert request.stop is not None  # a plan without a stop is not sized by its risk
        preset = preset_of(request.preset)
        if request.leverage is None:
            outcome = _sized_within(request, preset, request.stop)
            if isinstance(outcome, Sized):
                return outcome
        leverage = request.leverage or leverage_within(request, preset, request.stop)
        refused = _bracket_refusal(request, leverage)
        return refused or _sized(replace(request, check_liquidation=False), preset, leverage, request.stop)


def _sized_within(request: SizeRequest, preset: Preset, stop: Decimal) -> Sized | Refused:
    """Sized at the largest whole leverage of the preset that keeps liquidation far enough behind the stop."""
    leverage = leverage_within(request, preset, stop)
    while True:  # a large position meets a dearer tier than the first guess assumed
        outcome = _limits_refusal(request, preset, leverage) or _sized(request, preset, leverage, stop)
        too_close = isinstance(outcome, Refused) and outcome.reason in (
            Reason.LIQUIDATION_BEFORE_STOP,
            Reason.LIQUIDATION_TOO_CLOSE,
        )
        if not too_close or leverage <= ONE:
            return outcome
        leverage -= ONE


def leverage_within(request: SizeRequest, preset: Preset, stop: Decimal) -> Decimal:
    """The largest whole leverage within preset and first bracket that keeps liquidation k stop distances away.

    Linear contracts: with stop distance s, a short lives to 1 + k s while `1 / leverage >= (1 + mmr)(1 + k s) - 1`,
    a long to 1 - k s while `1 / leverage >= 1 - (1 - mmr)(1 - k s)`. For inverse contracts it is a first guess that
    the exact check corrects. A cross position lives on the wallet, whatever its leverage: nothing is lowered for it.
    Returns at least 1.
    """
    if request.brackets is None:
        return preset.leverage_max
    first = request.brackets.rows[0]
    if (request.margin_mode or preset.margin_mode) is MarginMode.CROSS:
        return min(preset.leverage_max, Decimal(first.max_leverage))
    reach = 1 - request.side * preset.liquidation_stop_ratio * abs(stop - request.entry) / request.entry
    needed = 1 - reach * (1 - request.side * first.mmr) if request.side > 0 else reach * (1 + first.mmr) - 1
    whole = (1 / needed).to_integral_value(rounding=decimal.ROUND_FLOOR) if needed > 0 else preset.leverage_max
    return max(ONE, min(whole, preset.leverage_max, Decimal(first.max_leverage)))


def stop_fill(side: Side, stop: Decimal, slippage_frac: Decimal) -> Decimal:
    """Where a stop is expected to fill: beyond it by the slippage, against us."""
    return stop * (1 - side * slippage_frac)


def _wrong_stop(request: SizeRequest) -> Refused | None:
    """A stop must lose money: above the entry of a short, below the entry of a long."""
    if request.stop is None or (request.entry - request.stop) * request.side > 0:
        return None
    need = f"above {request.entry}" if request.side < 0 else f"below {request.entry}"
    return Refused(reason=Reason.STOP_WRONG_SIDE, have=str(request.stop), need=need)


def _bracket_refusal(request: SizeRequest, leverage: Decimal) -> Refused | None:
    """No venue lends more than its first bracket says, whatever the user chooses."""
    if request.brackets is None or leverage <= request.brackets.rows[0].max_leverage:
        return None
    need = f"at most {request.brackets.rows[0].max_leverage}x"
    return Refused(reason=Reason.LEVERAGE_ABOVE_BRACKET, have=f"{leverage}x", need=need)


def _percent(frac: Decimal) -> str:
    return f"{(100 * frac).normalize():f} %"


def _limits_refusal(request: SizeRequest, preset: Preset, leverage: Decimal) -> Refused | None:
    """What the preset or the bracket forbids before any size is looked for."""
    refused = _bracket_refusal(request, leverage)
    if refused is not None or request.allow_beyond_preset:
        return refused
    if leverage > preset.leverage_max:
        need = f"at most {preset.leverage_max}x"
        detail = above(preset, leverage)
        return Refused(reason=Reason.LEVERAGE_ABOVE_PRESET, have=f"{leverage}x", need=need, detail=detail)
    asked, limit = request.risk_frac, preset.risk_frac
    if asked is not None and limit is not None and asked > limit:
        need = f"at most {_percent(limit)}"
        return Refused(reason=Reason.RISK_ABOVE_PRESET, have=_percent(asked), need=need, detail=preset.name)
    asked, limit = request.margin_share_frac, preset.margin_share_frac
    if asked is not None and limit is not None and asked > limit:
        need = f"at most {_percent(limit)}"
        return Refused(reason=Reason.MARGIN_SHARE, have=_percent(asked), need=need, detail=preset.name)
    return None


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one unit of quantity is worth, loses at the stop, and reserves for funding."""

    value: Decimal
    loss: Decimal
    funding: Decimal


def _unit(request: SizeRequest, payoff: Payoff, stop: Decimal) -> _Unit:
    fee_rate = request.instrument.taker_fee_rate
    fee_in = fee_rate if request.fee_in_rate is None else request.fee_in_rate
    fee_out = fee_rate if request.fee_out_rate is None else request.fee_out_rate
    fill = stop_fill(request.side, stop, request.slippage_frac)
    one = Decimal(int(request.side))
    value = payoff.value(one, request.entry)
    loss = value * fee_in + payoff.value(one, fill) * fee_out - payoff.profit(one, request.entry, fill)
    return _Unit(value, loss, value * request.funding_paid_frac)


def _caps(
    request: SizeRequest, preset: Preset, leverage: Decimal, unit: _Unit
) -> tuple[list[tuple[str, Decimal]], list[str]]:
    """Every cap that has its data as (name, quantity), and the names of those that have not."""
    equity, value = request.equity, unit.value
    caps: list[tuple[str, Decimal]] = []
    unchecked: list[str] = []
    risk_frac = preset.risk_frac if request.risk_frac is None else request.risk_frac
    if risk_frac is None:
        unchecked.append("risk")
    else:
        caps.append(("risk", equity * risk_frac / (unit.loss + unit.funding)))
    share = preset.margin_share_frac if request.margin_share_frac is None else request.margin_share_frac
    if share is not None:
        caps.append(("margin-share", equity * share * leverage / value))
    fee_in = request.instrument.taker_fee_rate if request.fee_in_rate is None else request.fee_in_rate
    free = equity if request.free is None else request.free
    caps.append(("leverage", max(ZERO, free) / (value * (1 / leverage + fee_in))))
    if request.brackets is None:
        unchecked.append("bracket")
    else:
        rows = request.brackets.rows
        largest = max((row.cap for row in rows if row.max_leverage >= leverage), default=ZERO)
        caps.append(("bracket", largest / value))
        if preset.tier_max is not None and not request.allow_beyond_preset:
            caps.append(("tier", rows[min(preset.tier_max, len(rows)) - 1].cap / value))
    if request.volatility_per_year is None:
        unchecked.append("volatility")
    elif request.volatility_per_year > 0:
        caps.append(("volatility", equity * request.volatility_target / request.volatility_per_year / value))
    if request.depth_entry_notional is None or request.depth_exit_notional is None:
        unchecked.append("depth")
    else:
        thin = min(request.depth_entry_notional, request.depth_exit_notional * _STRESSED_DEPTH)
        caps.append(("depth", thin * request.depth_share / value))
    _book_caps(request, unit, caps, unchecked)
    if request.instrument.market_max_qty is not None:
        caps.append(("largest-order", request.instrument.market_max_qty))
    if request.notional_max is not None:
        caps.append(("cap", request.notional_max / value))
    if request.kelly is not None:
        model = request.kelly
        edge = max(ZERO, model.p_low / model.loss_frac - (1 - model.p_low) / model.win_frac)
        caps.append(("kelly", equity * model.share * edge / value))
    return caps, unchecked


def _book_caps(request: SizeRequest, unit: _Unit, caps: list[tuple[str, Decimal]], unchecked: list[str]) -> None:
    """Caps from the positions already open: total risk (as if all fell together), gross and net exposure."""
    equity = request.equity
    if request.open_risk is None:
        unchecked.append("heat")
    else:
        caps.append(("heat", max(ZERO, equity * request.heat_frac - request.open_risk) / (unit.loss + unit.funding)))
    if request.open_gross_notional is None:
        unchecked.append("gross")
    else:
        room = equity * request.gross_max - request.open_gross_notional
        caps.append(("gross", max(ZERO, room) / unit.value))
    if request.open_net_notional is None:
        unchecked.append("net")
    else:
        room = equity * request.net_max - request.side * request.open_net_notional
        caps.append(("net", max(ZERO, room) / unit.value))


def _sized(request: SizeRequest, preset: Preset, leverage: Decimal, stop: Decimal) -> Sized | Refused:
    payoff = payoff_of(request.instrument)
    unit = _unit(request, payoff, stop)
    caps, unchecked = _caps(request, preset, leverage, unit)
    bound_by, allowed = min(caps, key=lambda cap: cap[1])
    size = step_down(allowed * request.size_multiplier, request.instrument.step)
    refused = _too_small(request, bound_by, allowed * request.size_multiplier, size, unit)
    if refused is not None:
        return refused
    qty = size * request.side
    mode = preset.margin_mode if request.margin_mode is None else request.margin_mode
    sized = Sized(
        qty=qty,
        notional=size * unit.value,
        leverage=leverage,
        margin_mode=mode,
        margin=size * unit.value / leverage,
        loss_at_stop=size * unit.loss,
        funding_reserve=size * unit.funding,
        bound_by=bound_by,
        caps=tuple(caps),
        unchecked=tuple(unchecked),
    )
    if not request.check_liquidation or request.brackets is None:
        return sized
    return _liquidation_refusal(request, preset, tiers(request.brackets), sized, stop) or sized


def _too_small(request: SizeRequest, bound_by: str, allowed: Decimal, size: Decimal, unit: _Unit) -> Refused | None:
    instrument = request.instrument
    smallest = max(instrument.step, instrument.min_qty)
    if size < smallest:
        if bound_by == "heat" and request.open_risk is not None:
            most = request.equity * request.heat_frac
            text = f"open risk {request.open_risk:.2f} of at most {most:.2f} {instrument.settle}"
            return Refused(reason=Reason.HEAT if allowed == 0 else Reason.SIZE_ZERO, detail=text)
        have = f"{allowed:.8f}".rstrip("0").rstrip(".")
        return Refused(reason=Reason.SIZE_ZERO, have=have, need=f"at least {smallest}", detail=f"bound by {bound_by}")
    # the venue counts an order's notional in the quote currency, for inverse contracts their face value
    order = size * instrument.contract_size if instrument.inverse else size * unit.value
    if order < instrument.min_notional:
        need = f"at least {instrument.min_notional}"
        return Refused(reason=Reason.BELOW_MIN_NOTIONAL, have=f"{order:.2f}", need=need, detail=f"bound by {bound_by}")
    return None


def _liquidation_refusal(
    request: SizeRequest, preset: Preset, columns: Columns, sized: Sized, stop: Decimal
) -> Refused | None:
    """Liquidation must come after the stop, and k stop distances away; asked at two prices, no root is needed."""
    payoff = payoff_of(request.instrument)
    if sized.margin_mode is MarginMode.ISOLATED:
        wallet = sized.margin
    else:
        wallet = request.equity if request.cross_wallet is None else request.cross_wallet
    if payoff.is_liquidated(columns, sized.qty, request.entry, stop, wallet):
        return Refused(reason=Reason.LIQUIDATION_BEFORE_STOP, detail=f"at {sized.leverage}x the stop is never reached")
    ratio = preset.liquidation_stop_ratio
    probe = max(request.entry + (stop - request.entry) * ratio, request.instrument.tick)
    if request.allow_beyond_preset or not payoff.is_liquidated(columns, sized.qty, request.entry, probe, wallet):
        return None
    detail = f"at {sized.leverage}x"
    need = f"at least {ratio} stop distances"
    return Refused(reason=Reason.LIQUIDATION_TOO_CLOSE, have=f"before {probe:f}", need=need, detail=detail)
