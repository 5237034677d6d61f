"""Is a real PostgreSQL done exactly when we say so? Random requests, then a question that nothing may precede."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from howdah.wire import codes, requests
from howdah.wire.expect import Copying, Expect
from howdah.wire.fields import message
from howdah.wire.frame import (
    REPLIES,
    REPLIES_ONE_BY_ONE,
    REPLY_MAX_BYTES,
    REQUEST_MAX_BYTES,
    REQUESTS,
    Framer,
)
from howdah.wire.requests import Bind, FunctionCall, Parse, Target
from howdah.wire.violation import ProtocolViolation
from tests.postgres.sqlserver import SqlServer
from tests.wire.wireclient import WireClient, connected

LOGIN = (("user", "postgres"), ("database", "postgres"))
VERSION_FUNCTION = 89


def query(text: str) -> bytes:
    return requests.query(text.encode())


def parse(text: str, name: str = "") -> bytes:
    return requests.parse(Parse(name.encode(), text.encode()))


def bind(statement: str = "", portal: str = "") -> bytes:
    return requests.bind(Bind(portal.encode(), statement.encode()))


SIMPLE = [
    query("SELECT 1"),
    query("SELECT generate_series(1, 3); SELECT 2"),
    query(""),
    query("-- nothing"),
    query("SELECT 1/0"),
    query("SELECT 1; SELECT 1/0; SELECT 2"),
    query("nonsense"),
    query("BEGIN"),
    query("COMMIT"),
    query("ROLLBACK"),
    query("INSERT INTO deferred VALUES (1)"),
    query("COPY (SELECT generate_series(1, 3)) TO STDOUT"),
    query("LISTEN here; NOTIFY here"),
    query("DO 'BEGIN RAISE WARNING $$careful$$; END'"),
    query("SET application_name = 'somebody'"),
    requests.function_call(FunctionCall(VERSION_FUNCTION, (), (), 0)),
    requests.function_call(FunctionCall(1, (), (), 0)),
]
STEPS = [
    parse("SELECT generate_series(1, 5)"),
    parse("nonsense"),
    parse(""),
    parse("INSERT INTO deferred VALUES (1)"),
    parse("BEGIN"),
    parse("COPY (SELECT 1) TO STDOUT"),
    parse("SELECT 1/(1 - $1::int)"),
    parse("SELECT 3", "named"),
    bind(),
    bind("named"),
    bind("named", "door"),
    bind("missing"),
    requests.describe(Target(codes.STATEMENT, b"")),
    requests.describe(Target(codes.STATEMENT, b"named")),
    requests.describe(Target(codes.PORTAL, b"")),
    requests.execute(),
    requests.execute(b"", 2),
    requests.execute(b"door"),
    requests.close(Target(codes.STATEMENT, b"named")),
    requests.close(Target(codes.PORTAL, b"")),
    requests.FLUSH,
]
ROWS = [requests.copy_data(b"1\n"), requests.copy_data(b"2\n3\n"), requests.copy_data(b"x\n"), requests.FLUSH]
ROW_ENDS = [requests.COPY_DONE, requests.copy_fail(b"enough")]
TABLES = ("copied", "guarded", "deferred", "absent")
STRAY = [requests.copy_data(b"1\n"), requests.COPY_DONE, requests.copy_fail(b"late")]


@st.composite
def copies(draw: st.DrawFn) -> list[bytes]:
    """A COPY FROM STDIN with its rows, sent without waiting for the invitation."""
    text = f"COPY {draw(st.sampled_from(TABLES))} FROM STDIN"
    rows = draw(st.lists(st.sampled_from(ROWS), max_size=4))
    end = draw(st.sampled_from(ROW_ENDS))
    if draw(st.booleans()):
        more = "; SELECT 1" if draw(st.booleans()) else ""
        return [query(text + more), *rows, end]
    early = draw(st.sampled_from(([], [requests.SYNC])))
    return [parse(text), bind(), requests.execute(), *early, *rows, end, requests.SYNC]


pieces = st.one_of(
    st.builds(lambda one: [one], st.sampled_from(SIMPLE)),
    st.lists(st.sampled_from(STEPS), max_size=6),
    st.lists(st.sampled_from(STEPS), max_size=6).map(lambda steps: [*steps, requests.SYNC]),
    st.just([requests.SYNC]),
    st.lists(st.sampled_from(STRAY), min_size=1, max_size=2),
    copies(),
)


@dataclass
class Conversation:
    """A real server's side of it, heard through what is under test."""

    client: WireClient
    framer: Framer
    expect: Expect

    def send(self, sent: list[bytes]) -> None:
        """Send all of it in one go."""
        for one in sent:
            self.expect.sent(one[0])
        self.client.send(b"".join(sent))

    def listen(self, at_once: int) -> None:
        """Read, so many bytes at once, until the server is said to be done."""
        while not self.expect.done and not self.expect.lost:
            data = self.client.socket.recv(at_once)
            assert data, "the server closed the connection"
            self.framer.feed(data)
            while found := self.framer.step():
                self.expect.heard(self.framer, found)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(pieces, max_size=4), min_size=1, max_size=3), st.sampled_from([1, 7, 4096]), st.booleans())
def test_a_real_server_is_done_exactly_when_we_say_so(
    server: SqlServer, bursts: list[list[list[bytes]]], at_once: int, one_by_one: bool
) -> None:
    with connected(server.port) as client:
        client.log_in(LOGIN)
        framer = Framer(REPLIES_ONE_BY_ONE if one_by_one else REPLIES, REPLY_MAX_BYTES)
        talk = Conversation(client, framer, Expect())
        for burst in bursts:
            talk.send([*(one for piece in burst for one in piece), requests.SYNC])
            talk.listen(at_once)
            if talk.expect.lost:
                return
        assert talk.framer.between
        client.send(query("SELECT 'nothing may precede this'"))
        answer = [kind for kind, _ in client.receive_until(codes.READY)]
        assert answer == list(b"EZ" if talk.expect.status == codes.IN_FAILED_TRANSACTION else b"TDCZ")


def test_a_copy_that_a_trigger_refuses_after_its_invitation_leaves_the_count_unknown(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in(LOGIN)
        talk = Conversation(client, Framer(REPLIES, REPLY_MAX_BYTES), Expect())
        copy = [parse("COPY guarded FROM STDIN"), bind(), requests.execute(), requests.SYNC]
        talk.send([*copy, requests.COPY_DONE, requests.SYNC])
        talk.listen(4096)
        assert talk.expect.lost


def test_a_replication_connection_copies_both_ways_until_both_have_ended(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in((("user", "postgres"), ("replication", "true")))
        position = server.lsn()
        framer = Framer(REPLIES, REPLY_MAX_BYTES)
        talk = Conversation(client, framer, Expect())
        talk.send([query(f"START_REPLICATION {position}")])
        while talk.expect.copying is not Copying.BOTH:
            framer.feed(client.socket.recv(4096))
            while found := framer.step():
                talk.expect.heard(framer, found)
        assert not talk.expect.done
        talk.send([requests.COPY_DONE])
        talk.listen(4096)
        client.send(query("IDENTIFY_SYSTEM"))
        assert client.receive_until(codes.READY)


def test_a_server_counts_a_sync_among_rows_as_nothing(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in(LOGIN)
        talk = Conversation(client, Framer(REPLIES, REPLY_MAX_BYTES), Expect())
        copy = [parse("COPY copied FROM STDIN"), bind(), requests.execute(), requests.SYNC]
        talk.send([*copy, requests.copy_data(b"7\n"), requests.SYNC, requests.COPY_DONE, requests.SYNC])
        talk.listen(4096)
        assert not talk.expect.lost
        assert client.query("SELECT count(*) FROM copied WHERE n = 7")[0] == (b"1",)


def test_a_query_among_rows_costs_the_connection(server: SqlServer) -> None:
    with connected(server.port) as client:
        client.log_in(LOGIN)
        client.send(query("COPY copied FROM STDIN"))
        client.receive_until(codes.COPY_IN)
        client.send(query("SELECT 1"))
        errors = [raw for _, raw in client.receive_until(codes.ERROR)]
        assert b"08P01" in errors[-1]


@pytest.mark.parametrize("kind", list(b"pZ1"))
def test_the_framer_and_the_server_agree_on_what_a_client_may_not_send(server: SqlServer, kind: int) -> None:
    stranger = message(kind, b"\0")
    with connected(server.port) as client:
        client.log_in(LOGIN)
        client.send(stranger)
        assert b"08P01" in client.receive_until(codes.ERROR)[-1][1]
    framer = Framer(REQUESTS, REQUEST_MAX_BYTES)
    framer.feed(stranger)
    with pytest.raises(ProtocolViolation) as caught:
        framer.step()
    assert caught.value.sqlstate == "08P01"
