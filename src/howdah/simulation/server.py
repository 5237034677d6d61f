"""How does a PostgreSQL server behave, with the delays between its processes?

Each process reads new settings at its own time after a reload; a commit waits only if the checkpointer has switched
waiting on; a crash loses what was not flushed, and makes waiting commits visible.
"""

from collections.abc import Callable

from howdah.simulation.chance import Chance
from howdah.simulation.commits import Stream, Writing
from howdah.simulation.loop import Owner, VirtualLoop
from howdah.simulation.volume import Volume
from howdah.simulation.wal import next_timeline, step
from howdah.simulation.walsender import Walsender


class Session:
    """A client's connection. `lost` is called once if the server ends it."""

    __slots__ = ("lost", "open")

    def __init__(self, lost: Callable[[], None]) -> None:
        self.open = True
        self.lost = lost


class Server(Writing):
    """One start of a server, from the fork of the postmaster until the last process is gone."""

    def __init__(self, name: str, volume: Volume, loop: VirtualLoop, chance: Chance, rate: float) -> None:
        super().__init__(name, volume, loop, chance, Owner(f"{name}/postgres", rate))
        self.state = "starting"
        self.settings = volume.settings
        self.reloads = 0
        self.sessions: list[Session] = []
        self.on_gone: list[Callable[[], None]] = []
        self.on_postmaster_end: list[Callable[[], None]] = []
        self.on_primary: list[Callable[[], None]] = []
        self._stopping: Callable[[], None] | None = None

    @property
    def running(self) -> bool:
        """Whether it lets people log in."""
        return self.state == "running" and self.postmaster and not self.owner.dead

    @property
    def primary(self) -> bool:
        """Out of recovery."""
        return self.recovery is None

    # -- starting and ending

    def ready(self) -> None:
        """The end of recovery to consistency: logins are possible."""
        volume, log = self.volume, self.volume.log
        log.flushed = len(log.records)  # a crashed directory is synced as a whole before it is replayed
        if self.recovery is None and not volume.clean:
            self._checkpoint_record("checkpoint")
        volume.clean = False
        self.state = "running"
        for record in reversed(log.records):
            if record.kind == "commit":
                self.visible = record
                break
        if self.recovery is None:
            self._is_primary()

    def _is_primary(self) -> None:
        for listener in self.on_primary:
            listener()
        self._live()

    def _checkpoint_record(self, kind: str) -> None:
        log = self.volume.log
        log.append(log.timeline, 120, kind)
        log.flushed = len(log.records)
        self.volume.checkpoint = len(log.records)

    def _live(self) -> None:
        self.loop.after(self.owner, 2000 + 20000 * self.chance.random(), self._background)

    def _background(self) -> None:
        """Vacuum and the like write; a checkpoint now and then."""
        if self.state != "running":
            return
        if self.chance.maybe(0.3):
            self.checkpoint(lambda: None)
        else:
            self.write("noise", "", wait=False, done=lambda _: None)
        self._live()

    def die(self) -> None:
        """Every process is gone at once."""
        if self.owner.dead:
            return
        self._end_postmaster()
        log = self.volume.log
        if not self.volume.clean and log.flushed < len(log.records):
            log.cut(self.chance.randint(log.flushed, len(log.records)))
            log.flushed = len(log.records)
        self.volume.checkpoint = min(self.volume.checkpoint, len(log.records))
        self.end_sessions()
        if self.recovery is not None:
            self.recovery.killed()
        self.loop.kill(self.owner)
        for stream in list(self.streams):
            stream.server_died(self)
        self.streams.clear()
        for listener in self.on_gone:
            listener()

    def _end_postmaster(self) -> None:
        if self.postmaster:
            self.postmaster = False
            for listener in self.on_postmaster_end:
                listener()

    def lose_postmaster(self) -> None:
        """The postmaster alone is killed: most processes end within milliseconds, busy backends live on."""
        self._end_postmaster()
        self.loop.after(self.owner, 5 + 25 * self.chance.random(), self._lose_children)
        self.loop.after(self.owner, 30 + 1500 * self.chance.random(), self.die)

    def _lose_children(self) -> None:
        for stream in list(self.streams):
            stream.close_sender()
        if self.recovery is not None:
            self.recovery.end()
        self._waiting.clear()  # a wait ends with the postmaster, without an acknowledgement

    def stop_fast(self, ended: Callable[[], None]) -> None:
        """Fast shutdown: sessions end, a shutdown checkpoint, then every walsender must have had it flushed."""
        if self._stopping is not None or self.owner.dead:
            return
        self._stopping = ended
        self.loop.after(self.owner, 2 + self.chance.process(), self._stop_sessions)

    def _stop_sessions(self) -> None:
        self.state = "stopping"
        self.end_sessions()
        self._waiting.clear()
        if self.recovery is not None:
            self.recovery.end()
        self.loop.after(self.owner, 5 + 40 * self.chance.random(), self._stop_checkpoint)

    def _stop_checkpoint(self) -> None:
        if self.recovery is None:
            self._checkpoint_record("shutdown")
            self.pump()
        self._progressed()

    def _progressed(self) -> None:
        if self.state != "stopping" or self._stopping is None:
            return
        end = self.volume.log.flushed_end
        last = self.volume.log.records[-1].kind if self.volume.log.records else ""
        if self.recovery is None and (last != "shutdown" or any(w.flush < end for w in self.senders())):
            return
        ended, self._stopping = self._stopping, None
        self.volume.clean = True
        self.volume.stopped_as_primary = self.recovery is None
        self.die()
        ended()

    def stream_ended(self, stream: Stream) -> None:
        """A walsender is gone."""
        if stream in self.streams:
            self.streams.remove(stream)
        self._progressed()

    # -- settings

    def reload(self) -> None:
        """SIGHUP: the postmaster first, then each process when it gets to it."""
        self.loop.after(self.owner, self.chance.process(), self._reread)

    def _reread(self) -> None:
        if not self.postmaster:
            return
        self.settings = self.volume.settings
        self.reloads += 1
        self.loop.after(self.owner, self.chance.process(), self._checkpointer_reads)
        for sender in self.senders():
            self.loop.after(self.owner, self.chance.process(), self._sender_reads, sender)
        if self.recovery is not None:
            self.recovery.signalled()

    def _sender_reads(self, sender: Walsender) -> None:
        sender.apply(self.volume.settings.sync_names)
        self._release(sender)

    # -- promotion

    def promote(self) -> None:
        """pg_promote: stop receiving, replay to the end, a new timeline."""
        self.loop.after(self.owner, 3 + 60 * self.chance.random() ** 2 + self.chance.process(), self._begin_timeline)

    def _begin_timeline(self) -> None:
        """The history file comes first. A server that dies now finds it again, and goes over to that timeline."""
        if self.recovery is None or self.state != "running" or not self.postmaster:
            return
        self.recovery.end()
        volume, log = self.volume, self.volume.log
        log.flushed = len(log.records)
        parent = volume.wanted_timeline()
        timeline = next_timeline(max(parent, volume.target), volume.histories)
        volume.histories[timeline] = (*volume.histories.get(parent, ()), step(parent, log.end))
        self.loop.after(
            self.owner, 0.5 + 10 * self.chance.random() ** 2 + self.chance.process(), self._promoted, timeline
        )

    def _promoted(self, timeline: int) -> None:
        if self.recovery is None or self.state != "running" or not self.postmaster:
            return
        log = self.volume.log
        log.append(timeline, 80, "promotion")
        log.flushed = len(log.records)
        self.recovery = None
        self.visible = next((r for r in reversed(log.records) if r.kind == "commit"), None)
        self.pump()
        self.loop.after(self.owner, 20 + 300 * self.chance.random(), self._checkpointed, lambda: None)
        self._is_primary()

    # -- sessions

    def login(self, lost: Callable[[], None]) -> Session:
        """A client's connection. The caller has looked at the gate."""
        session = Session(lost)
        self.sessions.append(session)
        return session

    def end_sessions(self) -> int:
        """End every client's connection; their waiting commits get no answer."""
        sessions, self.sessions = self.sessions, []
        for session in sessions:
            session.open = False
            session.lost()
        return len(sessions)
