"""POST /failover: elect without the present primary."""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument, FailoverRequest
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post("/failover", summary="Elect another primary; with accept_data_loss as the last way out")
    async def failover(request: FailoverRequest) -> DoneDocument:
        done = await view.operations.failover(request.to, request.accept_data_loss, tuple(request.given_up))
        return DoneDocument(message=done)

    return router
