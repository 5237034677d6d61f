"""What does this agent know at the moment? It gathers, and gives out the frozen `Observation` and `Published`."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from howdah.agent.keeper import Keeper
from howdah.agent.waking import Bell, Wake
from howdah.cluster.actions import Action, Leaving, Order
from howdah.cluster.hearsay import worth_hearing
from howdah.cluster.history import chain_of
from howdah.cluster.incarnation import same_seat
from howdah.cluster.intents import Intents
from howdah.cluster.lease import Deadlines, deadlines
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import Observation, PeerSight, ServerState, ServerView, StoreView, went_back
from howdah.cluster.peerstate import Report, Tags
from howdah.cluster.record import Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState, ServerFacts
from howdah.cluster.suspicion import Sight
from howdah.ports.clock import Clock
from howdah.ports.disk import Disk
from howdah.ports.peers import Peers, PeerView
from howdah.ports.postgres import ServerSettings
from howdah.values.address import Address
from howdah.values.member import Member
from howdah.values.position import Position

ABSENT_FOR_EVER_MS = 1 << 30


class Situation:
    """Volatile knowledge of one agent. Everything here may be lost in a crash; what may not is in `local`."""

    def __init__(
        self,
        clock: Clock,
        disk: Disk,
        cluster: str,
        name: str,
        tags: Tags,
        address: Address,
        api: Address,
        initial: bool,
        incarnation: str = "",
    ) -> None:
        self.clock = clock
        self._disk = disk
        self.cluster = cluster
        self.name = name
        self.tags = tags
        self.address = address
        self.api = api
        self.initial = initial
        self._me = Member(name, "")
        self.incarnation = incarnation
        self.twin = ""
        self.unclaimed = ""
        self.local: LocalState = disk.load()
        self.intents = Intents()
        self.configured = Intents()  # the same without what this node sets for itself: what the document says
        self.config_fault = ""
        self.config_known = False
        self.began_boot_ms = clock.boot_ms()
        self.wake = Wake()
        self.probe_now = Wake()
        self.look_now = Wake()
        self.spoken = Bell()  # what an answer to a peer may be waiting for has happened
        self.stop_done = False
        self._nothing_seen()
        self._nothing_done()

    def _nothing_seen(self) -> None:
        """What is seen of the local server and of the others, before the first look."""
        self.state = ServerState.GONE
        self.facts: ServerFacts | None = None
        self.sensitive: dict[str, int] = {}  # what hot standby compares, as this server last ran
        self.directory = DirectoryFacts(DirectoryState.EMPTY)
        self.probed_boot_ms = 0
        self.looks = 0  # observations that were believed
        self.probe_failures = 0
        self.crashes: tuple[int, ...] = ()
        self.failed_starts = 0
        self.clones_in_vain = 0
        self.settings_current = True
        self.applied: ServerSettings | None = None
        self.sight = Sight(False, False, False)
        self.sight_of: Member | None = None
        self.primary_since_boot_ms = 0
        self.streamed_boot_ms: dict[str, int] = {}
        self.peer_seen_boot_ms: dict[str, int] = {}
        self.lost_slots: tuple[str, ...] = ()
        self._view: ServerView | None = None  # the last one, whose chain serves again
        self._viewed_entries: tuple[TimelineEntry, ...] = ()
        self._seen: dict[str, PeerSight] = {}

    def _nothing_done(self) -> None:
        """What this agent has promised, opened and begun since it started."""
        self.asked = 0
        self.report: Report | None = None
        self.started_anew_for = 0  # the term for whose revocation the server was started blank
        self.outvoted: tuple[Member, Position] | None = None
        self.yielded_boot_ms: int | None = None
        self.gate_open = False
        self.gate_believed = False  # of an adopted primary, until the record tells whether it was let serve
        self.served_term = 0
        self.promoted_term = 0
        self.rewind_ready = False
        self.prefix_term = 0
        self.cut_term = 0  # since LET GO of this term's winner nothing has been received: what lies on disk stays so
        self.confirmed_sent_boot_ms = 0
        self.confirmations = 0
        self.deadman_alive = True
        self.deadman_gone_boot_ms = 0
        self.lead_failures = 0
        self.gave_up = 0
        self.leaving = Leaving.NO
        self.leaving_since_boot_ms = 0
        self.order = Order.NONE
        self.door: tuple[str, ...] | None = None
        self.door_until_boot_ms = 0

        self.busy: Action | None = None
        self.busy_since_boot_ms = 0
        self.failed: Action | None = None
        self.rests_until_boot_ms = 0
        self.promise_lock = asyncio.Lock()

    @property
    def me(self) -> Member:
        """This node with the id of its data directory ("" before it has one)."""
        if self._me.id != self.local.member_id:
            self._me = Member(self.name, self.local.member_id)
        return self._me

    def holds(self, record: Record) -> bool:
        """Whether the record names this node as its holder, and no process of it that may live elsewhere."""
        return record.holder == self.me and same_seat(record.incarnation, self.incarnation)

    def remember(self, state: LocalState) -> None:
        """Make the state durable, then believe it. Raises DiskFailure, and then nothing has changed.

        NEVER WITHDRAWN: the promise only grows."""
        kept = replace(state, promise=max(state.promise, self.local.promise))
        if kept != self.local:
            self._disk.save(kept)
            self.local = kept
            self.spoken.ring()

    def leave(self, how: Leaving) -> None:
        """The agent was told to stop."""
        if self.leaving is Leaving.NO:
            self.leaving_since_boot_ms = self.clock.boot_ms()
        self.leaving = how
        self.poke()

    def heard_news(self) -> None:
        """A peer said something, came or went; or the record, or what is known of the store, is another."""
        self.look_now.set()
        self.wake.set()

    def poke(self) -> None:
        """Something changed: decide again."""
        self.wake.set()

    def deadlines(self, keeper: Keeper) -> Deadlines:
        """The holder's deadlines from the last renewal and the voters' confirmations."""
        worth_ms = self.intents.policy.confirm_worth_ms
        last = keeper.bonds.last(keeper.policy.lease_times)
        return deadlines(last, keeper.bonds.announced, self.confirmed_sent_boot_ms, worth_ms)

    def store_went_back(self, keeper: Keeper) -> bool:
        """Whether the store's record is an old copy, as far as this server remembers."""
        return went_back(keeper.record, self.local)

    def heard(self, keeper: Keeper) -> Record | None:
        """What a standby may follow by in the store's place; None while the store answers, or peers say no more."""
        heard = keeper.heard
        if heard is None or self.state is not ServerState.RECOVERY:
            return None
        return heard if worth_hearing(heard, keeper.record, self.local) else None

    def record_to_follow(self, keeper: Keeper) -> Record | None:
        """The store's record, or what peers have read there since. Never a proof of who leads."""
        return self.heard(keeper) or keeper.record

    def server_view(self) -> ServerView:
        """The local server as the rules see it."""
        facts, view = self.facts, self._view
        if view is None or view.facts is not facts or self._viewed_entries is not self.local.entries:
            self._viewed_entries = self.local.entries
            chain = chain_of(facts.timeline, facts.history, facts.end_lsn, self.local.entries) if facts else None
        else:
            chain = view.chain
        crashes = 0
        if self.crashes:
            now, window = self.clock.boot_ms(), self.intents.policy.crash_window_ms
            crashes = sum(1 for at in self.crashes if now - at < window)
        self._view = ServerView(
            state=self.state,
            directory=self.directory,
            facts=facts,
            chain=chain,
            probe_failures=self.probe_failures,
            crashes=crashes,
            failed_starts=self.failed_starts,
            clones_in_vain=self.clones_in_vain,
            settings_current=self.settings_current,
        )
        return self._view

    def observe(self, keeper: Keeper, peers: Peers) -> Observation:
        """Everything, frozen."""
        now = self.clock.boot_ms()
        yielded = ABSENT_FOR_EVER_MS if self.yielded_boot_ms is None else now - self.yielded_boot_ms
        return Observation(
            me=self.me,
            tags=self.tags,
            local=self.local,
            store=StoreView(
                known=keeper.known,
                reachable=keeper.reachable,
                record=keeper.record,
                expired=keeper.expired,
                unchanged_ms=keeper.unchanged_ms,
                renewal_ago_ms=keeper.renewal_ago_ms,
                unsettled=keeper.unsettled,
                trouble=keeper.trouble,
                heard=self.heard(keeper),
            ),
            server=self.server_view(),
            intents=self.intents,
            peers=self._sights(peers.views(), now),
            deadlines=self.deadlines(keeper),
            now_boot_ms=now,
            now_wall_ms=self.clock.wall_ms(),
            uptime_ms=now - self.began_boot_ms,
            asked=self.asked,
            report=self.report,
            prefix_term=self.prefix_term,
            sight=self.sight if keeper.record and keeper.record.holder == self.sight_of else Sight(False, False, False),
            streaming_absent_ms=self._absent(keeper.record, now),
            gate_open=self.gate_open,
            served_term=self.served_term,
            deadman_alive=self.deadman_alive,
            deadman_gone_ms=0 if self.deadman_alive else now - self.deadman_gone_boot_ms,
            lead_failures=self.lead_failures,
            gave_up=self.gave_up,
            leaving=self.leaving,
            leaving_ms=now - self.leaving_since_boot_ms,
            order=self.order,
            initial=self.initial,
            yielded_ms=yielded,
            outvoted=self.outvoted,
            backoff_ms=max(0, self.rests_until_boot_ms - now),
            failed=self.failed,
            busy=self.busy,
            confirmations=self.confirmations if now - self.confirmed_sent_boot_ms < 3000 else 0,
            door=self.door,
            config_fault=self.config_fault,
            config_known=self.config_known,
            incarnation=self.incarnation,
            twin=self.twin,
            unclaimed=self.unclaimed,
        )

    def _sights(self, views: Mapping[str, PeerView], now: int) -> tuple[PeerSight, ...]:
        found = []
        for name, view in sorted(views.items()):
            if view.connected:
                self.peer_seen_boot_ms[name] = now
            absent = now - self.peer_seen_boot_ms.get(name, now - ABSENT_FOR_EVER_MS)
            sight = self._seen.get(name)
            if sight is None or sight.published is not view.published or absent or sight.connected != view.connected:
                self._seen[name] = sight = PeerSight(view.published, view.connected, absent)
            found.append(sight)
        return tuple(found)

    def _absent(self, record: Record | None, now: int) -> tuple[tuple[str, int], ...]:
        """Since when each node has not streamed from this primary (0: it does now)."""
        if self.state is not ServerState.PRIMARY or self.facts is None or record is None:
            return ()
        streaming = {
            w.application_name.partition(".t")[0] for w in self.facts.walsenders if w.state in ("streaming", "catchup")
        }
        for name in streaming:
            self.streamed_boot_ms[name] = now
        names = (n for n in self.intents.nodes if n != self.name)
        return tuple(
            (n, 0 if n in streaming else now - self.streamed_boot_ms.get(n, self.primary_since_boot_ms)) for n in names
        )


def leads_unserved(situation: Situation, keeper: Keeper) -> bool:
    """Whether this server holds the record, and its present start does not serve (yet)."""
    record = keeper.record
    return record is not None and record.holder == situation.me and situation.served_term != record.term
