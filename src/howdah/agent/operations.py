"""What may an operator ask of a running agent? (behind REST and the command line)"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from howdah.agent.intentions import CONFIG, change_intents
from howdah.agent.loop import AgentLoop
from howdah.agent.tools import Tools
from howdah.agent.watching import probe_once
from howdah.cluster.actions import Leaving, Order
from howdah.cluster.beginnings import missing_for_rebuild
from howdah.cluster.intents import Intents, SwitchoverRequest
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.switchover import target_of
from howdah.configuration.change import effective, set_value
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.intents import read_intents, write_intents
from howdah.ports.postgres import PostgresFailure
from howdah.ports.store import Conflict, StoreUnavailable, Swapped
from howdah.postgres.parameters import refusal

DOOR_LIMIT_MS = 60_000
"""An order to give servers up that was not carried out by then is none any more: whoever was given up may be back."""
RECONNECT_MS = 2000
"""A standby that has streamed within this time is waited for rather than taken for dead."""

ParameterCheck = Callable[[Mapping[str, str]], tuple[str, ...]]
"""What is wrong with the parameters, as sentences. Raises PostgresFailure if they cannot be judged."""


class NotDone(Exception):
    """The operation was refused or could not be done; one sentence that names the thing and the mend."""


class Operations:
    """Each method returns when the order is taken, not when it is carried out."""

    def __init__(self, tools: Tools, loop: AgentLoop, check: ParameterCheck) -> None:
        """`check` has PostgreSQL judge the parameters; it may take a while, and is called in a thread."""
        self._tools = tools
        self._loop = loop
        self._check = check

    async def switchover(self, to: str, at_wall_ms: int) -> str:
        """Ask for a hand-over, now (0) or later; the id of the request. Raises NotDone."""
        o = await self._fresh_observation()
        record = o.store.record
        if record is None:
            raise NotDone("the store has not answered yet, so nobody knows who leads")
        if not o.is_holder:
            raise NotDone(f"{o.me.name} is not the primary: ask {record.holder.name}")
        when_ms, term = (at_wall_ms, 0) if at_wall_ms else (self._tools.clock.wall_ms(), record.term)
        request = SwitchoverRequest(self._tools.clock.token(), to, when_ms, term)
        target = target_of(record, request, o)
        wrong = to and to not in o.intents.nodes
        if target.refusal and (wrong or not at_wall_ms):
            raise NotDone(f"no switchover: {target.refusal}")
        if o.served_term != record.term and not at_wall_ms:
            raise NotDone(f"no switchover: {o.me.name} does not serve at the moment ({self._loop.decision.why})")
        await self._change(lambda intents: replace(intents, switchover=request))
        return request.id

    async def cancel_switchover(self) -> None:
        """Take a request back that has not begun. Raises NotDone."""

        def without(intents: Intents) -> Intents:
            if intents.switchover is None:
                raise NotDone("no switchover is planned, or it has begun already")
            return replace(intents, switchover=None)

        await self._change(without)

    async def pause(self, paused: bool) -> None:
        """Stop or allow automatic role changes. Raises NotDone."""
        await self._change(lambda intents: replace(intents, paused=paused))

    async def failover(self, given_up: tuple[str, ...]) -> None:
        """The door, at this server: promote it though the named servers are gone with their data. Raises NotDone."""
        o = self._observation()
        record = o.store.record
        if not o.store.reachable:
            raise NotDone(f"the store does not answer: {o.store.trouble}")
        if record is not None and not o.went_back:
            if o.is_holder:
                raise NotDone(f"{o.me.name} holds the record itself")
            if record.holder.name not in given_up:
                raise NotDone(f"{record.holder.name}, the last primary, must be among the servers that are given up")
        elif o.local.record is None:
            raise NotDone(f"neither the store nor {o.me.name} knows a record to go on from")
        elif missing := missing_for_rebuild(o, given_up):
            raise NotDone(f"the store lost the record, and {missing}: start it, or name it as given up")
        if o.server.state is not ServerState.RECOVERY:
            raise NotDone(f"the server of {o.me.name} is {o.server.state.value}, it must run in recovery")
        living = sorted(p.published.member.name for p in o.peers if p.connected and p.published.member.name in given_up)
        if living:
            raise NotDone(f"{', '.join(living)} can be reached: stop what you give up first")
        self._tools.situation.door = given_up
        self._tools.situation.door_until_boot_ms = self._tools.clock.boot_ms() + DOOR_LIMIT_MS
        self._tools.situation.poke()

    def restart(self) -> None:
        """Restart this node's server. Raises NotDone."""
        self._order(Order.RESTART)

    def reinit(self) -> None:
        """Clone this node's server anew. Raises NotDone for the primary."""
        o = self._observation()
        if o.is_holder:
            raise NotDone(f"{o.me.name} is the primary: switch over to another server first")
        if o.store.record is None or not o.store.record.serving:
            raise NotDone("no primary serves: this might be the last copy")
        self._order(Order.REINIT)

    def _order(self, order: Order) -> None:
        situation = self._tools.situation
        if situation.order is not Order.NONE:
            raise NotDone(f"a {situation.order.value} of {situation.name} is under way already")
        situation.order = order
        situation.poke()

    def reload(self) -> None:
        """Write the server's settings again and have it read them."""
        self._tools.situation.settings_current = False
        self._tools.situation.poke()

    def shutdown(self, scope: Leaving) -> None:
        """Stop this agent and its server: alone (handing over first) or with the whole cluster."""
        self._tools.situation.leave(scope)

    async def config(self) -> dict[str, Any]:
        """The cluster's settings, defaults filled in. Raises NotDone."""
        try:
            found = await self._tools.store.read(CONFIG)
        except StoreUnavailable as error:
            raise NotDone(f"the store does not answer: {error}") from error
        return effective(found.text if found else write_intents(self._tools.situation.configured))

    async def set_config(self, assignment: str) -> None:
        """Change one setting, given as KEY=VALUE. Raises NotDone."""

        def edit(text: str) -> str:
            return set_value(text, assignment, refusal)

        store = self._tools.store
        try:
            while True:
                found = await store.read(CONFIG)
                text = edit(found.text if found else write_intents(self._tools.situation.configured))
                if fault := await self._fault_of(read_intents(text).parameters):
                    raise NotDone(fault)
                outcome = await store.compare_and_swap(CONFIG, found.version if found else None, text)
                if isinstance(outcome, Swapped):
                    return
                if not isinstance(outcome, Conflict):
                    raise NotDone(f"the store did not say whether the change was made: {outcome.reason}")
        except SettingsRefused as error:
            raise NotDone(str(error)) from error
        except StoreUnavailable as error:
            raise NotDone(f"the store does not answer: {error}") from error

    async def _fresh_observation(self) -> Observation:
        """With a new look at the server: a standby that has just been given another name reconnects in milliseconds."""
        until = self._tools.clock.boot_ms() + RECONNECT_MS
        while True:
            await probe_once(self._tools)
            o = self._observation()
            waits = [name for name, absent_ms in o.streaming_absent_ms if 0 < absent_ms < RECONNECT_MS]
            if not waits or self._tools.clock.boot_ms() > until:
                return o
            await self._tools.clock.sleep_ms(100)

    def _observation(self) -> Observation:
        return self._tools.situation.observe(self._tools.keeper, self._tools.peers)

    async def _fault_of(self, parameters: Mapping[str, str]) -> str:
        """A server with a value that PostgreSQL refuses would not start again."""
        if parameters == self._tools.situation.configured.parameters:
            return ""
        try:
            return " ".join(await asyncio.to_thread(self._check, parameters))
        except PostgresFailure as failure:
            return f"the parameters cannot be checked: {failure}"

    async def _change(self, change: Callable[[Intents], Intents]) -> None:
        try:
            await change_intents(self._tools.store, change, self._tools.situation.configured)
        except StoreUnavailable as error:
            raise NotDone(f"the store does not answer: {error}") from error
