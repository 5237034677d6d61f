"""Which cluster is a command for, where are its agents, and with which token and password?"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from howdah.agent.pem import TlsUnusable
from howdah.agent.tls import client_context
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import load_agent
from howdah.configuration.schema import AgentSettings
from howdah.configuration.words import parse_address
from howdah.local.place import Place, place_of
from howdah.local.plan import read_plan
from howdah.local.refused import Refused
from howdah.local.remote import CHANGE_LIMIT_S, Agent, Answer, Silent, ask
from howdah.local.sight import KnownNode, KnownRouter, Sight, nodes_of, see
from howdah.local.up import known_nodes, known_routers
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.layout import NodeLayout
from howdah.postgres.secrets import ClusterSecrets, read_secrets

DISCOVERY = "/cluster"


@dataclass(frozen=True, slots=True)
class Reach:
    """A cluster as a command reaches it. `postgres_bin` None: programs are looked for."""

    cluster: str
    nodes: tuple[KnownNode, ...]
    secrets: ClusterSecrets
    postgres_bin: Path | None = None
    routers: tuple[KnownRouter, ...] = ()

    def see(self) -> Sight:
        """How the agents see the cluster now."""
        return see(self.cluster, self.nodes, self.routers)

    def node(self, name: str) -> KnownNode:
        """The node of this name. Raises Refused."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise Refused(f"there is no node {name!r}; the cluster has {', '.join(node.name for node in self.nodes)}.")

    def change(self, node: KnownNode, path: str, body: Mapping[str, Any] | None = None, method: str = "POST") -> Any:
        """Ask this node's agent for a change; its answer's document. Raises Refused with the agent's words."""
        document = dict(body) if body is not None else None
        answer = ask(node.agent, path, method, document, self.secrets.api_token, CHANGE_LIMIT_S)
        if isinstance(answer, Silent):
            raise Refused(f"{answer.node}: {answer.reason}.")
        if not answer.good:
            raise Refused(answer.sentence)
        return answer.document

    def answering(self) -> KnownNode:
        """A node whose agent answers, the primary if possible. Raises Refused that says why each does not."""
        sight = self.see()
        if not sight.answered:
            reasons = "\n".join(f"  {one.node}: {one.reason}" for one in sight.silent)
            raise Refused(f"no agent of the cluster answers:\n{reasons}\nIs it running? (`howdah up`)")
        silent = {one.node for one in sight.silent}
        there = [node for node in self.nodes if node.name not in silent]
        return next((node for node in there if node.name == sight.primary), there[0])

    def leader(self) -> KnownNode:
        """The node that is primary. Raises Refused."""
        self.answering()
        primary = self.see().primary
        if not primary:
            raise Refused("there is no primary at the moment; `howdah explain` says why.")
        return self.node(primary)


def reach(data: Path | None, config: Path | None, environment: Mapping[str, str] = os.environ) -> Reach:
    """The cluster that these options name. Raises Refused."""
    if data is not None and config is not None:
        raise Refused("--data and --config name two clusters; give one of them.")
    if config is None and data is None and environment.get("HOWDAH_CONFIG"):
        config = Path(environment["HOWDAH_CONFIG"])
    if config is not None:
        return _of_agent(load_settings(config, environment))
    return _of_place(existing_place(data, environment))


def existing_place(data: Path | None, environment: Mapping[str, str] = os.environ) -> Place:
    """The directory of a cluster of `howdah up`. Raises Refused if there is none."""
    place = place_of(data, environment)
    if not os.access(place.root, os.X_OK) and place.root.exists():
        raise Refused(f"this user may not look into {place.root}. Run this as the user that started the cluster.")
    if not place.exists:
        raise Refused(
            f"there is no cluster in {place.root}. Start one with `howdah up`, or name its directory with --data, "
            "or an agent's settings with --config."
        )
    return place


def load_settings(file: Path, environment: Mapping[str, str]) -> AgentSettings:
    """An agent's settings, for a command beside it. Raises Refused."""
    try:
        return load_agent(file, environment).settings
    except SettingsRefused as refused:
        raise Refused(f"the settings cannot be used:\n{refused}") from refused


def _of_place(place: Place) -> Reach:
    plan = read_plan(place.plan)
    try:
        secrets = read_secrets(place.secrets)
    except PostgresFailure as failure:
        raise Refused(f"{failure}. Run this as the user that started the cluster.") from failure
    postgres_bin = Path(plan.postgres_bin) if plan.postgres_bin else None
    return Reach(plan.cluster, known_nodes(plan), secrets, postgres_bin, known_routers(plan))


def _of_agent(settings: AgentSettings) -> Reach:
    """This agent, and the others that it knows of."""
    server, api = settings.postgresql.address, settings.api.address
    tls = checks_of(settings)
    own = KnownNode(settings.node.name, server.host, server.port, Agent(settings.node.name, api.host, api.port, tls))
    nodes = [own]
    answer = ask(own.agent, DISCOVERY)
    if isinstance(answer, Answer) and answer.good and isinstance(answer.document, dict):
        told = (_told(node, tls) for node in nodes_of(answer.document) if node.get("name") != own.name)
        nodes += [node for node in told if node is not None]
    return Reach(settings.cluster, tuple(sorted(nodes, key=lambda node: node.name)), secrets_of(settings),
                 settings.postgresql.bin)  # fmt: skip


def checks_of(settings: AgentSettings) -> ssl.SSLContext | None:
    """What checks the agents' certificates; None if they have none. Raises Refused."""
    try:
        return client_context(settings.api)
    except TlsUnusable as unusable:
        raise Refused(str(unusable)) from unusable


def secrets_of(settings: AgentSettings) -> ClusterSecrets:
    """From the settings, else from the node's directory; "" for what this user may not know."""
    given = settings.secrets
    try:
        kept = read_secrets(NodeLayout(settings.node.root).secrets)
    except PostgresFailure:
        kept = ClusterSecrets("", "", "")
    return ClusterSecrets(
        superuser=given.superuser.get_secret_value() if given.superuser else kept.superuser,
        replication=given.replication.get_secret_value() if given.replication else kept.replication,
        api_token=given.api_token.get_secret_value() if given.api_token else kept.api_token,
    )


def _told(node: Mapping[str, Any], tls: ssl.SSLContext | None) -> KnownNode | None:
    """A node as an agent describes it; None if it does not know where it is."""
    name, host, port, api = (node.get(key) for key in ("name", "host", "port", "api"))
    if not (name and host and port and api):
        return None
    try:
        address = parse_address(str(api).rpartition("//")[2].rstrip("/"))
        return KnownNode(str(name), str(host), int(str(port)), Agent(str(name), address.host, address.port, tls))
    except ValueError:
        return None
