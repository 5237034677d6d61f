"""How does an agent run: observe, decide, execute?

One synchronous stretch leads from what is known to what is started; everything slow is a task whose end is looked at
by the next decision.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from howdah.agent import watching
from howdah.agent.execute import execute
from howdah.agent.keeper import worth_remembering
from howdah.agent.procedures import promote, routeraccess
from howdah.agent.procedures.firstlook import first_look, settle_gate
from howdah.agent.publishing import Extra, publish
from howdah.agent.rolechange import RoleWatch
from howdah.agent.situation import leads_unserved
from howdah.agent.tools import Failed, StillWaiting, Tools
from howdah.cluster.actions import (
    Action,
    ApplySetting,
    Campaign,
    DropRequest,
    ForcePromotion,
    Initialise,
    KeepHouse,
    Promote,
    RaiseTerm,
    RebuildRecord,
    ResumeService,
    Serve,
    Switchover,
    Wait,
    preempts,
)
from howdah.cluster.decide import decide
from howdah.cluster.decision import Decision
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import Observation
from howdah.cluster.peerstate import Published
from howdah.cluster.record import Record
from howdah.ports.deadman import DeadmanGone
from howdah.ports.disk import DiskFailure
from howdah.ports.peers import PeerUnreachable
from howdah.ports.postgres import PostgresFailure
from howdah.ports.store import StoreUnavailable

TICK_MS = 200
"""Deadlines are looked at this often when nothing else wakes the loop; far below their distances."""

REST_MS = (100, 300, 1000, 3000, 5000)
"""How long an action rests after it failed for the first, second ... time in a row."""

CAUSES = (Campaign, ResumeService, RaiseTerm, ForcePromotion, RebuildRecord, Initialise)
"""Actions that may end in this node's serving; the sentence of their decision is the cause in the history."""

LEADS = (Promote, ResumeService, Serve, ApplySetting, KeepHouse)
"""What lies between an election that was won and the first client. Counted only while this server holds the record and
does not serve; if it goes on failing, another server is to lead."""

OPERATING_ERRORS = (Failed, PostgresFailure, StoreUnavailable, PeerUnreachable, DiskFailure, DeadmanGone)


class AgentLoop:
    """Runs until the agent has been told to stop and its server is down."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._remembered: Record | None = None  # looked at already, with
        self._remembered_in: LocalState | None = None  # what was on disk then
        self._said: tuple[Action, str] = (Wait(), "")
        self._checkpoint: asyncio.Task[None] | None = None
        self._routers: asyncio.Task[None] | None = None
        self._router_looks = routeraccess.LookTimes()
        self.roles = RoleWatch()
        self.onlookers: list[Callable[[Observation], None]] = []  # see every observation; neither raise nor wait
        self.decision = Decision("STARTING", "the agent has just started", Wait())
        self.observation: Observation | None = None
        self.published: Published | None = None
        self.switchover_failure = ""  # why the last one asked for did not come about, with its request's id
        self.stopped = asyncio.Event()

    async def run(self) -> None:
        """Decide for ever. Ends after `StopServer`."""
        tools = self._tools
        await first_look(tools)
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(job) for job in watching.jobs(tools)]
            try:
                while not await self._step():
                    tools.situation.wake.clear()
                    await tools.situation.wake.wait(TICK_MS)
            finally:
                for job in (*background, self._task, self._checkpoint, self._routers):
                    if job is not None:
                        job.cancel()
        self.stopped.set()

    async def _step(self) -> bool:
        """One decision; True when the agent may end."""
        tools, situation = self._tools, self._tools.situation
        self._reap()
        tools.keeper.policy = situation.intents.policy
        self._hear_peers()
        self._remember_record()
        settle_gate(tools)
        watching.close_door(tools)
        record = tools.keeper.record
        if record is not None and record.serving and record.holder != situation.me:
            situation.gave_up = 0  # the lease did not only go to and fro
        observation = situation.observe(tools.keeper, tools.peers)
        self.roles.look(observation)
        for look in self.onlookers:
            look(observation)
        decision = decide(observation)
        if (decision.rule, decision.why) != (self.decision.rule, self.decision.why):
            tools.journal.decided(decision, observation)
        self.decision = decision
        extra = Extra(situation.promoted_term, situation.rewind_ready, situation.prefix_term, situation.lost_slots)
        self.observation = observation
        self.published = publish(observation, decision, situation.address, situation.api, extra)
        tools.peers.publish(self.published)
        if situation.stop_done:
            return True
        await self._act(decision.action)
        self._checkpoint_if_due()
        self._let_routers_in_if_due()
        return False

    def _hear_peers(self) -> None:
        """What the others read in the store, for as long as it does not answer here."""
        for view in self._tools.peers.views().values():
            record = view.published.record
            if view.connected and view.published.record_read and record is not None:
                self._tools.keeper.hear(record)

    def _remember_record(self) -> None:
        """The last settled record, on disk: the store may lose it. Only what lasts is worth an fsync."""
        settled, local = self._tools.keeper.settled, self._tools.situation.local
        if settled is self._remembered and local is self._remembered_in:
            return
        self._remembered, self._remembered_in = settled, local
        if (
            settled is not None
            and local.member_id
            and worth_remembering(settled, self._tools.keeper.lasting_since, local)
        ):
            try:
                self._tools.situation.remember(replace(local, record=settled))
            except DiskFailure:
                self._remembered = None  # tried again

    def _reap(self) -> None:
        """Take the outcome of an action that ended."""
        task, situation = self._task, self._tools.situation
        if task is None or not task.done():
            return
        self._task = None
        action, situation.busy = situation.busy or Wait(), None
        began = situation.busy_since_boot_ms
        duration = situation.clock.boot_ms() - began
        outcome = "done"
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            outcome = "interrupted"
        elif error is None:
            # What failed goes on resting while something else succeeds: two actions may take turns.
            if type(situation.failed) is type(action) or situation.clock.boot_ms() >= situation.rests_until_boot_ms:
                self._failures, situation.failed = 0, None
        elif isinstance(error, OPERATING_ERRORS):
            outcome = str(error) or type(error).__name__
            self._rest(action, error)
        else:
            raise error
        if isinstance(action, Switchover) and outcome != "done":
            self.switchover_failure = f"the switchover to {action.to} (request {action.request.id}) failed: {outcome}"
        term = self._tools.keeper.record.term if self._tools.keeper.record else 0
        if not isinstance(error, StillWaiting) or (action, outcome) != self._said:  # which may be for days
            self._tools.journal.did(type(action).__name__, outcome, term, duration)
        self._said = (action, outcome)

    def _rest(self, action: Action, error: BaseException) -> None:
        """How long what failed is left alone; what only waits is not."""
        situation = self._tools.situation
        waits = isinstance(error, StillWaiting)
        self._failures = 0 if waits else self._failures + 1 if situation.failed == action else 1
        situation.failed = action
        situation.spoken.ring()
        rest = 0 if waits else REST_MS[min(self._failures, len(REST_MS)) - 1]
        situation.rests_until_boot_ms = situation.clock.boot_ms() + rest
        foreign = isinstance(error, StillWaiting | StoreUnavailable)
        if isinstance(action, LEADS) and not foreign and leads_unserved(situation, self._tools.keeper):
            situation.lead_failures += 1

    async def _act(self, action: Action) -> None:
        situation = self._tools.situation
        if isinstance(action, Wait):
            return
        if self._task is not None and situation.busy is not None:
            if not preempts(action, situation.busy):
                return
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._reap()
        if isinstance(action, DropRequest):
            self.switchover_failure = f"{self.decision.why} (request {action.request.id})"
        if isinstance(action, CAUSES):
            self.roles.note_cause(self.decision.why)
        situation.busy = action
        situation.busy_since_boot_ms = situation.clock.boot_ms()
        self._task = asyncio.create_task(execute(action, self._tools))
        self._task.add_done_callback(lambda _: situation.poke())

    def _checkpoint_if_due(self) -> None:
        """After a promotion: a checkpoint in the background, so that others may rewind from here."""
        situation = self._tools.situation
        if self._checkpoint is not None and self._checkpoint.done():
            self._checkpoint = None
        promoted = situation.promoted_term and not isinstance(situation.busy, Promote | ResumeService)
        # Before it serves only when its barrier waits in vain: it may be waiting for who has to be rewound first.
        due = situation.served_term or isinstance(situation.failed, Serve)
        if promoted and due and not situation.rewind_ready and self._checkpoint is None:
            self._checkpoint = asyncio.create_task(promote.checkpoint_after_promotion(self._tools))

    def _let_routers_in_if_due(self) -> None:
        situation = self._tools.situation
        if self._routers is not None and self._routers.done():
            self._routers.result()
            self._routers = None
        now = situation.clock.boot_ms()
        if self._routers is None and self._router_looks.due(situation.served_term, situation.gate_open, now):
            self._routers = asyncio.create_task(routeraccess.keep_router_access(self._tools))
