"""Is every promise kept, at each moment at which it could break?"""

from collections.abc import Callable

from howdah.cluster import invariants
from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.quorum import read_setting
from howdah.cluster.record import Mode, Phase, Record, read_record
from howdah.simulation.node import Node
from howdah.simulation.server import Server
from howdah.simulation.volume import Volume
from howdah.simulation.wal import Log
from howdah.simulation.wal import Record as LogRecord
from howdah.values.member import Member


class Broken(Exception):
    """A promise was broken; the message says which, how and when."""


FENCED_MS = 1000.0
"""An acknowledgement may be on its way, and an agent that goes on again needs a moment."""


def _durable(node: Node, record: LogRecord, ever: bool = False) -> bool:
    """Whether a directory of the node, also one that is kept aside, has the record for good; or `ever` had it, on a
    disk that is gone by now."""
    machine = node.machine
    if _has_flushed(machine.volume, record) or (machine.old is not None and _has_flushed(machine.old, record)):
        return True
    return ever and any(_has_flushed(volume, record) for volume in machine.lost)


def _has_flushed(volume: Volume, record: LogRecord) -> bool:
    log = volume.log
    return volume.present and record.place < log.flushed and log.has(record)


def _may_vote_without(node: Node, record: LogRecord) -> bool:
    """Whether the node's word in an election would be that of one who lacks the record."""
    local = node.state.state
    below = local.floor is not None and local.floor.lsn >= record.end
    return not below and local.marker is Marker.NONE and not _durable(node, record)


class Checker:
    """Told of every swap, acknowledgement, read, start and discard; raises Broken."""

    def __init__(
        self, nodes: dict[str, Node], say: Callable[[str, str], None], broke: Callable[[Broken], None]
    ) -> None:
        self._nodes = nodes
        self._broke = broke
        self._say = say
        self.record: Record | None = None
        self.holders: dict[int, Member] = {}
        self.acknowledged = 0
        self.elections = 0
        self._frontier: LogRecord | None = None  # every acknowledged or read record is it or an ancestor of it
        self._branch: Log | None = None
        self._served_from: dict[int, int] = {}
        self._last: dict[str, LogRecord] = {}  # async: the last commit that each server acknowledged
        self._won_ms = 0.0
        self._highest = (0, 0, 0)  # the age of the newest record that the store ever said
        self._went_back = False  # and by whom that was won, may know better than whom the store names now

    def _require(self, name: str, fault: str) -> None:
        if fault:
            raise self._found(f"{name}: {fault}")

    def _found(self, sentence: str) -> Broken:
        """Told to the world as well: raised in an agent's task it might be taken for that agent's mistake."""
        broken = Broken(sentence)
        self._broke(broken)
        return broken

    def swapped(self, document: str, text: str) -> None:
        """The store's record changed."""
        if document != "record":
            return
        before, after = self.record, read_record(text)
        self.record = after
        went_back = self._went_back
        self._went_back = went_back and after.generation <= self._highest[0]
        self._highest = max(self._highest, after.age)
        if before is not None and after.generation == before.generation and after.term == before.term:
            holder = self._nodes[after.holder.name].machine.server
            writable = holder is not None and holder.primary
            in_force = read_setting(holder.settings.sync_names) if holder is not None and writable else None
            self._require("S21", invariants.tightened_after_proof(before, after, in_force))
        if not went_back:  # else who was named by an old copy may have raised its term to one that was won since
            self._require("S1", invariants.single_winner_per_term(before, after))
        self._require("S2", invariants.term_never_falls(before, after))
        self._require("S5", invariants.primary_is_no_voter(after))
        self._require("PART 3", invariants.served_only_with_a_quorum(after))
        if before is None or after.term != before.term or after.holder != before.holder:
            self.holders[after.term] = after.holder
            self._say(after.holder.name, f"SWAP term {after.term}, k {after.k}, {[str(v) for v in after.voters]}")
        if before is not None and after.holder != before.holder:
            self.elections += 1
            self._won_ms = self._nodes[after.holder.name].machine.loop.now
            self._handed_over(before, after)
            node = self._nodes[after.holder.name]
            self._has_all(node.machine.volume.log, f"the winner {after.holder.name} of term {after.term}")
            self._went_back = False
        if after.serving and (before is None or not before.serving or before.holder != after.holder):
            serving = self._nodes[after.holder.name].machine.volume.log
            self._has_all(serving, f"{after.holder.name}, which says that it serves,")
        self._found_by_all()

    def store_went_back(self, document: str, text: str) -> None:
        """What the store says from now on does not follow on what it said: terms may be won again. Commits may not
        be lost all the same."""
        if document == "record":
            self.record = read_record(text)
            self._went_back = self.record.age < self._highest

    def _handed_over(self, before: Record, after: Record) -> None:
        """A planned hand-over loses nothing, whatever the mode."""
        last = self._last.get(before.holder.name)
        if before.mode is not Mode.ASYNC or before.handover is None or last is None:
            return
        if not self._nodes[after.holder.name].machine.volume.log.has(last):
            raise self._found(f"S3: {after.holder.name} was handed the lead without the acknowledged {last!r}")

    def _found_by_all(self) -> None:
        """Whoever dies now, the next election finds every acknowledged commit. Lost disks and forced terms break it,
        and an old record that came back, until its holder finds it and writes the newest again."""
        record, frontier = self.record, self._frontier
        if record is None or frontier is None or record.mode is not Mode.QUORUM or record.k < 1 or record.forced_terms:
            return
        if record.age < self._highest or self._went_back or any(n.machine.lost for n in self._nodes.values()):
            return
        holder_has = self._nodes[record.holder.name].machine.volume.log.has(frontier)
        without = tuple(v.name for v in record.voters if _may_vote_without(self._nodes[v.name], frontier))
        self._require("S20", invariants.every_election_finds(frontier, holder_has, without, record))

    def _has_all(self, log: Log, who: str) -> None:
        frontier = self._frontier
        if self.record is None or self.record.phase is not Phase.ESTABLISHED or frontier is None:
            return
        missing = "" if log.has(frontier) else repr(frontier)
        self._require("S3", invariants.acknowledged_commits_survive(lambda: missing, who))

    def acknowledged_commit(self, server: Server, record: LogRecord) -> None:
        """A client was told that its commit is durable."""
        self.acknowledged += 1
        self._barrier(server)
        if self.record is not None and self.record.mode is Mode.ASYNC:
            self._acknowledged_async(server, record)
            return
        if self.record is not None and self.record.mode is Mode.QUORUM:
            has = tuple(n.name for n in self._nodes.values() if n.name != server.name and _durable(n, record, True))
            k = self.record.k if self.record.holder.name == server.name else 1
            self._require("S5", invariants.acknowledged_is_flushed_by_k(record, has, k))
        self._observed(server, record, "acknowledged")
        self._found_by_all()

    def _acknowledged_async(self, server: Server, record: LogRecord) -> None:
        """In async mode a commit may be lost, but only in an election; and who lost the lead is fenced by its lease."""
        self._last[server.name] = record
        holder = self.record.holder.name if self.record is not None else server.name
        late = server.loop.now - self._won_ms
        if holder != server.name and late > FENCED_MS and self._nodes[server.name].stopping.guarded(FENCED_MS):
            raise self._found(f"S11: {server.name} acknowledged {record!r} {late:.0f} ms after {holder} had won")

    def read(self, server: Server, record: LogRecord) -> None:
        """A client of a serving primary saw this commit (S13). A login under way at a promotion may see more."""
        if not server.settings.gate_open:
            return
        if self.record is not None and self.record.mode is Mode.ASYNC:
            return
        if self._frontier is None or record.place > self._frontier.place:
            self._observed(server, record, "read")

    def _observed(self, server: Server, record: LogRecord, how: str) -> None:
        log = server.volume.log
        frontier = self._frontier
        if frontier is None:
            self._frontier, self._branch = record, log
        elif record.place >= frontier.place:
            if not log.has(frontier):
                raise self._found(f"S3: {server.name} {how} {record!r}, and does not have {frontier!r}")
            if record.place < len(log.records) and log.records[record.place] is record:
                self._frontier = record
        elif how == "acknowledged" and log.has(record) and not self._descends(frontier, record):
            raise self._found(f"S4: {server.name} {how} {record!r}, which {frontier!r} does not follow")
        holder = self.record.holder.name if self.record else ""
        explained = not self._went_back and self.record is not None and self.record.age[:2] >= self._highest[:2]
        if explained and holder and holder != server.name and frontier is not self._frontier:
            self._has_all(self._nodes[holder].machine.volume.log, f"{holder}, which holds the record,")

    def _descends(self, late: LogRecord, early: LogRecord) -> bool:
        """Whether some log that has the later record has the earlier one too; unknown counts as yes."""
        logs = [n.machine.volume.log for n in self._nodes.values() if n.machine.volume.log.has(late)]
        return not logs or any(log.has(early) for log in logs)

    def _barrier(self, server: Server) -> None:
        start = self._served_from.get(id(server), 0)
        records = server.volume.log.records
        place = next((p for p in range(start, len(records)) if records[p].kind == "barrier"), None)
        if place is not None:
            self._served_from[id(server)] = place
        self._require("S12", invariants.barrier_before_clients(place is not None, server.name))

    def became_primary(self, node: Node, server: Server) -> None:
        """A server left recovery, or was started without it."""
        self._served_from[id(server)] = max(0, len(server.volume.log.records) - 1)
        member = Member(node.name, server.volume.identity)
        if self.record is not None and self.record.phase is Phase.ESTABLISHED:
            self._require("S9", invariants.writable_was_won(self.holders, member))
            if self.record.holder == member and not self._went_back:  # who cannot know better does not get to serve
                self._has_all(server.volume.log, f"the primary {node.name}")

    def discarded(self, node: Node, volume: Volume) -> None:
        """A data directory, or the part of it that a rewind takes away, is gone: LAST COPY (S19)."""
        frontier = self._frontier
        if frontier is None or not volume.log.has(frontier):
            return
        copies = [n.name for n in self._nodes.values() if n is not node if _durable(n, frontier)]
        if not copies:
            raise self._found(f"S19: {node.name} discards the last copy of {frontier!r}")

    def disk_lost(self, node: Node) -> None:
        """A disk is gone for good, the first one: LAST COPY is there for that. A server that is being rewound, or has
        not come back yet from a rewind, is no copy (S19)."""
        record, frontier = self.record, self._frontier
        lost = sum(len(n.machine.lost) for n in self._nodes.values())
        if record is None or frontier is None or lost > 1 or record.forced_terms or record.k < 1:
            return
        volumes = [n.machine.volume for n in self._nodes.values() if n is not node]
        if not any(v.present and not v.half_rewound and v.log.has(frontier) for v in volumes):
            raise self._found(f"S19: the disk of {node.name} is lost, and with it the last copy of {frontier!r}")

    def remembered(self, before: LocalState, after: LocalState) -> None:
        """An agent made a state durable."""
        self._require("S6", invariants.promise_only_grows(before, after))

    def missing_at_end(self, log: Log) -> str:
        """An acknowledged commit that this log lacks, or ""."""
        frontier = self._frontier
        return "" if frontier is None or log.has(frontier) else repr(frontier)
