"""POST /pause and /resume: may roles change by themselves?"""

from fastapi import APIRouter

from howdah.api.documents import DoneDocument
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """Both."""
    router = APIRouter()

    @router.post("/pause", summary="Stop every automatic role change")
    async def pause() -> DoneDocument:
        return DoneDocument(message=await view.operations.pause(True))

    @router.post("/resume", summary="Let roles change by themselves again")
    async def resume() -> DoneDocument:
        return DoneDocument(message=await view.operations.pause(False))

    return router
