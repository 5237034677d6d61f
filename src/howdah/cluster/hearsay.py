"""What may a server do on the word of its peers while it cannot reach the store itself?

It may follow, and be revoked for a later election; nothing else. A record that a peer has read counts for no promotion,
no expiry of a lease and no proof of ownership, and a store that answers is always the later word.
"""

from dataclasses import replace

from howdah.cluster.actions import Clone, Follow, Initialise, Rewind, Wait
from howdah.cluster.decision import Proposal, Rule
from howdah.cluster.following import come_back, revoke
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import Observation, ServerState, went_back
from howdah.cluster.record import Phase, Record
from howdah.cluster.suspicion import Sight


def worth_hearing(heard: Record, record: Record | None, local: LocalState) -> bool:
    """Whether a peer's settled record says more than the own copy.

    Older than the own copy, or than what this server remembers, is what a store that went back would say, or a slow
    peer: never believed. `record` is what the store itself said last; where that differs by the lease counter only,
    the own copy is as good."""
    if heard.phase is not Phase.ESTABLISHED or heard.cluster != local.cluster:
        return False
    if heard.system_identifier != local.system_identifier or went_back(heard, local):
        return False
    if record is None:
        return True
    return heard.age > record.age and (heard.basis, heard.timelines) != (record.basis, record.timelines)


def on_hearsay(o: Observation) -> Observation | None:
    """The observation as if the store said what peers say; None where their word is not needed. Nothing that was seen
    of the former primary, or of the lease, counts in it."""
    heard = o.store.heard
    if heard is None or o.store.reachable or o.server.state is not ServerState.RECOVERY or heard.holder == o.me:
        return None
    if not worth_hearing(heard, o.store.record, o.local):
        return None
    store = replace(o.store, record=heard, expired=False, heard=None)
    return replace(o, store=store, sight=Sight(False, False, False), outvoted=None)


def follow_on_hearsay(o: Observation) -> Proposal | None:
    """A voter that cannot reach the store follows on the record that its peers have read, and votes for it. It stands
    in no election, and a rewind or a clone waits for the store itself."""
    seen = on_hearsay(o)
    if seen is None or isinstance(o.busy, Clone | Rewind | Initialise):
        return None
    proposal = revoke(seen) or come_back(seen)
    if proposal is not None and isinstance(proposal.action, Clone | Rewind):
        return Proposal(f"{proposal.why}; that waits for the store, which this node cannot reach", Wait())
    if proposal is not None and isinstance(proposal.action, Follow):
        return Proposal(
            f"{proposal.why}, as the others read in the store, which this node cannot reach", proposal.action
        )
    if proposal is not None:
        return proposal
    record = seen.store.record
    leads = f"{record.holder.name} holds term {record.term}" if record else "nobody leads"
    return Proposal(f"this node cannot reach the store; the others read there that {leads}", Wait())


HEARSAY_RULES = (Rule("HEARSAY", follow_on_hearsay),)
