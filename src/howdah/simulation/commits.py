"""How does a server write, flush, send and acknowledge?

A commit waits only if the checkpointer has switched waiting on; it is released by a walsender under that one's own copy
of the setting.
"""

from collections.abc import Callable
from typing import Protocol

from howdah.simulation.chance import Chance
from howdah.simulation.loop import Owner, VirtualLoop
from howdah.simulation.volume import Volume
from howdah.simulation.wal import Record
from howdah.simulation.walsender import Walsender, released_by

Done = Callable[[Record], None]


class Recovery(Protocol):
    """The startup process of a server in recovery, with its receiver."""

    replayed: int

    def signalled(self) -> None:
        """The settings were reloaded."""
        ...

    def killed(self) -> None:
        """Every process is gone; the kernel closes the receiver's connection."""
        ...

    def end(self) -> None:
        """Stop receiving; everything received is flushed and replayed."""
        ...


class Stream(Protocol):
    """A standby's connection, seen from the server that it streams from."""

    sender: Walsender | None

    def pump(self) -> None:
        """Send what there is."""
        ...

    def close_sender(self) -> None:
        """The walsender ends; the other side hears of it if it can."""
        ...

    def server_died(self, died: "Writing") -> None:
        """A side of it is gone, and its kernel says so."""
        ...

    def server_froze(self, froze: "Writing") -> None:
        """A side of it stopped answering, with its connections open."""
        ...


class Writing:
    """What writes and sends the log of one running server."""

    def __init__(self, name: str, volume: Volume, loop: VirtualLoop, chance: Chance, owner: Owner) -> None:
        self.name = name
        self.volume = volume
        self.loop = loop
        self.chance = chance
        self.owner = owner
        self.pid = chance.randrange(1000, 1 << 22)
        self.postmaster = True
        self.recovery: Recovery | None = None
        self.sync_defined = bool(volume.settings.sync_names)
        self.streams: list[Stream] = []
        self.released = 0
        self.visible: Record | None = None
        self._unflushed: list[tuple[Record, bool, Done]] = []
        self._waiting: list[tuple[Record, Done]] = []
        self._flushing = False
        self._pids = self.pid

    def _progressed(self) -> None:
        """A standby has said how far it is."""

    def next_pid(self) -> int:
        """A number for a new process."""
        self._pids += 1
        return self._pids

    def senders(self) -> list[Walsender]:
        """All walsenders."""
        return [s.sender for s in self.streams if s.sender is not None]

    def sendable(self) -> int:
        """How many records a walsender may send: what is flushed; in recovery what is replayed as well."""
        flushed = self.volume.log.flushed
        return flushed if self.recovery is None else min(flushed, self.recovery.replayed)

    def _checkpointer_reads(self) -> None:
        self.sync_defined = bool(self.volume.settings.sync_names)
        if not self.sync_defined:
            waiting, self._waiting = self._waiting, []
            for record, done in waiting:
                self._complete(record, done)

    def write(self, kind: str, value: str, wait: bool, done: Done) -> Record:
        """Append a record; `done` once it is flushed and, if it waits, released by the standbys."""
        log = self.volume.log
        record = log.append(log.timeline, 8 * self.chance.randint(6, 60), kind, value)
        self._unflushed.append((record, wait, done))
        if not self._flushing:
            self._flushing = True
            self.loop.after(self.owner, self.chance.fsync(), self._flushed, len(log.records))
        return record

    def _flushed(self, count: int) -> None:
        log = self.volume.log
        log.flushed = max(log.flushed, count)
        self.pump()
        ready = [entry for entry in self._unflushed if entry[0].place < count]
        self._unflushed = [entry for entry in self._unflushed if entry[0].place >= count]
        self._flushing = bool(self._unflushed)
        if self._flushing:
            self.loop.after(self.owner, self.chance.fsync(), self._flushed, len(log.records))
        for record, wait, done in ready:
            if wait and self.sync_defined and record.end > self.released:
                self._waiting.append((record, done))
            else:
                self._complete(record, done)

    def _complete(self, record: Record, done: Done) -> None:
        if record.kind == "commit" and (self.visible is None or record.place > self.visible.place):
            self.visible = record
        done(record)

    def replied(self, sender: Walsender, flush: int, replay: int) -> None:
        """A standby's word arrived at its walsender."""
        sender.flush, sender.replay = flush, replay
        self._release(sender)
        self._progressed()

    def _release(self, sender: Walsender) -> None:
        upto = released_by(sender, self.senders())
        if upto <= self.released:
            return
        self.released = upto
        if not self._waiting or not self.postmaster:
            return
        free = [entry for entry in self._waiting if entry[0].end <= upto]
        self._waiting = [entry for entry in self._waiting if entry[0].end > upto]
        for record, done in free:
            self._complete(record, done)

    def checkpoint(self, done: Callable[[], None]) -> None:
        """CHECKPOINT: takes its time, then pg_control knows it."""
        self.loop.after(self.owner, 5 + 200 * self.chance.random() ** 3, self._checkpointed, done)

    def _checkpointed(self, done: Callable[[], None]) -> None:
        log = self.volume.log
        if self.recovery is None:
            # A checkpoint begun after a reload has the checkpointer read the settings first.
            self._checkpointer_reads()
            log.append(log.timeline, 120, "checkpoint")
            log.flushed = len(log.records)
            self.volume.checkpoint = len(log.records)
            self.pump()
        done()

    def pump(self) -> None:
        """Let every walsender send."""
        for stream in self.streams:
            stream.pump()
