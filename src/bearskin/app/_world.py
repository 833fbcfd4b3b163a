"""Where a bot trades: the demo exchange on this machine, or a venue through ccxt. One way in for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bearskin.app._home import user_path
from bearskin.app._house import House
from bearskin.terms import BadInput

if TYPE_CHECKING:
    from bearskin.exchange import Address

DEMO = "demo"
DEMO_PART = "demo"  # below the home's exchange folder: the exchange that `bearskin demo` runs
NONE_RUNS = "no demo exchange is running: `bearskin demo` starts one with a bot, `bearskin exchange` one without"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where is traded and as whom: `account` tells accounts apart without saying a secret.

    `address` is that of a demo exchange of ours; `symbols` and `title` are what it says of itself.
    """

    venue: str
    env: str
    account: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)
    address: str | None = None
    symbols: tuple[str, ...] = ()
    title: str = ""
    notional_cap: Decimal | None = None
    hints: tuple[str, ...] = ()

    @property
    def attaches(self) -> bool:
        """Whether an order there can carry its stop."""
        from bearskin.live import dialect_of

        return self.venue != DEMO and dialect_of(self.venue).able.attached_stops


def demo_folders(house: House, named: Path | str | None = None) -> tuple[Path, ...]:
    """The folders in which a demo exchange may be running, the likeliest first."""
    if named is not None:
        return (user_path(named),)
    folder = house.home.part("exchange")
    return folder / DEMO_PART, folder


def demo_place(house: House, folder: Path | str | None = None) -> Place:
    """The demo exchange that is running; raises BadInput when none is."""
    from bearskin.exchange import read_address, read_setup

    for one in demo_folders(house, folder):
        address = read_address(one)
        setup = None if address is None else read_setup(one)
        if address is not None and setup is not None:
            return _demo_place(address, f"{setup.created_ns}", tuple(setup.symbols), setup.prices)
    raise BadInput(NONE_RUNS)


def _demo_place(address: Address, account: str, symbols: tuple[str, ...], prices: str) -> Place:
    return Place(
        venue=DEMO,
        env="",
        account=account,
        key=address.key,
        secret=address.secret,
        address=address.url,
        symbols=symbols,
        title=f"demo exchange, {prices} prices",
    )


@dataclass(slots=True, kw_only=True)
class World:
    """A venue that is connected, and its market's clock."""

    venue: Any
    clock: Any

    async def close(self) -> None:
        """Let go of every connection."""
        await self.venue.close()


async def open_world(place: Place, symbols: Sequence[str], wall_ns: Any) -> World:
    """Connect; raises VenueError when the venue does not answer, BadInput for what it cannot."""
    from bearskin import live

    dialect = live.dialect_of("binance" if place.venue == DEMO else place.venue)
    env: Literal["live", "demo"] = "demo" if place.env == "demo" else "live"
    exchange = live.open_trading(dialect, env, place.key, place.secret, place.password, address=place.address)
    clock = live.MarketClock(wall_ns)
    venue = live.CcxtVenue(dialect, exchange, tuple(symbols), clock=clock)
    try:
        await venue.open()
    except BaseException:
        await venue.close()
        raise
    return World(venue=venue, clock=clock)
