"""POST /switchover: hand the primary role over, as planned."""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument, SwitchoverRequest
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post("/switchover", summary="Hand the primary role over to another node, now or at a time")
    async def switchover(request: SwitchoverRequest) -> DoneDocument:
        at_wall_ms = int(request.at.timestamp() * 1000) if request.at else 0
        return DoneDocument(message=await view.operations.switchover(request.to, at_wall_ms))

    return router
