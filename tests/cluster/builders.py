"""Which small values do the tests of the rules begin from?

Three nodes n1 (holder of term 5, timeline 2), n2 and n3 (voters), k = 1. Every builder takes what differs by keyword.
"""

from dataclasses import replace
from typing import Any

from howdah.cluster.history import Chain, Link
from howdah.cluster.intents import Intents
from howdah.cluster.lease import Deadlines
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import Observation, PeerSight, ServerState, ServerView, StoreView
from howdah.cluster.peerstate import NodeState, Published, Report
from howdah.cluster.policy import Policy
from howdah.cluster.quorum import wait_name
from howdah.cluster.record import Mode, Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState, HistoryStep, ServerFacts, Walsender
from howdah.cluster.suspicion import Sight
from howdah.values.address import Address
from howdah.values.lsn import NO_LSN, Lsn
from howdah.values.member import Member, slot_name
from howdah.values.position import Position

N1, N2, N3, N4 = (Member(f"n{number}", f"id{number}") for number in (1, 2, 3, 4))
NODES = ("n1", "n2", "n3")
SYSTEM = "7000000000000000001"

FIRST = TimelineEntry(1, 1, 0, NO_LSN)
SECOND = TimelineEntry(2, 5, 1, Lsn(1000))
ENTRIES = (FIRST, SECOND)
END = Lsn(2000)
CHAIN: Chain = (Link(1, 1, Lsn(1000)), Link(2, 5, END))
FACTS_HISTORY = (HistoryStep(1, Lsn(1000)),)
GONE_SIGHT = Sight(stream_broken=True, agent_refused=True, postgres_refused=True)


def at(term: int, lsn: int) -> Position:
    """A position."""
    return Position(term, Lsn(lsn))


RECORD = Record(
    cluster="c",
    system_identifier=SYSTEM,
    generation=1,
    term=5,
    phase=Phase.ESTABLISHED,
    holder=N1,
    voters=(N2, N3),
    k=1,
    mode=Mode.QUORUM,
    timelines=ENTRIES,
    lease_counter=10,
    serving=True,
    members=(N1, N2, N3),
    lease=Policy().lease_times,
)


def a_record(**changes: Any) -> Record:
    """The record of three nodes, with changes."""
    return replace(RECORD, **changes)


def address_of(member: Member) -> Address:
    """Where a node's server listens."""
    return Address(member.name, 5432)


def some_facts(member: Member, in_recovery: bool, **changes: Any) -> ServerFacts:
    """What is seen of a running server on timeline 2: a standby that streams from n1, or a primary with two voters."""
    facts = ServerFacts(
        in_recovery=in_recovery,
        system_identifier=SYSTEM,
        timeline=2,
        history=FACTS_HISTORY,
        end_lsn=END,
        replay_lsn=END,
        checkpoint_timeline=2,
        upstream=address_of(N1) if in_recovery else None,
        upstream_name=wait_name(member.name, 5) if in_recovery else "",
        receiving=in_recovery,
        slots=() if in_recovery else tuple(slot_name(name) for name in NODES if name != member.name),
    )
    return replace(facts, **changes)


def a_directory(member: Member, **changes: Any) -> DirectoryFacts:
    """A complete data directory of this cluster."""
    facts = DirectoryFacts(DirectoryState.READY, identity=member.id, system_identifier=SYSTEM, timeline=2)
    return replace(facts, **changes)


def a_server(member: Member, state: ServerState, **changes: Any) -> ServerView:
    """The local server in a state; without facts when it does not run."""
    runs = state in (ServerState.RECOVERY, ServerState.PRIMARY)
    view = ServerView(
        state,
        a_directory(member),
        some_facts(member, state is ServerState.RECOVERY) if runs else None,
        CHAIN if runs else None,
    )
    return replace(view, **changes)


def a_local(member: Member, **changes: Any) -> LocalState:
    """What a member in good order remembers."""
    state = LocalState("c", member.id, SYSTEM, promise=5, entries=ENTRIES, record=RECORD)
    return replace(state, **changes)


def a_peer(member: Member, connected: bool = True, **changes: Any) -> PeerSight:
    """A streaming standby as its peers see it; n1 is the serving primary."""
    primary = member == N1
    state = Published(
        member=member,
        address=address_of(member),
        api=Address(member.name, 8008),
        state=NodeState.RUNNING if primary else NodeState.STREAMING,
        promise=5,
        record=RECORD,
        primary=primary,
        promoted_term=5 if primary else 0,
        rewind_ready=primary,
        serving_term=5 if primary else 0,
        timeline=2,
        history=FACTS_HISTORY,
        end_lsn=END,
        position=at(5, 2000),
        follows="" if primary else "n1",
        prefix_term=0 if primary else 5,
        may_vote_now=not primary,
    )
    return PeerSight(replace(state, **changes), connected)


INTENTS = Intents(nodes=NODES)
FAR = Deadlines(10**9, 10**9, 10**9)


def seen_store(record: Record | None = RECORD, **changes: Any) -> StoreView:
    """A store that answers."""
    return replace(StoreView(known=True, reachable=True, record=record), **changes)


def a_standby(member: Member = N2, **changes: Any) -> Observation:
    """n2 (or another) streams from n1 as a voter of term 5, and all is well."""
    observation = Observation(
        me=member,
        tags=a_peer(member).published.tags,
        local=a_local(member),
        store=seen_store(),
        server=a_server(member, ServerState.RECOVERY),
        intents=INTENTS,
        peers=tuple(a_peer(m) for m in (N1, N2, N3) if m != member),
        deadlines=FAR,
        now_boot_ms=1_000_000,
        uptime_ms=1_000_000,
        prefix_term=5,
    )
    return replace(observation, **changes)


def a_primary(**changes: Any) -> Observation:
    """n1 serves in term 5, both voters stream, and all is well."""
    observation = Observation(
        me=N1,
        tags=a_peer(N1).published.tags,
        local=a_local(N1, won_term=5),
        store=seen_store(),
        server=a_server(N1, ServerState.PRIMARY),
        intents=INTENTS,
        peers=(a_peer(N2), a_peer(N3)),
        deadlines=FAR,
        now_boot_ms=1_000_000,
        uptime_ms=1_000_000,
        streaming_absent_ms=(("n2", 0), ("n3", 0)),
        gate_open=True,
        served_term=5,
    )
    return replace(observation, **changes)


def a_report(member: Member, lsn: int = 2000, term: int = 6, wal_term: int = 5, **changes: Any) -> Report:
    """A revoked server's word for term 6, for the record above."""
    return replace(Report(member, term, at(wal_term, lsn), RECORD.basis), **changes)


def a_walsender(member: Member, term: int = 5, flush: int = 2000, **changes: Any) -> Walsender:
    """A voter's row in pg_stat_replication."""
    row = Walsender(
        pid=100 + int(member.name[1:]),
        application_name=wait_name(member.name, term),
        state="streaming",
        flush_lsn=Lsn(flush),
        replay_lsn=Lsn(flush),
        sync_priority=1,
        started_ms=0,
    )
    return replace(row, **changes)
