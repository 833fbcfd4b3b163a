"""Sending a ticket: through the same preflight, once, and what became of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from unit.app.web import ticket_kit

from bearskin.app._api import act_of as engine_act
from bearskin.app.web import _ticket_send
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._page_ticket_send import life_html
from bearskin.app.web._ticket_price import priced
from bearskin.app.web._ticket_send import Sent, act_of, life_of, send
from bearskin.app.web._ticket_tables import in_words
from bearskin.terms import BadInput, BearskinError, MarginMode, Side

D = Decimal


class Bot:
    """Counts what it is asked to do."""

    def __init__(self, answer: Any = None) -> None:
        self.acts: list[dict[str, Any]] = []
        self.answer = answer or {"trade": 7, "detail": "short 0.039 BTCUSDT at market", "refused": ""}

    async def act(self, act: dict[str, Any]) -> dict[str, Any]:
        self.acts.append(act)
        await asyncio.sleep(0.01)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def desk(monkeypatch):
    async def case_of(desk: Any, symbol: str, *, fresh: bool = False) -> Any:
        return ticket_kit.case()

    async def aside(work: Any) -> Any:
        return work()

    monkeypatch.setattr(_ticket_send, "case_of", case_of)
    return SimpleNamespace(bot=Bot(), kept={}, aside=aside)


def test_pressed_twice_it_is_done_once(desk):
    async def twice() -> list[Sent]:
        return await asyncio.gather(*(send(desk, ticket_kit.draft(), "ticket-1") for _ in range(2)))

    first, second = asyncio.run(twice())
    assert first == second
    assert (first.trade, first.refused, len(desk.bot.acts)) == (7, "", 1)


def test_what_preflight_refuses_never_reaches_the_bot(desk):
    sent = asyncio.run(send(desk, ticket_kit.draft(stop=D(58_000)), "ticket-2"))
    assert "belongs above its entry" in sent.refused
    assert desk.bot.acts == []


def test_a_name_that_was_another_ticket_s_is_refused(desk):
    async def both() -> None:
        await send(desk, ticket_kit.draft(), "ticket-3")
        await send(desk, ticket_kit.draft(stop=D(63_000)), "ticket-3")

    with pytest.raises(BadInput, match="'ticket-3' was used for another act"):
        asyncio.run(both())


@pytest.mark.parametrize("error", [BearskinError("the bot has not answered"), KeyError("a bug of ours")])
def test_where_nobody_has_answered_the_same_name_is_asked_again(desk, error):
    desk.bot.answer = error

    async def both() -> Sent:
        with pytest.raises(type(error)):
            await send(desk, ticket_kit.draft(), "ticket-4")
        desk.bot.answer = {"trade": 7}
        return await send(desk, ticket_kit.draft(), "ticket-4")

    assert asyncio.run(both()).trade == 7
    assert [act["act_id"] for act in desk.bot.acts] == ["ticket-4", "ticket-4"]  # the engine does it once at most


def test_where_nobody_has_answered_the_very_same_act_goes_out_again(desk, monkeypatch):
    """Composed anew at another price it would be another act, and the bot would refuse a short that is open."""
    desk.bot.answer = BearskinError("the bot has not answered")

    async def both() -> Sent:
        with pytest.raises(BearskinError):
            await send(desk, ticket_kit.draft(), "ticket-8")
        monkeypatch.setattr(_ticket_send, "priced", None)
        with pytest.raises(BadInput, match="used for another act"):
            await send(desk, ticket_kit.draft(stop=D(63_000)), "ticket-8")
        desk.bot.answer = {"trade": 7}
        return await send(desk, ticket_kit.draft(), "ticket-8")

    assert asyncio.run(both()).trade == 7
    assert desk.bot.acts[0] == desk.bot.acts[1]


def test_the_act_is_one_that_the_bots_door_takes():
    draft = ticket_kit.draft(
        targets=(D(57_000), D(55_000)), kind="limit", price=D(60_100), trail_atr=D(3), preset="beginner", note="tired"
    )
    made = engine_act(act_of(priced(draft, ticket_kit.case()), "ticket-5"), 1, 2)
    assert (made.side, made.price, made.stop, made.leverage) == (Side.SHORT, D(60_100), D(62_500), D(3))
    assert (made.preset, made.qty, made.margin_mode) == ("beginner", None, MarginMode.ISOLATED)
    assert (made.targets, made.trail_atr, made.note) == ((D(57_000), D(55_000)), D(3), "tired")


def test_a_hedge_is_sent_with_its_shock_and_no_stop():
    draft = ticket_kit.draft(
        stop=None, purpose="hedge", preset="hedge", qty=D("0.5"), shock_frac=D("0.1"), margin_mode="cross"
    )
    made = engine_act(act_of(priced(draft, ticket_kit.case()), "ticket-6"), 1, 2)
    assert (made.purpose, made.shock_frac, made.qty, made.stop) == ("hedge", D("0.1"), D("0.5"), None)


def position(**changes: Any) -> dict[str, Any]:
    return {
        "trade": 7, "symbol": "BTCUSDT", "qty": "-0.039", "planned_qty": "-0.039", "entry": "60000", "stop": "62500",
        "protected": True, "unprotected_s": None, "max_unprotected_s": 0.071, "purpose": "speculation",
    } | changes  # fmt: skip


def now(*held: dict[str, Any], orders: tuple[dict[str, Any], ...] = (), decisions: Any = ()) -> BotNow:
    return BotNow(up=True, state={"positions": list(held), "orders": list(orders)}, decisions=tuple(decisions))


SENT = Sent(act_id="ticket-7", symbol="BTCUSDT", side="short", trade=7)
RESTING = {"trade": 7, "role": "entry", "price": "60500", "qty": "-0.039", "status": "open"}


@pytest.mark.parametrize(
    ("seen", "outcome", "says"),
    [
        (now(position()), "protected", "stop 62,500 rests at the venue, 0.071 s after the fill"),
        (now(position(protected=False, unprotected_s=1.25)), "filled", "the stop is on its way, 1.2 s"),
        (now(position(qty="0"), orders=(RESTING,)), "resting", "0.039 rests in the book at 60,500"),
        (now(position(qty="0")), "sent", "on its way to the venue"),
        (now(position(purpose="hedge", stop=None, protected=False)), "insured", "the hedge is on"),
        (now(), "sent", "on its way to the venue"),
        (
            now(decisions=[{"kind": "unfilled", "text": "not filled: rejected", "more": {"trade": 7}}]),
            "unfilled",
            "not filled: rejected",
        ),
    ],
)
def test_the_life_of_a_ticket(seen, outcome, says):
    life = life_of(SENT, seen)
    assert (life.outcome, life.text) == (outcome, says)


def test_what_else_is_decided_of_the_symbol_does_not_hide_how_the_trade_ended():
    told = [
        {
            "symbol": "BTCUSDT",
            "kind": "exit",
            "text": "closed by stop at 60445.8, net -3.11",
            "more": {"trade": 7},
        },
        {"symbol": "BTCUSDT", "kind": "declined", "text": "heat", "more": {}},
        {"symbol": "BTCUSDT", "kind": "exit", "text": "closed by target at 59000, net 9 USDT", "more": {"trade": 8}},
    ]
    life = life_of(SENT, now(decisions=told))
    assert (life.outcome, life.steps[-1].name, life.steps[-1].text) == (
        "ended", "Closed", "by stop at 60445.8, net -3.11",
    )  # fmt: skip
    shown = life_html(life, SENT)
    assert "<b>Closed</b> <span>by stop at 60,445.8, net −3.11</span>" in shown


def test_what_the_engine_says_is_shown_without_its_jargon():
    said = "short 0.0120 BTCUSDT at market, stop 60400.00, 4.93 at risk (bound by margin-share)"
    assert in_words(said) == (
        "short 0.0120 BTCUSDT at market, stop 60,400.00, 4.93 at risk (size limited by share of equity as margin)"
    )


def test_a_refusal_is_told_in_the_engine_s_words():
    life = life_of(Sent(act_id="x", symbol="BTCUSDT", side="short", refused="the bot is paused"), now())
    assert (life.outcome, life.steps[0].state, life.text) == ("refused", "failed", "the bot is paused")
