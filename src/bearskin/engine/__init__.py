"""The one loop: events in, approved commands out, every decision written down. Demo, live and backtest run this."""

from bearskin.engine._asked import content_of, name_taken
from bearskin.engine._book import Account, Book, Trade, Working
from bearskin.engine._codec import record_bytes, record_of
from bearskin.engine._desk import Desk, Market
from bearskin.engine._engine import Doubt, Engine, Mind, Stepped
from bearskin.engine._mind import Decider
from bearskin.engine._notes import (
    WARNINGS,
    Adjusted,
    AnyNote,
    Corrected,
    Declined,
    Done,
    Ended,
    Equity,
    Foreign,
    Issued,
    Leaving,
    Limited,
    ModeSet,
    Planned,
    Protection,
    Reconciled,
    Record,
    Regimed,
    Signalled,
    StopMoved,
    TargetMoved,
    Warned,
)
from bearskin.engine._rows import rows_of
from bearskin.engine._said import said
from bearskin.engine._settings import CalendarEvent, EngineSettings
from bearskin.engine._sound import sound

__all__ = [
    "WARNINGS",
    "Account",
    "Adjusted",
    "AnyNote",
    "Book",
    "CalendarEvent",
    "Corrected",
    "Decider",
    "Declined",
    "Desk",
    "Done",
    "Doubt",
    "Ended",
    "Engine",
    "EngineSettings",
    "Equity",
    "Foreign",
    "Issued",
    "Leaving",
    "Limited",
    "Market",
    "Mind",
    "ModeSet",
    "Planned",
    "Protection",
    "Reconciled",
    "Record",
    "Regimed",
    "Signalled",
    "Stepped",
    "StopMoved",
    "TargetMoved",
    "Trade",
    "Warned",
    "Working",
    "content_of",
    "name_taken",
    "record_bytes",
    "record_of",
    "rows_of",
    "said",
    "sound",
]
