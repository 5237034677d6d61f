"""POST /shutdown: stop this node, or the whole cluster."""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument, ShutdownRequest
from howdah.api.view import AgentView, Scope


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post(
        "/shutdown", summary="Stop this node (a primary hands over first), or the whole cluster", status_code=202
    )
    async def shutdown(request: ShutdownRequest | None = None) -> DoneDocument:
        return DoneDocument(message=await view.operations.shutdown(request.scope if request else Scope.NODE))

    return router
