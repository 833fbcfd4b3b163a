"""The plain seeded driver: throws rules at one exchange and has the auditor look after every step."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import NamedTuple

from model.auditor import Auditor, claim
from model.rules import World, throw

from bearskin.exchange._core import Exchange
from bearskin.exchange._words import AnyCommand, Event, Refused

AUDIT_EVERY = 250  # steps between full recomputations
RESTORE_EVERY = 5_000  # steps between restoring a snapshot and going on with it


class Run(NamedTuple):
    """What a run did: its seed and steps, the seconds of computing it took, events and refusal codes by number."""

    seed: int
    steps: int
    seconds: float
    events: Counter[str]
    refusals: Counter[int]


class Faulty(AssertionError):
    """A run that went wrong; says at which step, by which rule and command, and how to see it again."""


def begin() -> tuple[World, Auditor]:
    """A world whose day has begun, and the auditor that saw it begin."""
    world = World()
    auditor = Auditor(world.exchange)
    for command in world.opening():
        events = world.exchange.apply(command)
        auditor.follow(command, events)
        claim(not (events and isinstance(events[0], Refused)), "the day begins without refusals", command, events)
    auditor.step()
    return world, auditor


def carry_out(world: World, auditor: Auditor, command: AnyCommand) -> list[Event]:
    """One step: the command, and everything that must hold after it."""
    auditor.before(command)
    events = world.exchange.apply(command)
    auditor.follow(command, events)
    if not (events and isinstance(events[0], Refused)):
        auditor.step()
    return events


def restored(world: World, auditor: Auditor) -> None:
    """Go on with the exchange that a snapshot gives; it must be the same."""
    before = world.exchange.state_hash()
    world.exchange = auditor.exchange = Exchange.restore(world.exchange.snapshot())
    claim(world.exchange.state_hash() == before, "a snapshot gives the same exchange")


def run(seed: int, steps: int, seconds_max: float = 1e9) -> Run:
    """Throw `steps` commands, or as many as fit into the seconds; raises Faulty at the first thing that is wrong."""
    dice = random.Random(seed)
    began, began_cpu = time.perf_counter(), time.process_time()
    world, auditor = begin()
    done = 0
    while done < steps and (done % 64 or time.perf_counter() - began < seconds_max):
        name, command = throw(world, dice)
        hashed = world.exchange.state_hash() if done % 16 == 0 else ""
        try:
            events = carry_out(world, auditor, command)
            if hashed and events and isinstance(events[0], Refused):
                claim(world.exchange.state_hash() == hashed, "a refusal changes nothing", command, events)
            done += 1
            if done % AUDIT_EVERY == 0 or done == steps:
                auditor.audit()
            if done % RESTORE_EVERY == 0:
                restored(world, auditor)
        except Exception as fault:
            story = f"seed {seed}, step {done}, rule {name}: {command!r}"
            raise Faulty(f"{story}\n{type(fault).__name__}: {fault}") from fault
    auditor.audit()
    spent = time.process_time() - began_cpu
    return Run(seed, done, spent, Counter(auditor.counts), Counter(auditor.refusals))
