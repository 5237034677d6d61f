"""How does one server of the cluster connect to another?

A walreceiver that looks a name up cannot be interrupted, so addresses are numbers wherever possible: the agent
calls `resolve` first. Every wait is bounded, since a frozen server must not hold a revocation or a clone.
"""

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.layout import REPLICATION_ROLE
from howdah.values.address import Address

CONNECT_TIMEOUT_S = 3
"""For tools; libpq rounds 1 up to 2. A walreceiver ignores it and is bounded by tcp_user_timeout."""
TCP_USER_TIMEOUT_MS = 5000
"""How long sent data, or the opening of a connection, may stay unanswered. As wal_receiver_timeout."""
KEEPALIVES: Mapping[str, str] = {
    "keepalives": "1",
    "keepalives_idle": "3",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": str(TCP_USER_TIMEOUT_MS),
}
"""A peer whose machine vanished is noticed within about six seconds, also while nothing is sent."""


def conninfo(source: Address, application_name: str, passfile: Path, database: str = "") -> str:
    """libpq's connection string for the replication role. Without `database` it is for replication.

    `sslmode=prefer` takes TLS where the other server has it; GSSAPI is off, as its negotiation costs a round trip.
    """
    where = "hostaddr" if is_number(source.host) else "host"
    pairs = {
        where: source.host,
        "port": str(source.port),
        "user": REPLICATION_ROLE,
        "passfile": str(passfile),
        "application_name": application_name,
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        **KEEPALIVES,
        "gssencmode": "disable",
        "sslmode": "prefer",
    }
    if database:
        pairs["dbname"] = database
    return " ".join(f"{name}={_quote(value)}" for name, value in pairs.items())


def is_number(host: str) -> bool:
    """Whether the host is an IP address and needs no look-up."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def resolve(address: Address) -> Address:
    """The same place with the host as a number: the first address that the system's resolver gives.

    Blocks for as long as the resolver does: run it in a thread. Raises PostgresFailure for an unknown name."""
    if is_number(address.host):
        return address
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PostgresFailure(
            f"the host name {address.host!r} cannot be looked up: {error.strerror or error}. "
            "Mend the name service, or give the node's address as a number."
        ) from error
    return Address(str(found[0][4][0]), address.port)


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
