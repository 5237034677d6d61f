"""What is the document of `howdah status --json` and GET /cluster?

Only the standard library, so that the command line can read it without loading a web framework.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from howdah.cluster.peerstate import NodeState
from howdah.cluster.record import Mode
from howdah.values.address import Address
from howdah.values.lsn import Lsn, format_lsn, parse_lsn


class Role(StrEnum):
    """What a node's server is: "none" while it does not run or is not heard."""

    PRIMARY = "primary"
    STANDBY = "standby"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node. `lag_bytes` is WAL that it has not received, `lag_seconds` for how long received WAL has waited to be
    replayed; None where it is not known. `sync`: it is a voter. `address` is PostgreSQL's, `api` the agent's; None for
    a node that was never heard."""

    name: str
    role: Role
    state: NodeState
    timeline: int | None = None
    lsn: Lsn | None = None
    lag_bytes: int | None = None
    lag_seconds: float | None = None
    sync: bool = False
    priority: int = 100
    address: Address | None = None
    api: Address | None = None


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The cluster as one agent sees it. `primary` is "" while none is known; `serving`: it lets clients write."""

    cluster: str
    system_identifier: str
    term: int
    primary: str
    serving: bool
    paused: bool
    mode: Mode
    num_sync: int
    voters: tuple[str, ...]
    nodes: tuple[NodeStatus, ...]
    routers: tuple[Mapping[str, Any], ...] = ()

    def node(self, name: str) -> NodeStatus | None:
        """The node with this name."""
        return next((node for node in self.nodes if node.name == name), None)


class StatusUnreadable(ValueError):
    """The document is not a status that this version can read."""


def write_status(status: ClusterStatus) -> dict[str, Any]:
    """The document; `read_status` gives the same status back."""
    return {
        "cluster": status.cluster,
        "system_identifier": status.system_identifier,
        "term": status.term,
        "primary": status.primary or None,
        "serving": status.serving,
        "paused": status.paused,
        "sync": {"mode": status.mode.value, "num_sync": status.num_sync, "voters": list(status.voters)},
        "nodes": [_write_node(node) for node in status.nodes],
        "routers": [dict(router) for router in status.routers],
    }


def read_status(document: Mapping[str, Any]) -> ClusterStatus:
    """Read what `write_status` wrote. Raises StatusUnreadable."""
    try:
        sync = document["sync"]
        return ClusterStatus(
            cluster=document["cluster"],
            system_identifier=document["system_identifier"],
            term=document["term"],
            primary=document["primary"] or "",
            serving=document["serving"],
            paused=document["paused"],
            mode=Mode(sync["mode"]),
            num_sync=sync["num_sync"],
            voters=tuple(sync["voters"]),
            nodes=tuple(_read_node(node) for node in document["nodes"]),
            routers=tuple(document["routers"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StatusUnreadable(f"not a cluster's status that this version can read: {error!r}") from error


def _write_node(node: NodeStatus) -> dict[str, Any]:
    return {
        "name": node.name,
        "role": node.role.value,
        "state": node.state.value,
        "timeline": node.timeline,
        "lsn": None if node.lsn is None else format_lsn(node.lsn),
        "lag_bytes": node.lag_bytes,
        "lag_seconds": node.lag_seconds,
        "sync": node.sync,
        "priority": node.priority,
        "host": node.address.host if node.address else None,
        "port": node.address.port if node.address else None,
        "api": str(node.api) if node.api else None,
    }


def _read_node(document: Mapping[str, Any]) -> NodeStatus:
    lsn, host, api = document["lsn"], document["host"], document["api"]
    return NodeStatus(
        name=document["name"],
        role=Role(document["role"]),
        state=NodeState(document["state"]),
        timeline=document["timeline"],
        lsn=None if lsn is None else parse_lsn(lsn),
        lag_bytes=document["lag_bytes"],
        lag_seconds=document["lag_seconds"],
        sync=document["sync"],
        priority=document["priority"],
        address=None if host is None else Address(host, document["port"]),
        api=None if api is None else _read_address(api),
    )


def _read_address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))
