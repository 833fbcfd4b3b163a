"""What the bot's page shows of a state, as HTML: decisions, limits, regimes, counts, costs, warnings, settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bearskin.app.web._bot import barred, multiplier, setup_of, with_evidence
from bearskin.app.web._kit import figured, money, per_cent, tone_of
from bearskin.app.web._markup import Child, Markup, el, facts, icon, join

State = Mapping[str, Any]
LOOKS = {  # word, icon and tone of each kind of decision
    "enter": ("enter", "play_arrow", "accent"),
    "exit": ("exit", "stop", ""),
    "protected": ("protected", "verified_user", "up"),
    "unprotected": ("UNPROTECTED", "gpp_bad", "down"),
    "declined": ("declined", "block", "muted"),
    "unfilled": ("unfilled", "remove_circle_outline", "muted"),
    "stop": ("stop moved", "swap_vert", ""),
    "leave": ("leaving", "logout", ""),
    "warning": ("warning", "warning_amber", "warn"),
    "limit": ("limit", "speed", "warn"),
    "adjusted": ("adjusted", "sync_problem", "warn"),
    "foreign": ("not ours", "help_outline", "warn"),
    "reconciled": ("reconciled", "sync_problem", "warn"),
    "mode": ("switch", "toggle_on", "accent"),
}


def moment(text: str | None, zone: str, digits: int = 19) -> str:
    """An RFC 3339 time as it is shown, in UTC or this machine's zone; `digits` cut it: 19 with seconds, 16 without."""
    if not text:
        return "–"
    if zone == "local":
        text = datetime.fromisoformat(text).astimezone().isoformat()
    return text[:digits].replace("T", " ")


def spaced(name: str) -> str:
    """A set-up's name as words."""
    return name.replace("_", " ")


# --- decisions --------------------------------------------------------------------------------------------------------


def decision_row(decision: State, zone: str) -> Markup:
    """One line of the log: a button that opens what stands behind it."""
    word, sign, tone = LOOKS.get(decision["kind"], (decision["kind"], "circle", ""))
    if decision["kind"] == "exit":
        net = (decision.get("more") or {}).get("net")
        tone = tone_of(net) if net is not None else tone
    told = with_evidence(decision)
    origin = setup_of(decision)
    return el(
        "button",
        el("span", moment(decision["time"], zone)[5:], class_="when num"),
        el("span", icon(sign), word, class_=f"kind {tone}"),
        el("span", decision["symbol"] or "account", class_="symbol"),
        side_word(decision.get("side")),
        el("span", figured(decision["text"]), class_="said"),
        el("span", spaced(origin), None if told["evidence"] is None else _verdict(told), class_="origin")
        if origin
        else None,
        class_=f"decision {decision['kind']}",
        type="button",
        data_decision=decision["number"],
    )


def _verdict(told: State) -> Markup:
    return el("small", figured(told["evidence"]["verdict"]))


def side_word(side: str | None) -> Markup:
    """short or long, with its sign and colour."""
    if not side:
        return el("span", class_="side")
    return el("span", f"{'▼' if side == 'short' else '▲'} {side}", class_=f"side {side}")


_PLAN = (
    ("Quantity", "qty"), ("Entry reference", "entry_ref"), ("Limit", "limit"), ("Stop", "stop"),
    ("Stop is looked at by", "stop_by"), ("Invalid beyond", "invalidation"), ("Time is up", "until"),
    ("Leverage", "leverage"), ("Margin mode", "margin_mode"), ("Margin", "margin"),
    ("Loss at the stop", "loss_at_stop"),
    ("Liquidation price", "liquidation_price"), ("Size bound by", "bound_by"), ("Equity then", "equity"),
    ("Entry", "entry"), ("Exit", "exit"), ("Entered", "entered"), ("Gross", "gross"), ("Fees", "fees"),
    ("Funding", "funding"), ("Net", "net"), ("R", "r"), ("Slippage of the entry", "slippage_entry"),
    ("Slippage of the exit", "slippage_exit"), ("Longest without a stop, s", "unprotected_s"),
)  # fmt: skip


def decision_detail(decision: State, zone: str) -> Markup:
    """Everything that is known of one decision."""
    told, more = with_evidence(decision), decision.get("more") or {}
    word = LOOKS.get(decision["kind"], (decision["kind"], "", ""))[0]
    said = [part for part in str(decision.get("why") or "").split("; ") if part and part != more.get("signal")]
    figures = more.get("figures") or {}
    return join(
        (
            el("p", moment(decision["time"], zone), " ", "local time" if zone == "local" else "UTC", class_="muted"),
            el(
                "h3",
                word[:1].upper() + word[1:], " ", decision["symbol"] or "account", " ", side_word(decision.get("side")),
            ),
            el("p", figured(decision["text"]), class_="lead"),
            _part("The set-up said", el("p", figured(more["signal"]))) if more.get("signal") else None,
            _part("Why", el("ul", [el("li", figured(one)) for one in said])) if said else None,
            _part("Evidence", el("p", figured(told["evidence"]["sentence"]), class_="evidence"))
            if told["evidence"]
            else None,
            _part("Not checked for want of data", el("p", ", ".join(more["unchecked"])))
            if more.get("unchecked")
            else None,
            _part("Figures", facts((name, _value(more.get(key), key, zone)) for name, key in _PLAN))
            if len(more) > 2
            else None,
            _part("Targets", el("p", " and ".join(map(figured, more["targets"])), class_="num start"))
            if more.get("targets")
            else None,
            _part("What the set-up measured", facts((spaced(name), figured(str(v))) for name, v in figures.items()))
            if figures
            else None,
        )
    )  # fmt: skip


def _part(title: str, body: Child) -> Markup:
    return el("section", el("h4", title), body)


def _value(value: Any, key: str, zone: str) -> str | None:
    if value is None or value == "":
        return None
    if key in ("until", "entered"):
        return moment(value, zone)
    if key in (
        "margin",
        "loss_at_stop",
        "gross",
        "fees",
        "funding",
        "net",
        "equity",
        "slippage_entry",
        "slippage_exit",
    ):
        return money(value)
    return figured(str(value))


# --- beside the log ---------------------------------------------------------------------------------------------------


def gauges_html(told: State) -> Markup:
    """Every limit as a bar towards its steps; the word says what holds, the colour repeats it."""
    rows = [_gauge(one) for one in told["gauges"]]
    held = [one for one in told["active"] if " " in one["limit"] or one["limit"] in ("skew", "stale")]
    return join(
        (
            None if told["switched_on"] else el("p", "Limits are switched off in this run.", class_="warn"),
            el("ul", rows, class_="gauges"),
            el(
                "ul",
                [el("li", icon("speed"), f"{one['limit']}: {figured(one['detail'])}") for one in held],
                class_="held warn",
            )
            if held
            else None,
            el("p", "size of the next entry × ", el("b", told["size_multiplier"], class_="num"), class_="muted")
            if told["size_multiplier"] != "1"
            else None,
        )
    )


def _gauge(one: State) -> Markup:
    steps, now = one["steps"], one["now"]
    end = Decimal(steps[-1]["at"])
    share = Decimal(0) if now is None or not end else min(Decimal(1), Decimal(now) / end)
    reached = one["reached"]
    nearest = steps[min(reached, len(steps) - 1)]
    tone = "down" if reached == len(steps) else "warn" if reached or share >= Decimal("0.7") else "calm"
    state = (
        f"reached: {steps[reached - 1]['then']}" if reached else f"at {_unit(one, nearest['at'])}: {nearest['then']}"
    )
    ticks = [el("i", style=f"left:{100 * Decimal(step['at']) / end:.1f}%") for step in steps[:-1]]
    return el(
        "li",
        el("span", one["title"], class_="name"),
        el("span", _unit(one, now), " ", el("small", "of ", _unit(one, steps[-1]["at"])), class_="num"),
        el("span", el("b", style=f"width:{100 * share:.1f}%"), ticks, class_=f"track {tone}", aria_hidden="true"),
        el("small", el("span", state, class_=tone if reached else ""), f" · {one['why']}" if one["why"] else None),
        class_=f"gauge {tone}",
        data_gauge=one["limit"],
        data_reached=reached,
    )


def _unit(one: State, value: str | None) -> str:
    if value is None:
        return "–"
    if one["unit"] == "frac":
        return per_cent(value)
    return f"{Decimal(value):.1f}×" if one["unit"] == "times" else f"{Decimal(value):f}"


ARROWS = {"uptrend": ("↗", "up"), "downtrend": ("↘", "down"), "range": ("→", ""), "unknown": ("?", "muted")}
REGIME_FIGURES = (("ema_fast_price", 5), ("ema_slow_price", 5), ("adx", 3))  # with how many digits
_TRADED = {"uptrend": "longs", "downtrend": "shorts", "range": "both", "unknown": "both"}


def regimes_html(state: State) -> Markup:
    """The daily regime of each symbol, with the figures it is made of and what `auto` would trade."""
    rows = []
    figures = state.get("regime_figures", {})
    for symbol, label in state["regimes"].items():
        sign, tone = ARROWS.get(label, ("?", "muted"))
        one = figures.get(symbol, {})
        rows.append(
            el(
                "tr",
                el("th", symbol, scope="row"),
                el("td", f"{sign} {label}", class_=tone),
                [el("td", _digits(one.get(name), most), class_="num") for name, most in REGIME_FIGURES],
                el("td", _TRADED.get(label, "both"), class_="muted"),
            )
        )
    names = ("Symbol", "Regime", "EMA20", "EMA50", "ADX", "Auto")
    head = el("tr", [el("th", name, class_="num" if name in names[2:5] else None, scope="col") for name in names])
    return el("div", el("table", el("thead", head), el("tbody", rows), class_="lines"), class_="wide")


def _digits(value: str | None, most: int) -> str:
    """A figure with at most so many digits that count; a whole one keeps its zeros."""
    return "–" if value is None else f"{Decimal(f'{Decimal(value):.{most}g}'):,f}"


def counts_html(state: State) -> Markup:
    """How much was seen, taken and let go, and why it was let go, as bars."""
    counts = state["counts"]
    declined: Mapping[str, int] = counts["declined"]
    total = sum(declined.values())
    wins = f"{counts['wins']} won" if counts["exits"] else None
    top = max(declined.values(), default=1)
    bars = [
        el(
            "li",
            el("span", reason, class_="name"),
            el("span", f"{count:,}", class_="num"),
            el("span", el("b", style=f"width:{100 * count / top:.1f}%"), class_="track", aria_hidden="true"),
        )
        for reason, count in sorted(declined.items(), key=lambda item: -item[1])
    ]
    return join(
        (
            facts(
                (
                    ("Bars", f"{counts['bars']:,}"),
                    ("Signals", f"{counts['signals']:,}"),
                    ("Entered", f"{counts['entries']:,}"),
                    ("Closed", (f"{counts['exits']:,}", el("small", f" {wins}") if wins else None)),
                    ("Declined", f"{total:,}"),
                    ("Longest without a stop", f"{counts['max_unprotected_s']:.2f} s"),
                )
            ),
            el("h4", "Declined, by reason") if bars else None,
            el("ul", bars, class_="bars") if bars else el("p", "nothing was declined yet", class_="muted"),
        )
    )


def costs_html(state: State) -> Markup:
    """What trading has come to and cost so far; funding positive when received."""
    account = state["account"]
    rows = (
        ("Closed, before costs", account["gross"]),
        ("Fees", f"{-Decimal(account['fees']):.2f}"),
        ("Funding", account["funding"]),
        ("Closed, after costs", account["net"]),
        ("Open, at the marks", account["open_pnl"]),
    )
    return facts(
        (name, el("span", ("+" if Decimal(value) > 0 else "") + money(value), class_=tone_of(value)))
        for name, value in rows
    )


def warnings_html(state: State, zone: str) -> Markup:
    """The newest warnings first, each with its severity in a word."""
    rows = [
        el(
            "li",
            el("span", moment(one["time"], zone)[5:], class_="when num"),
            el("span", icon("error" if one["severity"] == "critical" else "warning_amber"), one["severity"]),
            el("span", f"{one['kind']}{' ' + one['symbol'] if one['symbol'] else ''}: {figured(one['text'])}"),
            class_="down" if one["severity"] == "critical" else "warn" if one["severity"] == "warning" else "muted",
        )
        for one in reversed(state["warnings"][-20:])
    ]
    return el("ul", rows, class_="warned")


def settings_html(state: State) -> Markup:
    """What the run is told."""
    rules = state.get("rules", {})
    setups = rules.get("setups")
    named = (
        ("Run", state["run"]),
        ("Venue", state.get("title") or state["venue"]),
        ("Symbols", f"{len(state['symbols'])}"),
        ("Bars", state["interval"]),
        ("Preset", rules.get("preset")),
        ("At risk a trade", per_cent(rules["risk_frac"]) if rules.get("risk_frac") else "as the preset"),
        ("Open risk at most", per_cent(rules["heat_frac"]) if rules.get("heat_frac") else None),
        ("Leverage at most", f"{rules['leverage']}×" if rules.get("leverage") else "as the preset"),
        ("Margin", rules.get("margin_mode")),
        ("Stops are looked at by", rules.get("stop_by")),
        ("Entry", rules.get("entry")),
        ("Left at the first target", per_cent(rules["target1_share"], 0) if rules.get("target1_share") else None),
        ("Guards", "on" if rules.get("guards", True) else "off"),
        ("Limits", "on" if rules.get("limits", True) else "off"),
        ("Families needed", f"{rules['families_min']}" if rules.get("families_min") else None),
        ("Positions at most", f"{rules['positions_max']}" if rules.get("positions_max") else None),
        ("Equity sized from, at most", money(rules.get("equity_cap")) if rules.get("equity_cap") else None),
        ("Position at most", money(rules.get("notional_cap")) if rules.get("notional_cap") else None),
        ("Set-ups", "all" if setups is None else ", ".join(map(spaced, setups))),
    )
    return facts(named)


def mode_words(state: State | None, up: bool, why: str) -> tuple[str, str, str]:
    """How the bot is, in a word, a sentence and a tone."""
    if state is None:
        return "NO BOT", why, "muted"
    if not up:
        return "SILENT", f"{why}: what is shown is the last that was heard", "warn"
    if not state["account"]["known"]:
        return "ASKING", "the venue is being asked how the account stands", "warn"
    mode = state["mode"]
    if mode["panicked"]:
        return "PANIC", "everything of ours is closed and stays closed until you lift it", "down"
    if mode["paused"]:
        return "PAUSED", "no new entries; what is open is managed on", "warn"
    why_not = barred(state)
    if why_not:
        return "RUNNING", why_not, "warn"
    size = multiplier(state)
    if size != "1":
        return "RUNNING", f"limits leave {size} of the usual size", "warn"
    return "RUNNING", "entries as set-ups and limits allow", "up"
