"""Every page of the dashboard, in the order of the bar."""

from __future__ import annotations

from bearskin.app.web._page_alerts import alerts_page
from bearskin.app.web._page_backtests import backtests_page
from bearskin.app.web._page_bot import bot_page
from bearskin.app.web._page_learn import learn_page
from bearskin.app.web._page_market import market_page
from bearskin.app.web._page_positions import positions_page
from bearskin.app.web._page_scan import scan_page
from bearskin.app.web._page_settings import settings_page
from bearskin.app.web._page_ticket import ticket_page
from bearskin.app.web._shell import Page

PAGES = (
    Page("/", "Market", "candlestick_chart", market_page),
    Page("/scan", "Scan", "radar", scan_page),
    Page("/bot", "Bot", "smart_toy", bot_page),
    Page("/ticket", "Ticket", "receipt_long", ticket_page),
    Page("/backtests", "Backtests", "history", backtests_page),
    Page("/learn", "Learn", "school", learn_page),
    Page("/alerts", "Alerts", "notifications", alerts_page),
    Page("/settings", "Settings", "settings", settings_page),
    Page("/positions", "Positions", "account_balance_wallet", positions_page),
)
