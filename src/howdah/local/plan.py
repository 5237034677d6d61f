"""What was `howdah up` told when the cluster was made? (DIR/cluster.yaml, reused by every later command.)"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from howdah.configuration.faults import SettingsRefused, checked
from howdah.configuration.words import ClusterName, NodeName, OptionalPort, Port
from howdah.configuration.yamlfile import read_yaml
from howdah.local.refused import Refused

StoreKind = Literal["sqlite", "etcd"]
HOST = "127.0.0.1"
"""Where every server and agent of a local cluster listens."""


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node and its ports, which stay the same for the life of the cluster."""

    name: str
    port: int
    api_port: int

    @property
    def api(self) -> str:
        """Where its agent listens."""
        return f"{HOST}:{self.api_port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The cluster as it was asked for. `account` and `postgres_bin` are "" where nobody chose. `router_port`: the one
    address of applications; 0 in a plan of before there were routers. `router_health_port`: of its health checks and
    metrics; 0: none, as in older plans."""

    cluster: str
    store: StoreKind
    nodes: tuple[PlannedNode, ...]
    sync: str = ""
    account: str = ""
    postgres_bin: str = ""
    router_port: int = 0
    router_health_port: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names, n1 first."""
        return tuple(node.name for node in self.nodes)

    def node(self, name: str) -> PlannedNode:
        """The node of this name. Raises Refused."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise Refused(f"there is no node {name!r} in this cluster; it has {', '.join(self.names)}.")

    def grown(self, ports: Sequence[int], api_ports: Sequence[int]) -> "Plan":
        """The plan with one more node for each pair of ports."""
        first = len(self.nodes) + 1
        more = (
            PlannedNode(f"n{number}", port, api_port)
            for number, (port, api_port) in enumerate(zip(ports, api_ports, strict=True), first)
        )
        return replace(self, nodes=(*self.nodes, *more))


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: NodeName
    port: Port
    api_port: Port


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    cluster: ClusterName
    store: StoreKind
    nodes: tuple[_Node, ...] = Field(min_length=1)
    sync: Literal["", "quorum", "async"] = ""
    account: str = ""
    postgres_bin: str = ""
    router_port: OptionalPort = 0
    router_health_port: OptionalPort = 0


def read_plan(file: Path) -> Plan:
    """Read cluster.yaml. Raises Refused."""
    try:
        found = checked(_File, read_yaml(file))
    except SettingsRefused as refused:
        raise Refused(f"{file} cannot be used: {refused}") from refused
    nodes = tuple(PlannedNode(node.name, node.port, node.api_port) for node in found.nodes)
    return Plan(
        found.cluster,
        found.store,
        nodes,
        found.sync,
        found.account,
        found.postgres_bin,
        found.router_port,
        found.router_health_port,
    )


def write_plan(file: Path, plan: Plan) -> None:
    """Write cluster.yaml, whole or not at all. Raises OSError."""
    document: dict[str, Any] = {"cluster": plan.cluster, "store": plan.store}
    for name in ("sync", "account", "postgres_bin", "router_port", "router_health_port"):
        if value := getattr(plan, name):
            document[name] = value
    document["nodes"] = [{"name": n.name, "port": n.port, "api_port": n.api_port} for n in plan.nodes]
    write_whole(file, "# What `howdah up` was told. Ports stay as they are here.\n" + _yaml(document), 0o644)


def write_whole(file: Path, text: str, mode: int) -> None:
    """Write a small file under another name, flush it and rename it. Raises OSError."""
    making = file.with_name(f".{file.name}.new")
    making.unlink(missing_ok=True)
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        os.fchmod(descriptor, mode)
        written.write(text)
        written.flush()
        os.fsync(descriptor)
    making.rename(file)


def _yaml(document: dict[str, Any]) -> str:
    return str(yaml.safe_dump(document, sort_keys=False))
