"""What does an agent find when it starts: nothing, or a server that an earlier agent left running?"""

import asyncio
import contextlib

from howdah.agent.procedures import server
from howdah.agent.procedures.promote import arm, recognise
from howdah.agent.tools import Tools
from howdah.cluster.observation import ServerState
from howdah.ports.deadman import DeadmanGone
from howdah.ports.postgres import SqlFailed


async def first_look(tools: Tools) -> None:
    """Before anything is decided: the directory, and a running server as it is.

    A primary that an earlier agent left (it was killed, or upgraded) is not interrupted: it goes on under the deadline
    that its dead-man holds, until the lease is renewed or that deadline comes. Its gate counts as open. An agent may
    also have died within a revocation, with replay paused."""
    situation = tools.situation
    situation.directory = tools.directory.inspect()
    if tools.process.view().alive == 0:
        return
    await _take_over_deadline(tools)
    try:
        async with asyncio.timeout(tools.policy.probe_timeout_ms / 1000):
            facts = await tools.standby.observe()
    except (SqlFailed, TimeoutError):
        situation.state = ServerState.SILENT
        situation.probe_failures = 1
        situation.gate_open = situation.gate_believed = True
        return
    server.took(tools, facts)
    situation.gate_open = not facts.in_recovery or facts.upstream is not None
    situation.gate_believed = not facts.in_recovery
    if not facts.in_recovery:
        # Also where no deadline was held: this agent may die within the next second too, and a new dead-man is born
        # with the deadline that the last one was told.
        with contextlib.suppress(DeadmanGone):
            await arm(tools)
    if facts.replay_paused:
        with contextlib.suppress(SqlFailed):
            await tools.standby.resume_replay()


def settle_gate(tools: Tools) -> None:
    """Believe the gate of an adopted primary to be open only if the record says that it serves: a gate is opened after
    the swap that says so. Otherwise the next writing of its files would let clients in before the barrier."""
    situation, record = tools.situation, tools.keeper.record
    if not situation.gate_believed or situation.state is ServerState.SILENT:
        return
    if situation.state is not ServerState.PRIMARY:
        situation.gate_believed = False
    elif record is not None:
        situation.gate_believed = False
        situation.gate_open = not situation.holds(record) or record.serving
        if situation.holds(record):
            recognise(tools, record)


async def _take_over_deadline(tools: Tools) -> None:
    """The lease as the earlier agent had it. With no dead-man to tell, there is just time for one renewal."""
    now, policy = tools.clock.boot_ms(), tools.policy
    try:
        held = await tools.deadman.deadline()
    except DeadmanGone:
        held = 0
    renewed = held - policy.deadman_ms if held else now - policy.gate_ms + policy.store_timeout_ms
    # The deadline that is held stays, whatever is configured next.
    tools.keeper.bonds.renewed(renewed, None, policy.lease_times)
