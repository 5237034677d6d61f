"""What does `howdah up` tell each agent? (DIR/n1/agent.yaml: written once, then the operator's to change.)"""

from typing import Any

import yaml

from howdah.local.place import Place
from howdah.local.plan import HOST, Plan, PlannedNode, write_whole
from howdah.stores.etcd.server import reserve_ports

HEAD = (
    "# Written by `howdah up` when this node was made; it does not write it again. `howdah restart` is not enough\n"
    "# after a change: the agent reads it when it starts.\n"
)


def agent_document(place: Place, plan: Plan, node: PlannedNode) -> dict[str, Any]:
    """One agent's settings."""
    config: dict[str, Any] = {"nodes": list(plan.names)}
    if plan.sync:
        config["mode"] = plan.sync
    server: dict[str, Any] = {"listen": HOST, "port": node.port}
    if plan.postgres_bin:
        server["bin"] = plan.postgres_bin
    if plan.account:
        server["account"] = plan.account
    return {
        "cluster": plan.cluster,
        "node": {"name": node.name, "root": str(place.node(node.name))},
        "postgresql": server,
        "api": {"listen": HOST, "port": node.api_port},
        "store": store_section(place, plan),
        "secrets": {
            "superuser_file": str(place.secrets / "superuser"),
            "replication_file": str(place.secrets / "replication"),
            "api_token_file": str(place.secrets / "api_token"),
        },
        "initial": {"node": plan.nodes[0].name, "config": config},
    }


def write_agent_file(place: Place, plan: Plan, node: PlannedNode) -> None:
    """Write the node's file if it has none. Raises OSError."""
    file = place.agent_file(node.name)
    if not file.exists():
        text = yaml.safe_dump(agent_document(place, plan, node), sort_keys=False)
        write_whole(file, HEAD + str(text), 0o600)


def store_section(place: Place, plan: Plan) -> dict[str, Any]:
    """Where the record is kept, in the settings' words."""
    match plan.store:
        case "sqlite":
            return {"kind": "sqlite", "directory": str(place.store)}
        case "etcd":
            return {"kind": "etcd", "endpoints": [reserve_ports(place.store).endpoint]}
