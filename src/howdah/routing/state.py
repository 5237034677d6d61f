"""What does a session take along from one server connection to the next, and what binds it to the one it has?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing import traces
from howdah.wire import codes

if TYPE_CHECKING:
    from howdah.routing.link import Link
    from howdah.routing.plan import Plan
    from howdah.routing.prepared import Statement, Statements
    from howdah.routing.profile import Profile, Profiles


class State:
    """`profile`: its settings. `pinned`: what binds it to its connection; `keeps`: why it has one from its first to
    its last statement. `names`, `unnamed`: its prepared statements; `unsure` of them are not answered yet. `portals`:
    what those do that leave traces. `watches`: whether the end of the transaction matters to what is remembered;
    `tag`: of the last statement then."""

    def __init__(self, profile: Profile, keeps: str, profiles: Profiles, statements: Statements) -> None:
        self.profile = profile
        self.keeps = keeps
        self.pinned = ""
        self.names: dict[bytes, Statement] = {}
        self.unnamed: Statement | None = None
        self.unsure = 0
        self.portals: dict[bytes, Plan] = {}
        self.watches = False
        self.tag = b""
        self.traces = traces.Traces(profile)
        self.profiles = profiles
        self._statements = statements

    @property
    def stays(self) -> bool:
        """Whether it keeps its connection between transactions."""
        return bool(self.pinned or self.keeps)

    def pin(self, why: str) -> None:
        """Keep the connection until the session ends."""
        if not self.pinned:
            self.pinned = why

    def learn(self, name: bytes, statement: Statement) -> None:
        """A name for a statement."""
        statement.users += 1
        self.names[name] = statement

    def forget(self, name: bytes) -> None:
        """The name is free again."""
        statement = self.names.pop(name, None)
        if statement is not None:
            self._statements.release(statement)

    def forget_all(self) -> None:
        """All names are free."""
        for name in tuple(self.names):
            self.forget(name)
        self.unnamed = None

    def adopt(self, profile: Profile, link: Link) -> None:
        """A transaction's end or a savepoint brought these settings back, here and on its connection."""
        if profile is not self.profile:
            self.profile = link.profile = profile

    def traced(self, plan: Plan, link: Link) -> None:
        """Something that leaves a trace was done."""
        if plan.script is not None:
            traces.follow(self, link, plan.script)
        if plan.unsettled:
            self.pin(plan.unsettled)

    def ready(self, link: Link) -> None:
        """A ReadyForQuery, where the end of the transaction may matter."""
        if self.watches and link.expect.status == codes.IDLE:
            self.watches = False
            self.adopt(self.traces.ended(self.tag, self.profile), link)

    def lost(self) -> None:
        """The connection is gone, and with it the transaction."""
        self.watches = False
        self.unsure = 0
        self.portals.clear()
        self.profile = self.traces.lost()
