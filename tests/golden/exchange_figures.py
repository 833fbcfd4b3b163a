"""The published figures of USDⓈ-M, each brought about by trading: how a figure's inputs become orders and marks.

Every function takes the inputs of a figure and gives what the exchange shows or does, by the names in `expected`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

from sim.desk import ZERO, Desk, digits, refused

from bearskin.exchange import _figures
from bearskin.exchange._codes import Code
from bearskin.exchange._words import Deposit, Income, Liquidating, OrderUpdated, SetFundingRate, SetMark
from bearskin.ledger import CENT_8
from bearskin.terms import HOUR_NS, SECOND_NS

HERE = Path(__file__).parent
Inputs = dict[str, Any]
Found = dict[str, Decimal]
FLAT = [["0", "1000000000000", "0.004", 125, "0"]]


def load() -> list[dict[str, Any]]:
    """The committed list."""
    return json.loads((HERE / "exchange_vectors.json").read_text())["vectors"]


def table(name_or_rows: Any) -> Any:
    """A bracket table, by name or written out."""
    if not isinstance(name_or_rows, str):
        return name_or_rows
    own = json.loads((HERE / "exchange_vectors.json").read_text())["brackets"]
    return own.get(name_or_rows) or json.loads((HERE / "brackets.json").read_text())[name_or_rows]["rows"]


def sided(qty: str) -> tuple[int, str]:
    """Side and size of a signed quantity."""
    return (-1, qty[1:]) if qty.startswith("-") else (1, qty)


def opened(inputs: Inputs, *, wallet: str = "1000000000", fee: str = "0", isolated: bool = False) -> Desk:
    """Alice with one position of BTCUSDT, opened at its entry with the mark there."""
    desk = Desk()
    entry, (side, qty) = inputs["entry"], sided(inputs["qty"])
    tick = min(digits(entry), digits(inputs.get("price", "1")), digits(inputs.get("order_price", "1")))
    desk.list("BTCUSDT", tick, digits(qty), table(inputs.get("brackets", FLAT)), taker_fee_rate=fee)
    desk.mark("BTCUSDT", entry)
    desk.deposit("alice", wallet)
    desk.settings("alice", "BTCUSDT", int(inputs.get("leverage", 1)), isolated)
    assert not refused(desk.trade("alice", "BTCUSDT", side, qty, entry)), desk.events
    return desk


def incomes(desk: Desk, kind: str) -> Decimal:
    """What alice was credited of one kind, all told."""
    alice = desk.who("alice")
    told = (e.amount for e in desk.story if isinstance(e, Income) and e.account == alice and e.type == kind)
    return sum(told, ZERO)


def liquidating(desk: Desk, symbol: str, mark: Decimal) -> Liquidating | OrderUpdated | None:
    """Set the mark; the first liquidation it brings about, on a copy of the exchange.

    Two legs of one account are closed against each other first, and where that suffices nothing else is.
    """
    copy = type(desk.exchange).restore(desk.exchange.snapshot())
    events = copy.apply(SetMark(time_ns=desk.now_ns, symbol=symbol, price=mark))
    assert not refused(events), events
    return next((e for e in events if isinstance(e, Liquidating)), None) or next(
        (e for e in events if isinstance(e, OrderUpdated) and e.order.origin == "LIQUIDATION"), None
    )


def dies_at(desk: Desk, symbol: str, price: Decimal, within: Decimal, down: bool) -> None:
    """Alive on this side of the price, liquidated beyond it; `within` is the rounding of the print."""
    low = (price - within).quantize(CENT_8, ROUND_FLOOR)
    high = (price + within).quantize(CENT_8, ROUND_CEILING)
    alive, dead = (high + CENT_8, low) if down else (low - CENT_8, high)
    assert liquidating(desk, symbol, alive) is None, f"liquidated already at {alive}"
    assert liquidating(desk, symbol, dead) is not None, f"alive at {dead}"


def shown(desk: Desk, symbol: str, side: str = "BOTH") -> Decimal:
    """The liquidation price the exchange shows."""
    position = desk.position("alice", symbol, side)
    assert position is not None
    return _figures.liquidation_price(desk.exchange.floor, desk.account("alice"), position)


def isolated(inputs: Inputs, expected: dict[str, Any]) -> Found:
    """A position with exactly this margin: what is shown, and where it dies."""
    (row,) = inputs["positions"]
    desk = Desk()
    side, qty = sided(row["qty"])
    symbol = row["symbol"]
    rows = table(row["brackets"])
    desk.list(symbol, digits(row["entry"]), digits(qty), rows)
    desk.mark(symbol, row["entry"])
    desk.deposit("alice", "100000000")
    # the least leverage whose margin is less than this one; the rest is added
    least = int(Decimal(qty) * Decimal(row["entry"]) / Decimal(row["margin"])) + 1
    desk.settings("alice", symbol, least, isolated=True)
    assert not refused(desk.trade("alice", symbol, side, qty, row["entry"])), desk.events
    desk.set_margin("alice", symbol, row["margin"])
    found = {"liquidation_price": shown(desk, symbol)}
    for name, want in expected.items():
        if name == "liquidation_price":
            dies_at(desk, symbol, Decimal(want["value"]), Decimal(want["within"]), side > 0)
    forced = liquidating(desk, symbol, (found["liquidation_price"] * (1 - Decimal(side) / 1000)).quantize(CENT_8))
    assert isinstance(forced, Liquidating)
    return found | {"bankruptcy_price": forced.bankruptcy}


def cross(inputs: Inputs, expected: dict[str, Any]) -> Found:
    """Cross positions on one wallet: shown for the symbol that moves, and where the account dies."""
    desk = Desk()
    dual = inputs.get("dual", False)
    desk.deposit("alice", inputs["wallet"])
    if dual:
        desk.dual("alice")
    for row in inputs["positions"]:
        symbol, (side, qty) = row["symbol"], sided(row["qty"])
        if symbol not in desk.exchange.state.markets:
            # leverage beyond what the rows allow, or the examples could not be opened with their wallets
            rows = [[*cells[:3], 200, cells[4]] for cells in table(row["brackets"])]
            desk.list(symbol, digits(row["entry"]), digits(qty), rows)
            desk.mark(symbol, row["entry"])
        desk.settings("alice", symbol, 200)
        word = ("LONG" if side > 0 else "SHORT") if dual else "BOTH"
        assert not refused(desk.trade("alice", symbol, side, qty, row["entry"], position_side=word)), desk.events
    for row in inputs["positions"]:
        if "mark" in row:
            desk.mark(row["symbol"], row["mark"])
    symbol = inputs["moves"]
    for name, want in expected.items():
        dies_at(desk, symbol, Decimal(want["value"]), Decimal(want["within"]), down=name == "low")
    found = {"low": shown(desk, symbol, "LONG" if dual else "BOTH")}
    if dual:
        # the long shows the price below mark, the short the one above
        found["high"] = shown(desk, symbol, "SHORT")
    return found


def survival(inputs: Inputs, expected: dict[str, Any]) -> Found:
    """The cross wallet that a move of the mark just uses up; a hundredth more lives."""
    wallet = Decimal(expected["wallet"]["value"])
    desk = opened(inputs | {"leverage": 20})
    desk.must(Deposit, account=desk.who("alice"), amount=wallet - desk.wallet("alice"))
    mark = Decimal(inputs["entry"]) * (1 + Decimal(inputs["move"]))
    assert liquidating(desk, "BTCUSDT", mark) is not None
    desk.deposit("alice", "0.01")
    assert liquidating(desk, "BTCUSDT", mark) is None
    return {"wallet": wallet}


def small_short(inputs: Inputs, _: dict[str, Any]) -> Found:
    """How far above its entry a short is liquidated with the margin its leverage takes, in per cent."""
    desk = opened(inputs, isolated=True)
    price = shown(desk, "BTCUSDT")
    dies_at(desk, "BTCUSDT", price, CENT_8, down=False)
    return {"liquidation_pct": (price / Decimal(inputs["entry"]) - 1) * 100}


def funding(inputs: Inputs, _: dict[str, Any]) -> Found:
    """Settlement after settlement, each at its mark and rate."""
    first = inputs["settlements"][0][0]
    desk = opened(inputs | {"entry": first, "leverage": 1})
    amounts = []
    for mark, rate in inputs["settlements"]:
        desk.mark("BTCUSDT", mark)
        before = incomes(desk, "FUNDING_FEE")
        desk.fund_rate("BTCUSDT", rate)
        amounts.append(incomes(desk, "FUNDING_FEE") - before)
    return {"received": sum(amounts, ZERO), "first": amounts[0]}


def rate(inputs: Inputs, _: dict[str, Any]) -> Found:
    """A book that stands above the index by the premium all period long; the rate that is settled at its end."""
    desk = Desk()
    desk.list("BTCUSDT", "0.1", "0.001", FLAT)
    impact = Decimal(10_000) * (1 + Decimal(inputs["premium"]))
    desk.index("BTCUSDT", "10000")
    desk.mark("BTCUSDT", impact)
    desk.against_desk("BTCUSDT", 1, Decimal(100), impact)
    desk.against_desk("BTCUSDT", -1, Decimal(100), impact + 10)
    desk.now_ns = desk.market("BTCUSDT").next_funding_ns - 60 * SECOND_NS
    for _second in range(60):
        desk.index("BTCUSDT", "10000")
        desk.wait(1)
    return {"rate": desk.market("BTCUSDT").settled_rate}


def impact(inputs: Inputs, _: dict[str, Any]) -> Found:
    """The premium of one sample of a book of two bids, whose average fill tells the impact notional."""
    desk = Desk()
    desk.list("BNBUSDT", "0.01", "0.01", [["0", "1000000000", "0.01", int(inputs["max_leverage"]), "0"]])
    desk.index("BNBUSDT", inputs["index"])
    desk.mark("BNBUSDT", "100")
    for price, qty in inputs["bids"]:
        desk.against_desk("BNBUSDT", 1, Decimal(qty), Decimal(price))
    desk.against_desk("BNBUSDT", -1, Decimal(1000), Decimal(104))
    while not desk.market("BNBUSDT").premium_count:
        desk.wait(1)
    market = desk.market("BNBUSDT")
    assert market.premium_count == 1
    return {"premium": market.premium_sum}


def profit(inputs: Inputs, _: dict[str, Any]) -> Found:
    """Open at the entry and close at the price."""
    desk = opened(inputs, fee=inputs.get("fee", "0"))
    fee = -incomes(desk, "COMMISSION")
    desk.mark("BTCUSDT", inputs["price"])
    position = desk.position("alice", "BTCUSDT")
    assert position is not None
    open_profit = _figures.unrealised(desk.exchange.floor, position)
    side, qty = sided(inputs["qty"])
    desk.trade("alice", "BTCUSDT", -side, qty, inputs["price"])
    assert incomes(desk, "REALIZED_PNL") == open_profit
    assert desk.position("alice", "BTCUSDT") is None
    return {"profit": open_profit, "open_fee": fee}


def net(inputs: Inputs, _: dict[str, Any]) -> Found:
    """Open, one settlement of funding that comes to the amount of the example, close: what the wallet has gained."""
    desk = opened(inputs, fee=inputs["fee"])
    start = Decimal(10**9)
    # 30 coins at this mark are 99.9999999: one per cent of it is one unit, rounded as money is
    desk.mark("BTCUSDT", "3.33333333")
    side, qty = sided(inputs["qty"])
    desk.fund_rate("BTCUSDT", str(-side * Decimal(inputs["funding"]) / 100))
    assert incomes(desk, "FUNDING_FEE") == Decimal(inputs["funding"])
    desk.mark("BTCUSDT", inputs["price"])
    desk.trade("alice", "BTCUSDT", -side, qty, inputs["price"])
    return {"net_profit": desk.wallet("alice") - start}


def flip(inputs: Inputs, _: dict[str, Any]) -> Found:
    """A fill larger than the position realises the position and opens the rest."""
    desk = opened(inputs | {"price": inputs["price"]})
    desk.mark("BTCUSDT", inputs["price"])
    side, qty = sided(inputs["fill_qty"])
    desk.trade("alice", "BTCUSDT", side, qty, inputs["price"])
    position = desk.position("alice", "BTCUSDT")
    assert position is not None
    assert position.qty == Decimal(inputs["qty"]) + Decimal(inputs["fill_qty"])
    assert position.cost == position.qty * Decimal(inputs["price"])
    return {"realized": incomes(desk, "REALIZED_PNL")}


def figures(inputs: Inputs, _: dict[str, Any]) -> Found:
    """What the exchange says of a position at a mark."""
    desk = opened(inputs, isolated="margin" in inputs)
    if "margin" in inputs:
        desk.set_margin("alice", "BTCUSDT", inputs["margin"])
    desk.mark("BTCUSDT", inputs["mark"])
    account, position = desk.account("alice"), desk.position("alice", "BTCUSDT")
    assert position is not None
    now = _figures.position_now(desk.exchange.floor, account, position)
    return {
        "profit": now.unrealised,
        "notional": now.unrealised + now.cost if now.qty > 0 else -(now.unrealised + now.cost),
        "equity": now.isolated_wallet + now.unrealised,
        "maintenance_margin": now.maintenance,
        "initial_margin": _figures.initial_of(desk.exchange.floor, account, position),
    }


def account(inputs: Inputs, _: dict[str, Any]) -> Found:
    """A short with its own margin and an open loss: the loss is not in what is free."""
    desk = Desk()
    desk.list("BTCUSDT", "0.01", "1", FLAT)
    desk.mark("BTCUSDT", "10")
    desk.deposit("alice", inputs["wallet"])
    desk.settings("alice", "BTCUSDT", 20, isolated=True)
    desk.trade("alice", "BTCUSDT", -1, "1", "10")
    desk.set_margin("alice", "BTCUSDT", inputs["margin"])
    desk.mark("BTCUSDT", Decimal(10) - Decimal(inputs["profit"]))
    position = desk.position("alice", "BTCUSDT")
    assert position is not None
    open_profit = _figures.unrealised(desk.exchange.floor, position)
    assert open_profit == Decimal(inputs["profit"])
    cross = desk.wallet("alice")
    return {
        "cross_wallet": cross,
        "margin_balance": cross + desk.margin("alice", "BTCUSDT") + open_profit,
        "available": _figures.available(desk.exchange.floor, desk.account("alice"), "USDT"),
    }


def break_even(inputs: Inputs, expected: dict[str, Any]) -> Found:
    """The mark at which open profit makes up for the fee of the entry: the account is worth what it was."""
    # of a thousand, so that the eight digits of the fee do not show
    desk = opened(inputs | {"qty": inputs["qty"] + "000"}, fee=inputs["fee"])
    desk.mark("BTCUSDT", expected["break_even"]["value"])
    mark = desk.market("BTCUSDT").mark
    position = desk.position("alice", "BTCUSDT")
    assert position is not None
    assert mark is not None
    worth = desk.wallet("alice") + _figures.unrealised(desk.exchange.floor, position)
    return {"break_even": mark - (worth - Decimal(10**9)) / position.qty}


def order(inputs: Inputs, expected: dict[str, Any]) -> Found:
    """A resting order: what it reserves, and that a hundred-millionth less than its cost is not enough."""
    found: Found = {}
    side, qty = sided(inputs["qty"])
    leverage = Decimal(inputs["leverage"])
    for enough in (True, False):
        desk = Desk()
        desk.list("BTCUSDT", digits(inputs["order_price"], inputs["last"]), "1", FLAT)
        desk.mark("BTCUSDT", inputs["mark"])
        desk.print_last("BTCUSDT", inputs["last"])
        price = Decimal(inputs["order_price"])
        assuming = price if side > 0 else Decimal("9272.878485")
        cost = assuming / leverage + max(side * (price - Decimal(inputs["mark"])), ZERO)
        desk.deposit(
            "alice", cost.quantize(Decimal("0.00000001"), "ROUND_CEILING") - (0 if enough else Decimal("1E-8"))
        )
        desk.settings("alice", "BTCUSDT", int(leverage))
        told = refused(desk.place("alice", "BTCUSDT", side, qty, price=price, tif="GTX"))
        if not enough:
            assert told is not None
            assert told.code == Code.MARGIN_NOT_SUFFICIENT
            continue
        assert told is None, told
        (number,) = desk.account("alice").orders
        resting = desk.exchange.state.orders[number]
        initial = _figures.open_order_margin(desk.exchange.floor, desk.account("alice"), "BTCUSDT")
        found = {"assuming": resting.assumed, "initial": initial, "open_loss": cost - assuming / leverage}
    assert found.keys() >= expected.keys()
    return found


def amounts(inputs: Inputs, expected: dict[str, Any]) -> Found:
    """What is taken off in each bracket: a position is moved into it by the mark, its maintenance told."""
    rows = table(inputs["brackets"])
    found: Found = {}
    desk = Desk()
    desk.list("BTCUSDT", "1", "1", [[*row[:3], 150, row[4]] for row in rows])
    desk.mark("BTCUSDT", "1")
    desk.deposit("alice", "1000000000000")
    desk.settings("alice", "BTCUSDT", 1)
    desk.trade("alice", "BTCUSDT", 1, "1000", "1")
    for i, (floor, cap, mmr, *_rest) in enumerate(rows):
        mark = (Decimal(floor) + Decimal(cap)) / 2000
        desk.mark("BTCUSDT", mark)
        position = desk.position("alice", "BTCUSDT")
        assert position is not None
        due = _figures.position_now(desk.exchange.floor, desk.account("alice"), position).maintenance
        found[f"cum{i + 1}"] = 1000 * mark * Decimal(mmr) - due
    return found


def mark(inputs: Inputs, _: dict[str, Any]) -> Found:
    """Half a minute of a still book around a still index; the mark the venue sets then."""
    desk = Desk()
    hours = inputs["interval_h"]
    desk.list("BTCUSDT", "0.5", "0.001", FLAT, funding_interval_h=hours)
    desk.now_ns = desk.market("BTCUSDT").next_funding_ns
    desk.index("BTCUSDT", inputs["index"])
    desk.mark("BTCUSDT", inputs["index"])
    desk.wait(1)
    desk.must(SetFundingRate, symbol="BTCUSDT", rate=Decimal(inputs["rate"]))
    desk.now_ns = desk.market("BTCUSDT").next_funding_ns - (inputs["to_funding_s"] + 40) * SECOND_NS
    desk.print_last("BTCUSDT", inputs["last"])
    desk.against_desk("BTCUSDT", 1, Decimal(10), Decimal(inputs["bid"]))
    desk.against_desk("BTCUSDT", -1, Decimal(10), Decimal(inputs["ask"]))
    desk.mark("BTCUSDT", None)
    for _second in range(40):
        desk.index("BTCUSDT", inputs["index"])
        desk.wait(1)
    market = desk.market("BTCUSDT")
    assert market.next_funding_ns - desk.now_ns == inputs["to_funding_s"] * SECOND_NS
    assert inputs["to_funding_s"] * SECOND_NS < hours * HOUR_NS
    assert market.mark is not None
    return {"mark": market.mark}


KINDS: dict[str, Callable[[Inputs, dict[str, Any]], Found]] = {
    "account": account,
    "amounts": amounts,
    "break even": break_even,
    "cross": cross,
    "figures": figures,
    "flip": flip,
    "funding": funding,
    "impact": impact,
    "isolated": isolated,
    "mark": mark,
    "net": net,
    "order": order,
    "profit": profit,
    "rate": rate,
    "small short": small_short,
    "survival": survival,
}
