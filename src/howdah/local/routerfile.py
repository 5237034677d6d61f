"""What does `howdah up` tell the router? (DIR/router/router.yaml: written once, then the operator's to change.)"""

from typing import Any

import yaml

from howdah.local.agentfile import store_section
from howdah.local.place import Place
from howdah.local.plan import HOST, Plan, write_whole
from howdah.postgres.secrets import ClusterSecrets

HEAD = (
    "# Written by `howdah up` when the router was made; it does not write it again. The router reads it when it\n"
    "# starts.\n"
)
DRAIN = "2s"
"""`howdah down` waits for it: clients that are in a transaction then lose it with their server."""


def router_document(place: Place, plan: Plan) -> dict[str, Any]:
    """The router's settings."""
    return {
        "cluster": plan.cluster,
        "name": "router",
        "listen": {"listen": HOST, "port": plan.router_port},
        "store": store_section(place, plan),
        "secrets": {"router_file": str(place.secrets / "router")},
        "health": {"listen": HOST, "port": plan.router_health_port},
        "stop": {"drain": DRAIN},
    }


def write_router_file(place: Place, plan: Plan, secrets: ClusterSecrets) -> None:
    """Write the file and the password if they are not there. Raises OSError."""
    password = place.secrets / "router"
    if not password.exists():  # of before there were routers
        write_whole(password, secrets.router + "\n", 0o600)
    place.router.root.mkdir(mode=0o700, exist_ok=True)
    if not place.router.file.exists():
        text = yaml.safe_dump(router_document(place, plan), sort_keys=False)
        write_whole(place.router.file, HEAD + str(text), 0o600)
