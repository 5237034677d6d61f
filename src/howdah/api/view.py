"""What does the REST interface need of an agent?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from howdah.api.status import ClusterStatus
from howdah.cluster.peerstate import Published
from howdah.telemetry.history import RoleChange


class Refused(Exception):
    """The operation will not be done; one clear sentence that names the thing and the mend."""


class Scope(StrEnum):
    """What a shutdown stops: this node (which hands over first), or the whole cluster."""

    NODE = "node"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class NodeReason:
    """Why one node is as it is: the rule of its present decision and its sentence. `cannot_lead` says why it could not
    become primary now; "" if it could, or is."""

    node: str
    rule: str
    reason: str
    cannot_lead: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the cluster is as it is: sentences, the most important first. `wrong`: what an operator should look at.

    `switchover`: the one that is planned or under way, as a clause, or "". `switchover_failure`: why the last one that
    this node was asked for did not come about, with the request's id, or "". `removed`: nodes that were taken out.
    """

    why: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    nodes: tuple[NodeReason, ...] = ()
    switchover: str = ""
    switchover_failure: str = ""
    removed: tuple[str, ...] = ()


class Operations(Protocol):
    """What an operator can ask of an agent. Each returns a sentence on what was done or begun, and raises Refused."""

    async def switchover(self, to: str, at_wall_ms: int) -> str:
        """Hand the primary role over: `to` "" for the best standby, `at_wall_ms` 0 for now."""
        ...

    async def cancel_switchover(self) -> str:
        """Take a planned hand-over back that has not begun."""
        ...

    async def failover(self, to: str, accept_data_loss: bool, given_up: tuple[str, ...]) -> str:
        """Elect without the present primary; with `accept_data_loss` also without the named servers."""
        ...

    async def pause(self, paused: bool) -> str:
        """Stop every automatic role change, or let them happen again."""
        ...

    async def restart(self, node: str) -> str:
        """Restart the server of that node ("": this one)."""
        ...

    async def reload(self) -> str:
        """Have this node's server read its configuration again."""
        ...

    async def reinit(self) -> str:
        """Clone this node's server anew from the primary."""
        ...

    async def set_config(self, key: str, value: str) -> str:
        """Change one setting of the cluster; "" gives it its default back."""
        ...

    async def shutdown(self, scope: Scope) -> str:
        """Stop this node, or the whole cluster."""
        ...


class AgentView(Protocol):
    """What an agent shows. What is not async is at hand at once; the health checks use nothing else."""

    @property
    def operations(self) -> Operations:
        """What can be asked of it."""
        ...

    def alive(self) -> bool:
        """Whether the agent's own loop has run within its limits."""
        ...

    def published(self) -> Published:
        """This node's state, as its peers see it."""
        ...

    def cluster_status(self) -> ClusterStatus:
        """The whole cluster, as this agent sees it."""
        ...

    def explain(self) -> Explanation:
        """Why it is so."""
        ...

    def history(self) -> Sequence[RoleChange]:
        """Role changes, oldest first."""
        ...

    async def config(self) -> Mapping[str, Any]:
        """The cluster's settings in force, without secrets; from the store. Raises StoreUnavailable."""
        ...

    async def metrics_text(self) -> str:
        """Everything in Prometheus' text format."""
        ...

    def own_metrics_text(self) -> str:
        """The howdah_* alone: nobody is asked for them."""
        ...
