"""POST /sql: run a statement on this node's server, for `howdah exec`."""

from fastapi import APIRouter

from howdah.api.documents import SqlDocument, SqlRequest
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource."""
    router = APIRouter()

    @router.post("/sql", summary="Run one statement on this node's server, as its superuser")
    async def sql(request: SqlRequest) -> SqlDocument:
        result = await view.operations.execute(request.sql)
        return SqlDocument(
            columns=list(result.columns), rows=[list(row) for row in result.rows], command=result.command
        )

    return router
