"""What has to be known of what was sent, if the server is lost before it answers, and what is counted of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from howdah.routing.link import Link
    from howdah.routing.session import Session

REPEATED_BYTES_MAX: Final = 1 << 16
"""Longer messages in a pipeline are not kept until they are answered."""
PIPELINED_MOST: Final = 64
"""So many reads at a time can run elsewhere when their server is lost."""


def note(session: Session, link: Link, data: bytes, read: bool, whole: bool = True) -> None:
    """`data` is about to be sent. `whole`: one answer will be ready for all of it, and for nothing else."""
    counts = link.counts
    counts.received += len(data)
    if counts.to_time and not link.asked_s:
        counts.to_time -= 1
        link.asked_s = session.hub.stopwatch_s()
    if read:
        counts.reads += 1
        if link.expect.done:
            session.repeat = data if whole else b""
            session.reads = True
            if session.pipelined:
                session.pipelined.clear()
        elif whole and len(session.pipelined) < PIPELINED_MOST and len(data) <= REPEATED_BYTES_MAX:
            session.pipelined.append((link.expect.upcoming, data))
        else:
            session.repeat = b""
    else:
        counts.writes += 1
        session.repeat = b""
        session.reads = False
        session.writes = session.writes or link.pool.target.writable
