"""Whose statement, transaction or idleness has lasted too long?

Nothing is noted on a statement's way. Every now and then it is looked what each session is about; what is the same as
at the last look has gone on since then at least. So limits are kept to within the time between two looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from howdah.wire import codes, sqlstate

if TYPE_CHECKING:
    from howdah.routing.link import Link
    from howdah.routing.session import Session

GRACE_MS: Final = 5_000.0
"""A statement that goes on for so long after its cancel loses its server connection."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each may last, in milliseconds; 0: for ever."""

    statement_ms: float = 0.0
    idle_transaction_ms: float = 0.0
    idle_session_ms: float = 0.0

    @property
    def boundless(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self.statement_ms or self.idle_transaction_ms or self.idle_session_ms)


class About(Enum):
    """What a session does."""

    RUNNING = auto()
    IDLE_IN_TRANSACTION = auto()
    IDLE = auto()
    WAITING = auto()


@dataclass(slots=True)
class Seen:
    """Since when it does so. `mark` would be another number if it had done anything else in between."""

    about: About
    mark: float
    since_ms: float
    cancelled: bool = False


class Looks:
    """What was seen at each session since when."""

    def __init__(self) -> None:
        self._seen: dict[Session, Seen] = {}

    def forget(self) -> None:
        """The next look is the first one."""
        self._seen.clear()

    def again(self, sessions: Iterable[Session], now_ms: float) -> Iterator[tuple[Session, Seen]]:
        """What each is about. Sessions that end meanwhile do no harm."""
        before, self._seen = self._seen, {}
        for session in tuple(sessions):
            about, mark = _about(session)
            seen = before.get(session)
            if seen is None or seen.about is not about or seen.mark != mark:
                seen = Seen(about, mark, now_ms)
            self._seen[session] = seen
            yield session, seen

    def quiet(self, sessions: Iterable[Session], now_ms: float, quiet_ms: float) -> list[Session]:
        """Those that have been idle, in no transaction, for so long."""
        return [
            session
            for session, seen in self.again(sessions, now_ms)
            if seen.about is About.IDLE and now_ms - seen.since_ms >= quiet_ms
        ]


class Watch:
    """`patience` may be changed at any time."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._looks = Looks()

    def look(self, sessions: Iterable[Session], now_ms: float) -> list[Link]:
        """End what has lasted too long. Returns the connections whose statements have to be cancelled."""
        cancels: list[Link] = []
        if self.patience.boundless:
            self._looks.forget()
            return cancels
        for session, seen in self._looks.again(sessions, now_ms):
            self._judge(session, seen, now_ms - seen.since_ms, cancels)
        return cancels

    def _judge(self, session: Session, seen: Seen, lasted_ms: float, cancels: list[Link]) -> None:
        patience, link = self.patience, session.link
        match seen.about:
            case About.RUNNING if patience.statement_ms and lasted_ms > patience.statement_ms and link is not None:
                if not seen.cancelled:
                    seen.cancelled = True
                    cancels.append(link)
                elif lasted_ms > patience.statement_ms + GRACE_MS:
                    session.refuse(_end(sqlstate.QUERY_CANCELED, "canceling statement due to statement timeout"))
            case About.IDLE_IN_TRANSACTION if 0 < patience.idle_transaction_ms < lasted_ms:
                session.refuse(
                    _end(
                        sqlstate.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                        "terminating connection due to idle-in-transaction timeout",
                    )
                )
            case About.IDLE if 0 < patience.idle_session_ms < lasted_ms:
                session.refuse(
                    _end(sqlstate.IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout")
                )
            case _:
                pass


def _about(session: Session) -> tuple[About, float]:
    """What it does, and what would be another number if it had done anything else in between."""
    link = session.link
    if link is None:
        return (About.WAITING, session.asked_ms) if session.asked_ms else (About.IDLE, session.lent_ms)
    expect = link.expect
    if not expect.done:
        return About.RUNNING, expect.answering
    if expect.status != codes.IDLE:
        return About.IDLE_IN_TRANSACTION, expect.upcoming
    return About.IDLE, expect.upcoming


def _end(state: str, message: str) -> bytes:
    return sqlstate.error(sqlstate.FATAL, state, message)
