"""Who is told when this node's role changes, and how long were writes away?"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from howdah.cluster.observation import Observation, ServerState
from howdah.values.lsn import NO_LSN, Lsn


class Role(StrEnum):
    """A node's role as hooks and people see it."""

    PRIMARY = "primary"
    STANDBY = "standby"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RoleNews:
    """This node's role changed, or it began to serve in a new term.

    `cause` is one sentence; `timeline` and `switch_lsn` are of the promotion (0: none is known); `away_ms`: from the
    last moment at which writes were seen to be served until now, None where nobody knows."""

    role: Role
    before: Role
    term: int
    cause: str
    timeline: int = 0
    switch_lsn: Lsn = NO_LSN
    away_ms: int | None = None


Listener = Callable[[RoleNews], None]


class RoleWatch:
    """Compares each observation with the one before. Listeners must neither raise nor wait."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._role = Role.NONE
        self._served_term = 0
        self._writes_seen_boot_ms = 0
        self._cause = ""

    def note_cause(self, cause: str) -> None:
        """Why this node stood for election, resumed, or was handed the lead."""
        self._cause = cause

    def look(self, o: Observation) -> None:
        """Tell the listeners if something changed."""
        record = o.store.record
        role = role_of(o)
        began = role is Role.PRIMARY and o.served_term != self._served_term
        if record is not None and (role is not self._role or began):
            self._tell(o, role, began)
        self._role = role
        if role is Role.PRIMARY:
            self._served_term = o.served_term
        if writes_seem_served(o):
            self._writes_seen_boot_ms = o.now_boot_ms

    def _tell(self, o: Observation, role: Role, began: bool) -> None:
        record = o.store.record
        if record is None:
            return
        entry = record.current_entry
        away = None
        if began and self._writes_seen_boot_ms:
            away = o.now_boot_ms - self._writes_seen_boot_ms
        promoted = entry is not None and entry.term == record.term
        news = RoleNews(
            role=role,
            before=self._role,
            term=record.term,
            cause=self._cause if role is Role.PRIMARY else "",
            timeline=entry.timeline if entry and promoted else 0,
            switch_lsn=entry.switch_lsn if entry and promoted else NO_LSN,
            away_ms=away,
        )
        for listener in self.listeners:
            listener(news)


def role_of(o: Observation) -> Role:
    """PRIMARY while it serves; STANDBY while it follows; else NONE."""
    if o.server.state is ServerState.PRIMARY and o.gate_open and o.served_term:
        return Role.PRIMARY
    if o.server.state is ServerState.RECOVERY and o.server.facts is not None and o.server.facts.upstream is not None:
        return Role.STANDBY
    return Role.NONE


def writes_seem_served(o: Observation) -> bool:
    """Whether, as far as this node sees, somebody serves writes at this moment."""
    record = o.store.record
    if record is None or not record.serving:
        return False
    if o.is_holder:
        return role_of(o) is Role.PRIMARY
    peer = o.peer(record.holder.name)
    return peer is not None and peer.connected and peer.published.serving_term == record.term
