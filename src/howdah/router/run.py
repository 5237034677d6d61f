"""How does the process behind `howdah router` begin, reload and end?

SIGTERM and SIGINT: no new clients, those who are here may end their transactions. SIGHUP: the settings are read again.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import structlog
import uvloop

from howdah.agent.pem import TlsUnusable
from howdah.api.server import CannotListen as RestCannotListen
from howdah.configuration.router import RouterSettings
from howdah.router.compiled import outdated
from howdah.router.doors import CannotListen, Door, open_doors, open_socket_files
from howdah.router.process import Router
from howdah.router.socketfile import SocketFile
from howdah.router.topology import TopologyUnusable
from howdah.telemetry.logs import Form, set_up_logs

log = structlog.get_logger(__name__)

Read = Callable[[], RouterSettings]
"""Reads the settings again. Raises SettingsRefused."""


def run_router(settings: RouterSettings, read: Read) -> int:
    """Run one router until it is told to stop. The process's exit status."""
    if words := outdated(Path(__file__).parents[1]):
        sys.stderr.write(f"howdah router: {words}\n")
        return 1
    set_up_logs(Form(settings.log.format), settings.log.level, settings.name or socket.gethostname())
    try:
        return uvloop.run(_run(settings, read))
    except (CannotListen, RestCannotListen, TopologyUnusable, TlsUnusable) as refused:
        sys.stderr.write(f"howdah router: {refused}\n")
        return 1


async def _run(settings: RouterSettings, read: Read) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    router = Router(settings, read, stop)
    loop.add_signal_handler(signal.SIGHUP, router.reload)
    doors = open_doors(settings.listen)
    files: list[tuple[Door, SocketFile]] = []
    try:
        await router.begin()
        files = open_socket_files(settings.listen)
        doors += [door for door, _ in files]
        await router.open(doors)
        gc.collect()
        gc.freeze()  # modules and classes, which no later collection has to look through
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
