"""POST /restart: restart a PostgreSQL server."""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument, RestartRequest
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post("/restart", summary="Restart one node's server; restarting the primary interrupts writes")
    async def restart(request: RestartRequest | None = None) -> DoneDocument:
        return DoneDocument(message=await view.operations.restart(request.node if request else ""))

    return router
