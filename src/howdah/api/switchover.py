"""POST and DELETE /switchover: hand the primary role over, as planned, or take the plan back."""

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

    @router.delete("/switchover", summary="Take a planned hand-over back that has not begun")
    async def cancel() -> DoneDocument:
        return DoneDocument(message=await view.operations.cancel_switchover())

    return router
