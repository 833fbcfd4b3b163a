"""A scan as one HTML file: each candidate with its picture, its trade, its guards and what it was worth before."""

from __future__ import annotations

from importlib import resources
from typing import Any

from bearskin import __version__
from bearskin.backtest import Scan, reward_to_risk
from bearskin.report._evidence import evidence_sentence
from bearskin.report._html import Markup, el, join
from bearskin.report._picture import Trade, picture, picture_rules
from bearskin.report._scan_json import scan_json
from bearskin.report._scan_tables import STYLES, alone, headline_words
from bearskin.report._words import NOTHING, Kind, clean, prose, shown, when
from bearskin.terms import counted

PICTURES_MAX = 80
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def scan_page(scan: Scan, *, title: str | None = None, pictures_max: int = PICTURES_MAX) -> str:
    """`scan` as one self-contained page without scripts; at most `pictures_max` candidates are shown at length."""
    heading = title or f"Set-ups at {when(scan.request.at_ns)} UTC"
    found = scan.found
    more = len(found) - pictures_max
    body = join(
        el(
            "header",
            el("div", "bearskin scan", class_="brand"),
            el("h1", heading),
            el("p", headline_words(scan), class_="quiet"),
            _account(scan),
            el(
                "div",
                el("h2", "Read this first"),
                el(
                    "p",
                    "A set-up is a shape, not a forecast, and none has a proven edge unless it says so under it: what"
                    " each was worth in the past stands there. None of this is advice.",
                ),
                class_="evidence",
            ),
            class_="top",
        ),
        el(
            "main",
            el("section", el("h2", "Candidates"), _table(found, pictures_max))
            if found
            else el("p", _empty(scan), class_="empty"),
            el("div", [_card(one, k) for k, one in enumerate(found[:pictures_max])], class_="cards"),
            el("p", f"{more} more {'stands' if more == 1 else 'stand'} in the table only.", class_="quiet")
            if more > 0
            else None,
            _rest(scan),
        ),
        el(
            "footer",
            f"Made by bearskin {__version__}. Research, not advice. Nothing after {when(scan.request.at_ns)} UTC was "
            "used. This file is complete: it loads nothing.",
        ),
    )
    css = "".join(_asset(name) for name in ("_page.css", "_scan.css")) + picture_rules()
    head = join(
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="dark light"),
        el("title", heading),
        el("style", Markup(css)),
    )
    return f"<!doctype html>\n{el('html', el('head', head), el('body', body), lang='en')}\n"


def _empty(scan: Scan) -> str:
    looked = any(not one.left_out for one in scan.symbols)
    return "Nothing stands." if looked else "No symbol could be looked at."


def _asset(name: str) -> str:
    return resources.files("bearskin.report").joinpath(name).read_text(encoding="utf-8")


def _account(scan: Scan) -> Markup:
    account = scan_json(scan)["account"]
    facts = (
        ("Equity", shown(Kind.MONEY, account["equity"])),
        ("Risk a trade", shown(Kind.FRAC, account["risk_frac"])),
        ("Leverage", shown(Kind.TIMES, account["leverage"]) if account["leverage"] else "as far as the stop allows"),
        ("Margin", account["margin_mode"]),
        ("Preset", account["preset"]),
        ("Guards", "asked" if account["guards"] else "not asked"),
    )
    return el("dl", [el("div", el("dt", name), el("dd", value)) for name, value in facts], class_="facts")


def word_badge(word: str) -> Markup:
    """A verdict's sign and word."""
    return el("span", f"{STYLES[word][0]} {word}", class_=f"word {word}")


def _table(found: tuple[Any, ...], pictured: int) -> Markup:
    headings = ("Verdict", "Symbol", "Side", "Set-ups", "Bars ago", "Entry", "Stop", "Target", "Reward:risk", "At risk")
    left = ("Verdict", "Symbol", "Side", "Set-ups")
    head = el("tr", [el("th", name, class_=None if name in left else "num") for name in headings])
    rows = []
    for k, one in enumerate(found):
        best, event = one.best, one.best.event
        ratio = reward_to_risk(best)
        numbers = (
            str(best.age_bars),
            shown(Kind.PRICE, best.entry),
            shown(Kind.PRICE, event.stop),
            shown(Kind.PRICE, event.targets[0]) if event.targets else NOTHING,
            NOTHING if ratio is None else f"{ratio:.1f}",
            NOTHING if best.sized is None else f"{shown(Kind.MONEY, best.sized.loss_at_stop)} {one.currency}",
        )
        rows.append(
            el(
                "tr",
                el("td", word_badge(best.verdict), data_name=headings[0]),
                el(
                    "td",
                    el("a", clean(event.symbol), href=f"#c{k}") if k < pictured else clean(event.symbol),
                    data_name=headings[1],
                ),
                el("td", event.side.word, class_=event.side.word, data_name=headings[2]),
                el("td", ", ".join(_spaced(name) for name in one.candidate.setups), data_name=headings[3]),
                [
                    el("td", text, class_="num", data_name=name)
                    for name, text in zip(headings[4:], numbers, strict=True)
                ],
            )
        )
    return el("div", el("table", el("thead", head), el("tbody", rows)), class_="scroll tall found")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _card(one: Any, k: int) -> Markup:
    best, event = one.best, one.best.event
    said = [best.reason] if best.verdict == "declined" else []
    if best.guards is not None:
        said += [sentence for sentence in best.guards.reasons if sentence not in said]
    if best.guards is not None and best.guards.unchecked:
        said.append(f"not checked for want of data: {', '.join(best.guards.unchecked)}")
    if not one.families_enough:
        said.append(alone(one))
    heading = el(
        "h2",
        el("span", clean(event.symbol)),
        el("span", event.side.word, class_=event.side.word),
        word_badge(best.verdict),
        el("span", ", ".join(_spaced(name) for name in one.candidate.setups), class_="sets"),
    )
    evidence = [
        el("p", f"{_spaced(name)}: {prose(evidence_sentence(name, event.side))}") for name in one.candidate.setups
    ]
    return el(
        "section",
        heading,
        el("figure", picture(one.bars, Trade(event=event, entry=float(best.entry)))),
        el("p", prose(event.why), class_="why"),
        el("ul", [el("li", prose(sentence)) for sentence in said], class_="said quiet") if said else None,
        _trade(one),
        el("div", el("h2", "Evidence"), evidence, class_="evidence"),
        id=f"c{k}",
    )


def _trade(one: Any) -> Markup:
    best, event, sized = one.best, one.best.event, one.best.sized
    ratio, carry, dies = reward_to_risk(best), one.best.carry, one.best.liquidation_price
    away = abs(float(event.stop) / float(best.entry) - 1)
    facts: list[tuple[str, str]] = [
        (f"Entry ({event.entry})", shown(Kind.PRICE, best.entry)),
        ("Stop", f"{shown(Kind.PRICE, event.stop)} ({shown(Kind.FRAC, away)})"),
        ("Targets", ", ".join(shown(Kind.PRICE, target) for target in event.targets) or NOTHING),
        ("Reward to risk", NOTHING if ratio is None else f"{ratio:.2f}"),
        ("Signal", f"{when(event.known_ns)}"),
        ("Time is up", when(best.expires_ns) if best.expires_ns is not None else "never"),
    ]
    if getattr(event, "trail_atr", 0.0):
        facts.append(("Trailing stop", f"{event.trail_atr:g} ATR"))
    if sized is not None:
        facts += [
            ("Quantity", shown(Kind.QTY, sized.qty)),
            ("Notional", f"{shown(Kind.MONEY, sized.notional)} {one.currency}"),
            ("Loss at the stop", f"{shown(Kind.MONEY, sized.loss_at_stop)} {one.currency}"),
            ("Margin", f"{shown(Kind.MONEY, sized.margin)} at {shown(Kind.TIMES, sized.leverage)}"),
            (
                "Liquidation",
                NOTHING if dies is None else f"{dies:.6g} ({shown(Kind.FRAC, abs(dies / best.entry - 1))})",
            ),
            ("Bound by", sized.bound_by),
        ]
        facts.append(("Carry", _carry_words(carry, one.currency)))
    return el("dl", [el("div", el("dt", name), el("dd", text)) for name, text in facts], class_="trade")


def _carry_words(carry: Any, currency: str) -> str:
    if carry is None:
        return "no funding known"
    money = shown(Kind.MONEY, carry.money, signed=True)
    return f"{money} {currency} in {float(carry.horizon_h):g} h"


def _rest(scan: Scan) -> Markup:
    told = scan_json(scan)
    gone = [f"{one['symbol']} {one['side']} {_spaced(one['setup'])}: {one['why']}" for one in told["gone"]]
    abstained = [
        f"{_spaced(one['setup'])}: {one['why']} ({counted(len(one['symbols']), 'symbol')})" for one in told["abstained"]
    ]
    left_out = [f"{one['symbol']}: {one['why']}" for one in told["left_out"]]
    parts = (("Over already", gone), ("Not looked for", abstained), ("Left out", left_out))
    return join(
        [
            el("section", el("h2", name), el("ul", [el("li", prose(line)) for line in lines], class_="said"))
            for name, lines in parts
            if lines
        ]
    )
