"""How does a primary hand over to a chosen standby?"""

from dataclasses import replace

from howdah.agent.intentions import finish_switchover
from howdah.agent.procedures import fence, server
from howdah.agent.procedures.drain import drain
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import Switchover
from howdah.cluster.history import chain_of
from howdah.cluster.record import Handover
from howdah.values.lsn import NO_LSN
from howdah.values.position import Position

LAG_BYTES_MAX = 1024 * 1024
"""A standby further behind than this at the stop would hold the fast stop up."""

HANDED_LIMIT_MS = 500


async def switchover(tools: Tools, action: Switchover) -> None:
    """Checkpoint; routers hold their clients; gate; laggards out; fast stop within its limit; hand over at the shutdown
    checkpoint.

    Past the limit it is kill and elect: the lease is released without a hand-over."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None or not situation.holds(record):
        raise Failed("this server does not hold the record")
    if action.request.id != "leaving":
        await finish_switchover(tools.store, action.request, situation.configured)  # asked for once, tried once
    situation.intents = replace(situation.intents, switchover=None)
    situation.configured = replace(situation.configured, switchover=None)
    tools.journal.noted("SWITCHOVER", f"checkpoint before handing over to {action.to}", record.term)
    await tools.primary.checkpoint()
    await _end_laggards(tools, action.to)  # one that cannot be ended fails the hand-over while clients still write
    await drain(tools)
    await fence.close_gate(tools)
    await _end_laggards(tools, action.to)
    if not await server.stop(tools):
        tools.journal.noted("SWITCHOVER", "the fast stop did not end in time: killed; others elect", record.term)
        await fence.release(tools)
        return
    directory = situation.directory  # the stop looked
    if not directory.clean or directory.end_lsn == NO_LSN:
        await fence.release(tools)
        return
    entries = situation.local.entries
    chain = chain_of(directory.timeline, (), directory.end_lsn, entries)
    if chain is None:
        raise Failed("this server's timeline is in no map")
    position = Position(chain[-1].term, directory.end_lsn)
    tools.journal.noted("SWITCHOVER", f"stopped at {position}; {action.to} is to lead", record.term)
    await fence.release(tools, Handover(action.to, position))


async def _end_laggards(tools: Tools, target: str) -> None:
    """A fast stop waits for a stalled walsender without limit; the target's own must not be ended."""
    rows = await tools.primary.walsenders()
    furthest = max((w.flush_lsn for w in rows), default=NO_LSN)
    behind = tuple(
        w.pid
        for w in rows
        if w.application_name.partition(".t")[0] != target
        and (w.state != "streaming" or furthest - w.flush_lsn > LAG_BYTES_MAX)
    )
    if behind:
        await tools.primary.end_walsenders(behind)
