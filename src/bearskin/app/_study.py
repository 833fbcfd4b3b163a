"""`study`: what follows the set-ups, against random entries close in time, over what is in the store."""

from __future__ import annotations

import logging
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._backtest import setups_of, sides_of, warm_up
from bearskin.app._data import words_of
from bearskin.app._home import can_write, user_path
from bearskin.app._house import House, open_house
from bearskin.app._rates import Number
from bearskin.terms import BadInput, Product, interval_ns, parse_time

if TYPE_CHECKING:
    from bearskin.backtest import StudyRequest, StudyResult, StudySet
    from bearskin.market import Panel, Store

Progress = Callable[[str, int, int | None], None]
logger = logging.getLogger("bearskin.app")
HORIZONS, HEADLINE = "4h,24h,72h", "24h"
PLAN_WORDS = ("horizons", "headline", "sets", "setups", "side")
SET_WORDS = ("name", "role", "venue", "product", "interval", "built_from", "symbols", "start", "end")


def study(
    *,
    plan: Path | str | None = None,
    symbols: str | Sequence[str] = "all",
    setups: str | Sequence[str] = "all",
    side: str = "both",
    start: str | None = None,
    end: str | None = None,
    interval: str | None = None,
    venue: str | None = None,
    product: str | None = None,
    horizons: str | Sequence[str] = HORIZONS,
    headline: str = HEADLINE,
    taker: Number | None = None,
    slippage: Number | None = None,
    setup_file: Path | str | None = None,
    out: Path | str | None = None,
    page: Path | str | None = None,
    evidence: Path | str | None = None,
    fresh: bool = False,
    home: Path | str | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """What a trade made after each set-up, side and horizon, over matched random entries, before and after costs.

    One data set (`symbols` of `venue` and `product` on bars of `interval`, from `start` to before `end`), or those of
    `plan`, a TOML file (docs/study.md). Symbols done before are remembered in the home's cache unless `fresh`. With
    `out` tables, cases and an offline page go into that folder; `page` writes a dated Markdown page, `evidence` the
    file that the program packages. After Ctrl-C the result holds what was done (`interrupted`). Raises BadInput.
    """
    from bearskin import backtest, market

    costs = {"taker": taker, "slippage": slippage}
    house = open_house(home, store=store, venue=venue, product=product, interval=interval, **costs)
    if setup_file is not None:
        from bearskin import setups as room

        room.load_setups(user_path(setup_file))
    written: dict[str, Any] = {"sets": [_one_set(symbols, start, end)]} if plan is None else plan_of(plan)
    request = _request(house, setups, side, written.get("horizons", horizons), str(written.get("headline", headline)))
    for target in (page, evidence, out):
        if target is not None and not can_write(user_path(target).parent if target is not out else user_path(target)):
            raise BadInput(f"{target} cannot be written: name another place")
    if not house.store_folder.is_dir():
        raise BadInput(f"the store {house.store_folder} is not there: bring data with `bearskin data import`")
    there = market.Store(house.store_folder)
    sets = [_set(there, house, one) for one in written["sets"]]
    warm_up()
    kept = None if fresh else backtest.CasesKept(house.home.part("cache") / "study")
    result = backtest.run_study(request, sets, progress, kept)
    _write(result, out, page, evidence, plan)
    return result


def plan_of(path: Path | str) -> dict[str, Any]:
    """A plan from its TOML file; raises BadInput for words it does not have."""
    file = user_path(path)
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"there is no plan {file}: name a TOML file such as docs/study-plan.toml") from None
    except OSError as error:
        raise BadInput(f"the plan {file} cannot be read ({error.strerror or error}): name a TOML file") from None
    except ValueError as error:
        raise BadInput(f"the plan {file} is not TOML ({error})") from None
    _only(written, PLAN_WORDS, f"the plan {file}")
    sets = written.get("sets")
    if not isinstance(sets, list) or not sets or not all(isinstance(one, dict) for one in sets):
        raise BadInput(f"the plan {file} names no data sets: write each as [[sets]]")
    for one in sets:
        _only(one, SET_WORDS, f"a set of {file}")
        if "name" not in one:
            raise BadInput(f"a set of {file} has no name")
    return written


def _only(words: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    for word in words:
        if word not in allowed:
            raise BadInput(f"{where} has {word!r}: there are {', '.join(allowed)}")


def _one_set(symbols: str | Sequence[str], start: str | None, end: str | None) -> dict[str, Any]:
    names = words_of(symbols)
    one: dict[str, Any] = {"role": "headline"}
    one |= {} if names == ["all"] else {"symbols": names}
    return one | {word: value for word, value in (("start", start), ("end", end)) if value is not None}


def _request(
    house: House, setups: str | Sequence[str], side: str, horizons: str | Sequence[str], headline: str
) -> StudyRequest:
    from bearskin.backtest import StudyRequest

    names = setups_of(setups)
    if names is not None and "hold" in names:
        raise BadInput("hold is a yardstick of the backtest: a study is of set-ups")
    settings = house.settings
    more: dict[str, Any] = {} if settings.slippage is None else {"slippage_frac": settings.slippage}
    return StudyRequest(
        setups=names,
        sides=sides_of(side),
        horizons_ns=tuple(sorted(interval_ns(word) for word in words_of(horizons))),
        headline_ns=interval_ns(headline),
        taker_fee_rate=settings.taker,
        **more,
    )


def _set(store: Store, house: House, one: Mapping[str, Any]) -> StudySet:
    """A data set of the plan; what it does not say is the settings'."""
    from bearskin import backtest, market

    settings = house.settings
    venue = str(one.get("venue", settings.venue))
    product = Product(one["product"]) if "product" in one else settings.product
    interval = str(one.get("interval", settings.interval))
    read = str(one.get("built_from", interval))
    span = {name: None if name not in one else parse_time(str(one[name])) for name in ("start", "end")}
    found = [reach.symbol for reach in market.list_symbols(store, venue, product.value, read)]
    wanted = one.get("symbols", found)
    name = str(one.get("name", f"{venue} {product.value} {interval}"))
    if not wanted:
        raise BadInput(f"the store {store.root} has no {read} candles of {venue} {product.value} for the set {name!r}")

    def load(symbol: str) -> Panel | None:
        panel = market.load_panel(
            store,
            venue=venue,
            product=product,
            symbol=symbol,
            interval=read,
            start_ns=span["start"],
            end_ns=span["end"],
        )
        return panel if read == interval else backtest.coarser(panel, interval_ns(interval))

    return backtest.StudySet(name=name, role=one.get("role", "headline"), symbols=tuple(wanted), load=load)


def _write(
    result: StudyResult,
    out: Path | str | None,
    page: Path | str | None,
    evidence: Path | str | None,
    plan: Path | str | None,
) -> None:
    from bearskin import report
    from bearskin.setups import evidence_json

    day = time.strftime("%Y-%m-%d", time.gmtime())
    try:
        if out is not None:
            report.write_study(result, user_path(out))
        if page is not None:
            user_path(page).write_text(report.study_page(result, _reproduce(plan), day), encoding="utf-8")
        if evidence is not None:
            source = "; ".join(dict.fromkeys(one.source for one in result.evidence))
            text = evidence_json(f"study of {day}: {source}", result.evidence)
            user_path(evidence).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"the study cannot be written: {error}") from error


def _reproduce(plan: Path | str | None) -> str:
    if plan is None:
        return "bearskin study"
    return f"# the data of the plan in the store, imported in its order\nbearskin study --plan {plan}"
