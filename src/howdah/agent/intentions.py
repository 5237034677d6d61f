"""What does the operator want, as the store's second document says it?"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from howdah.agent.situation import Situation
from howdah.cluster.intents import Intents, SwitchoverRequest
from howdah.cluster.policy import Policy
from howdah.configuration.faults import SettingsRefused
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
                await self._read()
            await self._clock.sleep_ms(POLL_MS)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                async for found in self._store.watch(CONFIG):
                    if found is not None and found.version > self._version:
                        self._take(found)
            await self._clock.sleep_ms(RETRY_MS)

    async def _read(self) -> None:
        """What a linearizable read says counts, also if its version is lower: then the store was wiped or put back."""
        found = await self._store.read(CONFIG)
        if found is not None:
            self._take(found)
            return
        self._version = 0
        situation = self._situation
        if situation.served_term:
            # Who serves writes down what everybody has gone by: the first settings, or those of a store that was wiped.
            await self._store.compare_and_swap(CONFIG, None, write_intents(situation.configured))

    def _take(self, found: Versioned) -> None:
        if found.version == self._version:
            return
        self._version = found.version
        try:
            intents = read_intents(found.text)
        except SettingsRefused as refused:
            self._situation.config_fault = f"the cluster's settings in the store cannot be used: {refused}"
            return  # the last good ones stay
        self._situation.config_fault = ""
        self._situation.config_known = True
        self._believe(intents)

    def _believe(self, intents: Intents) -> None:
        self._situation.configured = intents
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
