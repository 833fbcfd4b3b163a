"""Listen keys: an hour at a go, extended by asking again, and in force across a restart."""

from __future__ import annotations

import stat
from pathlib import Path

from bearskin.exchange.wire._listen_keys import VALID_MS, ListenKeys


class Wall:
    """A clock on the wall that a test turns."""

    ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.ms


def test_a_key_outlives_the_process_until_its_hour_is_over(tmp_path: Path) -> None:
    """
    two accounts ask for keys, one closes its own; the process ends
    -> the other's key is in force in the next process, and asking again gives the same one; an hour later it is gone
    """
    wall, file = Wall(), tmp_path / "listen_keys.json"
    before = ListenKeys(wall, file)
    kept, closed = before.create(2), before.create(3)
    before.close(3)

    after = ListenKeys(wall, file)
    assert (after.owner(kept), after.owner(closed)) == (2, None)
    wall.ms += VALID_MS - 1
    assert after.create(2) == kept
    wall.ms += VALID_MS
    assert after.owner(kept) is None
    assert after.expired() == [(2, kept)]
    assert ListenKeys(wall, file).owner(kept) is None


def test_the_file_is_for_its_owner_alone_and_may_be_damaged(tmp_path: Path) -> None:
    """Whoever has a listen key hears the account; a file that cannot be read costs nothing but new keys."""
    wall, file = Wall(), tmp_path / "listen_keys.json"
    ListenKeys(wall, file).create(2)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for damage in ("", "{", '{"a": 1}', "[[1]]", "[1, 2]", "null", '[[2, "k", "z"]]'):
        file.write_text(damage)
        keys = ListenKeys(wall, file)
        assert keys.owner(keys.create(2)) == 2, damage
