"""What does the operator want, as the store's second document says it?"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from howdah.agent.situation import Situation
from howdah.cluster.intents import Intents
from howdah.cluster.policy import Policy
from howdah.configuration.intents import read_intents
from howdah.ports.clock import Clock
from howdah.ports.store import Store, StoreUnavailable, Versioned

CONFIG = "config"
"""The name of the document."""

POLL_MS = 5000
RETRY_MS = 300


class Intentions:
    """Follows the document. Until it was read once, the settings the agent was started with count."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        situation: Situation,
        first: Intents,
        own_policy: Callable[[Policy], Policy],
    ) -> None:
        self._store = store
        self._clock = clock
        self._situation = situation
        self._own_policy = own_policy
        self._version = 0
        self._believe(first)

    async def follow(self) -> None:
        """For ever: by watch, and by a read now and then, since a watch is a hint."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll())
            group.create_task(self._listen())

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                self._take(await self._store.read(CONFIG))
            await self._clock.sleep_ms(POLL_MS)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                async for found in self._store.watch(CONFIG):
                    self._take(found)
            await self._clock.sleep_ms(RETRY_MS)

    def _take(self, found: Versioned | None) -> None:
        if found is None or found.version <= self._version:
            return
        self._version = found.version
        self._believe(read_intents(found.text))

    def _believe(self, intents: Intents) -> None:
        self._situation.intents = replace(intents, policy=self._own_policy(intents.policy))
        self._situation.poke()
