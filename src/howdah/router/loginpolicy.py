"""What do the settings say of logins, and where did a client come from?"""

import hashlib
import hmac
import pwd
import socket
import struct
import sys

from howdah.configuration.router import RouterSettings
from howdah.routing.hba import DEFAULT_RULES, parse_rules, peer_address
from howdah.routing.identmap import parse_maps
from howdah.routing.loginsteps import Arrival, Policy

_CREDENTIALS = struct.Struct("3i")
"""Linux's struct ucred: process, account, group."""


def policy_of(settings: RouterSettings) -> Policy:
    """From checked settings.

    The secret that hides who exists is made from the router's password: all workers and routers show one salt for an
    unknown user, and the same one after a restart, as they do for a user who exists."""
    password = settings.secrets.router.get_secret_value() if settings.secrets.router else ""
    return Policy(
        rules=parse_rules(settings.login.hba or DEFAULT_RULES),
        maps=parse_maps(settings.login.ident),
        tls=settings.tls.clients.mode,
        mock_secret=hmac.digest(password.encode(), b"howdah unknown users", hashlib.sha256),
    )


def arrival_of(connection: socket.socket) -> Arrival:
    """Of an accepted connection; also of what asyncio shows of one (`get_extra_info("socket")`)."""
    if connection.family == socket.AF_UNIX:
        return Arrival(None, account=_account_of(connection))
    return Arrival(peer_address(connection.getpeername()[0]))


def _account_of(connection: socket.socket) -> str:
    """Whose process is at the other end of a Unix socket; "" where the system does not tell, and then `peer` lets
    nobody in."""
    if sys.platform != "linux":
        return ""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, account, _ = _CREDENTIALS.unpack(told)
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return ""
