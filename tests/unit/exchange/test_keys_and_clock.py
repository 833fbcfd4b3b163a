"""Keys out of one master secret, and market time."""

from __future__ import annotations

import pytest

from bearskin.exchange._clock import MarketClock
from bearskin.exchange._keys import Keys
from bearskin.terms import BadInput, StoreBroken

SECOND = 1_000_000_000


def zeros(count: int) -> bytes:
    return bytes(count)


def test_a_key_names_its_account_and_carries_a_seal(tmp_path):
    keys = Keys.open(tmp_path, zeros)
    key, secret = keys.make(7)
    owner = keys.secret_of(key)
    assert owner is not None
    assert (owner.account, owner.secret, owner.kind) == (7, secret.encode(), "HMAC")
    assert len(key) == len(secret) == 64
    assert keys.make(7) == (key, secret)
    assert keys.make(7, 2)[0] != key
    assert keys.secret_of(f"{8:08x}{key[8:]}") is None, "the seal belongs to the account"
    assert keys.secret_of("") is None
    assert keys.secret_of("ä" * 64) is None


def test_the_master_secret_is_kept_and_nobody_else_may_read_it(tmp_path):
    key, secret = Keys.open(tmp_path, lambda n: b"\x05" * n).make(2)
    again = Keys.open(tmp_path, zeros)
    assert again.make(2) == (key, secret)
    assert (tmp_path / "master.secret").stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    other.mkdir()
    assert Keys.open(other, zeros).secret_of(key) is None
    assert secret not in repr(again) + repr(again.secret_of(key))


def test_a_public_key_is_remembered(tmp_path):
    keys = Keys.open(tmp_path, zeros)
    key = keys.register(3, "ED25519", "-----BEGIN PUBLIC KEY-----")
    owner = Keys.open(tmp_path, zeros).secret_of(key)
    assert owner is not None
    assert (owner.account, owner.kind, owner.secret) == (3, "ED25519", b"-----BEGIN PUBLIC KEY-----")


def test_damaged_secrets_are_said(tmp_path):
    (tmp_path / "master.secret").write_bytes(b"short")
    with pytest.raises(StoreBroken, match="5 bytes"):
        Keys.open(tmp_path, zeros)
    (tmp_path / "master.secret").write_bytes(bytes(32))
    (tmp_path / "public_keys.json").write_text("[1]")
    with pytest.raises(StoreBroken, match="public keys"):
        Keys.open(tmp_path, zeros)


class Wall:
    def __init__(self) -> None:
        self.now = 50 * SECOND

    def __call__(self) -> int:
        return self.now


def test_market_time_follows_the_wall_at_a_speed():
    wall = Wall()
    clock = MarketClock(wall, start_ns=1_000 * SECOND, speed=10)
    wall.now += 2 * SECOND
    assert clock.now_ns() == 1_020 * SECOND
    assert clock.wall_of(1_030 * SECOND) == 53 * SECOND
    clock.set_speed(0.5)
    wall.now += 2 * SECOND
    assert clock.now_ns() == 1_021 * SECOND


def test_a_pause_stands_still_and_a_step_jumps():
    wall = Wall()
    clock = MarketClock(wall, start_ns=0)
    wall.now += SECOND
    clock.pause()
    wall.now += 100 * SECOND
    assert clock.now_ns() == SECOND
    clock.move_to(60 * SECOND)
    assert clock.now_ns() == 60 * SECOND
    clock.resume()
    wall.now += SECOND
    assert clock.now_ns() == 61 * SECOND


def test_it_never_runs_backwards_nor_past_what_is_prepared():
    wall = Wall()
    clock = MarketClock(wall, start_ns=0)
    wall.now += 5 * SECOND
    assert clock.now_ns() == 5 * SECOND
    wall.now -= 3 * SECOND
    assert clock.now_ns() == 5 * SECOND
    clock.move_to(2 * SECOND)
    assert clock.now_ns() == 5 * SECOND
    clock.limit_ns = 6 * SECOND
    wall.now += 100 * SECOND
    assert clock.now_ns() == 6 * SECOND


@pytest.mark.parametrize("speed", [0, -1, 1e-9, float("nan"), float("inf"), 1e9])
def test_speeds_that_cannot_be(speed):
    with pytest.raises(BadInput, match="speed was"):
        MarketClock(Wall(), start_ns=0, speed=speed)
