"""Below the chart: set-ups with their evidence, who stands how, the symbols, what the contract is."""

from __future__ import annotations

import asyncio
import functools
import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nicegui import ui

from bearskin.app.web._draft import Draft, path_of
from bearskin.app.web._kit import MINUS, figured, panel, per_cent
from bearskin.app.web._market import Spec, SymbolRow, price_digits, spec, symbol_rows
from bearskin.app.web._market_crowd import FundingNow, Series, basis, funding, long_short, open_interest, size_words
from bearskin.app.web._market_spark import spark
from bearskin.app.web._market_view import MarketView
from bearskin.app.web._pace import Turn, turn
from bearskin.app.web._page_market_chart import Chart
from bearskin.terms import BadInput, BearskinError, iso

if TYPE_CHECKING:
    from bearskin.app.web._market_setups import SetupShown

LISTED = 12
SETUPS_S, FACTS_S, SYMBOLS_S = 12.0, 20.0, 30.0
NOT_TOLD = "the venue does not tell it"


# --- set-ups -------------------------------------------------------------------------------------------------------


def setups_panel(view: MarketView, chart: Chart) -> None:
    """What is found on these candles; a click draws its structure."""
    with panel("Set-ups on these candles", "setups", "mk-setups") as shown:
        ui.label("candidates, each with what a study found of its kind; nothing here promises anything").classes(
            "mk-note"
        )
        items = ui.element("ol").classes("mk-setup-list")
        shown.loading("looking for set-ups…")
        listed: dict[str, ui.element] = {}

        def mark(key: str | None) -> None:
            for name, item in listed.items():
                item.props(f"aria-pressed={'true' if name == key else 'false'}")

        def choose(key: str) -> None:
            chart.tell("bearskinMarket.choose", key)
            mark(key)

        async def look() -> None:
            from bearskin.app.web._market_setups import seen

            interval = view.interval
            try:
                with turn(Turn.BESIDE):
                    looked = await seen(view.desk, view.symbol, interval)
            except (BadInput, BearskinError) as error:
                shown.failed(str(error))
                return
            if interval != view.interval:
                return
            found = looked.setups
            chart.tell("bearskinMarket.profile", looked.profile)
            first = next((one.key for one in found if one.over is None), found[0].key if found else None)
            chart.tell("bearskinMarket.setups", [one.to_json() for one in found], first)
            if not found:
                listed.clear()
                shown.empty(f"no set-up in the last {view.interval} candles")
                return
            shown.shown()
            if [one.key for one in found[:LISTED]] != list(listed):
                items.clear()
                listed.clear()
                with items:
                    for one in found[:LISTED]:
                        listed[one.key] = _setup(one, choose, view)
                mark(first)

        def again() -> None:
            listed.clear()
            timer.callback = look
            ui.timer(0.05, look, once=True)

        timer = ui.timer(SETUPS_S, look, immediate=False)
        chart.loaded.append(again)
        chart.host.on("setupchosen", lambda event: mark(event.args["detail"]["key"]), ["detail"])
    with shown.tools:
        switch = ui.checkbox("on the chart", value=True).props("dense size=xs").classes("mk-check")
        switch.on_value_change(lambda event: chart.tell("bearskinMarket.show_setups", bool(event.value)))


def _setup(one: SetupShown, choose: Any, view: MarketView) -> ui.element:
    tone, sign = ("down", "▼") if one.side == "short" else ("up", "▲")
    with ui.element("li"):
        with ui.element("button").classes("mk-setup").props("type=button aria-pressed=false") as button:
            with ui.element("span").classes("mk-setup-head"):
                ui.label(f"{sign} {one.title}, {one.side}").classes(f"mk-setup-name {tone}")
                ui.label(_when(one.bar_ms)).classes("num muted")
                ui.label("stands" if one.over is None else "over").classes("mk-chip" if one.over else "mk-chip on")
                ui.label(one.verdict).classes("mk-chip warn")
            ui.label(figured(one.why)).classes("mk-setup-why")
            ui.label(figured(f"Evidence: {one.evidence}.")).classes("mk-setup-fact")
            ui.label(figured(f"{one.guard[0].upper()}{one.guard[1:]}.")).classes("mk-setup-fact")
            if one.over is not None:
                ui.label(figured(f"Over: {one.over}.")).classes("mk-setup-fact")
        button.on("click", functools.partial(choose, one.key))
        if one.over is None:
            draft = Draft(
                symbol=view.symbol,
                side="short" if one.side == "short" else "long",
                stop=_tick(one.stop, view),
                targets=tuple(_tick(price, view) for price in one.targets[:2]),
                setup=one.setup,
            )
            ui.link("Put it on the ticket", path_of(draft)).classes("mk-setup-draft")
    return button


def _tick(price: float, view: MarketView) -> Any:
    from bearskin.app.web._market_lines import on_tick

    return on_tick(price, view.tick)


def _when(milliseconds: int) -> str:
    return iso(milliseconds * 1_000_000)[5:16].replace("T", " ")


# --- who stands how --------------------------------------------------------------------------------------------------


def facts_panel(view: MarketView) -> None:
    """Funding, open interest, the long-short ratio and the basis, each with its past."""
    with panel("Positioning", "positioning", "mk-facts") as shown:
        place = ui.html("", sanitize=False).classes("mk-fact-grid")
        shown.loading()

        async def ask() -> None:
            try:
                with turn(Turn.BESIDE):
                    told = await asyncio.gather(
                        funding(view.desk, view.symbol),
                        open_interest(view.desk, view.symbol),
                        long_short(view.desk, view.symbol),
                        basis(view.desk, view.symbol),
                    )
            except (BadInput, BearskinError) as error:
                shown.failed(str(error))
                return
            shown.shown()
            place.set_content(facts_html(*told))
            for tell in view.crowd:
                tell(told[1], told[2])

        ui.timer(FACTS_S, ask, immediate=True)


def facts_html(paid: FundingNow, interest: Series, ratio: Series, gap: Series) -> str:
    """The four facts; what the venue does not tell is said."""
    rates = [rate for _, rate in paid.settled]
    year = "" if paid.a_year is None else f", {_signed_per_cent(paid.a_year, 1)} a year if it stayed"
    every = "interval not told" if paid.interval_h is None else f"every {paid.interval_h:g} h"
    last = rates[-1] if rates else None
    settled = "none settled yet" if last is None else f"last settled {_signed_per_cent(last, 4)}"
    cards = [
        _card(
            "Funding", "funding-fact", _signed_per_cent(paid.predicted, 4), f"predicted: {paid.words}{year}",
            f"{settled}; {every}", spark(rates, f"{len(rates)} settled rates", zero=True),
        ),
        _card(
            "Open interest", "interest-fact", size_words(interest.last), _change(interest),
            "coins of open contracts", spark([v for _, v in interest.rows], "open interest"),
        ),
        _card(
            "Long-short ratio", "ratio-fact", "–" if ratio.last is None else f"{ratio.last:.2f}",
            ratio.missing or _ratio_words(ratio.last), "accounts are counted, not how large they are",
            spark([v for _, v in ratio.rows], "accounts long for each short"),
        ),
        _card(
            "Basis", "basis-fact", "–" if gap.last is None else f"{_signed(gap.last * 1e4, 1)} bp",
            gap.missing or f"the contract stands {'over' if (gap.last or 0) >= 0 else 'under'} its index",
            "last price over the index", spark([v for _, v in gap.rows], "basis", zero=True),
        ),
    ]  # fmt: skip
    return "".join(cards)


def _card(title: str, key: str, value: str, words: str, note: str, picture: str) -> str:
    say = html.escape
    return (
        f'<div class="mk-fact" data-figure="{key}"><h3>{say(title)}</h3><b class="num">{say(value)}</b>{picture}'
        f"<p>{say(words)}</p><p class=muted>{say(note)}</p></div>"
    )


def _change(series: Series) -> str:
    if series.missing or series.change_frac is None:
        return series.missing or "one value so far"
    hours = (series.rows[-1][0] - series.rows[0][0]) / 3_600_000
    return f"{_signed_per_cent(series.change_frac, 1)} in {hours:.0f} h"


def _ratio_words(value: float | None) -> str:
    if value is None or value == 1:
        return "as many accounts long as short"
    return f"{value:.1f} long for each short" if value > 1 else f"{1 / value:.1f} short for each long"


def _signed(value: float, digits: int) -> str:
    return f"{MINUS if value < 0 else '+'}{abs(value):,.{digits}f}"


def _signed_per_cent(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{_signed(100 * value, digits)} %"


# --- symbols and the contract ---------------------------------------------------------------------------------------


def symbols_panel(view: MarketView) -> None:
    """What can be traded, with a grade of how easily."""
    with panel("Symbols", "symbols", "mk-symbols") as shown:
        place = ui.html("", sanitize=False)
        shown.loading()

        async def ask() -> None:
            try:
                with turn(Turn.BESIDE):
                    rows = await symbol_rows(view.desk, (view.symbol,))
            except (BadInput, BearskinError) as error:
                shown.failed(str(error))
                return
            shown.shown()
            place.set_content(symbols_html(rows, view.symbol, functools.partial(price_digits, view.desk)))
            thin = next((row for row in rows if row.symbol == view.symbol and row.grade.thin), None)
            shown.stale(None if thin is None else f"{view.symbol} is thin: easily pushed, dear to leave")

        ui.timer(SYMBOLS_S, ask, immediate=True)


def symbols_html(rows: Sequence[SymbolRow], chosen: str, digits: Callable[[str], int] = lambda _: 2) -> str:
    """The list as a table; each symbol leads to its page. `digits` are those of a symbol's prices."""
    heads = "".join(
        f'<th scope=col title="{html.escape(title)}">{name}</th>'
        for name, title in (
            ("Symbol", "the bot's own first"),
            ("Last", ""),
            ("24 h", ""),
            ("Turnover", "of 24 hours, in millions of the quote currency"),
            ("Grade", "liquidity, an estimate of this moment: A deep to D thin"),
        )
    )
    lines = []
    for row in rows:
        name, change = html.escape(row.symbol), row.change_frac
        to = html.escape(urlencode({"symbol": row.symbol}))
        tone = "" if change is None else "down" if change < 0 else "up"
        turnover = "–" if row.turnover_24h is None else f"{row.turnover_24h / 1e6:,.1f} M"
        letter = html.escape(row.grade.letter)
        lines.append(
            f'<tr{" aria-current=true" if row.symbol == chosen else ""}><td><a href="/?{to}">{name}</a></td>'
            f"<td>{'–' if row.last is None else f'{row.last:,.{digits(row.symbol)}f}'}</td>"
            f'<td class="{tone}">{_signed_per_cent(change, 2)}</td><td>{turnover}</td>'
            f'<td><span class="mk-grade g{letter}" title="{html.escape(row.grade.why)}">{letter}</span></td></tr>'
        )
    note = "Grades are estimates from spread, depth within 1 % and turnover; hover for the figures."
    return (
        f'<div class="mk-scroll"><table class="mk-table num"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        f'<p class="mk-note">{note}</p>'
    )


def spec_panel(view: MarketView) -> None:
    """What the contract is."""
    with panel("Contract", "spec", "mk-spec") as shown:
        place = ui.html("", sanitize=False)
        shown.loading()

        async def ask() -> None:
            try:
                with turn(Turn.BESIDE):
                    view.spec = await spec(view.desk, view.symbol)
            except (BadInput, BearskinError) as error:
                shown.failed(str(error))
                return
            shown.shown()
            place.set_content(spec_html(view.spec))

        ui.timer(0.0, ask, once=True)


def spec_html(told: Spec) -> str:
    """The card of a contract, and its brackets folded away."""
    hours = None if told.funding_interval_h is None else f"{told.funding_interval_h:g} h"
    facts = {
        "Kind": f"linear perpetual, {told.base} in {told.quote}",
        "Settled in": told.settle,
        "Tick": f"{told.tick} {told.quote}",
        "Step": f"{told.step} {told.base}",
        "Smallest order": f"{told.min_qty or '–'} {told.base}, {_or_not(told.min_notional)} {told.quote}",
        "Contract size": f"{told.contract_size} {told.base}",
        "Largest leverage": NOT_TOLD if told.max_leverage is None else f"{told.max_leverage}x in the lowest bracket",
        "Fees": f"taker {_rate(told.taker_fee_rate)}, maker {_rate(told.maker_fee_rate)}",
        "Funding": NOT_TOLD if hours is None else f"every {hours}",
    }
    listed = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items())
    rows = "".join(
        f"<tr><td>{float(cap):,.0f}</td><td>{leverage}x</td><td>{per_cent(rate)}</td></tr>"
        for cap, leverage, rate in told.brackets
    )
    brackets = (
        f"<details><summary>{len(told.brackets)} brackets</summary>"
        '<table class="mk-table num"><thead><tr><th scope=col>Up to,'
        f" {html.escape(told.quote)}</th><th scope=col>Leverage</th><th scope=col>Maintenance</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )
    return f'<dl class="mk-dl num">{listed}</dl>{brackets if told.brackets else ""}'


def _or_not(value: str | None) -> str:
    return "not told" if value is None else f"at least {value}"


def _rate(text: str | None) -> str:
    return "not told" if text is None else per_cent(text, 3)
