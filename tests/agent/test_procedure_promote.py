"""In which order does a winner become a primary, and a primary let clients in?"""

import asyncio
from dataclasses import replace

import pytest

from howdah.agent.procedures import promote
from howdah.agent.procedures.firstlook import first_look, settle_gate
from howdah.agent.tools import Failed, StillWaiting
from howdah.cluster.record import Mode, TimelineEntry
from howdah.cluster.serverfacts import HistoryStep
from howdah.ports.deadman import DeadmanGone
from tests.agent.playbook import GONE, PRIMARY, RECOVERY, Play
from tests.cluster.builders import END, ENTRIES, FACTS_HISTORY, N1, N2, N3, a_record, at

THIRD = TimelineEntry(3, 6, 2, END, 5)
WON = a_record(
    term=6, holder=N2, voters=(N1, N3), timelines=(*ENTRIES, THIRD), winner_position=at(5, 2000), serving=False
)
ON_THREE = {"timeline": 3, "history": (*FACTS_HISTORY, HistoryStep(2, END))}


def test_entry_setting_and_deadline_come_before_the_promotion() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY, WON, promise=6).seen()
        play.server.promoted_history = ON_THREE
        await promote.promote(play.tools, 6)
        return play

    play = asyncio.run(story())
    play.log.order(
        "remember won_term=6",
        "slots n1 n3",
        'configure closed upstream - sync ANY 1 ("n1.t6","n3.t6")',
        "reload",
        "end sessions",
        "arm",
        "promote",
        "end sessions",
    )
    assert THIRD in play.situation.local.entries
    assert play.situation.promoted_term == 6
    assert not play.log.has("swap")  # the map was right


def test_a_barrier_that_waits_for_its_voters_has_not_failed() -> None:
    async def story() -> None:
        play = await Play(N1, PRIMARY).seen()
        play.server.flushes = False
        play.situation.lead_failures = 2
        with pytest.raises(StillWaiting, match="have not flushed"):
            await promote.serve(play.tools, 5)
        assert (play.situation.served_term, play.situation.lead_failures) == (0, 2)
        play.server.flushes = True
        await promote.serve(play.tools, 5)
        assert (play.situation.served_term, play.situation.lead_failures) == (5, 0)

    asyncio.run(story())


def test_a_winner_whose_agent_was_started_anew_renews_before_its_dead_man_gets_a_deadline() -> None:
    """It has renewed nothing in this life: a deadline reckoned from that has passed, and the server would be killed."""

    async def story() -> Play:
        play = await Play(N2, RECOVERY, WON, promise=6).seen()
        play.server.promoted_history = ON_THREE
        play.tools.keeper.bonds.sent_boot_ms = 0
        await promote.promote(play.tools, 6)
        return play

    play = asyncio.run(story())
    play.log.order("swap", "arm", "promote")
    assert play.deadman.deadline_ms > play.clock.now_ms


def test_a_server_that_had_the_empty_setting_is_promoted_only_after_its_checkpointer_has_read_the_new_one() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY, WON, promise=6).seen()
        play.server.promoted_history = ON_THREE
        await promote.promote(play.tools, 6)
        return play

    asyncio.run(story()).log.order("configure", "reload", "checkpoint", "promote")


def test_nobody_is_promoted_whose_gate_may_still_stand_open_also_where_the_setting_stays_as_it_is() -> None:
    """In async mode the setting is empty before and after: it cannot show that the reload was read."""

    async def story(reads: bool) -> Play:
        record = replace(WON, mode=Mode.ASYNC, k=0, voters=())
        play = await Play(N2, RECOVERY, record, promise=6).seen()
        play.server.promoted_history = ON_THREE
        play.server.reads_reloads = reads
        if reads:
            await promote.promote(play.tools, 6)
        else:
            with pytest.raises(Failed, match="from before the reload"):
                await promote.promote(play.tools, 6)
        return play

    asyncio.run(story(reads=True)).log.order("configure closed", "reload", "promote")
    assert not asyncio.run(story(reads=False)).log.has("promote")


def test_what_the_promotion_really_made_is_in_the_record_before_anybody_follows() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY, WON, promise=6).seen()
        play.server.promoted_history = {"timeline": 4, "history": (*FACTS_HISTORY, HistoryStep(2, END))}
        play.log.at("swap", lambda: None if play.situation.promoted_term == 0 else pytest.fail("followed too early"))
        await promote.promote(play.tools, 6)
        return play

    play = asyncio.run(story())
    play.log.order("promote", "remember entries", "swap")
    assert play.record.current_entry == replace(THIRD, timeline=4)


def test_an_agent_that_died_after_the_promotion_corrects_the_record_before_it_serves() -> None:
    async def story() -> Play:
        play = await Play(N2, PRIMARY, WON, promise=6, entries=(*ENTRIES, THIRD)).seen()
        play.server.facts = {"timeline": 4, "history": (*FACTS_HISTORY, HistoryStep(2, END))}
        play.server.senders = tuple(
            replace(w, application_name=f"{name}.t6") for w, name in zip(play.server.senders, ("n1", "n3"), strict=True)
        )
        await promote.serve(play.tools, 6)
        return play

    play = asyncio.run(story())
    play.log.order("remember entries", "swap", "barrier 6", "swap serving=True", "configure open")
    assert play.record.current_entry == replace(THIRD, timeline=4)


def test_a_primary_on_the_timeline_from_before_its_promotion_serves_nobody() -> None:
    async def story() -> Play:
        play = await Play(N2, PRIMARY, WON, promise=6, entries=(*ENTRIES, THIRD)).seen()
        with pytest.raises(Failed, match="was not promoted in term 6"):
            await promote.serve(play.tools, 6)
        return play

    assert not asyncio.run(story()).log.has("configure")


def test_without_a_dead_man_nobody_is_promoted_or_started_as_a_primary() -> None:
    async def promotes() -> Play:
        play = await Play(N2, RECOVERY, WON, promise=6).seen()
        play.deadman.gone = True
        with pytest.raises(DeadmanGone):
            await promote.promote(play.tools, 6)
        return play

    async def resumes() -> Play:
        play = await Play(N1, GONE).seen()
        play.deadman.gone = True
        with pytest.raises(DeadmanGone):
            await promote.resume(play.tools, 5)
        return play

    assert not asyncio.run(promotes()).log.has("promote")
    assert not asyncio.run(resumes()).log.has("start")


def test_a_holder_starts_after_a_renewal_with_its_gate_closed_and_its_deadline_set() -> None:
    async def story() -> Play:
        play = await Play(N1, GONE).seen()
        await promote.resume(play.tools, 5)
        return play

    asyncio.run(story()).log.order(
        "swap serving=False", 'configure closed upstream - sync ANY 1 ("n2.t5","n3.t5")', "arm", "start primary"
    )


def test_a_holder_starts_with_the_voters_that_the_renewal_found() -> None:
    """A swap of the agent that died here lands between our read and our renewal: n3 is no voter any more."""

    async def story() -> Play:
        play = await Play(N1, GONE).seen()
        play.write(a_record(voters=(N2,), lease_counter=11))
        await promote.resume(play.tools, 5)
        return play

    asyncio.run(story()).log.order('configure closed upstream - sync ANY 1 ("n2.t5")', "start primary")


def test_barrier_then_renewal_then_gate() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY, a_record(serving=False)).seen()
        await promote.serve(play.tools, 5)
        return play

    play = asyncio.run(story())
    play.log.order("end sessions", "barrier 5", "end sessions", "swap serving=True", "arm", "configure open", "reload")
    assert play.situation.served_term == 5


def test_a_barrier_that_too_few_voters_flush_lets_nobody_in() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY, a_record(serving=False)).seen()
        play.server.flushes = False
        with pytest.raises(Failed, match="have not flushed the barrier"):
            await promote.serve(play.tools, 5)
        return play

    play = asyncio.run(story())
    assert not play.log.has("swap")
    assert not play.log.has("configure open")


def test_a_barrier_of_other_voters_than_the_record_s_lets_nobody_in() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY, a_record(serving=False)).seen()
        play.log.at("barrier", lambda: play.write(a_record(voters=(N2,), serving=False, lease_counter=11)))
        with pytest.raises(Failed, match="others now"):
            await promote.serve(play.tools, 5)
        return play

    play = asyncio.run(story())
    assert not play.record.serving
    assert not play.log.has("configure open")


def test_an_agent_frozen_after_its_renewal_opens_no_gate() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY, a_record(serving=False)).seen()

        def freeze() -> None:
            play.clock.now_ms += 60_000

        play.log.at("arm", freeze)
        with pytest.raises(Failed, match="lease ran out"):
            await promote.serve(play.tools, 5)
        return play

    assert not asyncio.run(story()).log.has("configure open")


def test_an_adopted_primary_that_served_is_not_interrupted() -> None:
    async def story() -> Play:
        play = Play(N1, PRIMARY)
        play.deadman.deadline_ms = play.clock.now_ms + 2000
        await first_look(play.tools)
        await play.keeper.refresh()
        settle_gate(play.tools)
        await promote.serve(play.tools, 5)
        return play

    play = asyncio.run(story())
    play.log.order("barrier 5", "swap", "arm", "configure open", "reload")
    assert not play.log.has("end sessions")


def test_an_adopted_primary_that_never_served_gets_its_gate_opened_after_the_barrier_only() -> None:
    async def story() -> Play:
        play = Play(N1, PRIMARY, a_record(serving=False))
        play.deadman.deadline_ms = play.clock.now_ms + 2000
        await first_look(play.tools)
        believed = [play.situation.gate_open]
        await play.keeper.refresh()
        settle_gate(play.tools)
        believed.append(play.situation.gate_open)
        assert believed == [True, False]  # first the worse for fencing, then the truth for what is written
        await promote.serve(play.tools, 5)
        return play

    asyncio.run(story()).log.order("barrier 5", "end sessions", "swap serving=True", "configure open")


def recognised(play: Play) -> int:
    async def story() -> None:
        await first_look(play.tools)
        await play.keeper.refresh()
        settle_gate(play.tools)

    asyncio.run(story())
    return play.situation.promoted_term


def test_others_may_follow_an_adopted_primary_whose_barrier_waits_for_just_them() -> None:
    assert recognised(Play(N1, PRIMARY, a_record(serving=False))) == 5


def test_an_adopted_primary_of_an_earlier_term_or_with_another_timeline_than_the_map_is_not_followed_yet() -> None:
    assert recognised(Play(N1, PRIMARY, a_record(serving=False, holder=N2))) == 0
    other = Play(N1, PRIMARY, a_record(serving=False))
    other.server.facts = {"timeline": 9}
    assert recognised(other) == 0


def test_an_agent_that_starts_resumes_replay() -> None:
    async def story() -> Play:
        play = Play(N2, RECOVERY)
        play.server.facts = {"replay_paused": True}
        await first_look(play.tools)
        return play

    assert asyncio.run(story()).log.has("resume replay")


def test_an_adopted_primary_without_a_deadline_gets_one_at_once() -> None:
    async def story() -> Play:
        play = Play(N1, PRIMARY)
        await first_look(play.tools)
        return play

    play = asyncio.run(story())
    assert play.log.effects == ["arm"]
    assert 0 < play.deadman.deadline_ms - play.clock.now_ms < play.tools.policy.deadman_ms


def test_an_adopted_primary_keeps_the_deadline_that_its_dead_man_holds() -> None:
    async def story() -> None:
        play = Play(N1, PRIMARY)
        play.deadman.deadline_ms = held = play.clock.now_ms + 1234
        await first_look(play.tools)
        assert play.deadman.deadline_ms == held
        assert play.situation.deadlines(play.keeper).deadman_ms == held

    asyncio.run(story())
