"""Which answers of the local server are believed?"""

import asyncio
from dataclasses import replace
from typing import cast

from howdah.agent.procedures import server
from howdah.agent.tools import Tools
from howdah.agent.watching import probe_once
from howdah.cluster.observation import ServerState
from howdah.cluster.serverfacts import ServerFacts
from howdah.ports.postgres import ConnectionsTaken, Standby
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


class Full:
    """A server that lets nobody in any more; who is in stays."""

    def __init__(self, facts: ServerFacts) -> None:
        self._facts = facts

    async def observe(self, new_connection: bool = True) -> ServerFacts:
        if new_connection:
            raise ConnectionsTaken("sorry, too many clients already")
        return self._facts


def test_a_server_whose_connections_are_all_taken_is_seen_through_the_kept_one_and_not_taken_for_silent() -> None:
    async def story() -> Play:
        play = await Play(state=RECOVERY).seen()
        facts = await play.tools.standby.observe()
        tools: Tools = replace(play.tools, standby=cast(Standby, Full(facts)))
        for _ in range(play.tools.policy.probe_failures_max + 1):
            await probe_once(tools)
        return play

    situation = asyncio.run(story()).situation
    assert situation.state is ServerState.RECOVERY
    assert situation.probe_failures == 0


def test_an_answer_from_before_a_promotion_does_not_make_the_primary_a_standby_again() -> None:
    async def story() -> Play:
        play = await Play(state=RECOVERY).seen()
        before = await play.tools.standby.observe()
        late = Overtaken(play, before, replace(before, in_recovery=False))
        tools: Tools = replace(play.tools, standby=cast(Standby, late))
        await probe_once(tools)
        return play

    assert asyncio.run(story()).situation.state is ServerState.PRIMARY
