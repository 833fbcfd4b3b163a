"""The page of the account: what is held, what can be done with it, what a move would do, and what the venue tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from bearskin.app.web._account_link import Account
from bearskin.app.web._bot_link import BotNow
from bearskin.app.web._desk import WebDesk
from bearskin.app.web._hub import ACCOUNT, BOT
from bearskin.app.web._kit import figure, heard, money, panel, tone_of
from bearskin.app.web._page_positions_rows import Rows
from bearskin.app.web._page_positions_shock import shock_panel
from bearskin.app.web._page_positions_tabs import tabs_panel
from bearskin.app.web._page_positions_tools import push_panel, wallets_panel
from bearskin.app.web._positions import Standing, marks_of, standing_of
from bearskin.app.web._positions_html import meter, move

TICK_S = 0.25


@dataclass(slots=True, repr=False)
class Look:
    """What one open page has heard last, and who draws from it."""

    account: Account | None = None
    state: Mapping[str, Any] | None = None
    standing: Standing | None = None
    up: bool = False
    why: str = ""
    drawn: list[Any] = field(default_factory=list)

    def draw(self) -> None:
        """Reckon anew and show it."""
        if self.account is None:
            return
        self.standing = standing_of(self.account, self.state, marks_of(self.state))
        for show in self.drawn:
            show(self)


def positions_page(desk: WebDesk) -> None:
    """Build it."""
    look = Look()
    with ui.element("div").classes("positions-page"):
        _account_panel(desk, look)
        _positions_panel(desk, look)
        with ui.element("div").classes("positions-two"):
            shock_panel(desk, look)
            with ui.element("div").classes("positions-side"):
                wallets_panel(desk)
                push_panel(desk)
        tabs_panel(desk, look)
    _listen(desk, look)


def _listen(desk: WebDesk, look: Look) -> None:
    def account(now: Account) -> None:
        look.account = now
        look.draw()

    def bot(now: BotNow) -> None:
        look.state, look.up, look.why = now.state, now.up, now.why
        look.draw()

    heard(desk, BOT, bot, every_s=TICK_S)
    heard(desk, ACCOUNT, account, every_s=TICK_S)
    if desk.account is not None:
        desk.account.look()


def _again(desk: WebDesk) -> None:
    if desk.account is not None:
        desk.account.look(whole=True)


def _account_panel(desk: WebDesk, look: Look) -> None:
    with panel("Account", "account", "positions-account") as frame:
        with ui.element("div").classes("figures"):
            equity = figure("Equity", "account-equity")
            wallet = figure("Wallet", "account-wallet")
            available = figure("Available", "account-available")
            pnl = figure("Unrealised PnL", "account-pnl")
            used = figure("Margin in use", "account-margin")
            joint = figure("Everything together liquidates at", "account-joint")
            with ui.element("div").classes("figure wide").props("data-figure=account-ratio"):
                ui.label("Margin ratio of the cross wallet").classes("figure-label")
                ratio = ui.html("–", sanitize=False)
        with frame.tools:
            ui.button(icon="refresh", on_click=lambda: _again(desk)).props(
                'flat dense round size=sm aria-label="Ask the venue again"'
            )
    if desk.account is None:
        frame.empty("no venue is connected: `bearskin demo` starts one with a bot")
        return
    frame.loading()

    def show(seen: Look) -> None:
        now, account = seen.standing, seen.account
        assert now is not None
        assert account is not None
        if not account.heard_s:  # noughts would read as an empty account
            frame.failed(f"the venue has not told the account yet: {account.why}")
            return
        frame.shown()
        frame.stale(now.why or (None if seen.up else seen.why or "no bot is running"))
        equity.set(money(now.equity))
        wallet.set(money(now.wallet))
        available.set(money(now.available))
        pnl.set(money(now.pnl), tone_of(round(now.pnl, 2)))
        used.set(money(now.margin))
        levels = " · ".join(move(one) for one in now.moves)
        joint.set(levels or ("no move" if now.cross_count else "no cross position"))
        said = meter(now.ratio, "Margin ratio of the cross wallet") if now.cross_count else "0.00 %: no cross position"
        if ratio.content != said:
            ratio.set_content(said)

    look.drawn.append(show)


def _positions_panel(desk: WebDesk, look: Look) -> None:
    with panel("Positions", "positions", "positions-held") as frame:
        rows = Rows(desk)
        rows.build()
    if desk.account is None:
        frame.empty("no venue is connected")
        return
    frame.loading("asking the venue…")

    def show(seen: Look) -> None:
        now, account = seen.standing, seen.account
        assert now is not None
        assert account is not None
        if not account.heard_s and not now.held:
            frame.failed(f"the venue has not told the account yet: {account.why}")
            return
        if not now.held:
            frame.empty("nothing is held: open a short on the ticket, or let the bot find one")
        else:
            frame.shown()
        frame.stale(now.why or None)
        rows.show(now, account.terms)

    look.drawn.append(show)
