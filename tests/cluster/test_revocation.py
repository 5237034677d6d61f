"""Revocation before votes: the four proofs in their order, and what may be promised (NEVER WITHDRAWN)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.localstate import Marker
from howdah.cluster.revocation import (
    WAITS_FOR_SOURCE,
    Missing,
    may_follow,
    missing_receiver,
    missing_replay,
    missing_setting,
    missing_startup,
    must_report_again,
    promise_refusal,
)
from howdah.cluster.serverfacts import ReplayView
from howdah.values.lsn import Lsn
from tests.cluster.builders import N2, RECORD, a_local

REVOKED = ReplayView("", "", "paused", 0, WAITS_FOR_SOURCE, Lsn(2000), Lsn(2000), 2)


def test_a_server_that_shows_all_proofs_is_revoked() -> None:
    proofs = (missing_setting, missing_startup, missing_receiver, missing_replay)
    assert [proof(REVOKED) for proof in proofs] == [None] * 4


def test_proof_1_a_new_connection_shows_neither_primary_nor_archive() -> None:
    assert missing_setting(replace(REVOKED, shown_conninfo="host=n1")) is Missing.SETTING
    assert missing_setting(replace(REVOKED, shown_restore_command="cp %f %p")) is Missing.SETTING


def test_proof_2_only_the_startup_process_itself_reaches_paused() -> None:
    assert missing_startup(replace(REVOKED, pause_state="pause requested")) is Missing.STARTUP
    assert missing_startup(replace(REVOKED, pause_state="not paused")) is Missing.STARTUP


def test_proof_3_a_receiver_that_is_still_connecting_counts_as_one() -> None:
    assert missing_receiver(replace(REVOKED, receivers=1)) is Missing.RECEIVER
    assert missing_receiver(replace(REVOKED, startup_waits="RecoveryWalStream")) is Missing.RECEIVER


def test_proof_4_what_was_received_is_replayed_unless_only_a_torn_record_is_left() -> None:
    behind = replace(REVOKED, replayed_lsn=Lsn(1500), startup_waits="")
    assert missing_replay(behind) is Missing.REPLAY
    assert missing_replay(replace(behind, startup_waits=WAITS_FOR_SOURCE)) is None


def test_a_promise_is_for_a_term_above_the_record_s() -> None:
    assert "not above" in promise_refusal(5, a_local(N2), RECORD)
    assert promise_refusal(6, a_local(N2), RECORD) == ""


def test_a_higher_promise_is_never_withdrawn() -> None:
    assert "NEVER WITHDRAWN" in promise_refusal(6, a_local(N2, promise=7), RECORD)


def test_the_same_term_may_be_asked_for_again_since_a_promise_names_no_candidate() -> None:
    assert promise_refusal(7, a_local(N2, promise=7), RECORD) == ""


def test_a_half_made_directory_never_votes() -> None:
    for marker in (Marker.INITIALISING, Marker.CLONING, Marker.REWINDING):
        assert "incomplete" in promise_refusal(6, a_local(N2, marker=marker), RECORD)


@given(st.integers(0, 20), st.integers(1, 20))
def test_a_server_follows_only_a_primary_of_its_promise_or_above(promise: int, term: int) -> None:
    assert may_follow(a_local(N2, promise=promise), term) == (term >= promise)


def test_a_voter_that_does_not_follow_the_term_yet_reports_again() -> None:
    assert must_report_again(7, a_local(N2, promise=7), follows_term=5)
    assert not must_report_again(7, a_local(N2, promise=7), follows_term=7)
    assert not must_report_again(7, a_local(N2, promise=8), follows_term=5)
