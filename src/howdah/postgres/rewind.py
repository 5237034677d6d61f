"""How is a former primary brought back onto another server's history?

pg_rewind overwrites the directory in place. Until it has succeeded the directory is half old and half new, and the
file `data.rewinding` beside it says so. It is not cut short by a caller's deadline.
"""

import asyncio
import os
import re
import shutil
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres import install
from howdah.postgres.configure import write_configuration
from howdah.postgres.conninfo import conninfo
from howdah.postgres.controldata import read_control_data
from howdah.postgres.durable import (
    make_private_directory,
    remove_durably,
    remove_tree,
    sync_directory,
    told_clearly,
    write_durably,
)
from howdah.postgres.facts import IDENTITY_FILE, ORIGIN_FILE
from howdah.postgres.gone import processes_of
from howdah.postgres.programs import Command, Output, run_program
from howdah.postgres.shutdownrecord import segment_name
from howdah.postgres.singleuser import recover_crashed
from howdah.postgres.site import CLOSED, Site
from howdah.values.address import Address
from howdah.values.lsn import Lsn, format_lsn, parse_lsn

SUFFIX = ".rewind"
DONE = "Done!"
NOTHING_TO_DO = "no rewind required"
DIVERGED_BYTES_MAX = 256 * 1024 * 1024
"""Of the log that a rewind takes away, the newest so much is kept for people."""
DIVERGED_KEPT_MAX = 8
"""As many rewinds; older ones go."""
SIGNALS = ("standby.signal", "recovery.signal")
"""Single-user mode refuses to run with these."""

_FORK = re.compile(r"servers diverged at WAL location ([0-9A-F]+/[0-9A-F]+) on timeline (\d+)")


class RewindRefused(PostgresFailure):
    """pg_rewind cannot do it; the directory is as it was (a crashed one was recovered). Clone instead, or retry."""


async def rewind(site: Site, source: Address) -> None:
    """Rewind the stopped directory against `source`, a number and not a name. Ends with our settings, as a standby,
    without an identity. Raises RewindRefused with the directory as it was, or PostgresFailure with it half rewound.

    A half rewound directory is not rewound again: blocks of the first source may be in it that a second run, with
    another source, would not replace.
    """
    data = site.layout.data
    if survivors := processes_of(data):
        raise RewindRefused(f"processes {survivors} still run in {data}. Stop the server first.")
    if install.rewinding_file(site.layout).exists():
        raise RewindRefused(f"{data} is half rewound by a rewind that did not end. Clone it.")
    for name in SIGNALS:
        remove_durably(data / name)
    try:
        await recover_crashed(site, data)
        rehearsal = await run_program(_pg_rewind(site, source, "--dry-run"), site.account, site.log)
    except PostgresFailure as failure:
        raise RewindRefused(f"{data} cannot be rewound: {failure}") from failure
    finally:
        write_durably(data / SIGNALS[0], "", site.account)
    await asyncio.to_thread(_keep_diverged, site, rehearsal)
    write_durably(install.rewinding_file(site.layout), f"against {source}\n", site.account)
    remove_durably(data / IDENTITY_FILE)
    remove_durably(data / SIGNALS[0])
    await run_program(_pg_rewind(site, source), site.account, site.log)
    _make_ours(site, source)
    remove_durably(install.rewinding_file(site.layout))


def _pg_rewind(site: Site, source: Address, *options: str) -> Command:
    """Its working directory is the data directory, so that it counts as a process of the server."""
    arguments = (
        f"--target-pgdata={site.layout.data}",
        f"--source-server={conninfo(source, site.place.name + SUFFIX, site.place.passfile, 'postgres')}",
        "--no-ensure-shutdown",  # done before, where its failure harms nothing
        "--progress",
        *options,
    )
    return Command(site.installation.program("pg_rewind"), arguments, proof=(DONE, NOTHING_TO_DO), cwd=site.layout.data)


def _make_ours(site: Site, source: Address) -> None:
    """pg_rewind copied the source's settings, identity and signal files: put ours in their place."""
    data = site.layout.data
    remove_durably(data / IDENTITY_FILE)
    remove_durably(data / SIGNALS[1])
    write_configuration(site, data, CLOSED)
    write_durably(data / SIGNALS[0], "", site.account)
    write_durably(data / ORIGIN_FILE, f"rewound against {source}\n", site.account)


def fork_in(output: Output) -> tuple[int, Lsn] | None:
    """The timeline and LSN where pg_rewind says that the servers parted; None if it says nothing."""
    found = _FORK.search(output.text)
    return (int(found[2]), parse_lsn(found[1])) if found else None


def _keep_diverged(site: Site, rehearsal: Output) -> None:
    """Copy the log from the fork on, which pg_rewind takes away, to diverged/<timeline>-<LSN>.

    When the disk has no room for it, the rewind goes on without: a standby that cannot return is the greater harm.
    """
    fork = fork_in(rehearsal)
    if fork is None:
        return
    timeline, lsn = fork
    segments = _segments_from(site, lsn)
    place = site.layout.diverged / f"{timeline}-{format_lsn(lsn).replace('/', '-')}"
    needed = sum(path.stat().st_size for path in segments)
    make_private_directory(site.layout.diverged, site.account)
    if shutil.disk_usage(site.layout.diverged).free < 2 * needed:
        site.log(f"the diverged log is NOT kept: {site.layout.diverged} has no room for {needed} bytes")
        return
    remove_tree(place)
    make_private_directory(place, site.account)
    with told_clearly(f"copy the diverged log to {place}"):
        for path in segments:
            _copy(site, path, place / path.name)
        sync_directory(place)
    site.log(f"kept {len(segments)} files of diverged log, from {format_lsn(lsn)} of timeline {timeline}, in {place}")
    _forget_oldest(site.layout.diverged)


def _segments_from(site: Site, lsn: Lsn) -> list[Path]:
    """The log files of this server from the fork on, the newest DIVERGED_BYTES_MAX of them, and its histories."""
    control = read_control_data(site.installation, site.account, site.layout.data)
    log = site.layout.data / "pg_wal"
    first = segment_name(0, lsn // control.wal_segment_bytes, control.wal_segment_bytes)[8:]
    last = segment_name(0, control.checkpoint_lsn // control.wal_segment_bytes, control.wal_segment_bytes)[8:]
    names = [path.name for path in log.iterdir()]
    segments = sorted(
        (name for name in names if re.fullmatch(r"[0-9A-F]{24}", name) and first <= name[8:] <= last),
        key=lambda name: (name[8:], name),
    )
    fitting = segments[-max(1, DIVERGED_BYTES_MAX // control.wal_segment_bytes) :]
    return [log / name for name in (*fitting, *(name for name in names if name.endswith(".history")))]


def _copy(site: Site, source: Path, target: Path) -> None:
    shutil.copyfile(source, target, follow_symlinks=False)
    if site.account is not None:
        os.chown(target, site.account.uid, site.account.gid, follow_symlinks=False)
    handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _forget_oldest(diverged: Path) -> None:
    kept = sorted(diverged.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in kept[:-DIVERGED_KEPT_MAX]:
        remove_tree(path)
