"""Do routers hear of a planned restart before it begins, and does it happen whatever the store does?"""

import asyncio

from howdah.agent.procedures.drain import drain
from howdah.agent.procedures.fence import restart_server
from howdah.ports.postgres import ClientWork
from tests.agent.playbook import PRIMARY, RECOVERY, Play
from tests.cluster.builders import N1, N2


def test_a_primary_that_is_restarted_says_first_that_it_does_not_serve() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        play.server.work = ClientWork(1, 0)
        await restart_server(play.tools)
        return play

    play = asyncio.run(story())
    play.log.order("checkpoint", "look at clients", "swap", "look at clients", "stop")
    assert not play.record.serving and not play.record.released


def test_a_restart_happens_also_when_the_store_cannot_be_told() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        play.server.work = ClientWork(1, 0)
        play.store.faults.unreachable = True
        await restart_server(play.tools)
        return play

    play = asyncio.run(story())
    play.log.order("look at clients", "stop")
    assert play.record.serving


def test_a_server_that_nobody_is_sent_to_says_nothing() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.server.work = ClientWork(1, 1)
        await drain(play.tools)
        return play

    assert not asyncio.run(story()).log.has("swap")
