"""What a plan is asked with, and everything that makes a question unusable, each said in one sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TypeVar

from bearskin.risk._history import AdverseMoves
from bearskin.risk._presets import preset_of
from bearskin.terms import BadInput, Brackets, Instrument, MarginMode, Product, Side, dec, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """One trade to be priced before it is made. All inputs are positive; the side gives the sign.

    How large: `qty` (base units; contracts for inverse products), or `notional` (quote units), or `equity` with a stop
    (the risk decides). `wallet` is the balance the venue's formula uses, opening fee already gone: the margin of an
    isolated position, the whole wallet of a cross one, the collateral (quote) of a spot-margin loan. `equity` is what
    the account is worth before the trade. Money of inverse products is in the coin. Rates and `_frac` are fractions.

    What is None is taken from the preset, the instrument (fees: taker both ways) or the packaged snapshots
    (`instrument`, `brackets`), or stays unknown and is listed so. Funding: `funding_rate` per `funding_interval_h`,
    else the neutral 0.01 % in 8 h is assumed and labelled. Loans: `borrow_rate_h` per clock hour, `liquidation_level`
    the margin level at which the venue takes over. Dated: `spot` and `now_ns` show the basis. `shock_frac`: the move
    a hedge must live through. `history`: the symbol's own worst moves (`adverse_moves`). Every numeric field also
    takes a str, int or float and is read exactly (`dec`); `side`, `product` and `margin_mode` also take their words.
    """

    side: Side
    symbol: str
    entry: Decimal
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    qty: Decimal | None = None
    notional: Decimal | None = None
    equity: Decimal | None = None
    risk_frac: Decimal | None = None
    wallet: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    margin_share_frac: Decimal | None = None
    preset: str = "standard"
    allow_beyond_preset: bool = False
    venue: str = "binance"
    product: Product = Product.LINEAR
    instrument: Instrument | None = None
    brackets: Brackets | None = None
    fee_in_rate: Decimal | None = None
    fee_out_rate: Decimal | None = None
    slippage_frac: Decimal = Decimal(0)
    funding_rate: Decimal | None = None
    funding_interval_h: Decimal | None = None
    funding_source: str = "given"
    borrow_rate_h: Decimal | None = None
    liquidation_level: Decimal = Decimal("1.1")
    spot: Decimal | None = None
    shock_frac: Decimal | None = None
    horizon_h: Decimal = Decimal(24)
    now_ns: int | None = None
    history: AdverseMoves | None = None
    volatility_per_year: Decimal | None = None
    depth_entry_notional: Decimal | None = None
    depth_exit_notional: Decimal | None = None

    def __post_init__(self) -> None:
        """Read numbers exactly, whatever they came as; raises BadInput for what is not a finite number."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _NUMBERS and value is not None:
                object.__setattr__(self, field.name, _number(field.name, value))
        object.__setattr__(self, "side", _side(self.side))
        object.__setattr__(self, "product", _one_of(Product, "product", self.product))
        if self.margin_mode is not None:
            object.__setattr__(self, "margin_mode", _one_of(MarginMode, "margin mode", self.margin_mode))
        object.__setattr__(self, "targets", tuple(_number("target", value) for value in self.targets))


_POSITIVE = (
    "entry",
    "stop",
    "qty",
    "notional",
    "equity",
    "risk_frac",
    "wallet",
    "margin_share_frac",
    "funding_interval_h",
    "spot",
    "shock_frac",
    "horizon_h",
    "volatility_per_year",
    "depth_entry_notional",
    "depth_exit_notional",
)
_NOT_NEGATIVE = ("fee_in_rate", "fee_out_rate", "slippage_frac", "borrow_rate_h")
_AT_MOST_ONE = ("risk_frac", "margin_share_frac")
# beyond these an exponent was mistyped, and exact arithmetic would need more digits than it has
_EXPONENT_MAX = 15
_NUMBERS = frozenset((*_POSITIVE, *_NOT_NEGATIVE, "leverage", "funding_rate", "liquidation_level"))


_Word = TypeVar("_Word", Product, MarginMode)


def _one_of(kind: type[_Word], name: str, value: str) -> _Word:
    try:
        return kind(value)
    except ValueError:
        raise BadInput(f"{name} {value!r} is not known: choose {', '.join(kind)}") from None


def _side(value: object) -> Side:
    if isinstance(value, Side):
        return value
    if isinstance(value, str) and value.upper() in Side.__members__:
        return Side[value.upper()]
    raise BadInput(f"side {value!r} is neither short nor long")


def _number(name: str, value: object) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise BadInput(f"{_word(name)} {value!r} is not a number")
    try:
        return dec(value)
    except BadInput:
        raise BadInput(f"{_word(name)} {value} is not a finite number") from None


def _word(name: str) -> str:
    """The name a person would use: `risk_frac` is the risk, `qty` the quantity."""
    return {"qty": "quantity"}.get(name, name.removesuffix("_frac").removesuffix("_h").replace("_", " "))


def frac(text: str | int | float | Decimal) -> Decimal:
    """The fraction a person means: `"1%"`, `"1 %"` and `"0.01"` are 0.01. Raises BadInput for what is no number."""
    if isinstance(text, str) and (match := re.fullmatch(r"\s*(.+?)\s*%\s*", text)):
        return dec(match[1]).scaleb(-2)
    return dec(text)


def plain(value: Decimal) -> str:
    """The number without exponent or idle zeros: 6E+4 is 60000, 5.10 is 5.1."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def brief(value: Decimal, grid: Decimal = Decimal("0.0001")) -> str:
    """The number rounded half-even to `grid`, without idle zeros."""
    return plain(Decimal(shown(value, grid) or "0"))


def validate(request: PlanRequest) -> None:
    """Raise BadInput, one clear sentence, for the first thing that cannot be meant."""
    for name in sorted(_NUMBERS):
        _within_reach(name, getattr(request, name))
    for target in request.targets:
        _within_reach("target", target)
    for name in _POSITIVE:
        value = getattr(request, name)
        if value is not None and value <= 0:
            raise BadInput(f"{_word(name)} {plain(value)} is not positive: give it above zero, the side gives the sign")
    for name in _NOT_NEGATIVE:
        value = getattr(request, name)
        if value is not None and value < 0:
            raise BadInput(f"{_word(name)} {plain(value)} is negative: a cost is given as a positive fraction")
        if value is not None and value >= 1:
            raise BadInput(
                f"{_word(name)} {plain(value)} is not below 1: it is a fraction, 0.0005 or 0.05% of the price"
            )
    for name in _AT_MOST_ONE:
        value = getattr(request, name)
        if value is not None and value > 1:
            raise BadInput(f"{_word(name)} {plain(value)} is above 1: it is a fraction, 0.01 or 1% is one per cent")
    if request.leverage is not None and request.leverage < 1:
        raise BadInput(f"leverage {plain(request.leverage)} is below 1: 1 means fully paid, the venue offers no less")
    if request.funding_rate is not None and abs(request.funding_rate) > 1:
        raise BadInput(f"funding rate {plain(request.funding_rate)} is beyond 1: it is a fraction, 0.0001 is 0.01 %")
    if request.liquidation_level < 1:
        level = plain(request.liquidation_level)
        raise BadInput(f"liquidation level {level} is below 1: a loan is taken over before assets fall to what is owed")
    preset_of(request.preset)
    _validate_prices(request)
    _validate_size(request)
    _validate_product(request)


def _within_reach(name: str, value: Decimal | None) -> None:
    if value and abs(value.adjusted()) > _EXPONENT_MAX:
        raise BadInput(
            f"{_word(name)} {value:E} is out of reach: give it between 1e-{_EXPONENT_MAX} and 1e{_EXPONENT_MAX}"
        )


def _validate_prices(request: PlanRequest) -> None:
    """The stop of a short belongs above its entry and its targets below; a long's the other way round."""
    entry, side = request.entry, request.side
    losing, winning = ("above", "below") if side < 0 else ("below", "above")
    if request.stop is not None and (entry - request.stop) * side <= 0:
        where = f"is {winning}" if request.stop != entry else "equals"
        raise BadInput(
            f"stop {plain(request.stop)} {where} the entry {plain(entry)}: "
            f"the stop of a {side.word} belongs {losing} its entry"
        )
    for target in request.targets:
        if target <= 0:
            raise BadInput(f"target {plain(target)} is not positive: a price is above zero")
        if (target - entry) * side <= 0:
            where = f"is {losing}" if target != entry else "equals"
            raise BadInput(
                f"target {plain(target)} {where} the entry {plain(entry)}: "
                f"the target of a {side.word} belongs {winning} its entry"
            )


def _validate_size(request: PlanRequest) -> None:
    if request.qty is not None and request.notional is not None:
        raise BadInput(
            f"quantity {plain(request.qty)} and notional {plain(request.notional)} both say how large: give one of them"
        )
    if request.qty is None and request.notional is None and request.equity is None:
        raise BadInput(
            "nothing says how large: give a quantity, a notional, or the equity (with a stop the risk decides)"
        )


def _validate_product(request: PlanRequest) -> None:
    if request.product is Product.SPOT:
        raise BadInput("product spot cannot be planned: a spot short is a loan, give product margin")
    if request.product is not Product.MARGIN and request.borrow_rate_h is not None:
        raise BadInput(
            f"borrow rate {plain(request.borrow_rate_h)} was given for product {request.product.value}: "
            "only margin loans pay interest, perpetuals pay funding"
        )
    if request.product in (Product.MARGIN, Product.DATED, Product.DATED_INVERSE) and request.funding_rate is not None:
        raise BadInput(
            f"funding rate {plain(request.funding_rate)} was given for product {request.product.value}: "
            "only perpetuals pay funding"
        )
    if (
        request.product is Product.MARGIN
        and request.leverage is not None
        and request.side < 0
        and request.leverage <= 1
    ):
        raise BadInput(
            f"leverage {plain(request.leverage)} leaves nothing to borrow: "
            "a spot-margin short needs more than 1, such as 3"
        )
