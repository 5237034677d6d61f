"""How does a server in recovery receive the log: its startup process, its receiver, and the connection?

A receiver lives on after its setting changed until the startup process notices; it connects with a delay; PostgreSQL
accepts a standby whose history left the primary's earlier, and counts its old position as a flush (PREFIX).
"""

from collections import deque
from collections.abc import Callable

from howdah.ports.postgres import Upstream
from howdah.simulation.commits import Writing
from howdah.simulation.network import Network
from howdah.simulation.server import Server
from howdah.simulation.wal import Record
from howdah.simulation.walsender import Walsender
from howdah.values.address import Address

RETRY_MS = 100
TIMEOUT_MS = 5000
"""wal_sender_timeout and wal_receiver_timeout."""
CONNECT_LIMIT_MS = 3000

Find = Callable[[Address], Server | None]


class Link:
    """A receiver, its walsender and the TCP connection between them."""

    def __init__(self, startup: "Startup", upstream: Upstream, network: Network, find: Find) -> None:
        self.startup = startup
        self.standby = startup.server
        self.upstream = upstream
        self.server: Server | None = None
        self.sender: Walsender | None = None
        self.open = False  # as the receiver sees it
        self.ended = False  # the receiver is gone
        self.silent = False  # its machine loses power: nobody tells the walsender
        self._network = network
        self._find = find
        self._sent = 0
        self._arrives = {True: 0.0, False: 0.0}
        self._blocked: dict[bool, deque[tuple[Callable[..., None], tuple[object, ...]]]] = {
            True: deque(),
            False: deque(),
        }
        self._diverged = False
        self._cut = False

    def connect(self) -> None:
        """Find the server there and ask it."""
        server = self._find(self.upstream.address)
        loop, standby = self.standby.loop, self.standby
        if server is None or not server.postmaster:
            loop.after(standby.owner, 0.2, self.end)
            return
        self.server = server
        server.streams.append(self)
        if not self._network.linked(standby.name, server.name):
            loop.after(standby.owner, CONNECT_LIMIT_MS, self.end)
            return
        delay = standby.chance.process() + self._network.delay(standby.name, server.name)
        loop.after(server.owner, delay, self._accept)

    def _accept(self) -> None:
        """The walsender's side of the start."""
        server, log = self.server, self.standby.volume.log
        if self.ended or server is None:
            return
        busy = self.upstream.slot and any(w.slot == self.upstream.slot for w in server.senders())
        missing = self.upstream.slot and self.upstream.slot not in server.volume.slots
        if not server.running or busy or missing or not self._history_fits(server):
            self.send(True, self.end)
            return
        self._sent = log.common(server.volume.log)
        self._diverged = self._sent < len(log.records)
        wall = int(server.loop.now)
        self.sender = Walsender(server.next_pid(), self.upstream.application_name, self.upstream.slot, wall)
        self.sender.apply(server.settings.sync_names)
        self._fetch_histories(server, log.timeline, server.volume.log.timeline)
        self.send(True, self._opened)
        self.pump()

    def _fetch_histories(self, server: Server, after: int, upto: int) -> None:
        """A receiver asks for the history files that it lacks before it receives a timeline."""
        theirs, mine = server.volume.histories, self.standby.volume.histories
        for number in range(after + 1, upto + 1):
            if number in theirs:
                mine.setdefault(number, theirs[number])

    def _history_fits(self, server: Server) -> bool:
        """What PostgreSQL checks: the timeline is the server's own or an ancestor's. Not where it left it."""
        mine = self.standby.volume.wanted_timeline()
        theirs = server.volume.log.timeline
        if self.standby.volume.log.end < server.volume.oldest:
            return False  # requested WAL segment has already been removed
        return mine == theirs or any(s.timeline == mine for s in server.volume.histories.get(theirs, ()))

    def _opened(self) -> None:
        if self.ended:
            return
        self.open = True
        self._reply()

    def _reply(self) -> None:
        log = self.standby.volume.log
        replay = log.end_at(min(self.startup.replayed, len(log.records)))
        self.send(False, self._heard, log.flushed_end, replay)

    def _heard(self, flush: int, replay: int) -> None:
        if self.sender is not None and self.server is not None:
            self.server.replied(self.sender, flush, replay)

    def pump(self) -> None:
        """Send what the server may send and has not sent."""
        server = self.server
        if server is None or self.sender is None:
            return
        upto = server.sendable()
        if self._sent < upto:
            records = server.volume.log.records[self._sent : upto]
            self._sent = upto
            self.send(True, self._received, records)
        self.sender.streaming = True

    def _received(self, records: list[Record]) -> None:
        log = self.standby.volume.log
        if self.ended:
            return
        if self._diverged or not records or records[0].place != len(log.records):
            self._reply()
            return
        if records[-1].timeline != log.timeline and self.server is not None:
            self._fetch_histories(self.server, log.timeline, records[-1].timeline)
        log.records.extend(records)
        chance = self.standby.chance
        self.standby.loop.after(self.standby.owner, chance.fsync(), self._flush, len(log.records))

    def _flush(self, count: int) -> None:
        log = self.standby.volume.log
        log.flushed = max(log.flushed, min(count, len(log.records)))
        if not self.ended:
            self._reply()
        self.startup.replay_soon()

    # -- the connection

    def send(self, down: bool, callback: Callable[..., None], *args: object) -> None:
        """A message to the standby (`down`) or to the server; in order, and kept while the way is cut."""
        if self.server is None:
            return
        source, target = (self.server, self.standby) if down else (self.standby, self.server)
        if self._blocked[down] or not self._network.passes(source.name, target.name):
            self._blocked[down].append((callback, args))
            return
        loop = self.standby.loop
        when = max(self._arrives[down], loop.now + self._network.delay(source.name, target.name))
        self._arrives[down] = when
        loop.after(target.owner, when - loop.now, callback, *args)

    def network_changed(self) -> None:
        """What was kept goes on; a cut that lasts ends the connection on both sides."""
        if self.server is None:
            return
        linked = self._network.linked(self.standby.name, self.server.name)
        for down in (True, False):
            kept = list(self._blocked[down])
            self._blocked[down].clear()
            for callback, args in kept:
                self.send(down, callback, *args)
        if not linked and not self._cut:
            loop = self.standby.loop
            loop.after(self.server.owner, TIMEOUT_MS, self._sender_timeout)
            loop.after(self.standby.owner, TIMEOUT_MS, self._receiver_timeout)
        self._cut = not linked

    def server_froze(self, froze: Writing) -> None:
        """One side does not answer: the other gives it up after its timeout."""
        loop = self.standby.loop
        if froze is self.standby and self.server is not None:
            loop.after(self.server.owner, TIMEOUT_MS, self._sender_timeout)
        elif froze is self.server:
            loop.after(self.standby.owner, TIMEOUT_MS, self._receiver_timeout)

    def _sender_timeout(self) -> None:
        if self._cut or self.standby.owner.frozen:
            self.close_sender()

    def _receiver_timeout(self) -> None:
        if self._cut or (self.server is not None and self.server.owner.frozen):
            self.end()

    def server_died(self, died: Writing) -> None:
        """The kernel of the dead side tells the other one, if it reaches it."""
        if died is self.standby:
            self.ended = True
            if not self.silent:
                self.send(False, self.close_sender)
            if self.server is not None:
                self.standby.loop.after(self.server.owner, TIMEOUT_MS, self.close_sender)
        else:
            self.sender = None
            self.send(True, self.end)

    def close_sender(self) -> None:
        """The walsender ends."""
        server, had, self.sender = self.server, self.sender, None
        if server is not None and (had is not None or self in server.streams):
            server.stream_ended(self)
            self.send(True, self.end)

    def end(self) -> None:
        """The receiver ends: what it wrote is flushed; the startup process looks for another way."""
        if self.ended:
            return
        self.ended = True
        self.open = False
        log = self.standby.volume.log
        log.flushed = len(log.records)
        if self.sender is None and self.server is not None:
            self.server.stream_ended(self)
        self.send(False, self.close_sender)
        self.startup.link_ended(self)


class Startup:
    """The startup process. Implements `server.Recovery`."""

    def __init__(self, server: Server, network: Network, find: Find) -> None:
        self.server = server
        self.replayed = 0
        self.link: Link | None = None
        self.pause_requested = False
        self.paused = False
        self.replay_delay_ms = 0.0
        self.late_ms = 0.0  # how much later than other processes this one acts on a signal
        self._network = network
        self._find = find
        self._upstream: Upstream | None = server.volume.settings.upstream
        self._pending = False
        self._asked = False  # a receiver was asked for and is not forked yet
        self._over = False
        self._replaying = False

    def begin(self) -> None:
        """Local replay is done: look for a server to stream from."""
        self.replayed = len(self.server.volume.log.records)
        self._retry()

    @property
    def waits(self) -> str:
        """The wait event of the startup process."""
        if self.paused:
            return "RecoveryPause"
        if self.replayed < len(self.server.volume.log.records):
            return ""
        if self.link is not None or self._asked:
            return "RecoveryWalStream"
        return "RecoveryRetrieveRetryInterval"

    @property
    def receivers(self) -> int:
        """walreceiver processes, connecting ones too."""
        return 0 if self.link is None else 1

    def signalled(self) -> None:
        """A SIGHUP is pending, and is acted on when the process runs next."""
        self._pending = True
        self._wake_soon()

    def request_pause(self) -> None:
        """pg_wal_replay_pause: reached when the process runs next."""
        self.pause_requested = True
        self._wake_soon()

    def resume(self) -> None:
        """pg_wal_replay_resume."""
        self.pause_requested = self.paused = False
        self.replay_soon()

    def _soon(self, callback: Callable[[], None]) -> None:
        self.server.loop.after(self.server.owner, self.server.chance.process(), callback)

    def _wake_soon(self) -> None:
        self.server.loop.after(self.server.owner, self.server.chance.process() + self.late_ms, self._wake)

    def _wake(self) -> None:
        if self._over:
            return
        self._read_settings()
        if self.pause_requested:
            self.paused = True

    def _read_settings(self) -> None:
        if not self._pending:
            return
        self._pending = False
        wanted = self.server.volume.settings.upstream
        if wanted == self._upstream:
            return
        self._upstream = wanted
        self._asked = False
        if self.link is not None:
            self.link.end()
        else:
            self._soon(self._retry)

    def link_ended(self, link: Link) -> None:
        """The receiver is gone; after the retry interval another is asked for."""
        if self.link is link:
            self.link = None
            self.server.loop.after(self.server.owner, RETRY_MS + self.server.chance.process(), self._retry)

    def _retry(self) -> None:
        if self._over or self.link is not None or self._asked:
            return
        self._read_settings()
        if self._upstream is None:
            return
        self._asked = True
        self._soon(self._fork_receiver)

    def _fork_receiver(self) -> None:
        if self._over or not self._asked or self._upstream is None:
            return
        self._asked = False
        self.link = Link(self, self._upstream, self._network, self._find)
        self.link.connect()

    def replay_soon(self) -> None:
        """There is something to replay."""
        if not self._replaying and not self._over:
            self._replaying = True
            delay = self.server.chance.process() + self.replay_delay_ms
            self.server.loop.after(self.server.owner, delay, self._replay)

    def _replay(self) -> None:
        self._replaying = False
        if self.paused or self._over:
            return
        log = self.server.volume.log
        before, self.replayed = self.replayed, min(log.flushed, len(log.records))
        for record in log.records[before : self.replayed]:
            if record.kind in CHECKPOINTS:
                self.server.volume.checkpoint = record.place + 1
        self.server.pump()

    def killed(self) -> None:
        """The server's processes are gone, this one too."""
        self._over = True
        if self.link is not None:
            self.link.server_died(self.server)

    def end(self) -> None:
        """Promotion or stop: the receiver is gone and everything received is replayed."""
        self._over = True
        if self.link is not None:
            self.link.end()
        self.replayed = len(self.server.volume.log.records)


CHECKPOINTS = frozenset(("checkpoint", "shutdown"))
