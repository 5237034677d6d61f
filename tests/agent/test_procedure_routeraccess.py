"""How do routers come to be let in?"""

import asyncio
from dataclasses import replace

from howdah.agent.procedures.routeraccess import keep_router_access
from howdah.ports.postgres import SqlFailed
from tests.agent.playbook import PRIMARY, Play
from tests.cluster.builders import N1


def test_that_routers_are_let_in_is_told_and_so_is_a_failure_which_disturbs_nothing() -> None:
    async def made() -> bool:
        return True

    async def failed() -> bool:
        raise SqlFailed("no space left")

    async def story() -> None:
        play = await Play(N1, PRIMARY).seen()
        await keep_router_access(play.tools)
        assert play.journal.noted_rules == []  # there was nothing to do
        await keep_router_access(replace(play.tools, let_routers_in=made))
        await keep_router_access(replace(play.tools, let_routers_in=failed))
        assert play.journal.noted_rules == ["ROUTERS", "ROUTERS"]

    asyncio.run(story())
