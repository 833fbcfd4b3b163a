"""Questions to a venue that raise our errors when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bearskin.live._ccxt import load_ccxt, venue_error
from bearskin.live._dialects import Call

if TYPE_CHECKING:
    from bearskin.live._venue import CcxtVenue


async def asked(venue: CcxtVenue, call: Call) -> Any:
    """The answer to a question; raises VenueBroken or VenueRejected."""
    await venue.budget.ask(call.method)
    try:
        return await call.on(venue.exchange)
    except load_ccxt().BaseError as error:
        raise venue_error(error, venue=venue.dialect.venue) from error
