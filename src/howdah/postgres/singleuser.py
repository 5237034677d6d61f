"""How is SQL run in a data directory whose server is stopped?

`postgres --single` is one process without sockets: nobody else can get in. One statement a line.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.controldata import read_control_data
from howdah.postgres.durable import told_clearly
from howdah.postgres.process import remove_stale_locks
from howdah.postgres.programs import Command, Output, run_program
from howdah.postgres.site import Site

_DONE = "howdah finished"
_SETTINGS = {
    "exit_on_error": "on",
    "log_min_error_statement": "panic",  # a message must not show a statement with a password
    "log_statement": "none",
    "password_encryption": "scram-sha-256",
    "synchronous_standby_names": "",  # no walsender lives here, and a commit would wait for ever
    "synchronous_commit": "local",
    "default_transaction_read_only": "off",
    "row_security": "off",
    "standard_conforming_strings": "on",
}
DATABASE = "postgres"
"""Where our schema lies, and what agents and pg_rewind connect to."""


async def run_single_user(
    site: Site, directory: Path, statements: Sequence[str], settings: Mapping[str, str] | None = None
) -> Output:
    """Run the statements, each on one line, in the database postgres; recovers a crashed directory first.
    `settings` hold for this run, and what hot standby compares goes from them into pg_control.

    Raises PostgresFailure: a statement failed, or a process still uses the directory."""
    if any("\n" in statement for statement in statements):
        raise ValueError("single-user mode takes one line a statement")
    chosen = {**_SETTINGS, **(settings or {})}
    options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    with told_clearly(f"remove a stale lock from {directory}"):
        remove_stale_locks(directory)
    command = Command(
        site.installation.program("postgres"),
        ("--single", "-D", str(directory), *options, DATABASE),
        proof=(f'done = "{_DONE}"',),
        given="\n".join((*statements, f"SELECT '{_DONE}' AS done;", "")),
        cwd=directory,
    )
    return await run_program(command, site.account, site.log)


async def recover_crashed(site: Site, directory: Path) -> None:
    """Bring a directory that was not shut down cleanly to a clean state, as pg_rewind needs it.

    A server that was killed in recovery ends as a primary on its old timeline here: do this only to a directory whose
    log beyond the fork is given up anyhow. Raises PostgresFailure."""
    if read_control_data(site.installation, site.account, directory).clean:
        return
    if (directory / "backup_label").exists():
        raise PostgresFailure(f"{directory} is a base backup that was never started to its end. Clone it again.")
    site.log(f"recovering {directory}, which was not shut down cleanly")
    await run_single_user(site, directory, ())
