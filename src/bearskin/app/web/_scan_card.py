"""Who is on the other side: what is known of who holds what in one symbol, and what nobody tells."""

from __future__ import annotations

from typing import Any

from bearskin.market import Panel
from bearskin.terms import Side

Json = dict[str, Any]


def positioning(panel: Panel) -> Json:
    """The card of a symbol as known at the close of the panel's last bar.

    Rates are fractions, positive when longs pay; ranks 0 to 100 among the symbol's own history. `no_data` names what
    has none, `shrunk` windows that are shorter than they should be.
    """
    from bearskin.setups import View, crowd_lamps, crowd_state

    short = View(panel, Side.SHORT)
    views = {Side.SHORT: short, Side.LONG: View(panel, Side.LONG, short)}
    bar, time_ns = len(panel) - 1, panel.known_ns(len(panel) - 1)
    states = {side: crowd_state(view, bar) for side, view in views.items()}
    state = states[Side.SHORT]
    accounts = short.latest(panel.long_short_ratio, time_ns)
    top = short.latest(panel.top_positions_ratio, time_ns)
    interest = short.latest(panel.open_interest, time_ns)
    rate = _last_rate(panel, time_ns)
    card: Json = {
        "symbol": panel.instrument.symbol,
        "base": panel.instrument.base,
        "funding": rate if rate is None else {**rate, "rank": _number(state.funding_pct)},
        "open_interest": None
        if interest is None
        else {
            "coins": _number(interest),
            "value": _number(interest * float(panel.close[-1])),
            "change_7d_frac": _number(state.interest_change),
            "rank": _number(state.interest_pct),
        },
        "accounts": _ratio(accounts, state.ratio_pct, state.ratio_change_24h),
        "largest": _ratio(top, state.top_pct, None),
        "greed": _number(state.greed),
        "crowd": {
            side.word: {
                "score": _number(states[side].score),
                "crowded": states[side].crowded,
                "lamps": [
                    {"name": one.name, "on": one.on, "rank": _number(one.rank), "told": one.told, "need": one.need}
                    for one in crowd_lamps(states[side], side)
                ],
            }
            for side in views
        },
        "shrunk": list(state.shrunk),
    }
    card["no_data"] = [name for name, key in _NAMES if card[key] is None]
    card["says"] = {side.word: says(card, side) for side in views}
    return card


_NAMES = (
    ("funding", "funding"),
    ("open interest", "open_interest"),
    ("long-short ratio of accounts", "accounts"),
    ("positions of the largest accounts", "largest"),
    ("Fear & Greed", "greed"),
)


def says(card: Json, side: Side) -> list[str]:
    """Sentences about who stands against a trade of `side`, each from one figure; facts, not forecasts."""
    short, said = side is Side.SHORT, []
    if card["funding"] is not None:
        rate = float(card["funding"]["rate"])
        who = "longs pay shorts" if rate > 0 else "shorts pay longs" if rate < 0 else "nobody pays"
        got = "you receive" if (rate > 0) == short else "you pay"
        tail = f": {got}" if rate else ""
        said.append(f"{who} {abs(100 * rate):.4f} % every {float(card['funding']['interval_h']):g} h{tail}")
    if card["accounts"] is not None:
        longs = float(card["accounts"]["long_frac"])
        against = longs if short else 1 - longs
        said.append(f"{100 * against:.0f} % of accounts hold the other side ({'long' if short else 'short'})")
    if card["largest"] is not None:
        longs = float(card["largest"]["long_frac"])
        against = longs if short else 1 - longs
        said.append(f"{100 * against:.0f} % of the largest accounts' positions stand against you")
    if card["open_interest"] is not None and card["open_interest"]["change_7d_frac"] is not None:
        change = float(card["open_interest"]["change_7d_frac"])
        said.append(
            f"open interest {100 * change:+.1f} % in 7 days: {'new money came in' if change > 0 else 'money left'}"
        )
    crowd = card["crowd"][side.word]
    if crowd["crowded"]:
        other = "longs" if short else "shorts"
        said.append(f"{other} are crowded by every measure there is: what squeezes them helps you, and swings wide")
    mine = card["crowd"]["long" if short else "short"]
    if mine["crowded"]:
        said.append(f"your own side is crowded: a squeeze of {'shorts' if short else 'longs'} would hit you")
    return said


def _last_rate(panel: Panel, time_ns: int) -> Json | None:
    """The last settled rate."""
    funding = panel.funding
    if funding is None:
        return None
    last = int(funding.time_ns.searchsorted(time_ns, side="right")) - 1
    if last < 0:
        return None
    hours = float(funding.interval_ns[last]) / 3.6e12
    rate = float(funding.rate[last])
    return {"rate": _number(rate), "interval_h": hours, "per_day_frac": _number(rate * 24 / hours if hours else None)}


def _ratio(value: float | None, rank: float | None, change: float | None) -> Json | None:
    """A ratio of longs over shorts."""
    if value is None or value < 0:
        return None
    return {
        "ratio": _number(value),
        "long_frac": _number(value / (1 + value)),
        "rank": _number(rank),
        "change_24h_frac": _number(change),
    }


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.8g}"
