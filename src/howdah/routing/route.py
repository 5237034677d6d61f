"""Which servers may a session's statements go to at all, by the port it came through or by what it asked for?"""

from enum import Enum


class Route(Enum):
    """What `session.route` holds. The values are the words of `howdah.route` and of hints."""

    AUTO = "auto"
    """Each statement where it belongs: writes to the primary, reads to standbys that are fresh enough."""

    PRIMARY = "primary"
    """Everything to the primary, as target_session_attrs=read-write."""

    STANDBY = "standby"
    """Everything to standbys, and to the primary only while no standby can, as target_session_attrs=prefer-standby. A
    write ends there as PostgreSQL ends it on a standby: 25006."""

    ANY = "any"
    """The whole session on one server, whichever is healthy, as target_session_attrs=any."""
