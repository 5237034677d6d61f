"""Does a client that wants a WAL sender get one of its own, on the primary, with what it asked for?"""

from howdah.routing.credentials import NoSecret, RoleFacts
from howdah.routing.hba import Method
from howdah.routing.loginsteps import LoggedIn
from howdah.routing.replication import replicating
from howdah.wire.startup import Replication
from tests.routing.playsession import READY, Stage, Wire, done, message, query

STREAM = query("START_REPLICATION 0/0 TIMELINE 1")
COPY_BOTH = message(b"W", b"\0\0\0")


def begun(stage: Stage) -> tuple[Wire, LoggedIn]:
    """A client that has logged in, on the primary."""
    client = Wire()
    who = LoggedIn(
        user="copier",
        database="postgres",
        minor=0,
        settings=(("application_name", "receiver"),),
        replication=Replication.PHYSICAL,
        credentials=NoSecret(Method.TRUST),
        method=Method.TRUST,
        role=RoleFacts("copier"),
        address=None,
        tls=False,
        rest=b"",
    )
    session = replicating(stage.hub, client, who, 1000.0, stage)
    session.greet(b"")
    assert session.place in stage.hub.places.values()
    opened = stage.asked_for[-1].place
    assert (opened.replication, opened.begins) == (Replication.PHYSICAL, session.state.profile)
    stage.connect()
    link = stage.links["n1"][-1]
    assert client.take().endswith(READY)
    assert session.link is link
    session.receive(STREAM)
    return client, who


def test_it_talks_to_the_primary_alone_and_in_both_directions_at_once() -> None:
    stage = Stage()
    client, _ = begun(stage)
    assert stage.sent("n1") == STREAM
    stage.answers("n1", COPY_BOTH + message(b"d", b"wal"))
    assert client.take() == COPY_BOTH + message(b"d", b"wal")
    (session,) = (each for each in stage.hub.sessions if each.client is client)
    session.receive(message(b"d", b"status") + message(b"c", b""))
    assert stage.sent("n1") == message(b"d", b"status") + message(b"c", b"")
    stage.answers("n1", message(b"c", b"") + done("START_STREAMING"))
    session.receive(query("SHOW wal_segment_size"))
    assert stage.sent("n1") == query("SHOW wal_segment_size")
    session.leave()
    assert session.place not in stage.hub.places.values()
    assert stage.wires["n1"][-1].closed


def test_it_ends_with_the_reign_of_its_primary() -> None:
    stage = Stage()
    client, _ = begun(stage)
    stage.answers("n1", COPY_BOTH + message(b"d", b"wal"))
    client.take()
    stage.leads("n2", 2)
    assert b"a replication connection" in client.take()
    assert client.closed
