"""In which order are setting, proof, barrier and record changed, and what does a fence leave alone?"""

import asyncio
from dataclasses import replace

import pytest

from howdah.agent.procedures import fence, voters
from howdah.agent.tools import Failed
from howdah.agent.watching import settings_are_current
from howdah.cluster.quorum import NAMES_NOBODY
from howdah.cluster.record import Mode
from howdah.cluster.voters import Admit, Drop, LowerK, RaiseK, Replace
from howdah.ports.peers import PeerView
from howdah.ports.postgres import ServerSettings
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.agent.playbook import RECOVERY, Play
from tests.cluster.builders import END, N1, N2, N3, N4, a_peer, a_record, a_walsender, at

BOTH = 'ANY 1 ("n2.t5","n3.t5")'
NO_ONE_ELSE = 'ANY 1 ("n2.t5")'


def told(play: Play, sync: str, gate_open: bool = True) -> None:
    """The server as it was configured before."""
    play.server.files = play.server.live = ServerSettings(upstream=None, sync_names=sync, gate_open=gate_open)
    play.situation.applied = play.server.files
    play.situation.gate_open = gate_open


def test_loosening_says_it_in_the_store_first() -> None:
    async def story() -> Play:
        play = await Play(record=a_record(voters=(N2,))).seen()
        told(play, NO_ONE_ELSE)
        await voters.change_voters(play.tools, Admit(N3))
        return play

    asyncio.run(story()).log.order("swap voters", f"configure open upstream - sync {BOTH}", "reload")


def test_tightening_says_it_in_the_store_last() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        play.log.at("end walsenders", lambda: setattr(play.server, "senders", (a_walsender(N2),)))
        await voters.change_voters(play.tools, Drop(N3, "dead"))
        return play

    asyncio.run(story()).log.order(
        f"configure open upstream - sync {NO_ONE_ELSE}", "reload", "end walsenders 103", "barrier 5", "swap voters"
    )


def test_a_voter_whose_walsender_lives_on_is_not_dropped() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        with pytest.raises(Failed, match="still counts"):
            await voters.change_voters(play.tools, Drop(N3, "dead"))
        return play

    assert not asyncio.run(story()).log.has("swap")


def test_a_proof_for_other_voters_drops_nobody() -> None:
    """An earlier drop of n4, whose swap hung, lands meanwhile: the setting that was proved still names n4."""

    async def story() -> Play:
        play = await Play(record=a_record(voters=(N2, N3, N4))).seen()
        told(play, 'ANY 1 ("n2.t5","n3.t5")')
        play.server.senders = (a_walsender(N2),)
        play.log.at("barrier", lambda: play.write(a_record(voters=(N2, N3), lease_counter=11)))
        with pytest.raises(Failed, match="others now"):
            await voters.change_voters(play.tools, Drop(N3, "dead"))
        return play

    assert asyncio.run(story()).record.voters == (N2, N3)


def test_a_walsender_that_began_just_before_the_reload_is_ended_too_when_k_is_raised() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        young = replace(a_walsender(N3), pid=777)
        play.log.at("configure", lambda: setattr(play.server, "senders", (*play.server.senders, young)))
        new = (replace(a_walsender(N2), pid=801), replace(a_walsender(N3), pid=802))
        play.log.at("end walsenders", lambda: setattr(play.server, "senders", new))
        await voters.change_voters(play.tools, RaiseK(2, Mode.QUORUM))
        return play

    asyncio.run(story()).log.order("reload", "end walsenders 102 103 777", "barrier", "swap k=2")


def test_a_clone_in_the_making_is_not_ended_when_k_is_raised() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        clone = replace(a_walsender(N4), application_name="n4.clone")
        play.server.senders = (*play.server.senders, clone)
        new = (replace(a_walsender(N2), pid=801), replace(a_walsender(N3), pid=802), clone)
        play.log.at("end walsenders", lambda: setattr(play.server, "senders", new))
        await voters.change_voters(play.tools, RaiseK(2, Mode.QUORUM))
        return play

    assert asyncio.run(story()).log.has("end walsenders 102 103")


def test_coming_from_async_needs_a_checkpoint_also_when_an_earlier_attempt_has_set_the_names() -> None:
    async def story() -> Play:
        play = await Play(record=a_record(k=0, mode=Mode.ASYNC)).seen()
        told(play, BOTH)  # an attempt that was interrupted after its reload
        new = (replace(a_walsender(N2), pid=801), replace(a_walsender(N3), pid=802))
        play.log.at("end walsenders", lambda: setattr(play.server, "senders", new))
        await voters.change_voters(play.tools, RaiseK(1, Mode.QUORUM))
        return play

    asyncio.run(story()).log.order("reload", "checkpoint", "barrier", "swap k=1")


def test_lowering_k_says_it_in_the_store_first() -> None:
    async def story() -> Play:
        play = await Play(record=a_record(k=2)).seen()
        told(play, 'ANY 2 ("n2.t5","n3.t5")')
        await voters.change_voters(play.tools, LowerK(1, Mode.QUORUM))
        return play

    asyncio.run(story()).log.order("swap k=1", f"configure open upstream - sync {BOTH}")


NEW2, NEW3 = Member("n2", "a-new-disk"), Member("n3", "a-new-disk")


def new_disk(play: Play, member: Member, lsn: int = END + 100) -> None:
    """It streams under its bare name, and says how much it has."""
    others = tuple(w for w in play.server.senders if w.application_name.partition(".")[0] != member.name)
    play.server.senders = (*others, replace(a_walsender(member), application_name=member.name, sync_priority=0))
    peer = a_peer(member, position=at(5, lsn)).published
    play.peers.seen[member.name] = PeerView(peer, 0, connected=True)


def under_the_new_term(play: Play, *members: Member) -> None:
    """They follow the raised term under their new names."""
    senders = tuple(replace(a_walsender(m, 6), flush_lsn=Lsn(END + 200)) for m in members)
    play.log.at("swap term=6", lambda: setattr(play.server, "senders", senders))


@pytest.mark.parametrize(
    ("k", "voters_before", "waiting"),
    [(1, (N2, N3), 'ANY 1 ("n3.t5")'), (1, (N2,), 'ANY 1 ("nobody")'), (2, (N2, N3), 'ANY 2 ("n3.t5","nobody")')],
)
def test_a_new_disk_s_place_is_taken_from_the_old_one_in_postgresql_then_proved_then_in_the_store(
    k: int, voters_before: tuple[Member, ...], waiting: str
) -> None:
    async def story() -> Play:
        play = await Play(record=a_record(k=k, voters=voters_before)).seen()
        told(play, BOTH)
        play.situation.served_term = 5
        play.server.senders = ()
        new_disk(play, NEW2)
        under_the_new_term(play, NEW2, N3)
        await voters.change_voters(play.tools, Replace(N2, NEW2))
        return play

    play = asyncio.run(story())
    after = 'ANY 1 ("n2.t6")' if len(voters_before) == 1 else f'ANY {k} ("n2.t6","n3.t6")'
    play.log.order(
        f"configure open upstream - sync {waiting}", "reload", "barrier 5", "swap term=6 voters",
        f"configure open upstream - sync {after}", "reload", "barrier 6", "swap renew",
    )  # fmt: skip
    assert play.record.voters == (NEW2, *voters_before[1:])
    assert (play.record.term, play.record.k, play.situation.served_term) == (6, k, 6)
    assert not play.log.has("end sessions")


def test_the_old_disk_s_walsender_is_ended_before_the_barrier_and_while_it_counts_no_place_passes() -> None:
    async def story(ended: bool) -> Play:
        play = await Play().seen()
        told(play, BOTH)
        new_disk(play, NEW2)
        bare = play.server.senders
        play.server.senders = (*bare, a_walsender(N2))
        if ended:
            play.log.at("end walsenders", lambda: setattr(play.server, "senders", bare))
            under_the_new_term(play, NEW2)
            await voters.change_voters(play.tools, Replace(N2, NEW2))
        else:
            with pytest.raises(Failed, match="still counts"):
                await voters.change_voters(play.tools, Replace(N2, NEW2))
        return play

    asyncio.run(story(ended=True)).log.order("reload", "end walsenders 102", "barrier 5", "swap term=6")
    assert not asyncio.run(story(ended=False)).log.has("swap")


def test_a_new_disk_that_lacks_the_barrier_does_not_take_the_place() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        new_disk(play, NEW2, END)
        with pytest.raises(Failed, match="not been seen to have the barrier"):
            await voters.change_voters(play.tools, Replace(N2, NEW2))
        return play

    assert not asyncio.run(story()).log.has("swap")


def test_a_bare_name_s_flush_is_nothing_unless_the_new_directory_says_that_it_has_it() -> None:
    """The old disk is back under its bare name, and flushes; its agent speaks of the old directory."""

    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        new_disk(play, N2)
        with pytest.raises(Failed, match="not been seen to have the barrier"):
            await voters.change_voters(play.tools, Replace(N2, NEW2))
        return play

    assert not asyncio.run(story()).log.has("swap")


def test_before_the_barrier_of_a_promotion_a_place_passes_too_and_the_gate_stays_shut() -> None:
    async def story() -> Play:
        play = await Play(record=a_record(serving=False)).seen()
        told(play, BOTH, gate_open=False)
        play.server.senders = ()
        new_disk(play, NEW2)
        under_the_new_term(play, NEW2)
        await voters.change_voters(play.tools, Replace(N2, NEW2))
        return play

    play = asyncio.run(story())
    play.log.order("configure closed upstream - sync", "barrier 5", "swap term=6", "configure closed", "barrier 6")
    assert not play.record.serving
    assert play.situation.served_term == 0


def test_another_disk_is_admitted_under_a_spent_name_only_with_new_names_for_all() -> None:
    async def story() -> Play:
        play = await Play(record=a_record(voters=(N2,), spent=(N3,))).seen()
        told(play, NO_ONE_ELSE)
        play.situation.served_term = 5
        under_the_new_term(play, N2, NEW3)
        await voters.change_voters(play.tools, Admit(NEW3))
        return play

    play = asyncio.run(story())
    play.log.order("swap term=6 voters", 'configure open upstream - sync ANY 1 ("n2.t6","n3.t6")', "barrier 6")
    assert play.situation.served_term == 6


def test_a_setting_is_brought_back_only_to_what_a_renewal_found() -> None:
    """The swap that drops n3, of an agent that died here, lands between our read and our renewal."""

    async def story() -> Play:
        play = await Play().seen()
        told(play, NO_ONE_ELSE)
        play.log.at("swap renew", lambda: play.write(a_record(voters=(N2,), lease_counter=11)))
        await voters.apply_record(play.tools)
        return play

    asyncio.run(story()).log.order("swap renew", f"configure open upstream - sync {NO_ONE_ELSE}")


def test_shutting_clients_out_does_not_let_a_voter_back_in_that_is_being_dropped() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, NO_ONE_ELSE)
        await fence.close_gate(play.tools)
        return play

    asyncio.run(story()).log.order(f"configure closed upstream - sync {NO_ONE_ELSE}", "reload", "end sessions")


def test_a_raised_term_is_in_the_record_before_its_names_and_a_renewal_follows_its_barrier() -> None:
    async def story() -> Play:
        play = await Play().seen()
        told(play, BOTH)
        play.situation.served_term = 5
        play.server.senders = (a_walsender(N2, 7), a_walsender(N3, 7))
        await voters.raise_term(play.tools, 7)
        return play

    play = asyncio.run(story())
    play.log.order("swap term=7", 'configure open upstream - sync ANY 1 ("n2.t7","n3.t7")', "barrier 7", "swap renew")
    assert play.situation.served_term == 7
    assert not play.log.has("end sessions")


def test_a_standby_names_nobody_once_the_mode_is_quorum_and_its_checkpointer_has_seen_it() -> None:
    async def story() -> tuple[Play, bool]:
        play = await Play(N2, RECOVERY).seen()
        facts = await play.server.observe()
        current = settings_are_current(play.tools, facts)
        play.situation.facts = facts
        await voters.apply_record(play.tools)
        return play, current

    play, current = asyncio.run(story())
    assert not current
    play.log.order(f"configure closed upstream - sync {NAMES_NOBODY}", "reload", "checkpoint")


def test_a_standby_that_an_earlier_agent_configured_keeps_its_upstream_when_settings_change() -> None:
    async def story() -> Play:
        play = await Play(N2, RECOVERY).seen()
        play.situation.facts = replace(
            await play.server.observe(), upstream=play.peers.seen["n1"].published.address, upstream_name="n2.t5"
        )
        await voters.apply_record(play.tools)
        return play

    assert asyncio.run(story()).log.has("configure closed upstream n1 as n2.t5")


def test_the_lease_is_given_up_only_after_every_process_is_gone() -> None:
    async def story() -> Play:
        play = await Play().seen()
        await fence.release(play.tools)
        return play

    play = asyncio.run(story())
    play.log.order("kill", "swap serving=False released=True")
    assert play.record.released and play.record.holder == N1
