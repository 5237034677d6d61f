"""In which order does a primary hand over, and its heir take over?"""

import asyncio
from dataclasses import replace

import pytest

from howdah.agent.procedures import campaign, switchover
from howdah.cluster.actions import Campaign, Switchover
from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.observation import ServerState
from howdah.cluster.record import Handover
from howdah.cluster.suspicion import Ground
from howdah.ports.postgres import ClientWork, SqlFailed
from howdah.values.lsn import Lsn
from tests.agent.playbook import PRIMARY, RECOVERY, Play
from tests.cluster.builders import N1, N2, N3, a_record, a_walsender, at

REQUEST = SwitchoverRequest("leaving", "n2", 0)


def test_checkpoint_then_gate_then_stop_then_the_hand_over_at_what_the_stop_left() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        stopped = replace(play.server.directory, clean=True, timeline=2, end_lsn=Lsn(2500))
        play.log.at("stop", lambda: setattr(play.server, "directory", stopped))
        await switchover.switchover(play.tools, Switchover(REQUEST, "n2"))
        return play

    play = asyncio.run(story())
    play.log.order("checkpoint", "configure closed", "reload", "end sessions", "stop", "swap")
    # The stop verified that no process is left: nothing is killed and looked for once more.
    assert not play.log.has("kill")
    assert play.situation.state is ServerState.GONE


def test_routers_are_told_before_the_gate_closes_and_what_runs_may_end() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        play.server.work = ClientWork(2, 1)
        looks = 0

        def ended() -> None:
            nonlocal looks
            looks += 1
            if looks < 12:
                play.log.at("look at clients", ended)
            else:
                play.server.work = ClientWork(2, 0)

        play.log.at("look at clients", ended)
        await switchover.switchover(play.tools, Switchover(REQUEST, "n2"))
        return play

    play = asyncio.run(story())
    play.log.order(
        "checkpoint", "look at clients", "swap", "look at clients", "configure closed", "end sessions", "stop"
    )
    assert len([effect for effect in play.log.effects if effect == "look at clients"]) >= 12


def test_a_transaction_that_does_not_end_is_not_waited_for_for_ever() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        play.server.work = ClientWork(1, 1)
        await switchover.switchover(play.tools, Switchover(REQUEST, "n2"))
        return play

    asyncio.run(story()).log.order("checkpoint", "swap", "configure closed", "stop")


def test_where_no_router_is_nobody_waits_and_the_record_says_nothing_of_it() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        play.server.work = ClientWork(0, 5)
        await switchover.switchover(play.tools, Switchover(REQUEST, "n2"))
        return play

    play = asyncio.run(story())
    shut = next(number for number, effect in enumerate(play.log.effects) if effect.startswith("configure closed"))
    assert not any(effect.startswith("swap") for effect in play.log.effects[:shut])


def test_a_stalled_standby_s_walsender_that_does_not_end_fails_the_hand_over_before_any_client_is_shut_out() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        play.server.senders = (a_walsender(N2), a_walsender(N3, state="catchup"))
        play.log.at("end walsenders", stuck)
        with pytest.raises(SqlFailed):
            await switchover.switchover(play.tools, Switchover(REQUEST, "n2"))
        return play

    def stuck() -> None:
        raise SqlFailed("walsenders do not end: stopped or stuck")

    play = asyncio.run(story())
    play.log.order("checkpoint", "end walsenders")
    assert not play.log.has("configure closed")


def test_who_was_handed_the_lead_has_its_slots_before_it_wins() -> None:
    async def story() -> Play:
        record = a_record(serving=False, released=True, handover=Handover("n2", at(5, 2000)))
        play = await Play(N2, RECOVERY, record).seen()
        await campaign.campaign(play.tools, Campaign(6, Ground.RELEASED))
        return play

    asyncio.run(story()).log.order("slots n1 n3", "swap")
