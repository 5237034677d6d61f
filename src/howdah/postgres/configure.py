"""How do the agent's settings get into a data directory?"""

from collections.abc import Collection
from pathlib import Path

from howdah.ports.postgres import PostgresFailure, ServerSettings
from howdah.postgres.access import render_access, render_map
from howdah.postgres.autoconf import FILE_NAME as AUTO_CONF
from howdah.postgres.autoconf import AutoConfFault, faults_in, without_faults
from howdah.postgres.controldata import read_control_data
from howdah.postgres.durable import read_small, told_clearly, write_durably
from howdah.postgres.parameters import SENSITIVE
from howdah.postgres.sensitive import raised_for_recovery
from howdah.postgres.settings import effective_settings, render_settings
from howdah.postgres.site import Site


def write_configuration(site: Site, directory: Path, settings: ServerSettings) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf, and clear postgresql.auto.conf of what overrides them.

    The access rules come first: when the agent dies in between, the gate is as asked for or as it was.
    Raises PostgresFailure when a parameter or a rule is refused or the disk does not take a file.
    """
    values = effective_settings(site.place, settings)
    if not settings.may_lower and not settings.running:
        values = raised_for_recovery(values, _asked_by_log(site, directory, values))
    try:
        configuration = render_settings(values)
        access = render_access(settings.gate_open, site.rules)
        users = render_map(site.system_users)
    except ValueError as error:
        raise PostgresFailure(f"the settings cannot be written: {error}") from error
    for name, text in (("pg_hba.conf", access), ("pg_ident.conf", users), ("postgresql.conf", configuration)):
        if read_small(directory / name) != text:
            write_durably(directory / name, text, site.account, sync=not settings.running)
    _clear_auto_conf(site, directory, settings.parameters)


def auto_conf_faults(directory: Path, managed: Collection[str]) -> tuple[AutoConfFault, ...]:
    """What ALTER SYSTEM has set in this directory and must not. Raises PostgresFailure if it cannot be read."""
    return faults_in(read_small(directory / AUTO_CONF) or "", {name.lower() for name in managed})


def _clear_auto_conf(site: Site, directory: Path, managed: Collection[str]) -> None:
    path = directory / AUTO_CONF
    text = read_small(path) or ""
    names = {name.lower() for name in managed}
    faults = faults_in(text, names)
    if not faults:
        return
    for fault in faults:
        site.log(f"removed from {AUTO_CONF}: {fault.name} = {fault.value!r}. {fault.reason}")
    write_durably(path, without_faults(text, names), site.account)


def _asked_by_log(site: Site, directory: Path, values: dict[str, str]) -> dict[str, int]:
    """The primary's values as pg_control has them; none if it cannot be read, as in a directory in the making."""
    with told_clearly(f"look into {directory}"):
        if not (directory / "global" / "pg_control").is_file() or not any(name in values for name in SENSITIVE):
            return {}
    try:
        return dict(read_control_data(site.installation, site.account, directory).sensitive)
    except PostgresFailure:
        return {}
