"""How does a new cluster's first data directory come to be?"""

import asyncio
import subprocess

from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres import install
from howdah.postgres.configure import write_configuration
from howdah.postgres.durable import read_small, write_durably
from howdah.postgres.facts import IDENTITY_FILE, ORIGIN_FILE, inspect_directory
from howdah.postgres.layout import SUPERUSER
from howdah.postgres.programs import Command, run_program
from howdah.postgres.roles import new_superuser_statements, schema_statements
from howdah.postgres.singleuser import run_single_user
from howdah.postgres.site import CLOSED, Site

BUILTIN_PROVIDER_SINCE = 17
INITIALISED = "initialised"
LEAST = {
    "max_connections": "10",
    "max_worker_processes": "1",
    "max_wal_senders": "1",
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "10",
    "superuser_reserved_connections": "0",
}
"""A new directory's log asks hot standby for no more than this, so that the first real start is free in its choice."""
PORTABLE_CTYPES = ("C.UTF-8", "C.utf8")


async def initialise(site: Site) -> None:
    """initdb with checksums, the roles and the term table; made beside and renamed, so an interrupted one is gone.

    The directory must be EMPTY, or made so before and without an identity yet, which is the agent's last step. Raises
    PostgresFailure."""
    made_before = (read_small(site.layout.data / ORIGIN_FILE) or "").startswith(INITIALISED)
    if made_before and not (site.layout.data / IDENTITY_FILE).exists():
        install.settle(site.layout)
        return
    facts = inspect_directory(site.installation, site.account, site.layout.data)
    if facts.state is not DirectoryState.EMPTY:
        raise PostgresFailure(f"{site.layout.data} is not empty, so that no cluster is made there. {facts.explanation}")
    await asyncio.to_thread(install.begin, site.layout, site.account)
    made = site.layout.clone
    await run_program(_initdb(site), site.account, site.log)
    statements = (*new_superuser_statements(site.secrets), *schema_statements(site.secrets))
    await run_single_user(site, made, statements, LEAST)
    write_configuration(site, made, CLOSED)
    write_durably(made / ORIGIN_FILE, f"{INITIALISED}\n", site.account)
    install.finish(site.layout, site.account)
    install.install(site.layout)


def _initdb(site: Site) -> Command:
    """Nobody can log in by initdb's own rules; ours replace them before the directory is in place."""
    arguments = (
        "--pgdata",
        str(site.layout.clone),
        "--data-checksums",
        "--encoding=UTF8",
        f"--username={SUPERUSER}",
        "--auth=reject",
        *locale_arguments(site.installation.major, site.locale),
        *(() if site.sync else ("--no-sync",)),
    )
    return Command(site.installation.program("initdb"), arguments, proof=("Success. You can now start",))


def locale_arguments(major: int, locale: str) -> tuple[str, ...]:
    """initdb's locale options. By default one that is the same on every machine, so that an index is valid on all.

    Sorting by code point, which no update of the C library changes; upper and lower case by PostgreSQL's own tables
    from version 17 on, by the C library's C.UTF-8 before. `locale` names one of the C library's instead.
    """
    if locale:
        return (f"--locale={locale}", "--lc-messages=C")
    known = _system_locales()
    ctype = next((name for name in PORTABLE_CTYPES if name.lower().replace("-", "") in known), "C")
    options = ("--locale=C", f"--lc-ctype={ctype}")
    if major >= BUILTIN_PROVIDER_SINCE:
        return (*options, "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return options


def _system_locales() -> frozenset[str]:
    """The C library's locales, lower case without "-"; none where it cannot be asked."""
    try:
        answer = subprocess.run(("locale", "-a"), capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(line.strip().lower().replace("-", "") for line in answer.stdout.splitlines())
