"""How does a primary stop, and how is the lease given up or taken back?"""

import contextlib

from howdah.agent.procedures import server
from howdah.agent.procedures.drain import drain
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import Order
from howdah.cluster.changes import NotAllowed, Release, TakeBack, TakeOverLease
from howdah.cluster.observation import ServerState
from howdah.cluster.record import Handover
from howdah.ports.postgres import SqlFailed
from howdah.ports.store import StoreUnavailable


async def close_gate(tools: Tools) -> None:
    """Shut clients out: files, reload, sessions ended. Who must flush a commit stays as it is: a voter may just be
    being dropped, and the swap that says so may land yet (SETTLE)."""
    server.configure(tools, server.sync_in_force(tools), gate_open=False)
    await tools.process.reload()
    with contextlib.suppress(SqlFailed):
        await tools.primary.end_client_sessions()
    tools.situation.served_term = 0


async def kill(tools: Tools, crash: bool) -> None:
    """Kill, verify, and let the dead-man rest."""
    situation = tools.situation
    await server.kill(tools)
    if crash:
        situation.crashes = (*situation.crashes[-9:], tools.clock.boot_ms())
    term = tools.keeper.record.term if tools.keeper.record else 0
    tools.journal.noted("FENCED", "no process of the server is left", term)


async def release(tools: Tools, handover: Handover | None = None) -> None:
    """Give the lease up. Only with every process of the server verified gone: a hand-over comes right after a stop that
    verified it."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None or not situation.holds(record):
        raise Failed("this server does not hold the record")
    if handover is None or situation.state is not ServerState.GONE:
        await server.kill(tools)  # also where nothing is believed to run: it looks more than once
    released = await tools.keeper.swap(Release(situation.me, record.term, handover))
    if isinstance(released, NotAllowed):
        raise Failed(released.reason)
    situation.lead_failures = 0
    situation.gave_up += 1


async def take_back(tools: Tools) -> None:
    """A new generation, before the server starts: a hand-over that is being taken fails by SAME RECORD."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None or not situation.holds(record):
        raise Failed("this server does not hold the record")
    taken = await tools.keeper.swap(TakeBack(situation.me, record.term))
    if isinstance(taken, NotAllowed):
        raise Failed(taken.reason)
    situation.crashes = ()


async def take_over_lease(tools: Tools, to_term: int) -> None:
    """From another seat of this member, whose lease ran out. What comes after the swap is decided anew."""
    situation = tools.situation
    record = await tools.keeper.refresh()
    if record is None or record.holder != situation.me:
        raise Failed("the record names another holder")
    if not record.released and not tools.keeper.expired:
        raise Failed("the other agent of this name and data renewed its lease")
    change = TakeOverLease(situation.me, record.term, to_term, record.incarnation, record.lease_counter)
    taken = await tools.keeper.swap(change)
    if isinstance(taken, NotAllowed):
        raise Failed(taken.reason)


async def stop_server(tools: Tools) -> None:
    """The agent is leaving: fast stop, else kill; what is left of the lease is given up only by a switchover before."""
    if tools.situation.state is not ServerState.GONE or tools.process.view().alive:
        await server.stop(tools)
    await server.rest_deadman(tools)
    tools.situation.stop_done = True


async def restart_server(tools: Tools) -> None:
    """Stop; the next decision starts it again in its role. A primary's writes are away until then."""
    situation = tools.situation
    situation.order = Order.NONE
    if situation.state is ServerState.PRIMARY:
        await tools.primary.checkpoint()
        with contextlib.suppress(StoreUnavailable):
            await drain(tools)
    await server.stop(tools)
    situation.crashes = ()  # an end that was asked for is none, and begins the count anew
