"""Which guards can be taken out, to see that the simulator finds what they guard against?

Each canary names the functions it replaces while a run lasts. A simulator that finds nothing without a guard proves
nothing with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

from howdah.agent import publishing
from howdah.agent.procedures import campaign, follow, promote, revoke, server, voters
from howdah.agent.tools import Failed, Tools
from howdah.cluster import election, following
from howdah.cluster.actions import Campaign
from howdah.cluster.changes import Change
from howdah.cluster.localstate import LocalState
from howdah.cluster.record import Record
from howdah.cluster.returning import Stream
from howdah.cluster.revocation import Missing
from howdah.cluster.serverfacts import ReplayView, ServerFacts
from howdah.cluster.voters import Drop, RaiseK
from howdah.simulation import disk
from howdah.simulation.options import Options, draw
from howdah.values.lsn import Lsn
from tests.simulation.guards_out import GUARDS

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
        (revoke, "below_floor", _never),
        (following, "below_floor", _never),
        (publishing, "below_floor", _never),
    ),
    "the dead voter's flush is not waited for": ((voters, "wait_flushed", _no_waiting),),
    **GUARDS,
}
"""What is taken out -> where, and what stands there instead."""

STILL_WRITING = ("usurp", "usurp", "usurp", "cut peer", "kill node")
"""Faults that leave an old primary writing while the others elect."""

GROUNDS: dict[str, dict[str, Any]] = {
    "no STARTUP PROOF, and the startup process's wait is not looked at": {
        "faults": ("flaky usurp",), "slow_share": 0.3, "nodes": 3, "k": 0, "rates": (),
    },
    "the receiver is not waited for": {
        "faults": ("flaky usurp",), "slow_share": 0.3, "nodes": 3, "k": 0, "rates": (),
    },
    "a voter goes back to the old primary after its vote": {
        "faults": ("deaf usurp",), "nodes": 3, "k": 0, "rates": (),
    },
    "no PREFIX": {"faults": ("long tail",), "nodes": 3, "k": 0, "rates": ()},
    "no FLOOR": {"faults": ("lonely tail",), "nodes": 4, "k": 2, "rates": (), "fault_interval_ms": 25_000},
    "the dead voter's flush is not waited for": {
        "faults": ("lagging rest",), "slow_share": 0.3, "nodes": 3, "k": 0, "rates": (), "fault_interval_ms": 20_000,
    },
    "not proved LIVE": {"faults": ("half deaf",), "slow_share": 0.3, "nodes": 3, "k": 0, "rates": ()},
    "votes are compared by LSN alone": {
        "faults": ("tail votes",), "nodes": 3, "k": 0, "rates": (), "fault_interval_ms": 30_000,
    },
    "TERM OF THE WAL: the report says the record's term": {
        "faults": ("tail votes",), "nodes": 3, "k": 0, "rates": (), "fault_interval_ms": 30_000,
    },
    "HOLDER VOTES FOR ALL, whatever it has": {
        "faults": ("holder yields",), "nodes": 3, "k": 0, "rates": (), "fault_interval_ms": 30_000,
    },
    "V after the swap lacks the old primary": {"faults": ("ambush",), "nodes": 3, "k": 0, "rates": ()},
    "no ONE CONNECTION": {"faults": ("lost power",), "nodes": 4, "k": 2, "rates": ()},
    "loosened in PostgreSQL first": {
        "faults": ("kill node", "store slow"), "slow_share": 0.3, "nodes": 3, "k": 0, "rates": (),
    },
    "async: the lease is not waited out": {
        "mode": "async", "kind": "async", "k": 0, "faults": ("cut off all",), "slow_share": 0.01,
    },
    "async: no dead-man": {
        "mode": "async", "kind": "async", "k": 0, "faults": ("freeze agent",), "slow_share": 0.01,
    },
    "the holder does not resume": {"calm_ms": 60_000, "faults": ("outage", "kill node")},
}  # fmt: skip
"""Where the general hunting ground is too kind for a guard: what is different."""


STUCK = frozenset(("the holder does not resume",))
"""Without these no promise is broken, but the cluster does not become whole again."""


def hunting(seed: int, canary: str = "") -> Options:
    """A world in which a missing guard shows soon: much is written, many processes are late, old primaries live on."""
    general = replace(
        draw(seed),
        kind="plain",
        mode="quorum",
        slow_share=(0.05, 0.15, 0.3)[seed % 3],
        commit_interval_ms=8.0,
        clients=3,
        fault_interval_ms=13_000,
        faults_ms=90_000,
        faults=STILL_WRITING,
        calm_ms=0,
    )
    return replace(general, **GROUNDS.get(canary, {}))


FOUND_BY: dict[str, int] = {
    "the promise is not persisted": 0,
    "the receiver is not waited for": 38,
    "no PREFIX": 1,
    "one vote is enough": 0,
    "promoted without a setting": 0,
    "no barrier": 0,
    "promoted before the swap": 0,
    "the store is tightened first": 0,
    "a voter goes back to the old primary after its vote": 2,
    "no FLOOR": 84,
    "no STARTUP PROOF, and the startup process's wait is not looked at": 38,
    "the dead voter's flush is not waited for": 0,
    "votes are compared by LSN alone": 1,
    "TERM OF THE WAL: the report says the record's term": 1,
    "V after the swap lacks the old primary": 0,
    "HOLDER VOTES FOR ALL, whatever it has": 0,
    "no ONE CONNECTION": 0,
    "async: no dead-man": 0,
    "the holder does not resume": 0,
}
"""A seed that finds it. What is not here was not found yet: see the tests of the single rules."""


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
