"""How does an existing PostgreSQL data directory become the first data of a cluster?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.autoconf import read_lines
from howdah.postgres.configure import write_configuration
from howdah.postgres.controldata import ControlData, read_control_data
from howdah.postgres.durable import read_small, rename_durably, sync_directory, told_clearly, write_durably
from howdah.postgres.facts import IDENTITY_FILE, ORIGIN_FILE, inspect_directory
from howdah.postgres.gone import processes_of
from howdah.postgres.parameters import refusal
from howdah.postgres.roles import KEPT_PASSWORD, adopted_superuser_statements, schema_statements
from howdah.postgres.settings import DEFAULTS
from howdah.postgres.singleuser import run_single_user
from howdah.postgres.site import CLOSED, Site

REPLACED_FILES = ("postgresql.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.auto.conf")
BACKUP_SUFFIX = ".before-howdah"
_MADE_BY_INITDB = frozenset(("dynamic_shared_memory_type", "log_timezone", "lc_messages"))


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting a directory changes, as sentences, and which of its settings can be kept.

    `parameters` were set in its files and may go on as the cluster's; `refused` says of the others why not.
    """

    directory: Path
    changes: tuple[str, ...]
    parameters: Mapping[str, str]
    refused: tuple[str, ...]


def plan_adoption(site: Site, existing: Path) -> Adoption:
    """What `adopt` would do; writes nothing. Raises PostgresFailure that says why it cannot be done, with the mend."""
    control = _adoptable(site, existing)
    kept, refused = _settings_of(existing)
    changes = [
        f"postgresql.conf, pg_hba.conf and pg_ident.conf are replaced; the old ones stay as *{BACKUP_SUFFIX}",
        "the roles howdah, howdah_replication, howdah_router and the schema howdah are made in the database postgres",
        "the role postgres is made a superuser that can log in; a password that it has is kept",
    ]
    if existing.absolute() != site.layout.data:
        changes.append(f"{existing} is renamed to {site.layout.data}")
    if not control.clean:
        changes.append("it was not shut down cleanly: it is recovered from its log first")
    if not control.checksums:
        changes.append("data checksums are off and stay off (pg_checksums --enable turns them on while it is stopped)")
    return Adoption(existing, tuple(changes), kept, refused)


async def adopt(site: Site, existing: Path) -> Adoption:
    """Take the directory as this node's data, without an identity yet; what was changed.

    Each step may be repeated: when it is interrupted, adopt again. Raises PostgresFailure."""
    existing = _where_it_lies(site, existing)
    adoption = plan_adoption(site, existing)
    _back_up(existing)
    write_configuration(site, existing, replace(CLOSED, parameters=_start_values(adoption.parameters)))
    statements = (*adopted_superuser_statements(site.secrets), *schema_statements(site.secrets))
    output = await run_single_user(site, existing, statements)
    if KEPT_PASSWORD in output.text:
        kept = f"the password of postgres is kept: put it into {site.layout.secrets / 'superuser'}"
        adoption = replace(adoption, changes=(*adoption.changes, kept))
    _move_in(site, existing)
    write_durably(site.layout.data / ORIGIN_FILE, f"adopted from {existing}\n", site.account)
    return adoption


def _where_it_lies(site: Site, existing: Path) -> Path:
    """Its present place: it may have been renamed by an agent that died before it could say so."""
    moved = not existing.exists() and (site.layout.data / f"{REPLACED_FILES[0]}{BACKUP_SUFFIX}").exists()
    return site.layout.data if moved else existing


def _move_in(site: Site, existing: Path) -> None:
    if existing.absolute() == site.layout.data:
        return
    with told_clearly(f"make room for {site.layout.data}"):
        site.layout.root.mkdir(parents=True, exist_ok=True)
        if site.layout.data.exists():
            site.layout.data.rmdir()
    rename_durably(existing, site.layout.data)


def _adoptable(site: Site, existing: Path) -> ControlData:
    """The directory's pg_control, if the directory can be adopted. Raises PostgresFailure with the reason."""
    version = (read_small(existing / "PG_VERSION") or "").strip()
    if not version:
        raise PostgresFailure(f"{existing} is no PostgreSQL data directory: it has no PG_VERSION")
    if version != str(site.installation.major):
        raise PostgresFailure(
            f"{existing} is data of PostgreSQL {version}, and the programs are {site.installation.version}. Use the "
            f"programs of PostgreSQL {version}, or bring the data to {site.installation.major} with pg_upgrade first."
        )
    if (existing / IDENTITY_FILE).exists():
        raise PostgresFailure(
            f"{existing} belongs to a Howdah cluster already. Start that node, or, if that cluster is given up, "
            f"remove {existing / IDENTITY_FILE} and adopt again."
        )
    if running := processes_of(existing):
        raise PostgresFailure(f"PostgreSQL runs in {existing} (processes {running}). Stop it first.")
    for name in ("standby.signal", "recovery.signal", "backup_label"):
        if (existing / name).exists():
            raise PostgresFailure(f"{existing} is a standby or a backup ({name}). Start it, promote it, stop it.")
    _check_owner(site, existing)
    _check_places(site, existing)
    return read_control_data(site.installation, site.account, existing)


def _check_owner(site: Site, existing: Path) -> None:
    owner = existing.stat().st_uid
    wanted, name = (site.account.uid, site.account.name) if site.account else (os.geteuid(), str(os.geteuid()))
    if owner != wanted:
        raise PostgresFailure(
            f"{existing} does not belong to {name}, as which PostgreSQL runs here. chown -R {name} {existing}"
        )


def _check_places(site: Site, existing: Path) -> None:
    with told_clearly(f"look into {existing}"):
        tablespaces = [path.name for path in (existing / "pg_tblspc").iterdir()]
    if tablespaces:
        raise PostgresFailure(
            f"{existing} has tablespaces outside it ({', '.join(tablespaces)} in pg_tblspc), which cannot be cloned. "
            "Move what is in them to pg_default and drop them first."
        )
    if existing.absolute() == site.layout.data:
        return
    facts = inspect_directory(site.installation, site.account, site.layout.data)
    if facts.state is not DirectoryState.EMPTY:
        raise PostgresFailure(f"{site.layout.data} is not empty: {facts.explanation}")
    ancestor = next(path for path in (site.layout.root, *site.layout.root.parents) if path.exists())
    if ancestor.stat().st_dev != existing.stat().st_dev:
        raise PostgresFailure(
            f"{existing} is on another file system than {site.layout.root}, so that it cannot be renamed. "
            f"Move it to {site.layout.data} yourself, and adopt it there."
        )


def _settings_of(existing: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """(what the directory's own files set and may go on, why the rest may not)."""
    given: dict[str, str] = {}
    for name in ("postgresql.conf", "postgresql.auto.conf"):
        source = existing / (name + BACKUP_SUFFIX)
        given |= dict(read_lines(read_small(source if source.exists() else existing / name) or ""))
    kept, refused = {}, []
    for name, value in given.items():
        if fault := refusal(name, value):
            refused.append(fault)
        elif name not in _MADE_BY_INITDB and DEFAULTS.get(name) != value:
            kept[name] = value
    return kept, tuple(refused)


def _start_values(parameters: Mapping[str, str]) -> dict[str, str]:
    """What single-user mode needs of them: a library may be needed to read the data, memory settings are not."""
    return {name: value for name, value in parameters.items() if name == "shared_preload_libraries"}


def _back_up(existing: Path) -> None:
    """Keep the files that are about to be replaced; the first state is kept when adopting is repeated."""
    with told_clearly(f"keep the old settings of {existing}"):
        for name in REPLACED_FILES:
            backup = existing / (name + BACKUP_SUFFIX)
            if (existing / name).exists() and not backup.exists():
                os.link(existing / name, backup, follow_symlinks=False)
        sync_directory(existing)
