"""Do agents hear and ask each other, over real sockets?"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from howdah.agent.peering.probe import probe
from howdah.agent.peering.stream import SILENCE_SECONDS_MAX
from howdah.cluster.peerstate import Confirmation, NodeState, PromiseRequest, Refusal, Report
from howdah.ports.peers import PeerUnreachable, ProbeResult
from howdah.ports.postgres import SqlFailed
from howdah.values.address import Address
from tests.agent.peering.rig import LOCALHOST, TOKEN, Agent, a_record, agent_process, an_agent, state_of
from tests.signals import send
from tests.waiting import until

REQUEST = PromiseRequest(4, a_record(), "n1")
LONG_MS = 30_000


def connected(agent: Agent, peer: str) -> bool:
    view = agent.peers.views().get(peer)
    return view is not None and view.connected


def test_a_peer_s_state_is_heard_when_it_connects_and_at_each_change() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n2.peers.publish(state_of("n2"))
            n1.peers.set_peers({"n2": n2.server.address})
            await until(lambda: connected(n1, "n2"))
            assert n1.peers.views()["n2"].published == state_of("n2")
            seen = n1.changes
            n2.peers.publish(state_of("n2", state=NodeState.CLONING))
            await until(lambda: n1.changes > seen)
            assert n1.peers.views()["n2"].published.state is NodeState.CLONING

    asyncio.run(story())


def test_the_uptime_alone_travels_with_the_heartbeat() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n2.peers.publish(state_of("n2"))
            n1.peers.set_peers({"n2": n2.server.address})
            await until(lambda: connected(n1, "n2"))
            n2.peers.publish(state_of("n2", uptime_ms=5))
            await until(lambda: n1.peers.views()["n2"].published.uptime_ms == 5)

    asyncio.run(story())


def test_a_killed_peer_is_noticed_as_disconnected_and_its_port_refuses() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1:
            with agent_process("n2") as (process, address):
                n1.peers.set_peers({"n2": address})
                await until(lambda: connected(n1, "n2"))
                process.kill()
                await until(lambda: not connected(n1, "n2"))
                # Long before a silence would have been judged: the stream broke.
                assert n1.peers.views()["n2"].age_ms < SILENCE_SECONDS_MAX * 1000
                assert n1.peers.views()["n2"].published == state_of("n2")
                # A dying process may close its connections a moment before its listening socket.
                async with asyncio.timeout(LONG_MS / 1000):
                    while await n1.peers.probe(address, LONG_MS) is not ProbeResult.REFUSED:
                        pass

    asyncio.run(story())


def test_a_stopped_peer_falls_silent_but_is_not_gone_and_is_heard_again_on_the_same_connection() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1:
            with agent_process("n2") as (process, address):
                n1.peers.set_peers({"n2": address})
                await until(lambda: connected(n1, "n2"))
                before = connections_of(process.pid)
                send((process.pid,), signal.SIGSTOP)
                await until(lambda: not connected(n1, "n2"))
                assert n1.peers.views()["n2"].age_ms >= SILENCE_SECONDS_MAX * 1000
                assert await n1.peers.probe(address, LONG_MS) is ProbeResult.ACCEPTS
                os.kill(process.pid, signal.SIGCONT)
                await until(lambda: connected(n1, "n2"))
                assert before <= connections_of(process.pid)

    asyncio.run(story())


def connections_of(pid: int) -> set[str]:
    """The sockets of a process."""
    links = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.add(str(descriptor.readlink()))
    return {link for link in links if link.startswith("socket:")}


def test_a_peer_that_returns_is_heard_again_and_a_restarted_one_that_says_nothing_is_not_taken_for_its_old_state() -> (
    None
):
    async def story() -> None:
        async with an_agent("n1") as n1:
            async with an_agent("n2") as n2:
                n2.peers.publish(state_of("n2"))
                n1.peers.set_peers({"n2": n2.server.address})
                await until(lambda: connected(n1, "n2"))
            await until(lambda: not connected(n1, "n2"))
            async with an_agent_at("n2", n2.server.address) as restarted:
                await until(lambda: restarted.broadcast.listeners == 1)
                await asyncio.sleep(0)
                assert not connected(n1, "n2")
                restarted.peers.publish(state_of("n2", promise=4))
                await until(lambda: connected(n1, "n2"))
                assert n1.peers.views()["n2"].published.promise == 4

    asyncio.run(story())


def an_agent_at(node: str, address: Address) -> contextlib.AbstractAsyncContextManager[Agent]:
    return an_agent(node, port=address.port)


def test_a_stopping_agent_ends_the_streams_it_serves() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n2.peers.publish(state_of("n2"))
            n1.peers.set_peers({"n2": n2.server.address})
            await until(lambda: connected(n1, "n2"))
            with capture_logs() as logs:
                await n2.server.stop()
            await until(lambda: not connected(n1, "n2"))
            assert logs == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("node", "cluster", "token", "complaint"),
    [
        ("n2", "c", "another token", "refuses our token"),
        ("n2", "other", TOKEN, "is node n2 of cluster other"),
        ("n3", "c", TOKEN, "is node n3 of cluster c"),
    ],
)
def test_whoever_else_has_the_address_is_ignored_with_one_log_line(
    node: str, cluster: str, token: str, complaint: str
) -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent(node, cluster, token) as stranger:
            stranger.peers.publish(state_of(node))
            stranger.service.may_answer.set()
            with capture_logs() as logs:
                n1.peers.set_peers({"n2": stranger.server.address})
                await until(lambda: bool(logs))
                with pytest.raises(PeerUnreachable):
                    await n1.peers.ask_promise("n2", REQUEST, LONG_MS)
                await asyncio.sleep(0.4)
            assert [complaint in log["event"] for log in logs] == [True]
            assert n1.peers.views() == {} and stranger.service.asked == []

    asyncio.run(story())


def test_a_peer_that_speaks_for_another_is_ignored() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n2.peers.publish(state_of("n3"))
            with capture_logs() as logs:
                n1.peers.set_peers({"n2": n2.server.address})
                await until(lambda: bool(logs))
            assert "speaks for n3" in logs[0]["event"] and n1.peers.views() == {}

    asyncio.run(story())


def test_something_else_at_the_address_is_ignored() -> None:
    async def story() -> None:
        async def web_server(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")
            writer.close()

        server = await asyncio.start_server(web_server, LOCALHOST, 0)
        port = server.sockets[0].getsockname()[1]
        async with server, an_agent("n1") as n1:
            with capture_logs() as logs:
                n1.peers.set_peers({"n2": Address(LOCALHOST, port)})
                await until(lambda: bool(logs))
            assert "is no agent of Howdah" in logs[0]["event"] and n1.peers.views() == {}

    asyncio.run(story())


def test_requests_without_the_token_get_401_and_reach_no_service() -> None:
    async def story() -> None:
        async with an_agent("n2") as n2, httpx.AsyncClient(base_url=f"http://{n2.server.address}") as client:
            for method, path in (("GET", "stream"), ("POST", "promise"), ("POST", "confirm"), ("POST", "release-slot")):
                assert (await client.request(method, f"/peer/{path}")).status_code == 401
            assert n2.service.asked == []

    asyncio.run(story())


def test_a_promise_is_waited_for_as_long_as_the_revocation_takes() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n1.peers.set_peers({"n2": n2.server.address})
            asking = asyncio.create_task(n1.peers.ask_promise("n2", REQUEST, LONG_MS))
            await until(lambda: n2.service.asked == [REQUEST])
            assert not asking.done()
            n2.service.may_answer.set()
            report = await asking
            assert isinstance(report, Report) and report.basis == REQUEST.record.basis

    asyncio.run(story())


def test_a_promise_that_takes_too_long_leaves_the_peer_unreachable_and_nobody_waiting() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n1.peers.set_peers({"n2": n2.server.address})
            with pytest.raises(PeerUnreachable, match="within 200 ms"):
                await n1.peers.ask_promise("n2", REQUEST, 200)
            await until(lambda: n2.service.given_up == [REQUEST])
            n2.service.may_answer.set()
            assert isinstance(await n1.peers.ask_promise("n2", REQUEST, LONG_MS), Report)

    asyncio.run(story())


def test_a_refusal_is_an_answer() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n2.service.refuses = True
            n2.service.may_answer.set()
            n1.peers.set_peers({"n2": n2.server.address})
            assert await n1.peers.ask_promise("n2", REQUEST, LONG_MS) == Refusal("it follows another", 9)
            assert await n1.peers.confirm("n2", 4, LONG_MS) == Refusal("revoked", 5)

    asyncio.run(story())


def test_a_confirmation_and_a_slot_s_release_are_asked_for() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n1.peers.set_peers({"n2": n2.server.address})
            assert isinstance(await n1.peers.confirm("n2", 4, LONG_MS), Confirmation)
            await n1.peers.release_slot("n2", "n1", LONG_MS)
            assert n2.service.asked == [4, "n1"]
            n2.service.failure = SqlFailed("the server at 5432 does not answer")
            with pytest.raises(PeerUnreachable, match="the server at 5432"):
                await n1.peers.release_slot("n2", "n1", LONG_MS)

    asyncio.run(story())


def test_a_peer_without_an_address_or_without_a_process_is_unreachable() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1:
            with free_port() as port:
                n1.peers.set_peers({"n2": Address(LOCALHOST, port)})
                with pytest.raises(PeerUnreachable, match="n2 cannot be asked"):
                    await n1.peers.confirm("n2", 1, LONG_MS)
            with pytest.raises(PeerUnreachable, match="no address of n9"):
                await n1.peers.confirm("n9", 1, LONG_MS)

    asyncio.run(story())


def test_peers_come_and_go_at_runtime_and_a_request_to_a_removed_one_ends() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n2.peers.publish(state_of("n2"))
            n1.peers.set_peers({"n2": n2.server.address})
            await until(lambda: connected(n1, "n2"))
            asking = asyncio.create_task(n1.peers.ask_promise("n2", REQUEST, LONG_MS))
            await until(lambda: bool(n2.service.asked))
            n1.peers.set_peers({})
            assert n1.peers.views() == {}
            await until(lambda: not n2.broadcast.listeners)
            n2.service.may_answer.set()
            with contextlib.suppress(PeerUnreachable):
                await asking
            n1.peers.set_peers({"n1": n1.server.address, "n2": n2.server.address})
            await until(lambda: connected(n1, "n2"))
            assert set(n1.peers.views()) == {"n2"}

    asyncio.run(story())


def test_a_cancelled_request_leaves_nothing_behind() -> None:
    async def story() -> None:
        async with an_agent("n1") as n1, an_agent("n2") as n2:
            n1.peers.set_peers({"n2": n2.server.address})
            asking = asyncio.create_task(n1.peers.ask_promise("n2", REQUEST, LONG_MS))
            await until(lambda: bool(n2.service.asked))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            n2.service.may_answer.set()

    asyncio.run(story())


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """A port that is bound but not listened on, so that connections are refused."""
    with socket.socket() as holder:
        holder.bind((LOCALHOST, 0))
        yield holder.getsockname()[1]


def test_only_a_refused_connection_speaks_for_gone() -> None:
    async def story() -> None:
        with free_port() as port:
            assert await probe(Address(LOCALHOST, port), LONG_MS) is ProbeResult.REFUSED
            assert await probe(Address("localhost", port), LONG_MS) is ProbeResult.REFUSED
        assert await probe(Address("no-such-host.invalid", 1), LONG_MS) is ProbeResult.SLOW
        with socket.socket() as full:
            full.bind((LOCALHOST, 0))
            full.listen(0)
            address = Address(*full.getsockname())
            assert await probe(address, LONG_MS) is ProbeResult.ACCEPTS
            # The queue is full now: the kernel drops what comes next instead of refusing it.
            assert await probe(address, 100) is ProbeResult.SLOW

    asyncio.run(story())
