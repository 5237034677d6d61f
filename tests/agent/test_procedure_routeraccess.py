"""How do routers come to be let in?"""

import asyncio
from dataclasses import replace

from howdah.agent.procedures.routeraccess import LOOK_MS, LookTimes, keep_router_access
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


def test_it_is_looked_as_soon_as_a_term_is_served_and_again_from_time_to_time() -> None:
    times = LookTimes()
    assert not times.due(0, True, 1000)
    assert not times.due(5, False, 1000)
    assert times.due(5, True, 1000)
    assert not times.due(5, True, 1000 + LOOK_MS - 1)
    assert times.due(5, True, 1000 + LOOK_MS)
    assert times.due(6, True, 1000 + LOOK_MS + 1)
