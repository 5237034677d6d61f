"""How does a voter below its floor get its vote back, when the primary that it was coming back to is gone?

FLOOR: it has no vote, since it once acknowledged what it does not have now. Another server may have all of that, and
then everybody would wait for a dead node although nothing is missing.
"""

from howdah.cluster.actions import CatchUp
from howdah.cluster.decision import Proposal
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.peerstate import Published
from howdah.cluster.returning import below_floor


def has_no_vote_yet(o: Observation) -> bool:
    """Whether the server is revoked, or streams from the best already, and only its floor keeps it from reporting: to
    be revoked once more would change nothing, and end that stream."""
    facts = o.server.facts
    if o.server.state is not ServerState.RECOVERY or facts is None or o.local.marker is not Marker.NONE:
        return False
    if not below_floor(o.server.position, o.local.floor):
        return False
    return facts.upstream is None or isinstance(o.busy, CatchUp)


def reach_floor(o: Observation) -> Proposal | None:
    """A voter below its floor streams what it misses from the best of the revoked, like a candidate, and is revoked
    again in full; only then it votes."""
    record, floor = o.store.record, o.local.floor
    if record is None or floor is None or not record.voter(o.me) or o.is_holder or o.local.promise <= record.term:
        return None
    if not has_no_vote_yet(o):
        return None
    if isinstance(o.busy, CatchUp) and o.busy.upto == floor:
        return Proposal(f"{o.busy.source.name} sends what this server misses below its floor {floor}", o.busy)
    fit = [p.published for p in o.peers if p.connected and _can_send(p.published, o)]
    if not fit:
        return None
    best = max(fit, key=lambda state: (state.position or floor, state.member.name))
    why = f"{best.member.name} is revoked too and has what this server misses below its floor {floor}"
    return Proposal(why, CatchUp(best.member, floor))


def _can_send(state: Published, o: Observation) -> bool:
    """In recovery, revoked under this server's promise or a higher one, and with all that this one acknowledged. What
    an unrevoked server receives meanwhile might come from the very primary that this one promised not to follow."""
    if state.position is None or state.primary or state.follows or state.promise < o.local.promise:
        return False
    return not below_floor(state.position, o.local.floor)
