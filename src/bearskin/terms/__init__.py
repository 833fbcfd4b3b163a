"""The words every room speaks: instruments, brackets, sides, exact numbers, time, refusals and the error tree."""

from bearskin.terms._errors import (
    BadFile,
    BadInput,
    BearskinError,
    StoreBroken,
    UnknownBrackets,
    UnknownSymbol,
    VenueBroken,
    VenueError,
    VenueRejected,
)
from bearskin.terms._numbers import EXACT, QUOTE, Num, dec, shown, step_down, step_up, tick_down, tick_up
from bearskin.terms._refusals import Reason, Refused
from bearskin.terms._time import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, interval_ns, interval_word, iso, parse_time
from bearskin.terms._words import Bracket, Brackets, Instrument, MarginMode, Product, Side

__all__ = [
    "DAY_NS",
    "EXACT",
    "HOUR_NS",
    "MINUTE_NS",
    "QUOTE",
    "SECOND_NS",
    "BadFile",
    "BadInput",
    "BearskinError",
    "Bracket",
    "Brackets",
    "Instrument",
    "MarginMode",
    "Num",
    "Product",
    "Reason",
    "Refused",
    "Side",
    "StoreBroken",
    "UnknownBrackets",
    "UnknownSymbol",
    "VenueBroken",
    "VenueError",
    "VenueRejected",
    "dec",
    "interval_ns",
    "interval_word",
    "iso",
    "parse_time",
    "shown",
    "step_down",
    "step_up",
    "tick_down",
    "tick_up",
]
