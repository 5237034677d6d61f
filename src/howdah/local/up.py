"""How does `howdah up` prepare a cluster, and start of it what does not run?"""

import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import load_agent
from howdah.configuration.routerload import load_router
from howdah.local.agentfile import write_agent_file
from howdah.local.connection import uri_of, write_connection
from howdah.local.freeports import choose_ports, port_is_free
from howdah.local.launch import last_words, start_agent, start_router, start_store, store_log
from howdah.local.place import Place, make_place
from howdah.local.plan import HOST, Plan, StoreKind, read_plan, write_plan
from howdah.local.portmove import settle_ports
from howdah.local.processes import look
from howdah.local.refused import NotServing, Refused
from howdah.local.remote import Agent
from howdah.local.routerfile import write_router_file
from howdah.local.sight import GOOD_STATES, KnownNode, KnownRouter, Sight, nodes_of, problems, see
from howdah.local.storewait import wait_for_store
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, choose_account
from howdah.postgres.installation import Installation, find_installation, reachable_installation, version_fault
from howdah.postgres.layout import NodeLayout
from howdah.postgres.parameters import refusal
from howdah.postgres.secrets import ClusterSecrets, generate_secrets, read_secrets, write_secrets
from howdah.values.address import Address

NODES = 3
NODES_MAX = 20
PORT = 5432
"""The router's; PostgreSQL's follow."""
API_PORT = 8008
HEALTH_PORT = 6433
"""The router's health checks and metrics."""
CLUSTER = "main"
READY_LIMIT_S = 120.0
"""For a cluster to serve writes: far above the seconds that it takes, since a machine may be busy or do recovery."""
ROUTER_LIMIT_S = 60.0
"""For the first client of the router to be answered, once the cluster serves: it takes a second."""
POLL_S = 0.2
TELL_S = 10.0
"""Between two words on what is waited for."""

PORT_MAX = 65_000
"""From here on there might be no room for a cluster's ports."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for; None where it said nothing."""

    nodes: int | None = None
    port: int | None = None
    store: StoreKind | None = None
    sync: str | None = None
    postgres_bin: Path | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cluster whose files are in place. `added` are nodes that an existing cluster does not know yet."""

    place: Place
    plan: Plan
    secrets: ClusterSecrets
    account: Account | None
    installation: Installation
    added: tuple[str, ...] = ()


@dataclass(slots=True)
class Children:
    """The processes that this command started; they have to be reaped by it while it lives."""

    agents: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    store: subprocess.Popen[bytes] | None = None
    router: subprocess.Popen[bytes] | None = None

    def reap(self) -> None:
        """Take the exit status of those that ended."""
        for process in (*self.agents.values(), self.store, self.router):
            if process is not None:
                process.poll()

    def ended(self, name: str) -> bool:
        """Whether the agent of this node was started here and has ended."""
        process = self.agents.get(name)
        return process is not None and process.poll() is not None


def known_nodes(plan: Plan) -> tuple[KnownNode, ...]:
    """The plan's nodes, to be asked."""
    return tuple(KnownNode(n.name, HOST, n.port, Agent(n.name, HOST, n.api_port)) for n in plan.nodes)


def known_routers(plan: Plan) -> tuple[KnownRouter, ...]:
    """The plan's router, if it has one."""
    if not plan.router_port:
        return ()
    health = Address(HOST, plan.router_health_port) if plan.router_health_port else None
    return (KnownRouter(Address(HOST, plan.router_port), health),)


def see_plan(plan: Plan) -> Sight:
    """The cluster as it is now."""
    return see(plan.cluster, known_nodes(plan), known_routers(plan))


def prepare(place: Place, wishes: Wishes, say: Say) -> Prepared:
    """Make or complete the directory: plan, secrets, settings. To be called under the lock. Raises Refused."""
    old = read_plan(place.plan) if place.exists else None
    try:
        account = choose_account(old.account if old and old.account else None)
        make_place(place, account)
        plan = _changed(old, wishes, say) if old else _new_plan(wishes, account, say)
        installation = find_installation(Path(plan.postgres_bin) if plan.postgres_bin else None)
        reachable = reachable_installation(installation, account, place.root)
        secrets = _secrets(place)
    except PostgresFailure as failure:
        raise Refused(str(failure)) from failure
    if fault := version_fault(installation.version_num):
        say(f"warning: {fault}")
    if reachable != installation:
        say(f"{installation.bin} cannot be entered by the account that runs PostgreSQL; a copy in {place.root} is used")
    try:
        _write(place, plan, secrets)
    except OSError as error:
        raise Refused(f"cannot write to {place.root}: {error.strerror}. Free some space, or choose --data.") from error
    _check_settings(place, plan)
    added = tuple(name for name in plan.names if old and name not in old.names)
    return Prepared(place, plan, secrets, account, reachable, added)


def start_missing(prepared: Prepared, ordered: bool, say: Say, children: Children) -> Prepared:
    """Start the store, the agents and the router that do not run, but for removed nodes'. To be called under the lock.

    As it was started: a port may have moved. Raises Refused."""
    place, plan = prepared.place, prepared.plan
    place.stopped.unlink(missing_ok=True)
    found = look(place, plan.names)
    if found.store is None:
        children.store = start_store(place, plan)
    removed = wait_for_store(place, plan, children.store)
    if out := [name for name in plan.names if name in removed]:
        back = f"howdah config set nodes={','.join(plan.names)}"
        say(f"{', '.join(out)}: removed from the cluster's nodes, so not started (`{back}` takes all in again)")
    missing = [node for node in plan.nodes if node.name not in found.agents and node.name not in removed]
    # A server that is left over from a dead agent has the node's port: the next agent deals with it.
    plan = settle_ports(place, plan, [(node, node.name in found.servers) for node in missing], say)
    prepared = replace(prepared, plan=plan)
    if found.router is None:
        for port in filter(None, (plan.router_port, plan.router_health_port)):
            if not port_is_free(port):
                raise Refused(
                    f"port {port}, which the router has used since it was made, is taken by another process "
                    f"(`ss -ltnp` shows which). End that one, or give the router a free port in both {place.plan.name} "
                    f"and {place.router.file.relative_to(place.root)}."
                )
        children.router = start_router(place)
    for node in missing:
        is_new = not NodeLayout(place.node(node.name)).data.exists()
        children.agents[node.name] = start_agent(place, node.name)
        if ordered and is_new:
            say(f"waiting until {node.name} is ready")
            _wait_until_ready(prepared, node.name, children)
    return prepared


def wait_until_serving(
    prepared: Prepared, children: Children, say: Say, without: Collection[str] = (), limit_s: float = READY_LIMIT_S
) -> Sight:
    """Wait until the primary serves and every node, but for those `without`, follows.

    After the limit, a cluster that serves is good enough. `say` hears now and then what is missing. Raises Refused."""
    began = said = time.monotonic()
    while True:
        sight = _look_at(prepared, children)
        others = (node for node in nodes_of(sight.document) if node.get("name") not in without)
        if sight.serving and all(node.get("state") in GOOD_STATES for node in others):
            return sight
        now = time.monotonic()
        if now - began >= limit_s:
            if sight.serving:
                return sight
            raise NotServing(_not_ready(prepared, sight, limit_s))
        if now - said >= TELL_S:
            said = now
            say(f"waiting: {'; '.join(problems(sight))}")
        time.sleep(POLL_S)


def wait_for_router(prepared: Prepared, children: Children, limit_s: float = ROUTER_LIMIT_S) -> None:
    """Wait until a client of the router gets an answer from the primary. Raises Refused."""
    began, why = time.monotonic(), ""
    while time.monotonic() - began < limit_s:
        process = children.router
        if process is not None and process.poll() is not None:
            raise NotServing(f"the router ended; {last_words(prepared.place.router.log)}")
        try:
            with psycopg.connect(uri_of(prepared.plan, prepared.secrets.superuser), connect_timeout=5) as client:
                client.execute("SELECT pg_is_in_recovery()")
            return
        except psycopg.Error as error:
            why = str(error).strip()
        time.sleep(POLL_S)
    raise NotServing(
        f"the cluster serves, and its router does not after {limit_s:g} s: {why}\n"
        f"{last_words(prepared.place.router.log)}"
    )


def ended_agents(prepared: Prepared, children: Children) -> list[str]:
    """What became of agents that ended while the cluster was starting."""
    return [
        f"the agent of {name} ended; {last_words(prepared.place.agent_log(name))}"
        for name in prepared.plan.names
        if children.ended(name)
    ]


def _look_at(prepared: Prepared, children: Children) -> Sight:
    if prepared.place.stopped.exists():
        raise Refused("`howdah down` stopped the cluster while it was starting.")
    if ended := ended_agents(prepared, children):
        raise Refused("\n".join(ended))
    if children.store is not None and children.store.poll() is not None:
        raise Refused(f"the store ended; {last_words(store_log(prepared.place))}")
    return see_plan(prepared.plan)


def _wait_until_ready(prepared: Prepared, name: str, children: Children) -> None:
    """Until a new node can be cloned from: it leads, or it streams."""
    deadline = time.monotonic() + READY_LIMIT_S
    while True:
        sight = _look_at(prepared, children)
        node = sight.node(name)
        if node.get("state") in GOOD_STATES or node.get("role") == "primary":
            return
        if time.monotonic() >= deadline:
            raise NotServing(_not_ready(prepared, sight, READY_LIMIT_S))
        time.sleep(POLL_S)


def _not_ready(prepared: Prepared, sight: Sight, limit_s: float) -> str:
    wrong = "\n".join(f"  {sentence}" for sentence in problems(sight))
    logs = ", ".join(str(prepared.place.agent_log(name)) for name in prepared.plan.names)
    return (
        f"the cluster does not serve after {limit_s:g} s; its processes go on trying:\n{wrong}\n"
        f"`howdah doctor` and `howdah explain` say more; the agents' logs are {logs}"
    )


def first_port(usual: int, first: int) -> int:
    """Where to look for ports of another kind: as far from the usual one as PostgreSQL's are from 5432, so that two
    clusters that begin at the same moment do not choose the same."""
    shifted = usual + first - PORT
    return shifted if usual <= shifted <= PORT_MAX else usual


def _new_plan(wishes: Wishes, account: Account | None, say: Say) -> Plan:
    count = wishes.nodes or NODES
    first = wishes.port or PORT
    (router_port,) = choose_ports(first, 1, ())
    if router_port != first:
        say(f"port {first} is taken; the router listens on {router_port}")
    ports = choose_ports(router_port + 1, count, ())
    api_ports = choose_ports(first_port(API_PORT, first), count, (router_port, *ports))
    (health_port,) = choose_ports(first_port(HEALTH_PORT, first), 1, (router_port, *ports, *api_ports))
    empty = Plan(
        cluster=CLUSTER,
        store=wishes.store or "sqlite",
        nodes=(),
        sync=wishes.sync or "",
        account=account.name if account else "",
        postgres_bin=str(wishes.postgres_bin.absolute()) if wishes.postgres_bin else "",
        router_port=router_port,
        router_health_port=health_port,
    )
    return empty.grown(ports, api_ports)


def _changed(plan: Plan, wishes: Wishes, say: Say) -> Plan:
    """The plan of an existing cluster with what may be changed: more nodes, other programs. Raises Refused."""
    if wishes.store and wishes.store != plan.store:
        raise Refused(f"this cluster keeps its record in {plan.store}; --store cannot change it. Make another one.")
    plan = _with_router(plan, wishes, say)
    if wishes.port and wishes.port != plan.router_port:
        raise Refused(
            f"the router of this cluster listens on {plan.router_port} and goes on doing so; leave --port out, "
            "or make another cluster with --data."
        )
    if wishes.sync and wishes.sync != plan.sync:
        raise Refused(f"the cluster exists already; change it with `howdah config set mode={wishes.sync}`.")
    if wishes.postgres_bin and str(wishes.postgres_bin.absolute()) != plan.postgres_bin:
        raise Refused("the cluster exists already; set postgresql.bin in each node's agent.yaml, one node at a time.")
    count = wishes.nodes or len(plan.nodes)
    if count < len(plan.nodes):
        raise Refused(
            f"this cluster has {len(plan.nodes)} nodes; `up` takes none away. Leave --nodes out; to do without one, "
            "use `howdah config set nodes=...`."
        )
    if count == len(plan.nodes):
        return plan
    reserved = _reserved(plan)
    more = count - len(plan.nodes)
    ports = choose_ports(plan.nodes[-1].port + 1, more, reserved)
    api_ports = choose_ports(plan.nodes[-1].api_port + 1, more, {*reserved, *ports})
    say(f"{more} more nodes: PostgreSQL listens on {', '.join(map(str, ports))}")
    return replace(plan, nodes=plan.grown(ports, api_ports).nodes)


def _with_router(plan: Plan, wishes: Wishes, say: Say) -> Plan:
    """A cluster of before there were routers gets one, at the wished port or the next free one after its servers'."""
    if plan.router_port:
        return plan
    first = wishes.port or max(node.port for node in plan.nodes) + 1
    (port,) = choose_ports(first, 1, _reserved(plan))
    (health_port,) = choose_ports(first_port(HEALTH_PORT, port), 1, {*_reserved(plan), port})
    say(f"this cluster gets a router: from now on applications connect to port {port}")
    return replace(plan, router_port=port, router_health_port=health_port)


def _reserved(plan: Plan) -> set[int]:
    return {
        plan.router_port,
        plan.router_health_port,
        *(port for node in plan.nodes for port in (node.port, node.api_port)),
    }


def _secrets(place: Place) -> ClusterSecrets:
    """The cluster's, made now if there are none. A cluster whose secrets are incomplete is refused, not given new."""
    if not place.exists and not (place.secrets / "api_token").exists():
        write_secrets(place.secrets, generate_secrets())
    return read_secrets(place.secrets)


def _write(place: Place, plan: Plan, secrets: ClusterSecrets) -> None:
    """The plan first: from then on the directory is a cluster, and its ports are settled."""
    write_plan(place.plan, plan)
    place.store.mkdir(mode=0o700, exist_ok=True)
    for node in plan.nodes:
        root = place.node(node.name)
        root.mkdir(mode=0o755, exist_ok=True)
        root.chmod(0o755)  # whatever the umask is: the account has to pass through
        write_agent_file(place, plan, node)
    write_router_file(place, plan, secrets)
    write_connection(place, plan, secrets.superuser)


def _check_settings(place: Place, plan: Plan) -> None:
    """An operator may have changed the agents' files: what they would refuse is said before any of them starts."""
    for name in plan.names:
        try:
            load_agent(place.agent_file(name), {}, refusal)
        except SettingsRefused as refused:
            raise Refused(f"the settings of {name} cannot be used:\n{refused}") from refused
    try:
        load_router(place.router.file, {})
    except SettingsRefused as refused:
        raise Refused(f"the router's settings cannot be used:\n{refused}") from refused
