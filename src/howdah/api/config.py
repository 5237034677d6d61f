"""GET and PATCH /config: which settings does the cluster have?"""

from typing import Any

from fastapi import APIRouter

from howdah.api.documents import ConfigChange, DoneDocument
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """Reading, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/config", summary="The cluster's settings in force")
    async def config() -> dict[str, Any]:
        return dict(await view.config())

    return router


def changes(view: AgentView) -> APIRouter:
    """Changing."""
    router = APIRouter()

    @router.patch("/config", summary="Change one setting of the cluster")
    async def set_config(change: ConfigChange) -> DoneDocument:
        return DoneDocument(message=await view.operations.set_config(change.key, value_text(change.value)))

    return router


def value_text(value: str | float | bool | None) -> str:
    """A value as it is written in a settings file."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
