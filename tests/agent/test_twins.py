"""Whose word counts where two agents speak under one name?"""

import asyncio
from dataclasses import replace

from howdah.agent.answering import Answering
from howdah.agent.procedures import fence
from howdah.agent.procedures.campaign import campaign
from howdah.agent.tools import Failed
from howdah.agent.watching import confirm_round
from howdah.cluster.actions import Campaign
from howdah.cluster.peerstate import Confirmation, PromiseRequest, Refusal
from howdah.cluster.record import Record
from howdah.cluster.suspicion import Ground
from howdah.ports.peers import PeerView
from tests.agent.playbook import PRIMARY, RECOVERY, Play
from tests.cluster.builders import N1, N2, N3, a_peer, a_record, a_report

HEARD, OTHER = "disk.boot1.aa", "copy.boot1.bb"


def heard(play: Play, name: str, incarnation: str) -> None:
    """This process is the one that is heard under the name."""
    member = {"n2": N2, "n3": N3}[name]
    play.peers.seen[name] = PeerView(replace(a_peer(member).published, incarnation=incarnation), 0, connected=True)


def stands(play: Play) -> str:
    """Why the election failed; "" if it was won."""
    try:
        asyncio.run(_stands(play))
    except Failed as failure:
        return str(failure)
    return ""


async def _stands(play: Play) -> None:
    await play.seen()
    play.keeper.policy = play.tools.policy
    await campaign(play.tools, Campaign(6, Ground.EXPIRED))


def test_a_report_of_another_agent_than_the_one_that_is_heard_is_not_counted() -> None:
    for incarnation, won in ((HEARD, True), ("", True), (OTHER, False)):
        play = Play(N2, RECOVERY)
        heard(play, "n3", HEARD)
        play.peers.reports["n3"] = a_report(N3, incarnation=incarnation)
        failure = stands(play)
        assert (failure == "") is won, failure
        assert ("REFUSED" in play.journal.noted_rules) is not won


def test_a_confirmation_of_another_agent_than_the_one_that_is_heard_is_not_counted() -> None:
    async def story(incarnation: str) -> int:
        play = await Play(N1, PRIMARY).seen()
        play.situation.served_term = 5
        heard(play, "n3", HEARD)
        play.peers.confirmations = {"n3": Confirmation(N3, 5, incarnation, play.situation.address)}
        await confirm_round(play.tools, play.record)
        return play.situation.confirmed_sent_boot_ms

    assert asyncio.run(story(HEARD))
    assert not asyncio.run(story(OTHER))


def test_an_agent_with_a_twin_promises_nothing_and_confirms_nothing() -> None:
    async def story(field: str) -> None:
        play = await Play(N2, RECOVERY).seen()
        setattr(play.situation, field, "another agent may have this name")
        answering = Answering(play.tools)
        asked = PromiseRequest(6, a_record(), "n3")
        async with asyncio.timeout(5):
            assert isinstance(await answering.promise(asked), Refusal)
            assert isinstance(await answering.confirm(5), Refusal)
        assert play.situation.local.promise == 5

    asyncio.run(story("twin"))
    asyncio.run(story("unclaimed"))


def test_a_copy_of_the_holder_is_no_holder_whose_word_counts_for_all() -> None:
    for incarnation, counts in ((HEARD, True), (OTHER, False)):
        play = Play(N1, RECOVERY, a_record(incarnation="disk.boot1.before", released=True))
        play.situation.incarnation = incarnation
        assert play.situation.holds(play.record) is counts


def test_a_lease_of_another_seat_is_taken_over_only_once_it_ran_out() -> None:
    async def story() -> Record:
        play = Play(N1, RECOVERY, a_record(incarnation=OTHER))
        play.keeper._incarnation = play.situation.incarnation = HEARD
        await play.seen()
        try:
            await fence.take_over_lease(play.tools, 6)
        except Failed as failure:
            assert "renewed its lease" in str(failure)
        for _ in range(6):
            play.clock.now_ms += 1000
            await play.keeper.refresh()
        await fence.take_over_lease(play.tools, 6)
        return play.record

    taken = asyncio.run(story())
    assert (taken.term, taken.incarnation, taken.serving) == (6, HEARD, False)
