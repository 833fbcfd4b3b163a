"""The wire's test exchange with streams on it, and ears to hear them."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import Any

from wire.desk_kit import BTC, Kit

from bearskin.exchange._words import Cancel, Event, Place
from bearskin.exchange.wire._feeds import BEAT_MS, Message
from bearskin.exchange.wire._listen_keys import ListenKeys
from bearskin.exchange.wire._streams import Streams

MAKER, USER = 2, 3


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def hear(self, message: Message) -> None:
        self.messages.append(message)

    def rows(self, name: str | None = None) -> list[Any]:
        """What was heard, of one stream or of all, decoded."""
        return [json.loads(m.text) for m in self.messages if name is None or m.name == name]

    def events(self, kind: str) -> list[Any]:
        """What was heard of one kind of event."""
        return [row for row in self.rows() if isinstance(row, dict) and row["e"] == kind]

    def clear(self) -> None:
        self.messages.clear()


class StreamKit(Kit):
    """A kit whose streams are beaten by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.listen_keys = ListenKeys(self.service.wall_ms)
        self.streams = Streams(self.service, self.archive, self.listen_keys)
        self.desk = dataclasses.replace(self.desk, streams=self.streams, listen_keys=self.listen_keys)
        self.ear = Ear()

    def listen(self, *names: str) -> Ear:
        """Hear some streams from now on."""
        for name in names:
            assert self.streams.add(name, self.ear), name
        return self.ear

    def listen_to(self, account: int) -> Ear:
        """Hear what an account is told."""
        return self.listen(self.listen_keys.create(account))

    def say(self, *commands: Any) -> list[Event]:
        """Carry out commands as one batch."""
        return [event for events in self.service.submit_now(commands) for event in events]

    def place(self, account: int, side: int, qty: str, price: str | None = None, **more: Any) -> list[Event]:
        """A limit order, or a market order without a price."""
        return self.say(
            Place(
                time_ns=self.service.now_ns(), account=account, symbol=more.pop("symbol", BTC), side=side,
                type="MARKET" if price is None else "LIMIT", qty=Decimal(qty),
                price=Decimal(price) if price is not None else None, **more,
            )
        )  # fmt: skip

    def cancel(self, account: int, name: str, symbol: str = BTC) -> list[Event]:
        """Cancel by client id."""
        return self.say(Cancel(time_ns=self.service.now_ns(), account=account, symbol=symbol, client_id=name))

    def wait(self, ms: int) -> None:
        """Let wall time pass, beat by beat."""
        for _ in range(ms // BEAT_MS):
            self.pass_ms(BEAT_MS)
            self.streams.beat()
