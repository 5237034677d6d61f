"""How do routers come to be let in on a cluster, whenever it was made?

The primary sees to it once it serves, beside everything else: no client waits for it, and a cluster from before there
were routers gets it too. It looks again from time to time, since people drop roles.
"""

from howdah.agent.tools import Tools
from howdah.ports.postgres import SqlFailed

LOOK_MS = 30_000
"""How often it is looked; a router asks again at its clients' next logins."""


async def keep_router_access(tools: Tools) -> None:
    """See that routers can log in and ask who may. A failure is told, and tried again at the next look."""
    record = tools.keeper.record
    term = record.term if record else 0
    try:
        if await tools.let_routers_in():
            tools.journal.noted("ROUTERS", "made the role and the function that routers log in and look with", term)
    except SqlFailed as failure:
        tools.journal.noted("ROUTERS", f"routers cannot be let in: {failure}", term)
