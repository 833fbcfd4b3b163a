"""A real venue as a place to trade: only once its locks are open."""

from __future__ import annotations

import time

from bearskin.app._house import House
from bearskin.app._permit import live_permit, live_records, terminal_ask
from bearskin.app._world import Place
from bearskin.terms import BadInput


def live_place(house: House, venue: str, env: str, confirm: str | None, *, reducing: bool = False) -> Place:
    """The account of `venue` that the keys of the house open; raises BadInput naming the step that is missing.

    With `reducing` only a key is asked for.
    """
    from bearskin.live import VENUES

    if venue not in VENUES:
        raise BadInput(f"venue was {venue!r}, must be demo or one of {', '.join(sorted(VENUES))}")
    permit = live_permit(
        house,
        venue,
        env,
        confirm=confirm,
        ask=terminal_ask(),
        records=lambda: live_records(house, venue),
        reducing=reducing,
        now_wall_ns=time.time_ns(),
    )
    keys = permit.keys
    assert keys is not None, "only the demo exchange does without keys"
    opened = keys.for_ccxt()
    return Place(
        venue=permit.venue,
        env=permit.env,
        account=keys.fingerprint,
        key=opened["apiKey"],
        secret=opened["secret"],
        password=opened.get("password", ""),
        title=f"{permit.venue}{' demo environment' if permit.env == 'demo' else ''}",
        notional_cap=permit.notional_cap,
        hints=permit.hints,
    )
