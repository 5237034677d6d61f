"""What does the operator want, as the store's second document says it?"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from howdah.agent.situation import Situation
from howdah.cluster.intents import Intents, SwitchoverRequest
from howdah.cluster.policy import Policy
from howdah.configuration.intents import read_intents, write_intents
from howdah.ports.clock import Clock
from howdah.ports.store import Conflict, Store, StoreUnavailable, Swapped, Unknown, Versioned

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


async def change_intents(store: Store, change: Callable[[Intents], Intents], first: Intents) -> Intents:
    """Change the document by compare-and-swap, whoever else writes it. `first` counts where there is none yet.

    Raises StoreUnavailable, also when the outcome is unknown: the change may then have been made."""
    while True:
        found = await store.read(CONFIG)
        changed = change(read_intents(found.text) if found else first)
        text = write_intents(changed, over=found.text if found else "")
        match await store.compare_and_swap(CONFIG, found.version if found else None, text):
            case Swapped():
                return changed
            case Conflict():
                continue
            case Unknown(reason=reason):
                raise StoreUnavailable(f"the store did not say whether the change was made: {reason}")


async def finish_switchover(store: Store, request: SwitchoverRequest, first: Intents) -> None:
    """Take the request out of the document, unless there is another one by now."""

    def without(intents: Intents) -> Intents:
        mine = intents.switchover is not None and intents.switchover.id == request.id
        return replace(intents, switchover=None) if mine else intents

    await change_intents(store, without, first)
