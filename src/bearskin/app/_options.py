"""Options as tables, so that one word means one thing everywhere; verbs hold the typed signatures."""

from __future__ import annotations

from typing import Annotated, Any

import typer

# annotation and default of one parameter
Spec = tuple[Any, Any]


def text(about: str, metavar: str, panel: str | None = None, *names: str) -> Spec:
    """An option that may be left away; the verb reads and checks its text."""
    return Annotated[str | None, typer.Option(*names, metavar=metavar, help=about, rich_help_panel=panel)], None


def texts(about: str, metavar: str, panel: str | None = None) -> Spec:
    """An option that may be repeated."""
    return Annotated[list[str] | None, typer.Option(metavar=metavar, help=about, rich_help_panel=panel)], None


def count(about: str, default: int | None, panel: str | None = None, least: int = 0) -> Spec:
    """A whole number."""
    return Annotated[int | None, typer.Option(metavar="N", help=about, min=least, rich_help_panel=panel)], default


def flag(names: str, about: str, panel: str | None = None, default: bool | None = False) -> Spec:
    """A switch."""
    return Annotated[bool, typer.Option(names, help=about, rich_help_panel=panel)], default


def word(about: str, metavar: str) -> Spec:
    """A positional word that must be there."""
    return Annotated[str, typer.Argument(metavar=metavar, help=about)], ...


def words(about: str, metavar: str) -> Spec:
    """Positional words; at least one when the verb says so."""
    return Annotated[list[str] | None, typer.Argument(metavar=metavar, help=about)], None


_COMMON = "Common"
Home = text("Home folder.", "DIR", _COMMON, "--home")[0]
StoreDir = text("Store folder.", "DIR", _COMMON, "--store")[0]
Json = flag("--json", "One JSON object, last on stdout.", _COMMON)[0]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.", rich_help_panel=_COMMON)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.", rich_help_panel=_COMMON)]

COMMON: dict[str, Spec] = {
    "home": (Home, None),
    "store": (StoreDir, None),
    "json": (Json, False),
    "quiet": (Quiet, False),
    "verbose": (Verbose, False),
}

SIZE, WHERE, COST, TRADE, OUT = "How large", "Where", "Costs", "The trade", "What comes out"

PLACE: dict[str, Spec] = {
    "venue": text("Such as binance.", "NAME", WHERE),
    "product": text("linear, inverse, dated, dated-inverse or margin.", "KIND", WHERE),
    "brackets": text("File of maintenance brackets.", "FILE", WHERE),
}
COSTS: dict[str, Spec] = {
    "taker": text("Fee of market orders, such as 0.05%.", "RATE", COST),
    "maker": text("Fee of resting orders.", "RATE", COST),
    "slippage": text("Share of price a market order loses.", "RATE", COST),
}
SIZING: dict[str, Spec] = {
    "equity": text("What the account is worth before.", "MONEY", SIZE),
    "risk": text("Share of equity lost at the stop, such as 1%.", "RATE", SIZE),
    "leverage": text("Notional over margin, such as 5.", "X", SIZE),
    "margin": text("isolated or cross.", "MODE", SIZE),
    "preset": text("Limits: beginner, standard, pro or hedge.", "NAME", SIZE),
}

PLAN: dict[str, Spec] = {
    "side": word("short or long.", "SIDE"),
    "symbol": word("Such as BTCUSDT.", "SYMBOL"),
    "entry": text("Default: the last close in the store.", "PRICE", TRADE),
    "stop": text("Above the entry of a short, below that of a long.", "PRICE", TRADE),
    "target": texts("Where profit is taken; may be repeated, nearest first.", "PRICE", TRADE),
    "limit": flag("--limit", "The entry rests in the book: maker fee, no slippage.", TRADE),
    "horizon": text("How long it is held, for the carry; 24h by default.", "TIME", TRADE),
    "qty": text("Quantity in base units (contracts if inverse).", "QTY", SIZE),
    "notional": text("Size in quote units.", "MONEY", SIZE),
    **SIZING,
    "wallet": text("Balance that stands behind it, fees already gone.", "MONEY", SIZE),
    "beyond_preset": flag("--beyond-preset", "Knowingly go beyond the preset's limits.", SIZE),
    "shock": text("Move a hedge must survive, such as 30%.", "RATE", SIZE),
    **PLACE,
    **COSTS,
    "funding_rate": text("Rate of one settlement; default: from the store.", "RATE", COST),
    "funding_interval": text("Between settlements, such as 8h.", "TIME", COST),
    "borrow_rate": text("Interest of a loan per hour.", "RATE", COST),
    "liquidation_level": text("Margin level at which a loan is taken over.", "LEVEL", COST),
    "spot": text("Spot price, for the basis of a dated future.", "PRICE", COST),
}
