"""How a record is written into a journal, and read back."""

from __future__ import annotations

import msgspec

from bearskin.engine._notes import Record
from bearskin.engine._sound import packed
from bearskin.terms import StoreBroken

_DECODER = msgspec.msgpack.Decoder(Record)


def record_bytes(record: Record) -> bytes:
    """The record as a journal keeps it: every figure exact, floats to the last bit, half a sign of text as U+FFFD."""
    return packed(record)


def record_of(data: bytes) -> Record:
    """The record that was written; raises StoreBroken for what is none of this bearskin's."""
    try:
        return _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"a record of the journal cannot be read ({error})") from None
