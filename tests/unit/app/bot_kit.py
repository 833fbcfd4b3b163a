"""A run of a bot as it might have been told: the records that its watchers see."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

from bearskin import engine as words
from bearskin.app._watch import Watch
from bearskin.terms import Filled, Marked, Pulse, Side, client_id, parse_time

START_NS = parse_time("2026-11-22T11:00:00Z")
SECOND_NS = 10**9
TAG = "t3st"
FACTS = {"run": "demo-20261122T110000", "venue": "demo", "title": "demo at 60×"}


def at(seconds: float) -> dict[str, int]:
    """Both clocks, `seconds` after the start."""
    moment = START_NS + int(seconds * SECOND_NS)
    return {"time_ns": moment, "wall_ns": moment}


def planned(trade: int = 1, symbol: str = "BTCUSDT", side: Side = Side.SHORT, **more: object) -> words.Planned:
    """A plan of a tenth of a coin."""
    sign = -1 if side == Side.SHORT else 1
    told: dict[str, object] = {
        "trade": trade, "symbol": symbol, "side": side, "leg": "BOTH", "purpose": "speculation",
        "origin": "setup:failed_breakout", "qty": Decimal("0.039") * sign,
        "entry_ref": Decimal(60_000), "stop": Decimal(62_500),
        "targets": (Decimal(55_000),), "leverage": Decimal(5), "loss_at_stop": Decimal("99.89"),
        "liquidation_price": Decimal("71713.15"),
        "bound_by": "risk", "equity": Decimal(10_000), "until_ns": START_NS + 3_600 * SECOND_NS,
        "why": "BTCUSDT closed back below 60,800 after 3 bars above it: longs that bought the breakout are trapped",
    }  # fmt: skip
    return words.Planned(**at(1), **(told | more))  # type: ignore[arg-type]


def trade_of(plan: words.Planned, *, protected: bool = True, **more: object) -> words.Trade:
    """The trade of a plan, filled at its reference."""
    told: dict[str, object] = {
        "phase": "open", "stop": plan.stop, "qty": plan.qty, "cost": plan.qty * plan.entry_ref,
        "entered_qty": plan.qty, "entered_ns": START_NS + 2 * SECOND_NS, "protected": protected,
        "unprotected_s_max": 0.042, "fees": Decimal("1.17"),
        "unprotected_since_wall_ns": None if protected else START_NS + 2 * SECOND_NS,
    }  # fmt: skip
    return words.Trade(number=plan.trade, plan=plan, **(told | more))  # type: ignore[arg-type]


def watched() -> Watch:
    """A bot some minutes into its run: one short open and protected, one long that is not yet, one closed."""
    book = words.Book(tag=TAG)
    book.account = words.Account(wallet=Decimal("10007.31"), available=Decimal("9071.90"), known=True)
    book.sides = "both"
    short, long = planned(), planned(
        2, "1000PEPEUSDT", Side.LONG, qty=Decimal(4_500_000), entry_ref=Decimal("0.0100012"), stop=Decimal("0.0097441"),
        targets=(Decimal("0.0106001"),), liquidation_price=Decimal("0.0081123"), origin="hand", why="",
        loss_at_stop=Decimal(50),
    )  # fmt: skip
    book.trades = {1: trade_of(short), 2: trade_of(long, protected=False)}
    watch = Watch(
        memory=SimpleNamespace(book=book),
        facts={"run": "demo-20261122T110000", "venue": "demo", "title": "demo at 60×"},
    )
    for sequence, record in enumerate(records(short, long), 1):
        watch.told(sequence, record)
    watch.heard(
        Marked(**at(200), symbol="BTCUSDT", mark=Decimal("59312.4"), rate=Decimal("0.0001"), next_funding_ns=START_NS)
    )
    watch.heard(Marked(**at(200), symbol="1000PEPEUSDT", mark=Decimal("0.0099871")))
    return watch


def records(short: words.Planned, long: words.Planned) -> list[words.Record]:
    """What was said until then."""
    pulse = Pulse(**at(1))
    declined = words.Declined(
        **at(60), symbol="ETHUSDT", side=Side.SHORT, origin="setup:stop_hunt", reason="costs eat the target",
        detail="is 2.11 times the cost, needs 3 times",
    )  # fmt: skip
    ended = words.Ended(
        **at(120), trade=7, symbol="SOLUSDT", side=Side.SHORT, origin="setup:stop_hunt", reason="stop",
        qty=Decimal(-20),
        entry=Decimal("150.2"), exit=Decimal("153.61"), entered_ns=START_NS,
        gross=Decimal("-68.20"), fees=Decimal("3.04"), funding=Decimal("0.11"),
        net=Decimal("-71.13"), r=-1.04, unprotected_s_max=0.061,
    )  # fmt: skip
    fill = Filled(
        **at(1.2), symbol="BTCUSDT", client_id=client_id(TAG, 1, "entry", 0), venue_id="1", trade_id="1",
        qty=short.qty, price=Decimal(60_000), fee=Decimal("1.17"),
    )  # fmt: skip
    signal = words.Signalled(
        **at(1), symbol="BTCUSDT", setup="failed_breakout", side=Side.SHORT, known_ns=START_NS, entry_ref=60_000.0,
        stop=62_500.0, targets=(55_000.0,), why=short.why,
    )  # fmt: skip
    covered = words.Protection(
        **at(1.3), trade=1, symbol="BTCUSDT", protected=True, open_qty=short.qty, covered_qty=short.qty,
        unprotected_s=0.042,
    )  # fmt: skip
    bare = words.Protection(
        **at(180), trade=2, symbol="1000PEPEUSDT", protected=False, open_qty=long.qty, covered_qty=Decimal(0),
        unprotected_s=1.2,
    )  # fmt: skip
    warned = words.Warned(
        **at(181), kind="unprotected", symbol="1000PEPEUSDT", text="no stop confirmed for 1.2 s", severity="critical"
    )
    return [
        words.Record(pulse, (signal, short)),
        words.Record(fill, (covered,)),
        words.Record(Pulse(**at(60)), (declined,)),
        words.Record(Pulse(**at(120)), (ended,)),
        words.Record(Pulse(**at(180)), (long, bare, warned)),
    ]
