"""May an election begin, and why? (part 6 of the protocol, and the lease)

Revocation keeps an early election safe; a false alarm costs a role change, not data.
"""

from dataclasses import dataclass
from enum import StrEnum

from howdah.cluster.quorum import votes_needed
from howdah.cluster.record import Mode, Record


class Ground(StrEnum):
    """Why the holder is no longer expected to lead."""

    RELEASED = "the holder gave the lease up with its PostgreSQL verified gone"
    EXPIRED = "the holder did not renew for a whole lease"
    SUSPECTED = "the holder is gone: its stream broke, its ports refuse, and enough voters see the same"
    JOINED = "this server is revoked already: an election is under way"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one server sees of the primary of the record's term, freshly."""

    stream_broken: bool
    agent_refused: bool
    postgres_refused: bool


def suspects(sight: Sight) -> bool:
    """Gone, rather than merely slow: the WAL stream is broken and fresh connections are *refused*, to PostgreSQL and
    to its agent (an agent that lives restarts its server or gives the lease up by itself)."""
    return sight.stream_broken and sight.agent_refused and sight.postgres_refused


def ground_for_election(
    record: Record, expired: bool, revoked_for: int, suspecting_voters: frozenset[str], me: str
) -> Ground | None:
    """Why an election may begin now; None if it may not.

    `suspecting_voters` are voters (me too) that suspect the primary of this very term. Async never uses suspicion:
    there nothing but the lease keeps an old primary from acknowledging."""
    if record.released:
        return Ground.RELEASED
    if expired:
        return Ground.EXPIRED
    if record.mode is Mode.ASYNC or record.k == 0:
        return None
    if revoked_for > record.term:
        return Ground.JOINED
    names = {voter.name for voter in record.voters}
    enough = votes_needed(len(names), record.k)
    if me in suspecting_voters and len(suspecting_voters & names) >= enough:
        return Ground.SUSPECTED
    return None
