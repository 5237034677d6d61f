"""Does each resource say and do what it promises?"""

import asyncio
from typing import Any

import httpx
import pytest

from howdah.agent.peering.broadcast import Broadcast
from howdah.agent.peering.identity import Identity
from howdah.agent.peering.server import peer_router
from howdah.api.documents import ExplanationDocument, NodeDocument, RoleChangeDocument
from howdah.api.view import Scope
from howdah.ports.postgres import SqlFailed
from tests.agent.peering.rig import FakeService
from tests.api.rig import BEARER, N2, REFUSED, TOKEN, FakeView, heard, node, primary, served, talk

CHANGES: tuple[tuple[str, str, dict[str, Any] | None, tuple[Any, ...]], ...] = (
    ("POST", "/switchover", {"to": "n2"}, ("switchover", "n2", 0)),
    ("POST", "/switchover", {"at": "2026-05-04T12:20:30.5+02:00"}, ("switchover", "", 1_777_890_030_500)),
    ("POST", "/failover", {}, ("failover", "", False, ())),
    (
        "POST",
        "/failover",
        {"to": "n2", "accept_data_loss": True, "given_up": ["n1", "n3"]},
        ("failover", "n2", True, ("n1", "n3")),
    ),
    ("POST", "/pause", None, ("pause", True)),
    ("POST", "/resume", None, ("pause", False)),
    ("POST", "/restart", {"node": "n2"}, ("restart", "n2")),
    ("POST", "/restart", None, ("restart", "")),
    ("POST", "/reload", None, ("reload",)),
    ("POST", "/reinit", None, ("reinit",)),
    ("PATCH", "/config", {"key": "k", "value": 2}, ("set_config", "k", "2")),
    ("PATCH", "/config", {"key": "paused", "value": True}, ("set_config", "paused", "true")),
    ("PATCH", "/config", {"key": "k", "value": None}, ("set_config", "k", "")),
    ("POST", "/shutdown", None, ("shutdown", Scope.NODE)),
    ("POST", "/shutdown", {"scope": "cluster"}, ("shutdown", Scope.CLUSTER)),
)


def test_a_change_with_the_token_is_done() -> None:
    view = FakeView()

    async def story(client: httpx.AsyncClient) -> None:
        for method, path, body, asked in CHANGES:
            answer = await client.request(method, path, json=body, headers=BEARER)
            assert answer.is_success, answer.text
            assert view.asked_of.asked.pop() == asked
            assert answer.json() == {"message": f"{asked[0]} is done"}

    talk(view, story)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dG9rZW4="}])
def test_a_change_without_the_token_is_refused_and_does_not_happen(headers: dict[str, str]) -> None:
    view = FakeView()

    async def story(client: httpx.AsyncClient) -> None:
        for method, path, body, _ in CHANGES:
            answer = await client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 401 and "token" in answer.json()["error"], path
        assert view.asked_of.asked == []

    talk(view, story)


def test_a_refusal_is_409_with_its_sentence_and_a_server_that_is_away_503() -> None:
    view = FakeView()

    async def story(client: httpx.AsyncClient) -> None:
        for failure, status in ((REFUSED, 409), (SqlFailed("the server is away"), 503)):
            view.asked_of.failure = failure
            for method, path, body, _ in CHANGES:
                answer = await client.request(method, path, json=body, headers=BEARER)
                assert (answer.status_code, answer.json()) == (status, {"error": str(failure)}), path

    talk(view, story)


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/switchover", {"tp": "n2"}, "tp: Extra inputs are not permitted"),
        ("/switchover", {"at": "2026-05-04T12:20:30"}, "at: Input should have timezone info"),
        ("/shutdown", {"scope": "world"}, "scope: Input should be 'node' or 'cluster'"),
        ("/failover", None, "the body: Field required"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place_of_the_fault(
    path: str, body: dict[str, str] | None, sentence: str
) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.post(path, json=body, headers=BEARER)
        assert (answer.status_code, answer.json()) == (422, {"error": sentence})

    talk(FakeView(), story)


def test_an_unknown_path_or_method_is_an_error_of_the_same_form() -> None:
    async def story(client: httpx.AsyncClient) -> None:
        unknown = await client.get("/standby-leader")
        assert unknown.status_code == 404 and "/standby-leader" in unknown.json()["error"]
        wrong = await client.get("/switchover")
        assert wrong.status_code == 405 and "GET is not possible" in wrong.json()["error"]

    talk(FakeView(), story)


def test_the_readings_are_open_and_have_their_documents_form() -> None:
    view = FakeView(node(N2, pending_restart=("max_connections",)), {"n1": heard(primary())})

    async def story(client: httpx.AsyncClient) -> None:
        status = NodeDocument.model_validate((await client.get("/status")).json())
        assert (status.name, status.role, status.lag_bytes) == ("n2", "standby", 0)
        assert status.pending_restart == ["max_connections"]
        (change,) = (RoleChangeDocument.model_validate(row) for row in (await client.get("/history")).json())
        assert (change.at, change.switch_lsn, change.away_ms) == ("2026-05-04T10:20:30.123Z", "0/3000060", 620)
        why = ExplanationDocument.model_validate((await client.get("/explain")).json())
        assert why.why == ["n1 leads"] and why.wrong == ["n3 is away"] and why.nodes[0].reason == "it serves"
        assert (await client.get("/config")).json() == {"mode": "quorum"}
        metrics = await client.get("/metrics")
        assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert metrics.text == "pg_up 1.0\n"

    talk(view, story)


def test_the_openapi_document_describes_every_resource_with_its_answers_and_its_token() -> None:
    async def story(client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        paths = document["paths"]
        assert {"/", "/primary", "/replica", "/read-write", "/read-only", "/health", "/liveness", "/readiness",
                "/metrics", "/status", "/cluster", "/history", "/explain", "/config"} <= set(paths)  # fmt: skip
        operations = {(method, path): each for path, item in paths.items() for method, each in item.items()}
        assert all(each["summary"] and each["responses"] for each in operations.values())
        names = [each["operationId"] for each in operations.values()]
        assert len(set(names)) == len(names)
        for method, path, _, _ in CHANGES:
            change = operations[method.lower(), path]
            assert change["security"] and {"401", "409", "422", "503"} <= set(change["responses"])
        assert "security" not in operations["get", "/config"]
        assert "503" in operations["get", "/primary"]["responses"]

    talk(FakeView(), story)


def test_the_peers_routes_live_on_the_same_port_with_the_same_form_of_errors() -> None:
    async def story() -> None:
        router = peer_router(Identity("c", "n1", TOKEN), Broadcast(), FakeService())
        async with served(FakeView(), also=[router]) as client:
            refused = await client.post("/peer/confirm", json={"term": 3})
            assert refused.status_code == 401 and "token" in refused.json()["error"]
            headers = Identity("c", "n2", TOKEN).request_headers("n1")
            assert (await client.post("/peer/confirm", json={"term": 3}, headers=headers)).status_code == 200
            misread = await client.post("/peer/confirm", json={"term": "x"}, headers=headers)
            assert misread.status_code == 400 and "ConfirmRequest" in misread.json()["error"]
            assert not [path for path in (await client.get("/openapi.json")).json()["paths"] if "peer" in path]

    asyncio.run(story())
