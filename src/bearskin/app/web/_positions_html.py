"""What the positions page shows, as HTML: cells of a position, tables of what the venue has written down, a shock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from bearskin.app.web._account_link import Terms
from bearskin.app.web._bot_html import moment
from bearskin.app.web._kit import money, per_cent, tone_of, unheard
from bearskin.app.web._markup import Child, Markup, el, icon, join
from bearskin.app.web._positions import Held, Standing
from bearskin.app.web._positions_shock import Shock, Shocked

LIGHTS: Final = 4
ZERO: Final = Decimal(0)
ROE: Final = "return on equity as the venue has it: over the initial margin at mark"
WARN, DANGER = Decimal("0.5"), Decimal("0.8")  # of the margin ratio
HEADS: Final = (
    ("what", "Position"),
    ("size", "Size"),
    ("price", "Entry / mark"),
    ("pnl", "Open PnL / ROE"),
    ("ratio", "Margin ratio"),
    ("liquidation", "Liquidation"),
    ("stop", "Stop"),
    ("cost", "Funding / fees"),
    ("adl", "ADL"),
)
MATCHES: Final = {
    "equal": ("check_circle", "same at the venue", "up"),
    "differs": ("sync_problem", "the venue has {theirs}, the bot {ours}", "warn"),
    "not ours": ("help_outline", "not the bot's", "warn"),
    "settling": ("hourglass_empty", "the bot holds none: being asked", "warn"),
    "unseen": ("hourglass_empty", "the venue has not shown it yet", "warn"),
}


@dataclass(frozen=True, slots=True)
class Digits:
    """How many digits stand behind the point: of prices and of quantities."""

    price: int = 2
    qty: int = 4

    def at(self, price: Decimal | str | None) -> str:
        """A price."""
        return money(price, self.price)

    def of(self, qty: Decimal | str | None) -> str:
        """A quantity, with its sign."""
        return money(qty, self.qty)


def digits_of(terms: Terms, symbol: str) -> Digits:
    """The precision of an instrument."""
    found = terms.get(symbol)
    return Digits() if found is None else Digits(_behind(found[0].tick), _behind(found[0].step))


def _behind(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 2


def move(frac: Decimal | None, digits: int = 1) -> str:
    """A move with its sign, such as +19.5 %."""
    if frac is None:
        return "–"
    rounded = round(frac, digits + 2)
    return f"+{per_cent(rounded, digits)}" if rounded > 0 else per_cent(rounded or abs(rounded), digits)


def plus(value: Decimal | str | None, digits: int = 2) -> str:
    """An amount of money with its sign, plus too."""
    if value is None:
        return "–"
    rounded = round(Decimal(value), digits)
    return f"+{money(rounded, digits)}" if rounded > 0 else money(rounded or abs(rounded), digits)


# --- a position ------------------------------------------------------------------------------------------------------


def cells_of(held: Held, standing: Standing, digits: Digits) -> dict[str, Markup]:
    """The cells of a position by the keys of `HEADS`."""
    trade = held.trade
    return {
        "what": _what(held, digits),
        "size": _pair(digits.of(held.qty), f"{money(held.notional)} {standing.asset}"),
        "price": _pair(digits.at(held.entry), digits.at(held.mark)),
        "pnl": _pair(
            el("b", plus(held.pnl), class_=f"pnl {tone_of(round(held.pnl, 2))}"),
            el("span", move(held.roe, 2), class_=tone_of(round(held.roe or ZERO, 4)), title=ROE),
        ),
        "ratio": _ratio(held),
        "liquidation": _liquidation(held, standing, digits),
        "stop": _stop(held, digits),
        "cost": _pair(
            el("span", plus(trade.get("funding")), class_=tone_of(trade.get("funding"))) if trade else "–",
            money(0 - Decimal(trade["fees"])) if trade else "–",
        ),
        "adl": lights(held.lights),
    }


def _what(held: Held, digits: Digits) -> Markup:
    short = held.qty < 0
    sign, word, tone = MATCHES[held.matches]
    said = word.format(theirs=digits.of(held.qty), ours=digits.of(held.ours_qty or Decimal(0)))
    how = " ".join(filter(None, (
        "" if held.leverage is None else f"{held.leverage.normalize():f}x",
        "" if held.mode is None else held.mode.value,
        "" if held.leg == "BOTH" else f"{held.leg.lower()} leg",
    )))  # fmt: skip
    side = el(
        "span", icon("south_east" if short else "north_east"), held.side, class_=f"side {'down' if short else 'up'}"
    )
    return join([
        el("div", el("b", held.symbol, class_="symbol"), side, class_="line"),
        el("div", el("span", how, class_="muted"), purpose(held), class_="line"),
        el("div", icon(sign), said, class_=f"line matches {tone}", data_matches=held.matches),
        el("div", icon("block"), held.not_trading, class_="line matches warn", data_not_trading=held.symbol)
        if held.not_trading
        else None,
    ])  # fmt: skip


def purpose(held: Held) -> Markup | None:
    """speculation or hedge, as a chip; nothing for what is not the bot's."""
    word = held.trade.get("purpose")
    return el("span", word, class_=f"chip {word}") if word else None


def _ratio(held: Held) -> Markup:
    whose = "own margin" if held.mode is not None and held.mode.value == "isolated" else "cross wallet"
    return join(
        [meter(held.ratio, f"Margin ratio of {held.symbol}"), el("div", money(held.margin), " ", whose, class_="sub")]
    )


def meter(ratio: Decimal | None, label: str) -> Markup:
    """A margin ratio as a bar: 100 % is liquidation; a dash where it is not known."""
    if ratio is None:
        return el("div", "–", class_="meter-row", title="no brackets are known")
    tone = "down" if ratio >= DANGER else "warn" if ratio >= WARN else "up"
    word = "liquidation is near" if ratio >= DANGER else "high" if ratio >= WARN else ""
    shown = min(Decimal(1), ratio)
    bar = el("div", el("span", style=f"width:{100 * shown:.1f}%", class_=tone), class_="meter", role="meter",
             aria_label=label, aria_valuemin="0", aria_valuemax="100", aria_valuenow=f"{100 * shown:.1f}")  # fmt: skip
    said = per_cent(ratio) if ratio < 100 else "over 100 %"
    return el("div", bar, el("span", said, " ", word, class_=f"num {tone if word else ''}"), class_="meter-row")


def _liquidation(held: Held, standing: Standing, digits: Digits) -> Markup:
    """Together first, where other symbols stand on the same wallet; then alone, with the others frozen."""
    own = held.liquidation or (() if held.liquidation_told is None else (held.liquidation_told,))
    alone = _levels(held, own, digits)
    shared = held.joint_frac is not None and len({one.symbol for one in standing.held if one.mode is held.mode}) > 1
    if not shared:
        where = el("div", "the venue's own figure" if not held.liquidation else _alone_words(held, own), class_="sub")
        return join([el("div", alone or "none", class_="line end"), where])
    together = _levels(held, tuple(held.mark * (1 + one) for one in standing.moves), digits)
    return join([
        el("div", el("span", "together", class_="tag"), together or "none", class_="line end"),
        el("div", el("span", "alone", class_="tag"), alone or "none", class_="line end sub"),
    ])  # fmt: skip


def _alone_words(held: Held, own: Sequence[Decimal]) -> str:
    if not own:
        return "no price liquidates it"
    if held.mode is not None and held.mode.value == "isolated":
        return "alone: isolated"
    return "lives between the two" if len(own) > 1 else "the only symbol on the wallet"


def _levels(held: Held, prices: Sequence[Decimal], digits: Digits) -> list[Child]:
    return [el("span", digits.at(price), " ", el("small", move(held.away(price))), class_="level") for price in prices]


def _stop(held: Held, digits: Digits) -> Markup:
    trade = held.trade
    if not trade:
        return join([el("div", "–"), el("div", "no stop of ours", class_="sub")])
    stop = trade.get("stop")
    level = [digits.at(stop), " ", el("small", move(held.away(Decimal(stop))))] if stop else ["none"]
    return join([el("div", level, class_="line end"), protection(trade)])


def protection(trade: Mapping[str, Any]) -> Markup:
    """PROTECTED (since when only as last known, if so), or for how many seconds it is not; a hedge without a disaster
    stop is named so.
    """
    ago = unheard(trade)
    if trade.get("protected") and ago:
        return el("div", icon("history"), f"PROTECTED ({ago})", class_="guard warn")
    if trade.get("protected"):
        return el("div", icon("verified_user"), "PROTECTED", class_="guard up")
    if trade.get("purpose") == "hedge" and not trade.get("stop"):
        return el("div", icon("shield"), "hedge: margin, no stop", class_="guard muted")
    seconds = trade.get("unprotected_s")
    said = "UNPROTECTED" if seconds is None else f"UNPROTECTED {seconds:.1f} s"
    return el("div", icon("gpp_bad"), said, class_="guard down", role="status")


def lights(count: int | None) -> Markup:
    """How near the front of the deleveraging queue, 0 to 4."""
    if count is None:
        return el("span", "–", class_="muted", title="the venue does not tell")
    where = "at its end" if not count else "at its front" if count >= LIGHTS else "on the way"
    said = f"place in the deleveraging queue: {count} of {LIGHTS}, {where}"
    tone = "down" if count >= LIGHTS else "warn" if count == LIGHTS - 1 else "up"
    bars = [el("i", class_=tone if at < count else "off") for at in range(LIGHTS)]
    return el("div", el("span", bars, class_="bars", aria_hidden="true"), el("small", f"{count}/{LIGHTS}"),
              class_="lights", role="img", aria_label=said, title=said)  # fmt: skip


def _pair(first: Child, second: Child) -> Markup:
    return join([el("div", first, class_="num"), el("div", second, class_="num sub")])


# --- tables ----------------------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """A column of a table: the key of its rows, its heading, and what it holds: text, qty, price, money, time, mark."""

    key: str
    head: str
    kind: str = "text"


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], terms: Terms, zone: str, label: str) -> Markup:
    """Rows under headings; on a narrow screen each row is a card with the headings in it."""
    head = el("tr", [el("th", one.head, scope="col", class_=_side(one.kind)) for one in columns])
    body = [el("tr", [_cell(row, one, terms, zone) for one in columns]) for row in rows]
    return el("table", el("thead", head), el("tbody", body), class_="rows", aria_label=label)


def _cell(row: Mapping[str, Any], column: Column, terms: Terms, zone: str) -> Markup:
    return el("td", _shown(row, column, terms, zone), class_=_side(column.kind), data_label=column.head)


def _shown(row: Mapping[str, Any], column: Column, terms: Terms, zone: str) -> Child:
    value = row.get(column.key)
    if value is None or value == "":
        return "–"
    digits = digits_of(terms, str(row.get("symbol") or ""))
    match column.kind:
        case "time":
            return moment(str(value), zone)
        case "qty":
            return el("span", digits.of(value), class_=tone_of(value) if Decimal(value) < 0 else "")
        case "price":
            return digits.at(value)
        case "money":
            return el("span", plus(value, _digits(value)), class_=tone_of(value))
        case "bare":
            return money(value)
        case "r":
            return f"{plus(value)} R"
        case _:
            return str(value)


def _digits(value: str) -> int:
    """Small amounts keep four digits: a funding payment is often a fraction of a cent."""
    return 4 if 0 < abs(Decimal(value)) < 1 else 2


def _side(kind: str) -> str:
    return "" if kind == "text" else "num left" if kind == "time" else "num"


# --- a shock ---------------------------------------------------------------------------------------------------------


def shock_words(found: Shock, asset: str) -> Markup:
    """The account after the move, in figures and a sentence."""
    after, before = found.equity_joint, found.equity_before
    change = after / before - 1 if before > 0 else Decimal(0)
    gone = found.cross_frac is not None
    alone = f"worst alone ({found.worst_alone})" if found.worst_alone else "worst alone"
    figures = el(
        "div",
        _figure("equity together", money(after), asset, tone_of(after - before)),
        _figure("change", move(change), "", tone_of(change)),
        _figure(alone, money(found.equity_alone), asset, tone_of(found.equity_alone - before)),
        _figure("cross margin ratio", "liquidated" if gone else per_cent(found.ratio), "", "down" if gone else ""),
        class_="figures",
    )
    said, dead = _fates(found)
    sign, tone = ("dangerous", "down") if dead else ("check_circle", "up")
    return join([figures, el("p", icon(sign), said, class_=f"verdict {tone}", role="status")])


def _fates(found: Shock) -> tuple[str, bool]:
    """Who is liquidated first and how many more, whose stop comes before; and whether anybody is."""
    dead = sorted((abs(row.joint_frac), row.held.symbol, row.joint_frac) for row in found.positions if row.joint_frac)
    if dead:
        more = f" and {len(dead) - 1} more after it" if len(dead) > 1 else ""
        said = f"{dead[0][1]} is liquidated at {move(dead[0][2])}{more}"
    else:
        said = "nobody is liquidated"
    stops = sum(row.stop_frac is not None for row in found.positions)
    beside = f"; {stops} {'stops' if stops > 1 else 'stop'} would fill before, without a gap" if stops else ""
    return said + beside, bool(dead)


def _figure(label: str, value: str, unit: str, tone: str) -> Markup:
    shown = el("div", value, " ", el("small", unit), class_=f"figure-value num {tone}")
    return el("div", el("div", label, class_="figure-label"), shown, class_="figure")


def shock_table(found: Shock, terms: Terms) -> Markup:
    """Each position after the move."""
    heads = ("Position", "Mark then", "PnL then", "Together", "Alone", "Stop")
    head = el("tr", [el("th", one, scope="col", class_="num" if at else "") for at, one in enumerate(heads)])
    body = [
        el(
            "tr",
            [
                el("td", cell, class_="num" if at else "", data_label=heads[at])
                for at, cell in enumerate(_shock_cells(row, terms))
            ],
            data_shock=row.held.symbol,
        )
        for row in found.positions
    ]
    return el("table", el("thead", head), el("tbody", body), class_="rows", aria_label="Positions after the move")


def _shock_cells(row: Shocked, terms: Terms) -> list[Child]:
    held = row.held
    return [
        [el("b", held.symbol), " ", el("span", held.side, class_="down" if held.qty < 0 else "up")],
        digits_of(terms, held.symbol).at(row.mark),
        el("span", plus(row.pnl), class_=tone_of(row.pnl)),
        _fate(row.joint_frac),
        _fate(row.alone_frac),
        "–" if row.stop_frac is None else f"at {move(row.stop_frac)}",
    ]


def _fate(frac: Decimal | None) -> Child:
    if frac is None:
        return el("span", "lives", class_="up")
    return el("span", f"liquidated at {move(frac)}", class_="down")
