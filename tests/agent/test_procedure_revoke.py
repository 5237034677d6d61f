"""In which order does a server revoke itself, and an election count?"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from howdah.agent.procedures.campaign import campaign, catch_up
from howdah.agent.procedures.revoke import revoke
from howdah.agent.tools import Failed
from howdah.cluster.actions import Campaign, CatchUp
from howdah.cluster.localstate import Marker
from howdah.cluster.record import Handover, Mode
from howdah.cluster.serverfacts import ReplayView, ServerFacts
from howdah.cluster.suspicion import Ground
from howdah.ports.postgres import ServerSettings, Upstream
from howdah.values.lsn import Lsn
from tests.agent.playbook import GONE, PRIMARY, RECOVERY, HandServer, Play
from tests.cluster.builders import N1, N2, N3, RECORD, a_record, a_report, address_of, at

FOLLOWS_N1 = ServerSettings(Upstream(address_of(N1), "n2.t5", ""), sync_names="x", gate_open=True)


class StuckStandby(HandServer):
    """Another's server, but for how far replay is."""

    def __init__(self, server: HandServer, replay: Callable[[], Awaitable[ReplayView]]) -> None:
        super().__init__(server.log, server.member, server.state)
        self.live = self.files = server.live
        self._server = server
        self._replay = replay

    async def replay(self, new_connection: bool = True) -> ReplayView:
        """See the port."""
        del new_connection
        return await self._replay()

    async def observe(self, new_connection: bool = True) -> ServerFacts:
        """See the port."""
        del new_connection
        return await self._server.observe()


def streaming(play: Play) -> Play:
    """The server streams from n1, as its agent configured it."""
    play.server.files = play.server.live = play.situation.applied = FOLLOWS_N1
    play.situation.gate_open = True
    return play


def test_the_promise_is_durable_before_the_server_is_blanked_and_the_proofs_come_in_their_order() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        report = await revoke(play.tools, 6, RECORD)
        assert (report.term, report.position, report.basis) == (6, at(5, 2000), RECORD.basis)
        assert not report.holder_stopped
        return play

    asyncio.run(story()).log.order(
        "remember promise=6",
        "resume replay",
        "end conflicting queries",
        "configure open upstream -",
        "reload",
        "pause",
        "resume replay",
    )


def test_a_lower_term_than_promised_is_refused() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY, promise=8).seen())
        with pytest.raises(Failed, match="8"):
            await revoke(play.tools, 6, RECORD)
        return play

    assert asyncio.run(story()).log.effects == []


@pytest.mark.parametrize("marker", [Marker.CLONING, Marker.REWINDING, Marker.INITIALISING])
def test_a_server_in_the_making_has_no_vote(marker: Marker) -> None:
    async def story() -> Play:
        play = await Play(N2, GONE, marker=marker).seen()
        with pytest.raises(Failed, match="incomplete"):
            await revoke(play.tools, 6, RECORD)
        return play

    assert asyncio.run(story()).log.effects == []


def test_a_server_below_its_floor_has_no_vote() -> None:
    async def story() -> None:
        play = streaming(await Play(N2, RECOVERY, floor=at(5, 2001)).seen())
        with pytest.raises(Failed, match="below its floor"):
            await revoke(play.tools, 6, RECORD)
        assert play.situation.report is None

    asyncio.run(story())


def test_a_former_primary_is_killed_and_started_in_recovery_before_it_reports() -> None:
    async def story() -> Play:
        play = await Play(N1, PRIMARY).seen()
        report = await revoke(play.tools, 6, RECORD)
        assert report.holder_stopped
        return play

    asyncio.run(story()).log.order(
        "remember promise=6", "kill", "disarm", "configure closed upstream -", "start recovery", "pause"
    )


def test_a_server_whose_proofs_take_too_long_is_killed_and_started_blank() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        play.server.view_of_replay = {"receivers": 1}
        play.log.at("start", play.server.view_of_replay.clear)
        await revoke(play.tools, 6, RECORD)
        return play

    asyncio.run(story()).log.order("remember promise=6", "kill", "configure closed upstream -", "start recovery")


def test_a_server_is_killed_for_its_proofs_at_most_once_a_term() -> None:
    """Tried again for the same term, a slow server is waited for: each kill would begin its recovery anew."""

    async def story(terms: tuple[int, ...]) -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        play.server.view_of_replay = {"receivers": 1}
        for term in terms:
            with pytest.raises(Failed, match="receiver"):
                await revoke(play.tools, term, RECORD)
        return play

    assert asyncio.run(story((6, 6, 6))).log.effects.count("kill") == 1
    assert asyncio.run(story((6, 6, 7))).log.effects.count("kill") == 2


def test_a_server_that_was_just_started_blank_is_not_killed_for_its_proofs() -> None:
    async def story() -> Play:
        play = await Play(N2, GONE).seen()
        play.server.view_of_replay = {"receivers": 1}
        with pytest.raises(Failed, match="receiver"):
            await revoke(play.tools, 6, RECORD)
        return play

    assert not asyncio.run(story()).log.has("kill")


def test_a_revocation_that_is_never_proved_fails_and_reports_nothing() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        play.server.view_of_replay = {"receivers": 1}
        with pytest.raises(Failed, match="receiver"):
            await revoke(play.tools, 6, RECORD)
        return play

    play = asyncio.run(story())
    assert play.situation.report is None
    assert play.situation.local.promise == 6


def test_a_query_that_holds_replay_after_the_proofs_is_ended() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        answers = play.server.replay

        async def replay(new_connection: bool = True) -> ReplayView:
            del new_connection
            view = await answers()
            if play.log.effects.count("resume replay") < 2 or play.log.effects.count("end conflicting queries") > 1:
                return view
            # The receiver's proof passes at the first look; then replay stands below what was received.
            looked.append(view)
            waits = view.startup_waits if len(looked) == 1 else "RecoveryConflictSnapshot"
            return replace(view, startup_waits=waits, replayed_lsn=Lsn(1900))

        looked: list[ReplayView] = []
        stuck = replace(play.tools, standby=StuckStandby(play.server, replay))
        await revoke(stuck, 6, RECORD)
        return play

    play = asyncio.run(story())
    assert play.situation.report is not None
    play.log.order("pause", "resume replay", "end conflicting queries")


def test_promises_are_collected_before_the_swap_and_the_swap_before_anything_else() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        play.peers.reports["n3"] = a_report(N3, 1900)
        await campaign(play.tools, Campaign(6, Ground.EXPIRED))
        return play

    play = asyncio.run(story())
    play.log.order("remember promise=6", "pause", "ask n3 6", "swap")
    assert (play.record.holder, play.record.term, play.record.voters) == (N2, 6, (N1, N3))
    assert not play.log.has("promote")


def test_reports_for_another_record_win_nothing() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        play.peers.reports["n3"] = a_report(N3, 1900)
        play.log.at("ask n3", lambda: play.write(a_record(voters=(N2,), lease_counter=11)))
        with pytest.raises(Failed, match="changed since"):
            await campaign(play.tools, Campaign(6, Ground.EXPIRED))
        return play

    assert asyncio.run(story()).record.holder == N1


async def wait(play: Play, seconds: int) -> None:
    """Time passes, and the record is read now and then."""
    for _ in range(seconds):
        play.clock.now_ms += 1000
        await play.keeper.refresh()


ASYNC = a_record(k=0, mode=Mode.ASYNC, holder_position=at(5, 2000))


def test_a_planned_hand_over_in_async_mode_loses_nothing_while_the_old_primary_may_take_it_back() -> None:
    handed = replace(ASYNC, released=True, serving=False, handover=Handover("n2", at(5, 2100)))

    async def story(seconds: int) -> Play:
        play = streaming(await Play(N2, RECOVERY, handed).seen())
        await wait(play, seconds)
        await campaign(play.tools, Campaign(6, Ground.RELEASED))
        return play

    with pytest.raises(Failed, match="did not report"):
        asyncio.run(story(0))
    assert asyncio.run(story(60)).record.holder == N2  # it did not come back: within the lag limit


def test_in_async_mode_a_holder_that_renewed_is_not_replaced() -> None:
    async def story() -> Play:
        play = streaming(await Play(N2, RECOVERY, ASYNC).seen())
        await wait(play, 60)
        play.log.at("remember promise", lambda: play.write(replace(ASYNC, lease_counter=11)))
        with pytest.raises(Failed, match="renewed"):
            await campaign(play.tools, Campaign(6, Ground.EXPIRED))
        return play

    assert asyncio.run(story()).record.holder == N1


def test_a_candidate_catches_up_from_a_server_in_recovery_only_and_is_blank_afterwards() -> None:
    async def story(primary: bool) -> Play:
        play = streaming(await Play(N2, RECOVERY).seen())
        seen = play.peers.seen["n3"]
        play.peers.seen["n3"] = replace(seen, published=replace(seen.published, primary=primary))
        await catch_up(play.tools, CatchUp(N3, at(5, 2000)))
        return play

    asyncio.run(story(primary=False)).log.order(
        "configure open upstream n3 as n2", "reload", "configure open upstream -"
    )
    with pytest.raises(Failed, match="no revoked server"):
        asyncio.run(story(primary=True))
