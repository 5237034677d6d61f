"""POST /reload: have this node's server read its configuration again."""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post("/reload", summary="Have this node's server read its configuration again")
    async def reload() -> DoneDocument:
        return DoneDocument(message=await view.operations.reload())

    return router
