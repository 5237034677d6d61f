"""How do routers come to be let in on a cluster, whenever it was made?

The primary sees to it once it serves, beside everything else: no client waits for it, and a cluster from before there
were routers gets it too. It looks again from time to time, since people drop roles.
"""

from howdah.agent.tools import Tools
from howdah.ports.postgres import SqlFailed

LOOK_MS = 30_000
"""How often it is looked; a router asks again at its clients' next logins."""


class LookTimes:
    """When is it looked? As soon as this server serves a term, and from time to time."""

    def __init__(self) -> None:
        self._term, self._boot_ms = 0, 0

    def due(self, served_term: int, gate_open: bool, now_boot_ms: int) -> bool:
        """Whether now; then it counts as done. `served_term` is 0 while none is served."""
        if not served_term or not gate_open:
            return False
        if served_term == self._term and now_boot_ms < self._boot_ms + LOOK_MS:
            return False
        self._term, self._boot_ms = served_term, now_boot_ms
        return True


async def keep_router_access(tools: Tools) -> None:
    """See that routers can log in and ask who may. A failure is told, and tried again at the next look."""
    record = tools.keeper.record
    term = record.term if record else 0
    try:
        if await tools.let_routers_in():
            tools.journal.noted("ROUTERS", "made the role and the function that routers log in and look with", term)
    except SqlFailed as failure:
        tools.journal.noted("ROUTERS", f"routers cannot be let in: {failure}", term)
