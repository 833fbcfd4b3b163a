"""What every route of the wire is handed: the exchange at work, who may speak to it, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bearskin.exchange._archive import Archive
    from bearskin.exchange._keys import Keys
    from bearskin.exchange._service import Service
    from bearskin.exchange.wire._limits import Limits
    from bearskin.exchange.wire._listen_keys import ListenKeys
    from bearskin.exchange.wire._streams import Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class WireDesk:
    """The parts a route may use. `token` is the control token; it is never logged."""

    service: Service
    archive: Archive
    keys: Keys
    listen_keys: ListenKeys
    limits: Limits
    streams: Streams
    token: str
    host: str
    port: int

    def __repr__(self) -> str:
        return f"WireDesk({self.host}:{self.port})"
