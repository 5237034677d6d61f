"""How does `howdah down` stop a cluster, in whatever state it is, and how does it know that nothing is left?"""

import signal
from collections.abc import Callable

from howdah.local.place import Place, locked
from howdah.local.plan import Plan
from howdah.local.processes import (
    KILL_LIMIT_S,
    ClusterProcesses,
    end,
    look,
    look_for_daemons,
    release_what_was_killed,
    server_directories,
    wait_until,
)
from howdah.local.refused import Refused
from howdah.local.remote import Agent, Answer, ask, for_each
from howdah.local.sight import see
from howdah.local.up import known_nodes
from howdah.ports.postgres import PostgresFailure
from howdah.postgres import gone
from howdah.postgres.secrets import read_secrets

SHUTDOWN_PATH = "/shutdown"
ASK_LIMIT_S = 3.0
STOP_LIMIT_S = 60.0
"""For agents that agreed to stop: the primary writes its shutdown checkpoint in this time."""
TERM_LIMIT_S = 15.0
"""For agents that got SIGTERM because they did not answer."""
STORE_LIMIT_S = 5.0
ROUTER_LIMIT_S = 5.0
"""Above the drain that `up` writes into its settings."""

Say = Callable[[str], None]


def bring_down(place: Place, plan: Plan, say: Say, stop_limit_s: float = STOP_LIMIT_S) -> bool:
    """Stop everything; the data stays. False if nothing ran. Raises Refused if something survives."""
    with locked(place, lambda: say("waiting for another `howdah up` or `howdah down` to finish")):
        place.stopped.touch()
        found = look(place, plan.names)
        if not found.any:
            release_what_was_killed(place, plan.names)
            return False
        _end_router(place, plan, say)  # first: it would hold its clients for a primary that does not come
        asked = _ask_to_stop(place, plan, found)
        if asked:
            wait_until(lambda: not (set(look_for_daemons(place, plan.names).agents) & asked), stop_limit_s)
        _terminate(place, plan, asked, say)
        _kill_nodes(place, plan, say)
        _end_store(place, plan, say)
        left = look(place, plan.names)
        if left.any:
            raise Refused(f"not everything ended: {_words(plan, left)}")
        release_what_was_killed(place, plan.names)
        return True


def _end_router(place: Place, plan: Plan, say: Say) -> None:
    _end_daemon(place, plan, say, lambda found: found.router, "the router", ROUTER_LIMIT_S)


def _end_store(place: Place, plan: Plan, say: Say) -> None:
    harmless = ", which loses nothing that it acknowledged"
    _end_daemon(place, plan, say, lambda found: found.store, "the store", STORE_LIMIT_S, harmless)


def _end_daemon(
    place: Place,
    plan: Plan,
    say: Say,
    which: Callable[[ClusterProcesses], int | None],
    what: str,
    limit_s: float,
    harmless: str = "",
) -> None:
    def pid() -> int | None:
        return which(look_for_daemons(place, plan.names))

    process = pid()
    if process is None:
        return
    end(process, signal.SIGTERM)
    end(process, signal.SIGCONT)
    if not wait_until(lambda: pid() is None, limit_s):
        say(f"{what} (process {process}) does not stop; it is killed{harmless}")
        end(process, signal.SIGKILL)
        wait_until(lambda: pid() is None, KILL_LIMIT_S)


def _ask_to_stop(place: Place, plan: Plan, found: ClusterProcesses) -> set[str]:
    """Ask over REST, the standbys first so that none starts an election; the nodes whose agents agreed."""
    try:
        token = read_secrets(place.secrets).api_token
    except PostgresFailure:
        return set()
    nodes = [node for node in known_nodes(plan) if node.name in found.agents]
    primary = see(plan.cluster, nodes).primary
    standbys = [node.agent for node in nodes if node.name != primary]
    others = [node.agent for node in nodes if node.name == primary]

    def question(agent: Agent) -> str:
        answer = ask(agent, SHUTDOWN_PATH, "POST", {"scope": "cluster"}, token, ASK_LIMIT_S)
        return agent.node if isinstance(answer, Answer) and answer.good else ""

    return {*for_each(standbys, question), *for_each(others, question)} - {""}


def _terminate(place: Place, plan: Plan, asked: set[str], say: Say) -> None:
    left = look_for_daemons(place, plan.names).agents
    if not left:
        return
    for name, pid in left.items():
        why = "has not stopped in time" if name in asked else "does not answer"
        say(f"the agent of {name} {why}; it gets SIGTERM")
        end(pid, signal.SIGTERM)
        end(pid, signal.SIGCONT)  # one that is stopped would never see it
    wait_until(lambda: not look_for_daemons(place, plan.names).agents, TERM_LIMIT_S)


def _kill_nodes(place: Place, plan: Plan, say: Say) -> None:
    """What is left of each node, the agent first: it would start its server again."""
    left = look(place, plan.names)
    for name in plan.names:
        words = left.of_node(name)
        only_deadman = name not in left.agents and name not in left.servers
        if words and not only_deadman:
            say(f"what is left of {name} is killed ({words}); its server recovers at the next start")
        if name in left.agents:
            end(left.agents[name], signal.SIGKILL)
        for data in server_directories(place, name) if words else ():
            gone.kill_all(data, int(KILL_LIMIT_S * 1000))
        if name in left.deadmen:
            end(left.deadmen[name], signal.SIGKILL)
    wait_until(lambda: not _nodes_left(place, plan), KILL_LIMIT_S)


def _nodes_left(place: Place, plan: Plan) -> bool:
    left = look(place, plan.names)
    return bool(left.agents or left.servers or left.deadmen)


def _words(plan: Plan, left: ClusterProcesses) -> str:
    parts = [f"{name}: {left.of_node(name)}" for name in plan.names if left.of_node(name)]
    return "; ".join(
        [*parts, *([f"store {left.store}"] if left.store else []), *([f"router {left.router}"] if left.router else [])]
    )
