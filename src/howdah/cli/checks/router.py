"""Is a router of this machine fit: its settings, its ports, the files that it may open?"""

import resource
from collections.abc import Iterator
from pathlib import Path

from howdah.cli.checks.finding import Finding, fail, ok, warn
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.router import RouterSettings
from howdah.configuration.routerload import load_router
from howdah.local.freeports import port_is_free
from howdah.local.sight import LISTENING, KnownRouter, look_at_router
from howdah.values.address import Address

SUBJECT = "router"
FILES_BESIDE = 200
"""Open files beside those of clients and servers: the loop, the store, logs, libraries."""


def check_router(file: Path, running: bool) -> Iterator[Finding]:
    """What its settings ask for, and whether it answers if it is said to run."""
    if not file.exists():
        return
    try:
        settings = load_router(file, {})
    except SettingsRefused as refused:
        yield fail(SUBJECT, f"its settings cannot be used: {refused}")
        return
    yield ok(SUBJECT, f"the settings in {file} can be used")
    yield _files(settings)
    host, port = settings.listen.listen[0], settings.listen.port
    if running:
        health = Address(settings.health.listen, settings.health.port) if settings.health.port else None
        state = look_at_router(KnownRouter(Address(host, port), health))["state"]
        if state == LISTENING:
            yield ok(SUBJECT, f"listens on {host}:{port}" + (f", and for health checks on {health}" if health else ""))
        else:
            yield fail(SUBJECT, f"nobody answers at {host}:{port}; its log is {file.with_name('router.log')}")
        return
    for taken in (each for each in (port, settings.health.port) if each and not port_is_free(each)):
        yield fail(SUBJECT, f"port {taken} is taken by another process (`ss -ltnp` shows which); end it")


def _files(settings: RouterSettings) -> Finding:
    """Each client and each server connection is an open file; the kernel's limit counts a worker's own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.limits.clients + FILES_BESIDE
    if most in (resource.RLIM_INFINITY, -1) or most >= wanted:
        return ok(SUBJECT, f"may open {most} files, enough for {settings.limits.clients} clients")
    return warn(
        SUBJECT,
        f"may open {most} files, and limits.clients is {settings.limits.clients}: raise the limit of open files "
        f"(LimitNOFILE, `ulimit -n`) to more than {wanted} and what the pools need, or lower limits.clients",
    )
