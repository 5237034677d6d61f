"""Which Events does Kubernetes get to see of a node's role?"""

import asyncio
import datetime

from howdah.agent.rolechange import Role, RoleNews
from howdah.ports.clock import Clock
from howdah.ports.events import Journal
from howdah.ports.store import StoreUnavailable
from howdah.stores.kubernetes.api import Forbidden, KubernetesApi
from howdah.stores.kubernetes.events import Pod, write_event
from howdah.values.lsn import format_lsn

TRIES = 5
AGAIN_MS = 2_000


class RoleEvents:
    """Writes an Event for each change, in order. One that cannot be written after some tries is left out."""

    def __init__(self, api: KubernetesApi, pod: Pod, clock: Clock, journal: Journal) -> None:
        self._api = api
        self._pod = pod
        self._clock = clock
        self._journal = journal
        self._news: asyncio.Queue[tuple[RoleNews, int]] = asyncio.Queue()
        self._warned = False

    def listen(self, news: RoleNews) -> None:
        """A `rolechange.Listener`."""
        self._news.put_nowait((news, self._clock.wall_ms()))

    async def run(self) -> None:
        """For ever."""
        while True:
            news, at_wall_ms = await self._news.get()
            at = datetime.datetime.fromtimestamp(at_wall_ms / 1000, datetime.UTC)
            for _ in range(TRIES):
                try:
                    await write_event(
                        self._api, self._pod, reason_of(news), sentence_of(news), at, warning=news.role is Role.NONE
                    )
                    break
                except Forbidden as missing:
                    self._warn(str(missing), news.term)
                    break
                except StoreUnavailable:
                    await self._clock.sleep_ms(AGAIN_MS)

    def _warn(self, sentence: str, term: int) -> None:
        """Once: Events are for people, and nothing depends on them."""
        if not self._warned:
            self._warned = True
            self._journal.noted("EVENTS", f"role changes are not told to Kubernetes: {sentence}", term)


def reason_of(news: RoleNews) -> str:
    """Kubernetes' word for the kind of an Event: RolePrimary, RoleStandby or RoleNone."""
    return f"Role{news.role.value.capitalize()}"


def sentence_of(news: RoleNews) -> str:
    """What happened, and why."""
    match news.role:
        case Role.PRIMARY:
            parts = [f"serves as the primary in term {news.term}"]
            if news.switch_lsn:
                parts.append(f"timeline {news.timeline} from {format_lsn(news.switch_lsn)}")
            if news.away_ms is not None:
                parts.append(f"writes were away for {news.away_ms} ms")
            return ", ".join(parts) + (f": {news.cause}" if news.cause else "")
        case Role.STANDBY:
            return f"follows as a standby in term {news.term}"
        case Role.NONE:
            return f"is neither primary nor standby any more (it was {news.before.value}) in term {news.term}"
