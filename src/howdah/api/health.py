"""Which health checks does an agent answer? (Patroni's names and meanings, so that load balancers need no change)

| path | 200 when this node ... |
|---|---|
| /, /primary, /read-write | is the primary and serves |
| /leader | is the primary that the record names, serving or not |
| /replica | is a running standby (`?lag=` not more than this behind, `?replication_state=streaming`) |
| /read-only | is either of them (the primary must serve) |
| /sync, /synchronous, /quorum | is a standby that counts for the acknowledgement of commits |
| /async, /asynchronous | is a standby that does not (`?lag=`) |
| /read-only-sync, /read-only-quorum | is such a standby, or the serving primary |
| /health | has a running PostgreSQL |
| /liveness | has an agent whose loop runs |
| /readiness | is the serving primary, or a standby that streams and is not far behind (`?lag=`) |
| /in-place | has nothing left to do by itself: it serves; or streams, as a voter if it may be one; or nobody serves |

503 otherwise. A primary that does not serve yet, or any more, is down for clients.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import JSONResponse

from howdah.api.documents import HealthDocument
from howdah.api.view import AgentView
from howdah.cluster.peerstate import NodeState, Published
from howdah.cluster.record import Mode
from howdah.values.lsn import format_lsn

READY_LAG_BYTES = 16 * 1024 * 1024
"""How far behind a standby may be and still be ready, unless `?lag=` says otherwise."""

SETTLING_MS = 10_000
"""So long after its start an agent that knows of no serving primary may just not have heard of it yet."""

_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}


@dataclass(frozen=True, slots=True)
class Health:
    """What the checks look at. `lag_max` None: any lag; `must_stream`: catching up is not enough; `someone_serves`:
    clients can write, here or elsewhere."""

    node: Published
    lag_bytes: int | None
    alive: bool
    lag_max: int | None = None
    must_stream: bool = False
    someone_serves: bool = False

    @property
    def serves(self) -> bool:
        """The primary, with clients let in."""
        return self.node.state is NodeState.RUNNING and self.node.serving_term > 0

    @property
    def leads(self) -> bool:
        """The primary that the record names."""
        node = self.node
        return node.primary and node.record is not None and node.record.holder == node.member

    @property
    def replica(self) -> bool:
        """A running standby that is near enough."""
        states = (NodeState.STREAMING,) if self.must_stream else (NodeState.STREAMING, NodeState.CATCHING_UP)
        near = self.lag_max is None or (self.lag_bytes is not None and self.lag_bytes <= self.lag_max)
        return self.node.state in states and near

    @property
    def voter(self) -> bool:
        """A member whose flush counts."""
        return self.node.record is not None and self.node.record.voter(self.node.member)

    @property
    def ready(self) -> bool:
        """Fit for clients, as far as this node's role goes."""
        limit = READY_LAG_BYTES if self.lag_max is None else self.lag_max
        near = self.lag_bytes is not None and self.lag_bytes <= limit
        return self.serves or (self.node.state is NodeState.STREAMING and near)

    @property
    def in_place(self) -> bool:
        """For orchestrators that start or renew one node after the other: the next one's turn may come.

        Where nobody serves, others are missing: a node that waits for them must not keep them from being started."""
        node = self.node
        if not self.alive or node.state in (NodeState.CLONING, NodeState.REWINDING):
            return False
        if self.serves:
            return True
        if not self.someone_serves:
            return node.uptime_ms >= SETTLING_MS
        votes = node.record is not None and node.record.mode is Mode.QUORUM and node.tags.may_vote
        return node.state is NodeState.STREAMING and (self.voter or not votes)


CHECKS: dict[str, tuple[str, Callable[[Health], bool]]] = {
    "/": ("Is it the serving primary?", lambda h: h.serves),
    "/primary": ("Is it the serving primary?", lambda h: h.serves),
    "/read-write": ("Is it the serving primary?", lambda h: h.serves),
    "/leader": ("Is it the primary that the record names?", lambda h: h.leads),
    "/replica": ("Is it a running standby?", lambda h: h.replica),
    "/read-only": ("Is it a running standby or the serving primary?", lambda h: h.replica or h.serves),
    "/sync": ("Is it a standby that counts for commits?", lambda h: h.replica and h.voter),
    "/synchronous": ("The same as /sync", lambda h: h.replica and h.voter),
    "/quorum": ("The same as /sync", lambda h: h.replica and h.voter),
    "/async": ("Is it a standby that does not count for commits?", lambda h: h.replica and not h.voter),
    "/asynchronous": ("The same as /async", lambda h: h.replica and not h.voter),
    "/read-only-sync": ("/sync, or the serving primary", lambda h: (h.replica and h.voter) or h.serves),
    "/read-only-quorum": ("The same as /read-only-sync", lambda h: (h.replica and h.voter) or h.serves),
    "/health": ("Does PostgreSQL run?", lambda h: h.node.timeline > 0),
    "/liveness": ("Does the agent's loop run?", lambda h: h.alive),
    "/readiness": ("Is it the serving primary, or a standby that streams closely?", lambda h: h.ready),
    "/in-place": ("Is nothing left that it could do by itself?", lambda h: h.in_place),
}


def lag_of(text: str | None) -> int | None:
    """Bytes of "1048576", "16kB", "64MB"...; None if nothing was asked. Raises ValueError."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+)\s*([a-zA-Z]*)\s*", text)
    if not found or found[2].lower() not in _UNITS:
        raise ValueError(f"lag={text!r} is no number of bytes; write 1048576, 1024kB, 16MB or 1GB")
    return int(found[1]) * _UNITS[found[2].lower()]


def health_document(view: AgentView) -> HealthDocument:
    """This node in short."""
    node, cluster = view.published(), view.cluster_status()
    me = cluster.node(node.member.name)
    return HealthDocument(
        name=node.member.name,
        cluster=cluster.cluster,
        role=me.role.value if me else "none",
        state=node.state.value,
        term=cluster.term,
        serving=node.serving_term > 0,
        paused=cluster.paused,
        timeline=node.timeline or None,
        lsn=format_lsn(node.end_lsn) if node.timeline else None,
        lag_bytes=me.lag_bytes if me else None,
        sync=bool(me and me.sync),
        server_version=node.version,
        reason=node.reason,
    )


def routes(view: AgentView) -> APIRouter:
    """All checks, by GET, HEAD and OPTIONS; no token."""
    router = APIRouter(tags=["health"])
    for path, (question, holds) in CHECKS.items():
        answer = _check(view, holds)
        router.add_api_route(
            path,
            answer,
            methods=["GET"],
            summary=question,
            response_model=HealthDocument,
            responses={503: {"model": HealthDocument, "description": "No"}},
            operation_id="health_" + (path.strip("/").replace("-", "_") or "root"),
        )
        router.add_api_route(path, answer, methods=["HEAD", "OPTIONS"], include_in_schema=False)
    return router


def _check(view: AgentView, holds: Callable[[Health], bool]) -> Callable[..., object]:
    async def check(
        lag: Annotated[str | None, Query(description="greatest lag, e.g. 16MB; only for standbys")] = None,
        replication_state: Annotated[str | None, Query(description='"streaming": not while catching up')] = None,
    ) -> JSONResponse:
        try:
            lag_max = lag_of(lag)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        document = health_document(view)
        health = Health(
            view.published(),
            document.lag_bytes,
            view.alive(),
            lag_max,
            must_stream=replication_state == "streaming",
            someone_serves=view.cluster_status().serving,
        )
        return JSONResponse(document.model_dump(), 200 if holds(health) else 503)

    return check
