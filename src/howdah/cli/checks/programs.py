"""Which PostgreSQL is used, is it complete and fit, and can its account run it?"""

from collections.abc import Iterator
from pathlib import Path

from howdah.cli.checks.finding import Finding, fail, ok, warn
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, enter_fault
from howdah.postgres.installation import REQUIRED, Installation, find_installation, version_fault


def find_programs(bin_directory: Path | None) -> tuple[Installation | None, str]:
    """The installation, or why there is none."""
    try:
        return find_installation(bin_directory), ""
    except PostgresFailure as failure:
        return None, str(failure)


def check_programs(bin_directory: Path | None, account: Account | None) -> Iterator[Finding]:
    """Version, programs, faults of this minor version, and whether it has to be copied."""
    installation, fault = find_programs(bin_directory)
    if installation is None:
        yield fail("postgresql", fault)
        return
    if fault := version_fault(installation.version_num):
        yield warn("postgresql", fault)
    yield ok("postgresql", f"{installation.version} in {installation.bin}, with {', '.join(REQUIRED)}")
    if enter_fault(account, installation.bin):
        name = account.name if account else "this user"
        yield ok("postgresql", f"{name} cannot enter {installation.bin}; a copy beside the nodes is used")
    if not installation.program("psql").is_file():
        yield ok("postgresql", "this installation has no psql; `howdah psql` uses that of the PATH, if there is one")
