"""Which settings does an agent have? (Its YAML file, or the same keys in the environment.)"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from howdah.cluster.peerstate import Tags
from howdah.cluster.policy import Policy
from howdah.configuration.cluster import ClusterSettings, Section
from howdah.configuration.quantities import Duration, Seconds
from howdah.configuration.words import (
    AddressText,
    ClusterName,
    Command,
    Host,
    Lines,
    NodeName,
    OptionalNodeName,
    Port,
    Prefix,
    Texts,
    parse_address,
)
from howdah.values.address import Address


class TagSettings(Section):
    """What the operator says of this node."""

    priority: int = Field(
        default=100, ge=0, description="larger is preferred as primary; 0: never primary and no voter"
    )
    nosync: bool = Field(default=False, description="never a voter: no commit waits for it")
    nofailover: bool = Field(default=False, description="never primary and no voter")
    replicate_from: OptionalNodeName = Field(default="", description="stream from this standby instead of the primary")
    delay_ms: Duration = Field(default=0, alias="delay", description="replay this much later; never a voter")

    def tags(self) -> Tags:
        """The same in the cluster rules' words."""
        return Tags(
            priority=self.priority,
            nosync=self.nosync,
            nofailover=self.nofailover,
            replicate_from=self.replicate_from,
            delay_ms=self.delay_ms,
        )


class NodeSettings(Section):
    """This node."""

    name: NodeName = Field(description="unique in the cluster")
    root: Path = Field(description="directory that holds everything of this node: data, logs, secrets, state")
    machine: str = Field(
        default="",
        description="what tells this node's machine from others, to see copies of `root`; in containers, whose machine "
        "id may change, a name that stays with the volume; unset: /etc/machine-id",
    )
    start_delay_ms: Seconds = Field(
        default=None,
        alias="start_delay",
        description="seconds before this agent takes part in elections; unset: the cluster's policy.start_delay",
    )
    tags: TagSettings = Field(default=TagSettings(), description="priority and roles")


class Listener(Section):
    """An address to listen on, and the one that others connect to."""

    listen: Host = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 or :: for all")
    port: Port
    advertised: AddressText = Field(default="", description="where others connect to; unset: listen and port")

    @property
    def address(self) -> Address:
        """Where other nodes and clients connect to."""
        return parse_address(self.advertised, self.port) if self.advertised else Address(self.listen, self.port)


class ServerSettings(Listener):
    """The PostgreSQL server."""

    port: Port = Field(default=5432, description="PostgreSQL's port")
    bin: Path | None = Field(
        default=None,
        description="directory of initdb, postgres, pg_rewind...; unset: found on the PATH, or the wheel's",
    )
    account: str = Field(
        default="", description="account that runs PostgreSQL when the agent is root; unset: postgres or nobody"
    )
    access_rules: Lines = Field(
        default=(),
        description="who may connect, lines as in pg_hba.conf, in the environment with ';' between; unset: everybody "
        "with a password (scram-sha-256)",
    )


class ApiSettings(Listener):
    """The agent's REST interface."""

    port: Port = Field(default=8008, description="port of health checks, metrics and changes")
    cert_file: Path | None = Field(
        default=None, description="certificate of this node: then it speaks HTTPS, to other agents too; on all nodes"
    )
    key_file: Path | None = Field(default=None, description="and its key")
    ca_file: Path | None = Field(
        default=None, description="certificates that sign the agents' ones; unset: those that the system trusts"
    )


class SqliteStore(Section):
    """A file on this machine: all nodes of the cluster run here."""

    kind: Literal["sqlite"] = Field(description="a file; all nodes on one machine")
    directory: Path = Field(description="directory of the store's file and socket")


class EtcdStore(Section):
    """An etcd cluster."""

    kind: Literal["etcd"] = Field(description="an etcd cluster")
    endpoints: Texts = Field(min_length=1, description="URLs of the etcd members, http:// or https://")
    prefix: Prefix = Field(default="/howdah/", description="what keys begin with; the cluster's name follows")
    ca_file: Path | None = Field(default=None, description="certificates that sign the members' ones")
    cert_file: Path | None = Field(default=None, description="this client's certificate")
    key_file: Path | None = Field(default=None, description="and its key")
    username: str = Field(default="", description="etcd user")
    password: SecretStr | None = Field(default=None, description="and its password")


class KubernetesStore(Section):
    """The Kubernetes API. In a pod everything but the kind is known there."""

    kind: Literal["kubernetes"] = Field(description="ConfigMaps of the Kubernetes API")
    namespace: str = Field(default="", description="where the objects are; unset: the pod's own namespace")
    prefix: str = Field(default="", description="what their names begin with; unset: the cluster's name and '-'")
    api: str = Field(default="", description="the API's URL; unset: what Kubernetes tells every pod")
    ca_file: Path | None = Field(default=None, description="certificates that sign the API's one; unset: the pod's own")
    token_file: Path | None = Field(
        default=None, description="file of the token to show, read again when it changes; unset: the pod's own"
    )
    cert_file: Path | None = Field(default=None, description="a client's certificate, instead of a token")
    key_file: Path | None = Field(default=None, description="and its key")


AnyStore = SqliteStore | EtcdStore | KubernetesStore
Store = Annotated[AnyStore, Field(discriminator="kind")]


class KubernetesObjects(Section):
    """What an agent does in Kubernetes beside its store; with store.kind kubernetes only."""

    primary_service: str = Field(
        default="", description="Service without a selector that leads to the primary; unset: none is steered"
    )
    read_service: str = Field(
        default="", description="Service without a selector that leads to the standbys; unset: none is steered"
    )
    port_name: str = Field(default="postgresql", description="the name of the port in both Services")
    pod_ip: str = Field(default="", description="this pod's address, a number (status.podIP)")
    pod_name: str = Field(default="", description="this pod's name, for Events; unset: node.name")
    pod_uid: str = Field(default="", description="this pod's uid, for Events (metadata.uid)")
    events: bool = Field(default=True, description="whether role changes become Events of the pod")


class SecretSettings(Section):
    """Passwords; those not given are generated by the node that initialises, and kept under node.root."""

    superuser: SecretStr | None = Field(default=None, min_length=1, description="password of the superuser postgres")
    replication: SecretStr | None = Field(default=None, min_length=1, description="password of the replication role")
    router: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="password of the role howdah_router; unset: made from the replication role's",
    )
    api_token: SecretStr | None = Field(default=None, min_length=1, description="token that changes over REST need")


class HookSettings(Section):
    """Commands that the agent runs."""

    on_role_change: Command = Field(
        default=(), description="run after each change of this node's role, with the facts in its environment"
    )
    timeout_ms: Duration = Field(default=30_000, alias="timeout", description="a hook that runs longer is killed")


class LogSettings(Section):
    """The agent's log."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is written"
    )
    format: Literal["text", "json"] = Field(default="text", description="lines for people or for machines")


class InitialSettings(Section):
    """The first start of the cluster; no effect once it exists."""

    node: OptionalNodeName = Field(
        default="", description="who initialises the cluster; unset: the first of config.nodes"
    )
    adopt: Path | None = Field(
        default=None,
        description="an existing data directory that becomes the first node's; it is moved under node.root",
    )
    config: ClusterSettings = Field(
        default=ClusterSettings(), description="the cluster's settings to begin with; then `howdah config set`"
    )


class AgentSettings(Section):
    """Everything that one agent is told."""

    cluster: ClusterName = Field(default="main", description="the cluster's name; the same on every node")
    node: NodeSettings = Field(description="this node")
    postgresql: ServerSettings = Field(default=ServerSettings(), description="the PostgreSQL server")
    api: ApiSettings = Field(default=ApiSettings(), description="the agent's REST interface")
    store: Store = Field(description="where the cluster's record is kept")
    secrets: SecretSettings = Field(default=SecretSettings(), description="passwords")
    hooks: HookSettings = Field(default=HookSettings(), description="commands that the agent runs")
    log: LogSettings = Field(default=LogSettings(), description="the agent's log")
    initial: InitialSettings = Field(default=InitialSettings(), description="the first start")
    kubernetes: KubernetesObjects = Field(default=KubernetesObjects(), description="Services and Events")

    def own_policy(self, policy: Policy) -> Policy:
        """The cluster's policy with what this node sets for itself (`node.start_delay`)."""
        own = self.node.start_delay_ms
        return policy if own is None else replace(policy, start_delay_ms=own)

    @property
    def initial_nodes(self) -> tuple[str, ...]:
        """The nodes that the cluster begins with; this one alone if none are named."""
        return self.initial.config.nodes or (self.node.name,)

    @property
    def initial_node(self) -> str:
        """The node that may initialise the cluster."""
        return self.initial.node or self.initial_nodes[0]

    @property
    def may_initialise(self) -> bool:
        """Whether it is this one."""
        return self.initial_node == self.node.name
