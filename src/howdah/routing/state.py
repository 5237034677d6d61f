"""What does a session take along from one server connection to the next, and what binds it to the one it has?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing import traces
from howdah.routing.pins import Kind, Pins
from howdah.wire import codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from howdah.routing.link import Link
    from howdah.routing.plan import Plan
    from howdah.routing.prepared import Statement, Statements
    from howdah.routing.profile import Profile, Profiles


class State:
    """`profile`: its settings. `pins`: what binds it to its connection; `binds` False: nothing may. `keeps`: why it has
    one from its first to its last statement. `names`, `unnamed`: its prepared statements; `unsure` of them are not
    answered yet. `portals`: what those do that leave traces. `watches`: whether the end of the transaction matters to
    what is remembered; `tag`: of the last statement then."""

    def __init__(
        self, profile: Profile, keeps: str, profiles: Profiles, statements: Statements, clock_ms: Callable[[], float]
    ) -> None:
        self.profile = profile
        self.keeps = keeps
        self.binds = True
        self.pins = Pins()
        self.names: dict[bytes, Statement] = {}
        self.unnamed: Statement | None = None
        self.unsure = 0
        self.portals: dict[bytes, Plan] = {}
        self.watches = False
        self.tag = b""
        self.traces = traces.Traces(profile)
        self.profiles = profiles
        self._statements = statements
        self._clock_ms = clock_ms

    @property
    def reading(self) -> bytes:
        """How it reads the literals of what it prepares now: in a transaction that has changed settings, as nobody else
        does."""
        return self._statements.nobody_elses() if self.watches else self.profile.reading

    @property
    def pinned(self) -> str:
        """What binds it to its connection; "" if nothing does."""
        return self.pins.why

    @property
    def stays(self) -> bool:
        """Whether it keeps its connection between transactions."""
        return bool(self.pins.why or self.keeps)

    def pin(self, link: Link, why: str, kind: Kind = Kind.OTHER, name: str = "") -> None:
        """Keep the connection for that. A session that may not leaves it to nobody else."""
        if self.binds:
            self.pins.add(kind, name or why, why, self._clock_ms())
        else:
            link.broken = f"{why}, and its session goes on without it"

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

    def start_again(self) -> None:
        """As after the login. It has no connection."""
        self.pins.drop_all()
        self.profile = self.traces.start
        self.traces = traces.Traces(self.profile)

    def adopt(self, profile: Profile, link: Link) -> None:
        """A transaction's end or a savepoint brought these settings back, here and on its connection."""
        if profile is not self.profile:
            self.profile = profile
            link.profile = profile.on_server

    def traced(self, plan: Plan, link: Link) -> None:
        """Something that leaves a trace was done."""
        if plan.script is not None:
            traces.follow(self, link, plan.script)
        if plan.unsettled:
            self.pin(link, plan.unsettled)

    def ready(self, link: Link) -> None:
        """A ReadyForQuery, where the end of the transaction may matter."""
        if self.watches and link.expect.status == codes.IDLE:
            self.watches = False
            self.pins.ended(traces.undone(self.tag))
            self.adopt(self.traces.ended(self.tag, self.profile), link)

    def lost(self) -> None:
        """The connection is gone, and with it the transaction."""
        self.watches = False
        self.unsure = 0
        self.portals.clear()
        self.profile = self.traces.lost()
