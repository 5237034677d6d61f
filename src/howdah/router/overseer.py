"""How does a router with several workers begin, go on when one of them dies, and end?

This process opens the doors, one set for each worker, and keeps them: who knocks while a worker is started again waits
in its queue. It runs no loop, reads no byte of a client, and does nothing that could take it down with a worker.
"""

import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from howdah.configuration.router import HealthSettings, RouterSettings
from howdah.router.doors import CannotListen, Door, open_doors, open_socket_files
from howdah.router.post import Post
from howdah.router.serverside import family_of
from howdah.router.sharedtally import SharedTally, TallyMemory
from howdah.router.socketfile import SocketFile

SIGNALS: Final = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD))
"""Blocked but while they are waited for, so that none comes between two looks."""
AGAIN_S: Final = 1.0
"""One that dies sooner than that is started again so much later: what is wrong is hardly over at once."""
LOOK_S: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a worker gets from the overseer. `overseer`: can be read from, to its end, when that process is gone.
    `begun` says that it takes clients."""

    post: Post
    doors: list[Door]
    overseer: int
    begun: Callable[[], None]


@dataclass(slots=True)
class _Worker:
    """`process` 0: it is to be started at `start_s`, by the monotonic clock, or never if it `ended`."""

    doors: list[Door]
    process: int = 0
    start_s: float = 0.0
    ended: bool = False


def _ask_for(health: HealthSettings) -> None:
    """One of the workers is to have this port. Raises CannotListen."""
    if not health.port:
        return
    try:
        socket.create_server((health.listen, health.port), family=family_of(health.listen)).close()
    except OSError as error:
        raise CannotListen(
            f"health checks cannot listen on {health.listen}:{health.port} ({error.strerror or error}): give another "
            "health.port or health.listen, or end what listens there"
        ) from error


class Overseer:
    """Starts the workers. `work` is a worker's life, in its own process, and returns its exit status."""

    def __init__(self, settings: RouterSettings, work: Callable[[Desk], int]) -> None:
        """Raises CannotListen."""
        self._settings = settings
        self._work = work
        self._directory = Path(tempfile.mkdtemp(prefix="howdah-router-"))
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._memory = TallyMemory(settings.workers, lock)
        self._files: list[tuple[Door, SocketFile]] = []
        self._workers: list[_Worker] = []
        self._life, self._alive = os.pipe()  # nobody ever writes: its end is the overseer's
        self._stopping = False
        self._status = 0
        try:
            for number in range(settings.workers):
                self._workers.append(_Worker(open_doors(settings.listen, beside=number > 0)))
            if not any(door.shared for door in self._workers[0].doors):
                _ask_for(settings.health)
            self._files = open_socket_files(settings.listen)
        except CannotListen:
            self._clean_up()
            raise

    def run(self) -> int:
        """Until all workers have ended. In a worker's process: that worker's life. Returns the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        gc.collect()
        gc.freeze()  # what all workers have is not copied for each of them
        while not all(worker.ended for worker in self._workers):
            for number, worker in enumerate(self._workers):
                if not worker.process and not worker.ended and time.monotonic() >= worker.start_s:
                    process = self._start(number)
                    if not process:
                        return self._work(self._desk(number))
                    worker.process = process
            self._wait()
        self._clean_up()
        return self._status

    def _start(self, number: int) -> int:
        """Returns 0 in the worker's own process."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._workers[number].start_s = time.monotonic()
        process = os.fork()
        if process:
            log.info(f"worker {number} is process {process}", part="router")
            return process
        os.close(self._alive)
        for other, worker in enumerate(self._workers):
            for door in worker.doors if other != number else ():
                door.socket.close()
        return 0

    def _desk(self, number: int) -> Desk:
        post = Post(number, len(self._workers), self._directory, SharedTally(self._memory, number), os.getppid())
        doors = [*self._workers[number].doors, *(door for door, _ in self._files)]
        return Desk(post, doors, self._life, lambda: self._memory.began(number))

    def _wait(self) -> None:
        """For what comes next."""
        came = signal.sigtimedwait(SIGNALS, LOOK_S)
        if came is None:
            return
        if came.si_signo == signal.SIGCHLD:
            self._reap()
        elif came.si_signo == signal.SIGHUP:
            self._pass_on(signal.SIGHUP)
        else:
            self._stop()

    def _pass_on(self, number: int) -> None:
        for worker in self._workers:
            if worker.process:
                os.kill(worker.process, number)

    def _stop(self) -> None:
        """No worker is started again; each ends when its clients have ended their transactions."""
        self._stopping = True
        for worker in self._workers:
            worker.ended = not worker.process
        self._close_doors()
        self._pass_on(signal.SIGTERM)

    def _close_doors(self) -> None:
        """The workers have them too; the last one that closes them refuses who still knocks."""
        for worker in self._workers:
            for door in worker.doors:
                door.socket.close()
        for door, _ in self._files:
            door.socket.close()

    def _reap(self) -> None:
        for number, worker in enumerate(self._workers):
            if not worker.process:
                continue
            process, status = os.waitpid(worker.process, os.WNOHANG)
            if process:
                worker.process = 0
                self._memory.clear(number)
                self._ended(number, worker, os.waitstatus_to_exitcode(status))

    def _ended(self, number: int, worker: _Worker, status: int) -> None:
        """A worker is no more. One that ends well was told to."""
        if status == 0 or self._stopping:
            worker.ended = True
            # The word to stop may come to one that is through already, or has not begun: it has no clients then.
            self._status = self._status or (abs(status) if status != -signal.SIGTERM else 0)
        elif not self._memory.has_begun():
            worker.ended = True
            self._status = 1
            self._stop()  # it said why, and the others cannot do better
        else:
            lived_s = time.monotonic() - worker.start_s
            worker.start_s = time.monotonic() + (AGAIN_S if lived_s < AGAIN_S else 0.0)
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            log.error(f"worker {number} {how}; its clients are gone, and it is started again", part="router")

    def _clean_up(self) -> None:
        self._close_doors()
        for _, file in self._files:
            file.release()
        shutil.rmtree(self._directory, ignore_errors=True)
