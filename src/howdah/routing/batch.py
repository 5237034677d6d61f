"""May the messages of an extended batch run at a standby, as far as they have come?

A batch ends with Sync; with Flush, when the client wants to see answers before it goes on. What it holds is looked at
as a whole before any of it is sent, since all of it runs in one transaction, on one server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from howdah.routing.plan import Ends, Plan
from howdah.wire import codes
from howdah.wire.prepared import read_names
from howdah.wire.violation import ProtocolViolation

if TYPE_CHECKING:
    from howdah.routing.prepared import Statement
    from howdah.routing.texts import Texts
    from howdah.sql.statement import Hint

EXTENDED: Final = frozenset(b"PBDECHS")
COPYING: Final = frozenset(b"dcf")


class Batch:
    """`stop`: where it ends in the bytes. `whole`: nothing of its last message is missing. `synced`: it ends with
    Sync. `hint`: what a comment in it asks for. `recalls`: see `Plan`."""

    def __init__(self, stop: int) -> None:
        self.stop = stop
        self.whole = False
        self.synced = False
        self.read = True
        self.ends = Ends.NOTHING
        self.hint: Hint | None = None
        self.recalls = False


def look_at(
    data: bytes, start: int, names: Mapping[bytes, Statement], unnamed: Statement | None, texts: Texts
) -> Batch:
    """What begins at `start`. Raises ProtocolViolation for a message that is too short, or whose names have no end."""
    batch = Batch(start)
    at, end = start, len(data)
    made: dict[bytes, Plan] = {}
    if unnamed is not None:
        made[b""] = unnamed.plan
    while end - at > 4:
        kind = data[at]
        if kind not in EXTENDED:
            batch.whole = True
            break
        stop = at + 1 + (data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4])
        if stop < at + (7 if kind == codes.DESCRIBE or kind == codes.CLOSE else 5):
            raise ProtocolViolation(f"invalid message of type {kind} and length {stop - at - 1}")
        if stop > end:
            break
        if kind == codes.PARSE:
            found = read_names(data, at, stop)
            plan = made[found.statement or b""] = texts.plan_parse(data[found.rest : stop])
            batch.hint = plan.hint or batch.hint
            if not plan.read:
                batch.read = False  # it is going to be run, mostly: then it is there already
        elif kind == codes.BIND or (kind == codes.DESCRIBE and data[at + 5] == codes.STATEMENT):
            _run(batch, read_names(data, at, stop).statement or b"", made, names)
        at = stop
        if kind == codes.SYNC or kind == codes.FLUSH:
            batch.whole = True
            batch.synced = kind == codes.SYNC
            break
    batch.stop = at
    return batch


def _run(batch: Batch, name: bytes, made: Mapping[bytes, Plan], names: Mapping[bytes, Statement]) -> None:
    plan = made.get(name)
    if plan is None:
        statement = names.get(name)
        if statement is None:
            return  # an error, wherever it runs
        plan = statement.plan
    batch.hint = plan.hint or batch.hint
    batch.recalls = batch.recalls or plan.recalls
    if not plan.read:
        batch.read = False
    if plan.ends is not Ends.NOTHING:
        batch.ends = plan.ends
