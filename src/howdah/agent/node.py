"""Of which parts is one real agent made?"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from howdah.agent.addressbook import AddressBook
from howdah.agent.answering import Answering
from howdah.agent.deadman.client import DeadmanClient
from howdah.agent.intentions import Intentions
from howdah.agent.keeper import Keeper
from howdah.agent.loop import AgentLoop
from howdah.agent.namesake import Claim, answers_as
from howdah.agent.peering.broadcast import Broadcast
from howdah.agent.peering.client import HttpPeers
from howdah.agent.peering.identity import Identity
from howdah.agent.pem import TlsUnusable
from howdah.agent.realclock import RealClock
from howdah.agent.seat import Seat
from howdah.agent.situation import Situation
from howdah.agent.statefile import StateFile
from howdah.agent.storeaddress import store_address
from howdah.agent.tls import Tls, load_tls
from howdah.agent.tools import Tools
from howdah.configuration.intents import intents_of
from howdah.configuration.schema import AgentSettings
from howdah.ports.events import Journal
from howdah.ports.postgres import PostgresFailure
from howdah.ports.store import Store
from howdah.postgres.access import DEFAULT_RULES, rule_fault
from howdah.postgres.account import Account, choose_account, enter_fault, own_name
from howdah.postgres.connection import KeptSql, LocalSql
from howdah.postgres.directory import NodeDirectory
from howdah.postgres.installation import find_installation, reachable_installation
from howdah.postgres.layout import NodeLayout
from howdah.postgres.primary import LocalPrimary
from howdah.postgres.process import PostgresProcess
from howdah.postgres.programs import Log
from howdah.postgres.routeraccess import RouterAccess
from howdah.postgres.secrets import ClusterSecrets, passfile_of, write_secrets
from howdah.postgres.settings import ServerPlace
from howdah.postgres.site import Site
from howdah.postgres.standby import LocalStandby
from howdah.stores.open import open_store
from howdah.stores.settings import StoreSettings

SOCKET_PATH_MAX = 107
"""A Unix socket's path is cut or refused beyond this."""


@dataclass(frozen=True, slots=True)
class Node:
    """Everything of one agent, wired; `loop.run()` runs it beside the REST server."""

    settings: AgentSettings
    site: Site
    store: Store
    tools: Tools
    peers: HttpPeers
    broadcast: Broadcast
    identity: Identity
    answering: Answering
    loop: AgentLoop
    intentions: Intentions
    claim: Claim
    addresses: AddressBook
    standby: LocalStandby
    primary: LocalPrimary
    sql: LocalSql
    tls: Tls | None


def build_node(settings: AgentSettings, secrets: ClusterSecrets, journal: Journal, log: Log, seat: Seat) -> Node:
    """Wire the parts. Must be called inside the event loop. Raises PostgresFailure or DiskFailure."""
    layout = NodeLayout(settings.node.root.absolute())
    account = choose_account(settings.postgresql.account or None)
    site = build_site(settings, secrets, layout, account, log)
    clock = RealClock()
    situation = Situation(
        clock,
        StateFile(layout.state),
        settings.cluster,
        settings.node.name,
        settings.node.tags.tags(),
        settings.postgresql.address,
        settings.api.address,
        settings.may_initialise,
        seat.incarnation,
    )
    if not seat.resumed:
        situation.unclaimed = "the store has not said yet whether another agent has this node's name"
    store, tls = _open_store(settings), _load_tls(settings)
    keeper = Keeper(store, clock, situation.heard_news, seat.incarnation)
    identity = Identity(settings.cluster, settings.node.name, secrets.api_token)
    broadcast = Broadcast()
    peers = HttpPeers(identity, broadcast, situation.heard_news, tls.client if tls else None)
    kept = KeptSql(sql := LocalSql(site.place.socket, settings.postgresql.port))
    standby, primary = LocalStandby(sql, clock, kept), LocalPrimary(sql, kept)
    directory = NodeDirectory(site, settings.initial.adopt)
    tools = Tools(
        clock=clock,
        keeper=keeper,
        process=PostgresProcess(layout, site.installation, account),
        directory=directory,
        standby=standby,
        primary=primary,
        peers=peers,
        disk=StateFile(layout.state),
        deadman=DeadmanClient(layout),
        journal=journal,
        situation=situation,
        store=store,
        overrides=directory.overrides,
        let_routers_in=RouterAccess(sql, secrets.router).keep,
    )
    claim = Claim(
        settings.node.name,
        settings.api.address,
        seat,
        clock,
        lambda api: answers_as(api, settings.cluster, settings.node.name, tls.client if tls else None),
        settings.initial.config.policy.lease_ttl_ms,
    )
    first = intents_of(settings.initial.config.model_copy(update={"nodes": settings.initial_nodes}))
    return Node(
        settings=settings,
        site=site,
        store=store,
        tools=tools,
        peers=peers,
        broadcast=broadcast,
        identity=identity,
        answering=Answering(tools),
        loop=AgentLoop(tools),
        intentions=Intentions(store, clock, situation, first, settings.own_policy),
        claim=claim,
        addresses=AddressBook(store, clock, situation, claim, peers.set_peers, peers.connected),
        standby=standby,
        primary=primary,
        sql=sql,
        tls=tls,
    )


def build_site(
    settings: AgentSettings, secrets: ClusterSecrets, layout: NodeLayout, account: Account | None, log: Log
) -> Site:
    """The node's place on disk, with its directories made and its secrets written. Raises PostgresFailure."""
    for directory in (layout.root, layout.log):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PostgresFailure(f"cannot make {directory}: {error.strerror}. Choose another node.root") from error
    fault = enter_fault(account, layout.root)
    if fault:
        raise PostgresFailure(fault)
    write_secrets(layout.secrets, secrets, account)
    installation = reachable_installation(find_installation(settings.postgresql.bin), account, layout.root.parent)
    place = ServerPlace(
        name=settings.node.name,
        listen=(settings.postgresql.listen,),
        port=settings.postgresql.port,
        socket=_make_socket(layout, settings.postgresql.port, account),
        passfile=passfile_of(layout),
    )
    users = {own_name(), *((account.name,) if account else ())}
    rules = settings.postgresql.access_rules or DEFAULT_RULES
    for rule in rules:
        if fault := rule_fault(rule):
            raise PostgresFailure(f"postgresql.access_rules: {fault}")
    return Site(layout, installation, account, place, secrets, tuple(sorted(users)), log, rules)


def socket_of(layout: NodeLayout, port: int) -> str:
    """The directory of the server's Unix socket; an abstract socket's name where the path would be too long."""
    directory = layout.root / "run"
    if len(str(directory / f".s.PGSQL.{port}.lock")) > SOCKET_PATH_MAX:
        return "@howdah-" + hashlib.sha256(str(layout.root).encode()).hexdigest()[:16]
    return str(directory)


def _make_socket(layout: NodeLayout, port: int, account: Account | None) -> str:
    place = socket_of(layout, port)
    if place.startswith("@"):
        return place
    directory = Path(place)
    directory.mkdir(exist_ok=True)
    if account is not None:
        os.chown(directory, account.uid, account.gid)
    directory.chmod(0o755)
    return place


def _open_store(settings: AgentSettings) -> Store:
    try:
        return open_store(store_settings(settings))
    except ValueError as error:
        raise PostgresFailure(f"the store cannot be used: {error}") from error
    except OSError as error:
        raise PostgresFailure(
            f"the certificates for the store cannot be used ({error}): correct store.ca_file, store.cert_file and "
            "store.key_file, which have to be PEM files that the agent's account may read"
        ) from error


def _load_tls(settings: AgentSettings) -> Tls | None:
    try:
        return load_tls(settings.api)
    except TlsUnusable as unusable:
        raise PostgresFailure(str(unusable)) from unusable


def store_settings(settings: AgentSettings) -> StoreSettings:
    """The store's address, as its driver wants it."""
    return store_address(settings.store, settings.cluster, settings.initial.config.policy.store_timeout_ms)


async def close_node(node: Node) -> None:
    """Close what is open. The dead-man is told to end: the server is down."""
    node.broadcast.close()
    await node.peers.close()
    await node.store.close()
    node.standby.close()
    node.primary.close()
    await asyncio.sleep(0)
