"""How does the router know its cluster? The store or the agents say who leads, and each server how it does.

Everything ends in the fleet; what changes there is told in the same synchronous stretch, so that nobody acts on old
roles in between. Nothing here is on a statement's way: whoever is slow or away makes knowledge older, and the fleet
knows what that means.
"""

import asyncio
import ssl
from collections.abc import Callable

import structlog

from howdah.agent.storeaddress import store_address
from howdah.configuration.router import KnowledgeSettings, RouterSettings, RoutingSettings
from howdah.configuration.words import parse_address
from howdah.ports.store import Store
from howdah.router.agentsource import AgentSource
from howdah.router.probes import Probes, libpq_tls
from howdah.router.recordsource import RecordSource
from howdah.routing.clusterview import ClusterView
from howdah.routing.fleet import (
    NOT_ASKED,
    Change,
    Fleet,
    FleetLimits,
    HandingOver,
    NodeChanged,
    NodeGone,
    PrimaryLost,
    PrimaryServes,
)
from howdah.stores.open import open_store

log = structlog.get_logger(__name__)


class TopologyUnusable(Exception):
    """The router cannot begin to learn of its cluster; the sentence names the setting and the mend."""


def loop_ms() -> float:
    """The router's clock, in milliseconds: the event loop's, which is rounded down to the beginning of its round."""
    return asyncio.get_running_loop().time() * 1000


def fleet_limits(knowledge: KnowledgeSettings, routing: RoutingSettings) -> FleetLimits:
    """What the settings allow."""
    return FleetLimits(
        knowledge_ms=float(knowledge.limit_ms),
        max_lag_ms=float(routing.max_lag_ms),
        max_lag_bytes=routing.max_lag_bytes,
        primary_weight=routing.primary_weight,
        weights=dict(routing.weights),
    )


class Topology:
    """Runs until cancelled. `tell` gets every change of the fleet as it happens; it must neither raise nor wait."""

    def __init__(
        self,
        settings: RouterSettings,
        fleet: Fleet,
        tell: Callable[[tuple[Change, ...]], None],
        now_ms: Callable[[], float] = loop_ms,
    ) -> None:
        """Raises TopologyUnusable."""
        self._fleet = fleet
        self._tell = tell
        self._now_ms = now_ms
        self._store: Store | None = None
        self._fault = ""
        self.source = self._open(settings)
        password = settings.secrets.router
        login = {"password": password.get_secret_value() if password else "", **libpq_tls(settings.tls.servers)}
        self.probes = Probes(fleet, settings.knowledge, login, now_ms, self._changed, self.source.nudge)

    def _open(self, settings: RouterSettings) -> RecordSource | AgentSource:
        known = settings.knowledge
        if settings.store is None:
            return AgentSource(
                settings.cluster,
                [parse_address(text) for text in settings.agents.addresses],
                self._learned,
                self._now_ms,
                known.poll_interval_ms,
                known.store_timeout_ms,
                _agents_tls(settings),
            )
        try:
            self._store = open_store(store_address(settings.store, settings.cluster, known.store_timeout_ms))
        except ValueError as error:
            raise TopologyUnusable(f"the store cannot be used: {error}") from error
        except OSError as error:
            raise TopologyUnusable(
                f"the store cannot be used ({error}): correct store.ca_file, store.cert_file and store.key_file, which "
                "have to be PEM files that the router's account may read"
            ) from error
        return RecordSource(self._store, self._learned, self._now_ms, known.poll_interval_ms)

    async def run(self) -> None:
        """Learn for ever."""
        try:
            await self.source.run()
        finally:
            await self.probes.close()
            if self._store is not None:
                await self._store.close()

    def _learned(self, view: ClusterView) -> None:
        self._changed(self._fleet.learn(view, self._now_ms()))
        if self._fleet.trouble != self._fault:
            self._fault = self._fleet.trouble
            if self._fault:
                log.error(self._fault, part="topology")

    def _changed(self, changes: tuple[Change, ...]) -> None:
        if not changes:
            return
        self.probes.follow(changes)
        self._tell(changes)
        for change in changes:
            if sentence := sentence_of(change):
                log.info(sentence, part="topology")


def sentence_of(change: Change) -> str:
    """For the log; "" for what is no news to people."""
    name = change.target.name
    match change:
        case PrimaryServes(term=term):
            return f"{name} serves in term {term}: writes go there"
        case HandingOver(term=term):
            return f"{name} takes no new transactions (term {term})"
        case PrimaryLost(term=term):
            return f"{name} is no longer the primary (term {term})"
        case NodeGone():
            return f"{name} is no node at {change.target.host}:{change.target.port} any more"
        case NodeChanged(target=target):
            if target.readable:
                return f"{name} can be read from"
            return f"{name} cannot be read from: {target.trouble}" if target.trouble not in ("", NOT_ASKED) else ""


def _agents_tls(settings: RouterSettings) -> ssl.SSLContext | None:
    file = settings.agents.ca_file
    if file is None:
        return None
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        raise TopologyUnusable(
            f"agents.ca_file {file} holds no certificate that can be used ({error}): correct the path"
        ) from error
