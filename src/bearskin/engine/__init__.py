"""The one loop: events in, approved commands out, every decision written down. Demo, live and backtest run this."""

from bearskin.engine._codec import record_bytes, record_of
from bearskin.engine._notes import WARNINGS, AnyNote, Record
from bearskin.engine._rows import rows_of
from bearskin.engine._said import said
from bearskin.engine._settings import CalendarEvent, EngineSettings

__all__ = [
    "WARNINGS",
    "AnyNote",
    "CalendarEvent",
    "EngineSettings",
    "Record",
    "record_bytes",
    "record_of",
    "rows_of",
    "said",
]
