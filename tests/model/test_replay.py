"""The same commands give the same exchange: in another process, after a restart, and out of a journal."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from model.rules import World, throw

from bearskin.exchange._core import Exchange
from bearskin.exchange._words import AnyCommand, AnyEvent
from bearskin.ledger import digest

STEPS = 3_000
REFUSAL = b"Refused"
HERE = Path(__file__).resolve()
PROGRAM = "from model.test_replay import told; print(*told(7))"


def history(seed: int, steps: int = STEPS) -> tuple[Exchange, list[AnyCommand], list[bytes]]:
    """An exchange after many commands, the commands, and what each brought about, as bytes."""
    world, dice = World(), random.Random(seed)
    commands = world.opening()
    for command in commands:
        world.exchange.apply(command)
    # the opening's events are part of the history, so it is gone through again
    exchange = world.exchange = Exchange()
    events = [msgspec.msgpack.encode(exchange.apply(command)) for command in commands]
    for _ in range(steps):
        _, command = throw(world, dice)
        commands.append(command)
        events.append(msgspec.msgpack.encode(exchange.apply(command)))
    return exchange, commands, events


def told(seed: int) -> tuple[str, str]:
    """The hash of the state and the hash of everything that happened."""
    exchange, _, events = history(seed)
    return exchange.state_hash(), digest(events)


def in_a_process(hash_seed: str) -> str:
    """What another interpreter says, whose strings hash otherwise."""
    paths = os.pathsep.join([str(HERE.parents[2] / "src"), str(HERE.parents[1])])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_two_processes_with_other_hash_seeds_agree():
    first, second = in_a_process("0"), in_a_process("4711")
    assert first == second
    assert first.split() == list(told(7))


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_exchange_restored_in_the_middle_goes_on_the_same(seed):
    """Whatever was derived (queues, the watch on liquidation) comes back from the state alone."""
    exchange, commands, events = history(seed)
    for middle in (STEPS // 3, STEPS // 2, 2 * STEPS // 3):
        again = Exchange()
        for command in commands[:middle]:
            again.apply(command)
        again = Exchange.restore(again.snapshot())
        later = [msgspec.msgpack.encode(again.apply(command)) for command in commands[middle:]]
        assert later == events[middle:]
        assert again.state_hash() == exchange.state_hash()


@pytest.mark.parametrize("seed", [14, 15])
def test_refused_commands_leave_no_trace(seed):
    """A journal holds what was carried out: without the refused ones everything happens just the same."""
    exchange, commands, events = history(seed)
    again = Exchange()
    refused = 0
    for command, told_then in zip(commands, events, strict=True):
        if REFUSAL in told_then[:40]:  # the name of the kind comes first, and a refusal is the only event
            refused += 1
            continue
        assert msgspec.msgpack.encode(again.apply(command)) == told_then
    assert refused > STEPS // 10
    assert again.state_hash() == exchange.state_hash()


def test_commands_and_events_survive_being_written():
    """A journal holds commands as bytes: read back, they give the same state; events read back are the same."""
    exchange, commands, events = history(21)
    reader = msgspec.msgpack.Decoder(AnyCommand)
    again = Exchange()
    for command, told_then in zip(commands, events, strict=True):
        if REFUSAL not in told_then[:40]:  # the refused are not written, and some of them could not be
            again.apply(reader.decode(msgspec.msgpack.encode(command)))
    assert again.state_hash() == exchange.state_hash()
    told_again = msgspec.msgpack.Decoder(list[AnyEvent])
    assert all(msgspec.msgpack.encode(told_again.decode(written)) == written for written in events)


def test_hash_covers_every_part_of_the_state():
    """A change anywhere is a change of the hash: a position, a wallet, an open order, a waiting stop, a countdown."""
    exchange, _, _ = history(22)
    whole = exchange.state_hash()
    state = exchange.state
    held = next(account for account in state.accounts.values() if account.positions)
    position = next(iter(held.positions.values()))
    seen = {whole}
    for record, field in ((position, "cost"), (state.markets["BTCUSDT"], "premium_sum"), (held, "fee_tier")):
        before = getattr(record, field)
        setattr(record, field, before + 1)
        seen.add(exchange.state_hash())
        setattr(record, field, before)
    assert len(seen) == 4
    assert exchange.state_hash() == whole
