"""How does the agent speak with its dead-man, and start or replace it?"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import howdah
from howdah.ports.deadman import DeadmanGone
from howdah.postgres.layout import NodeLayout

ANSWER_LIMIT_MS = 500
"""The process answers in well under a millisecond; a machine on which this passes cannot keep a lease either."""
START_LIMIT_MS = 5_000
"""A new process answers after about 40 ms; a busy machine may need long."""
START_POLL_S = 0.005
END_LIMIT_MS = 200
"""SIGKILL takes a millisecond. We block for it, since this agent may not be served until another one watches."""
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv.pop(1)); from howdah.agent.deadman.process import main; main()"
"""Isolated and without site-packages (-I -S), so the place of our own package is its first argument."""


@dataclass(frozen=True, slots=True)
class DeadmanState:
    """What the process answered: CLOCK_BOOTTIME milliseconds, 0 for none."""

    deadline_ms: int
    fired_at_ms: int
    pid: int


class DeadmanHangs(DeadmanGone):
    """It listens but does not answer: stopped, or starved."""


class DeadmanClient:
    """`ports.deadman.Deadman` for one node. A dead-man that an earlier agent started is used on.

    Once it has fired it kills whatever of the server appears, until `arm` with a later deadline or `disarm`.
    """

    def __init__(self, layout: NodeLayout, python: Path | None = None) -> None:
        """`python` is the interpreter that runs the process; by default the one that runs us."""
        root = layout.root.absolute()
        self._data = root / layout.data.name
        self._socket = root / "deadman.sock"
        self._log = root / layout.log.name / "deadman.log"
        self._python = python or Path(sys.executable)
        self.fault = ""
        """Why the last attempt to start the process failed; "" if none did."""
        self._deadline_ms = 0
        self._started: int | None = None

    async def arm(self, deadline_boot_ms: int) -> None:
        """Set the deadline; returns once the process has confirmed it. Raises DeadmanGone."""
        self._deadline_ms = deadline_boot_ms
        await self._expect(f"arm {deadline_boot_ms}", deadline_boot_ms)

    async def disarm(self) -> None:
        """Take the deadline away; returns once the process has confirmed it. Raises DeadmanGone."""
        await self._expect("disarm", 0)
        self._deadline_ms = 0

    async def alive(self) -> bool:
        """Whether it answers. Starts one if there is none, and replaces one that hangs.

        A new process is born with the deadline that the last one was told.
        """
        self._reap()
        try:
            await self.state()
        except DeadmanHangs:
            self._end_hanging()
            return await self._start()
        except DeadmanGone:
            return await self._start()
        return True

    async def deadline(self) -> int:
        """The moment it holds, 0 if none. Raises DeadmanGone."""
        return (await self.state()).deadline_ms

    async def state(self) -> DeadmanState:
        """What it holds now. Raises DeadmanGone."""
        return await self._ask("ping")

    async def quit(self) -> None:
        """End the process, when the node is shut down; it must be disarmed. Raises DeadmanGone if it is not there
        or does not agree."""
        await self._ask("quit")
        self._reap()

    async def _expect(self, request: str, deadline_ms: int) -> None:
        state = await self._ask(request)
        if state.deadline_ms != deadline_ms:
            raise DeadmanGone(f"the dead-man was told {request!r} and holds {state.deadline_ms}.")

    async def _ask(self, request: str) -> DeadmanState:
        try:
            with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as line:
                line.setblocking(False)
                self._connect(line)
                async with asyncio.timeout(ANSWER_LIMIT_MS / 1000):
                    return await _converse(line, request)
        except (TimeoutError, BlockingIOError) as error:
            raise DeadmanHangs(
                f"the dead-man at {self._socket} does not answer within {ANSWER_LIMIT_MS} ms."
            ) from error
        except (OSError, ValueError) as error:
            raise DeadmanGone(f"no dead-man answers at {self._socket}: {error}.") from error

    def _connect(self, line: socket.socket) -> None:
        """Through a descriptor of the directory: a socket's name holds 107 bytes, a node's path may be longer.

        Connecting to a Unix socket is done at once, or refused with EAGAIN when nobody accepts."""
        directory = os.open(self._socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            line.connect(f"/proc/self/fd/{directory}/{self._socket.name}")
        finally:
            os.close(directory)

    async def _start(self) -> bool:
        """Start a new process and wait until it, or one that another started meanwhile, answers."""
        if not self._socket.parent.is_dir():
            return False
        try:
            self._spawn()
        except OSError as error:
            self.fault = f"the dead-man cannot be started: {self._python}: {error.strerror}."
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_LIMIT_MS / 1000):
                while True:
                    with contextlib.suppress(DeadmanGone):
                        await self.state()
                        self.fault = ""
                        return True
                    self._reap()
                    await asyncio.sleep(START_POLL_S)
        self.fault = f"the dead-man was started and does not answer within {START_LIMIT_MS} ms; see {self._log}."
        return False

    def _spawn(self) -> None:
        source = Path(howdah.__file__).parents[1]
        arguments = [
            *(self._python, "-I", "-S", "-c", BOOTSTRAP, source, "--data", self._data, "--socket", self._socket),
            *("--log", self._log, "--deadline", self._deadline_ms),
        ]
        self._started = os.posix_spawn(
            self._python,
            [str(argument) for argument in arguments],
            {"PATH": os.defpath, "LANG": "C.UTF-8"},
            file_actions=[(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in range(3)],
            setsid=True,
            setsigmask=[],
        )

    def _end_hanging(self) -> None:
        """Kill a dead-man that still listens but was found not to answer: it would keep the lock for ever.

        The deadline that it holds is not lost, the next one gets it.
        """
        with contextlib.suppress(OSError), contextlib.closing(socket.socket(socket.AF_UNIX)) as line:
            line.setblocking(False)
            self._connect(line)
            pid, user = _peer(line)
            handle = os.pidfd_open(pid)
            try:
                if user == os.geteuid() and _peer(line)[0] == pid:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    select.select([handle], [], [], END_LIMIT_MS / 1000)  # its lock must be free for the next one
            finally:
                os.close(handle)

    def _reap(self) -> None:
        """Take the exit status of a process that we started and that ended."""
        if self._started is None:
            return
        try:
            if os.waitpid(self._started, os.WNOHANG)[0]:
                self._started = None
        except ChildProcessError:
            self._started = None


async def _converse(line: socket.socket, request: str) -> DeadmanState:
    """One request, one answer. Raises ValueError for an answer that is none, OSError."""
    pid, user = _peer(line)
    if user not in (0, os.geteuid()):
        raise ValueError(f"user {user} listens there, who is neither root nor this one")
    if pid == 0:
        raise ValueError("it runs in another container; this node's directory is in use there")
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(line, f"{request}\n".encode())
    text = b""
    while not text.endswith(b"\n"):
        part = await loop.sock_recv(line, 256)
        if not part:
            raise ValueError("it closed the connection")
        text += part
    match text.decode(errors="replace").split():
        case ["ok", deadline, fired] if deadline.isdecimal() and fired.isdecimal():
            return DeadmanState(int(deadline), int(fired), pid)
        case _:
            raise ValueError(f"it answered {text.decode(errors='replace').strip()!r}")


def _peer(line: socket.socket) -> tuple[int, int]:
    """Process and user of the one who listens, as the kernel knows them."""
    pid, user, _ = struct.unpack("iII", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid), int(user)
