"""What a scan found, as HTML: a table that is cards on a phone, each row leading to the ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from bearskin.app.web._bot_html import moment, side_word, spaced
from bearskin.app.web._kit import MINUS, money, per_cent, tone_of
from bearskin.app.web._markup import Child, Markup, el, facts, icon, join

Row = Mapping[str, Any]
VERDICTS = {  # sign, tone, and place in the order
    "passes": ("✔", "up", 0),
    "unguarded": ("?", "warn", 1),
    "smaller": ("!", "warn", 2),
    "declined": ("✘", "muted", 3),
}
ADVICE = (
    "A set-up is a shape, not a forecast. What it was worth in the past stands beside each: most have no proven edge. "
    "Nothing here is advice."
)
_TOLD_MAX = 12


def _frac(row: Row, name: str) -> Decimal:
    return Decimal(row[name] or 0)


COLUMNS: tuple[tuple[str, str, Callable[[Row], Any] | None], ...] = (  # key, heading, what it is sorted by
    ("verdict", "Verdict", lambda row: VERDICTS[row["verdict"]][2]),
    ("symbol", "Symbol", lambda row: row["symbol"]),
    ("side", "Side", lambda row: row["side"]),
    ("setup", "Set-ups", lambda row: row["setup"]),
    ("age", "Bars ago", lambda row: row["age_bars"]),
    ("entry", "Entry", None),
    ("stop", "Stop", lambda row: _frac(row, "stop_distance_frac")),
    ("targets", "Targets", None),
    ("reward", "R:R", lambda row: -Decimal(row["reward_to_risk"] or 0)),
    ("qty", "Quantity", lambda row: -Decimal(row["notional"] or 0)),
    ("risk", "At risk", lambda row: -Decimal(row["loss_at_stop"] or 0)),
    ("liquidation", "Liquidation", lambda row: _frac(row, "liquidation_distance_frac")),
    ("carry", "Carry", lambda row: -Decimal((row["carry"] or {}).get("money") or 0)),
    ("crowd", "Crowd", None),
    ("more", "", None),
)
SORTED = {key: by for key, _, by in COLUMNS if by is not None}
NUMBERS = frozenset(("age", "entry", "stop", "targets", "reward", "qty", "risk", "liquidation", "carry"))


def fitting(rows: Iterable[Row], *, side: str = "", verdict: str = "", search: str = "") -> list[Row]:
    """Those of a side and verdict in whose words all of `search` stand; empty words ask for nothing."""
    found = []
    for row in rows:
        said = " ".join((row["symbol"], row["side"], *row["setups"], row["verdict"], row["reason"], row["why"])).lower()
        if (side and row["side"] != side) or (verdict and row["verdict"] != verdict):
            continue
        if all(word in said.replace("_", " ") or word in said for word in search.lower().split()):
            found.append(row)
    return found


def in_order(rows: list[Row], key: str, down: bool) -> list[Row]:
    """By a column; an empty key leaves the scan's own ranking."""
    return sorted(rows, key=SORTED[key], reverse=down) if key in SORTED else list(rows)


def scan_table(rows: list[Row], cards: Mapping[str, Row], opened: set[str], order: tuple[str, bool]) -> Markup:
    """The table, with what was opened below its row."""
    head = el("tr", [_heading(key, text, order) for key, text, _ in COLUMNS])
    body = [
        join((_row(row, cards.get(row["symbol"]), row["key"] in opened), _more(row, cards, opened))) for row in rows
    ]
    return el("table", el("thead", head), el("tbody", body), class_="scan-table")


def _heading(key: str, text: str, order: tuple[str, bool]) -> Markup:
    number = "num" if key in NUMBERS else None
    if key not in SORTED:
        return el("th", text or el("span", "Details", class_="unseen"), scope="col", class_=number)
    mine = order[0] == key
    sign = (" ▾" if order[1] else " ▴") if mine else ""
    return el(
        "th",
        el("button", text, sign, type="button", data_sort=key, class_="sort"),
        scope="col",
        class_=number,
        aria_sort=("descending" if order[1] else "ascending") if mine else "none",
    )


def price(text: str | None, digits: int) -> str:
    """A price at the instrument's precision."""
    return "–" if text is None else f"{Decimal(text):,.{digits}f}"


def _away(frac: str | None) -> Markup | None:
    return None if frac is None else el("small", f" {per_cent(frac)}")


def _row(row: Row, card: Row | None, opened: bool) -> Markup:
    digits, carry = row["digits"], row["carry"]
    sign, tone, _ = VERDICTS[row["verdict"]]
    cells: dict[str, Child] = {
        "verdict": el("span", f"{sign} {row['verdict']}", class_=f"verdict {tone}"),
        "symbol": el(
            "a", row["symbol"], href=row["path"], title=f"to the ticket: {row['side']} {row['symbol']}",
        ),
        "side": side_word(row["side"]),
        "setup": (", ".join(map(spaced, row["setups"])), el("small", row["evidence"]["verdict"], class_="edge")),
        "age": f"{row['age_bars']}",
        "entry": (price(row["entry"], digits), el("small", f" {row['entry_kind']}")),
        "stop": (price(row["stop"], digits), _away(row["stop_distance_frac"])),
        "targets": [el("span", price(one, digits), class_="line") for one in row["targets"][:2]] or "trail",
        "reward": "–" if row["reward_to_risk"] is None else f"{Decimal(row['reward_to_risk']):.1f}",
        "qty": _quantity(row),
        "risk": money(row["loss_at_stop"]),
        "liquidation": (price(row["liquidation_price"], digits), _away(row["liquidation_distance_frac"])),
        "carry": "–" if carry is None else el("span", _signed(carry["money"]), class_=tone_of(carry["money"])),
        "crowd": lamps(card, row["side"]),
        "more": el(
            "button", icon("expand_less" if opened else "expand_more"), type="button", data_more=row["key"],
            aria_expanded="true" if opened else "false", aria_label=f"Details of {row['symbol']} {row['side']}",
            class_="more",
        ),
    }  # fmt: skip
    return el(
        "tr",
        [
            el("td", cells[key], class_=f"c-{key}" + (" num" if key in NUMBERS else ""), data_label=text or None)
            for key, text, _ in COLUMNS
        ],
        class_=f"candidate {row['verdict']}",
        data_go=row["path"],
        data_key=row["key"],
    )


def _quantity(row: Row) -> Child:
    if row["qty"] is None:
        return "–"
    return f"{Decimal(row['qty']):,f}".replace("-", MINUS), el("small", f" {row['leverage']}×")


def _signed(text: str) -> str:
    return ("+" if Decimal(text) > 0 else "") + money(text)


def lamps(card: Row | None, side: str) -> Markup:
    """Three lamps: is the other side crowded by open interest, funding and greed."""
    if card is None:
        return el("span", "no data", class_="muted")
    crowd = card["crowd"][side]
    other = "longs" if side == "short" else "shorts"
    lit = sum(1 for one in crowd["lamps"] if one["on"])
    known = sum(1 for one in crowd["lamps"] if one["on"] is not None)
    told = f"crowded {other}: {lit} of {known} lamps lit" if known else f"crowded {other}: no data"
    signs = [
        el("i", "●" if one["on"] else "○" if one["on"] is False else "·", class_="on" if one["on"] else "off")
        for one in crowd["lamps"]
    ]
    return el("span", signs, el("small", f" {lit}/{known}" if known else " no data"), class_="lamps", title=told,
              role="img", aria_label=told)  # fmt: skip


def _more(row: Row, cards: Mapping[str, Row], opened: set[str]) -> Markup | None:
    if row["key"] not in opened:
        return None
    said = [row["reason"]] if row["verdict"] == "declined" else []
    inside = el(
        "div",
        el(
            "section",
            el("h4", "Why"),
            el("p", row["why"]),
            el("h4", "Look at this first") if row["warnings"] or said else None,
            el("ul", [el("li", icon("warning_amber"), one) for one in (*said, *row["warnings"])], class_="look")
            if row["warnings"] or said
            else None,
            el("ul", [el("li", one) for one in row["notes"]], class_="says") if row["notes"] else None,
            el("h4", "Evidence"),
            [
                el("p", el("b", spaced(row["setup"])), ": ", row["evidence"]["sentence"], class_="evidence"),
                *[
                    el("p", el("b", spaced(one["setup"])), ": ", one["evidence"]["sentence"], class_="evidence")
                    for one in row["others"]
                ],
            ],
        ),
        el("section", el("h4", "The trade"), _trade(row)),
        el("section", card_html(cards.get(row["symbol"]), row["side"])),
        class_="inside",
    )
    return el("tr", el("td", inside, colspan=len(COLUMNS)), class_="opened", data_of=row["key"])


def _trade(row: Row) -> Markup:
    carry, digits = row["carry"], row["digits"]
    return facts(
        (
            ("Notional", money(row["notional"])),
            ("Margin", money(row["margin"])),
            ("Loss at the stop", money(row["loss_at_stop"])),
            ("Size bound by", row["bound_by"]),
            ("Leverage", None if row["leverage"] is None else f"{row['leverage']}×"),
            ("Invalid beyond", price(row["invalidation"], digits) if row["invalidation"] else None),
            ("Trailing stop", f"{row['trail_atr']} ATR" if row["trail_atr"] else None),
            ("Signal", moment(row["signal_at"], "utc", 16)),
            ("Time is up", moment(row["expires_at"], "utc", 16) if row["expires_at"] else "never"),
            ("Last funding", None if carry is None else f"{_percent4(carry['rate'])} / {carry['interval_h']:g} h"),
            ("Carry, estimated", None if carry is None else f"{_signed(carry['money'])} in {carry['horizon_h']:g} h"),
        )
    )


def _percent4(text: str) -> str:
    return per_cent(text, 4)


def card_html(card: Row | None, side: str) -> Markup:
    """Who is on the other side."""
    if card is None:
        return join((el("h4", "Who is on the other side"), el("p", "nothing is known of this symbol", class_="muted")))
    crowd = card["crowd"][side]
    other = "longs" if side == "short" else "shorts"
    known = [one for one in crowd["lamps"] if one["on"] is not None]
    word = "crowded" if crowd["crowded"] else "not all lamps are lit" if known else "no data to say"
    score = "" if crowd["score"] is None else f", score {100 * Decimal(crowd['score']):.0f} of 100"
    rows = [
        el(
            "li",
            el("i", "●" if one["on"] else "○" if one["on"] is False else "·", class_="on" if one["on"] else "off"),
            el("span", one["name"]),
            el("span", _lamp(one), class_="num"),
        )
        for one in crowd["lamps"]
    ]
    interest = card["open_interest"]
    pairs = (
        ("Open interest", None if interest is None else f"{Decimal(interest['value']):,.0f}"),
        ("Accounts long", None if card["accounts"] is None else per_cent(card["accounts"]["long_frac"], 1)),
        ("Largest positions long", None if card["largest"] is None else per_cent(card["largest"]["long_frac"], 1)),
    )
    return join(
        (
            el("h4", "Who is on the other side"),
            el("ul", [el("li", one.replace(" -", f" {MINUS}")) for one in card["says"][side]], class_="says"),
            facts(pairs),
            el("h4", f"Crowded {other}? {word}{score}"),
            el("ul", rows, class_="lamp-list"),
            el("p", f"No data: {', '.join(card['no_data'])}.", class_="muted") if card["no_data"] else None,
            el("p", f"Short histories: {', '.join(card['shrunk'])}.", class_="muted") if card["shrunk"] else None,
        )
    )


def _lamp(one: Row) -> str:
    if one["on"] is None and one["rank"] is None:
        return "too little data"
    rank = "" if one["rank"] is None else f"rank {Decimal(one['rank']):.0f}"
    said = one["told"].replace("-", MINUS)
    return f"{', '.join(part for part in (rank, said) if part)} (lit from {one['need'].replace('-', MINUS)})"


def rest_html(result: Row) -> Markup:
    """What is over, what was not looked for, what was left out."""
    parts = []
    gone = [f"{one['symbol']} {one['side']} {spaced(one['setup'])}: {one['why']}" for one in result["gone"]]
    abstained = [f"{spaced(one['setup'])}: {one['why']} ({len(one['symbols'])} symbols)" for one in result["abstained"]]
    left_out = [f"{one['symbol']}: {one['why']}" for one in result["left_out"]]
    for title, lines in (("Over already", gone), ("Not looked for", abstained), ("Left out", left_out)):
        if lines:
            shown = lines[:_TOLD_MAX]
            more = [f"and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else []
            parts.append(
                el(
                    "details",
                    el("summary", f"{title} ({len(lines)})"),
                    el("ul", [el("li", one) for one in shown + more]),
                )
            )
    return join(parts)


def headline(result: Row, zone: str) -> str:
    """What was looked at, in one sentence."""
    counts = result["counts"]
    where = "the venue's candles" if result["source"] == "venue" else "stored data"
    passed = f"{counts['unguarded']} without asking a guard" if counts["unguarded"] else f"{counts['passes']} pass"
    return (
        f"{moment(result['at'], zone, 16)} {'local time' if zone == 'local' else 'UTC'}, {where}: {counts['symbols']} "
        f"symbols, {result['interval']} bars, the last {result['within_bars']}: {passed}, {counts['smaller']} smaller, "
        f"{counts['declined']} declined, {counts['gone']} over"
    )
