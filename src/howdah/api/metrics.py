"""GET /metrics: what can Prometheus collect here?"""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from howdah.api.view import AgentView

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def routes(view: AgentView) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/metrics", summary="Metrics in Prometheus' text format", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(await view.metrics_text(), media_type=PROMETHEUS_TEXT)

    return router
