"""A session between a client and servers that only remember what they were sent.

stage = Stage()
client = stage.client()
client.asks("SELECT 1")
stage.sent("n2") == [b"Q...SELECT 1"]
stage.answers("n2", select(b"1"))
"""

from howdah.routing.clusterview import ClusterView, NodeView, Sample
from howdah.routing.fleet import Fleet, FleetLimits, Target
from howdah.routing.hub import Hub, Place
from howdah.routing.link import Link
from howdah.routing.pool import Limits, Pool
from howdah.routing.session import Session
from howdah.routing.texts import Texts
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG

READY = b"Z\x00\x00\x00\x05I"
IN_TRANSACTION = b"Z\x00\x00\x00\x05T"
FAILED = b"Z\x00\x00\x00\x05E"


def message(kind: bytes, body: bytes) -> bytes:
    """One message."""
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def query(text: str) -> bytes:
    """A simple query."""
    return message(b"Q", text.encode() + b"\0")


def done(tag: str, ready: bytes = READY) -> bytes:
    """A whole answer without rows."""
    return message(b"C", tag.encode() + b"\0") + ready


def error(sqlstate: str, severity: str = "ERROR") -> bytes:
    """An ErrorResponse."""
    return message(b"E", f"S{severity}\0V{severity}\0C{sqlstate}\0Mwords\0\0".encode())


def parse(name: str, text: str) -> bytes:
    """Parse without types."""
    return message(b"P", name.encode() + b"\0" + text.encode() + b"\0\0\0")


def bind(name: str) -> bytes:
    """Bind to the portal without a name, without parameters."""
    return message(b"B", b"\0" + name.encode() + b"\0\0\0\0\0\0\0")


EXECUTE = message(b"E", b"\0\0\0\0\0")
SYNC = message(b"S", b"")
FLUSH = message(b"H", b"")
PARSED, BOUND, CLOSED = message(b"1", b""), message(b"2", b""), message(b"3", b"")


class Wire:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False
        self.paused = False

    def write(self, data: bytes) -> None:
        """Remember it."""
        assert not self.closed
        self.written.append(data)

    def pause(self) -> None:
        """Remember it."""
        self.paused = True

    def resume(self) -> None:
        """Remember it."""
        self.paused = False

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def abort(self) -> None:
        """Remember it."""
        self.closed = True

    def take(self) -> bytes:
        """Everything since the last time."""
        taken, self.written = b"".join(self.written), []
        return taken


class Client(Wire):
    """A client that has logged in."""

    def __init__(self, stage: "Stage", settings: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.session = Session(stage.hub, self, stage.place, stage.hub.profiles.of(settings))
        self.session.skip_greeting()
        stage.hub.sessions.add(self.session)

    def sends(self, *messages: bytes) -> None:
        """In one piece."""
        self.session.receive(b"".join(messages))

    def asks(self, text: str) -> None:
        """A simple query."""
        self.sends(query(text))


class Stage:
    """Three servers, n1 the primary of term 1; `clock` is the time in milliseconds."""

    def __init__(self, size: int = 10, opens: bool = True) -> None:
        self.clock = 1000.0
        self.fleet = Fleet(FleetLimits())
        self.hub = Hub(self.fleet, lambda: self.clock, hold_ms=20_000, hold_most=100)
        texts = Texts(Verdicts(1 << 20, EMPTY_CATALOG))
        self.place = Place("app", "app", texts, Limits(most=size), self, self.hub.ledger)
        self.place.faces[self.hub.profiles.plain] = b""  # somebody has logged in before
        self.hub.places["app", "app"] = self.place
        self.wires: dict[str, list[Wire]] = {"n1": [], "n2": [], "n3": []}
        self.links: dict[str, list[Link]] = {"n1": [], "n2": [], "n3": []}
        self.asked_for: list[Pool] = []
        self._opens = opens
        self.leads("n1", 1)

    # the cluster

    def leads(self, name: str, term: int) -> None:
        """Another record, and every server's word for it."""
        self.clock += 1000
        nodes = tuple(NodeView(each, each, 5432) for each in ("n1", "n2", "n3"))
        view = ClusterView((0, term, term), term, name, name, serving=True, nodes=nodes, asked_ms=self.clock)
        self.hub.changed(self.fleet.learn(view, self.clock))
        self.clock += 1
        for each in ("n1", "n2", "n3"):
            self.sampled(each, term)
        self.hub.tick()

    def nobody_leads(self) -> None:
        """The record says that the holder gave the lease up."""
        holder, term = self.record_holder, self.fleet.term
        view = ClusterView((0, term, term + 1), term, holder, holder, serving=False, released=True, asked_ms=self.clock)
        self.hub.changed(self.fleet.learn(view, self.clock))

    def sampled(self, name: str, term: int, lsn: int = 1000) -> None:
        """A server says how it does."""
        sample = Sample(self.clock, name != self.record_holder, term, lsn, 1.0)
        self.hub.changed(self.fleet.sampled(self.target(name), sample))

    @property
    def record_holder(self) -> str:
        """Who leads."""
        return self.fleet.primary.name if self.fleet.primary else ""

    def target(self, name: str) -> Target:
        """One server."""
        return self.fleet.targets[name]

    # the pools' opener

    def open(self, pool: Pool) -> None:
        """Connections are there once `connect` is called, or at once for who waits for nothing else."""
        self.asked_for.append(pool)

    def connect(self) -> None:
        """Everything that was asked for is there."""
        while self.asked_for:
            pool = self.asked_for.pop(0)
            wire = Wire()
            profile = pool.place.begins or self.hub.profiles.plain
            link = Link(pool, wire, {"server_version": "18.0"}, profile, self.clock)
            self.wires[pool.target.name].append(wire)
            self.links[pool.target.name].append(link)
            pool.opened(link)

    def client(self, *settings: tuple[str, str]) -> Client:
        """One more client."""
        return Client(self, settings)

    # the servers

    def sent(self, name: str) -> bytes:
        """Everything that a server got since the last time, on all connections."""
        self.connect()
        return b"".join(wire.take() for wire in self.wires[name])

    def answers(self, name: str, data: bytes, place: int = 0) -> None:
        """A server answers on one of its connections."""
        self.connect()
        self.links[name][place].receive(data)

    def dies(self, name: str) -> None:
        """All connections to a server end."""
        for link in self.links[name]:
            link.broken = "gone"
            link.pool.lost(link)
        self.links[name].clear()
        self.wires[name].clear()
