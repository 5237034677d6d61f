"""Do load balancers learn what they need, under Patroni's names?"""

import asyncio
from dataclasses import replace

import httpx
import pytest

from howdah.api.health import CHECKS, SETTLING_MS, lag_of
from howdah.cluster.peerstate import NodeState, Published, Tags
from howdah.cluster.record import Mode
from tests.api.rig import END, N1, N2, N4, RECORD, FakeView, heard, node, primary, served, talk

PRIMARY = {"/", "/primary", "/read-write", "/leader", "/read-only", "/read-only-sync", "/read-only-quorum"}
STANDBY = {"/replica", "/read-only"}
SYNC = {"/sync", "/synchronous", "/quorum", "/read-only-sync", "/read-only-quorum"}
ASYNC = {"/async", "/asynchronous"}
UP = {"/health", "/liveness"}
PLACED = {"/in-place"}

MATRIX: tuple[tuple[str, Published, set[str]], ...] = (
    ("the serving primary", primary(), PRIMARY | UP | PLACED | {"/readiness"}),
    ("a primary before its barrier", primary(serving_term=0, state=NodeState.STARTING), {"/leader"} | UP),
    ("a fenced primary", primary(serving_term=0, state=NodeState.FENCED), {"/leader"} | UP),
    (
        "a former primary that another has replaced",
        primary(serving_term=0, state=NodeState.FENCED, record=replace(RECORD, holder=N2)),
        UP,
    ),
    ("a voter that streams", node(N2), STANDBY | SYNC | UP | PLACED | {"/readiness"}),
    ("a standby that is no voter", node(N4), STANDBY | ASYNC | UP | {"/readiness"}),
    ("a voter that catches up", node(N2, state=NodeState.CATCHING_UP), STANDBY | SYNC | UP),
    ("a new disk under a voter's name", node(replace(N2, id="new")), STANDBY | ASYNC | UP | {"/readiness"}),
    ("a clone in the making", node(N2, state=NodeState.CLONING, timeline=0), {"/liveness"}),
    ("a stopped server", node(N2, state=NodeState.STOPPED, timeline=0), {"/liveness"}),
)


def view_of(me: Published) -> FakeView:
    leader = {} if me.member == N1 else {"n1": heard(primary())}
    return FakeView(me, leader)


@pytest.mark.parametrize(("me", "good"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_each_state_answers_each_check(me: Published, good: set[str]) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        for path in CHECKS:
            answer = await client.get(path)
            assert answer.status_code == (200 if path in good else 503), path
            assert answer.json()["state"] == me.state.value and answer.json()["name"] == me.member.name

    talk(view_of(me), story)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_the_status_alone_is_to_be_had_too(method: str) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        for path in CHECKS:
            assert (await client.request(method, path)).status_code == (await client.get(path)).status_code
        assert (await client.head("/primary")).content == b""

    talk(FakeView(), story)


def test_a_standby_that_is_too_far_behind_is_no_replica_for_who_asks_so() -> None:
    behind = node(N2, end_lsn=END - (2 << 20))

    async def story(client: httpx.AsyncClient) -> None:
        for path, status in (
            ("/replica", 200),
            ("/replica?lag=2097152", 200),
            ("/replica?lag=2MB", 200),
            ("/replica?lag=2047kB", 503),
            ("/read-only?lag=1MB", 503),
            ("/readiness", 200),
            ("/readiness?lag=1MB", 503),
            ("/async?lag=1GB", 503),
        ):
            assert (await client.get(path)).status_code == status, path
        wrong = await client.get("/replica?lag=some")
        assert wrong.status_code == 400 and "lag='some'" in wrong.json()["error"]

    talk(view_of(behind), story)


def test_without_a_primary_the_lag_is_unknown_and_a_limit_cannot_be_met() -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.get("/replica")).status_code == 200
        assert (await client.get("/replica?lag=1GB")).status_code == 503
        assert (await client.get("/readiness")).status_code == 503

    talk(FakeView(node(N2)), story)


def test_a_standby_that_catches_up_is_not_streaming() -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.get("/replica?replication_state=streaming")).status_code == 503

    talk(view_of(node(N2, state=NodeState.CATCHING_UP)), story)


def test_a_stuck_agent_fails_its_liveness_only() -> None:
    async def story() -> None:
        view = FakeView(living=False)
        async with served(view) as client:
            assert (await client.get("/liveness")).status_code == 503
            assert (await client.get("/primary")).status_code == 200

    asyncio.run(story())


def test_sizes_are_read_as_people_write_them() -> None:
    assert [lag_of(text) for text in (None, "5", "16kB", "64MB", "1GB", "2 TB")] == [
        None, 5, 16 << 10, 64 << 20, 1 << 30, 2 << 40,
    ]  # fmt: skip
    for text in ("", "-1", "1.5GB", "1PB"):
        with pytest.raises(ValueError, match="no number of bytes"):
            lag_of(text)


WAITS = node(N2, state=NodeState.STOPPED, timeline=0, uptime_ms=SETTLING_MS)
PLACES: tuple[tuple[str, FakeView, int], ...] = (
    ("a voter that streams", view_of(node(N2)), 200),
    ("a standby that streams and should be a voter", view_of(node(N4)), 503),
    ("one that never votes", view_of(node(N4, tags=Tags(nosync=True))), 200),
    ("one where nobody waits for standbys", view_of(node(N4, record=replace(RECORD, mode=Mode.ASYNC))), 200),
    ("a server that does not stream yet", view_of(node(N2, state=NodeState.CATCHING_UP)), 503),
    ("a server that waits while nobody serves", FakeView(WAITS), 200),
    ("the same just after its start, when it may not have heard", FakeView(replace(WAITS, uptime_ms=0)), 503),
    ("the same while another serves", view_of(WAITS), 503),
    ("a clone in the making, though nobody serves", FakeView(replace(WAITS, state=NodeState.CLONING)), 503),
    ("a primary that waits for its first voter", FakeView(primary(serving_term=0, uptime_ms=SETTLING_MS)), 200),
    ("an agent that hangs", FakeView(living=False), 503),
)


@pytest.mark.parametrize(("view", "status"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_a_node_is_in_place_when_nothing_is_left_that_it_could_do_by_itself(view: FakeView, status: int) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.get("/in-place")).status_code == status

    talk(view, story)
