"""What does a router answer to load balancers, orchestrators and Prometheus?

| path | 200 when this router ... |
|---|---|
| /health | knows a primary that may be written to now |
| /liveness | has a loop that runs |
| /readiness | takes clients: it knows its cluster, has not been told to stop, and can hold what has to wait |

503 otherwise. Between two primaries a router is ready, and holds its clients: to take it out then would cut them off.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from howdah.api import metrics
from howdah.api.server import ApiServer
from howdah.configuration.router import RouterSettings
from howdah.router.gatheredmetrics import Words, added, in_words
from howdah.router.metrics import RouterMetrics
from howdah.router.staff import Gather, nobody_else
from howdah.routing.adminscene import Scene
from howdah.telemetry.metrics import exposition
from howdah.telemetry.release import release
from howdah.values.address import Address

ALIVE_MS: Final = 10_000.0
"""A loop that has not looked for so long hangs: it looks several times a second."""


class RouterDocument(BaseModel):
    """A router in short. `reason`: why it is not ready, or that nothing can be written; "" if all is well."""

    name: str
    cluster: str
    version: str
    ready: bool
    primary: str | None
    term: int
    standbys: int
    clients: int
    servers: int
    held: int
    paused: list[str]
    reason: str


class RouterView:
    """What is looked at. `leaving`: whether it was told to stop. `gather`: asks the other workers, if there are any."""

    def __init__(
        self,
        cluster: str,
        name: str,
        scene: Callable[[], Scene],
        leaving: Callable[[], bool],
        gather: Gather = nobody_else,
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._scene = scene
        self._leaving = leaving
        self._gather = gather
        self._metrics = RouterMetrics(cluster, name)

    async def metrics_text(self) -> str:
        """See `api.metrics`."""
        return exposition(added(list(self._metrics.collect(self._scene())), await self._gather("metrics")))

    def metrics_in_words(self) -> list[Words]:
        """Those of this worker, for another one."""
        return in_words(self._metrics.collect(self._scene()))

    def figures(self) -> dict[str, int]:
        """What this worker has, by the names of the document."""
        scene = self._scene()
        return {
            "clients": len(scene.clients()),
            "servers": sum(1 for _ in scene.links()),
            "held": len(scene.hub.held),
        }

    def alive(self) -> bool:
        """Whether the loop does what it has to do several times a second."""
        scene = self._scene()
        return scene.now_ms - scene.hub.now_ms < ALIVE_MS

    async def document(self) -> RouterDocument:
        """As it is now, of all workers."""
        figures = Counter(self.figures())
        for others in await self._gather("figures"):
            figures.update(others)
        scene = self._scene()
        hub, fleet = scene.hub, scene.hub.fleet
        primary = fleet.writable(scene.now_ms)
        unready = self._unready(scene)
        reason = unready or ("" if primary is not None else "there is no primary now: what has to write waits")
        return RouterDocument(
            name=self._name,
            cluster=self._cluster,
            version=release(),
            ready=not unready,
            primary=primary.name if primary is not None else None,
            term=fleet.term,
            standbys=sum(target.readable for target in fleet.targets.values()),
            clients=figures["clients"],
            servers=figures["servers"],
            held=figures["held"],
            paused=sorted(name or "everything" for name in hub.halted),
            reason=reason,
        )

    def _unready(self, scene: Scene) -> str:
        if self._leaving():
            return "it was told to stop"
        if not scene.hub.fleet.targets:
            return "it has not learned yet of which servers its cluster consists"
        most = scene.hub.hold_most
        if scene.hub.fleet.writable(scene.now_ms) is None and most and len(scene.hub.held) >= most:
            return f"there is no primary now, and {most} statements wait already (hold.clients_max)"
        return ""


def rest_of(settings: RouterSettings, view: RouterView) -> ApiServer | None:
    """The server of it, not started yet; None: there is to be none."""
    if not settings.health.port:
        return None
    return ApiServer(build_app(view), Address(settings.health.listen, settings.health.port), called="health")


def build_app(view: RouterView) -> FastAPI:
    """The whole of a router's REST; open to all who reach it."""
    app = FastAPI(title="Howdah router", version=release(), summary="Health and metrics of one router", redoc_url=None)
    app.include_router(metrics.routes(view))
    app.include_router(_checks(view))
    return app


def _checks(view: RouterView) -> APIRouter:
    router = APIRouter(tags=["health"])
    for path, question, holds in (
        ("/health", "Does it know a primary that may be written to?", lambda document: document.primary is not None),
        ("/liveness", "Does the router's loop run?", lambda _: view.alive()),
        ("/readiness", "Does it take clients?", lambda document: document.ready),
    ):
        answer = _answer(view, holds)
        router.add_api_route(path, answer, methods=["GET"], summary=question, response_model=RouterDocument)
        router.add_api_route(path, answer, methods=["HEAD", "OPTIONS"], include_in_schema=False)
    return router


def _answer(view: RouterView, holds: Callable[[RouterDocument], bool]) -> Callable[[], object]:
    async def answer() -> JSONResponse:
        document = await view.document()
        return JSONResponse(document.model_dump(), 200 if holds(document) else 503)

    return answer
