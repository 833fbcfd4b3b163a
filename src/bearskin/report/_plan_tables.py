"""A plan for the terminal: the same figures as its JSON, to the last digit, with thousands separators."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import cast

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bearskin.report._terminal import WIDE, Fitted, bulleted, empty_table, toned
from bearskin.report._words import MINUS, NOTHING, clean, prose
from bearskin.risk import Plan

Json = Mapping[str, object]

# A verdict and a check are told by sign and word; the colour only repeats them.
_VERDICTS = {
    "go": ("✔", "green"),
    "caution": ("!", "yellow"),
    "refused": ("✘", "red"),
    "incomplete": ("?", "cyan"),
}
_STATUS = {"pass": ("✔", "green"), "warn": ("!", "yellow"), "refuse": ("✘", "red"), "unchecked": ("?", "cyan")}

_IN_MONEY = frozenset({"margin", "min-notional", "carry", "survives-shock"})
# quantiles said as people say them; anything else stands as it is
_MOVES = {
    f"worst {span} {quantile}": words.format(span)
    for span in ("hour", "day")
    for quantile, words in (("99 %", "1 {} in 100"), ("99.9 %", "1 {} in 1,000"), ("maximum", "its worst {}"))
}


def plan_tables(plan: Plan) -> list[RenderableType]:
    """`plan` for the terminal: what is planned, its figures, targets, gap table, survival, checks, then the verdict."""
    j = plan.to_json()
    parts: list[RenderableType | None] = [
        _headline(j),
        Fitted(lambda width: _figures(j, width)),
        _targets(j),
        _gaps(j),
        _survival(j),
        _loan(j),
        Fitted(lambda width: _checks(j, width)),
        _said("Warnings", j["warnings"]),
        _said("Assumptions", j["assumptions"]),
        _verdict(j),
    ]
    return [Padding(part, (0, 0, 1, 0)) for part in parts if part is not None]


def _grouped(text: object, *, signed: bool = False) -> str:
    """A number that is already written, for eyes: `-1170.5` is `−1,170.5`; None is a dash."""
    if text is None:
        return NOTHING
    digits = str(text)
    negative = digits.startswith("-")
    whole, dot, rest = digits.lstrip("+-").partition(".")
    if not whole.isdigit():
        return digits
    plus = "+" if signed and not negative and digits.strip("0.") else ""
    return f"{MINUS if negative else plus}{int(whole):,}{dot}{rest}"


def _percent(text: object, *, signed: bool = False) -> str:
    return NOTHING if text is None else f"{_grouped(f'{float(str(text)) * 100:.2f}', signed=signed)} %"


def _rows(j: Json, name: str) -> list[Json]:
    return cast("list[Json]", j[name] or [])


def _headline(j: Json) -> RenderableType:
    qty = f"{_grouped(j['qty'])} " if j["qty"] is not None else ""
    text = Text()
    text.append(str(j["side"]).upper(), style={"short": "bold yellow"}.get(str(j["side"]), "bold cyan"))
    text.append(f" {qty}{clean(str(j['symbol']))} at {_grouped(j['entry'])}", style="bold")
    leverage = f" {_grouped(j['leverage'])}×" if j["leverage"] is not None else ""
    text.append(
        f"  {j['venue']} {j['product']}, {j['margin_mode']}{leverage}, preset {j['preset']}",
        style="dim",
    )
    return text


def _figures(j: Json, width: int) -> Table:
    unit = str(j["currency"])

    def money(name: str, signed: bool = False) -> str:
        return NOTHING if j[name] is None else f"{_grouped(j[name], signed=signed)} {unit}"

    pairs: list[tuple[str, str]] = [
        ("Stop", _beside(_grouped(j["stop"]), _percent(j["stop_distance_frac"]))),
        ("Loss at the stop", money("loss_at_stop")),
        ("  of equity", _percent(j["loss_at_stop_frac"])),
        ("  of the margin", _percent(j["loss_at_stop_of_margin_frac"])),
        (
            "Worst loss",
            money("worst_loss") if j["worst_loss"] is not None else clean(str(j["worst_loss_note"] or NOTHING)),
        ),
        (
            f"Liquidation ({'index' if j['product'] == 'margin' else 'mark'})",
            _beside(_grouped(j["liquidation_price"]), _percent(j["liquidation_distance_frac"]))
            if j["liquidation_price"] is not None
            else clean(str(j["liquidation_note"] or NOTHING)),
        ),
        ("  after opening fee", _grouped(j["liquidation_price_after_fee"])),
        ("Bankruptcy", _grouped(j["bankruptcy_price"])),
        ("Break-even after fees", _grouped(j["break_even_price"])),
        ("Notional", money("notional")),
        ("Margin", _beside(money("margin"), _percent(j["margin_share_frac"]))),
        ("Maintenance", money("maintenance_margin")),
        ("Margin ratio", _percent(j["margin_ratio"])),
        ("Bracket", _bracket(j)),
        ("Fees in, out", f"{_grouped(j['fee_in'])}, {_grouped(j['fee_out'])} {unit}"),
        ("Carry a day (+ received)", money("carry_per_day", True)),
        (f"Carry in {float(str(j['horizon_h'])):g} h", money("carry_horizon", True)),
        ("Funding rate", _funding(j)),
        ("Basis to delivery", _basis(j, unit)),
        ("Size bound by", _bound(j)),
    ]
    known = [(title, text) for title, text in pairs if NOTHING not in text]
    across = 2 if width >= WIDE else 1
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(across):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
    deep = -(-len(known) // across)
    for line in range(deep):
        table.add_row(*(cell for title, text in known[line::deep] for cell in (title, Text(text))))
    return table


def _beside(text: str, more: str) -> str:
    return text if more == NOTHING else f"{text} ({more})"


def _bracket(j: Json) -> str:
    if j["bracket"] is None:
        return NOTHING
    return (
        f"{j['bracket']} at entry, {j['bracket_at_liquidation'] or NOTHING} at liquidation ({j['brackets_snapshot']})"
    )


def _funding(j: Json) -> str:
    funding = cast("Json | None", j["funding"])
    if funding is None:
        return NOTHING
    label = "assumed" if funding["assumed"] else clean(str(funding["source"]))
    rate = f"{float(str(funding['rate'])) * 100:+.4f} %".replace("-", MINUS)
    return f"{rate} per {float(str(funding['interval_h'])):g} h ({label})"


def _basis(j: Json, unit: str) -> str:
    basis = cast("Json | None", j["basis"])
    if basis is None:
        return NOTHING
    return (
        f"{_grouped(basis['at_delivery'], signed=True)} {unit} ({_percent(basis['basis_frac'], signed=True)} of spot)"
    )


def _bound(j: Json) -> str:
    sizing = cast("Json | None", j["sizing"])
    if sizing is None:
        return NOTHING
    unchecked = cast("Sequence[str]", sizing["unchecked"])
    return str(sizing["bound_by"]) + (f"; without data: {', '.join(unchecked)}" if unchecked else "")


def _table(title: str, headings: Sequence[str]) -> Table:
    table = empty_table(title)
    for index, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if index == 0 else "right", overflow="fold")
    return table


def _targets(j: Json) -> RenderableType | None:
    rows = _rows(j, "targets")
    if not rows:
        return None
    unit = str(j["currency"])
    table = _table(
        "Targets", ("Price", "Away", f"Reward {unit}", "after fees", "Reward:risk", "after fees", "Carry eats it")
    )
    for row in rows:
        eaten = "never" if row["carry_eats_h"] is None else f"in {_span(row['carry_eats_h'])}"
        table.add_row(
            Text(_grouped(row["price"])),
            _percent(row["distance_frac"]),
            toned(_grouped(row["reward"], signed=True), True),
            toned(_grouped(row["reward_net"], signed=True), True),
            _ratio(row["reward_to_risk"]),
            _ratio(row["reward_to_risk_net"]),
            eaten,
        )
    return table


def _span(hours: object) -> str:
    """Whole hours up to four days, then whole days, both rounded down."""
    whole = int(Decimal(str(hours)))
    return f"{whole} h" if whole < 96 else f"{whole // 24:,} days"


def _ratio(text: object) -> str:
    return NOTHING if text is None else f"{float(str(text)):.2f}".replace("-", MINUS)


def _gaps(j: Json) -> RenderableType | None:
    rows = _rows(j, "gaps")
    if not rows:
        return None
    unit = str(j["currency"])
    modes = [mode for mode in ("isolated", "cross") if any(row[f"{mode}_loss"] is not None for row in rows)]
    more = [name for name in ("margin_level", "owed") if any(row[name] is not None for row in rows)]
    headings = ["Against us", "Move", "Mark", "PnL", *(f"{mode.capitalize()} loss" for mode in modes)]
    headings += [{"margin_level": "Margin level", "owed": "Still owed"}[name] for name in more]
    jump = "If the price jumps past the stop" if j["stop"] is not None else "If the price jumps against us"
    table = _table(f"{jump}, in {unit} (✘ liquidated)", headings)
    for row in rows:
        cells = [toned(_grouped(row["pnl"], signed=True), True)]
        cells += [_loss(row[f"{mode}_loss"], row[f"{mode}_liquidated"]) for mode in modes]
        cells += [Text(_grouped(row[name])) for name in more]
        label = _MOVES.get(str(row["label"]), clean(str(row["label"])))
        own = label != row["label"]
        move = _percent(row["move_frac"]).replace(".00 %", " %")
        table.add_row(Text(label if own else "a jump of"), Text(move), Text(_grouped(row["mark"])), *cells)
    source = j["history_source"]
    said = f'its own hours and days: {prose(str(source))}, UTC; "1 in 100" is the 99 % quantile'
    return Group(table, Text(said, style="dim")) if source else table


def _loss(amount: object, liquidated: object) -> Text:
    text = Text(_grouped(amount))
    return text.append(" ✘", style="red") if liquidated else text.append("  ")


def _survival(j: Json) -> RenderableType | None:
    rows = _rows(j, "survival")
    if not rows:
        return None
    unit = str(j["currency"])
    table = _table("To live through a move", ("Move", f"needs more than, {unit}", "missing now", "leverage below"))
    for row in rows:
        below = NOTHING if row["leverage_below"] is None else f"{_floored(row['leverage_below'])}×"
        move = _percent(row["move_frac"]).replace(".00 %", " %")
        table.add_row(move, _grouped(row["wallet_above"]), _grouped(row["extra"]), below)
    return table


def _floored(text: object) -> str:
    """Two decimals and never more than there is: a leverage that is just too high must not be shown as safe."""
    return f"{Decimal(str(text)).quantize(Decimal('0.01'), rounding=ROUND_FLOOR):,}"


def _loan(j: Json) -> RenderableType | None:
    loan = cast("Json | None", j["loan"])
    if loan is None:
        return None
    unit = clean(str(loan["currency"]))
    table = _table(f"The loan, in {unit}", ("", ""))
    table.show_header = False
    names = (
        ("borrowed", "principal"),
        ("interest an hour", "interest_per_hour"),
        ("interest a day", "interest_per_day"),
        ("interest in 30 days", "interest_30d"),
        ("interest over the horizon", "interest_horizon"),
        ("owed after the horizon", "owed_horizon"),
        ("to buy back, fee in coin", "buy_back_qty"),
        ("margin level", "margin_level"),
        ("taken over at level", "liquidation_level"),
    )
    for title, name in names:
        if loan[name] is not None:
            table.add_row(title, _grouped(loan[name]))
    return table


def _checks(j: Json, width: int) -> Table:
    table = empty_table("Checks")
    for heading in ("", "Check", "Is", "Needs"):
        table.add_column(heading, overflow="fold")
    if width >= WIDE:
        table.add_column("Detail", overflow="fold")
    for row in _rows(j, "checks"):
        sign, style = _STATUS[str(row["status"])]
        said = row["reason"] if row["status"] == "refuse" and row["reason"] else row["name"]
        detail = prose(str(row["detail"] or ""))
        unit = f" {j['currency']}" if row["name"] in _IN_MONEY else ""
        have = f"{_check_words(row['have'])}{unit}" if row["have"] else NOTHING
        need = f"{_check_words(row['need'])}{unit}" if row["need"] else ("" if width >= WIDE else detail)
        cells = [Text(sign, style=style), Text(str(said)), Text(have), Text(need)]
        table.add_row(*cells, *([Text(detail)] if width >= WIDE else []))
    return table


def _check_words(text: object) -> str:
    """The figures of a check as the tables above write them: `62,500.00`, `5×`."""
    times = re.sub(r"(\d)x\b", r"\1×", re.sub(r"\.00x", "x", str(text)))
    return re.sub(r"\b\d{4}(?=\.\d\d\b)", lambda found: f"{int(found[0]):,}", prose(times))


def _said(title: str, said: object) -> RenderableType | None:
    sentences = cast("Sequence[str]", said)
    return bulleted(title, sentences) if sentences else None


def _verdict(j: Json) -> RenderableType:
    word = str(j["verdict"])
    sign, style = _VERDICTS[word]
    text = Text(f"{sign} {word.upper()}", style=f"bold {style}")
    if word == "go":
        text.append("  preflight finds nothing against it; that is no forecast of the price", style="not bold")
    blind = [str(row["name"]) for row in _rows(j, "checks") if row["status"] == "unchecked"]
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    reasons = cast("Sequence[str]", j["reasons"])
    signs = [_STATUS[status] for status in ("refuse", "warn") for row in _rows(j, "checks") if row["status"] == status]
    signs = [_STATUS["unchecked"]] * (len(reasons) - len(signs)) + signs  # what is absent comes first
    for reason, (mark, tone) in zip(reasons, signs, strict=False):
        rows.add_row(Text(f" {mark}", style=tone), Text(_check_words(reason)))
    if blind:
        rows.add_row(" ?", Text(f"not checked: {', '.join(blind)}", style="dim"))
    return Group(text, rows)
