"""How is a copy of another server made?"""

import asyncio

import psycopg

from howdah.ports.postgres import PostgresFailure
from howdah.postgres import install
from howdah.postgres.configure import write_configuration
from howdah.postgres.conninfo import conninfo, resolve
from howdah.postgres.durable import remove_durably, write_durably
from howdah.postgres.facts import IDENTITY_FILE, ORIGIN_FILE
from howdah.postgres.programs import Command, run_program
from howdah.postgres.site import CLOSED, Site
from howdah.values.address import Address

SUFFIX = ".clone"
"""No voter streams under a name like this (ONE CONNECTION): a backup must never count as a flush."""
ASK_LIMIT_S = 5
"""For one small question to a server that is about to be copied."""
_FOREIGN_TABLESPACES = (
    "SELECT string_agg(quote_ident(spcname) || ' at ' || pg_tablespace_location(oid), ', ' ORDER BY spcname) "
    "FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')"
)


async def clone(site: Site, source: Address) -> None:
    """pg_basebackup into the directory beside, with our settings, as a standby, without an identity.

    A temporary slot keeps the log that the copy needs. When it fails or is cancelled, what was copied is removed, as
    it may fill the disk. Raises PostgresFailure: the source cannot be reached, has tablespaces of its own, or the
    disk is full.
    """
    address = await asyncio.to_thread(resolve, source)
    name = site.place.name + SUFFIX
    await _refuse_tablespaces(site, address, name)
    await asyncio.to_thread(install.begin, site.layout, site.account)
    try:
        await run_program(_basebackup(site, address, name), site.account, site.log)
        made = site.layout.clone
        remove_durably(made / IDENTITY_FILE)
        write_configuration(site, made, CLOSED)
        write_durably(made / "standby.signal", "", site.account)
        write_durably(made / ORIGIN_FILE, f"{install.CLONED}{source}\n", site.account)
        install.finish(site.layout, site.account)
    except (PostgresFailure, asyncio.CancelledError):
        await asyncio.shield(asyncio.to_thread(install.clear, site.layout))
        raise


def _basebackup(site: Site, source: Address, name: str) -> Command:
    arguments = (
        f"--pgdata={site.layout.clone}",
        f"--dbname={conninfo(source, name, site.place.passfile)}",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--status-interval=1",  # below wal_sender_timeout
        "--no-password",
        "--progress",
        "--verbose",
        *(() if site.sync else ("--no-sync",)),
    )
    return Command(
        site.installation.program("pg_basebackup"),
        arguments,
        proof=("base backup completed",),
        cwd=site.layout.clone,
    )


async def _refuse_tablespaces(site: Site, source: Address, name: str) -> None:
    """A tablespace lies outside the data directory: its copy could not be put in place in one step.

    Asked in a connection as the backup's own: clients cannot have taken all of those."""
    where = f"{conninfo(source, name, site.place.passfile, 'postgres')} replication=database"
    try:
        async with asyncio.timeout(ASK_LIMIT_S):
            async with await psycopg.AsyncConnection.connect(where, autocommit=True) as connection:
                row = await (await connection.execute(_FOREIGN_TABLESPACES)).fetchone()
    except TimeoutError as error:
        raise PostgresFailure(f"{source} cannot be cloned from: no answer within {ASK_LIMIT_S} s") from error
    except psycopg.Error as error:
        raise PostgresFailure(f"{source} cannot be cloned from: {str(error).strip()}") from error
    if row is not None and row[0]:
        raise PostgresFailure(
            f"{source} cannot be cloned: it has tablespaces outside its data directory ({row[0]}). Move what is in "
            "them to pg_default (ALTER DATABASE ... SET TABLESPACE, ALTER TABLE ... SET TABLESPACE) and drop them."
        )
