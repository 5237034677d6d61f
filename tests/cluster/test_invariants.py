"""What we promise: kept by what is right, and each promise broken by what it forbids."""

from howdah.cluster.invariants import (
    acknowledged_commits_survive,
    barrier_before_clients,
    primary_is_no_voter,
    promise_only_grows,
    served_only_with_a_quorum,
    setting_covers_record,
    single_winner_per_term,
    term_never_falls,
    tightened_after_proof,
    whole,
    writable_was_won,
)
from howdah.cluster.quorum import SyncSetting, setting_of
from howdah.cluster.record import Mode, Phase
from howdah.values.member import Member
from tests.cluster.builders import N1, N2, N3, NODES, RECORD, a_local, a_record


def test_a_term_belongs_to_one_data_directory() -> None:
    assert not single_winner_per_term(None, RECORD)
    assert not single_winner_per_term(RECORD, a_record(term=6, holder=N2))
    assert single_winner_per_term(RECORD, a_record(holder=N2))
    assert single_winner_per_term(RECORD, a_record(holder=Member("n1", "a-new-disk")))


def test_generation_and_term_never_fall() -> None:
    assert not term_never_falls(RECORD, a_record(term=6))
    assert not term_never_falls(RECORD, a_record(generation=2))
    assert term_never_falls(RECORD, a_record(term=4))
    assert term_never_falls(RECORD, a_record(generation=0, term=9))


def test_the_primary_is_no_voter_no_name_is_twice_and_k_is_no_more_than_the_voters() -> None:
    assert not primary_is_no_voter(RECORD)
    assert primary_is_no_voter(a_record(voters=(N1, N2)))
    assert primary_is_no_voter(a_record(voters=(N2, Member("n2", "a-new-disk"))))
    assert primary_is_no_voter(a_record(k=3))


def test_the_setting_in_force_covers_the_record_and_is_never_empty() -> None:
    assert not setting_covers_record(RECORD, setting_of(RECORD))
    assert setting_covers_record(RECORD, SyncSetting(0, ()))
    assert setting_covers_record(RECORD, SyncSetting(1, ("n2.t4", "n3.t4")))
    assert not setting_covers_record(a_record(mode=Mode.ASYNC, k=0), SyncSetting(0, ()))


def test_the_store_is_tightened_only_once_postgresql_enforces_it() -> None:
    dropped = a_record(voters=(N2,))
    assert not tightened_after_proof(RECORD, dropped, setting_of(dropped))
    assert tightened_after_proof(RECORD, dropped, setting_of(RECORD))
    raised = a_record(k=2)
    assert not tightened_after_proof(RECORD, raised, setting_of(raised))
    assert tightened_after_proof(RECORD, raised, setting_of(RECORD))
    assert not tightened_after_proof(dropped, RECORD, setting_of(dropped))


def test_a_voter_s_place_passes_only_once_postgresql_counts_the_old_disk_no_more() -> None:
    replaced = a_record(term=6, voters=(Member("n2", "a-new-disk"), N3))
    assert not tightened_after_proof(RECORD, replaced, SyncSetting(1, ("n3.t5",)))
    assert "n2.t5" in tightened_after_proof(RECORD, replaced, setting_of(RECORD))
    assert not tightened_after_proof(RECORD, a_record(term=6), setting_of(RECORD))


def test_a_promise_only_grows() -> None:
    assert not promise_only_grows(a_local(N2, promise=5), a_local(N2, promise=6))
    assert promise_only_grows(a_local(N2, promise=6), a_local(N2, promise=5))


def test_whoever_runs_read_write_has_won_a_term() -> None:
    assert not writable_was_won({5: N1}, N1)
    assert writable_was_won({5: N1}, N2)


def test_what_was_acknowledged_is_with_whoever_leads_and_nobody_is_served_before_the_barrier() -> None:
    assert not acknowledged_commits_survive(lambda: "", "n1")
    assert "commit 7" in acknowledged_commits_survive(lambda: "commit 7", "n1")
    assert not barrier_before_clients(True, "n1")
    assert barrier_before_clients(False, "n1")


def test_in_quorum_mode_nobody_serves_without_a_quorum_or_before_the_cluster_is_established() -> None:
    assert not served_only_with_a_quorum(RECORD)
    assert not served_only_with_a_quorum(a_record(mode=Mode.ASYNC, k=0))
    assert served_only_with_a_quorum(a_record(k=0))
    assert served_only_with_a_quorum(a_record(phase=Phase.INITIALISING))


def test_a_cluster_is_whole_when_everybody_votes_and_the_holder_serves() -> None:
    assert not whole(RECORD, NODES, 1)
    assert whole(a_record(voters=(N3,)), NODES, 1)
    assert whole(RECORD, NODES, 2)
    assert whole(a_record(serving=False), NODES, 1)
