"""What if another program took a stopped node's port?

The agent's moves: agents find each other through the store, where each writes its address when it starts. PostgreSQL's
does not: clients know it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import load_agent
from howdah.local.freeports import choose_ports, port_is_free
from howdah.local.place import Place
from howdah.local.plan import Plan, PlannedNode, write_plan, write_whole
from howdah.local.refused import Refused

API_SECTION = re.compile(r"^api:[ \t]*\n(?:[ \t]+.*\n|[ \t]*#.*\n)*?[ \t]+port:[ \t]*(?P<port>\d+)", re.MULTILINE)


def settle_ports(
    place: Place, plan: Plan, starting: Sequence[tuple[PlannedNode, bool]], say: Callable[[str], None]
) -> Plan:
    """The plan with a free port for each agent that is to start, written to the files where it changed.

    `starting`: nodes whose agents do not run, and whether a server of theirs does. Raises Refused, for PostgreSQL's
    port first: then nothing is changed."""
    for node, server_runs in starting:
        if not server_runs and not port_is_free(node.port):
            raise Refused(_taken(node, node.port))
    for node, _ in starting:
        if not port_is_free(node.api_port):
            plan = _moved(place, plan, node, say)
    return plan


def _moved(place: Place, plan: Plan, node: PlannedNode, say: Callable[[str], None]) -> Plan:
    """The agent's file first: a plan that lags behind is mended by the next `up`, which finds the port taken again."""
    reserved = {plan.router_port, plan.router_health_port}
    reserved |= {port for other in plan.nodes for port in (other.port, other.api_port)}
    (port,) = choose_ports(node.api_port + 1, 1, reserved)
    file = place.agent_file(node.name)
    try:
        text = file.read_text(encoding="utf-8")
        found = API_SECTION.search(text)
        if found is None or int(found["port"]) not in (node.api_port, port):
            raise Refused(_taken(node, node.api_port))
        write_whole(file, text[: found.start("port")] + str(port) + text[found.end("port") :], 0o600)
        if load_agent(file, {}).settings.api.address.port != port:
            write_whole(file, text, 0o600)
            raise Refused(_taken(node, node.api_port))
        nodes = tuple(replace(other, api_port=port) if other == node else other for other in plan.nodes)
        plan = replace(plan, nodes=nodes)
        write_plan(place.plan, plan)
    except OSError as error:
        raise Refused(f"cannot write to {place.root}: {error.strerror}. Free some space.") from error
    except SettingsRefused as refused:
        raise Refused(f"the settings of {node.name} cannot be used:\n{refused}") from refused
    say(f"port {node.api_port} of {node.name}'s agent was taken by another process: it listens on {port} from now on")
    return plan


def _taken(node: PlannedNode, port: int) -> str:
    return (
        f"port {port}, which {node.name} has used since the cluster was made, is taken by another process "
        f"(`ss -ltnp` shows which). End that one, or give {node.name} a free port in both cluster.yaml and "
        f"{node.name}/agent.yaml."
    )
