"""In which order do the servers of a cluster change the settings that hot standby compares?

A standby whose max_connections (or its like) is below the primary's pauses replay, and does not start again. So a
value is raised on all standbys first and then on the primary, and lowered on the primary first. A standby compares
with the value that it finds in the log, so it may lower only after it has replayed the primary's change.
"""

from collections.abc import Iterable, Mapping

from howdah.postgres.parameters import SENSITIVE


def next_on_primary(now: int, wanted: int, standbys: Iterable[int]) -> int:
    """The value with which the primary may start next: down at once, up only as far as every standby already runs.

    `standbys` are the running values of all configured standbys; one that is down counts with its last known
    value, one that will be cloned anew does not count.
    """
    if wanted <= now:
        return wanted
    return max(now, min([wanted, *standbys]))


def next_on_standby(now: int, wanted: int, primary: int | None, replayed: int) -> int:
    """The value with which a standby may start next: up at once, down only as far as the primary already is.

    `primary` is the primary's running value (None: not known), `replayed` what pg_control says of it.
    """
    if wanted >= now:
        return max(wanted, replayed)
    if primary is None:
        return max(now, replayed)
    return max(wanted, primary, replayed)


def raised_for_recovery(parameters: Mapping[str, str], control: Mapping[str, int]) -> dict[str, str]:
    """The parameters with every sensitive one at least as high as the log asks for; so a server starts in recovery.

    Values that are missing or no whole number are left to PostgreSQL's default and its own complaint."""
    raised = dict(parameters)
    for name in SENSITIVE:
        needed = control.get(name, 0)
        given = raised.get(name, "")
        if given.strip().isdecimal() and int(given) < needed:
            raised[name] = str(needed)
    return raised
