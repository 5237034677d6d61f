"""When has a server provably stopped acknowledging an older primary, and what may it promise?

Before votes count, a candidate revokes enough voters: they promise, stop receiving, prove it, and only then report.
"""

from enum import StrEnum

from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.record import Record
from howdah.cluster.serverfacts import ReplayView

WAITS_FOR_SOURCE = "RecoveryRetrieveRetryInterval"
"""The startup process sleeps between attempts to find WAL: no receiver was asked for, none is connecting."""


class Missing(StrEnum):
    """Which proof of a revocation is outstanding. 1 to 3 have a limit; REPLAY is waited for while it advances."""

    SETTING = "a new connection does not show blank conninfo and restore command"
    STARTUP = "the startup process has not confirmed a fresh pause"
    RECEIVER = "a receiver is there or may be starting"
    REPLAY = "replay has not reached the end of what was received"


def missing_setting(view: ReplayView) -> Missing | None:
    """Proof 1: a new connection shows the blank setting (the postmaster has read it)."""
    return Missing.SETTING if view.shown_conninfo or view.shown_restore_command else None


def missing_startup(view: ReplayView) -> Missing | None:
    """Proof 2, STARTUP PROOF: a *fresh* pause reached `paused`. Only the startup process sets it, after it re-read its
    settings; without it a receiver could be started from the old ones after the vote."""
    return None if view.pause_state == "paused" else Missing.STARTUP


def missing_receiver(view: ReplayView) -> Missing | None:
    """Proof 3: no walreceiver process (a connecting one has no row in pg_stat_wal_receiver), and the startup process
    waits for its next try."""
    return None if view.receivers == 0 and view.startup_waits == WAITS_FOR_SOURCE else Missing.RECEIVER


def missing_replay(view: ReplayView) -> Missing | None:
    """Proof 4: everything received is replayed. A trailing partial record keeps replay behind what was received for
    ever, so the startup process waiting for WAL (proof 3) is what tells that replay is at its end."""
    if view.replayed_lsn >= view.received_lsn:
        return None
    return None if view.startup_waits == WAITS_FOR_SOURCE else Missing.REPLAY


def promise_refusal(asked: int, local: LocalState, record: Record) -> str:
    """Why this server cannot promise `asked` now; "" if it can. The promise itself names no candidate."""
    if asked <= record.term:
        return f"term {asked} is not above the record's term {record.term}"
    if asked < local.promise:
        return f"a higher term, {local.promise}, is already promised (NEVER WITHDRAWN)"
    if local.marker is not Marker.NONE:
        return f"its data directory is incomplete ({local.marker.value})"
    return ""


def may_follow(local: LocalState, term: int) -> bool:
    """NEVER WITHDRAWN: a server with promise q follows only a primary of term q or above."""
    return term >= local.promise


def must_report_again(asked: int, local: LocalState, follows_term: int) -> bool:
    """Asked again for the same term, a voter that does not yet follow that term's primary reports again."""
    return asked == local.promise and follows_term < asked
