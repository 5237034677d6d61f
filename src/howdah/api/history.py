"""GET /history: which role changes were there?"""

from fastapi import APIRouter

from howdah.api.documents import RoleChangeDocument
from howdah.api.view import AgentView
from howdah.telemetry.journal import iso
from howdah.values.lsn import format_lsn


def routes(view: AgentView) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/history", summary="Role changes, oldest first")
    async def history() -> list[RoleChangeDocument]:
        return [
            RoleChangeDocument(
                term=change.term,
                node=change.node,
                timeline=change.timeline,
                switch_lsn=format_lsn(change.switch_lsn),
                cause=change.cause,
                at=iso(change.at_wall_ms),
                away_ms=change.away_ms,
            )
            for change in view.history()
        ]

    return router
