"""Which guards can be taken out, to see that the simulator finds what they guard against?

Each canary names the functions it replaces while a run lasts. A simulator that finds nothing without a guard proves
nothing with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from howdah.agent import publishing
from howdah.agent.procedures import campaign, follow, promote, revoke, server, voters
from howdah.agent.tools import Failed, Tools
from howdah.cluster import belowfloor, election, following, lastcopy
from howdah.cluster.actions import Campaign
from howdah.cluster.changes import Change
from howdah.cluster.localstate import LocalState
from howdah.cluster.record import Record
from howdah.cluster.returning import Stream
from howdah.cluster.revocation import Missing
from howdah.cluster.serverfacts import ReplayView, ServerFacts
from howdah.cluster.voters import Drop, RaiseK
from howdah.simulation import disk
from howdah.values.lsn import Lsn
from tests.simulation.guards_out import GUARDS
from tests.simulation.guards_out_of_service import OUT_OF_SERVICE

Place = ModuleType | type


def _nothing_missing(*_: Any) -> None:
    return None


def _no_receiver_row(view: ReplayView) -> Missing | None:
    return Missing.RECEIVER if view.receivers else None


def _never(*_: Any) -> bool:
    return False


def _always(*_: Any) -> bool:
    return True


async def _no_barrier(*_: object) -> Lsn:
    return Lsn(0)


async def _no_waiting(*_: Any) -> None:
    return None


def _forgets_promise(self: disk.SimDisk) -> LocalState:
    return replace(self._place.state, promise=0)


async def _looks_away(tools: Tools, new_connection: bool = True) -> ServerFacts:
    """An observation that sees no receiver."""
    return replace(await server.look(tools, new_connection), receiving=False, upstream=None)


_BLIND = SimpleNamespace(**{**vars(server), "look": _looks_away})

_swap_first = campaign.campaign


async def _promotes_first(tools: Tools, action: Campaign) -> None:
    """The election's order turned round: the server is promoted before the store knows."""
    record = tools.keeper.record
    if record is None:
        raise Failed("no record")
    await revoke.revoke(tools, action.term, record)
    await tools.standby.promote(1000)
    await _swap_first(tools, action)


_votes = revoke.revoke


async def _votes_and_returns(tools: Tools, term: int, record: Record) -> None:
    """The promise is made and reported, and does not bind."""
    before = tools.situation.applied
    await _votes(tools, term, record)
    if before is not None and tools.situation.facts is not None and tools.situation.facts.in_recovery:
        tools.directory.configure(before)
        await tools.process.reload()


async def _store_first(tools: Tools, _record: Record, _change: Drop | RaiseK, swap: Change) -> None:
    """Tightening in the order of loosening."""
    await voters._loosen(tools, swap)


CANARIES: dict[str, tuple[tuple[Place, str, Any], ...]] = {
    "the promise is not persisted": ((disk.SimDisk, "load", _forgets_promise),),
    "no STARTUP PROOF, and the startup process's wait is not looked at": (
        (revoke, "missing_startup", _nothing_missing),
        (revoke, "missing_receiver", _no_receiver_row),
        (revoke, "server", _BLIND),
    ),
    "the receiver is not waited for": (
        (revoke, "missing_startup", _nothing_missing),
        (revoke, "missing_receiver", _nothing_missing),
        (revoke, "server", _BLIND),
    ),
    "no PREFIX": ((following, "way_back", lambda *_: Stream()), (follow, "way_back", lambda *_: Stream())),
    "one vote is enough": ((election, "votes_needed", lambda *_: 1),),
    "promoted without a setting": ((server, "record_sync", lambda _: ""),),
    "no barrier": ((promote, "flush_barrier", _no_barrier),),
    "promoted before the swap": ((campaign, "campaign", _promotes_first),),
    "the store is tightened first": ((voters, "_tighten", _store_first),),
    "a voter goes back to the old primary after its vote": ((revoke, "revoke", _votes_and_returns),),
    "no FLOOR": (
        (lastcopy, "_others_first", lambda *_: ""),
        (revoke, "below_floor", _never),
        (belowfloor, "below_floor", _never),
        (following, "below_floor", _never),
        (publishing, "below_floor", _never),
    ),
    "the dead voter's flush is not waited for": ((voters, "wait_flushed", _no_waiting),),
    **GUARDS,
    **OUT_OF_SERVICE,
}
"""What is taken out -> where, and what stands there instead."""


@dataclass(frozen=True)
class Found:
    """How a hunt went: the first seed that found it, and how many of so many did, beginning with `first`."""

    seed: int
    found: int
    of: int
    first: int


RECORDED = Path(__file__).with_name("found.txt")
"""What the last hunts found, one canary a line: a seed, found in, of how many seeds, from which on, canary."""


def recorded() -> dict[str, Found]:
    """The hunts that were written down."""
    lines = [line.split(maxsplit=4) for line in RECORDED.read_text().splitlines() if not line.startswith("#")]
    return {name: Found(*map(int, numbers)) for *numbers, name in lines}


@contextmanager
def without(canary: str) -> Iterator[None]:
    """The guard is out as long as this lasts."""
    before = [(place, name, getattr(place, name)) for place, name, _ in CANARIES[canary]]
    try:
        for place, name, instead in CANARIES[canary]:
            setattr(place, name, instead)
        yield
    finally:
        for place, name, was in before:
            setattr(place, name, was)
