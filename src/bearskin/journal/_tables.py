"""The tables a run is told in: what they hold, in which units, and how a row that comes again is taken in.

Every table begins with `run`. Quantities (`qty`) are coins and signed (a short is negative), prices are quote per coin,
money is in the asset of the account, fractions end in `_frac`, seconds in `_s`, nanoseconds since 1970 UTC in `_ns`;
`time_ns` is market time, `wall_ns` the time on the wall. Money, prices and quantities are exact on every database.
A row names its key and what became known: columns it does not name keep what they have.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

PROJECTION_VERSION: Final = 1
RANKS: Final = {
    "sent": 0, "unknown": 1, "absent": 1, "open": 2, "triggered": 3,
    "filled": 4, "canceled": 4, "expired": 4, "rejected": 4,
}  # fmt: skip
ENDED_RANK: Final = 4


class Exact(TypeDecorator[Decimal]):
    """A Decimal, to the last digit: numeric where the database has it, text where it would become a float."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Numeric without bounds on PostgreSQL, text elsewhere."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Plain digits, without an exponent, so that both databases give back the same figure."""
        if value is None:
            return None
        assert value.is_finite(), value
        plain = f"{value:f}"
        return Decimal(plain) if dialect.name == "postgresql" else plain

    def process_result_value(self, value: Any, _dialect: Dialect) -> Decimal | None:
        """The Decimal that was written."""
        return None if value is None else Decimal(value)


class Figure(TypeDecorator[float]):
    """A float of research; what is not finite is unknown, since SQLite would make it so."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, _dialect: Dialect) -> float | None:
        """The float, None for NaN and infinities."""
        return None if value is None or not math.isfinite(value) else float(value)


class Words(TypeDecorator[str]):
    """Text from anywhere: what PostgreSQL cannot hold is replaced, so that both databases hold the same."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """The text without NUL characters and lone surrogates."""
        if value is None or (value.isascii() and "\x00" not in value):
            return value
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


class Json(TypeDecorator[Any]):
    """Lists and figures by name, as JSON text in one fixed way of writing."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        """The text; decimals are strings."""
        if value is None:
            return None
        return msgspec.json.encode(value, order="deterministic").decode().replace("\\u0000", "\\ufffd")

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """What was written, lists for tuples."""
        return None if value is None else msgspec.json.decode(value)


METADATA: Final = MetaData()


def _columns(kind: Any, names: str) -> list[Column[Any]]:
    return [Column(name, kind) for name in names.split()]


def exact(names: str) -> list[Column[Any]]:
    """Columns of money, prices or quantities."""
    return _columns(Exact, names)


def whole(names: str) -> list[Column[Any]]:
    """Columns of whole numbers: nanoseconds, counts, numbers of trades."""
    return _columns(BigInteger, names)


def floats(names: str) -> list[Column[Any]]:
    """Columns of floats: seconds, multiples of R, what research sees."""
    return _columns(Figure, names)


def text(names: str) -> list[Column[Any]]:
    """Columns of words."""
    return _columns(Words, names)


def flags(names: str) -> list[Column[Any]]:
    """Columns of yes or no."""
    return _columns(Boolean, names)


def json(names: str) -> list[Column[Any]]:
    """Columns of JSON text."""
    return _columns(Json, names)


def _table(name: str, keys: str, *columns: list[Column[Any]], first_stays: bool = False) -> Table:
    """A table of METADATA; with `first_stays` a row told again only fills in what was unknown."""
    made = [
        Column(key, BigInteger if key in ("sequence", "nth", "trade") else Words, primary_key=True, autoincrement=False)
        for key in keys.split()
    ]
    rest = [column for group in columns for column in group]
    return Table(name, METADATA, *made, *rest, info={"first_stays": first_stays})


_STAMP = "time_ns wall_ns"

KEEPING = Table(
    "keeping",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
MARKS = _table("marks", "run", whole("sequence"))
RUNS = _table("runs", "run", text("venue env tag asset made bearskin"), whole("begun_ns begun_wall_ns"), json("facts"))
SIGNALS = _table(
    "signals", "run sequence nth", whole(_STAMP), text("symbol setup side"), whole("known_ns"),
    floats("entry_price stop_price"), json("target_prices"), text("why"), json("attrs"),
)  # fmt: skip
DECLINED = _table(
    "declined", "run sequence nth", whole(_STAMP), text("symbol side origin reason detail act_id"), whole("known_ns")
)
TRADES = _table(
    "trades", "run trade", whole("planned_sequence planned_ns planned_wall_ns"),
    text("symbol side leg purpose origin margin_mode stop_by bound_by why act_id thesis"),
    exact("qty entry_ref_price entry_price planned_stop_price stop_price liquidation_price invalidation_price"),
    exact("leverage margin loss_at_stop equity survives_frac"), json("target_prices target_qtys unchecked"),
    whole("known_ns until_ns entry_until_ns"), floats("atr_price"),
    flags("protected"), exact("open_qty covered_qty"), whole("protection_wall_ns"), floats("unprotected_s"),
    text("leave_reason"), whole("ended_sequence ended_ns ended_wall_ns entered_ns"), text("end_reason"),
    exact("ended_qty average_entry_price average_exit_price gross fees funding net slippage_entry slippage_exit"),
    floats("r unprotected_s_max"),
)  # fmt: skip
ORDERS = _table(
    "orders", "run client_id", whole("trade issued_sequence issued_ns issued_wall_ns changed_ns cancel_ns"),
    text("symbol leg role kind why"), exact("qty price trigger_price"), flags("reduce_only conditional"),
    text("status venue_id child_id code message"), exact("filled_qty average_price"),
)  # fmt: skip
FILLS = _table(
    "fills", "run symbol trade_id", whole("sequence time_ns wall_ns trade"), text("client_id venue_id role leg why"),
    exact("qty price fee realised"), text("fee_asset"), flags("maker ours"), first_stays=True,
)  # fmt: skip
STOPS = _table(
    "stops", "run sequence nth", whole(_STAMP), whole("trade"), text("symbol"), exact("old_price new_price"),
    text("why"),
)  # fmt: skip
PROTECTION = _table(
    "protection", "run sequence nth", whole(_STAMP), whole("trade"), text("symbol"), flags("protected"),
    exact("open_qty covered_qty"), floats("unprotected_s"),
)  # fmt: skip
LEAVINGS = _table(
    "leavings", "run sequence nth", whole(_STAMP), whole("trade"), text("symbol reason act_id"),
    exact("share_frac price"),
)  # fmt: skip
FUNDING = _table("funding", "run sequence", whole(_STAMP), text("symbol asset"), exact("amount"))
BALANCES = _table("balances", "run sequence", whole(_STAMP), text("asset told_by"), exact("wallet available"))
EQUITY = _table("equity", "run sequence nth", whole(_STAMP), exact("wallet equity open_risk high_water"))
LIMITS = _table(
    "limits", "run sequence nth", whole(_STAMP), text("name detail"), flags("active"), whole("until_ns"),
    exact("size_multiplier"),
)  # fmt: skip
WARNINGS = _table("warnings", "run sequence nth", whole(_STAMP), text("kind symbol severity text"))
ACTS = _table(
    "acts", "run act_id", whole(_STAMP), text("what by symbol"), json("asked"), whole("answered_ns trade"),
    text("refused detail"),
)  # fmt: skip
COMMANDS = _table(
    "commands", "run sequence nth", whole(_STAMP), whole("trade"), text("what symbol client_id why"), json("command")
)
ANSWERS = _table("answers", "run sequence", whole(_STAMP), text("symbol client_id what outcome code message"))
ACCOUNTS = _table(
    "accounts", "run sequence", whole(_STAMP), text("asset"), exact("wallet available"),
    whole("positions_count orders_count asked_wall_ns"), flags("dual"), json("failed"),
)  # fmt: skip
POSITIONS = _table(
    "positions", "run sequence symbol leg",
    exact("qty entry_price mark_price margin unrealised liquidation_price stop_price leverage"), text("margin_mode"),
)  # fmt: skip
RECONCILIATIONS = _table("reconciliations", "run sequence nth", whole(_STAMP), json("differences"))
ADJUSTMENTS = _table(
    "adjustments", "run sequence nth", whole(_STAMP), whole("trade"), text("symbol why"), exact("ours_qty theirs_qty")
)
STRANGERS = _table(
    "strangers", "run sequence nth", whole(_STAMP), text("symbol detail"), flags("blocked"), exact("qty")
)
MODES = _table("modes", "run sequence nth", whole(_STAMP), flags("paused panicked"), text("sides why"))
REGIMES = _table("regimes", "run sequence nth", whole(_STAMP), text("symbol label"), json("figures"))
CHANNELS = _table("channels", "run sequence", whole(_STAMP), text("what symbol detail"), flags("up"))
PRICES = _table("prices", "run symbol", whole(_STAMP), floats("close_price mark_price"))
DECISIONS = _table("decisions", "run sequence nth", whole(_STAMP), text("what symbol"), whole("trade"), text("text"))

# what `apply` takes; the others are the projection's own
TABLES: Final = {name: table for name, table in METADATA.tables.items() if name not in ("keeping", "marks", "runs")}
# columns of an order that follow its status: a word that comes late changes nothing
FOLLOWING: Final = frozenset(("status", "filled_qty", "average_price", "code", "message", "changed_ns"))
