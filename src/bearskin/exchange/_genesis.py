"""How an exchange begins: what is listed, who is there, and the file that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import msgspec

from bearskin.exchange._crowd import TRADERS
from bearskin.exchange._driver import Cast
from bearskin.exchange._listing import contract_of
from bearskin.exchange._state import Contract
from bearskin.exchange._words import AnyCommand, Deposit, ListContract, OpenAccount, SetLeverage
from bearskin.terms import BadInput, StoreBroken

PRICES = ("synthetic", "replay", "manual")
SETUP_VERSION: Final = 1
SETUP_FILE: Final = "exchange.json"
FUND_CAPITAL: Final = Decimal(5_000_000)
DEPOSIT_MAX: Final = Decimal(10) ** 12
MAKER_CAPITAL: Final = Decimal(1_000_000_000)
TAPE_CAPITAL: Final = Decimal(100_000_000)
HOUSE_LEVERAGE: Final = 2  # of makers and tape: low, so that the brackets leave them room
FUND, USER = 1, 2  # account numbers
_TAPE: Final = (3, 4)
_FIRST_MAKER: Final = 5


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange was begun with; kept beside its journal. `start_ns` is the first moment of its market.

    For a replay, `store`, `venue`, `interval` and `end_ns` say which candles. `begun` is true once the first commands
    are in the journal: from then on an empty one is a loss.
    """

    format: str = "bearskin-exchange"
    version: int = SETUP_VERSION
    created_ns: int
    start_ns: int
    symbols: tuple[str, ...]
    prices: Literal["synthetic", "replay", "manual"] = "synthetic"
    seed: int = 7
    deposit: Decimal = Decimal(10_000)
    store: str = ""
    venue: str = ""
    interval: str = ""
    end_ns: int = 0
    begun: bool = False


def read_setup(folder: Path) -> Setup | None:
    """The setup kept in `folder`; None where no exchange was begun. Raises StoreBroken for a file that is none."""
    path = folder / SETUP_FILE
    try:
        setup = msgspec.json.decode(path.read_bytes(), type=Setup)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreBroken(f"{path} does not say how this exchange was begun ({error})") from None
    if setup.format != "bearskin-exchange":
        raise StoreBroken(f"{path} is not the setup of an exchange")
    if setup.version != SETUP_VERSION:
        raise BadInput(f"{path} has version {setup.version}, this bearskin knows version {SETUP_VERSION}")
    return setup


def write_setup(folder: Path, setup: Setup) -> None:
    """Keep the setup, whole or not at all. Raises StoreBroken where it cannot be written."""
    aside = folder / f"{SETUP_FILE}.new"
    try:
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(setup), indent=1) + b"\n")
        aside.replace(folder / SETUP_FILE)
    except OSError as error:
        raise StoreBroken(f"{folder / SETUP_FILE} cannot be written ({error.strerror or error})") from None


def packaged_contracts(symbols: Sequence[str], onboard_ns: int, *, wide: bool = False) -> tuple[Contract, ...]:
    """The contracts of `symbols` as the packaged snapshot has them; raises UnknownSymbol, UnknownBrackets, BadInput.

    `wide` lets limit prices lie far from mark, as a replay needs where last and mark once lay far apart.
    """
    from bearskin import market

    if not symbols:
        raise BadInput("no symbols were named: name some such as BTCUSDT,ETHUSDT")
    if len(dict.fromkeys(symbols)) != len(symbols):
        raise BadInput(f"a symbol was named twice in {','.join(symbols)}")
    book = market.load_brackets()
    room: dict[str, object] = {"multiplier_up": Decimal(5), "multiplier_down": Decimal("0.2")} if wide else {}
    return tuple(
        contract_of(
            market.instrument_of("binance", symbol),
            book.get("binance", symbol),
            **{**_TERMS.get(symbol, {}), **room, "onboard_ns": onboard_ns},
        )
        for symbol in symbols
    )


# where a contract differs from the common terms: settlements come oftener for what moves more
_TERMS: Final[Mapping[str, Mapping[str, object]]] = {"1000PEPEUSDT": {"funding_interval_h": 4}}


def cast_of(symbols: Sequence[str], *, makers: bool, crowd: bool) -> Cast:
    """Who plays which part: account numbers as `genesis` gives them out."""
    first_crowd = _FIRST_MAKER + len(symbols)
    return Cast(
        makers={symbol: _FIRST_MAKER + at for at, symbol in enumerate(symbols)} if makers else {},
        tape=_TAPE if makers else None,
        crowd={
            symbol: list(range(first_crowd + at * TRADERS, first_crowd + (at + 1) * TRADERS))
            for at, symbol in enumerate(symbols)
        }
        if crowd
        else {},
    )


def genesis(setup: Setup, contracts: Sequence[Contract]) -> list[AnyCommand]:
    """The first commands: contracts, the fund's capital, the user's account with its play money, makers and crowd.

    All accounts are opened whether they will play or not, so that their numbers are the same in every exchange.
    """
    at = setup.start_ns
    out: list[AnyCommand] = [ListContract(time_ns=at, contract=contract) for contract in contracts]
    out.append(Deposit(time_ns=at, account=FUND, amount=FUND_CAPITAL))
    out.append(OpenAccount(time_ns=at, name="demo"))
    if setup.deposit:
        out.append(Deposit(time_ns=at, account=USER, amount=setup.deposit))
    for number, name in zip(_TAPE, ("tape-rests", "tape-takes"), strict=True):
        out += [
            OpenAccount(time_ns=at, name=name, kind="MAKER"),
            Deposit(time_ns=at, account=number, amount=TAPE_CAPITAL),
        ]
        out += [
            SetLeverage(time_ns=at, account=number, symbol=contract.symbol, leverage=HOUSE_LEVERAGE)
            for contract in contracts
        ]
    for number, contract in enumerate(contracts, _FIRST_MAKER):
        out += [
            OpenAccount(time_ns=at, name=f"maker-{contract.symbol}", kind="MAKER"),
            Deposit(time_ns=at, account=number, amount=MAKER_CAPITAL),
            SetLeverage(time_ns=at, account=number, symbol=contract.symbol, leverage=HOUSE_LEVERAGE),
        ]
    out += [
        OpenAccount(time_ns=at, name=f"crowd-{contract.symbol}-{trader}", kind="CROWD")
        for contract in contracts
        for trader in range(1, TRADERS + 1)
    ]
    return out
