"""GET /metrics: what can Prometheus collect here?"""

from typing import Protocol

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Measured(Protocol):
    """Who has metrics: an agent, or a router."""

    async def metrics_text(self) -> str:
        """Everything in Prometheus' text format."""
        ...


def routes(view: Measured) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/metrics", summary="Metrics in Prometheus' text format", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(await view.metrics_text(), media_type=PROMETHEUS_TEXT)

    return router
