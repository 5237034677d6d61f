"""May one action interrupt another?"""

import pytest

from howdah.cluster import actions as a
from howdah.cluster.actions import preempts
from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.suspicion import Ground
from howdah.cluster.voters import Admit
from tests.cluster.builders import N1, N2, N3, RECORD, at

REQUEST = SwitchoverRequest("1", "n2")
EVERY: tuple[a.Action, ...] = (
    a.Wait(), a.CloseGate(), a.KillServer(), a.Release(), a.TakeBack(), a.TakeOverLease(6),
    a.BeginFirstStart(), a.TakeOverFirstStart(),
    a.Initialise(), a.StartInRecovery(), a.Revoke(6), a.Campaign(6, Ground.EXPIRED), a.CatchUp(N2, at(5, 1)),
    a.Promote(6), a.ResumeService(6), a.Serve(6), a.RaiseTerm(7), a.ApplySetting(), a.ChangeVoters(Admit(N3)),
    a.KeepHouse(("n2",), (N1,)), a.Follow(N1, 5, "n2.t5", "n1"), a.Rewind("n1", at(5, 1)), a.Clone("n1", None, False),
    a.Switchover(REQUEST, "n2"), a.DropRequest(REQUEST), a.FinishFloor(), a.RestartServer(),
    a.StartFollowing(N1, 5), a.LetGo(N1, 5), a.RecreateRecord(),
    a.RebuildRecord(9), a.ForcePromotion(RECORD.basis, ("n1",)), a.StopServer(),
)  # fmt: skip
names = [type(action).__name__ for action in EVERY]


def test_these_are_all_the_actions() -> None:
    assert {type(action) for action in EVERY} == set(a.Action.__args__)


@pytest.mark.parametrize("running", EVERY, ids=names)
def test_nothing_interrupts_itself_and_waiting_interrupts_nothing(running: a.Action) -> None:
    assert not preempts(running, running)
    assert not preempts(a.Wait(), running)


@pytest.mark.parametrize("running", EVERY, ids=names)
def test_fencing_interrupts_everything_but_what_ends_the_server_itself(running: a.Action) -> None:
    ends_it = isinstance(running, a.KillServer | a.StopServer | a.Release)
    assert preempts(a.KillServer(), running) is not ends_it


@pytest.mark.parametrize("running", EVERY, ids=names)
def test_shutting_clients_out_interrupts_whatever_a_serving_primary_does(running: a.Action) -> None:
    leads = (
        a.Serve, a.ChangeVoters, a.ApplySetting, a.KeepHouse, a.Switchover, a.RaiseTerm, a.DropRequest
    )  # fmt: skip
    assert preempts(a.CloseGate(), running) is isinstance(running, leads)


@pytest.mark.parametrize("running", EVERY, ids=names)
def test_a_revocation_interrupts_only_what_may_end_at_any_moment(running: a.Action) -> None:
    assert preempts(a.Revoke(9), running) is isinstance(
        running, a.Follow | a.LetGo | a.CatchUp | a.FinishFloor | a.Clone
    )


@pytest.mark.parametrize("running", EVERY, ids=names)
def test_a_rewind_is_never_broken_off_but_to_fence(running: a.Action) -> None:
    if not isinstance(running, a.KillServer | a.Rewind):
        assert not preempts(running, a.Rewind("n1", at(5, 1)))


def test_a_barrier_is_not_waited_for_while_it_waits_for_a_voter_to_be_admitted_or_given_its_slot() -> None:
    for first in (a.ChangeVoters(Admit(N2)), a.KeepHouse(("n2",), (N2,))):
        assert preempts(first, a.Serve(6))
        assert not preempts(first, a.Promote(6))


def test_a_barrier_that_cannot_pass_is_given_up_for_a_higher_term() -> None:
    assert preempts(a.RaiseTerm(7), a.Serve(6))
    assert preempts(a.RaiseTerm(8), a.RaiseTerm(7)) is False


def test_a_clone_from_a_server_that_no_longer_leads_is_begun_anew() -> None:
    assert preempts(a.Clone("n3", None, False), a.Clone("n1", None, False))
    assert preempts(a.Follow(N3, 6, "n2.t6", "n3"), a.Clone("n1", None, False))
