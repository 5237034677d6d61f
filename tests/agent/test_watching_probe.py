"""Which answers of the local server are believed?"""

import asyncio
from dataclasses import replace
from typing import cast

from howdah.agent.procedures import server
from howdah.agent.tools import Tools
from howdah.agent.watching import probe_once
from howdah.cluster.observation import ServerState
from howdah.cluster.serverfacts import ServerFacts
from howdah.ports.postgres import Standby
from tests.agent.playbook import RECOVERY, Play


class Overtaken:
    """The server answers, and before the answer is here somebody else looks at the server again."""

    def __init__(self, play: Play, asked: ServerFacts, meanwhile: ServerFacts) -> None:
        self._play = play
        self._asked = asked
        self._meanwhile = meanwhile

    async def observe(self) -> ServerFacts:
        server.took(self._play.tools, self._meanwhile)
        return self._asked


def test_an_answer_from_before_a_promotion_does_not_make_the_primary_a_standby_again() -> None:
    async def story() -> Play:
        play = await Play(state=RECOVERY).seen()
        before = await play.tools.standby.observe()
        late = Overtaken(play, before, replace(before, in_recovery=False))
        tools: Tools = replace(play.tools, standby=cast(Standby, late))
        await probe_once(tools)
        return play

    assert asyncio.run(story()).situation.state is ServerState.PRIMARY
