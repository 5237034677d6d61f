"""In which order does a server come to stream from the primary, and what is durable before?"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from howdah.agent.procedures import follow, server
from howdah.agent.tools import Failed
from howdah.cluster.actions import Clone, Follow, Leaving, LetGo, Rewind, StartFollowing
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import ServerState
from howdah.cluster.record import TimelineEntry
from howdah.ports.postgres import ServerSettings, SqlFailed, Upstream
from howdah.values.lsn import Lsn
from howdah.values.position import Position
from tests.agent.playbook import GONE, RECOVERY, Play
from tests.cluster.builders import ENTRIES, FIRST, N1, N2, N3, a_record, address_of, at

FLOOR = at(5, 1500)
OTHER_PROMOTION = a_record(term=6, holder=N3, voters=(N1, N2), timelines=(*ENTRIES, TimelineEntry(3, 6, 2, Lsn(1800))))


BEFORE_THE_SWITCH = {"timeline": 1, "history": (), "end_lsn": Lsn(900)}
OLD_UPSTREAM = ServerSettings(Upstream(address_of(N3), "n2.t1", ""), sync_names="", gate_open=False)


async def behind(**facts: Any) -> Play:
    """n2 in recovery, on the timeline that n1 left at 1000, still streaming from n3."""
    play = Play(N2, RECOVERY, promise=0, entries=(FIRST,))
    play.server.facts = {**BEFORE_THE_SWITCH, **facts}
    play.server.live = play.server.files = OLD_UPSTREAM
    return await play.seen()


def test_promise_and_map_are_durable_before_the_upstream_is_written() -> None:
    async def story() -> Play:
        play = await behind()
        await follow.follow(play.tools, Follow(N1, 5, "n2.t5", "n1"))
        return play

    play = asyncio.run(story())
    play.log.order("remember promise=5 entries", "configure open upstream n1 as n2.t5", "reload")
    assert play.situation.prefix_term == 5


def test_the_old_stream_is_proved_over_before_the_history_is_compared_and_the_name_taken() -> None:
    async def story() -> Play:
        play = await behind()
        await follow.follow(play.tools, Follow(N1, 5, "n2.t5", "n1"))
        return play

    play = asyncio.run(story())
    play.log.order("configure closed upstream -", "reload", "pause", "resume", "configure open upstream n1 as n2.t5")


def test_wal_from_past_the_switch_that_the_old_stream_still_brought_keeps_a_server_from_the_voters_name() -> None:
    """The decision saw the server at 900; its receiver was still running and brought more than n1 has of that
    timeline: n1 would count its position as a flush (PREFIX)."""

    async def story() -> Play:
        play = await behind()
        play.log.at("configure", lambda: play.server.facts.update(end_lsn=Lsn(1100)))
        with pytest.raises(Failed, match="not a prefix"):
            await follow.follow(play.tools, Follow(N1, 5, "n2.t5", "n1"))
        return play

    play = asyncio.run(story())
    assert not play.log.has("remember")
    assert not any("n2.t5" in effect for effect in play.log.effects)


def test_the_older_primary_is_let_go_under_the_promise_and_provably_so() -> None:
    async def story() -> Play:
        play = await behind()
        await follow.let_go(play.tools, LetGo(N1, 5))
        return play

    play = asyncio.run(story())
    play.log.order("remember promise=5", "configure closed upstream -", "reload", "pause", "resume")
    assert play.situation.local.entries == (FIRST,)  # the winner may still correct its entry


def test_what_was_let_go_is_compared_as_it_was_after_the_proof_and_not_looked_at_again() -> None:
    async def let_go(brought: int) -> Play:
        play = await behind()
        play.log.at("configure", lambda: play.server.facts.update(end_lsn=Lsn(brought)))
        await follow.let_go(play.tools, LetGo(N1, 5))
        return play

    async def follows() -> Play:
        play = await let_go(950)
        looks = play.situation.looks
        play.log.at("configure open upstream n1", lambda: play.log.note(f"looks {play.situation.looks - looks}"))
        await follow.follow(play.tools, Follow(N1, 5, "n2.t5", "n1"))
        return play

    async def brought_more() -> None:
        play = await let_go(1100)
        with pytest.raises(Failed, match="not a prefix"):
            await follow.follow(play.tools, Follow(N1, 5, "n2.t5", "n1"))

    play = asyncio.run(follows())
    assert play.log.has("looks 0")
    assert play.situation.cut_term == 0  # from now on something is received again
    asyncio.run(brought_more())


def test_a_server_that_was_started_anew_after_it_let_go_is_looked_at() -> None:
    async def story() -> int:
        play = await behind()
        await follow.let_go(play.tools, LetGo(N1, 5))
        await server.kill(play.tools)
        return play.situation.cut_term

    assert asyncio.run(story()) == 0


def test_a_server_that_promised_more_follows_nobody() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY, promise=7).seen()
        with pytest.raises(Failed, match="NEVER WITHDRAWN"):
            await follow.follow(play.tools, Follow(N1, 5, "n2.t5", "n1"))
        return play

    assert not asyncio.run(story()).log.has("configure")


def test_a_promise_while_the_slot_is_asked_for_keeps_a_server_from_starting_on_its_upstream() -> None:
    async def story() -> Play:
        play = await Play(N2, GONE).seen()
        local = play.situation.local
        play.log.at("release slot", lambda: play.situation.remember(replace(local, promise=6)))
        with pytest.raises(Failed, match="NEVER WITHDRAWN"):
            await follow.start_following(play.tools, StartFollowing(N1, 5))
        return play

    play = asyncio.run(story())
    assert not play.log.has("configure")
    assert not play.log.has("start")


def test_floor_and_marker_come_before_the_rewind_and_the_identity_after_it() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        await follow.rewind(play.tools, Rewind("n1", FLOOR))
        return play

    play = asyncio.run(story())
    play.log.order("stop", "remember floor=5 marker=rewinding", "rewind n1", "identity id2", "remember marker=none")
    assert play.situation.local.floor == FLOOR


def test_a_rewind_that_ended_under_another_promotion_is_no_whole_directory() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.log.at("rewind", lambda: play.write(OTHER_PROMOTION))
        with pytest.raises(Failed, match="another primary leads"):
            await follow.rewind(play.tools, Rewind("n1", FLOOR))
        return play

    play = asyncio.run(story())
    assert play.situation.local.marker is Marker.REWINDING
    assert not play.log.has("identity")


def test_a_rewind_goes_by_what_the_store_says_once_it_answers_again() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.log.at("rewind", lambda: setattr(play.store.faults, "next_read_fails", True))
        await follow.rewind(play.tools, Rewind("n1", FLOOR))
        return play

    assert asyncio.run(story()).situation.local.marker is Marker.NONE


def test_a_rewind_waits_for_no_store_once_the_agent_is_to_stop() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.situation.leaving = Leaving.NODE
        play.log.at("rewind", lambda: setattr(play.store.faults, "next_read_fails", True))
        with pytest.raises(Failed, match="whose copy"):
            await follow.rewind(play.tools, Rewind("n1", FLOOR))
        return play

    assert asyncio.run(story()).situation.local.marker is Marker.REWINDING


def test_the_floor_is_durable_before_the_clone_and_the_old_directory_stays_until_the_new_one_is_past_it() -> None:
    async def story() -> Play:
        play = await Play(N2, GONE).seen()
        await follow.clone(play.tools, Clone("n1", FLOOR, keep_aside=False))
        await follow.finish_floor(play.tools)
        return play

    play = asyncio.run(story())
    play.log.order(
        "remember floor=5",
        "clone n1",
        "remember member_id",
        "install clone",
        "identity",
        "remember marker=none",
        "remember floor=None",
        "discard old",
    )


def test_a_clone_has_to_reach_what_the_old_server_had_when_it_was_stopped() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.log.at("clone", lambda: play.server.facts.update(end_lsn=Lsn(2500)))
        await follow.clone(play.tools, Clone("n1", at(5, 2000), keep_aside=False))
        return play

    play = asyncio.run(story())
    play.log.order("stop", "remember", "install clone")
    assert play.situation.local.floor == at(5, 2500)


async def cloned(floor: Position | None, state: str = GONE, marker: Marker = Marker.NONE, dies: bool = False) -> str:
    """The member id after a clone of n2."""
    play = await Play(N2, state, marker=marker).seen()
    if dies:
        play.log.at("clone", lambda: setattr(play.situation, "state", ServerState.GONE))
    await follow.clone(play.tools, Clone("n1", floor, keep_aside=False))
    return play.situation.local.member_id


def test_a_clone_whose_floor_covers_all_that_the_old_directory_acknowledged_stays_the_same_member() -> None:
    assert asyncio.run(cloned(FLOOR, RECOVERY)) == "id2"
    assert asyncio.run(cloned(FLOOR, RECOVERY, dies=True)) == "id2"  # it was blank
    assert asyncio.run(cloned(FLOOR, marker=Marker.REWINDING)) == "id2"


def test_a_clone_of_which_nobody_knows_what_the_old_directory_acknowledged_is_another_member() -> None:
    assert asyncio.run(cloned(None)) != "id2"
    assert asyncio.run(cloned(FLOOR)) != "id2"  # it died, perhaps past its floor

    async def streamed_and_died() -> str:
        play = Play(N2, RECOVERY)
        play.server.facts = {"upstream": play.peers.seen["n1"].published.address}
        await play.seen()
        play.log.at("clone", lambda: setattr(play.situation, "state", ServerState.GONE))
        await follow.clone(play.tools, Clone("n1", FLOOR, keep_aside=False))
        return play.situation.local.member_id

    assert asyncio.run(streamed_and_died()) != "id2"


def test_a_clone_that_ended_under_another_promotion_is_not_installed() -> None:
    async def story() -> Play:
        play = await Play(N2, GONE).seen()
        play.log.at("clone", lambda: play.write(OTHER_PROMOTION))
        with pytest.raises(Failed, match="another primary leads"):
            await follow.clone(play.tools, Clone("n1", FLOOR, keep_aside=False))
        return play

    assert not asyncio.run(story()).log.has("install")


def test_a_clone_survives_that_its_source_raised_its_term_in_place() -> None:
    async def story() -> Play:
        play = await Play(N2, GONE).seen()
        play.log.at("clone", lambda: play.write(a_record(term=7)))
        await follow.clone(play.tools, Clone("n1", FLOOR, keep_aside=False))
        return play

    play = asyncio.run(story())
    assert play.situation.local.marker is Marker.NONE
    assert play.situation.local.record is not None and play.situation.local.record.term == 7


def test_a_server_that_cannot_be_asked_any_more_is_not_replaced_yet() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.log.at("clone", lambda: setattr(play.server, "answers", False))
        with pytest.raises(SqlFailed):
            await follow.clone(play.tools, Clone("n1", FLOOR, keep_aside=False))
        return play

    assert not asyncio.run(story()).log.has("install")
