"""What must hold of the router whatever a client sends that has logged in?

Nothing but an error of the protocol ends its session; what waits for it stays bounded; and another client, who uses the
same server connections afterwards, gets the answers to its own statements and to nothing else.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Final

from howdah.routing.link import Link
from howdah.routing.session import FULL_BYTES, WHOLE_BYTES
from howdah.wire import codes
from howdah.wire.frame import NOTHING, REQUEST_MAX_BYTES, REQUESTS, Framer
from tests.routing.playsession import Client, Stage, done, query
from tests.wire.servermodel import Fate, Request, ServerModel

FATES: Final = tuple(Fate)
MOST_BYTES: Final = WHOLE_BYTES + FULL_BYTES
COPYING: Final = frozenset((codes.COPY_DATA, codes.COPY_DONE, codes.COPY_FAIL, codes.SYNC, codes.FLUSH))
OTHER: Final = "INSERT INTO other VALUES (1)"


class Backend:
    """The server's end of one connection: reads what the router sent, and answers as PostgreSQL would."""

    def __init__(self, link: Link, fates: Iterator[Fate]) -> None:
        self.link = link
        self._frames = Framer(REQUESTS, REQUEST_MAX_BYTES, whole_max=1 << 20)
        self._model = ServerModel(lambda: next(fates))

    def reads(self, sent: bytes) -> bytes:
        """All requests that are whole; the answers."""
        self._frames.feed(sent)
        answers = b""
        while (found := self._frames.step()) != NOTHING:
            kind = self._frames.kind
            assert kind != codes.TERMINATE, "the router takes a client's leave for a server's"
            text = self._frames.buffer[self._frames.start : self._frames.end]
            del found
            if self._model.copying is not None and kind not in COPYING:
                kind = codes.COPY_FAIL  # PostgreSQL takes it for the end of the rows, and for an error
            answers += self._model.answer(Request(kind, kind == codes.QUERY and b"COPY" in text))
        return answers


class Theatre:
    """A stage whose servers answer. `fates`: what becomes of each thing they do, over and over."""

    def __init__(self, fates: bytes) -> None:
        self.stage = Stage(size=2)
        self._fates = cycle([FATES[each % len(FATES)] for each in fates] or [Fate.GOOD])
        self._backends: dict[Link, Backend] = {}

    def plays(self) -> None:
        """Until nobody says anything more."""
        stage, moved = self.stage, True
        while moved:
            stage.connect()
            moved = False
            for name, links in stage.links.items():
                for place, link in enumerate(tuple(links)):
                    sent = stage.wires[name][place].take()
                    if sent and not link.broken:
                        moved = True
                        backend = self._backends.setdefault(link, Backend(link, self._fates))
                        answer = backend.reads(sent)
                        if answer:
                            link.receive(answer)

    def asks_well(self) -> bytes:
        """The answer that another client gets to its own statement, from servers that do all they are asked."""
        self._fates = cycle([Fate.GOOD])
        other = Client(self.stage, ())
        other.asks(OTHER)
        stage = self.stage
        stage.connect()
        link = other.session.link
        assert link is not None, "there is no connection for it"
        name = link.pool.target.name
        wire = stage.wires[name][stage.links[name].index(link)]
        sent = wire.take()
        if sent != query(OTHER):  # settings of the session before are taken back first
            assert other.take() == b""
            link.receive(done("RESET"))
            sent = wire.take()
        assert sent == query(OTHER), "it is not what it asked for"
        link.receive(done("INSERT 0 1"))
        return other.take()


def conversing(data: bytes) -> None:
    """The first bytes choose how the rest is cut and what the servers do."""
    if len(data) < 4:
        return
    cut, fates, stream = data[0] + 1, data[1:4], data[4:]
    theatre = Theatre(fates)
    client = theatre.stage.client()
    for start in range(0, len(stream), cut):
        if client.closed:
            break
        client.session.receive(stream[start : start + cut])
        theatre.plays()
        assert len(client.session.inbox) <= MOST_BYTES, "too much is kept of what it sends"
    if not client.closed:
        client.session.leave()
    theatre.plays()
    assert theatre.asks_well() == done("INSERT 0 1"), "another client gets what is not its own"
