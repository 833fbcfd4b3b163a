"""A book kept from a snapshot and the diffs, as the venue tells its users to, is the exchange's own book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from wire.desk_kit import BTC
from wire.stream_kit import MAKER, USER, Ear, StreamKit

NAMES = ("btcusdt@depth@100ms", "btcusdt@depth", "btcusdt@depth@500ms")


class Follower:
    """What a careful client does: buffer, take a snapshot, drop what is older, then insist on `pu`.

    The first diff taken must hold the snapshot's id between its U and u, as the venue documents.
    """

    def __init__(self, kit: StreamKit, name: str) -> None:
        self.kit = kit
        self.ear = Ear()
        assert kit.streams.add(name, self.ear)
        self.taken = 0
        self.last: int | None = None
        self.synced = False
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}

    def snapshot(self) -> None:
        """As GET /fapi/v1/depth gives it."""
        book = self.kit.exchange.floor.books[BTC]
        for side, sign in (("b", 1), ("a", -1)):
            self.sides[side] = {f"{price:.1f}": f"{qty:.3f}" for price, qty in book.levels(sign)}
        self.last = self.kit.exchange.state.markets[BTC].update_id
        self.synced = False

    def follow(self) -> None:
        """Take in what has come."""
        rows: list[Any] = self.ear.rows()
        for row in rows[self.taken :]:
            self.taken += 1
            if self.last is None or row["u"] < self.last:
                continue
            if self.synced:
                assert row["pu"] == self.last
            else:
                assert row["U"] <= self.last <= row["u"]
                self.synced = True
            for side in ("b", "a"):
                for price, qty in row[side]:
                    if Decimal(qty):
                        self.sides[side][price] = qty
                    else:
                        self.sides[side].pop(price, None)
            self.last = row["u"]

    def agrees(self) -> None:
        """Level for level the same as the exchange's, to the digit."""
        book = self.kit.exchange.floor.books[BTC]
        for side, sign in (("b", 1), ("a", -1)):
            real = {f"{price:.1f}": f"{qty:.3f}" for price, qty in book.levels(sign)}
            assert self.sides[side] == real
        assert self.last == self.kit.exchange.state.markets[BTC].update_id


@contextmanager
def fresh() -> Iterator[StreamKit]:
    kit = StreamKit()
    try:
        yield kit
    finally:
        kit.close()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("rest"), st.sampled_from([MAKER, USER]), st.sampled_from([1, -1]), st.integers(-40, 40)),
        st.tuples(st.just("take"), st.just(USER), st.sampled_from([1, -1]), st.integers(1, 2_000)),
        st.tuples(st.just("cancel"), st.sampled_from([MAKER, USER]), st.just(0), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.just(0), st.just(0), st.sampled_from([50, 100, 250, 500])),
        st.tuples(st.just("snapshot"), st.just(0), st.just(0), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=40,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_whatever_is_traded_a_followed_book_is_the_book(script: list[tuple[str, int, int, int]]) -> None:
    with fresh() as kit:
        followers = [Follower(kit, name) for name in NAMES]
        names: list[tuple[int, str]] = []
        for number, (kind, account, side, value) in enumerate(script):
            if kind == "rest":
                names.append((account, f"n{number}"))
                price = f"{60_000 + side * value * 0.5:.1f}"
                kit.place(account, side, "0.150", price, client_id=names[-1][1], self_trade="EXPIRE_BOTH")
            elif kind == "take":
                kit.place(account, side, str(Decimal(value) / 1000 + Decimal("0.002")))
            elif kind == "cancel" and names:
                kit.cancel(*names[value % len(names)])
            elif kind == "wait":
                kit.wait(value)
            elif kind == "snapshot":
                followers[value].snapshot()
            for follower in followers:
                follower.follow()
        for follower in followers:
            if follower.last is None:
                follower.snapshot()
        kit.place(MAKER, 1, "0.100", "59000.0")
        kit.wait(1_000)
        for follower in followers:
            follower.follow()
            assert follower.synced
            follower.agrees()


def test_a_snapshot_of_a_book_at_rest_is_continued_by_the_next_diff() -> None:
    """Nothing had happened since the last message: the diff after it still holds the snapshot's id."""
    with fresh() as kit:
        follower = Follower(kit, NAMES[0])
        kit.place(MAKER, 1, "0.100", "59000.0")
        kit.wait(1_000)
        follower.snapshot()
        kit.place(MAKER, 1, "0.200", "59000.0")
        kit.wait(100)
        follower.follow()
        assert follower.synced
        assert follower.sides["b"]["59000.0"] == "0.300"
        follower.agrees()
