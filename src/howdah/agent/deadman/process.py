"""What does the dead-man process do?

It holds one deadline on CLOCK_BOOTTIME. When that passes it kills every process of the server, and goes on killing
whatever of it appears until the agent sets another deadline or disarms it: a start that was under way in a frozen
agent must not bring back a server that nobody watches. It shares no fate with the agent: own session, own memory,
locked where that is allowed, and only the standard library.

One line a request, one line an answer, over a Unix socket in the node's directory:
`arm <boot ms>`, `disarm`, `ping` -> `ok <deadline or 0> <when it last fired or 0>`; `quit` ends it if it is disarmed;
anything else -> `error <why>`.
"""

import ctypes
import fcntl
import gc
import os
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from howdah.postgres import gone

NAME = b"howdah-deadman"
LOOK_MS = 100
"""The longest sleep while a deadline is set: poll() does not count time in suspend, so this is how late a deadline
that passed during suspend can be noticed after it."""
IDLE_LOOK_MS = 1_000
"""Between two looks whether the node still exists, while no deadline is set."""
KILL_LOOK_MS = 2
"""Between two rounds of killing until nobody is left."""
KILL_ROUNDS_FAST = 500
"""So many rounds may follow each other that closely; what survives them hangs in the kernel, and is retried slowly."""
REQUEST_BYTES_MAX = 256
CLIENTS_MAX = 16
"""More than one agent and a doctor never speak at once; the oldest gives way to the next."""
ALREADY_RUNNING = 3
"""Exit status when another dead-man holds the node's lock."""


class Deadman:
    """The deadline, and what is left to kill. Knows no sockets."""

    def __init__(self, data: Path, log: Path, deadline_ms: int = 0) -> None:
        """`data` is the server's directory; `log` the file that gets a line whenever something happens."""
        self._data = data
        self._log = log
        self.deadline_ms = deadline_ms
        self.fired_at_ms = 0
        self._empty_looks = 0
        self._rounds = 0

    def answer(self, request: str) -> str:
        """Carry out one request; the line to answer."""
        words = request.split()
        match words:
            case ["arm", text] if text.isdecimal() and int(text) > 0:
                self._set(int(text))
            case ["disarm"]:
                self._set(0)
            case ["ping"]:
                pass
            case _:
                return f"error unknown request {request[:40]!r}"
        return f"ok {self.deadline_ms} {self.fired_at_ms}"

    def _set(self, deadline_ms: int) -> None:
        self.deadline_ms = deadline_ms
        self.fired_at_ms = 0
        self._empty_looks = 0

    def step(self, now_ms: int) -> int:
        """Kill if it is time; returns how many milliseconds may pass until the next step."""
        if self.deadline_ms == 0:
            return IDLE_LOOK_MS
        if now_ms < self.deadline_ms:
            return min(LOOK_MS, self.deadline_ms - now_ms)
        if self.fired_at_ms == 0:
            self.fired_at_ms = now_ms
            self._empty_looks = 0
            self._rounds = 0
        if gone.kill_round(self._data):
            self._empty_looks = 0
            self._rounds += 1
            return KILL_LOOK_MS if self._rounds < KILL_ROUNDS_FAST else LOOK_MS
        self._empty_looks += 1
        if self._empty_looks < gone.EMPTY_LOOKS:
            return KILL_LOOK_MS
        if self._empty_looks == gone.EMPTY_LOOKS:
            late_ms = self.fired_at_ms - self.deadline_ms
            self.write(f"fired {late_ms} ms after the deadline; no process of {self._data} is left")
        return LOOK_MS

    def at_rest(self) -> bool:
        """Whether there is nothing to wait for: no deadline, or fired and nobody left."""
        return self.deadline_ms == 0 or self._empty_looks >= gone.EMPTY_LOOKS

    def write(self, sentence: str) -> None:
        """Append a line to the log. A full disk keeps nobody from killing."""
        try:
            with self._log.open("a") as file:
                file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} dead-man {os.getpid()}: {sentence}\n")
        except OSError:
            pass


class Desk:
    """The socket and those who ask at it."""

    def __init__(self, path: Path, deadman: Deadman) -> None:
        """Listen at `path`, replacing a socket that a dead one left: the caller holds the node's lock."""
        self._path = path
        self._deadman = deadman
        self._listener = _listen(path)
        self._identity = path.stat().st_ino
        self._clients: dict[int, tuple[socket.socket, bytes]] = {}
        self.quit = False

    def serve(self, wait_ms: int) -> None:
        """Answer what comes in within this time; returns early once something was answered."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        for descriptor in self._clients:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(wait_ms):
            if descriptor == self._listener.fileno():
                self._accept()
            elif descriptor in self._clients:
                self._read(descriptor)

    def displaced(self) -> bool:
        """Whether another's socket lies at our place, or our socket is gone."""
        try:
            return self._path.stat().st_ino != self._identity
        except OSError:
            return True

    def move_back(self) -> None:
        """Listen again where somebody removed our socket. Raises OSError."""
        fresh = _listen(self._path)
        self._listener.close()
        self._listener = fresh
        self._identity = self._path.stat().st_ino

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        client.setblocking(False)
        if _user_of(client) not in (0, os.geteuid()):
            client.close()
            return
        if len(self._clients) >= CLIENTS_MAX:
            self._drop(next(iter(self._clients)))
        self._clients[client.fileno()] = (client, b"")

    def _read(self, descriptor: int) -> None:
        client, before = self._clients[descriptor]
        try:
            text = before + client.recv(REQUEST_BYTES_MAX)
            if len(text) == len(before) or len(text) > REQUEST_BYTES_MAX:
                self._drop(descriptor)
                return
            *requests, rest = text.split(b"\n")
            self._clients[descriptor] = (client, rest)
            for request in requests:
                client.send(f"{self._answer(request.decode(errors='replace'))}\n".encode())
        except OSError:
            self._drop(descriptor)

    def _answer(self, request: str) -> str:
        if request.strip() != "quit":
            return self._deadman.answer(request)
        if self._deadman.deadline_ms:
            return "error armed"
        self.quit = True
        return "ok 0 0"

    def _drop(self, descriptor: int) -> None:
        client, _ = self._clients.pop(descriptor)
        client.close()


def run(data: Path, path: Path, log: Path, deadline_ms: int) -> int:
    """Serve until told to quit, or until the node's directory has vanished and nothing is left to kill.

    Returns the exit status.
    """
    lock_path = path.with_suffix(".lock")
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return ALREADY_RUNNING
    log.parent.mkdir(exist_ok=True)
    deadman = Deadman(data, log, deadline_ms)
    desk = Desk(path, deadman)
    _rehearse(data)
    deadman.write(f"watches {data}; {_harden()}")
    signal.signal(signal.SIGTERM, lambda *_: setattr(desk, "quit", deadman.deadline_ms == 0))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    looked_ms = 0
    while not desk.quit:
        now_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        wait_ms = deadman.step(now_ms)
        if now_ms - looked_ms >= IDLE_LOOK_MS:
            looked_ms = now_ms
            if desk.displaced() and _node_is_gone(lock, lock_path, desk, deadman):
                return 0
        desk.serve(wait_ms)
    deadman.write("ends")
    path.unlink(missing_ok=True)
    return 0


def _node_is_gone(lock: int, lock_path: Path, desk: Desk, deadman: Deadman) -> bool:
    """Whether to end because our socket is not where it should be; else it is put there again.

    While the lock is still ours somebody only removed the socket. If both are another's, a new node lies at this
    path, with a dead-man of its own. If both are gone the node was deleted: a deadline that is set still counts.
    """
    try:
        if lock_path.stat().st_ino != os.fstat(lock).st_ino:
            return True
        desk.move_back()
    except OSError:
        return deadman.at_rest()
    return False


def _rehearse(data: Path) -> None:
    """Go once through the code that must not wait for a disk later. Harmless: we do not work in `data`."""
    gone.processes_of(data)
    gone.recorded_postmaster(data)
    gone.signal_process(os.getpid(), data, signal.SIGKILL)


def _listen(path: Path) -> socket.socket:
    """Bind below a descriptor of the directory: a socket's name holds 107 bytes, a node's path may be longer."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.umask(before)
        listener.listen(CLIENTS_MAX)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener


def _user_of(client: socket.socket) -> int:
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("iII", credentials)[1])


def _harden() -> str:
    """Ask for what makes dying or being late less likely; refusals are only reported."""
    libc = ctypes.CDLL(None)
    libc.prctl(15, NAME, 0, 0, 0)  # PR_SET_NAME: what ps and top show
    gc.collect()
    gc.disable()
    libc.malloc_trim(0)
    words = ["memory locked" if libc.mlockall(3) == 0 else "memory not locked"]  # MCL_CURRENT | MCL_FUTURE
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        words.append("real-time")
    except OSError:
        words.append("ordinary priority")
    try:
        Path("/proc/self/oom_score_adj").write_text("-1000")
    except OSError:
        words.append("may be killed when memory runs out")
    return ", ".join(words)


def main() -> None:
    """`--data DIR --socket FILE --log FILE [--deadline BOOT_MS]`: what the client passes."""
    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    os.chdir("/")  # never the data directory: who works there is killed
    sys.exit(
        run(
            Path(options["--data"]),
            Path(options["--socket"]),
            Path(options["--log"]),
            int(options.get("--deadline", "0")),
        )
    )
