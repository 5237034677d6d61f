"""What does a router hear of its cluster: from the store or the agents, and from each server?"""

from dataclasses import dataclass

Age = tuple[int, int, int]
"""(generation, term, lease counter) of the record: it only grows, unless the store went back to an old copy."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node and where its PostgreSQL listens."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What the record said, or the agents did. `holder` "": nobody says who leads. `serving`: the holder lets clients
    write. `released`: it gave the lease up, its server is down.

    `nodes`: every node that is known, None where nothing was heard of them. `asked_ms`: the moment before the question
    was sent, on the router's clock; None for a hint that may be late."""

    age: Age
    term: int
    holder: str
    holder_id: str
    serving: bool
    released: bool = False
    nodes: tuple[NodeView, ...] | None = None
    asked_ms: float | None = None
    system_identifier: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one server said. `term`: of the row that every barrier writes (0: there is none). `lsn`: where its log ends
    (see `freshness`), of one in recovery what it has replayed. `latency_ms`: from the question to the answer."""

    asked_ms: float
    in_recovery: bool
    term: int
    lsn: int
    latency_ms: float
