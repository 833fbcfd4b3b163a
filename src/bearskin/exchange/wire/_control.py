"""Control: what no venue lets you do. Accounts and keys, money, terms, prices, time, and the books laid open.

Behind a token (`Authorization: Bearer ...` or `X-Control-Token: ...`), except for the two pages that describe it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

import msgspec
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from bearskin.exchange._driver import PUSHED, Driver
from bearskin.exchange._genesis import packaged_contracts
from bearskin.exchange._report import books_report, plain
from bearskin.exchange._state import Account, Contract, State
from bearskin.exchange._words import (
    AccountOpened,
    AnyCommand,
    Deposit,
    Event,
    ListContract,
    OpenAccount,
    Refused,
    SetFundingRate,
    SetIndex,
    SetMark,
    SettleFunding,
    SetTrading,
    Tick,
)
from bearskin.exchange.wire._auth import is_public_key
from bearskin.exchange.wire._control_page import page_of
from bearskin.exchange.wire._desk import WireDesk
from bearskin.exchange.wire._holdings import held, sides_of
from bearskin.exchange.wire._snippets import snippets
from bearskin.margin import deciding
from bearskin.terms import BadInput, BearskinError

PREFIX = "/control"
STEP_S_MAX = 366 * 86_400.0
Amount = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=24, decimal_places=8)]
Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=24, decimal_places=10)]
Rate = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=12, decimal_places=8, ge=-1, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w .@+-]+$")]


def example(**fields: Any) -> ConfigDict:
    """What the page and the OpenAPI description show as a body that works."""
    return ConfigDict(json_schema_extra={"example": fields})


class Body(BaseModel):
    """What a request says; a field nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


class NewAccount(Body):
    """`parent`, the number of an account, makes it a sub-account of that one."""

    model_config = example(name="second", deposit="5000")

    name: Name = "user"
    deposit: Amount = Decimal(0)
    fee_tier: Annotated[int, Field(ge=0, le=9)] = 0
    parent: int | None = None


class NewKey(Body):
    """The same number gives the same key again."""

    model_config = example(number=2)

    number: Annotated[int, Field(ge=1, lt=16**4)] = 1


class PublicKey(Body):
    """The owner keeps the private one. Needs the package `cryptography`."""

    model_config = example(kind="ED25519", public_pem="-----BEGIN PUBLIC KEY-----\n...")

    kind: Literal["ED25519", "RSA"]
    public_pem: Annotated[str, Field(min_length=1, max_length=10_000)]


class Money(Body):
    """It stands in the income as a transfer."""

    model_config = example(amount="1000")

    amount: Amount
    asset: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,10}$")] = "USDT"


class Terms(Body):
    """Fields of a contract to be replaced, `brackets` among them; what is not named stays."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": {"taker_fee_rate": "0.0004"}})


class Status(Body):
    """While it is halted cancels pass, and liquidation goes on."""

    model_config = example(status="HALT")

    status: Literal["TRADING", "HALT"]


class Index(Body):
    """`price` is that of all spot sources, `prices` of those it names. Held until it is released."""

    model_config = example(price="63000")

    price: Price | None = None
    prices: dict[Name, Price] | None = None


class Mark(Body):
    """Liquidation looks at it, whatever index and trades say."""

    model_config = example(price="63000")

    price: Price | None


class Funding(Body):
    """`rate` is used as it is, beyond the cap too; null lets the premium make it. `interval_h` is in hours."""

    model_config = example(rate="0.0010")

    rate: Rate | None = None
    interval_h: Literal[1, 2, 4, 8] | None = None


class Step(Body):
    """Up to ten minutes are lived through second by second, a longer step in at most 600 moments."""

    model_config = example(seconds=60)

    seconds: Annotated[float, Field(gt=0, le=STEP_S_MAX, allow_inf_nan=False)]


class Speed(Body):
    """At 1 the market keeps the time on your wall, as unchanged clients expect."""

    model_config = example(speed=10)

    speed: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the operations work on."""

    desk: WireDesk
    driver: Driver

    @property
    def state(self) -> State:
        """The exchange's memory."""
        return self.desk.service.exchange.state

    def now_ns(self) -> int:
        """Market time."""
        return self.desk.service.now_ns()

    def do(self, *commands: AnyCommand) -> list[Event]:
        """Carry out commands; the events of all, or an answer of 400 with what the first refused one says."""
        happened: list[Event] = []
        for events in self.desk.service.submit_now(commands):
            if events and isinstance(events[0], Refused):
                raise HTTPException(400, {"code": events[0].code, "msg": events[0].message})
            happened += events
        return happened

    def account(self, number: int) -> Account:
        """An account that is there."""
        account = self.state.accounts.get(number)
        if account is None:
            raise HTTPException(404, {"code": -1130, "msg": f"There is no account {number}."})
        return account

    def contract(self, symbol: str) -> Contract:
        """A listed contract."""
        market = self.state.markets.get(symbol)
        if market is None:
            raise HTTPException(404, {"code": -1121, "msg": "Invalid symbol."})
        return market.contract


def control_app(desk: WireDesk, driver: Driver) -> FastAPI:
    """The application under `/control`."""
    control = Control(desk=desk, driver=driver)

    async def allowed(request: Request) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = request.headers.get("x-control-token", "") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if not hmac.compare_digest(given.encode(), desk.token.encode()):
            raise HTTPException(401, {"code": -2015, "msg": "The control token is missing or wrong."})

    app = FastAPI(
        title="bearskin exchange: control",
        version="1",
        docs_url=None,  # its pages load scripts from the network
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        swagger_ui_oauth2_redirect_url=None,
        exception_handlers={BearskinError: _failed, StarletteHTTPException: _refused, RequestValidationError: _unread},
    )
    for part in (_accounts, _symbols, _prices, _time, _books):
        router = APIRouter(prefix=PREFIX, dependencies=[Depends(allowed)], tags=[part.__name__.strip("_")])
        part(router, control)
        app.include_router(router)

    @app.get(PREFIX, include_in_schema=False)
    @app.get(f"{PREFIX}/", include_in_schema=False)
    @app.get(f"{PREFIX}/docs", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(page_of(app.openapi(), str(request.base_url).rstrip("/")))

    return app


async def _failed(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, BadInput):
        return JSONResponse({"code": -1130, "msg": str(error)}, 400)
    return JSONResponse({"code": -1001, "msg": str(error)}, 503)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    detail: Any = error.detail
    if not isinstance(detail, dict):
        detail = {"code": -5000, "msg": f"{detail}: the operations are listed at {PREFIX}/"}
    return JSONResponse(detail, error.status_code)


async def _unread(request: Request, error: Exception) -> JSONResponse:
    """A body or a path that does not fit: its first fault in a sentence."""
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    where = ".".join(part for part in fault["loc"][1:] if isinstance(part, str)) or "the body"
    said = f"{where}: {fault['msg']}"
    if "json" not in request.headers.get("content-type", "json"):
        said = "The body is not said to be JSON: send it with the header Content-Type: application/json"
    return JSONResponse({"code": -1130, "msg": f"{said}."}, 422)


def _accounts(router: APIRouter, control: Control) -> None:
    @router.get("/accounts", summary="All accounts: wallets and open positions, makers and crowd included")
    async def accounts() -> list[dict[str, Any]]:
        return [_account_row(control, account) for account in control.state.accounts.values()]

    @router.get("/accounts/{number}", summary="One account")
    async def one(number: int) -> dict[str, Any]:
        return _account_row(control, control.account(number))

    @router.post("/accounts", summary="Open an account and make its first key")
    async def open_account(body: NewAccount) -> dict[str, Any]:
        at = control.now_ns()
        opening = OpenAccount(time_ns=at, name=body.name, fee_tier=body.fee_tier, parent=body.parent)
        number = next(event.account for event in control.do(opening) if isinstance(event, AccountOpened))
        if body.deposit:
            control.do(Deposit(time_ns=at, account=number, amount=body.deposit))
        key, secret = control.desk.keys.make(number)
        return {"account": number, "key": key, "secret": secret}

    @router.post("/accounts/{number}/keys", summary="A key of an account, with its secret")
    async def key_of(number: int, body: NewKey) -> dict[str, Any]:
        key, secret = control.desk.keys.make(control.account(number).id, body.number)
        return {"account": number, "key": key, "secret": secret}

    @router.get("/accounts/{number}/snippets", summary="What to paste into each client so that it trades here")
    async def pasted(number: int, request: Request) -> dict[str, str]:
        key, secret = control.desk.keys.make(control.account(number).id)
        url = str(request.base_url).rstrip("/")  # the address by which the exchange was just reached
        return snippets(url, "ws" + url.removeprefix("http"), key, secret)

    @router.post("/accounts/{number}/public_keys", summary="A key for an owner who signs with Ed25519 or RSA")
    async def public_key(number: int, body: PublicKey) -> dict[str, Any]:
        if not is_public_key(body.kind, body.public_pem):
            words = f"public_pem is no {body.kind} public key in PEM form (-----BEGIN PUBLIC KEY-----)."
            raise HTTPException(400, {"code": -1130, "msg": words})
        key = control.desk.keys.register(control.account(number).id, body.kind, body.public_pem)
        return {"account": number, "key": key}

    @router.post("/accounts/{number}/deposit", summary="Play money in (negative: out, what is free)")
    async def deposit(number: int, body: Money) -> dict[str, Any]:
        account = control.account(number)
        control.do(Deposit(time_ns=control.now_ns(), account=number, amount=body.amount, asset=body.asset))
        return _account_row(control, account)


def _symbols(router: APIRouter, control: Control) -> None:
    @router.get("/symbols", summary="All contracts with their terms, brackets and prices")
    async def symbols() -> list[dict[str, Any]]:
        return [_symbol_row(control, symbol) for symbol in control.state.markets]

    @router.get("/symbols/{symbol}", summary="One contract")
    async def one(symbol: str) -> dict[str, Any]:
        control.contract(symbol)
        return _symbol_row(control, symbol)

    @router.put("/symbols/{symbol}", summary="List a contract or replace terms of it, brackets included")
    async def put(symbol: str, body: Terms) -> dict[str, Any]:
        at = control.now_ns()
        market = control.state.markets.get(symbol)
        terms = dict(body.model_extra or {})
        contract = _contract(symbol, None if market is None else market.contract, terms, at)
        control.do(ListContract(time_ns=at, contract=contract))
        control.driver.meet()
        return _symbol_row(control, symbol)

    @router.post("/symbols/{symbol}/status", summary="Halt a symbol or open it again")
    async def status(symbol: str, body: Status) -> dict[str, Any]:
        control.contract(symbol)
        control.do(SetTrading(time_ns=control.now_ns(), symbol=symbol, status=body.status))
        return _symbol_row(control, symbol)


def _prices(router: APIRouter, control: Control) -> None:
    @router.post("/symbols/{symbol}/index", summary="Push spot prices and hold them; makers and tape follow at once")
    async def index(symbol: str, body: Index) -> dict[str, Any]:
        control.contract(symbol)
        prices: dict[str, Decimal] = dict(body.prices or {})
        if body.price is not None:  # one price for all that were heard so far
            prices |= dict.fromkeys(control.state.markets[symbol].sources or (PUSHED,), body.price)
        if not prices:
            raise HTTPException(400, {"code": -1102, "msg": "Say price or prices."})
        control.do(SetIndex(time_ns=control.now_ns(), symbol=symbol, prices=prices))
        control.driver.hold(symbol, prices)
        control.driver.move(symbol)
        return _symbol_row(control, symbol)

    @router.delete("/symbols/{symbol}/index", summary="Give the symbol back to the source of prices")
    async def release(symbol: str) -> dict[str, Any]:
        control.contract(symbol)
        control.driver.release(symbol)
        return _symbol_row(control, symbol)

    @router.post("/symbols/{symbol}/mark", summary="Pin the mark, or let it float with null")
    async def mark(symbol: str, body: Mark) -> dict[str, Any]:
        control.contract(symbol)
        control.do(SetMark(time_ns=control.now_ns(), symbol=symbol, price=body.price))
        control.driver.pin(symbol, body.price)
        return _symbol_row(control, symbol)

    @router.post("/symbols/{symbol}/funding_rate", summary="Pin the next funding rate or its interval")
    async def funding_rate(symbol: str, body: Funding) -> dict[str, Any]:
        control.contract(symbol)
        control.do(SetFundingRate(time_ns=control.now_ns(), symbol=symbol, rate=body.rate, interval_h=body.interval_h))
        return _symbol_row(control, symbol)

    @router.post("/symbols/{symbol}/settle", summary="Settle funding now")
    async def settle(symbol: str) -> dict[str, Any]:
        control.contract(symbol)
        control.do(SettleFunding(time_ns=control.now_ns(), symbol=symbol))
        return _symbol_row(control, symbol)


def _time(router: APIRouter, control: Control) -> None:
    def clock_row() -> dict[str, Any]:
        clock = control.desk.service.clock
        return {
            "market_ms": clock.now_ns() // 1_000_000,
            "wall_ms": control.desk.service.wall_ms(),
            "paused": clock.paused,
            "speed": clock.speed,
        }

    @router.get("/clock", summary="Market time, speed, and whether it stands still")
    async def clock() -> dict[str, Any]:
        return clock_row()

    @router.post("/clock/pause", summary="Market time stands still; orders are still taken")
    async def pause() -> dict[str, Any]:
        control.desk.service.clock.pause()
        control.driver.clock_changed()
        return clock_row()

    @router.post("/clock/resume", summary="Market time goes on")
    async def resume() -> dict[str, Any]:
        control.desk.service.clock.resume()
        control.driver.clock_changed()
        return clock_row()

    @router.post("/clock/speed", summary="Market seconds in a second")
    async def speed(body: Speed) -> dict[str, Any]:
        control.desk.service.clock.set_speed(body.speed)
        control.driver.clock_changed()
        return clock_row()

    @router.post("/clock/step", summary="Let market time pass at once, paused or not")
    async def step(body: Step) -> dict[str, Any]:
        await control.driver.step(body.seconds)
        return clock_row()

    @router.post("/clock/tick", summary="One tick at the time it is: marks are set, what is due happens")
    async def tick() -> dict[str, Any]:
        control.do(Tick(time_ns=control.now_ns()))
        return clock_row()


def _books(router: APIRouter, control: Control) -> None:
    @router.get("/books", summary="The zero-sum report: every ledger and every symbol adds up")
    async def books() -> dict[str, Any]:
        return cast("dict[str, Any]", plain(books_report(control.state)))

    @router.get("/state_hash", summary="The digest of the whole state and how many commands made it")
    async def state_hash() -> dict[str, Any]:
        return {"sequence": control.state.sequence, "hash": control.desk.service.exchange.state_hash()}


def _contract(symbol: str, there: Contract | None, terms: dict[str, Any], at_ns: int) -> Contract:
    """The contract with `terms` replaced: as it is listed, else as the packaged snapshot has it, else all of them."""
    unknown = [name for name in terms if name not in Contract.__struct_fields__ or name == "symbol"]
    if unknown:
        raise BadInput(f"{unknown[0]!r} is no term of a contract: {', '.join(Contract.__struct_fields__[1:])}")
    if there is None:
        needed = ("base", "quote", "settle", "tick", "step", "brackets", "min_price", "max_price", "min_qty", "max_qty")
        if not all(name in terms for name in needed):
            there = packaged_contracts([symbol], at_ns)[0]
    rows = {} if there is None else msgspec.to_builtins(there)
    if isinstance(terms.get("brackets"), list):
        terms["brackets"] = _with_cum(terms["brackets"])
    try:
        return msgspec.convert({"symbol": symbol, **rows, **_texts(terms)}, Contract, strict=False)
    except (msgspec.ValidationError, ArithmeticError) as error:
        raise BadInput(f"the terms of {symbol} cannot be read: {error}") from None


def _with_cum(rows: list[Any]) -> list[Any]:
    """Bracket rows with the maintenance amount filled in where it is left away: it makes the tiers join."""
    out: list[Any] = []
    cum = rate = Decimal(0)
    try:
        for row in rows:
            cum += Decimal(str(row["floor"])) * (Decimal(str(row["mmr"])) - rate)
            rate = Decimal(str(row["mmr"]))
            out.append({**row, "cum": row.get("cum", f"{cum:f}")})
            cum = Decimal(str(out[-1]["cum"]))
    except (KeyError, TypeError, AttributeError, ArithmeticError):
        return rows  # reading them as brackets says what is wrong
    return out


def _texts(value: Any) -> Any:
    """Numbers as the text they were typed as, so that none is a float on its way to a Decimal."""
    if isinstance(value, dict):
        return {name: _texts(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_texts(part) for part in value]
    return str(value) if isinstance(value, float) else value


def _account_row(control: Control, account: Account) -> dict[str, Any]:
    state, floor = control.state, control.desk.service.exchange.floor
    positions = []
    with deciding():
        for symbol in dict.fromkeys(position.symbol for position in account.positions.values()):
            for side in sides_of(account):
                row = held(floor, account, symbol, side)
                if row.qty:
                    positions.append(
                        {
                            "symbol": symbol, "side": side, "qty": row.qty, "cost": row.cost, "mark": row.mark,
                            "unrealised": row.unrealised, "isolated": row.isolated, "margin": row.wallet,
                            "maintenance": row.maintenance, "leverage": row.leverage,
                        }
                    )  # fmt: skip
    answer = {
        "account": account.id,
        "name": account.name,
        "kind": account.kind,
        "parent": account.parent,
        "fee_tier": account.fee_tier,
        "hedge_mode": account.dual,
        "wallets": {asset: ledger.balance(account.wallet_name) for asset, ledger in state.ledgers.items()},
        "positions": positions,
        "open_orders": len(account.orders),
        "open_algos": len(account.algos),
    }
    return cast("dict[str, Any]", plain(answer))


def _symbol_row(control: Control, symbol: str) -> dict[str, Any]:
    market = control.state.markets[symbol]
    answer = {
        "symbol": symbol,
        "status": market.status,
        "index": market.index,
        "mark": market.mark,
        "last": market.last_price,
        "pinned_mark": market.pinned_mark,
        "held_index": control.driver.held().get(symbol),
        "funding_rate": market.last_rate,
        "funding_interval_h": market.interval_h,
        "next_funding_ms": market.next_funding_ns // 1_000_000,
        "open_interest": market.open_interest,
        "contract": msgspec.to_builtins(market.contract),
    }
    return cast("dict[str, Any]", plain(answer))
