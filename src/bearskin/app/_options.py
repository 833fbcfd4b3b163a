"""Options as tables, so that one word means one thing everywhere; verbs hold the typed signatures."""

from __future__ import annotations

from typing import Annotated, Any

import typer

# annotation and default of one parameter
Spec = tuple[Any, Any]
BARE = " "  # a switch takes no value, and the help must not look as if it did


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
    return Annotated[bool, typer.Option(names, metavar=BARE, help=about, rich_help_panel=panel)], default


def choice(names: str, about: str, panel: str | None = None) -> Spec:
    """A switch that is neither on nor off unless it was given."""
    return Annotated[bool | None, typer.Option(names, metavar=BARE, help=about, rich_help_panel=panel)], None


def word(about: str, metavar: str) -> Spec:
    """A positional word that must be there."""
    return Annotated[str, typer.Argument(metavar=metavar, help=about)], ...


def one_word(about: str, metavar: str, default: str) -> Spec:
    """A positional word that may be left away."""
    return Annotated[str, typer.Argument(metavar=metavar, help=about)], default


def maybe(about: str, metavar: str) -> Spec:
    """A positional word that may be left away, None then."""
    return Annotated[str | None, typer.Argument(metavar=metavar, help=about, show_default=False)], None


def words(about: str, metavar: str) -> Spec:
    """Positional words; at least one when the verb says so."""
    return Annotated[list[str] | None, typer.Argument(metavar=metavar, help=about)], None


_COMMON = "Common"
Home = text("Home folder.", "DIR", _COMMON, "--home")[0]
StoreDir = text("Store folder.", "DIR", _COMMON, "--store")[0]
Json = flag("--json", "One JSON object, last on stdout.", _COMMON)[0]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", metavar=BARE, help="No progress, no notes.", rich_help_panel=_COMMON)
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", metavar=BARE, help="Show the log.", rich_help_panel=_COMMON)]

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
    "limit": flag("--limit", "The entry rests in the book and pays the maker fee.", TRADE),
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

BACKTEST: dict[str, Spec] = {
    "symbols": text("all, or names such as BTCUSDT,ETHUSDT.", "LIST", TRADE),
    "setups": text("all, names, or hold (a yardstick).", "LIST", TRADE),
    "side": text("short, long or both.", "SIDE", TRADE),
    "start": text("First day or time, such as 2025-10-01.", "TIME", TRADE, "--from", "--start"),
    "end": text("Day or time before which it ends.", "TIME", TRADE, "--to", "--end"),
    "interval": text("Time frame, such as 1h.", "TIME", TRADE),
    "entry": text("market or limit, instead of the set-ups' own.", "HOW", TRADE),
    "trail_atr": text("Trailing stop, in ATR behind the best price, instead of a set-up's own.", "N", TRADE),
    "stop_trigger": text("mark or last.", "PRICE", TRADE),
    "setup_file": text("Python file with set-ups of your own.", "FILE", TRADE),
    "through": text("compiled, or engine: the same by the bot's engine, slower.", "HOW", TRADE),
    **SIZING,
    "qty": text("Quantity held by --setups hold; 1 by default.", "QTY", SIZE),
    "preflight": flag(
        "--preflight/--no-preflight", "Refuse what the desk would refuse; off is research only.", SIZE, True
    ),
    "guards": flag("--guards/--no-guards", "Ask the guards.", SIZE, True),
    "families": count("Kinds of evidence a signal needs: structure, positioning, flow.", 0, SIZE, 0),
    "targets": text("setup, or support: the supports below the entry.", "WHICH", TRADE),
    "stop_scale": text("Times the way to the stop, such as 1.5.", "X", TRADE),
    "target_r": text("One target this many risks away.", "R", TRADE),
    **PLACE,
    "mark": text("required, or last: take symbols without mark.", "HOW", WHERE),
    **COSTS,
    "funding": text("charge or ignore.", "HOW", COST),
    "out": text("Folder of the results; default: below the home's reports.", "DIR", OUT),
    "html": flag("--html/--no-html", "Write the tear sheet.", OUT, True),
    "show": flag("--open", "Open the tear sheet in the browser.", OUT),
}
SCAN: dict[str, Spec] = {
    "symbols": text("all, or names such as BTCUSDT,ETHUSDT.", "LIST", TRADE),
    "at": text("The moment that is looked at; default: the newest bar in the store.", "TIME", TRADE),
    "setups": text("all, or names.", "LIST", TRADE),
    "side": text("short, long or both.", "SIDE", TRADE),
    "within": text("How old a set-up may be, in bars; 6 by default.", "BARS", TRADE),
    "interval": text("Time frame, such as 1h.", "TIME", TRADE),
    "setup_file": text("Python file with set-ups of your own.", "FILE", TRADE),
    "bars": count("Bars loaded of each symbol; 1,500 by default.", None, TRADE, 50),
    **SIZING,
    "guards": flag("--guards/--no-guards", "Ask the guards.", SIZE, True),
    "floats": text("Which part of a coin's coins circulates, for its guard, such as ABC=12%,XYZ=0.4.", "LIST", SIZE),
    **PLACE,
    **COSTS,
    "processes": count("Processes that share the symbols; default: as many as are worth it.", None, WHERE, 1),
    "out": text("Also write a page with a picture of each candidate.", "FILE", OUT),
    "show": flag("--open", "Open that page in the browser.", OUT),
}
SETUPS: dict[str, Spec] = {
    "what": words("Nothing (all), a NAME, or check NAME, check FILE.", "WORDS"),
    "setup_file": text("Python file with set-ups of your own.", "FILE", TRADE),
    "symbols": text("check: on these symbols of the store instead of random markets.", "LIST", WHERE),
    "interval": text("check: time frame, such as 1h.", "TIME", WHERE),
    "venue": PLACE["venue"],
    "product": PLACE["product"],
    "bars": count("check: bars of each symbol; 1,500 by default.", None, WHERE, 50),
    "cuts": count("check: bars of each market after which everything is cut off; 16 by default.", None, WHERE, 2),
}
STUDY: dict[str, Spec] = {
    "plan": text("Data sets of a plan in TOML, instead of one set.", "FILE", TRADE),
    "symbols": text("all, or names such as BTCUSDT,ETHUSDT.", "LIST", TRADE),
    "setups": text("all, or names.", "LIST", TRADE),
    "side": text("short, long or both.", "SIDE", TRADE),
    "start": text("First day or time, such as 2025-10-01.", "TIME", TRADE, "--from", "--start"),
    "end": text("Day or time before which it ends.", "TIME", TRADE, "--to", "--end"),
    "interval": text("Time frame, such as 1h.", "TIME", TRADE),
    "horizons": text("How long is looked after a signal; 4h,24h,72h by default.", "LIST", TRADE),
    "headline": text("The horizon of the verdict; 24h by default.", "TIME", TRADE),
    "setup_file": text("Python file with set-ups of your own.", "FILE", TRADE),
    "venue": text("Such as binance.", "NAME", WHERE),
    "product": text("linear, inverse or dated.", "KIND", WHERE),
    "fresh": flag("--fresh", "Work out again what was done before.", WHERE),
    "taker": text("Fee of a market order, such as 0.05%.", "RATE", COST),
    "slippage": text("Share of price a market order loses; 0.02% by default.", "RATE", COST),
    "out": text("Folder for tables, cases and an offline page.", "DIR", OUT),
    "page": text("Write a dated page in Markdown.", "FILE.md", OUT),
    "evidence": text("Write what the program packages as evidence.", "FILE", OUT),
}
SWEPT = "What is tried"
_OF_BACKTEST = (
    "symbols", "side", "start", "end", "interval", "entry", "trail_atr", "stop_trigger", "setup_file", "equity", "risk",
    "leverage", "preset", "preflight", "guards", "venue", "product", "brackets", "mark", "taker", "maker", "slippage",
    "funding",
)  # fmt: skip
SWEEP: dict[str, Spec] = {
    "setups": maybe("all, or names such as failed_breakout,stop_hunt.", "[SETUPS]"),
    "vary": texts("An axis such as stop_scale=0.8,1,1.25 or hold_bars=12..48:12, or a .toml file.", "AXIS", SWEPT),
    "search": text("grid (every combination), random or optuna.", "HOW", SWEPT),
    "trials": count("How many combinations random and optuna try.", None, SWEPT, least=1),
    "seed": count("Dice of random and optuna; 0 by default.", None, SWEPT),
    "objective": text("What optuna looks for: net, sharpe or folds.", "NAME", SWEPT),
    **{name: BACKTEST[name] for name in _OF_BACKTEST},
    "processes": count("Processes of this machine that compute; 1 by default.", None, OUT, least=1),
    "cluster": text("Address of a Dask cluster such as tcp://10.0.0.5:8786, or local.", "ADDRESS", OUT),
    "resume": flag("--resume", "Go on with the sweep in --out.", OUT),
    "out": text("Folder of the results; default: below the home's reports.", "DIR", OUT),
}
CLUSTER_LOCAL: dict[str, Spec] = {"workers": count("Worker processes.", 3, least=1)}
BOT, RESEARCH = "The bot", "With --backtest"
ENTERS, BARS = "How it enters and leaves", "When it does not"
_BOT: dict[str, Spec] = {
    "sides": text("short, long, both, auto (with the daily trend) or none.", "HOW", BOT),
    "setups": text("all, or names such as failed_breakout,stop_hunt.", "LIST", BOT),
    "bars_kept": text("Bars it remembers; 3,000 by default.", "N", BOT),
    "preset": text("Limits: beginner, standard, pro or hedge.", "NAME", SIZE),
    "risk": text("Share of equity lost at the stop, such as 1%.", "RATE", SIZE),
    "heat": text("The same of all positions together; 3% by default.", "RATE", SIZE),
    "leverage": text("Notional over margin, such as 5.", "X", SIZE),
    "margin": text("isolated or cross.", "MODE", SIZE),
    "slippage": text("Share of price a market order is reckoned to lose.", "RATE", SIZE),
    "positions_max": text("Positions at a time; any number by default.", "N", SIZE),
    "equity_cap": text("The most it sizes from.", "MONEY", SIZE),
    "notional_cap": text("Largest position; a venue's own cap holds as well.", "MONEY", SIZE),
    "entry": text("setup (as each asks), market, limit, chase or ladder.", "HOW", ENTERS),
    "ladder_steps": text("Orders of a ladder; 3 by default.", "N", ENTERS),
    "target1_share": text("Share closed at the first of two targets; 50% by default.", "RATE", ENTERS),
    "trail_atr": text("Trailing stop, in ATR behind the best price.", "N", ENTERS),
    "break_even_r": text("After so many R the stop goes to where fees are paid.", "R", ENTERS),
    "stop_by": text("Stops go off by mark or last; mark by default.", "PRICE", ENTERS),
    "attach_stops": choice(
        "--attach-stops/--no-attach-stops", "The stop rides on the entry, at venues that can.", ENTERS
    ),
    "unprotected_max": text("Seconds without a stop before it is closed; 3 by default.", "S", ENTERS),
    "guards": choice("--guards/--no-guards", "Ask the guards.", BARS),
    "floats": text("Which part of a coin's coins circulates, for its guard, such as ABC=12%,XYZ=0.4.", "LIST", BARS),
    "families": text("Kinds of evidence a signal needs: structure, positioning, flow.", "N", BARS),
    "limits": choice("--limits/--no-limits", "Daily loss, drawdown, loss streaks, kill switch.", BARS),
    "calendar": text("Events around which nothing is entered, in TOML or CSV.", "FILE", BARS),
    "blackout_hours": text("UTC hours without entries, such as 0,22-23.", "LIST", BARS),
    "low_volume": text("No entry in hours below this share of the median hour's turnover.", "RATE", BARS),
    "book_wait": text("Seconds a market entry may wait for the order book; off by default, 180 at most.", "S", BARS),
    "stale_bars": text("Bars that may be missing; 3 by default.", "N", BARS),
    "stale_quote": text("Seconds that a quote may be old; 15 by default.", "S", BARS),
}
DEMO: dict[str, Spec] = {
    "run_for": text("End by itself after this long, such as 120s.", "TIME", None, "--for"),
    "seed": count("The same seed makes the same market; 7 by default.", None),
    "symbols": text("Such as BTCUSDT,DOGEUSDT; default: all it has.", "LIST"),
    "interval": text("Bars the bot looks at; 5m by default (1h in a replay).", "TIME"),
    "speed": text("Market seconds in a second; 180 by default, 600 in a replay.", "X"),
    "fresh": flag("--fresh", "A new market and a new run; what was traded stays in the journal."),
    "folder": text("Where the exchange is kept; default: exchange/demo in the home.", "DIR"),
    "replay": text("Time machine: stored candles of these symbols are the market.", "LIST", "Time machine"),
    "start": text("Where the replay begins.", "TIME", "Time machine", "--from", "--start"),
    "end": text("Where it ends; default: where the candles do.", "TIME", "Time machine", "--to", "--end"),
    "browser": flag("--browser/--no-browser", "Open the dashboard in the browser.", None, True),
    "dashboard": flag("--dashboard/--no-dashboard", "Serve the dashboard beside the bot.", None, True),
    **_BOT,
    "backtest": flag("--backtest", "Instead: a backtest on a made-up market, with its tear sheet.", RESEARCH),
    "days": count("Days of it; 180 by default.", None, RESEARCH, least=1),
    "out": text("Folder of the results; default: below the home's reports.", "DIR", RESEARCH),
    "show": flag("--open", "Open the tear sheet in the browser.", RESEARCH),
}
TRADED: dict[str, Spec] = {
    "venue": text("demo (the exchange on this machine), binance, bybit, okx, bingx, mexc or weex.", "NAME", WHERE),
    "env": text("demo: the venue's own demo environment.", "NAME", WHERE),
    "folder": text("Folder of the demo exchange.", "DIR", WHERE),
    "live_confirm": text("The venue's name once more: this trades real money.", "NAME", WHERE),
}
TRADING: dict[str, Spec] = {
    **TRADED,
    "symbols": text("Such as BTCUSDT,ETHUSDT; default: all that the demo exchange has.", "LIST", BOT),
    "interval": text("Bars the bot looks at, such as 1h.", "TIME", BOT),
    **_BOT,
    "run": text("The run to go on with; default: the last one of the account.", "ID", BOT),
    "fresh": flag("--fresh", "Begin a new run.", BOT),
    "run_for": text("End by itself after this long, such as 2h.", "TIME", BOT, "--for"),
}

PARITY: dict[str, Spec] = {"run": one_word("The run; default: the last one.", "RUN", "last")}
HAND: dict[str, Spec] = {"symbol": word("Such as BTCUSDT.", "SYMBOL")}
OPENING: dict[str, Spec] = {
    **HAND,
    "stop": text("Above the entry of a short, below that of a long.", "PRICE", TRADE),
    "target": texts("Where profit is taken; may be repeated, nearest first.", "PRICE", TRADE),
    "price": text("A limit order at this price instead of one at market.", "PRICE", TRADE),
    "trail_atr": text("Trailing stop, in ATR behind the best price, instead of a set-up's own.", "N", TRADE),
    "note": text("What you think, kept with the trade.", "TEXT", TRADE),
    "risk": text("Share of equity lost at the stop; default: the preset's.", "RATE", SIZE),
    "qty": text("Quantity in base units, instead of one sized for the stop.", "QTY", SIZE),
    "leverage": text("Notional over margin, such as 5.", "X", SIZE),
    "preset": text("Limits of this trade alone: beginner, standard or pro; default: the bot's own.", "NAME", SIZE),
    "margin": text("isolated or cross.", "MODE", SIZE),
    "hedge": flag("--hedge", "Insurance: no stop, margin proven for --shock instead.", SIZE),
    "shock": text("Move a hedge must survive, such as 30%.", "RATE", SIZE),
    **TRADED,
}
CLOSING: dict[str, Spec] = {
    **HAND,
    "share": maybe("The same as --part.", "[RATE]"),
    "part": text("Share of it, such as 50%; default: all.", "RATE", None, "--part", "--share"),
    "price": text("A limit order at this price instead of one at market.", "PRICE"),
    **TRADED,
}
MOVING: dict[str, Spec] = {
    **HAND,
    "price": maybe("The same as --stop.", "[PRICE]"),
    "stop": text("The new stop.", "PRICE"),
    "break_even": flag("--break-even", "To where the trade breaks even after fees."),
    **TRADED,
}
AIMING: dict[str, Spec] = {
    **HAND,
    "target": word("Where profit is taken from now on.", "PRICE"),
    "number": count("Which target; 1 is the nearest.", 1, least=1),
    **TRADED,
}
MARGIN: dict[str, Spec] = {
    **HAND,
    "amount": word("+30 adds 30 of the settle currency, -30 takes them out.", "AMOUNT"),
    **TRADED,
}
REVERSING: dict[str, Spec] = {
    **HAND,
    "stop": text("The stop of the other side.", "PRICE"),
    "target": texts("Where profit is taken; may be repeated.", "PRICE"),
    **TRADED,
}
MODE: dict[str, Spec] = {"sides": word("short, long, both, auto or none.", "SIDES"), **TRADED}
RESUMING: dict[str, Spec] = {"limits": flag("--limits", "Lift limits that ask for it by hand, too."), **TRADED}
PANIC: dict[str, Spec] = {
    "foreign": flag("--foreign", "Also what is not ours; asks first."),
    "yes": flag("--yes", "Do not ask."),
    **TRADED,
}
ADOPTING: dict[str, Spec] = {
    **HAND,
    "stop": text("Its stop from now on.", "PRICE"),
    "hedge": flag("--hedge", "It is insurance: no stop, margin proven for --shock."),
    "shock": text("Move a hedge must survive, such as 30%.", "RATE"),
    **TRADED,
}
REMARK: dict[str, Spec] = {**HAND, "text": word("What you think.", "TEXT"), **TRADED}

SERVER, MARKET = "The server", "The market"
DASHBOARD: dict[str, Spec] = {
    "port": count("Default 8765, or any free one where that is taken; 0 is any free one.", None, SERVER),
    "host": text("Address to listen on; 127.0.0.1 by default.", "ADDRESS", SERVER),
    "browser": flag("--browser/--no-browser", "Open it in the browser.", SERVER, True),
    "run_for": text("End by itself after this long, such as 2h.", "TIME", SERVER, "--for"),
    "run": text("The run that is followed; default: whichever runs.", "ID", WHERE),
    "venue": text("Whose market is shown; default: the demo exchange.", "NAME", WHERE),
    "env": text("demo: the venue's own demo environment.", "NAME", WHERE),
    "folder": text("Where the demo exchange is kept; default: the home's.", "DIR", WHERE),
}
EXCHANGE: dict[str, Spec] = {
    "port": count("Default 8700; 0 is any free one.", None, SERVER),
    "host": text("Address to listen on; 127.0.0.1 by default.", "ADDRESS", SERVER),
    "folder": text("Where it is kept; default: exchange/ in the home.", "DIR", SERVER),
    "run_for": text("Stop after this long, such as 120s.", "TIME", SERVER, "--for"),
    "limits": flag("--limits/--no-limits", "Rate limits as at the venue.", SERVER, True),
    "fresh": flag("--fresh", "Begin anew: what was traded in the folder is lost.", SERVER),
    "symbols": text("Such as BTCUSDT,ETHUSDT; default: six.", "LIST", MARKET),
    "prices": text("synthetic, replay or manual.", "HOW", MARKET),
    "start": text("Where a replay begins.", "TIME", MARKET, "--from", "--start"),
    "speed": text("Market seconds in a second; 1 by default.", "X", MARKET),
    "seed": count("The same seed makes the same market.", None, MARKET),
    "venue": text("Whose candles a replay plays.", "NAME", MARKET),
    "interval": text("Time frame of a replay's candles; default: the finest.", "TIME", MARKET),
    "deposit": text("Play money of the account; 10,000 by default.", "MONEY", MARKET),
    "makers": flag("--makers/--no-makers", "Market makers and a tape.", MARKET, True),
    "crowd": (
        Annotated[
            bool | None,
            typer.Option(
                "--crowd/--no-crowd",
                metavar=BARE,
                help="Leveraged traders; default: if synthetic.",
                rich_help_panel=MARKET,
            ),
        ],
        None,
    ),
}

_FILTER: dict[str, Spec] = {
    "venue": text("Such as binance.", "NAME", WHERE),
    "product": text("linear, inverse, dated, dated-inverse, spot or margin.", "KIND", WHERE),
    "symbol": text("Such as BTCUSDT.", "SYMBOL", WHERE),
    "kind": text("trade, mark, index, funding, open-interest, ...", "KIND", WHERE),
    "interval": text("Time frame, such as 1h.", "TIME", WHERE),
}
BRACKETS: dict[str, Spec] = {
    "symbols": words("Such as BTCUSDT.", "SYMBOL"),
    "venue": text("ccxt's name of the venue, such as bybit.", "NAME"),
    "out": text("The file to write.", "FILE"),
}
IMPORT: dict[str, Spec] = {"paths": words("Files and folders.", "PATH"), **_FILTER}
SERIES: dict[str, Spec] = {**_FILTER, "each": flag("--each", "A line for every series, not only for every kind.")}
CHECK: dict[str, Spec] = {
    **_FILTER,
    "each": flag("--each", "A line for every single fault."),
    "now": flag("--now", "Measure stale ends against the clock too."),
}
FETCH: dict[str, Spec] = {
    "symbols": words("Such as BTCUSDT.", "SYMBOL"),
    "kinds": text("Default: trade,mark,funding.", "LIST", TRADE),
    "interval": text("Time frame of candles, such as 1h.", "TIME", TRADE),
    "start": text("First day or time; default: 30 days before the end.", "TIME", TRADE, "--from", "--start"),
    "end": text("Day or time before which it ends; default: today.", "TIME", TRADE, "--to", "--end"),
    "venue": text("binance, or ccxt's name of another.", "NAME", WHERE),
    "product": text("linear, inverse, dated, dated-inverse or spot.", "KIND", WHERE),
    "via": text("archive or ccxt; default: archive for binance.", "WAY", WHERE),
    "archive_url": text("Another copy of the archive.", "URL", WHERE),
    "workers": count("Downloads at a time; 4 by default.", None, WHERE, 1),
    "skip_bad": flag("--skip-bad", "Go on without files whose checksum is wrong.", WHERE),
    "again": flag("--again", "Ask even for what is there already.", WHERE),
}
