"""How fast a client may speak: request weight per address, orders per account, both by wall time.

Windows are those of the clock (a minute, ten seconds), as the venue counts them.
"""

from __future__ import annotations

from bearskin.exchange._codes import Code
from bearskin.exchange.wire._params import Denied

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
WEIGHT_PER_MINUTE = 2_400
ORDERS_PER_TEN_SECONDS = 300
ORDERS_PER_MINUTE = 1_200
SPEAKERS_MAX = 10_000


class Limits:
    """Counts weight and orders in the running windows. With `on` false everything is counted and nothing refused."""

    __slots__ = (
        "_minute", "_orders_minute", "_orders_ten", "_ten", "_weights", "on", "orders_per_minute",
        "orders_per_ten_seconds", "weight_per_minute",
    )  # fmt: skip

    def __init__(
        self,
        *,
        on: bool = True,
        weight_per_minute: int = WEIGHT_PER_MINUTE,
        orders_per_ten_seconds: int = ORDERS_PER_TEN_SECONDS,
        orders_per_minute: int = ORDERS_PER_MINUTE,
    ) -> None:
        self.on = on
        self.weight_per_minute = weight_per_minute
        self.orders_per_ten_seconds = orders_per_ten_seconds
        self.orders_per_minute = orders_per_minute
        self._minute = -1
        self._ten = -1
        self._weights: dict[str, int] = {}
        self._orders_ten: dict[int, int] = {}
        self._orders_minute: dict[int, int] = {}

    def _turn(self, now_ms: int) -> None:
        """Forget the counts of windows that are over."""
        ten = now_ms // TEN_SECONDS_MS
        if ten != self._ten:
            self._ten = ten
            self._orders_ten.clear()
            minute = now_ms // MINUTE_MS
            if minute != self._minute:
                self._minute = minute
                self._weights.clear()
                self._orders_minute.clear()

    def spend(self, address: str, weight: int, now_ms: int) -> int:
        """Count `weight` for an address; what it has used this minute. Refuses what goes beyond."""
        self._turn(now_ms)
        weights = self._weights
        if address not in weights and len(weights) >= SPEAKERS_MAX:
            address = "others"
        used = weights.get(address, 0) + weight
        weights[address] = used
        if self.on and used > self.weight_per_minute:
            raise self._slow(
                Code.TOO_MANY_REQUESTS,
                f"Too many requests; current limit of IP({address}) is {self.weight_per_minute} requests per minute."
                " Please use the websocket for live updates to avoid polling the API.",
                MINUTE_MS,
                now_ms,
            )
        return used

    def count_orders(self, account: int, orders: int, now_ms: int) -> tuple[int, int]:
        """Count new orders of an account; its totals in ten seconds and in the minute. Refuses what goes beyond.

        A refused order does not count.
        """
        self._turn(now_ms)
        ten = self._orders_ten.get(account, 0) + orders
        minute = self._orders_minute.get(account, 0) + orders
        if self.on:
            if ten > self.orders_per_ten_seconds:
                raise self._slow(
                    Code.TOO_MANY_ORDERS,
                    f"Too many new orders; current limit is {self.orders_per_ten_seconds} orders per 10 SECOND.",
                    TEN_SECONDS_MS,
                    now_ms,
                )
            if minute > self.orders_per_minute:
                raise self._slow(
                    Code.TOO_MANY_ORDERS,
                    f"Too many new orders; current limit is {self.orders_per_minute} orders per 1 MINUTE.",
                    MINUTE_MS,
                    now_ms,
                )
        self._orders_ten[account] = ten
        self._orders_minute[account] = minute
        return ten, minute

    def weight_used(self, address: str, now_ms: int) -> int:
        """The weight an address has used this minute."""
        self._turn(now_ms)
        return self._weights.get(address, 0)

    def orders_used(self, account: int, now_ms: int) -> tuple[int, int]:
        """The orders of an account in the running ten seconds and minute."""
        self._turn(now_ms)
        return self._orders_ten.get(account, 0), self._orders_minute.get(account, 0)

    def _slow(self, code: Code, message: str, window_ms: int, now_ms: int) -> Denied:
        """A refusal that says when to come back, in whole seconds."""
        wait_s = (window_ms - now_ms % window_ms + 999) // 1000
        return Denied(code, message, 429, ((b"retry-after", str(wait_s).encode()),))
