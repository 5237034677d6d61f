"""What is known of roles, and how long it is believed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from howdah.router.rolequery import SqlRoleQuery
from howdah.router.verifiers import NobodyAnswers, RoleQuery, Server, ServerUnable, Verifiers
from howdah.routing.credentials import RoleFacts
from tests.ports import free_port
from tests.postgres.sqlserver import SqlServer
from tests.router.loginfarm import ROUTER_PASSWORD

T = TypeVar("T")
PRIMARY, STANDBY = Server("n1", "n1", 1), Server("n2", "n2", 2)
ANNA = RoleFacts("verifier", seconds_left=10.0)


class HandQuery:
    """A `RoleQuery` that answers from a dictionary, when it may."""

    def __init__(self) -> None:
        self.roles = {PRIMARY: {"anna": ANNA}, STANDBY: {"anna": ANNA, "dropped": ANNA}}
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.dead: set[Server] = set()
        self.may = asyncio.Event()
        self.may.set()

    async def ask(self, server: Server, roles: Sequence[str]) -> dict[str, RoleFacts]:
        """See the port."""
        self.asked.append((server.name, tuple(roles)))
        await self.may.wait()
        if server in self.dead:
            raise ServerUnable("refused")
        return {role: facts for role, facts in self.roles[server].items() if role in roles}


class Hand:
    """Verifiers over a `HandQuery`, and a clock."""

    def __init__(self) -> None:
        self.query = HandQuery()
        self.now_ms = 0.0
        self.servers: tuple[Server, ...] = (PRIMARY, STANDBY)
        self.verifiers = Verifiers(lambda: self.servers, self.query, 1000, lambda: self.now_ms)


def play(story: Callable[[Hand], Awaitable[None]]) -> None:
    async def run() -> None:
        hand = Hand()
        try:
            await story(hand)
        finally:
            await hand.verifiers.close()

    asyncio.run(run())


def test_the_primary_is_asked_first_and_its_no_is_an_answer() -> None:
    async def story(hand: Hand) -> None:
        assert await hand.verifiers.find("anna") == ANNA
        assert await hand.verifiers.find("dropped") is None
        assert hand.query.asked == [("n1", ("anna",)), ("n1", ("dropped",))]

    play(story)


def test_what_is_known_is_believed_for_a_moment_and_expires_meanwhile() -> None:
    async def story(hand: Hand) -> None:
        await hand.verifiers.find("anna")
        hand.now_ms = 999
        found = await hand.verifiers.find("anna")
        assert found is not None and found.seconds_left == pytest.approx(9.001)
        assert len(hand.query.asked) == 1
        hand.now_ms = 1000
        assert await hand.verifiers.find("anna") == ANNA
        hand.verifiers.forget("anna")
        await hand.verifiers.find("anna")
        assert len(hand.query.asked) == 3

    play(story)


def test_who_is_not_known_is_asked_for_each_time() -> None:
    async def story(hand: Hand) -> None:
        assert await hand.verifiers.find("new") is None
        hand.query.roles[PRIMARY]["new"] = ANNA
        assert await hand.verifiers.find("new") == ANNA

    play(story)


def test_a_standby_answers_while_the_primary_does_not() -> None:
    async def story(hand: Hand) -> None:
        hand.query.dead = {PRIMARY}
        assert await hand.verifiers.find("anna") == ANNA
        assert [server for server, _ in hand.query.asked] == ["n1", "n2"]

    play(story)


def test_when_nobody_answers_that_is_no_answer() -> None:
    async def story(hand: Hand) -> None:
        hand.query.dead = {PRIMARY, STANDBY}
        with pytest.raises(NobodyAnswers, match="n1: refused; n2: refused"):
            await hand.verifiers.find("anna")
        hand.servers = ()
        with pytest.raises(NobodyAnswers, match="no server of the cluster"):
            await hand.verifiers.find("anna")
        hand.servers, hand.query.dead = (PRIMARY,), set()
        assert await hand.verifiers.find("anna") == ANNA

    play(story)


def test_logins_that_come_together_are_asked_about_together_but_never_by_an_earlier_question() -> None:
    async def story(hand: Hand) -> None:
        hand.query.may.clear()
        waiting = [asyncio.create_task(hand.verifiers.find(role)) for role in ("new", "new", "anna")]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = [asyncio.create_task(hand.verifiers.find(role)) for role in ("new", "other")]
        await asyncio.sleep(0)
        hand.query.may.set()
        assert await asyncio.gather(*waiting) == [None, None, ANNA]
        assert await asyncio.gather(*late) == [None, None]
        assert hand.query.asked == [("n1", ("new", "anna")), ("n1", ("new", "other"))]

    play(story)


def test_a_client_that_goes_while_its_role_is_looked_up_takes_nobody_along() -> None:
    async def story(hand: Hand) -> None:
        hand.query.may.clear()
        first, second = (asyncio.create_task(hand.verifiers.find("anna")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        hand.query.may.set()
        assert await second == ANNA
        assert first.cancelled()

    play(story)


def test_closing_answers_everybody_who_waits() -> None:
    async def story(hand: Hand) -> None:
        hand.query.may.clear()
        waiting = asyncio.create_task(hand.verifiers.find("anna"))
        await asyncio.sleep(0.01)
        await hand.verifiers.close()
        with pytest.raises(NobodyAnswers, match="stopping"):
            await waiting

    play(story)


# the same question to a real server


def ask(server: SqlServer, act: Callable[[RoleQuery, Server], Awaitable[T]], password: str = ROUTER_PASSWORD) -> T:
    async def run() -> T:
        query = SqlRoleQuery(password, 5000, {"sslmode": "disable"})
        try:
            return await act(query, Server("n1", "localhost", server.port))
        finally:
            query.close()

    return asyncio.run(run())


def test_a_real_server_tells_of_those_it_knows(server: SqlServer) -> None:
    names = ["anna", "old", "gone", "nobody", "Odd ä-name", "stranger", "howdah", 'a"b\\c,{}', ""]

    async def story(query: RoleQuery, place: Server) -> dict[str, RoleFacts]:
        first = await query.ask(place, names)
        assert await query.ask(place, names[:1]) == {"anna": first["anna"]}
        return first

    found = ask(server, story)
    assert set(found) == {"anna", "old", "gone", "nobody", "Odd ä-name"}
    assert found["anna"].scram is not None and found["anna"].md5 is None
    assert found["old"].md5 is not None and found["old"].scram is None
    assert found["gone"].expired and not found["anna"].expired
    assert found["anna"].can_login and not found["nobody"].can_login


def test_a_server_that_cannot_be_asked_says_why(server: SqlServer) -> None:
    async def story(query: RoleQuery, place: Server) -> None:
        with pytest.raises(ServerUnable, match="password authentication failed"):
            await query.ask(place, ["anna"])
        with pytest.raises(ServerUnable, match="cannot be reached"):
            await query.ask(Server("n2", "127.0.0.1", free_port()), ["anna"])
        with pytest.raises(ServerUnable):
            await query.ask(Server("n3", "no-such-host.invalid", 5432), ["anna"])

    ask(server, story, "wrong")


def test_a_connection_that_broke_is_made_again(server: SqlServer) -> None:
    async def story(query: RoleQuery, place: Server) -> None:
        await query.ask(place, ["anna"])
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'howdah_router'"
        await asyncio.to_thread(server.sql, end)
        assert await query.ask(place, ["anna"])

    ask(server, story)
