"""How does a client that wants a WAL sender get one?

As a session that is bound to one connection of its own to the primary, from its first to its last word: a WAL sender
knows no settings that could be taken to another connection, and one for physical replication no SQL either. So what the
client asked for at its login is asked for in the same words at the server. When the primary changes, it ends: where the
client has to go on, only the client can know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from howdah.routing.hub import Hub, Place
from howdah.routing.link import Sink
from howdah.routing.loginsteps import LoggedIn
from howdah.routing.pins import Kind
from howdah.routing.pool import Limits
from howdah.routing.route import Route
from howdah.routing.session import Session
from howdah.routing.texts import Texts
from howdah.routing.wishes import is_wish
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG

if TYPE_CHECKING:
    from howdah.routing.pool import Opener

WHY = "a replication connection"
VERDICTS_BYTES = 1 << 16


def replicating(hub: Hub, client: Sink, who: LoggedIn, wait_ms: float, opener: Opener) -> Session:
    """The session, with a place of its own, which goes with it. `wait_ms`: how long it may wait for its connection."""
    settings = tuple((name, value) for name, value in who.settings if not is_wish(name))
    profile = hub.profiles.of_login(settings)
    texts = Texts(Verdicts(VERDICTS_BYTES, EMPTY_CATALOG))
    place = Place(who.user, who.database, texts, Limits(most=1, at_once=1, wait_ms=wait_ms), opener, ledger=hub.ledger)
    place.credentials = who.credentials
    place.keeps = WHY
    place.spread = False
    place.route = Route.PRIMARY
    place.replication = who.replication
    place.begins = profile
    session = Session(hub, client, place, profile)
    session.state.pins.add(Kind.OTHER, WHY, WHY, hub.clock_ms())
    hub.add_alone(session)
    return session
