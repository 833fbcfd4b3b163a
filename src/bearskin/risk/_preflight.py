"""The questions asked before every order, each answered with its figures: pass, warn, refuse or unchecked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bearskin.risk._presets import Preset, above, preset_of
from bearskin.terms import Reason, Side

Status = Literal["pass", "warn", "refuse", "unchecked"]

# A short is vetoed when it pays 0.02 % or more in 8 hours; a long mirrors it about the neutral rate of 0.01 %.
_NEUTRAL_8H = Decimal("0.0001")
_VETO_8H = Decimal("-0.0002")
_FUNDING_OF_RISK = Decimal("0.25")
_CARRY_OF_TARGET = Decimal("0.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question: what the trade has and what it needs (as shown), and for warn and refuse the reason."""

    name: str
    status: Status
    have: str = ""
    need: str = ""
    detail: str = ""
    reason: Reason | None = None

    def __str__(self) -> str:
        figures = f" (is {self.have}, needs {self.need})" if self.have and self.need else ""
        said = self.reason.value if self.reason is not None else self.name
        return f"{said}{figures}{': ' + self.detail if self.detail else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightRequest:
    """The figures of a priced trade; a figure that is None leaves its check `unchecked`.

    `risk_frac` and `margin_share_frac` are what was asked for, where it was: they tighten the preset's. `shock_frac` is
    the move a hedge has to live through.

    `available` is the balance that has to pay the initial margin (and the opening fee where it comes from there),
    `wallet` what the liquidation formula counts. Prices in the quote currency, money in the settle currency,
    `carry_horizon` signed (positive received) over the holding horizon. `liquidation_price` None with
    `liquidation_known` means there is none. `cost_frac` is both fees, slippage and expected funding as a fraction of
    the entry. `funding_rate_8h` is signed and scaled to eight hours. `worst_day_frac` is the symbol's own worst day
    against the side, `survival_wallet` what the named shock needs.
    """

    side: Side
    entry: Decimal
    stop: Decimal | None
    preset: str = "standard"
    allow_beyond_preset: bool = False
    risk_frac: Decimal | None = None
    margin_share_frac: Decimal | None = None
    shock_frac: Decimal | None = None
    target: Decimal | None = None
    qty: Decimal
    notional: Decimal
    order_notional: Decimal
    min_notional: Decimal
    leverage: Decimal
    bracket_leverage_max: int | None
    bracket: int | None = None
    initial_margin: Decimal
    available: Decimal | None
    wallet: Decimal
    equity: Decimal | None
    margin_ratio: Decimal | None
    liquidation_known: bool
    liquidation_price: Decimal | None
    loss_at_stop: Decimal | None
    cost_frac: Decimal
    carry_horizon: Decimal | None = None
    reward: Decimal | None = None
    funding_rate_8h: Decimal | None = None
    worst_day_frac: Decimal | None = None
    survival_wallet: Decimal | None = None


def preflight(request: PreflightRequest) -> tuple[Check, ...]:
    """Every check in a fixed order.

    What the venue or arithmetic forbids always refuses: leverage above the bracket, missing margin, an order below the
    venue's smallest, liquidation at entry or before the stop. What a preset limits refuses too, unless
    `allow_beyond_preset` was chosen: then it warns.
    """
    preset = preset_of(request.preset)
    return tuple(
        check
        for part in (_stop, _liquidation, _limits, _margin, _order, _reward, _funding, _shocks)
        for check in part(request, preset)
    )


def _soft(request: PreflightRequest) -> Status:
    """What crossing a preset's limit means: refused, or only said where the user chose to go beyond."""
    return "warn" if request.allow_beyond_preset else "refuse"


def _percent(value: Decimal) -> str:
    return f"{value * 100:.2f} %"


def _money(value: Decimal) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.8f}".rstrip("0").rstrip(".")


def _price(value: Decimal) -> str:
    return f"{value:.2f}" if value >= 100 else f"{value:.8f}".rstrip("0").rstrip(".")


def _stop(request: PreflightRequest, preset: Preset) -> Iterator[Check]:
    if request.stop is None:
        if preset.hedge:
            yield Check(
                name="stop", status="pass", detail="a hedge carries no ordinary stop: it has to survive instead"
            )
        else:
            detail = "never hold a speculative position without a stop for its whole size"
            yield Check(name="stop", status="unchecked", detail=detail, reason=Reason.NO_STOP)
        return
    where = "above" if request.side < 0 else "below"
    need = f"{where} {_price(request.entry)}"
    distance = (request.entry - request.stop) * request.side
    if distance <= 0:
        yield Check(name="stop", status="refuse", have=_price(request.stop), need=need, reason=Reason.STOP_WRONG_SIDE)
    elif preset.hedge and request.shock_frac is not None and distance < request.shock_frac * request.entry:
        detail = "the stop takes the insurance away before the shock it is meant for"
        need = f"beyond the shock, {_percent(request.shock_frac)}"
        yield Check(name="stop", status="warn", have=_percent(distance / request.entry), need=need, detail=detail)
    else:
        yield Check(name="stop", status="pass", have=_price(request.stop), need=need)


def _liquidation(request: PreflightRequest, preset: Preset) -> Iterator[Check]:
    if request.margin_ratio is not None:
        have = _percent(request.margin_ratio)
        if request.margin_ratio >= 1 or request.margin_ratio < 0:
            need, reason = "below 100 %", Reason.LIQUIDATED_AT_ENTRY
            yield Check(name="margin-ratio", status="refuse", have=have, need=need, reason=reason)
        else:
            yield Check(name="margin-ratio", status="pass", have=have, need="below 100 %")
    name = "liquidation-behind-stop"
    if not request.liquidation_known:
        yield Check(name=name, status="unchecked", detail="no liquidation price is known")
        return
    if request.liquidation_price is None:
        yield Check(name=name, status="pass", detail="no price liquidates this position")
        return
    if request.stop is None:
        yield Check(name=name, status="unchecked", detail="needs a stop")
        return
    stop_distance = abs(request.stop - request.entry)
    distance = (request.entry - request.liquidation_price) * request.side
    ratio = preset.liquidation_stop_ratio
    have, need = f"{distance / stop_distance:.2f} stop distances", f"more than {ratio}"
    if distance <= stop_distance:
        reason = Reason.LIQUIDATION_BEFORE_STOP
        yield Check(name=name, status="refuse", have=have, need="more than 1", reason=reason)
    elif distance <= stop_distance * ratio:
        reason = Reason.LIQUIDATION_TOO_CLOSE
        yield Check(name=name, status=_soft(request), have=have, need=need, reason=reason)
    else:
        yield Check(name=name, status="pass", have=have, need=need)


def _limits(request: PreflightRequest, preset: Preset) -> Iterator[Check]:
    have = f"{request.leverage:.2f}x"
    if request.bracket_leverage_max is None:
        detail = "no bracket says what this venue allows"
        yield Check(name="leverage-bracket", status="unchecked", have=have, detail=detail)
    else:
        need = f"at most {request.bracket_leverage_max}x"
        over = request.leverage > request.bracket_leverage_max
        reason = Reason.LEVERAGE_ABOVE_BRACKET if over else None
        yield Check(name="leverage-bracket", status="refuse" if over else "pass", have=have, need=need, reason=reason)
    need = f"at most {preset.leverage_max}x"
    if request.leverage > preset.leverage_max:
        reason, detail = Reason.LEVERAGE_ABOVE_PRESET, above(preset, request.leverage)
        yield Check(name="leverage-preset", status=_soft(request), have=have, need=need, reason=reason, detail=detail)
    else:
        yield Check(name="leverage-preset", status="pass", have=have, need=need)
    yield _share_check(
        request,
        "risk",
        (request.loss_at_stop, preset.risk_frac, request.risk_frac, Reason.RISK_ABOVE_PRESET),
        "needs equity and a stop",
    )
    yield _share_check(
        request,
        "margin-share",
        (request.initial_margin, preset.margin_share_frac, request.margin_share_frac, Reason.MARGIN_SHARE),
        "needs the equity",
    )


def _share_check(
    request: PreflightRequest,
    name: str,
    limit: tuple[Decimal | None, Decimal | None, Decimal | None, Reason],
    missing: str,
) -> Check:
    """An amount against a share of equity: the preset's, which may set none, or what was asked for where it is less."""
    amount, preset_share, asked, reason = limit
    share = min((one for one in (preset_share, asked) if one is not None), default=None)
    if share is None:
        return Check(name=name, status="pass", detail=f"preset {request.preset} sets no limit")
    need = f"at most {_percent(share)} of equity"
    if amount is None or request.equity is None:
        return Check(name=name, status="unchecked", need=need, detail=missing)
    have = _percent(amount / request.equity)
    if amount > share * request.equity:
        detail = "as asked for" if share == asked and share != preset_share else ""
        return Check(name=name, status=_soft(request), have=have, need=need, reason=reason, detail=detail)
    return Check(name=name, status="pass", have=have, need=need)


def _margin(request: PreflightRequest, _: Preset) -> Iterator[Check]:
    need = f"at least {_money(request.initial_margin)}"
    if request.available is None:
        yield Check(name="margin", status="unchecked", need=need, detail="needs the equity or the wallet")
        return
    short = request.initial_margin > request.available
    yield Check(
        name="margin",
        status="refuse" if short else "pass",
        have=_money(request.available),
        need=need,
        reason=Reason.MARGIN_SHORT if short else None,
    )


def _order(request: PreflightRequest, preset: Preset) -> Iterator[Check]:
    below = request.order_notional < request.min_notional
    yield Check(
        name="min-notional",
        status="refuse" if below else "pass",
        have=_money(request.order_notional),
        need=f"at least {_money(request.min_notional)}",
        reason=Reason.BELOW_MIN_NOTIONAL if below else None,
    )
    if preset.tier_max is not None and request.bracket is not None:
        above = request.bracket > preset.tier_max
        detail = "a venue's higher tiers say that getting out moves the market" if above else ""
        need = f"at most {preset.tier_max}"
        yield Check(
            name="tier", status="warn" if above else "pass", have=str(request.bracket), need=need, detail=detail
        )


def _reward(request: PreflightRequest, preset: Preset) -> Iterator[Check]:
    if request.target is None:
        for name in ("reward-to-risk", "cost-of-target", "carry"):
            yield Check(name=name, status="unchecked", detail="needs a target")
        return
    distance = abs(request.target - request.entry)
    if request.stop is None:
        yield Check(name="reward-to-risk", status="unchecked", detail="needs a stop")
    else:
        ratio = distance / abs(request.stop - request.entry)
        small = ratio < preset.reward_to_risk_min
        yield Check(
            name="reward-to-risk",
            status=_soft(request) if small else "pass",
            have=f"{ratio:.2f}",
            need=f"at least {preset.reward_to_risk_min}",
            reason=Reason.REWARD_TOO_SMALL if small else None,
        )
    needed = preset.cost_multiple_min * request.cost_frac
    eaten = distance < needed * request.entry
    yield Check(
        name="cost-of-target",
        status=_soft(request) if eaten else "pass",
        have=_percent(distance / request.entry),
        need=f"at least {_percent(needed)}, {preset.cost_multiple_min} times the costs",
        reason=Reason.COST_EATS_TARGET if eaten else None,
    )
    yield _carry(request)


def _carry(request: PreflightRequest) -> Check:
    """What holding costs over the horizon, against what the nearest target brings."""
    if request.carry_horizon is None or request.reward is None:
        return Check(name="carry", status="unchecked", detail="what holding costs is not known")
    paid = max(Decimal(0), -request.carry_horizon)
    have, need = _money(paid), f"at most {_money(_CARRY_OF_TARGET * request.reward)}"
    if request.reward <= 0 or paid >= request.reward:
        detail = "fees and carry take the whole target"
        reason = Reason.COST_EATS_TARGET
        return Check(name="carry", status=_soft(request), have=have, need=need, reason=reason, detail=detail)
    if paid > _CARRY_OF_TARGET * request.reward:
        detail = "carry takes more than a fifth of the target"
        reason = Reason.COST_EATS_TARGET
        return Check(name="carry", status="warn", have=have, need=need, reason=reason, detail=detail)
    return Check(name="carry", status="pass", have=have, need=need)


def _funding(request: PreflightRequest, _: Preset) -> Iterator[Check]:
    """Funding against the position is how crowded trades are paid for, and often comes before a squeeze."""
    name = "funding-squeeze"
    if request.funding_rate_8h is None:
        yield Check(name=name, status="unchecked", detail="no funding rate was given for this check")
        return
    felt = request.funding_rate_8h if request.side < 0 else 2 * _NEUTRAL_8H - request.funding_rate_8h
    paid = max(Decimal(0), -(request.carry_horizon or Decimal(0)))
    have = f"{(request.funding_rate_8h * 100).normalize():f} % per 8 h"
    need = "above -0.02 % per 8 h" if request.side < 0 else "below 0.04 % per 8 h"
    heavy = request.loss_at_stop is not None and paid > _FUNDING_OF_RISK * request.loss_at_stop
    if felt <= _VETO_8H:
        yield Check(name=name, status=_soft(request), have=have, need=need, reason=Reason.SQUEEZE)
    elif heavy:
        detail = "funding over the horizon is more than a quarter of the risk"
        yield Check(name=name, status=_soft(request), have=have, detail=detail, reason=Reason.SQUEEZE)
    elif felt < 0:
        detail = "the position pays funding: half the usual size is plenty"
        yield Check(name=name, status="warn", have=have, detail=detail, reason=Reason.SQUEEZE)
    else:
        yield Check(name=name, status="pass", have=have, need=need)


def _shocks(request: PreflightRequest, preset: Preset) -> Iterator[Check]:
    if preset.hedge:
        name = "survives-shock"
        if request.survival_wallet is None:
            yield Check(name=name, status="unchecked", detail="a hedge needs a named shock that its margin survives")
        else:
            dies = request.wallet <= request.survival_wallet
            yield Check(
                name=name,
                status="refuse" if dies else "pass",
                have=_money(request.wallet),
                need=f"more than {_money(request.survival_wallet)}",
                reason=Reason.MARGIN_SHORT if dies else None,
            )
    name = "own-worst-day"
    if request.worst_day_frac is None:
        yield Check(name=name, status="unchecked", detail="no history of this symbol was given")
    elif request.liquidation_known and request.liquidation_price is not None:
        distance = (request.entry - request.liquidation_price) * request.side / request.entry
        near = distance <= request.worst_day_frac
        detail = "the symbol has moved this far against such a position within a day" if near else ""
        have, need = _percent(distance), f"more than {_percent(request.worst_day_frac)}"
        yield Check(name=name, status="warn" if near else "pass", have=have, need=need, detail=detail)
    else:
        yield Check(name=name, status="pass", detail="no price liquidates this position")
