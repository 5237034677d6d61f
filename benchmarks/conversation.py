"""What does the router's own code cost for one query, without any socket? `python -m benchmarks.conversation`

    PYTHONPATH=build/compiled-router python -m benchmarks.conversation   # after `make compile-router`

Sessions and server connections as in the router, between sinks that forget. Processor time, the best of several runs.
What `make bench-router` measures beside it is the system's socket calls and the event loop.
"""

import sys
from collections.abc import Callable

from benchmarks.wire import BATCH, EXTENDED, ONE_ROW, QUERY, nanoseconds
from howdah.routing import session as sessions
from howdah.wire import codes, replies, requests
from howdah.wire.requests import Bind, Parse, Target
from tests.routing.playsession import Stage

TEXT = b"SELECT abalance FROM pgbench_accounts WHERE aid = $1;"
PREPARING = requests.parse(Parse(b"P0_1", TEXT)) + requests.SYNC
PREPARED = b"".join(
    (
        requests.bind(Bind(b"", b"P0_1", (), (b"4711",))),
        requests.describe(Target(codes.PORTAL, b"")),
        requests.execute(),
        requests.SYNC,
    )
)


class Nowhere:
    """A sink that forgets."""

    def write(self, data: bytes) -> None:
        """Forget it."""

    def pause(self) -> None:
        """Nothing."""

    def resume(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def abort(self) -> None:
        """Nothing."""


def conversation(asked: bytes, answer: bytes, first: bytes = b"", first_answer: bytes = b"") -> Callable[[], None]:
    """One client that asks, one server connection that answers."""
    stage = Stage()
    session = sessions.Session(stage.hub, Nowhere(), stage.place, stage.hub.profiles.plain)
    session.skip_greeting()
    stage.place.spread = False
    if first:
        session.receive(first)
        stage.connect()
        stage.links["n1"][0].receive(first_answer)
    session.receive(asked)
    stage.connect()
    link = stage.links["n1"][0]
    link.sink = Nowhere()
    link.receive(answer)

    def once() -> None:
        session.receive(asked)
        link.receive(answer)

    once()
    assert session.link is None
    return once


def main() -> int:
    """Print the table."""
    compiled = not str(sessions.__file__).endswith(".py")
    sys.stdout.write(f"{'compiled' if compiled else 'from source'}: nanoseconds for one query and its answer\n")
    for name, once in (
        ("simple", conversation(QUERY, ONE_ROW)),
        ("extended", conversation(BATCH, EXTENDED)),
        (
            "prepared",
            conversation(
                PREPARED,
                replies.BIND_COMPLETE + ONE_ROW,
                PREPARING,
                replies.PARSE_COMPLETE + replies.READY_IDLE,
            ),
        ),
    ):
        sys.stdout.write(f"{name:>10} {nanoseconds(once):8.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
