"""How do the clients of routers come through a planned stop without an error?

Routers hold new transactions from the moment at which the record says that its holder does not serve; those that run
get a little time to end before sessions are ended. Where no router is connected, nothing is said and nobody waits.
"""

from howdah.agent.tools import Failed, Tools
from howdah.cluster.changes import NotAllowed, Renew

DRAIN_LIMIT_MS = 2000
"""A transaction that runs longer is ended: writes are away for as long as this waits."""
HEARD_MS = 60
"""For the store's word to reach the routers, and for what they had sent just before to arrive here."""
POLL_MS = 15


async def drain(tools: Tools) -> None:
    """Say that no new transaction should come, and wait until none is left, or for the limit. The gate stays open.

    What the record says is taken back by serving again, as after a restart. Raises Failed, SqlFailed, StoreUnavailable:
    then nothing was stopped."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None or not situation.holds(record):
        return  # nobody is sent here
    if not (await tools.primary.client_work()).routers:
        return
    said = await tools.keeper.swap(Renew(situation.me, record.term, serving=False))
    if isinstance(said, NotAllowed):
        raise Failed(said.reason)
    began = tools.clock.boot_ms()
    while True:
        await tools.clock.sleep_ms(POLL_MS)
        running = (await tools.primary.client_work()).transactions
        waited = tools.clock.boot_ms() - began
        if waited >= HEARD_MS and not running:
            tools.journal.noted("DRAINED", "routers hold new transactions, and none is left", record.term)
            return
        if waited >= DRAIN_LIMIT_MS:
            tools.journal.noted("DRAINED", f"{running} transactions have not ended in time", record.term)
            return
