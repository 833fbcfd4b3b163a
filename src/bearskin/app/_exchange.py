"""`exchange`: a derivatives exchange on this machine that real clients trade on, with play money."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearskin.app._data import words_of
from bearskin.app._home import user_path
from bearskin.app._house import open_house
from bearskin.app._rates import number_of
from bearskin.terms import SECOND_NS, BadInput, interval_ns, parse_time

if TYPE_CHECKING:
    from bearskin.exchange import Address, ExchangeOptions, Opened, Running

Ready = Callable[["Address", "Opened"], None]
PRICES = ("synthetic", "replay", "manual")
LOCK = ".lock"


def exchange(**options: Any) -> Running:
    """Start a demo exchange in a thread of this process; `stop()` of what is returned ends it.

    Takes the options of the command: port, host, folder, symbols, prices, start, speed, seed, deposit, limits, fresh,
    makers, crowd, venue, interval, home, store. Raises BadInput for what does not fit, a port or a folder in use.
    """
    from bearskin.exchange import start_in_thread

    return start_in_thread(options_of(**options))


def serve_exchange(ready: Ready, *, run_for: str | None = None, **options: Any) -> None:
    """Serve a demo exchange from this thread until a signal, or for `run_for`; `ready` is told where it answers."""
    stop_after_s = None if run_for is None else interval_ns(run_for) / SECOND_NS
    made = options_of(**options)
    from bearskin.exchange import serve

    serve(made, ready, stop_after_s=stop_after_s)


def options_of(
    *,
    port: int | None = None,
    host: str | None = None,
    folder: Path | str | None = None,
    symbols: str | Sequence[str] | None = None,
    prices: str | None = None,
    start: str | None = None,
    speed: str | float | None = None,
    seed: int | None = None,
    deposit: str | int | float | Decimal | None = None,
    limits: bool = True,
    fresh: bool = False,
    makers: bool = True,
    crowd: bool | None = None,
    venue: str | None = None,
    interval: str | None = None,
    home: Path | str | None = None,
    store: Path | str | None = None,
) -> ExchangeOptions:
    """The options as the exchange takes them, with the settings of the house; raises BadInput."""
    house = open_house(home, store=store, port=port)
    if prices is not None and prices not in PRICES:
        raise BadInput(f"prices was {prices!r}, must be one of {', '.join(PRICES)}")
    names = None if symbols is None else tuple(words_of(symbols) or ())
    if names == ():
        raise BadInput("symbols names none: write some such as BTCUSDT,ETHUSDT")
    replay = prices == "replay"
    from bearskin.exchange import ExchangeOptions

    return ExchangeOptions(
        folder=house.home.part("exchange") if folder is None else user_path(folder),
        host="127.0.0.1" if host is None else host,
        port=house.settings.port,
        symbols=names,
        prices=prices,  # type: ignore[arg-type]
        seed=seed,
        deposit=None if deposit is None else number_of(deposit, "deposit"),
        start_ns=None if start is None else parse_time(start),
        store=house.store_folder,
        venue=(venue or house.settings.venue) if replay else venue,
        interval=interval,
        speed=1.0 if speed is None else speed_of(speed),
        makers=makers,
        crowd=crowd,
        fresh=fresh,
        limits=limits,
    )


def address_json(address: Address) -> dict[str, Any]:
    """The object `exchange --json` prints: where it is and what opens it."""
    names = ("url", "ws_url", "key", "secret", "control_url", "token")
    return {field.name: getattr(address, field.name) for field in dataclasses.fields(address) if field.name in names}


def address_lines(address: Address, opened: Opened) -> list[str]:
    """What a person is told: address, keys, and the text to paste for each client."""
    from bearskin.exchange import snippets

    setup = opened.setup
    story = "begun anew" if opened.began else "taken up where it was left"
    lines = [f"The demo exchange is open ({story}): {', '.join(setup.symbols)}; {setup.prices} prices, play money."]
    for name, text in snippets(address.url, address.ws_url, address.key, address.secret).items():
        lines += ["", f"── {name.replace('_', ' ')} {'─' * (60 - len(name))}", text.rstrip()]
    # last, since a terminal shows the end
    lines += [
        "",
        f"── where it is {'─' * 48}",
        f"  REST         {address.url}",
        f"  WebSocket    {address.ws_url}",
        f"  API key      {address.key}",
        f"  API secret   {address.secret}",
        f"  Control      {address.control_url}/  (every call needs the token)",
        f"  Token        {address.token}",
        "",
        "The texts above are to be pasted into each client.",
    ]
    if setup.prices == "manual":
        lines.append("No symbol has a price before control pushes one: see POST /control/symbols/{symbol}/index there.")
    return [*lines, "Ctrl-C stops it; what was traded is kept and goes on with the next start."]


@contextlib.contextmanager
def exchange_held(folder: Path) -> Iterator[None]:
    """Hold the exchange's folder against one that would start there; raises BadInput where one is running."""
    lock = folder / LOCK
    if not lock.exists():
        yield
        return
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(f"an exchange is running in {folder}: stop it first") from None
        yield


def exchange_told(folder: Path) -> str:
    """One line on the exchange in `folder`; raises StoreBroken for a damaged one."""
    from bearskin.exchange import read_setup

    setup = read_setup(folder)
    if setup is None:
        return "none yet: `bearskin exchange` begins one"
    try:
        with exchange_held(folder):
            state = "stopped"
    except BadInput:
        state = "running"
    return f"{state}; {', '.join(setup.symbols)}; {setup.prices} prices"


def speed_of(value: str | float) -> float:
    """A speed such as 60 or 60x; raises BadInput for one that no market can run at."""
    from bearskin.exchange import checked_speed

    text = value.strip().lower().removesuffix("x") if isinstance(value, str) else value
    speed = float(number_of(text, "speed"))
    checked_speed(speed)
    return speed
