"""What does a router not have to remember any more? (Users come and go; what is kept of each adds up.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from howdah.routing.hub import Hub, Place
    from howdah.routing.pool import Pool

EVERY_MS: Final = 60_000.0
UNUSED_MS: Final = 600_000.0
"""A user's place in a database that had no session and no connection for so long is gone."""


def forget(hub: Hub) -> None:
    """Places that nobody used for long, pools of servers that are gone, and settings that nobody goes by."""
    here = {session.place for session in hub.sessions}
    servers = set(hub.fleet.targets.values())
    for key, place in tuple(hub.places.items()):
        place.pools = {target: pool for target, pool in place.pools.items() if target in servers or _used(pool)}
        if place.lasting or place in here or any(_used(pool) for pool in place.pools.values()):
            place.used_ms = hub.now_ms
        elif hub.now_ms - place.used_ms > UNUSED_MS:
            del hub.places[key]
    links = {link.profile for place in hub.places.values() for pool in place.pools.values() for link in pool.links}
    states = [session.state for session in hub.sessions]
    used = links | {state.profile for state in states} | {state.traces.start for state in states}
    hub.profiles.prune(used)
    for place in hub.places.values():
        place.faces = {profile: face for profile, face in place.faces.items() if profile in used}


def forget_unanswered(hub: Hub, place: Place) -> None:
    """At once, if nobody is there any more and no server ever answered: the database may be one that does not exist,
    and there are many such names."""
    if place.lasting or place.faces or any(session.place is place for session in hub.sessions):
        return
    if any(_used(pool) for pool in place.pools.values()):
        return
    key = (place.user, place.database)
    if hub.places.get(key) is place:
        del hub.places[key]
    if not any(each.database == place.database for each in hub.places.values()):
        hub.ledger.forget(place.database)


def _used(pool: Pool) -> bool:
    """Whether it has anything, or somebody wants anything of it."""
    return bool(pool.links or pool.waiting or pool.opening)
