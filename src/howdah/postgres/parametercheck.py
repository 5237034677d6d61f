"""Does PostgreSQL itself know these parameters and take their values?

`postgres -C` reads settings as a start would and prints one of them without starting. It judges names, types, units
and ranges; a name with a dot belongs to an extension and is taken unseen.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account
from howdah.postgres.durable import told_clearly
from howdah.postgres.installation import Installation
from howdah.postgres.parameters import refusal
from howdah.postgres.programs import Command, ProgramFailed, run_program_blocking
from howdah.postgres.settings import DEFAULTS

_COMPLAINTS = ("FATAL:", "ERROR:", "DETAIL:", "HINT:")


def check_with_postgres(
    installation: Installation, account: Account | None, parameters: Mapping[str, str]
) -> tuple[str, ...]:
    """One sentence for each parameter that cannot be set, by our rules or by PostgreSQL's; empty if all can.

    Takes some 10 ms, and as much for each parameter once one is wrong. Raises PostgresFailure if nothing can be
    checked (no temporary directory, a program that does not start)."""
    faults = [fault for name, value in parameters.items() if (fault := refusal(name, value))]
    if faults:
        return tuple(faults)
    with told_clearly("make a temporary directory"):
        directory = Path(tempfile.mkdtemp(prefix="howdah-check-"))
    try:
        with told_clearly(f"write into {directory}"):
            (directory / "postgresql.conf").touch()
            if account is not None:
                os.chown(directory, account.uid, account.gid)
        if not _complaint(installation, account, directory, parameters):
            return _reserved_fault(parameters)
        each = ((name, _complaint(installation, account, directory, {name: parameters[name]})) for name in parameters)
        return tuple(f"PostgreSQL {installation.version} refuses {name}: {fault}" for name, fault in each if fault)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _complaint(
    installation: Installation, account: Account | None, directory: Path, parameters: Mapping[str, str]
) -> str:
    settings = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
    command = Command(
        installation.program("postgres"),
        ("-D", str(directory), *settings, "-C", "config_file"),
        proof=(str(directory / "postgresql.conf"),),
    )
    try:
        run_program_blocking(command, account)
    except ProgramFailed as failure:
        lines = [line for line in failure.output.lines if any(word in line for word in _COMPLAINTS)]
        if not lines:
            raise PostgresFailure(f"parameters cannot be checked: {failure}") from failure
        return "; ".join(line.partition(":  ")[2] or line for line in lines)
    return ""


def _reserved_fault(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """What PostgreSQL would say only at its start."""
    merged = {**DEFAULTS, **{name.lower(): value for name, value in parameters.items()}}
    reserved = int(merged["superuser_reserved_connections"]) + int(merged.get("reserved_connections", "0"))
    if reserved < int(merged["max_connections"]):
        return ()
    return (f"max_connections = {merged['max_connections']} leaves no connection beside the {reserved} reserved ones.",)
