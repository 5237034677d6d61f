"""What is not done any more when the one who was given up, or revoked, is heard of again?"""

import asyncio
from dataclasses import replace

import pytest

from howdah.agent.answering import Answering
from howdah.agent.intentions import CONFIG
from howdah.agent.keeper import Keeper
from howdah.agent.procedures import beginnings, fence
from howdah.agent.tools import Failed
from howdah.cluster.actions import ForcePromotion
from howdah.cluster.changes import NotAllowed, Win, apply
from howdah.cluster.localstate import Marker
from howdah.cluster.peerstate import PromiseRequest, Refusal, Report
from howdah.cluster.record import Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.configuration.intents import read_intents, write_intents
from howdah.ports.peers import PeerView
from howdah.values.lsn import NO_LSN
from howdah.values.member import Member
from tests.agent.playbook import GONE, PRIMARY, RECOVERY, Play
from tests.cluster.builders import END, N1, N2, N3, RECORD, SYSTEM, a_directory, a_peer, a_record, a_report, at


async def lease_runs_out(play: Play) -> None:
    """The record is read now and then for ten seconds, and nobody renews."""
    for _ in range(10):
        play.clock.now_ms += 1000
        await play.keeper.refresh()


def test_a_primary_that_has_not_heard_the_store_yet_is_not_killed_for_a_vote() -> None:
    """An agent that was started again beside its running primary does not know yet that it holds the record."""

    async def story() -> Play:
        play = Play(N1, PRIMARY)
        answer = await Answering(play.tools).promise(PromiseRequest(6, RECORD, "n2"))
        assert isinstance(answer, Refusal)
        return play

    assert asyncio.run(story()).log.effects == []


def test_a_standby_that_has_not_heard_the_store_yet_reports_for_the_asker_s_record() -> None:
    async def story() -> Play:
        play = Play(N2, RECOVERY)
        answer = await Answering(play.tools).promise(PromiseRequest(6, RECORD, "n3"))
        assert isinstance(answer, Report) and answer.basis == RECORD.basis
        return play

    asyncio.run(story()).log.order("remember promise=6", "configure", "pause")


def test_the_door_closes_when_the_holder_renews_its_lease() -> None:
    async def story(renews: bool) -> Play:
        play = await Play(N2, RECOVERY).seen()
        await lease_runs_out(play)
        if renews:
            play.write(a_record(lease_counter=11))
        play.peers.reports["n3"] = a_report(N3, 1900)
        await beginnings.force_promotion(play.tools, ForcePromotion(RECORD.basis, ("n1",)))
        return play

    play = asyncio.run(story(renews=False))
    play.log.order("remember promise=6", "ask n3 6", "swap")
    assert (play.record.holder, play.record.forced_terms) == (N2, (6,))
    with pytest.raises(Failed, match="renewed its lease"):
        asyncio.run(story(renews=True))


@pytest.mark.parametrize(("promised", "begun_in"), [(0, 1), (2, 3)])
def test_a_first_start_that_begins_again_takes_a_term_that_nobody_had(promised: int, begun_in: int) -> None:
    """The store may have been wiped while another node was initialising in a term of its own."""
    fresh = Play(N1, GONE)
    fresh.situation.local = replace(fresh.situation.local, promise=0, won_term=0, record=None)
    fresh.documents.wipe()
    for member in (N2, N3):
        told = a_peer(member, promise=promised if member == N3 else 0, record=None).published
        fresh.peers.seen[member.name] = PeerView(told, 0, connected=True)
    asyncio.run(beginnings.begin_first_start(fresh.tools))
    assert fresh.record.term == begun_in


def test_a_first_start_is_taken_over_only_from_a_node_that_is_silent() -> None:
    first = a_record(phase=Phase.INITIALISING, term=1, voters=(), k=0, timelines=(), serving=False)

    async def story(silent: bool) -> Play:
        play = await Play(N2, GONE, first).seen()
        if silent:
            await lease_runs_out(play)
        await beginnings.take_over_first_start(play.tools)
        return play

    assert asyncio.run(story(silent=True)).record.holder == N2
    with pytest.raises(Failed, match="heard of again"):
        asyncio.run(story(silent=False))


def first_of(member: Member) -> Record:
    return a_record(
        phase=Phase.INITIALISING, term=2, holder=member, voters=(), k=0, timelines=(), serving=False,
        system_identifier="",
    )  # fmt: skip


def without_data(play: Play) -> Play:
    """Nothing lies in the directory's place until it is given an identity."""
    play.server.directory = DirectoryFacts(DirectoryState.EMPTY)
    play.log.at("identity", lambda: setattr(play.server, "directory", a_directory(N1)))
    return play


def test_the_first_directory_is_made_under_its_marker_and_named_before_the_record_learns_of_it() -> None:
    async def story() -> Play:
        play = without_data(await Play(N1, GONE, first_of(N1), promise=0, entries=()).seen())
        await beginnings.initialise(play.tools)
        return play

    play = asyncio.run(story())
    play.log.order("remember marker=initialising", "initialise", "identity id1", "swap", "remember")
    assert [(e.timeline, e.term) for e in play.record.timelines] == [(2, 2)]
    assert play.situation.local.marker is Marker.NONE


def test_a_first_directory_that_was_made_before_the_agent_died_is_gone_on_from_wherever_it_died() -> None:
    """In its place without an identity, with one, and in the record already."""
    for state, identity, in_record in (
        (DirectoryState.BROKEN, "", False), (DirectoryState.READY, "id1", False), (DirectoryState.READY, "id1", True),
    ):  # fmt: skip

        async def story(state: DirectoryState = state, identity: str = identity, told: bool = in_record) -> Play:
            record = first_of(N1)
            if told:
                record = replace(record, system_identifier=SYSTEM, timelines=(TimelineEntry(2, 2, 0, NO_LSN),))
            play = await Play(N1, GONE, record, promise=0, marker=Marker.INITIALISING).seen()
            play.server.directory = a_directory(N1, state=state, identity=identity)
            play.log.at("identity", lambda: setattr(play.server, "directory", a_directory(N1)))
            await beginnings.initialise(play.tools)
            return play

        play = asyncio.run(story())
        assert play.log.has("identity id1") is (identity == "")
        assert play.log.has("initialise") is (identity == "")
        play.log.order("swap", "remember")
        assert (play.record.system_identifier, play.situation.local.marker) == (SYSTEM, Marker.NONE)


def test_a_first_directory_that_cannot_be_read_is_not_begun_with() -> None:
    async def story() -> Play:
        play = await Play(N1, GONE, first_of(N1), marker=Marker.INITIALISING).seen()
        play.server.directory = a_directory(N1, state=DirectoryState.BROKEN)
        with pytest.raises(Failed, match="broken"):
            await beginnings.initialise(play.tools)
        return play

    assert not asyncio.run(story()).log.has("swap")


def test_a_first_directory_of_somebody_else_is_not_taken() -> None:
    async def story() -> Play:
        play = await Play(N1, GONE, first_of(N1), marker=Marker.INITIALISING).seen()
        play.server.directory = a_directory(N1, identity="somebody")
        with pytest.raises(Failed, match="somebody"):
            await beginnings.initialise(play.tools)
        return play

    assert not asyncio.run(story()).log.has("identity")


WIN = Win(N2, 6, a_record(released=True).basis, at(5, 2000), TimelineEntry(3, 6, 2, END, 5))


def test_taking_back_and_winning_cannot_both_happen_in_either_order() -> None:
    handed = a_record(released=True, serving=False)

    async def story() -> Play:
        play = await Play(N1, GONE, handed).seen()
        await fence.take_back(play.tools)
        return play

    taken = asyncio.run(story()).record
    assert not taken.released
    assert isinstance(apply(WIN, taken), NotAllowed)

    async def too_late() -> None:
        play = await Play(N1, GONE, handed).seen()
        won = apply(WIN, handed)
        assert not isinstance(won, NotAllowed)
        play.write(won)
        with pytest.raises(Failed, match="n2 holds the record"):
            await fence.take_back(play.tools)

    asyncio.run(too_late())


def test_a_lost_record_is_written_again_as_it_was_last_settled_and_not_as_the_disk_remembers_it() -> None:
    """The voters changed since the disk was written: an election by the old ones would find too little."""

    async def story() -> Play:
        play = await Play(N1, PRIMARY, a_record(lease_counter=20)).seen()
        play.write(a_record(voters=(N2,), lease_counter=21))
        await play.keeper.refresh()
        assert isinstance(play.keeper, Keeper) and play.situation.local.record == RECORD
        play.documents.wipe()
        await beginnings.recreate_record(play.tools)
        return play

    play = asyncio.run(story())
    assert play.record == replace(a_record(voters=(N2,)), generation=2, lease_counter=22, write_id=play.record.write_id)


def test_an_adopted_directory_s_settings_are_in_the_store_before_its_identity_and_the_operator_s_win() -> None:
    async def story() -> Play:
        play = without_data(await Play(N1, GONE, record=a_record(phase=Phase.INITIALISING, voters=(), k=0)).seen())
        play.situation.configured = replace(play.situation.configured, parameters={"work_mem": "7MB"})
        play.server.adopted = {"work_mem": "9MB", "max_connections": "130"}
        await beginnings.initialise(play.tools)
        return play

    play = asyncio.run(story())
    play.log.order("initialise", "write config", "identity", "swap")
    found = play.documents.current(CONFIG)
    assert found is not None
    expected = {"work_mem": "7MB", "max_connections": "130"}
    assert dict(read_intents(found.text).parameters) == expected
    assert dict(play.situation.intents.parameters) == expected
    assert dict(play.situation.configured.parameters) == expected


def test_settings_that_an_operator_wrote_into_the_store_already_stay_and_get_the_adopted_ones() -> None:
    async def story() -> Play:
        play = without_data(await Play(N1, GONE, record=a_record(phase=Phase.INITIALISING, voters=(), k=0)).seen())
        theirs = replace(play.situation.configured, paused=True, parameters={"work_mem": "8MB"})
        play.documents.swap(CONFIG, None, write_intents(theirs))
        play.server.adopted = {"work_mem": "9MB", "max_connections": "130"}
        await beginnings.initialise(play.tools)
        return play

    found = asyncio.run(story()).documents.current(CONFIG)
    assert found is not None
    assert dict(read_intents(found.text).parameters) == {"work_mem": "8MB", "max_connections": "130"}
    assert read_intents(found.text).paused
