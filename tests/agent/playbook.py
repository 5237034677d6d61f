"""How is the order of a procedure's effects tested? Hand-made ports that write down every effect, in order.

One server (n1, n2 or n3 of `tests/cluster/builders.py`) whose answers are simple and whose files, record
and dead-man are real enough that a wrong order shows. A test may hang a `twist` on an effect: what happens at that very
moment (the record changes, time passes, the effect fails).
"""

# ruff: noqa: ARG002 (the hand-made ports keep their ports' signatures)

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from howdah.agent.keeper import RECORD, Keeper
from howdah.agent.situation import Situation
from howdah.agent.tools import Tools
from howdah.cluster.decision import Decision
from howdah.cluster.intents import Intents
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.peerstate import Confirmation, PromiseRequest, Refusal, Report
from howdah.cluster.record import Record, read_record, write_record
from howdah.cluster.serverfacts import DirectoryFacts, ReplayView, ServerFacts, Walsender
from howdah.ports.deadman import DeadmanGone
from howdah.ports.peers import PeerUnreachable, PeerView, ProbeResult
from howdah.ports.postgres import ClientWork, ProcessView, ServerSettings, SqlFailed
from howdah.ports.store import SwapOutcome
from howdah.stores.memory import MemoryDocuments, MemoryStore
from howdah.values.address import Address
from howdah.values.lsn import NO_LSN, Lsn
from howdah.values.member import Member
from tests.cluster.builders import (
    END,
    N1,
    N2,
    N3,
    NODES,
    a_directory,
    a_local,
    a_peer,
    a_walsender,
    address_of,
    some_facts,
)
from tests.cluster.builders import RECORD as BUILT
from tests.postgres.handclock import HandClock

Twist = Callable[[], None]
PRIMARY, RECOVERY, GONE = "primary", "recovery", "gone"


class Log:
    """The effects so far, and what is to happen at one of them."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self._twists: dict[str, Twist] = {}

    def at(self, beginning: str, twist: Twist) -> None:
        """Do this once, right after the next effect that begins so."""
        self._twists[beginning] = twist

    def note(self, effect: str) -> None:
        """Write an effect down."""
        self.effects.append(effect)
        for beginning in [b for b in self._twists if effect.startswith(b)]:
            self._twists.pop(beginning)()

    def order(self, *beginnings: str) -> None:
        """Check that effects that begin so happened one after the other (others may lie between)."""
        rest = iter(self.effects)
        for beginning in beginnings:
            if not any(effect.startswith(beginning) for effect in rest):
                raise AssertionError(f"no {beginning!r} in its place among {self.effects}")

    def has(self, beginning: str) -> bool:
        """Whether an effect begins so."""
        return any(effect.startswith(beginning) for effect in self.effects)


class _Body:
    """What the four PostgreSQL ports of one server share. `live` is what its processes have read of `files`."""

    def __init__(self, log: Log, member: Member, state: str) -> None:
        self.log = log
        self.member = member
        self.state = state
        blank = ServerSettings(upstream=None, sync_names="", gate_open=False)
        self.files = self.live = blank
        self.directory: DirectoryFacts = a_directory(member)
        self.senders: tuple[Walsender, ...] = ()
        self.facts: dict[str, Any] = {}
        self.view_of_replay: dict[str, Any] = {}
        self.flushes = True
        self.answers = True
        self.promoted_history: dict[str, Any] = {}
        self.reads_reloads = True
        self.adopted: dict[str, str] = {}
        self.work = ClientWork(0, 0)

    def runs(self) -> bool:
        """Whether there are processes."""
        return self.state != GONE


class HandProcess(_Body):
    """`ports.postgres.ServerProcess`."""

    def view(self) -> ProcessView:
        """See the port."""
        return ProcessView(100, 1) if self.runs() else ProcessView(None, 0)

    async def start(self, recovery: bool, limit_ms: int) -> None:
        """See the port."""
        self.live = self.files
        self.state = RECOVERY if recovery else PRIMARY
        self.log.note(f"start {self.state}")

    async def stop_fast(self, limit_ms: int) -> bool:
        """See the port."""
        self.state = GONE
        self.log.note("stop")
        return True

    async def kill(self) -> None:
        """See the port."""
        self.state = GONE
        self.log.note("kill")

    async def reload(self) -> None:
        """See the port."""
        self.live = self.files
        self.log.note("reload")

    async def exited(self) -> None:
        """See the port."""


class HandDirectory(_Body):
    """`ports.postgres.DataDirectory`."""

    def inspect(self) -> DirectoryFacts:
        """See the port."""
        return self.directory

    def configure(self, settings: ServerSettings) -> None:
        """See the port."""
        self.files = settings
        gate = "open" if settings.gate_open else "closed"
        upstream = (
            f"{settings.upstream.address.host} as {settings.upstream.application_name}" if settings.upstream else "-"
        )
        self.log.note(f"configure {gate} upstream {upstream} sync {settings.sync_names or '-'}")

    async def initialise(self) -> Mapping[str, str]:
        self.log.note("initialise")
        return self.adopted

    async def clone(self, source: Address) -> None:
        """See the port."""
        self.log.note(f"clone {source.host}")

    def install_clone(self, keep_aside: bool = False) -> None:
        """See the port."""
        self.log.note("install clone, the old one kept aside" if keep_aside else "install clone")

    async def discard_old(self) -> None:
        """See the port."""
        self.log.note("discard old")

    async def rewind(self, source: Address) -> None:
        """See the port."""
        self.log.note(f"rewind {source.host}")

    def write_identity(self, identity: str) -> None:
        """See the port."""
        self.log.note(f"identity {identity}")


class HandStandby(_Body):
    """`ports.postgres.Standby`."""

    async def observe(self, new_connection: bool = True) -> ServerFacts:
        """See the port."""
        if not self.answers:
            raise SqlFailed("it does not answer")
        recovers = self.state == RECOVERY
        upstream = self.live.upstream
        given: dict[str, Any] = {
            "upstream": upstream.address if upstream else None,
            "upstream_name": upstream.application_name if upstream else "",
            "receiving": upstream is not None,
            "sync_setting": self.live.sync_names,
            "walsenders": self.senders,
        }
        return some_facts(self.member, recovers, **{**given, **self.facts})

    async def replay(self, new_connection: bool = True) -> ReplayView:
        """See the port."""
        upstream = self.live.upstream
        view = ReplayView(
            shown_conninfo=str(upstream) if upstream else "",
            shown_restore_command="",
            pause_state="paused" if self.log.effects and self.log.effects[-1] == "pause" else "not paused",
            receivers=0 if upstream is None else 1,
            startup_waits="RecoveryRetrieveRetryInterval",
            received_lsn=END,
            replayed_lsn=END,
            timeline=2,
        )
        return replace(view, **self.view_of_replay)

    async def pause_replay(self) -> None:
        """See the port."""
        self.log.note("pause")

    async def resume_replay(self) -> None:
        """See the port."""
        self.log.note("resume replay")

    async def end_conflicting_queries(self) -> int:
        """See the port."""
        self.log.note("end conflicting queries")
        return 0

    async def next_timeline(self) -> int:
        """See the port."""
        return 3

    async def promote(self, limit_ms: int) -> bool:
        """See the port."""
        self.state = PRIMARY
        self.facts.update(self.promoted_history)
        self.log.note("promote")
        return True


class HandPrimary(_Body):
    """`ports.postgres.Primary`."""

    async def write_barrier(self, term: int, holder: str) -> Lsn:
        """See the port."""
        self.log.note(f"barrier {term}")
        return Lsn(END + 100)

    async def walsenders(self) -> tuple[Walsender, ...]:
        """See the port."""
        if self.flushes and self.log.has("barrier"):
            return tuple(replace(w, flush_lsn=Lsn(END + 100)) for w in self.senders)
        return self.senders

    async def end_walsenders(self, pids: tuple[int, ...]) -> None:
        """See the port."""
        self.log.note(f"end walsenders {' '.join(map(str, pids))}")

    async def end_client_sessions(self) -> int:
        """See the port."""
        self.log.note("end sessions")
        return 0

    async def client_work(self) -> ClientWork:
        """See the port."""
        self.log.note("look at clients")
        return self.work

    async def show(self, name: str) -> str:
        """See the port."""
        return self.live.sync_names

    async def loaded(self) -> str:
        """See the port."""
        return str(self.log.effects.count("reload") if self.reads_reloads else 0)

    async def checkpoint(self) -> None:
        """See the port."""
        self.log.note("checkpoint")

    async def oldest_wal(self) -> Lsn:
        """See the port."""
        return NO_LSN

    async def keep_slots(self, names: tuple[str, ...], drop_others: bool) -> tuple[str, ...]:
        """See the port."""
        self.log.note(f"slots {' '.join(names)}")
        return ()


class HandServer(HandProcess, HandDirectory, HandStandby, HandPrimary):
    """All four of one server."""


class HandDisk:
    """Writes down which fields changed."""

    def __init__(self, log: Log, state: LocalState) -> None:
        self.log = log
        self.state = state

    def load(self) -> LocalState:
        """See the port."""
        return self.state

    def save(self, state: LocalState) -> None:
        """See the port."""
        changed = [f.name for f in fields(LocalState) if getattr(state, f.name) != getattr(self.state, f.name)]
        self.state = state
        self.log.note("remember " + " ".join(f"{name}={_short(getattr(state, name))}" for name in changed))


class HandDeadman:
    """A dead-man that answers until it is made to be gone."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.deadline_ms = 0
        self.gone = False

    async def arm(self, deadline_boot_ms: int) -> None:
        """See the port."""
        if self.gone:
            raise DeadmanGone("gone")
        self.deadline_ms = deadline_boot_ms
        self.log.note("arm")

    async def disarm(self) -> None:
        """See the port."""
        self.deadline_ms = 0
        self.log.note("disarm")

    async def deadline(self) -> int:
        """See the port."""
        if self.gone:
            raise DeadmanGone("gone")
        return self.deadline_ms

    async def alive(self) -> bool:
        """See the port."""
        return not self.gone


class HandPeers:
    """What peers answer is set by the test."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.seen: dict[str, PeerView] = {}
        self.reports: dict[str, Report | Refusal] = {}
        self.confirmations: dict[str, Confirmation | Refusal] = {}

    def views(self) -> Mapping[str, PeerView]:
        """See the port."""
        return self.seen

    def publish(self, state: Any) -> None:
        """See the port."""

    async def ask_promise(self, peer: str, request: PromiseRequest, limit_ms: int) -> Report | Refusal:
        """See the port."""
        self.log.note(f"ask {peer} {request.term}")
        if peer not in self.reports:
            raise PeerUnreachable(peer)
        return self.reports[peer]

    async def confirm(self, peer: str, term: int, limit_ms: int) -> Confirmation | Refusal:
        """See the port."""
        if peer not in self.confirmations:
            raise PeerUnreachable(peer)
        return self.confirmations[peer]

    async def release_slot(self, peer: str, name: str, limit_ms: int) -> None:
        """See the port."""
        self.log.note(f"release slot {name}")

    async def probe(self, address: Address, limit_ms: int) -> ProbeResult:
        """See the port."""
        return ProbeResult.ACCEPTS


class NotingStore(MemoryStore):
    """Writes down each swap with the fields that it changes."""

    def __init__(self, log: Log, documents: MemoryDocuments) -> None:
        super().__init__(documents)
        self.log = log

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        before = self.documents.current(RECORD)
        was = read_record(before.text) if before else None
        self.log.note(f"swap {_difference(was, read_record(text))}" if name == RECORD else f"write {name}")
        return await super().compare_and_swap(name, expected_version, text)


class SilentJournal:
    """Keeps the rules of what was noted."""

    def __init__(self) -> None:
        self.noted_rules: list[str] = []

    def decided(self, decision: Decision, observation: Observation) -> None:
        """See the port."""

    def did(self, what: str, outcome: str, term: int, duration_ms: int) -> None:
        """See the port."""

    def noted(self, rule: str, sentence: str, term: int) -> None:
        self.noted_rules.append(rule)


class Play:
    """One agent's procedures over hand-made ports. `state` is the server's; a primary holds the record."""

    def __init__(self, member: Member = N1, state: str = PRIMARY, record: Record = BUILT, **local: Any) -> None:
        self.log = Log()
        self.clock = HandClock(1_000_000)
        self.server = HandServer(self.log, member, state)
        self.disk = HandDisk(self.log, a_local(member, **local))
        self.deadman = HandDeadman(self.log)
        self.peers = HandPeers(self.log)
        self.documents = MemoryDocuments()
        self.store = NotingStore(self.log, self.documents)
        self.journal = SilentJournal()
        self.situation = Situation(
            self.clock, self.disk, "c", member.name, a_peer(member).published.tags, address_of(member),
            Address(member.name, 8008), initial=False,
        )  # fmt: skip
        self.situation.intents = self.situation.configured = Intents(nodes=NODES)
        self.keeper = Keeper(self.store, self.clock, self.situation.poke)
        for other in (N1, N2, N3):
            if other != member:
                self.peers.seen[other.name] = PeerView(a_peer(other).published, 0, connected=True)
        self.documents.swap(RECORD, None, write_record(record))
        self.tools = Tools(
            clock=self.clock, keeper=self.keeper, process=self.server, directory=self.server, standby=self.server,
            primary=self.server, peers=self.peers, disk=self.disk, deadman=self.deadman, journal=self.journal,
            situation=self.situation, store=self.store,
        )  # fmt: skip
        self.server.senders = (a_walsender(N2), a_walsender(N3))
        self.situation.directory = self.server.directory
        self.situation.state = {PRIMARY: ServerState.PRIMARY, RECOVERY: ServerState.RECOVERY}.get(
            state, ServerState.GONE
        )

    async def seen(self) -> "Play":
        """Read the record and look at the server, as an agent that has been running; none of it is an effect."""
        await self.keeper.refresh()
        if self.record.holder == self.situation.me:
            self.keeper.bonds.sent_boot_ms = self.clock.now_ms  # won, or renewed, a moment ago
        if self.server.state != GONE:
            self.situation.facts = await self.server.observe()
        return self

    @property
    def record(self) -> Record:
        """What the store says now."""
        found = self.documents.current(RECORD)
        if found is None:
            raise AssertionError("there is no record")
        return read_record(found.text)

    def write(self, record: Record) -> None:
        """Somebody else's swap, or one that lands late."""
        found = self.documents.current(RECORD)
        self.documents.swap(RECORD, found.version if found else None, write_record(record))


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_short(item) for item in value)
    return str(getattr(value, "term", value)) if not isinstance(value, int) else str(value)


def _difference(before: Record | None, after: Record) -> str:
    if before is None:
        return "create"
    names = [
        f.name
        for f in fields(Record)
        if f.name not in ("lease_counter", "write_id") and getattr(before, f.name) != getattr(after, f.name)
    ]
    return " ".join(f"{n}={getattr(after, n)}" for n in names if n != "timelines") or "renew"
