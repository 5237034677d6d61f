"""How does the process behind `howdah router` begin, reload and end?

SIGTERM and SIGINT: no new clients, those who are here may end their transactions. SIGHUP: the settings are read again.
With several workers this process only starts them and looks after them; each of them is a whole router.
"""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import uvloop

from howdah.agent.pem import TlsUnusable
from howdah.api.server import CannotListen as RestCannotListen
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.router import RouterSettings
from howdah.router.compiled import outdated
from howdah.router.doors import CannotListen, Door, open_doors, open_socket_files
from howdah.router.overseer import SIGNALS, Desk, Overseer
from howdah.router.process import Router
from howdah.router.reload import renewed
from howdah.router.socketfile import SocketFile
from howdah.router.topology import TopologyUnusable
from howdah.telemetry.logs import Form, set_up_logs

FILES_MOST: Final = 1 << 20

log = structlog.get_logger(__name__)

Read = Callable[[], RouterSettings]
"""Reads the settings again. Raises SettingsRefused."""


def _raise_file_limit() -> None:
    """Each client is an open file, and shells give a process 1024 unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MOST if hard == resource.RLIM_INFINITY else min(hard, FILES_MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run_router(settings: RouterSettings, read: Read) -> int:
    """Run one router until it is told to stop. The process's exit status."""
    if words := outdated(Path(__file__).parents[1]):
        sys.stderr.write(f"howdah router: {words}\n")
        return 1
    name = settings.name or socket.gethostname()
    set_up_logs(Form(settings.log.format), settings.log.level, name)
    _raise_file_limit()
    try:
        if settings.workers > 1:
            return Overseer(settings, partial(_work, settings, read)).run()
        return uvloop.run(_run(settings, read))
    except (CannotListen, RestCannotListen, TopologyUnusable, TlsUnusable) as refused:
        sys.stderr.write(f"howdah router: {refused}\n")
        return 1


def _work(settings: RouterSettings, read: Read, desk: Desk) -> int:
    """One worker. A later one begins with the settings as they are by then, as far as they may differ."""
    with contextlib.suppress(SettingsRefused):  # the others still go by the old ones too
        settings, _ = renewed(settings, read())
    return uvloop.run(_run(settings, read, desk))


async def _run(settings: RouterSettings, read: Read, desk: Desk | None = None) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    router = Router(settings, read, stop, desk.post if desk else None)
    loop.add_signal_handler(signal.SIGHUP, router.reload)
    doors = desk.doors if desk else open_doors(settings.listen)
    if desk:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        loop.add_reader(desk.overseer, _orphaned, loop, desk.overseer, stop)
    files: list[tuple[Door, SocketFile]] = []
    try:
        await router.begin()
        if not desk:
            files = open_socket_files(settings.listen)
            doors += [door for door, _ in files]
        await router.open(doors)
        gc.collect()
        gc.freeze()  # modules and classes, which no later collection has to look through
        if desk:
            desk.begun()
        log.info(f"takes clients at {', '.join(door.place for door in doors)}", part="router")
        await stop.wait()
        log.info("stops: clients may end their transactions", part="router")
        await router.drain()
    finally:
        await router.close()
        for _, file in files:
            file.release()
    log.info("has stopped", part="router")
    return 0


def _orphaned(loop: asyncio.AbstractEventLoop, overseer: int, stop: asyncio.Event) -> None:
    """The process that started this one is gone."""
    loop.remove_reader(overseer)
    log.error("the process that started this worker is gone, so it stops", part="router")
    stop.set()
