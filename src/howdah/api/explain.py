"""GET /explain: why is the cluster as it is?"""

from dataclasses import asdict

from fastapi import APIRouter

from howdah.api.documents import ExplanationDocument
from howdah.api.view import AgentView


def routes(view: AgentView) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/explain", summary="Why the cluster is as it is, and what is wrong with it")
    async def explain() -> ExplanationDocument:
        return ExplanationDocument.model_validate(asdict(view.explain()))

    return router
