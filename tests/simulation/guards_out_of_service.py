"""What stands in a guard's place while it is out: promotion, service, fencing, the store, names, ways back."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from howdah.agent import keeper, situation, watching
from howdah.agent.keeper import RECORD, Keeper
from howdah.agent.procedures import beginnings as rebuilding
from howdah.agent.procedures import revoke, server, voters
from howdah.agent.tools import Failed
from howdah.cluster import (
    beginnings,
    changes,
    decide,
    election,
    following,
    hearsay,
    history,
    lastcopy,
    observation,
    quorum,
    returning,
)
from howdah.cluster.changes import NotAllowed, TakeBack
from howdah.cluster.decision import Rule
from howdah.cluster.history import Chain, Comparison
from howdah.cluster.record import Record, write_record
from howdah.cluster.revocation import Missing
from howdah.cluster.rules import RULES
from howdah.cluster.serverfacts import ReplayView
from howdah.ports.store import StoreUnavailable, Swapped, Unknown, Versioned
from howdah.simulation import deadman, world
from howdah.simulation.serverports import SimPrimary
from tests.simulation.guards_out import admits_setting_first, setting_first

Place = ModuleType | type
Swaps = tuple[tuple[Place, str, Any], ...]


async def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _fails(*_: Any) -> None:
    raise Failed("taken out")


def _never(*_: Any) -> bool:
    return False


def _nothing_missing(*_: Any) -> None:
    return None


def _no_receiver_row(view: ReplayView) -> Missing | None:
    return Missing.RECEIVER if view.receivers else None


def rules_without(*names: str) -> tuple[Rule, ...]:
    """The rules but for these."""
    assert set(names) <= {rule.name for rule in RULES}
    return tuple(rule for rule in RULES if rule.name not in names)


def _without_rules(*names: str) -> Swaps:
    return ((decide, "RULES", rules_without(*names)),)


def _bare_wait_name(node: str, _term: int) -> str:
    """A name that does not say the term, and is still told from a bare one."""
    return f"{node}.t0"


def _named_without_term() -> Swaps:
    modules: tuple[Place, ...] = (quorum, voters, following, world)
    return tuple((module, "wait_name", _bare_wait_name) for module in modules)


def _always_its_name(o: Any, record: Record) -> str:
    return quorum.wait_name(o.me.name, record.term)


_own = changes._apply_own


def _same_generation(change: Any, record: Record) -> Record | NotAllowed:
    made = _own(change, record)
    if isinstance(change, TakeBack) and isinstance(made, Record):
        return replace(made, generation=record.generation)
    return made


_compare = history.compare


def _numbers_only(mine: Chain, theirs: Chain) -> Comparison:
    """Timelines are told apart by their numbers."""
    return _compare(tuple(replace(x, term=0) for x in mine), tuple(replace(x, term=0) for x in theirs))


def _soon_expired(first_seen_mono_ms: int, last_read_mono_ms: int, lease_ttl_ms: int) -> bool:
    return last_read_mono_ms - first_seen_mono_ms >= lease_ttl_ms * 0.3


async def _gives_up_unsettled(self: Keeper, version: int | None, record: Record) -> Record | None:
    """A swap that timed out is taken for one that did not happen, once a read shows the old record."""
    made = replace(record, write_id=self._clock.token(), incarnation=self._incarnation)
    text = write_record(made)
    began_ms, sent_ms = self._clock.monotonic_ms(), self._clock.boot_ms()
    outcome = await self._store.compare_and_swap(RECORD, version, text)
    if isinstance(outcome, Swapped):
        self.bonds.renewed(sent_ms, made.lease, self.policy.lease_times)
        self._saw(Versioned(text, outcome.version), began_ms)
        return made
    await self.refresh()
    if self.record is not None and self.record.write_id == made.write_id:
        self.bonds.renewed(sent_ms, made.lease, self.policy.lease_times)
        return self.record
    if isinstance(outcome, Unknown):
        raise StoreUnavailable("it did not happen")
    return None


async def _given_without_a_swap(tools: Any) -> None:
    record = tools.keeper.record
    if tools.situation.state.value == "recovery" or record is None:
        await voters._apply_in_recovery(tools)
    else:
        await voters._give(tools, record)


OUT_OF_SERVICE: dict[str, Swaps] = {
    "names do not carry the term": _named_without_term(),
    "no NEVER EMPTY": ((server, "blank_sync", lambda _: ""),),
    "no checkpoint after an empty setting": ((SimPrimary, "checkpoint", _nothing),),
    "loosened in PostgreSQL first, and a voter's name taken before it is one": (
        (following, "name_to_stream_under", _always_its_name),
        (voters, "_loosen", setting_first),
        (voters, "_admit", admits_setting_first),
    ),
    "SETTLE: what timed out did not happen": (
        (Keeper, "_settle", _gives_up_unsettled),
        (voters, "apply_record", _given_without_a_swap),
    ),
    "LAST COPY: several are rewound at once": ((lastcopy, "_others_first", lambda *_: ""),),
    "the lead is taken back without a new generation": ((changes, "_apply_own", _same_generation),),
    "revocation 1: the blank setting is not waited for": ((revoke, "missing_setting", _nothing_missing),),
    "revocation 4: replay is not waited for, nor that the startup process has nothing to do": (
        (revoke, "missing_replay", _nothing_missing),
        (revoke, "missing_receiver", _no_receiver_row),
    ),
    "equal timeline numbers count as one": (
        (returning, "compare", _numbers_only),
        (lastcopy, "compare", _numbers_only),
        (election, "compare", _numbers_only),
    ),
    "a store that went back is believed": (
        (observation, "went_back", _never),
        (situation, "went_back", _never),
        (keeper, "went_back", _never),
        (hearsay, "went_back", _never),
        (keeper, "_lacks", _never),
    ),
    "a lost record is rebuilt by any one server": (
        (beginnings, "missing_for_rebuild", lambda *_: ""),
        (rebuilding, "_others", lambda *_: []),
    ),
    "async: a third of a lease is enough": ((keeper, "expired", _soon_expired),),
    "async: the voters' word prolongs serving": ((watching, "may_prolong", lambda *_: True),),
    "async: no deadline, and no dead-man": (
        *_without_rules("LEASE DEADLINE"),
        (deadman.DeadmanProcess, "_fire", lambda _: None),
    ),
    "async: no deadline": _without_rules("LEASE DEADLINE"),
    "HIGHER TERM, and no deadline: a deposed primary is not killed": (
        *_without_rules("HIGHER TERM", "LEASE DEADLINE"),
        (deadman.DeadmanProcess, "_fire", lambda _: None),
    ),
    "loosening only after the barrier": _without_rules("PREPARE VOTERS"),
}
