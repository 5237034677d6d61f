"""Of which resources is an agent's API made?"""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI

from howdah.api import (
    cluster,
    config,
    explain,
    failover,
    health,
    history,
    metrics,
    node,
    pause,
    reinit,
    reload,
    restart,
    shutdown,
    switchover,
)
from howdah.api.access import guard
from howdah.api.errors import CHANGE_RESPONSES, add_handlers
from howdah.api.view import AgentView
from howdah.telemetry.release import release

READINGS = (health.routes, node.routes, cluster.routes, history.routes, explain.routes, config.routes)
CHANGES = (
    switchover.routes,
    failover.routes,
    pause.routes,
    restart.routes,
    reload.routes,
    reinit.routes,
    config.changes,
    shutdown.routes,
)


def build_app(view: AgentView, token: str, also: Sequence[APIRouter] = ()) -> FastAPI:
    """The whole API of one agent. Changes need the bearer token. `also`: more routes on the same port (the peers')."""
    app = FastAPI(
        title="Howdah agent",
        version=release(),
        summary="Health, state and control of one node of a PostgreSQL cluster",
        description='Reading is open; changes need the cluster\'s token. Errors are `{"error": "one sentence"}`.',
        redoc_url=None,
    )
    add_handlers(app)
    for routes in READINGS:
        app.include_router(routes(view))
    app.include_router(metrics.agent_routes(view))
    for routes in CHANGES:
        app.include_router(
            routes(view), dependencies=[Depends(guard(token))], responses=CHANGE_RESPONSES, tags=["changes"]
        )
    for router in also:
        app.include_router(router)
    return app
