"""Which servers should stand behind a cluster's two addresses, that of the primary and that of the standbys?

In Kubernetes these are Services whose endpoints the agents write. Only the record's holder says what stands there, in
the name of its term, and a lower term never replaces what a higher one wrote: so a server that lost its term can
neither put itself there again nor take its successor out.
"""

from dataclasses import dataclass

from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.peerstate import NodeState, Published
from howdah.values.address import Address


@dataclass(frozen=True, slots=True)
class Author:
    """In whose name something was written: the holder of this term, of the cluster with this system identifier."""

    system_identifier: str
    term: int


@dataclass(frozen=True, slots=True)
class Behind:
    """What should stand there. `primary`: this server itself does; else nobody."""

    author: Author
    primary: bool
    standbys: tuple[tuple[str, Address], ...]


def behind(o: Observation) -> Behind | None:
    """What this server should write; None if it is not for it to say.

    The holder of a new term takes the old primary out before it serves, and puts itself there once it does: after its
    barrier and the renewal behind it, and for as long as its gate is open. A term that it raises in place changes only
    the name in which it stands there. While it does not serve yet, standbys that wait for it still answer reads.
    """
    record = o.held
    if record is None or o.went_back or o.twin or o.unclaimed or not record.system_identifier:
        return None
    serves = o.server.state is ServerState.PRIMARY and o.gate_open and bool(o.served_term)
    standbys = tuple(
        (sight.published.member.name, sight.published.address)
        for sight in sorted(o.peers, key=lambda sight: sight.published.member.name)
        if sight.connected and _reads(sight.published, record.system_identifier, streams=serves)
    )
    return Behind(Author(record.system_identifier, record.term), serves, standbys)


def _reads(standby: Published, system_identifier: str, *, streams: bool) -> bool:
    """Whether reads may go to it: it streams, or might if somebody served."""
    if standby.primary or standby.system_identifier != system_identifier:
        return False
    if streams:
        return standby.state is NodeState.STREAMING and bool(standby.follows)
    return standby.state in (NodeState.STREAMING, NodeState.CATCHING_UP)


def may_replace(written: Author | None, author: Author) -> bool:
    """Whether what stands there may be replaced. What another cluster of the same name left is no higher term: it has
    no record any more, or this server would not hold it."""
    if written is None or written.system_identifier != author.system_identifier:
        return True
    return author.term >= written.term
