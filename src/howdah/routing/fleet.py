"""Which servers are there, which one may be written to, and which are fresh enough to be read?

Knowledge comes from two sides: the cluster's record (`learn`), which says who leads in which term, and the router's own
questions to each server (`sampled`). The record names the primary; a server's own word can only take away: one that is
in recovery, or does not show the term's row, is not used. A router that has seen nothing of the primary for longer than
the limit has none. No clock here: `now_ms` is the router's monotonic time, in milliseconds.
"""

from dataclasses import dataclass, field
from typing import Final

from howdah.routing.clusterview import Age, ClusterView, NodeView, Sample
from howdah.routing.freshness import NEVER, Samples

LATENCY_SHARE: Final = 0.2
"""How much a new measurement counts: some five of them make the old value forgotten."""

NOT_ASKED: Final = "not asked yet"

LATENCY_MIN_MS: Final = 0.05
"""Below it differences are noise."""


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """What the operator allows. `max_lag_bytes` 0: no limit. A node without a weight has 1."""

    knowledge_ms: float = 5000.0
    max_lag_ms: float = 10_000.0
    max_lag_bytes: int = 0
    primary_weight: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)


class Target:
    """One PostgreSQL server at one address, whatever its role.

    `term`: in which its present role began; what was opened in another belongs to a role that is over. (A term that is
    raised in place changes no role.) `writable`: new transactions may go to it. `readable`: it is in recovery, answers,
    shows the present reign's row and is not too many bytes behind. `fresh_ms`: every write that ended before this
    moment is replayed here. `busy`: connections that are lent now; the pools count. `cost`: of one more read, beside
    its load. `lag_bytes` None: not known. `connections_max`: how many it takes beside those of superusers; 0: not
    known. `trouble`: why it is not used, in words."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.term = 0
        self.writable = False
        self.readable = False
        self.weight = 1.0
        self.cost = 1.0
        self.fresh_ms = NEVER
        self.busy = 0
        self.latency_ms = 1.0
        self.lag_bytes: int | None = None
        self.connections_max = 0
        self.answers = False
        self.in_recovery = False
        self.shown_term = 0
        self.denied = False
        self.trouble = NOT_ASKED

    @property
    def usable(self) -> bool:
        """Whether connections may be opened to it."""
        return self.writable or self.readable


@dataclass(frozen=True, slots=True, eq=False)
class PrimaryServes:
    """Writes may go there: who waits for a primary goes on. It may be told again for the same one."""

    target: Target
    term: int


@dataclass(frozen=True, slots=True, eq=False)
class HandingOver:
    """No new transaction may go there for now; what is under way may end. `planned`: it is about to be handed over, and
    will not come back; else there is only doubt."""

    target: Target
    term: int
    planned: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PrimaryLost:
    """It leads no more (since `term` ended): every connection to it is cut."""

    target: Target
    term: int


@dataclass(frozen=True, slots=True, eq=False)
class NodeGone:
    """The node left the cluster, or moved to another address: every connection to it is cut."""

    target: Target


@dataclass(frozen=True, slots=True, eq=False)
class NodeChanged:
    """A node is new, or began or ceased to be readable."""

    target: Target


Change = PrimaryServes | HandingOver | PrimaryLost | NodeGone | NodeChanged


class Fleet:
    """`primary` is what may be written to now, the age of knowledge aside: ask `writable`.

    `wanted_ms`: when a read last found a standby not fresh enough; sampling goes faster for a while after it."""

    def __init__(self, limits: FleetLimits) -> None:
        self.primary: Target | None = None
        self.targets: dict[str, Target] = {}
        self.term = 0
        self.wanted_ms = NEVER
        self.trouble = ""
        self._limits = limits
        self._age: Age = (0, 0, 0)
        self._identifier = ""
        self._leader: Target | None = None  # of the present reign; `primary` unless it hands over or is in doubt
        self._leader_id = ""
        self._former: Target | None = None
        self._handing_over = False
        self._reign_term = 0  # the term in which the leader was first seen to serve
        self._reign_ms = NEVER  # and when: what was asked before says nothing about it
        self._doubt_term = 0  # a server has shown a higher term than the record that is known
        self._known_ms = NEVER
        self._starved = False  # somebody asked for the primary, and there was none
        self._samples = Samples()
        self._readers: tuple[Target, ...] = ()

    def writable(self, now_ms: float) -> Target | None:
        """Where writes go; None: hold them, `PrimaryServes` will come."""
        primary = self.primary
        if primary is not None and now_ms - self._known_ms <= self._limits.knowledge_ms:
            return primary
        self._starved = True
        return None

    def readable(
        self, wrote_ms: float, now_ms: float, saw_ms: float = NEVER, last: Target | None = None
    ) -> Target | None:
        """The server for a read of a session whose last write ended at `wrote_ms`, and that last saw something at
        `saw_ms`, on `last` (NEVER: it does not matter).

        The least loaded standby that shows that write and is not behind what the session saw, else the primary; None:
        hold it. Called for every read."""
        best = self._fresh(wrote_ms, now_ms, saw_ms, last)
        if best is None:
            return self.writable(now_ms)
        weight = self._limits.primary_weight
        if weight:
            primary = self.writable(now_ms)
            if primary is not None and (primary.busy + 1) * primary.latency_ms / weight < (best.busy + 1) * best.cost:
                return primary
        return best

    def standby(
        self, wrote_ms: float, now_ms: float, saw_ms: float = NEVER, last: Target | None = None
    ) -> Target | None:
        """As `readable`, but the primary only while no standby will do, whatever it weighs."""
        return self._fresh(wrote_ms, now_ms, saw_ms, last) or self.writable(now_ms)

    def anyone(self, now_ms: float) -> Target | None:
        """The least loaded of all servers that may be used for anything; None: there is none."""
        primary = self.writable(now_ms)
        return min((*self._readers, *((primary,) if primary else ())), key=_load, default=None)

    def _fresh(self, wrote_ms: float, now_ms: float, saw_ms: float, last: Target | None) -> Target | None:
        """The least loaded standby that shows a write that ended then. A server never goes back; another one may be
        behind what `last` has shown, unless it has what was committed up to that moment."""
        oldest_ms = now_ms - self._limits.max_lag_ms
        best: Target | None = None
        least = 0.0
        for target in self._readers:
            fresh_ms = target.fresh_ms
            if fresh_ms <= wrote_ms:
                self.wanted_ms = now_ms
            elif fresh_ms >= oldest_ms and (fresh_ms > saw_ms or target is last):
                load = (target.busy + 1) * target.cost
                if best is None or load < least:
                    best, least = target, load
        if best is None:
            self.wanted_ms = now_ms
        return best

    @property
    def known_ms(self) -> float:
        """The last moment at which the primary was seen to lead."""
        return self._known_ms

    @property
    def newest_ms(self) -> float:
        """The moment of the primary's newest sample: a standby that has replayed everything is as fresh."""
        return self._samples.asked_ms

    @property
    def system_identifier(self) -> str:
        """Of the cluster, as the record says; "" if that is not known yet."""
        return self._identifier

    @property
    def in_doubt(self) -> bool:
        """Whether a server has shown a higher term than the record that is known: it has to be read at once."""
        return self._doubt_term > self.term

    def adjust(self, limits: FleetLimits) -> tuple[Change, ...]:
        """Other limits and weights from now on."""
        self._limits = limits
        for target in self.targets.values():
            self._price(target)
        return tuple(self._sort_readers(tuple(self.targets.values())))

    def learn(self, view: ClusterView, now_ms: float) -> tuple[Change, ...]:
        """Take in what the store or the agents say. A hint (`asked_ms` None) can only take the primary away."""
        if not self._believable(view):
            return ()
        changes = self._know(view.nodes)
        self._age = view.age
        self.term = max(self.term, view.term)
        leader = self._leader
        if not view.holder:
            if leader is not None and view.term > self._reign_term and view.term > leader.shown_term:
                self._doubt_term = max(self._doubt_term, view.term)
                changes += self._pause()
            return (*changes, *self._sort_readers())
        other = leader is not None and (leader.name, self._leader_id) != (view.holder, view.holder_id)
        if leader is not None and (other or view.released):
            changes += self._lose()
        elif leader is not None and not view.serving:
            planned, self._handing_over = not self._handing_over, True
            self._pause()
            if planned:
                changes.append(HandingOver(leader, leader.term, planned=True))
        if view.serving and not view.released and view.asked_ms is not None:
            changes += self._crown(view, view.asked_ms, now_ms)
        return (*changes, *self._sort_readers())

    def sampled(self, target: Target, sample: Sample) -> tuple[Change, ...]:
        """Take in what a server said of itself."""
        if self.targets.get(target.name) is not target:
            return ()
        target.in_recovery, target.shown_term = sample.in_recovery, sample.term
        share = LATENCY_SHARE if target.answers else 1.0
        target.latency_ms += (max(sample.latency_ms, LATENCY_MIN_MS) - target.latency_ms) * share
        target.answers, target.trouble = True, ""
        self._price(target)
        changes: list[Change] = []
        if sample.term > max(self.term, self._doubt_term):
            self._doubt_term = sample.term
        if target is self._leader:
            changes += self._leader_said(target, sample)
        else:
            self._standby_said(target, sample)
            if self._doubted():
                changes += self._pause()
        return (*changes, *self._sort_readers((target,)))

    def unanswered(self, target: Target, why: str) -> tuple[Change, ...]:
        """A server did not answer in time, or refused: it gets no reads until it answers again."""
        target.answers, target.trouble = False, why
        return tuple(self._sort_readers((target,)))

    def _believable(self, view: ClusterView) -> bool:
        if self._identifier and view.system_identifier not in ("", self._identifier):
            self.trouble = (
                f"the record is of another cluster now (system identifier {view.system_identifier} instead of "
                f"{self._identifier}): it is not followed; restart the router if that is meant"
            )
            return False
        if view.age < self._age:
            self.trouble = f"an older copy of the record came back (term {view.term}): it is not believed"
            return False
        self._identifier = self._identifier or view.system_identifier
        self.trouble = ""
        return True

    def _know(self, nodes: tuple[NodeView, ...] | None) -> list[Change]:
        """Nodes come and go; one that moved to another address is another target."""
        changes: list[Change] = []
        if nodes is None:
            return changes
        known = {node.name: node for node in nodes}
        for name, target in list(self.targets.items()):
            node = known.get(name)
            if node is None or (node.host, node.port) != (target.host, target.port):
                if target is self._leader:
                    changes += self._lose()
                del self.targets[name]
                target.answers = target.readable = False
                changes.append(NodeGone(target))
        for name, node in known.items():
            if name not in self.targets:
                target = self.targets[name] = Target(name, node.host, node.port)
                target.term = self.term
                self._price(target)
                changes.append(NodeChanged(target))
        return changes

    def _crown(self, view: ClusterView, asked_ms: float, now_ms: float) -> list[Change]:
        """The record says that the holder serves."""
        target = self.targets.get(view.holder)
        if target is None:
            return []  # its address is not known yet
        if self._leader is None:
            self._reign(target, view, now_ms)
        self._handing_over = False
        if self._doubt_term <= view.term:
            self._doubt_term = 0
        return self._confirm(asked_ms)

    def _reign(self, target: Target, view: ClusterView, now_ms: float) -> None:
        """Nothing that was known of positions holds for the new primary's log; every standby has to show its row."""
        self._samples.clear()
        for each in self.targets.values():
            each.fresh_ms, each.readable, each.lag_bytes = NEVER, False, None
        if self._former is not None and self._former is not target:
            self._former.term = view.term
        self._leader, self._leader_id, self._former = target, view.holder_id, None
        self._reign_term, self._reign_ms = view.term, now_ms
        target.term, target.denied = view.term, False

    def _confirm(self, asked_ms: float) -> list[Change]:
        """The leader was seen to lead after `asked_ms`."""
        leader = self._leader
        if leader is None or leader.denied or self._handing_over or self._doubted():
            return []
        self._known_ms = max(self._known_ms, asked_ms)
        if self.primary is leader and not self._starved:
            return []
        self._starved = False
        self.primary, leader.writable = leader, True
        return [PrimaryServes(leader, self.term)]

    def _doubted(self) -> bool:
        """Whether somebody else may lead by now: a higher term is about, and the leader has not shown it."""
        leader = self._leader
        return self._doubt_term > self.term and (leader is None or leader.shown_term < self._doubt_term)

    def _pause(self) -> list[Change]:
        """No new transaction goes to the leader for now; its connections stay."""
        primary = self.primary
        if primary is None:
            return []
        self.primary, primary.writable = None, False
        return [HandingOver(primary, primary.term)]

    def _lose(self) -> list[Change]:
        """The leader leads no more: what is open to it belongs to a reign that is over."""
        leader = self._leader
        if leader is None:
            return []
        self._former, self._leader, self.primary = leader, None, None
        self._handing_over = leader.writable = False
        return [PrimaryLost(leader, leader.term)]

    def _leader_said(self, leader: Target, sample: Sample) -> list[Change]:
        leader.lag_bytes = 0
        if sample.in_recovery or sample.term < self._reign_term:
            if sample.asked_ms <= self._reign_ms:
                return []  # it was asked before it served
            shows = "is in recovery" if sample.in_recovery else f"shows the row of term {sample.term}"
            leader.trouble = f"the record names it as the primary of term {leader.term}, and it {shows}"
            self.primary, leader.writable = None, False
            first, leader.denied = not leader.denied, True
            return [PrimaryLost(leader, leader.term)] if first else []
        leader.denied = False
        self._samples.add(sample.asked_ms, sample.lsn)
        return self._confirm(sample.asked_ms)

    def _standby_said(self, target: Target, sample: Sample) -> None:
        """How fresh it is. Without a leader the last one's samples go on to count: no write has ended since."""
        if not sample.in_recovery:
            target.trouble = f"it is no standby, and the record names {self._leader_name()} as the primary"
        elif sample.term < self._reign_term:
            target.fresh_ms = NEVER
            target.trouble = f"it has not replayed the row of term {self._reign_term} yet"
        elif sample.term <= self.term:
            target.lag_bytes = max(0, self._samples.end - sample.lsn)
            target.fresh_ms = self._samples.covered(sample.lsn)
            if self._too_far(target):
                target.trouble = f"it is {target.lag_bytes} bytes behind"

    def _leader_name(self) -> str:
        return self._leader.name if self._leader is not None else "nobody"

    def _too_far(self, target: Target) -> bool:
        most = self._limits.max_lag_bytes
        return bool(most) and (target.lag_bytes or 0) > most

    def _price(self, target: Target) -> None:
        """A weight of 0 is dearer than any other, and better than nothing."""
        target.weight = self._limits.weights.get(target.name, 1.0)
        target.cost = target.latency_ms / target.weight if target.weight else float("inf")

    def _sort_readers(self, asked: tuple[Target, ...] = ()) -> list[Change]:
        """Who may be read from, anew. `asked`: whose answers may have made them readable."""
        changes: list[Change] = []
        for target in asked:
            fit = (
                target.answers
                and target.in_recovery
                and target is not self._leader
                and target.shown_term >= self._reign_term
                and not self._too_far(target)
            )
            if fit != target.readable:
                target.readable = fit
                changes.append(NodeChanged(target))
        self._readers = tuple(target for target in self.targets.values() if target.readable)
        return changes


def _load(target: Target) -> float:
    return (target.busy + 1) * target.latency_ms
