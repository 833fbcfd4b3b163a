"""`backtest`: set-ups traded through what is in the store."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bearskin.app._data import words_of
from bearskin.app._home import user_path
from bearskin.app._house import House, open_house, results_folder
from bearskin.app._plan import side_of
from bearskin.app._rates import Number, number_of, positive_of
from bearskin.terms import DAY_NS, BadInput, MarginMode, Product, Side, counted, interval_ns, iso, parse_time

if TYPE_CHECKING:
    from bearskin.backtest import BacktestRequest, BacktestResult
    from bearskin.market import BracketBook, Panel, Store, SymbolCoverage

Progress = Callable[[str, int, int | None], None]
logger = logging.getLogger("bearskin.app")
EDGE_NS = DAY_NS  # a mark that begins or ends within a day of the candles belongs to them; what lacks is listed
COMPILING_S = 15
RISK_WITHOUT_PRESET = Decimal("0.01")
_announced = False


def backtest(
    *,
    symbols: str | Sequence[str] = "all",
    setups: str | Sequence[str] = "all",
    side: str = "both",
    start: str | None = None,
    end: str | None = None,
    interval: str | None = None,
    venue: str | None = None,
    product: str | None = None,
    equity: Number | None = None,
    risk: Number | None = None,
    leverage: Number | None = None,
    margin: str | None = None,
    preset: str | None = None,
    preflight: bool = True,
    guards: bool = True,
    families: int = 0,
    targets: str = "setup",
    funding: str = "charge",
    stop_trigger: str = "mark",
    mark: str = "required",
    entry: str | None = None,
    trail_atr: Number | None = None,
    qty: Number | None = None,
    stop_scale: Number | None = None,
    target_r: Number | None = None,
    taker: Number | None = None,
    maker: Number | None = None,
    slippage: Number | None = None,
    brackets: Path | str | None = None,
    setup_file: Path | str | None = None,
    through: str = "compiled",
    out: Path | str | None = None,
    html: bool = True,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> BacktestResult:
    """Trade set-ups through history with every cost, one portfolio over all symbols.

    `symbols` all means every symbol with candles, mark and funding of the interval at the same time; those left out are
    in the summary with why. `setups` is all, names, or hold (`qty` of each symbol held, a yardstick). `side` is short,
    long or both. `preflight=False` is research only. `funding` is charge or ignore, `stop_trigger` mark or last,
    `mark` required or last (then symbols without any mark are taken and last stands in). `entry` market or limit
    overrides the set-ups' own. `families` is how many kinds of evidence (structure, positioning, flow) a signal needs;
    `targets` support takes the supports below the entry, not the set-ups' own. `stop_scale` multiplies the way to the
    stop, `target_r` puts the one target that many risks away. `setup_file` is a .py file with set-ups of one's own.
    `through` compiled computes trades at once, engine lives through the bars with the engine that trades
    live: the same trades, slower. With `out` the result is written there too. Raises BadInput.
    """
    asked = {name: value for name, value in locals().items() if name not in NOT_ASKED}
    plan = planned(asked, home, store)
    folder = None if out is None else results_folder(out, plan.house.home.part("reports"))
    result = _run(plan, progress)
    if folder is not None:
        write(result, folder, html=html)
    return result


NOT_ASKED = ("out", "html", "home", "store", "progress")  # where and how, not what


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A backtest as it was asked for; `asked` are its words, settings filled in, as JSON keeps them."""

    house: House
    request: BacktestRequest
    symbols: list[str]
    last_stands_in: bool
    engine: bool
    asked: Mapping[str, str | bool | None]


def planned(asked: Mapping[str, Any], home: Path | str | None, store: Path | str | None) -> Planned:
    """The backtest that the words of the verb ask for; raises BadInput for whatever was asked wrongly."""
    house = open_house(home, store=store, margin_mode=asked["margin"], **{name: asked[name] for name in _SETTINGS})
    if asked["setup_file"] is not None:
        from bearskin import setups as room

        room.load_setups(user_path(asked["setup_file"]))
    rules = rules_of(**{name: asked[name] for name in ("entry", "funding", "stop_trigger", "trail_atr", "qty")})
    more = {**span_of(asked["start"], asked["end"]), **rules}
    more |= {"no_preflight": not asked["preflight"], "guards": asked["guards"]}
    more["families_min"] = _families(asked.get("families", 0))
    scales = {"stop_scale": "stop scale", "target_r": "target"}
    more |= {name: positive_of(asked[name], word) for name, word in scales.items() if asked.get(name) is not None}
    if one_of(asked.get("targets", "setup"), ("setup", "support"), "targets") == "support":
        from bearskin.setups import Template

        more["template"] = Template(targets="support")
    return Planned(
        house=house,
        request=request_of(house, setups_of(asked["setups"]), sides_of(asked["side"]), more),
        symbols=names_of(asked["symbols"]),
        last_stands_in=one_of(asked["mark"], ("required", "last"), "mark") == "last",
        engine=one_of(asked["through"], ("compiled", "engine"), "through") == "engine",
        asked=_kept(asked, house),
    )


def _families(value: Any) -> int:
    number = number_of(value, "families")
    if number not in range(4):
        raise BadInput(f"families was {value}, must be a whole number from 0 to 3")
    return int(number)


_SETTINGS = (
    "venue", "product", "interval", "equity", "risk", "leverage", "preset", "brackets", "taker", "maker", "slippage",
)  # fmt: skip


def _kept(asked: Mapping[str, Any], house: House) -> dict[str, str | bool | None]:
    """The words with what the settings said at the time: enough to ask the same again elsewhere."""
    found = dict(asked) | {name: getattr(house.settings, name) for name in _SETTINGS}
    found |= {"margin": house.settings.margin_mode, "store": house.store_folder.resolve()}
    if found["setup_file"] is not None:
        found["setup_file"] = user_path(found["setup_file"]).resolve()
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    return str(value) if isinstance(value, str | Path | Number) else ",".join(str(one) for one in value)


def rules_of(
    *, entry: str | None, funding: str, stop_trigger: str, trail_atr: Number | None, qty: Number | None
) -> dict[str, Any]:
    """How trades are entered, charged and left, as a request words it; what is not given is left to its defaults."""
    rules: dict[str, Any] = {
        "entry": None if entry is None else one_of(entry, ("market", "limit"), "entry"),
        "funding": one_of(funding, ("charge", "ignore"), "funding"),
        "stop_trigger": one_of(stop_trigger, ("mark", "last"), "stop trigger"),
    }
    if trail_atr is not None:
        rules["trail_atr"] = number_of(trail_atr, "trail")
    if qty is not None:
        rules["qty"] = positive_of(qty, "quantity")
    return rules


def write(result: BacktestResult, folder: Path, *, html: bool, title: str | None = None) -> dict[str, Path]:
    """Write the result into `folder`; name -> path of what is there now. Raises BadInput when it cannot be written."""
    from bearskin import report

    written = report.write_result(result, folder, title=title, html=html)
    paths = {field.name: getattr(written, field.name) for field in dataclasses.fields(written)}
    return {name: path for name, path in paths.items() if path is not None}


def one_of(value: str, allowed: Sequence[str], name: str) -> Any:
    """`value` in lower case if it is one of `allowed`; raises BadInput."""
    word = value.strip().lower()
    if word not in allowed:
        raise BadInput(f"{name} was {value!r}, must be {' or '.join(allowed)}")
    return word


def names_of(symbols: str | Sequence[str]) -> list[str]:
    """The symbols named, or ["all"]; raises BadInput when none is."""
    names = words_of(symbols)
    if not names:
        raise BadInput("no symbol was named: give all, or names such as BTCUSDT,ETHUSDT")
    return names


def span_of(start: str | None, end: str | None) -> dict[str, int | None]:
    """The span as fields of a request."""
    return {
        "start_ns": None if start is None else parse_time(start),
        "end_ns": None if end is None else parse_time(end),
    }


def sides_of(word: str) -> tuple[Side, ...]:
    """The sides of short, long or both; raises BadInput."""
    if word.strip().lower() == "both":
        return (Side.SHORT, Side.LONG)
    try:
        return (side_of(word),)
    except BadInput:
        raise BadInput(f"side was {word!r}, must be short, long or both") from None


def setups_of(value: str | Sequence[str]) -> tuple[str, ...] | None:
    """The set-ups named, None for all; raises BadInput for a name that is none."""
    from bearskin.setups import SETUPS

    names = [name.replace("-", "_") for name in words_of(value)]
    if names == ["all"]:
        return None
    for name in names:
        if name not in SETUPS and name != "hold":
            raise BadInput(f"{name!r} is no set-up: there are all, hold, {', '.join(sorted(SETUPS))}")
    return tuple(names)


def request_of(
    house: House, setups: tuple[str, ...] | None, sides: tuple[Side, ...], more: dict[str, Any]
) -> BacktestRequest:
    """The request; what neither the command line nor a setting says is the preset's."""
    from bearskin import backtest, risk

    settings = house.settings
    preset = risk.preset_of(settings.preset)
    if settings.slippage is not None:
        more["slippage_frac"] = settings.slippage
    return backtest.BacktestRequest(
        setups=setups,
        sides=sides,
        equity=settings.equity,
        risk_frac=settings.risk or preset.risk_frac or RISK_WITHOUT_PRESET,
        leverage=settings.leverage or preset.leverage_max,
        margin_mode=settings.margin_mode or MarginMode(preset.margin_mode),
        preset=settings.preset,
        taker_fee_rate=settings.taker,
        maker_fee_rate=settings.maker,
        **more,
    )


def _run(plan: Planned, progress: Progress | None) -> BacktestResult:
    from bearskin import backtest

    panels, book, left_out = panels_of(plan, progress)
    warm_up()
    told = None if progress is None else lambda what, done, total: progress(what, done, total or None)
    result = (backtest.run_engine if plan.engine else backtest.run)(plan.request, panels, book, told)
    listed = [{"symbol": symbol, "why": why} for symbol, why in left_out]
    before = cast("list[dict[str, str]]", result.summary["left_out"])
    more = {"left_out": [*before, *listed], "asked": dict(plan.asked)}
    return dataclasses.replace(result, summary={**result.summary, **more})


def panels_of(
    plan: Planned, progress: Progress | None = None
) -> tuple[list[Panel], BracketBook, list[tuple[str, str]]]:
    """The panels that a backtest trades, the brackets, and the symbols that were left out with why."""
    from bearskin import market

    store, chosen, left_out = chosen_of(plan.house, plan.request, plan.symbols, plan.last_stands_in)
    book = market.load_brackets(plan.house.settings.brackets)
    panels: list[Panel] = []
    for done, one in enumerate(chosen):
        if progress is not None:
            progress(f"reading {one.symbol}", done, len(chosen))
        panels.append(_panel(store, plan.house, plan.request, one))
    return panels, book, left_out


def chosen_of(
    house: House, request: BacktestRequest, symbols: list[str], last_stands_in: bool
) -> tuple[Store, list[SymbolCoverage], list[tuple[str, str]]]:
    """The store, the symbols of it that are traded, and the others with why; raises BadInput when there are none."""
    from bearskin import market

    if not house.store_folder.is_dir():
        raise BadInput(_empty(house))
    store = market.Store(house.store_folder)
    return store, *(_all if symbols == ["all"] else _named)(store, house, request, symbols, last_stands_in)


def warm_up() -> None:
    """Load or compile the kernels, saying so first when they have to be compiled."""
    from bearskin import backtest

    backtest.warm(lambda _: announce_compiling())


def announce_compiling() -> None:
    """Say once in a process that kernels are being compiled and how long that takes."""
    global _announced
    if not _announced:
        logger.info("compiling kernels (first run only, about %d s)", COMPILING_S)
    _announced = True


def _empty(house: House) -> str:
    return (
        f"the store {house.store_folder} has no {house.settings.interval} candles of {house.settings.venue}"
        f" {house.settings.product.value}: bring some with `bearskin data import` or `bearskin data fetch`,"
        " or try `bearskin demo`"
    )


def _all(
    store: Store, house: House, request: BacktestRequest, _: list[str], last_stands_in: bool
) -> tuple[list[SymbolCoverage], list[tuple[str, str]]]:
    """Every symbol that can be judged fairly, and the others with why."""
    from bearskin import market

    settings = house.settings
    found = market.list_symbols(store, settings.venue, settings.product.value, settings.interval)
    if not found:
        raise BadInput(_empty(house))
    taken, left_out = [], []
    for one in found:
        why = _why_not(store, house, request, one, last_stands_in)
        if why is None:
            taken.append(one)
        else:
            left_out.append((one.symbol, why))
    if not taken:
        symbol, why = left_out[0]
        raise BadInput(f"none of {counted(len(found), 'symbol')} can be backtested; {symbol}: {why}")
    if left_out:
        logger.info("%d of %d symbols are left out; the summary says why", len(left_out), len(found))
    return taken, left_out


def _named(
    store: Store, house: House, request: BacktestRequest, symbols: list[str], last_stands_in: bool
) -> tuple[list[SymbolCoverage], list[tuple[str, str]]]:
    """The symbols that were named; raises BadInput for the first that cannot be taken."""
    from bearskin import market

    settings = house.settings
    found = {
        one.symbol: one for one in market.list_symbols(store, settings.venue, settings.product.value, settings.interval)
    }
    for symbol in symbols:
        if symbol not in found:
            market.load_panel(  # raises, naming what there is
                store, venue=settings.venue, product=settings.product, symbol=symbol, interval=settings.interval
            )
        why = _why_not(store, house, request, found[symbol], last_stands_in, any_mark=True)
        if why is not None:
            raise BadInput(f"{symbol} cannot be backtested: {why}")
    return [found[symbol] for symbol in symbols], []


def _why_not(
    store: Store,
    house: House,
    request: BacktestRequest,
    one: SymbolCoverage,
    last_stands_in: bool,
    *,
    any_mark: bool = False,
) -> str | None:
    """Why a symbol is left out, or None. `any_mark` accepts a mark of another interval (its bars are estimated)."""
    settings = house.settings
    funded = settings.product is Product.LINEAR and request.funding == "charge"
    if funded and not one.has_funding:
        return "no funding in the store; leaving funding out takes --funding ignore"
    if last_stands_in or settings.product not in (Product.LINEAR, Product.DATED):
        return None
    if not one.has_mark:
        return "no mark in the store; letting last stand in takes --mark last"
    first_ns, last_ns = _reach(store, house, one)
    if first_ns is None and not any_mark:
        return f"no {settings.interval} mark in the store; letting last stand in takes --mark last"
    apart = first_ns >= last_ns if first_ns is not None and last_ns is not None else not _marked(store, house, one)
    return "candles and mark do not cover the same time; letting last stand in takes --mark last" if apart else None


def _marked(store: Store, house: House, one: SymbolCoverage) -> bool:
    """Whether a mark of any interval covers some of the time of the candles."""
    settings = house.settings
    keys = store.keys(venue=settings.venue, product=settings.product.value, symbol=one.symbol, kind="mark")
    reaches = [store.coverage(key) for key in keys]
    return any(reach.first_ns <= one.last_ns and reach.last_ns >= one.first_ns for reach in reaches)


def _reach(store: Store, house: House, one: SymbolCoverage) -> tuple[int | None, int | None]:
    """Where candles and mark of the interval are both there: [first, last]; None where there is no such mark."""
    from bearskin import market

    settings = house.settings
    mark = market.SeriesKey(settings.venue, settings.product.value, one.symbol, "mark", settings.interval)
    if not store.has(mark):
        return None, None
    reach = store.coverage(mark)
    first_ns = one.first_ns if reach.first_ns <= one.first_ns + EDGE_NS else reach.first_ns
    last_ns = one.last_ns if reach.last_ns >= one.last_ns - EDGE_NS else reach.last_ns
    return first_ns, last_ns


def _panel(store: Store, house: House, request: BacktestRequest, one: SymbolCoverage) -> Panel:
    from bearskin import market

    settings = house.settings
    start_ns, end_ns = used_span(store, house, request, one)
    return market.load_panel(
        store,
        venue=settings.venue,
        product=settings.product,
        symbol=one.symbol,
        interval=settings.interval,
        start_ns=start_ns,
        end_ns=end_ns,
    )


def used_span(
    store: Store, house: House, request: BacktestRequest, one: SymbolCoverage
) -> tuple[int | None, int | None]:
    """The time that candles and mark share, within the span asked for: (from, before), None for no bound."""
    first_ns, last_ns = _reach(store, house, one)
    end_ns = None if last_ns is None or last_ns == one.last_ns else last_ns + interval_ns(house.settings.interval)
    if request.end_ns is not None:
        end_ns = request.end_ns if end_ns is None else min(end_ns, request.end_ns)
    start_ns = None if first_ns in (None, one.first_ns) else first_ns
    if start_ns is not None or end_ns not in (None, request.end_ns):
        logger.info("%s is used from %s, where candles and mark are both there", one.symbol, iso(first_ns or 0))
    return start_ns, end_ns
