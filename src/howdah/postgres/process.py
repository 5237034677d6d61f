"""How is the local server started, watched and ended, so that "stopped" means that no process of it is left?

The postmaster is a direct child, so that its end is seen at once; one that an earlier agent started is found by
postmaster.pid and its working directory, and watched through a pidfd.
"""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from howdah.ports.postgres import PostgresFailure, ProcessView, ServerSurvives
from howdah.postgres import gone
from howdah.postgres.account import Account, enter_fault, run_as
from howdah.postgres.installation import Installation
from howdah.postgres.layout import NodeLayout
from howdah.postgres.sharedmemory import release_shared_memory

POLL_S = 0.005
"""Between two looks at postmaster.pid while the server starts or stops: small beside the 20 ms that either takes."""
KILL_LIMIT_MS = 5_000
"""SIGKILL works in milliseconds; only a process stuck in the kernel on a dead disk needs longer."""
LOG_LINES = 15
"""How much of the server's log goes into the message of a failed start."""
LOG_TAIL_BYTES = 16_384
LOG_ROTATE_BYTES = 20_000_000
"""A log larger than this is put aside as `postgresql.log.1` at the next start."""
PROTECTED_SCORE = "-900"
"""The postmaster's OOM score, as PostgreSQL's manual advises: losing a backend is an orderly crash, losing the
postmaster leaves backends behind. Its children get the agent's own score again."""


class StillStarting(PostgresFailure):
    """The server lives but did not accept connections within the limit: wait on with `wait_ready`, or kill it."""


class PostgresProcess:
    """`ports.postgres.ServerProcess` for one node's data directory."""

    def __init__(
        self,
        layout: NodeLayout,
        installation: Installation,
        account: Account | None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to the server's otherwise minimal one (credentials of an archive command, TZ...)."""
        self._data = layout.data
        self._log = layout.log / "postgresql.log"
        self._installation = installation
        self._account = account
        self._environment = dict(environment or {})
        self._child: int | None = None
        self._log_from = 0

    def view(self) -> ProcessView:
        """What runs now, from one look through /proc; our own ended child is reaped on the way."""
        self._reap()
        found = gone.processes_of(self._data)
        return ProcessView(self._postmaster(found), len(found))

    async def start(self, recovery: bool, limit_ms: int) -> None:
        """Start; return once a login is possible (in recovery: once consistent).

        First kills what is left of an earlier start. Raises StillStarting when the limit passes (the server runs
        on), ServerSurvives, or PostgresFailure with the last lines that this start wrote to the log.
        """
        end = time.monotonic() + limit_ms / 1000
        await self.kill()
        if not (self._data / "PG_VERSION").is_file():
            raise PostgresFailure(f"{self._data} holds no PostgreSQL data. Clone it or initialise it first.")
        for place in (self._data, self._installation.bin):
            if fault := enter_fault(self._account, place):
                raise PostgresFailure(f"PostgreSQL cannot be started: {fault}")
        try:
            remove_stale_locks(self._data)
            set_standby_signal(self._data, recovery, self._account)
            self._child = self._spawn()
        except OSError as error:
            raise PostgresFailure(f"PostgreSQL cannot be started: {error}.") from error
        await self._until_ready(self._child, end)

    async def wait_ready(self, limit_ms: int) -> None:
        """Wait until the server that runs now accepts connections. Raises as `start` does."""
        postmaster = self.view().postmaster
        if postmaster is None:
            raise PostgresFailure(f"no server runs on {self._data}; there is nothing to wait for.")
        await self._until_ready(postmaster, time.monotonic() + limit_ms / 1000)

    async def stop_fast(self, limit_ms: int) -> bool:
        """SIGINT to the postmaster; True once all processes are gone, False if some live past the limit."""
        end = time.monotonic() + limit_ms / 1000
        postmaster = self.view().postmaster
        if postmaster is not None:
            gone.signal_process(postmaster, self._data, signal.SIGINT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_ms / 1000):
                    await self.exited()  # rather than look through /proc again and again while it checkpoints
        empty = 0
        while True:
            alive = self.view().alive
            empty = 0 if alive else empty + 1
            if empty >= gone.EMPTY_LOOKS:
                return True
            if alive and time.monotonic() >= end:
                return False
            await asyncio.sleep(POLL_S)

    async def kill(self) -> None:
        """SIGKILL every process of the server, stopped ones too, until none is left. Raises ServerSurvives."""
        end = time.monotonic() + KILL_LIMIT_MS / 1000
        empty = 0
        while True:
            found = gone.kill_round(self._data)
            self._reap()
            empty = 0 if found else empty + 1
            if empty >= gone.EMPTY_LOOKS:
                with contextlib.suppress(FileNotFoundError):
                    release_shared_memory(self._data.stat())  # nobody may start this directory again
                return
            if found and time.monotonic() >= end:
                raise ServerSurvives(
                    f"processes {', '.join(map(str, found))} of the server in {self._data} do not end on SIGKILL. "
                    "A disk that does not answer holds them: the machine has to be restarted."
                )
            await asyncio.sleep(gone.KILL_PAUSE_S)

    async def reload(self) -> None:
        """SIGHUP to the postmaster. Raises PostgresFailure if none runs."""
        self._reap()
        postmaster = self._child or gone.recorded_postmaster(self._data)  # without a look through all of /proc
        if postmaster is None or not gone.signal_process(postmaster, self._data, signal.SIGHUP):
            raise PostgresFailure(f"no server runs on {self._data}; its settings are read at the next start.")

    async def exited(self) -> None:
        """Return when the postmaster that runs now has ended, at once if none runs. Its backends may live on."""
        postmaster = self.view().postmaster
        if postmaster is None:
            return
        handle = gone.open_handle(postmaster)
        if handle is None:
            await self._until_ended(postmaster)  # a kernel without pidfds, or it has just ended
        else:
            try:
                if gone.belongs(postmaster, self._data):  # else the number passed to a stranger meanwhile
                    await _readable(handle)
            finally:
                os.close(handle)
        self._reap()

    def _postmaster(self, found: tuple[int, ...]) -> int | None:
        if self._child in found:
            return self._child
        recorded = gone.recorded_postmaster(self._data)
        return recorded if recorded in found else None

    def _reap(self) -> None:
        """Take our child's exit status, since a defunct postmaster would be taken for a running one by the next."""
        if self._child is None:
            return
        try:
            if os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOHANG) is not None:
                self._child = None
        except ChildProcessError:  # the agent's reaper was faster
            self._child = None

    def _spawn(self) -> int:
        """Start the postmaster as our child, in a session of its own, and return its number.

        Its working directory is the data directory from its first instruction, so that it can be found by it.
        """
        own_score = Path("/proc/self/oom_score_adj").read_text().strip()
        run = run_as(self._account)
        run["cwd"] = str(self._data)
        run["env"] |= {"PG_OOM_ADJUST_FILE": "/proc/self/oom_score_adj", "PG_OOM_ADJUST_VALUE": own_score}
        run["env"] |= self._environment
        log = self._open_log()
        try:
            child = subprocess.Popen(
                [self._installation.program("postgres"), "-D", self._data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **run,
            )
        finally:
            os.close(log)
        child.returncode = 0  # we wait for it ourselves: the object is let go and shall neither warn nor wait
        with contextlib.suppress(OSError):  # only root may, and not in every container
            Path(f"/proc/{child.pid}/oom_score_adj").write_text(PROTECTED_SCORE)
        return child.pid

    def _open_log(self) -> int:
        """The server's log, open for appending; a large one is put aside first. Never follows a link."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_ROTATE_BYTES:
            self._log.rename(self._log.with_name(f"{self._log.name}.1"))
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if self._account is not None:
            os.fchown(log, self._account.uid, self._account.gid)
        self._log_from = os.fstat(log).st_size
        return log

    async def _until_ended(self, postmaster: int) -> None:
        while True:
            if not gone.belongs(postmaster, self._data):
                return
            await asyncio.sleep(POLL_S)

    async def _until_ready(self, postmaster: int, end: float) -> None:
        while True:
            self._reap()
            if not gone.belongs(postmaster, self._data):
                raise PostgresFailure(f"PostgreSQL ended while it started: {self._log_tail()}")
            status = recorded_status(self._data, postmaster)
            if status == "ready":
                return
            if status == "standby":
                raise PostgresFailure(
                    f"the server in {self._data} is in recovery with hot_standby = off, so that nobody can log in. "
                    "Remove that setting."
                )
            if time.monotonic() >= end:
                raise StillStarting(f"PostgreSQL does not accept connections yet: {self._log_tail()}")
            await asyncio.sleep(POLL_S)

    def _log_tail(self) -> str:
        """The last lines that this start wrote."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(self._log_from, self._log.stat().st_size - LOG_TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError as error:
            return f"its log cannot be read ({error})."
        return "\n".join([f"the end of {self._log} is", *lines[-LOG_LINES:]]) if lines else f"{self._log} is empty."


def recorded_status(data: Path, postmaster: int) -> str:
    """The status in postmaster.pid ("starting", "ready", "standby", "stopping"); "" unless `postmaster` wrote it.

    "ready" in recovery means consistent and open for reading; "standby" that hot_standby is off. (PostgreSQL's
    miscadmin.h and postmaster.c; seen the same on 15 and 18.)
    """
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(postmaster) else ""


def remove_stale_locks(data: Path) -> None:
    """Remove postmaster.pid, and the lock of its socket, when no process of the server is left.

    PostgreSQL would remove them too, but not when a stranger has got the recorded number, as happens after every
    restart of a container. Raises ServerSurvives if a process lives after all, OSError.
    """
    if survivors := gone.processes_of(data):
        raise ServerSurvives(f"processes {survivors} of the server in {data} still run.")
    lock = data / "postmaster.pid"
    recorded = gone.recorded_postmaster(data)
    if recorded is not None:
        lines = lock.read_text(errors="replace").splitlines()
        if len(lines) > 4 and lines[3].isdigit() and lines[4]:
            socket_lock = Path(lines[4]) / f".s.PGSQL.{lines[3]}.lock"
            with contextlib.suppress(OSError):  # gone, or not ours
                if socket_lock.read_text(errors="replace").partition("\n")[0] == str(recorded):
                    socket_lock.unlink()
    lock.unlink(missing_ok=True)


def set_standby_signal(data: Path, present: bool, account: Account | None) -> None:
    """Make standby.signal be there or not, durably, before the server starts: without it it would be a primary.

    The directory belongs to the account, and we may be root: never follows a link that lies there. Raises OSError.
    """
    signal_file = data / "standby.signal"
    try:
        there = stat.S_ISREG(signal_file.lstat().st_mode)
    except FileNotFoundError:
        there = False
    if not present or not there:
        signal_file.unlink(missing_ok=True)
    if present:
        create = 0 if there else os.O_CREAT | os.O_EXCL
        file = os.open(signal_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | create, 0o600)
        try:
            if account is not None:
                os.fchown(file, account.uid, account.gid)
            os.fsync(file)
        finally:
            os.close(file)
    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def _readable(handle: int) -> None:
    """Return once the event loop finds this descriptor readable: a pidfd is when its process has ended."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
