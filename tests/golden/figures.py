"""How each kind of golden figure is put through the formulas; the files beside this one hold the figures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import bearskin.margin as m
from bearskin.terms import MINUTE_NS, Bracket, Brackets

HERE = Path(__file__).parent
NUMBERS = {"float": float, "decimal": Decimal, "fraction": Fraction}


def load(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def brackets(snapshot: str) -> Brackets:
    table = load("brackets")[snapshot]
    rows = tuple(
        Bracket(floor=Decimal(f), cap=Decimal(c), mmr=Decimal(r), max_leverage=int(lev), cum=Decimal(cum))
        for f, c, r, lev, cum in table["rows"]
    )
    return Brackets(venue=table["venue"], symbol=table["symbol"], snapshot=snapshot, rows=rows)


@dataclass(frozen=True)
class Case:
    """The inputs of one figure, read as one kind of number."""

    inputs: dict[str, Any]
    number: Any

    def read(self, text: str) -> Any:
        """`1/3` is divided in the kind of number itself."""
        top, _, bottom = text.partition("/")
        return self.number(top) / self.number(bottom) if bottom else self.number(top)

    def __getitem__(self, name: str) -> Any:
        return self.read(self.inputs[name])

    def __contains__(self, name: str) -> bool:
        return name in self.inputs

    def int(self, name: str) -> int:
        return int(self.inputs[name])

    def texts(self, name: str) -> list[str]:
        return self.inputs[name]

    def cases(self, name: str) -> list[Case]:
        return [Case(inputs, self.number) for inputs in self.inputs[name]]

    @property
    def tiers(self) -> Any:
        if "brackets" in self:
            tiers = m.tiers_of(brackets(self.inputs["brackets"]), self.number)
        else:
            rows = [[self.read(cell) for cell in row] for row in self.inputs["tiers"]]
            floor, mmr, cum = (tuple(column) for column in zip(*rows, strict=True))
            tiers = m.Tiers(floor, mmr, cum, floor)
        return m.with_closing_fee(tiers, self["closing_fee"]) if "closing_fee" in self else tiers

    @property
    def cost(self) -> Any:
        return self["qty"] * self["entry"]


def isolated(c: Case) -> dict[str, Any]:
    return {
        "liquidation_price": m.liquidation_price(c.tiers, c["qty"], c.cost, c["wallet"]),
        "bankruptcy_price": m.bankruptcy_price(c["qty"], c.cost, c["wallet"]),
    }


def cross(c: Case) -> dict[str, Any]:
    zero = c.read("0")
    moving = [m.Leg(leg.tiers, leg["qty"], leg.cost, zero) for leg in c.cases("moving")]
    frozen = [m.Leg(leg.tiers, leg["qty"], leg.cost, leg["mark"]) for leg in c.cases("frozen")]
    return dict(zip(("low", "high"), m.cross_liquidation_prices(moving, c["wallet"], frozen), strict=False))


def margins(c: Case) -> dict[str, Any]:
    value = m.notional(c["qty"], c["price"])
    return {
        "initial_margin": m.initial_margin(value, c["leverage"]),
        "maintenance_margin": m.maintenance(c.tiers, value),
    }


def linear(c: Case) -> dict[str, Any]:
    found = {"profit": m.profit(c["qty"], c.cost, c["price"])}
    if "fee" in c:
        found["open_fee"] = m.fee(m.notional(c["qty"], c["entry"]), c["fee"])
    return found


def net(c: Case) -> dict[str, Any]:
    return {"net_profit": m.net_profit(c["qty"], c.cost, c["price"], c["fee"], c["fee"], c["funding"])}


def position(c: Case) -> dict[str, Any]:
    qty, cost, mark = c["qty"], c.cost, c["mark"]
    return {
        "profit": m.profit(qty, cost, mark),
        "notional": m.notional(qty, mark),
        "equity": m.equity(qty, cost, mark, c["wallet"]),
    }


def account(c: Case) -> dict[str, Any]:
    # a position of one coin bought at zero is worth its profit
    one = c.read("1")
    return {"margin_balance": m.equity(one, one - one, c["profit"], c["wallet"])}


def isolated_wallet(c: Case) -> dict[str, Any]:
    reserved = m.initial_margin(m.notional(c["qty"], c["reserved_at"]), c["leverage"])
    return {"wallet": reserved - m.fee(m.notional(c["qty"], c["entry"]), c["fee"])}


def break_even(c: Case) -> dict[str, Any]:
    return {"break_even": m.break_even_price(c["qty"], c.cost, c["fee"])}


def realized(c: Case) -> dict[str, Any]:
    return {"realized": m.realized_profit(c["qty"], c.cost, c["fill_qty"], c["price"])}


def margin_ratio(c: Case) -> dict[str, Any]:
    wallet = m.initial_margin(m.notional(c["qty"], c["entry"]), c["leverage"])
    equity = m.equity(c["qty"], c.cost, c["mark"], wallet)
    return {
        "profit": m.profit(c["qty"], c.cost, c["mark"]),
        "equity": equity,
        "ratio": m.margin_ratio(c["maintenance"], equity),
    }


def order(c: Case) -> dict[str, Any]:
    qty, price, mark, last = c["qty"], c["order_price"], c["mark"], c["last"]
    assuming = m.assuming_price(qty, price, mark, last)
    return {
        "assuming": assuming,
        "initial": m.initial_margin(m.notional(qty, assuming), c["leverage"]),
        "open_loss": m.open_loss(qty, price, mark),
    }


def survival(c: Case) -> dict[str, Any]:
    wallet = m.survival_wallet(c.tiers, c["qty"], c.cost, c["move"])
    return {"wallet": wallet, "max_leverage": m.notional(c["qty"], c["entry"]) / wallet}


def small_short(c: Case) -> dict[str, Any]:
    entry = c["entry"]
    wallet = m.initial_margin(m.notional(c["qty"], entry), c["leverage"])
    return {
        "liquidation_pct": (m.liquidation_price(c.tiers, c["qty"], c.cost, wallet) / entry - 1) * 100,
        "bankruptcy_pct": (m.bankruptcy_price(c["qty"], c.cost, wallet) / entry - 1) * 100,
    }


def hedge(c: Case) -> dict[str, Any]:
    spot = m.profit(c["spot_qty"], c["spot_qty"] * c["entry"], c["price"])
    futures = m.profit(c["short_qty"], c["short_qty"] * c["entry"], c["price"])
    return {"spot": spot, "futures": futures, "net": spot + futures}


def return_on_margin(c: Case) -> dict[str, Any]:
    margin = m.initial_margin(m.notional(c["qty"], c["entry"]), c["leverage"])
    return {"return_pct": m.return_on_margin(m.profit(c["qty"], c.cost, c["price"]), margin) * 100}


def amount(c: Case) -> dict[str, Any]:
    return {"cum": m.next_cum(c["floor"], c["mmr"], c["previous_mmr"], c["previous_cum"])}


def amounts(c: Case) -> dict[str, Any]:
    cums = m.recompute_cum([c.read(f) for f in c.texts("floors")], [c.read(r) for r in c.texts("mmrs")])
    return {f"cum{i + 1}": cum for i, cum in enumerate(cums)}


def inverse(c: Case) -> dict[str, Any]:
    coins = m.inverse_cost(c["face"], c["entry"])
    gain = m.inverse_profit(c["face"], coins, c["mark"])
    found = {"profit": gain, "notional": m.inverse_notional(c["face"], c["mark"])}
    if "funding" in c:
        found["net"] = gain + c["funding"]
    if "fee" in c:
        found["open_fee"] = m.fee(m.inverse_notional(c["face"], c["entry"]), c["fee"])
    return found


def inverse_isolated(c: Case) -> dict[str, Any]:
    coins = m.inverse_cost(c["face"], c["entry"])
    return {"liquidation_price": m.inverse_liquidation_price(c.tiers, c["face"], coins, c["wallet"])}


def inverse_margins(c: Case) -> dict[str, Any]:
    value = m.inverse_notional(c["face"], c["mark"])
    found = {"notional": value, "maintenance": m.inverse_maintenance(c.tiers, c["face"], c["mark"])}
    if "leverage" in c:
        found["initial"] = m.initial_margin(value, c["leverage"])
    return found


def inverse_worth(c: Case) -> dict[str, Any]:
    coins = m.inverse_cost(c["face"], c["entry"])
    found = {}
    for text in c.texts("prices"):
        price = c.read(text)
        balance = c["wallet"] + m.inverse_profit(c["face"], coins, price)
        found[f"usd_at_{text}"] = balance * price
        if "tiers" in c:
            found[f"cover_at_{text}"] = balance / m.inverse_maintenance(c.tiers, c["face"], price)
    return found


def inverse_funding(c: Case) -> dict[str, Any]:
    interest = m.funding_interest(c["quote"], c["base"], c.int("settlements"))
    return {
        "notional": m.inverse_notional(c["face"], c["mark"]),
        "interest": interest,
        "received": m.inverse_funding_received(c["face"], c["mark"], interest),
    }


def funding(c: Case) -> dict[str, Any]:
    return {"received": m.funding_received(c["qty"], c["mark"], c["rate"])}


def funding_history(c: Case) -> dict[str, Any]:
    marks, rates = zip(*[[c.read(cell) for cell in row] for row in c.texts("settlements")], strict=True)
    return {"received": m.funding_total(c["qty"], marks, rates)}


def funding_rate(c: Case) -> dict[str, Any]:
    return {"rate": m.funding_rate(c["avg_premium"], c["interest"], c.int("interval_h"))}


def funding_interest(c: Case) -> dict[str, Any]:
    return {"interest": m.funding_interest(c["quote"], c["base"], c.int("settlements"))}


def premium_weights(c: Case) -> dict[str, Any]:
    # only the last sample is not zero: the average is n over the sum of the weights
    n = c.int("samples")
    premiums = (c.read("0"),) * (n - 1) + (c.read("1"),)
    return {"weight_sum": n / m.premium_average(premiums)}


def impact(c: Case) -> dict[str, Any]:
    return {"notional": m.impact_margin_notional(c["margin"], c["initial_rate"])}


def carry(c: Case) -> dict[str, Any]:
    args = c["qty"], c["mark"], c["rate"]
    day = m.carry_per_day(*args, c.int("interval_h"))
    return {"received": m.funding_received(*args), "over_days": day * c.int("days")}


def mark(c: Case) -> dict[str, Any]:
    found = {"one": m.price_one(c["index"], c["rate"], c["to_funding"], c["period"])}
    if "basis" in c:
        found["two"] = m.price_two(c["index"], c["basis"])
        found["mark"] = m.mark_price(found["one"], found["two"], c["contract"])
    return found


def loan(c: Case) -> dict[str, Any]:
    hours = m.interest_hours(c.int("borrow_minute") * MINUTE_NS, c.int("repay_minute") * MINUTE_NS)
    return {"hours": hours, "interest": m.loan_interest(c["principal"], c["rate"], hours)}


def loan_day(c: Case) -> dict[str, Any]:
    return {
        "coins": m.loan_interest(c["principal"], c["rate"], 24),
        "received": m.loan_carry_per_day(c["principal"], c["rate"], c["price"]),
    }


def margin_level(c: Case) -> dict[str, Any]:
    return {"level": m.margin_level(c["assets"], c["debts"], c["interest"])}


def margin_short(c: Case) -> dict[str, Any]:
    sold, owed = m.notional(c["qty"], c["open"]), abs(c["qty"])
    owed = owed + m.loan_interest(owed, c["rate"], c.int("hours"))
    bought = m.notional(owed, c["close"])
    opened, closed = sold - m.fee(sold, c["fee"]), bought + m.fee(bought, c["fee"])
    return {"open_value": opened, "close_value": closed, "profit_ratio": (opened - closed) / opened}


def margin_short_net(c: Case) -> dict[str, Any]:
    owed = m.loan_interest(abs(c["qty"]), c["rate"], c.int("hours"))
    return {"net": m.profit(c["qty"], c["qty"] * c["open"], c["close"]) - m.notional(owed, c["close"])}


def delivery_samples(c: Case) -> dict[str, Any]:
    return {"samples": m.DELIVERY_SAMPLES}


KINDS = {
    "account": account,
    "amount": amount,
    "amounts": amounts,
    "break even": break_even,
    "carry": carry,
    "cross": cross,
    "delivery samples": delivery_samples,
    "funding": funding,
    "funding history": funding_history,
    "funding interest": funding_interest,
    "funding rate": funding_rate,
    "hedge": hedge,
    "impact": impact,
    "inverse": inverse,
    "inverse funding": inverse_funding,
    "inverse isolated": inverse_isolated,
    "inverse margins": inverse_margins,
    "inverse worth": inverse_worth,
    "isolated": isolated,
    "isolated wallet": isolated_wallet,
    "linear": linear,
    "loan": loan,
    "loan day": loan_day,
    "margin level": margin_level,
    "margin ratio": margin_ratio,
    "margin short": margin_short,
    "margin short net": margin_short_net,
    "margins": margins,
    "mark": mark,
    "net": net,
    "order": order,
    "position": position,
    "premium weights": premium_weights,
    "realized": realized,
    "return": return_on_margin,
    "small short": small_short,
    "survival": survival,
}
