"""What did a statement leave behind in its session, and does the session have to keep its server connection for it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from howdah.routing.link import Link
from howdah.routing.pins import Kind
from howdah.routing.profile import Profile, Profiles
from howdah.routing.wishes import is_wish
from howdah.sql import sessioneffect as effects
from howdah.sql import transaction as control
from howdah.sql.statement import Script, Statement

if TYPE_CHECKING:
    from howdah.routing.state import State

IDENTITY = ("role", "session_authorization")
OVER = (control.Commit, control.PrepareTransaction, control.Rollback)


class Traces:
    """A session's settings through its transactions. `start`: what it logged in with, and RESET goes back to."""

    def __init__(self, start: Profile) -> None:
        self.start = start
        self._committed = start
        self._savepoints: list[tuple[str, Profile]] = []

    def ended(self, tag: bytes, now: Profile) -> Profile:
        """What holds after the transaction. `tag`: of its last statement, b"" if that failed."""
        self._savepoints.clear()
        if not undone(tag):
            self._committed = now
        return self._committed

    def lost(self) -> Profile:
        """The transaction is gone with its server."""
        self._savepoints.clear()
        return self._committed

    def steer(self, statement: Statement, now: Profile) -> Profile:
        """After a statement that steers the transaction."""
        match statement.transaction:
            case control.Savepoint(name):
                self._savepoints.append((name, now))
            case control.RollbackTo(name):
                while self._savepoints and self._savepoints[-1][0] != name:
                    self._savepoints.pop()
                # One that was made before anything was set is not remembered.
                return self._savepoints[-1][1] if self._savepoints else self._committed
            case control.Release(name):
                while self._savepoints and self._savepoints.pop()[0] != name:
                    pass
            case control.Commit() | control.PrepareTransaction():
                return self.ended(b"C    COMMIT", now)
            case control.Rollback():
                return self.ended(b"", now)
            case _:
                pass
        return now


def undone(tag: bytes) -> bool:
    """Whether the transaction came to nothing. `tag`: the CommandComplete of its last statement, b"" if that failed."""
    return not tag or tag.startswith(b"ROLLBACK", 5)


def follow(state: State, link: Link, script: Script) -> None:
    """All statements of a text were done."""
    for statement in script.statements:
        if isinstance(statement.transaction, OVER):
            state.pins.ended(isinstance(statement.transaction, control.Rollback))
        state.adopt(state.traces.steer(statement, state.profile), link)
        for effect in statement.session:
            _follow(state, link, effect)
    state.watches = True


def _follow(state: State, link: Link, effect: effects.SessionEffect) -> None:
    profiles = state.profiles
    start = state.traces.start
    match effect:
        case effects.SetSetting():
            if effect.local:
                return
            if effect.value is None and not effect.is_default:
                state.pin(link, f"it ran {effect.statement}")
                return
            _set(state, link, effect.name, effect.value)
        case effects.ResetSetting(name):
            _set(state, link, name, None)
        case effects.ResetAll():
            kept = tuple((name, value) for name, value in state.profile.settings if name in IDENTITY)
            link.profile = profiles.of(kept)
            # What it logged in with, which the server does not know, holds again from the next transaction on.
            state.profile = profiles.of((*(pair for pair in start.settings if pair[0] not in IDENTITY), *kept))
        case effects.SetRole(role, local):
            if not local:
                _set(state, link, "role", role)
        case effects.SetSessionAuthorization(user, local):
            if not local:
                _set(state, link, "session_authorization", user)
                _set(state, link, "role", None)
        case effects.Discard(effects.DiscardTarget.ALL):
            _forget_all(state, link)
            link.profile, state.profile = profiles.plain, start
            state.pins.drop_all()
        case effects.Discard(effects.DiscardTarget.TEMPORARY):
            state.pins.drop(Kind.TEMPORARY)
        case effects.Deallocate(None):
            _forget_all(state, link)
            state.pins.drop(Kind.PREPARED)
        case effects.Deallocate(str(name)):
            state.forget(name.encode())
            state.pins.drop(Kind.PREPARED, name)
        case effects.Drops(names):
            for name in names:
                state.pins.drop(Kind.TEMPORARY, name)
        case effects.Unlisten(channel):
            state.pins.drop(Kind.LISTEN, channel)
        case effects.CloseCursor(name):
            state.pins.drop(Kind.CURSOR, name)
        case effects.SequenceState() if not state.binds:
            pass  # within its transaction it was right
        case effects.AdvisoryUnlock(everything=True):
            state.pins.drop(Kind.LOCK)
        case _:
            for kind, name, why in binds(effect):
                state.pin(link, why, kind, name)


def _set(state: State, link: Link, name: str, value: str | None) -> None:
    profiles: Profiles = state.profiles
    wanted = value if value is not None else state.traces.start.get(name)
    state.profile = profiles.with_setting(state.profile, name, wanted)
    if not is_wish(name):
        link.profile = profiles.with_setting(link.profile, name, value)


def _forget_all(state: State, link: Link) -> None:
    link.prepared.clear()
    link.stale.clear()
    link.unnamed = None
    state.forget_all()


Bond = tuple[Kind, str, str]
"""Kind and name of what binds, and why it does, as SHOW PINS says it."""


def binds(effect: effects.SessionEffect) -> tuple[Bond, ...]:
    """Why a session has to keep its connection after this; () if it need not."""
    match effect:
        case effects.Prepare(name=name):
            return ((Kind.PREPARED, name, f"PREPARE {name}"),)
        case effects.DeclareCursor(name=name, hold=hold):
            return ((Kind.CURSOR, name, f"cursor {name} WITH HOLD"),) if hold else ()
        case effects.Listen(channel):
            return ((Kind.LISTEN, channel, f"LISTEN {channel}"),)
        case effects.CreatesTemporary(names=names, until_commit=until_commit):
            return () if until_commit else tuple((Kind.TEMPORARY, name, f"temporary {name}") for name in names)
        case effects.AdvisoryLock(function=function, session=held):
            return ((Kind.LOCK, function, f"{function}() holds a lock of the session"),) if held else ()
        case effects.SequenceState(function=function, reads=reads):
            return ((Kind.OTHER, function, f"{function}() reads what its connection remembers"),) if reads else ()
        case effects.Load(library):
            return ((Kind.LIBRARY, library, f"LOAD {library}"),)
        case effects.Unknown(what):
            return ((Kind.OTHER, what, what),)
        case (
            effects.SetSetting()
            | effects.ResetSetting()
            | effects.ResetAll()
            | effects.SetRole()
            | effects.SetSessionAuthorization()
            | effects.Execute()
            | effects.Deallocate()
            | effects.CloseCursor()
            | effects.Drops()
            | effects.Unlisten()
            | effects.AdvisoryUnlock()
            | effects.Discard()
        ):
            return ()
        case _:
            assert_never(effect)
