"""Who is a client, apart from what its session does?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    """`serial`: its number, in the order of arrival. `host` "unix" and `port` 0 for the Unix socket. `came_ms`: by the
    router's clock. `tls`: the version that is spoken, "" for none."""

    serial: int
    host: str
    port: int
    local_host: str
    local_port: int
    came_ms: float
    tls: str = ""
    application_name: str = ""


NOBODY = Visitor(0, "", 0, "", 0, 0.0)
"""A session of the router's own."""
