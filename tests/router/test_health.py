"""Do load balancers learn whether a router can be used?"""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from howdah.router.health import RouterView, build_app
from tests.routing.admindesk import AdminDesk, visit
from tests.routing.playsession import Stage


class Router:
    """A stage with REST. `leaving`: it was told to stop."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.stage.hub.hold_most = 2
        self.leaving = False
        desk = AdminDesk(self.stage)
        self._app = build_app(RouterView("main", "r1", desk.scene, lambda: self.leaving))

    def asks(self, path: str, method: str = "GET") -> httpx.Response:
        """One request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
                return await client.request(method, path)

        return asyncio.run(ask())

    def status(self, path: str) -> int:
        """Of one answer."""
        return self.asks(path).status_code


@pytest.fixture
def router() -> Iterator[Router]:
    yield Router()


def test_a_router_with_a_primary_is_healthy_and_ready(router: Router) -> None:
    for path in ("/health", "/liveness", "/readiness"):
        assert router.status(path) == 200
        assert router.asks(path, "HEAD").status_code == 200
    document = router.asks("/health").json()
    assert (document["primary"], document["term"], document["standbys"], document["reason"]) == ("n1", 1, 2, "")


def test_between_two_primaries_it_stays_ready_as_long_as_it_can_hold(router: Router) -> None:
    router.stage.nobody_leads()
    assert (router.status("/health"), router.status("/readiness"), router.status("/liveness")) == (503, 200, 200)
    for serial in (1, 2):
        visit(router.stage.client(), serial).asks("UPDATE t SET a = 1")
    answer = router.asks("/readiness")
    assert answer.status_code == 503
    assert "hold.clients_max" in answer.json()["reason"]


def test_one_that_was_told_to_stop_or_knows_nothing_is_not_ready(router: Router) -> None:
    router.leaving = True
    assert (router.status("/readiness"), router.status("/health")) == (503, 200)
    assert router.asks("/readiness").json()["reason"] == "it was told to stop"
    router = Router()
    router.stage.fleet.targets.clear()
    assert "has not learned" in router.asks("/readiness").json()["reason"]


def test_a_loop_that_hangs_is_not_alive(router: Router) -> None:
    router.stage.clock += 60_000
    assert router.status("/liveness") == 503


def test_metrics_are_there_in_prometheus_form(router: Router) -> None:
    answer = router.asks("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'howdah_router_term{cluster="main",router="r1"} 1.0' in answer.text
