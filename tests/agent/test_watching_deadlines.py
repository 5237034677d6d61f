"""Which deadlines does the dead-man get, and whose word prolongs them?"""

import asyncio
import contextlib
from dataclasses import replace

from howdah.agent.answering import Answering
from howdah.agent.operations import DOOR_LIMIT_MS
from howdah.agent.procedures import fence, server
from howdah.agent.watching import close_door, confirm_round, has_deadline, renew, times_to_write
from howdah.cluster.actions import Promote, ResumeService, StartInRecovery
from howdah.cluster.changes import Renew
from howdah.cluster.observation import ServerState
from howdah.cluster.peerstate import Confirmation
from howdah.cluster.policy import LeaseTimes
from howdah.stores.memory import SwapFault
from howdah.values.member import Member
from tests.agent.playbook import GONE, PRIMARY, RECOVERY, Play
from tests.cluster.builders import N1, N2, N3, a_record, address_of
from tests.waiting import until


async def one_renewal(play: Play) -> None:
    """The endless renewal, until it sleeps for the first time."""
    task = asyncio.create_task(renew(play.tools))
    before = play.clock.now_ms
    await until(lambda: play.clock.now_ms != before, pause_s=0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_each_renewal_of_a_primary_moves_the_dead_man_s_deadline() -> None:
    async def story() -> Play:
        play = await Play().seen()
        play.situation.probed_boot_ms = play.clock.now_ms
        await one_renewal(play)
        return play

    play = asyncio.run(story())
    play.log.order("swap renew", "arm")
    assert play.deadman.deadline_ms == 1_000_000 + play.tools.policy.deadman_ms


SHORT = LeaseTimes(ttl_ms=2500, gate_ms=1600, kill_ms=1800, deadman_ms=2000)
LONG = LeaseTimes(ttl_ms=50_000, gate_ms=32_000, kill_ms=36_000, deadman_ms=40_000)


def configured(play: Play, times: LeaseTimes) -> Play:
    """The operator has changed the lease's times."""
    play.situation.probed_boot_ms = play.clock.now_ms
    policy = replace(
        play.tools.policy,
        lease_ttl_ms=times.ttl_ms, gate_ms=times.gate_ms, kill_ms=times.kill_ms, deadman_ms=times.deadman_ms,
    )  # fmt: skip
    play.situation.intents = replace(play.situation.intents, policy=policy)
    return play


def test_the_dead_man_knows_shorter_times_before_the_record_has_them() -> None:
    async def story() -> Play:
        play = configured(await Play().seen(), SHORT)
        told: list[int] = []
        play.log.at("swap", lambda: told.append(play.deadman.deadline_ms))
        await one_renewal(play)
        assert told == [1_000_000 + SHORT.deadman_ms]
        return play

    play = asyncio.run(story())
    assert play.record.lease == SHORT
    assert play.keeper.bonds.announced == ()


def test_the_dead_man_gets_longer_times_only_once_the_record_has_them() -> None:
    async def story() -> Play:
        play = configured(await Play().seen(), LONG)
        told: list[int] = []
        play.log.at("swap", lambda: told.append(play.deadman.deadline_ms))
        await one_renewal(play)
        assert told == [1_000_000 + 4000]
        return play

    play = asyncio.run(story())
    assert play.record.lease == LONG
    assert play.deadman.deadline_ms == 1_000_000 + LONG.deadman_ms


def test_shorter_times_whose_swap_was_not_answered_bind_the_holder() -> None:
    async def story() -> None:
        play = configured(await Play(record=a_record(lease=LONG)).seen(), SHORT)
        play.keeper.bonds.times = LONG
        play.store.faults.next_swap = SwapFault.LANDS_LATE
        task = asyncio.create_task(play.keeper.swap(Renew(N1, 5, lease=await times_to_write(play.tools, play.record))))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert play.keeper.unsettled
        assert play.situation.deadlines(play.keeper).deadman_ms == 1_000_000 + SHORT.deadman_ms

    asyncio.run(story())


def test_without_a_dead_man_to_tell_the_times_stay_as_they_are() -> None:
    async def story() -> Play:
        play = configured(await Play().seen(), SHORT)
        play.deadman.gone = True
        await one_renewal(play)
        return play

    assert asyncio.run(story()).record.lease == a_record().lease


def test_a_renewal_that_was_refused_sets_no_deadline() -> None:
    async def story() -> Play:
        play = await Play().seen()
        play.situation.probed_boot_ms = play.clock.now_ms
        play.log.at("swap", lambda: play.write(a_record(term=6, holder=N2, voters=(N1, N3))))
        await one_renewal(play)
        return play

    assert not asyncio.run(story()).log.has("arm")


def test_a_renewal_that_ends_after_the_server_is_gone_sets_no_deadline() -> None:
    async def story() -> Play:
        play = await Play().seen()
        play.situation.probed_boot_ms = play.clock.now_ms
        play.log.at("swap", lambda: server.gone(play.tools))
        await one_renewal(play)
        return play

    assert not asyncio.run(story()).log.has("arm")


def test_only_a_primary_or_one_in_the_making_has_a_deadline() -> None:
    play = Play(N1, GONE)
    for busy, expected in ((None, False), (StartInRecovery(), False), (ResumeService(5), True), (Promote(5), True)):
        play.situation.busy = busy
        assert has_deadline(play.tools) is expected
    assert not has_deadline(Play(N2, RECOVERY).tools)
    assert has_deadline(Play(N1, PRIMARY).tools)


def confirming(play: Play, *voters: Member) -> Play:
    """These answer that they are not revoked, and follow this server."""
    play.situation.served_term = 5
    here = play.situation.address
    play.peers.confirmations = {voter.name: Confirmation(voter, 5, upstream=here) for voter in voters}
    return play


def test_the_word_of_k_voters_prolongs_serving_and_the_dead_man_is_told() -> None:
    async def story() -> Play:
        play = confirming(await Play().seen(), N3)
        await confirm_round(play.tools, play.record)
        return play

    play = asyncio.run(story())
    assert play.situation.confirmed_sent_boot_ms == play.clock.now_ms
    assert play.log.has("arm")


def test_a_new_disk_under_a_voter_s_name_confirms_nothing() -> None:
    async def story() -> Play:
        play = confirming(await Play().seen(), Member("n2", "another"), Member("n3", "another"))
        await confirm_round(play.tools, play.record)
        return play

    play = asyncio.run(story())
    assert play.situation.confirmed_sent_boot_ms == 0
    assert not play.log.has("arm")


def test_a_confirmation_says_whom_the_voter_follows() -> None:
    async def story() -> None:
        play = await Play(N2, RECOVERY).seen()
        play.situation.facts = replace(await play.server.observe(), upstream=address_of(N1), upstream_name="n2.t5")
        answer = await Answering(play.tools).confirm(5)
        assert answer == Confirmation(N2, 5, play.situation.incarnation, address_of(N1))

    asyncio.run(story())


def test_a_voter_that_follows_another_primary_of_the_same_term_confirms_nothing() -> None:
    """The store was put back to an old copy: n2 won the term to which n1 had raised its own, and n3 follows n2."""

    async def story() -> Play:
        play = confirming(await Play().seen())
        play.peers.confirmations = {"n3": Confirmation(N3, 5, upstream=address_of(N2))}
        await confirm_round(play.tools, play.record)
        return play

    play = asyncio.run(story())
    assert play.situation.confirmed_sent_boot_ms == 0
    assert not play.log.has("arm")


def test_a_server_that_stopped_serving_while_it_asked_is_not_prolonged() -> None:
    async def story() -> Play:
        play = confirming(await Play().seen(), N2, N3)
        asking = asyncio.create_task(confirm_round(play.tools, play.record))
        await asyncio.sleep(0)
        await fence.close_gate(play.tools)
        await asking
        return play

    assert not asyncio.run(story()).log.has("arm")


def test_the_dead_man_rests_before_a_killed_server_counts_as_gone() -> None:
    async def story() -> None:
        play = await Play().seen()
        states: list[ServerState] = []
        play.log.at("disarm", lambda: states.append(play.situation.state))
        await server.kill(play.tools)
        assert states == [ServerState.PRIMARY]
        assert play.situation.state is ServerState.GONE

    asyncio.run(story())


def test_what_the_operator_accepted_does_not_act_on_some_later_trouble() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.situation.door = ("n1",)
        play.situation.door_until_boot_ms = play.clock.now_ms + DOOR_LIMIT_MS
        close_door(play.tools)
        assert play.situation.door == ("n1",)
        play.clock.now_ms += DOOR_LIMIT_MS + 1
        close_door(play.tools)
        return play

    assert asyncio.run(story()).situation.door is None
