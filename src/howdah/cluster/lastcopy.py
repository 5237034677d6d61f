"""LAST COPY: which others have to come back, or catch up, before this server gives up its copy of what is acknowledged?

A server that is being rewound is no copy, nor is it one again before it has the new primary's promotion. If the
winner's disk is lost meanwhile, what it won with must still be somewhere.
"""

from typing import assert_never

from howdah.cluster.history import Diverged, Foreign, Prefix, chain_of, chain_of_entries, compare
from howdah.cluster.observation import Observation
from howdah.cluster.peerstate import NodeState, Published
from howdah.cluster.record import Record, TimelineEntry
from howdah.cluster.returning import entries_to_follow, last_copy_reason
from howdah.values.position import Position

PATIENCE_MS = 20_000
"""How long after the record's last change others are waited for that do not get on. One that never follows (its
password is wrong, its disk is full) must not keep the server away whose flush the new primary's barrier waits for."""


def reason_to_stay(o: Observation, record: Record, own_end: Position | None, fork: Position | None) -> str:
    """Why this server may not be rewound or replaced yet; "" if it may.

    `own_end`: where its log ends, if that is known. `fork`: up to where it has what the record's holder has."""
    heard = tuple(p.published for p in o.peers if p.connected)
    others = tuple((state.member, state.position) for state in heard if state.position is not None)
    live = sum(state.follows == record.holder.name for state in heard if record.voter(state.member))
    # Fewer than k of them cannot flush it without this server: then nobody would ever stop waiting.
    reason = last_copy_reason(o.me, own_end, record, others, live >= max(1, record.k))
    return reason or ("" if record.serving else _others_first(o, record, fork))


def _others_first(o: Observation, record: Record, fork: Position | None) -> str:
    entry = record.current_entry
    if entry is None:
        return ""
    patient = o.store.unchanged_ms < PATIENCE_MS
    for peer in o.peers:
        state = peer.published
        if not peer.connected or state.member == record.holder or state.member.name not in o.intents.nodes:
            continue
        if state.state is NodeState.REWINDING:
            return f"{state.member.name} is being rewound, and is no copy before it has come back"
        if patient and state.tags.may_vote and _goes_first(state, record, entry, o.me.name, fork):
            return f"{state.member.name} is to have what {record.holder.name} has first"
    return ""


def _goes_first(state: Published, record: Record, entry: TimelineEntry, me: str, fork: Position | None) -> bool:
    """Whether a peer can soon be a copy, before this server stops being one. Of those that left the winner's history
    the one with the least of it goes first: whoever is left has as much."""
    known = entries_to_follow(record)
    if state.position is None:
        return state.state in (NodeState.STARTING, NodeState.STOPPED)  # after a rewind, or at its return
    if state.position.term >= entry.term:
        return False  # it has the promotion, and so all that the winner had
    chain = chain_of(state.timeline, state.history, state.end_lsn, known)
    if chain is None or chain[-1].term != state.position.term:
        return False  # it has to be cloned, and is a copy meanwhile
    verdict = compare(chain, chain_of_entries(record.timelines, entry))
    match verdict:
        case Prefix():
            return True
        case Diverged(fork=theirs):
            return fork is not None and (theirs, state.member.name) < (fork, me)
        case Foreign():
            return False
        case _:
            assert_never(verdict)
