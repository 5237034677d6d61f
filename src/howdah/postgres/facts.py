"""What lies in a data directory, judged without starting it and without writing?"""

import re
from dataclasses import replace
from pathlib import Path

from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account
from howdah.postgres.controldata import ControlData, read_control_data
from howdah.postgres.durable import read_small
from howdah.postgres.installation import Installation
from howdah.postgres.shutdownrecord import shutdown_end

IDENTITY_FILE = "howdah.id"
"""The member id inside the data directory; the other one is in the agent's state, beside it."""
ORIGIN_FILE = "howdah.origin"
"""How this directory was made, for people; it marks a directory as ours also while it has no id yet."""
ADOPT = "If it is to be the first data of this cluster, adopt it; else move it away."

_POSTGRESQLS_OWN = re.compile(
    r"base|global|pg_\w+(\.conf)?|postgresql(\.auto)?\.conf(\.tmp)?|postmaster\.\w+|PG_VERSION"
)
"""What `rm -r` leaves of a directory in which a server still writes: remains, and nobody's other files."""


def inspect_directory(installation: Installation, account: Account | None, data: Path) -> DirectoryFacts:
    """Judge the directory. Anything that is not certainly ours is FOREIGN, and so is never touched."""
    try:
        return _inspect(installation, account, data)
    except PostgresFailure as failure:
        return DirectoryFacts(DirectoryState.FOREIGN, explanation=f"{failure}")


def _inspect(installation: Installation, account: Account | None, data: Path) -> DirectoryFacts:
    try:
        names = {entry.name for entry in data.iterdir()}
        owner = data.stat().st_uid
    except FileNotFoundError:
        if data.is_symlink():
            return _foreign(f"{data} is a link to nothing. Mend or remove it.")
        return DirectoryFacts(DirectoryState.EMPTY, explanation=f"{data} does not exist")
    except OSError as error:
        return _foreign(f"{data} cannot be read: {error.strerror}. Give it to the account that runs PostgreSQL.")
    if not names:
        return DirectoryFacts(DirectoryState.EMPTY, explanation=f"{data} is empty")
    ours = IDENTITY_FILE in names or ORIGIN_FILE in names
    if "PG_VERSION" not in names:
        if ours or "pg_wal" in names or all(_POSTGRESQLS_OWN.fullmatch(name) for name in names):
            return _broken(data, "PG_VERSION is missing")
        return _foreign(f"{data} holds something that is not PostgreSQL data. Move it away or choose another place.")
    major = _major(data)
    if major != installation.major:
        return _foreign(
            f"{data} is data of PostgreSQL {major or 'unknown'}, and the programs are {installation.version}. "
            f"Use PostgreSQL {major or 'of that version'}, or bring the data to {installation.major} with pg_upgrade.",
            major,
        )
    if not ours:
        return _foreign(f"{data} is PostgreSQL data that does not belong to Howdah. {ADOPT}", major)
    if account is not None and owner != account.uid:
        return _foreign(f"{data} does not belong to {account.name}. chown -R {account.name} {data}", major)
    return _ours(installation, account, data, major)


def _ours(installation: Installation, account: Account | None, data: Path, major: int) -> DirectoryFacts:
    identity = (read_small(data / IDENTITY_FILE) or "").strip()
    try:
        control = read_control_data(installation, account, data)
        end = shutdown_end(control, data)
    except PostgresFailure as failure:
        return _broken(data, str(failure), identity, major)
    if not identity:
        made = (read_small(data / ORIGIN_FILE) or "").strip()
        return _with_control(
            control, DirectoryState.BROKEN, "", major, f"{data} was not finished ({made}). Clone it again."
        )
    return replace(_with_control(control, DirectoryState.READY, identity, major, _weakness(control)), end_lsn=end)


def _with_control(
    control: ControlData, state: DirectoryState, identity: str, major: int, explanation: str
) -> DirectoryFacts:
    return DirectoryFacts(
        state=state,
        identity=identity,
        system_identifier=control.system_identifier,
        major_version=major,
        clean=control.clean,
        timeline=control.timeline,
        checkpoint_lsn=control.checkpoint_lsn,
        explanation=explanation,
    )


def _weakness(control: ControlData) -> str:
    if control.checksums:
        return ""
    if control.wal_log_hints:
        return "data checksums are off: damage goes unseen. Turn them on with pg_checksums while the server is stopped."
    return "data checksums and wal_log_hints are off: pg_rewind cannot be used until the server ran with wal_log_hints."


def _major(data: Path) -> int:
    text = (read_small(data / "PG_VERSION") or "").strip()
    return int(text) if text.isdecimal() else 0


def _foreign(explanation: str, major: int = 0) -> DirectoryFacts:
    return DirectoryFacts(DirectoryState.FOREIGN, major_version=major, explanation=explanation)


def _broken(data: Path, why: str, identity: str = "", major: int = 0) -> DirectoryFacts:
    return DirectoryFacts(
        DirectoryState.BROKEN, identity=identity, major_version=major, explanation=f"{data} is damaged: {why}"
    )
