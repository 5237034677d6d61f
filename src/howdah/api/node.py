"""GET /status: what is this node doing?"""

from fastapi import APIRouter

from howdah.api.documents import NodeDocument
from howdah.api.health import health_document
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/status", summary="This node in full")
    async def status() -> NodeDocument:
        node = view.published()
        return NodeDocument(
            **health_document(view).model_dump(),
            rule=node.rule,
            member_id=node.member.id,
            promise=node.promise,
            follows=node.follows,
            priority=node.tags.priority,
            nosync=node.tags.nosync,
            nofailover=node.tags.nofailover,
            replicate_from=node.tags.replicate_from,
            delay_ms=node.tags.delay_ms,
            pending_restart=list(node.pending_restart),
            system_identifier=node.system_identifier,
            host=node.address.host,
            port=node.address.port,
            api=str(node.api),
            uptime_seconds=node.uptime_ms / 1000,
        )

    return router
