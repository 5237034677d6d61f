"""POST /reinit: clone this node's server anew."""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post("/reinit", summary="Clone this node's server anew from the primary")
    async def reinit() -> DoneDocument:
        return DoneDocument(message=await view.operations.reinit())

    return router
