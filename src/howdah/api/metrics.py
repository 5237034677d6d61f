"""GET /metrics: what can Prometheus collect here?"""

from typing import Protocol

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

OWN = "/metrics/agent"
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Measured(Protocol):
    """Who has metrics: an agent, or a router."""

    async def metrics_text(self) -> str:
        """Everything in Prometheus' text format."""
        ...


class MeasuredAgent(Measured, Protocol):
    """Who has metrics that cost no query, beside PostgreSQL's."""

    def own_metrics_text(self) -> str:
        """The howdah_* alone, in Prometheus' text format."""
        ...


def agent_routes(view: MeasuredAgent) -> APIRouter:
    """The same and, for a process beside the agent that asks PostgreSQL itself, the agent's own alone."""
    router = routes(view)

    @router.get(OWN, summary="The agent's own metrics, without PostgreSQL's", response_class=PlainTextResponse)
    async def own_metrics() -> PlainTextResponse:
        return PlainTextResponse(view.own_metrics_text(), media_type=PROMETHEUS_TEXT)

    return router


def routes(view: Measured) -> APIRouter:
    """One resource, open to all."""
    router = APIRouter(tags=["state"])

    @router.get("/metrics", summary="Metrics in Prometheus' text format", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(await view.metrics_text(), media_type=PROMETHEUS_TEXT)

    return router
