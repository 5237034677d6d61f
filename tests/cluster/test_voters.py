"""The next voter change: one safe step at a time towards what the operator asked for, whatever is interrupted."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.changes import AdmitVoter, Change, DropVoter, ReplaceVoter, SetK, apply
from howdah.cluster.intents import Intents
from howdah.cluster.quorum import NOBODY, SyncSetting, is_covered, setting_of, wait_name
from howdah.cluster.record import Mode, Record
from howdah.cluster.voters import (
    Admit,
    Drop,
    LowerK,
    RaiseK,
    Replace,
    Standing,
    VoterChange,
    next_change,
    tightened_setting,
)
from howdah.values.member import Member
from tests.cluster.builders import INTENTS, N1, N2, N3, N4, a_record

STALL_MS = 3000
AWAY = 10**6


def fit(member: Member) -> Standing:
    return Standing(member, fit=True, absent_ms=0)


def away(member: Member, absent_ms: int = AWAY) -> Standing:
    return Standing(member, fit=False, absent_ms=absent_ms)


def following(*standings: Standing, intents: Intents = INTENTS, **record: Any) -> VoterChange | None:
    return next_change(a_record(**record), standings, intents, STALL_MS)


FIVE = Intents(nodes=("n1", "n2", "n3", "n4", "n5"))


def test_when_all_is_as_asked_nothing_changes() -> None:
    assert following(fit(N2), fit(N3)) is None


def test_a_standby_that_is_fit_becomes_a_voter() -> None:
    assert following(fit(N2), fit(N3), voters=(N2,)) == Admit(N3)


def test_a_standby_that_is_not_fit_does_not() -> None:
    assert following(fit(N2), Standing(N3, False, 0, "its replay lags"), voters=(N2,)) is None


def test_a_dead_voter_goes_after_a_while_so_that_the_next_failure_is_survived() -> None:
    assert following(fit(N2), away(N3, STALL_MS - 1)) is None
    change = following(fit(N2), away(N3, STALL_MS))
    assert isinstance(change, Drop)
    assert change.voter == N3


def test_no_voter_is_dropped_while_k_would_not_be_left() -> None:
    assert following(away(N2), voters=(N2,)) is None
    assert following(fit(N2), away(N3), k=2, intents=FIVE) is None


def test_no_change_leaves_fewer_voters_than_k() -> None:
    removed = Standing(N2, fit=False, absent_ms=0, reason="its tags keep it from ever being primary")
    assert following(removed, voters=(N2,), k=1) is None


def test_no_voter_is_dropped_while_too_few_others_stream_to_flush_the_barrier() -> None:
    assert following(away(N2), away(N3)) is None


def test_a_voter_that_is_unfit_or_was_removed_is_dropped() -> None:
    change = following(fit(N2), Standing(N3, False, 0, "its tags keep it from ever being primary"))
    assert change == Drop(N3, "its tags keep it from ever being primary")
    removed = following(fit(N2), fit(N3), intents=replace(INTENTS, nodes=("n1", "n2"), mode=Mode.QUORUM))
    assert removed == Drop(N3, "it is no longer configured")


NEW2, NEW3, NEW4 = (Member(m.name, "a-new-disk") for m in (N2, N3, N4))


def test_a_lost_disk_s_voter_is_dropped_at_once_while_k_of_the_others_are_there() -> None:
    change = following(fit(N2), away(NEW3, 1))
    assert isinstance(change, Drop)
    assert change.voter == N3
    assert following(fit(N2), fit(NEW3), voters=(N2,)) == Admit(NEW3)


def test_a_new_disk_that_streams_takes_the_old_one_s_place() -> None:
    assert following(fit(N2), fit(NEW3)) == Replace(N3, NEW3)
    assert following(fit(NEW2), away(NEW3)) == Replace(N2, NEW2)
    assert following(fit(NEW2), voters=(N2,)) == Replace(N2, NEW2)


def test_a_new_disk_that_is_not_fit_takes_nobody_s_place() -> None:
    assert following(Standing(NEW2, False, 0, "its replay lags"), away(N3)) is None


def test_places_pass_only_when_with_them_k_can_flush_again() -> None:
    five: dict[str, Any] = {"k": 2, "intents": FIVE}
    assert following(fit(NEW2), away(NEW3), **five) is None
    assert following(fit(NEW2), fit(NEW3), **five) == Replace(N2, NEW2)
    assert following(fit(NEW2), fit(N3), **five) == Replace(N2, NEW2)


def test_in_async_mode_nothing_is_lost_by_dropping_first() -> None:
    to_async: dict[str, Any] = {"k": 0, "mode": Mode.ASYNC, "intents": replace(INTENTS, mode=Mode.ASYNC)}
    assert isinstance(following(fit(NEW2), away(N3, 0), **to_async), Drop)


def test_while_a_place_passes_postgresql_counts_the_others_only_and_nobody_where_they_are_fewer_than_k() -> None:
    assert tightened_setting(a_record(), Replace(N2, NEW2)) == SyncSetting(1, ("n3.t5",))
    assert tightened_setting(a_record(k=2), Replace(N2, NEW2)) == SyncSetting(2, ("n3.t5", NOBODY))
    assert tightened_setting(a_record(voters=(N2,)), Replace(N2, NEW2)) == SyncSetting(1, (NOBODY,))


def test_k_rises_to_half_of_the_configured_nodes_as_voters_come() -> None:
    assert following(fit(N2), intents=FIVE, voters=(N2,), k=1) is None
    assert following(fit(N2), fit(N3), intents=FIVE, k=1) == RaiseK(2, Mode.QUORUM)


def test_k_rises_only_as_far_as_voters_stream() -> None:
    assert following(fit(N2), away(N3, 10), intents=FIVE, k=1) is None


def test_k_is_lowered_only_by_the_operator_and_never_follows_the_number_of_live_servers() -> None:
    assert following(away(N2), away(N3), k=2, intents=FIVE) is None
    assert following(fit(N2), fit(N3), k=2, intents=replace(FIVE, k_target=1)) == LowerK(1, Mode.QUORUM)


def test_going_to_async_loosens_and_coming_back_tightens() -> None:
    to_async = replace(INTENTS, mode=Mode.ASYNC)
    assert following(fit(N2), fit(N3), intents=to_async) == LowerK(0, Mode.ASYNC)
    assert following(fit(N2), fit(N3), k=0, mode=Mode.ASYNC) == RaiseK(1, Mode.QUORUM)


def test_coming_back_from_async_waits_for_a_voter_that_streams() -> None:
    assert following(away(N2), away(N3), k=0, mode=Mode.ASYNC, voters=()) is None


def test_postgresql_s_tightened_setting_lacks_the_dropped_voter() -> None:
    assert tightened_setting(a_record(), Drop(N3, "")) == SyncSetting(1, ("n2.t5",))
    assert tightened_setting(a_record(), RaiseK(2, Mode.QUORUM)) == SyncSetting(2, ("n2.t5", "n3.t5"))


# --- the executable invariant: interrupted after every half step, every state is safe


OTHERS = (N2, N3, N4)
states = st.tuples(
    st.sets(st.sampled_from(OTHERS)), st.integers(0, 3), st.sampled_from(Mode)
).map(lambda drawn: a_record(
    voters=tuple(sorted(drawn[0])), k=0 if drawn[2] is Mode.ASYNC else min(drawn[1], len(drawn[0])), mode=drawn[2]
))  # fmt: skip
standings = st.tuples(*(
    st.sampled_from((fit(m), away(m), Standing(m, False, 0, "unfit"), fit(new), Standing(new, False, 0, "unfit")))
    for m, new in zip(OTHERS, (NEW2, NEW3, NEW4), strict=True)
))  # fmt: skip
wishes = st.builds(
    Intents,
    nodes=st.sets(st.sampled_from(("n2", "n3", "n4"))).map(lambda names: ("n1", *sorted(names))),
    mode=st.sampled_from(Mode),
    k_target=st.integers(0, 3),
)


def store_change(change: VoterChange, term: int) -> Change:
    match change:
        case Admit(voter=voter):
            return AdmitVoter(N1, term, voter)
        case Drop(voter=voter):
            return DropVoter(N1, term, voter)
        case Replace(old=old, new=new):
            return ReplaceVoter(N1, term, old, new)
        case LowerK(k=k, mode=mode) | RaiseK(k=k, mode=mode):
            return SetK(N1, term, k, mode)


def covered(record: Record, setting: SyncSetting) -> bool:
    """Whatever may be acknowledged now is found by every election of the record that may be read now."""
    names = tuple(voter.name for voter in record.voters)
    return record.k == 0 or is_covered(setting, record.term, names, record.k)


def stepped(record: Record, change: VoterChange) -> Record:
    """Make one change in its order; every state between must be safe."""
    before = setting_of(record)
    after = apply(store_change(change, record.term), record)
    assert isinstance(after, Record), after
    if isinstance(change, Replace):
        tightened = tightened_setting(record, change)
        assert covered(record, tightened)  # interrupted before the swap, or it never lands
        # It landed, also late: a name of the term before is worth the disk that had it then, and that is in V still.
        assert wait_name(change.old.name, record.term) not in tightened.names
        assert covered(replace(after, term=record.term), tightened)
        assert (after.term, len(after.voters), after.k) == (record.term + 1, len(record.voters), record.k)
    elif isinstance(change, Drop | RaiseK):
        tightened = tightened_setting(record, change)
        assert covered(record, tightened)  # interrupted before the store: the old record, the new setting
        assert covered(after, tightened)  # interrupted in the swap: either record, the new setting
        assert tightened == setting_of(after)
    else:
        # Interrupted before PostgreSQL: the new record, the old setting.
        assert covered(replace(after, term=record.term), before)
        assert after.term == record.term or isinstance(change, Admit)
    assert covered(after, setting_of(after))
    return after


@given(states, standings, wishes)
def test_from_any_state_single_safe_steps_lead_to_an_end(
    record: Record, seen: tuple[Standing, ...], intents: Intents
) -> None:
    configured = tuple(s for s in seen if s.member.name in intents.nodes)
    streaming = {s.member for s in configured if s.absent_ms == 0}
    for _ in range(12):
        change = next_change(record, configured, intents, STALL_MS)
        if change is None:
            break
        if isinstance(change, Drop | RaiseK):
            flushing = [v for v in tuple_without(record.voters, change) if v in streaming]
            k = change.k if isinstance(change, RaiseK) else record.k
            assert len(flushing) >= k, "its barrier could never be flushed"
        record = stepped(record, change)
    else:
        raise AssertionError("the voter changes never come to an end")
    assert record.k <= intents.effective_k(())
    fit_ones = {s.member for s in configured if s.fit}
    waiting = {m for m in fit_ones - set(record.voters) if m.name in {v.name for v in record.voters}}
    assert fit_ones - waiting <= set(record.voters)
    there = fit_ones | (streaming & set(record.voters))
    assert not waiting or sum(voter.name in {m.name for m in there} for voter in record.voters) < max(record.k, 1)
    if len(fit_ones) >= max(intents.effective_k(()), 1):
        assert set(record.voters) == fit_ones
        assert (record.k, record.mode) == (intents.effective_k(()), intents.effective_mode)


def tuple_without(voters: tuple[Member, ...], change: VoterChange) -> tuple[Member, ...]:
    return tuple(v for v in voters if not (isinstance(change, Drop) and v == change.voter))
