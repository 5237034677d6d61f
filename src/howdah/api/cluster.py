"""GET /cluster: how is the whole cluster, as this agent sees it?"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from howdah.api.documents import ClusterDocument
from howdah.api.status import write_status
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/cluster", summary="The document of `howdah status --json`", response_model=ClusterDocument)
    async def cluster() -> JSONResponse:
        return JSONResponse(write_status(view.cluster_status()))

    return router
