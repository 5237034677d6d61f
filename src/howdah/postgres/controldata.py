"""What does pg_control say about a data directory, without starting it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account
from howdah.postgres.installation import Installation
from howdah.postgres.programs import Command, run_program_blocking
from howdah.values.lsn import Lsn, parse_lsn

SHUT_DOWN = "shut down"
SHUT_DOWN_IN_RECOVERY = "shut down in recovery"

_SENSITIVE_LABELS = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
_PROOF = "Database system identifier:"
_BAD_CHECKSUM = "crc checksum does not match"


@dataclass(frozen=True, slots=True)
class ControlData:
    """pg_control, as pg_controldata prints it. Source: src/bin/pg_controldata of PostgreSQL 14-18.

    `timeline` is the checkpoint's or, if higher, that of the minimum recovery end: a standby's checkpoint lags.
    `sensitive` are the values that the primary had when this directory last heard of them: a server in recovery
    does not start below them.
    """

    system_identifier: str
    state: str
    checkpoint_lsn: Lsn
    checkpoint_timeline: int
    timeline: int
    min_recovery_lsn: Lsn
    wal_block_bytes: int
    wal_segment_bytes: int
    checksums: bool
    wal_log_hints: bool
    sensitive: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether the server was shut down cleanly, as a primary or in recovery."""
        return self.state in (SHUT_DOWN, SHUT_DOWN_IN_RECOVERY)


def read_control_data(installation: Installation, account: Account | None, data: Path) -> ControlData:
    """Run pg_controldata on the directory; it reads only. Raises PostgresFailure that says what is unreadable."""
    command = Command(installation.program("pg_controldata"), ("-D", str(data)), proof=(_PROOF,))
    text = run_program_blocking(command, account).text
    if _BAD_CHECKSUM in text.lower():
        raise PostgresFailure(f"{data}/global/pg_control is corrupt: its checksum does not match")
    return parse_control_data(text)


def parse_control_data(text: str) -> ControlData:
    """Read what pg_controldata prints with LC_ALL=C. Raises PostgresFailure that names the line it misses."""
    values = {}
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if colon:
            values[label.strip()] = value.strip()
    try:
        checkpoint_timeline = int(values["Latest checkpoint's TimeLineID"])
        return ControlData(
            system_identifier=values["Database system identifier"],
            state=values["Database cluster state"],
            checkpoint_lsn=parse_lsn(values["Latest checkpoint location"]),
            checkpoint_timeline=checkpoint_timeline,
            timeline=max(checkpoint_timeline, int(values["Min recovery ending loc's timeline"])),
            min_recovery_lsn=parse_lsn(values["Minimum recovery ending location"]),
            wal_block_bytes=int(values["WAL block size"]),
            wal_segment_bytes=int(values["Bytes per WAL segment"]),
            checksums=values["Data page checksum version"] != "0",
            wal_log_hints=values["wal_log_hints setting"] == "on",
            sensitive={name: int(values[label]) for name, label in _SENSITIVE_LABELS.items()},
        )
    except KeyError as error:
        raise PostgresFailure(f"pg_controldata did not print {error.args[0]!r}: is it of PostgreSQL 14-18?") from error
    except ValueError as error:
        raise PostgresFailure(f"pg_controldata printed something unreadable: {error}") from error
