"""When may an election begin, and on what ground?"""

import pytest

from howdah.cluster.record import Mode
from howdah.cluster.suspicion import Ground, Sight, ground_for_election, suspects
from tests.cluster.builders import N2, N3, N4, RECORD, a_record

BOTH = frozenset(("n2", "n3"))
NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize("seen", [(False, True, True), (True, False, True), (True, True, False)])
def test_a_primary_that_is_merely_slow_is_not_suspected(seen: tuple[bool, bool, bool]) -> None:
    assert not suspects(Sight(*seen))
    assert suspects(Sight(True, True, True))


def test_a_healthy_primary_gives_no_ground() -> None:
    assert ground_for_election(RECORD, False, 0, NOBODY, "n2") is None


def test_a_lease_that_was_given_up_or_ran_out_is_a_ground_in_every_mode() -> None:
    for mode, k in ((Mode.QUORUM, 1), (Mode.ASYNC, 0)):
        assert ground_for_election(a_record(mode=mode, k=k, released=True), False, 0, NOBODY, "n2") is Ground.RELEASED
        assert ground_for_election(a_record(mode=mode, k=k), True, 0, NOBODY, "n2") is Ground.EXPIRED


def test_enough_voters_to_revoke_have_to_suspect_and_the_candidate_itself() -> None:
    assert ground_for_election(RECORD, False, 0, BOTH, "n2") is Ground.SUSPECTED
    assert ground_for_election(RECORD, False, 0, frozenset(("n2",)), "n2") is None
    assert ground_for_election(a_record(voters=(N2, N3, N4), k=2), False, 0, BOTH, "n4") is None


def test_suspicion_of_servers_that_are_no_voters_counts_for_nothing() -> None:
    assert ground_for_election(RECORD, False, 0, frozenset(("n2", "n9")), "n2") is None


def test_a_server_that_is_revoked_already_joins_the_election() -> None:
    assert ground_for_election(RECORD, False, 6, NOBODY, "n2") is Ground.JOINED
    assert ground_for_election(RECORD, False, 5, NOBODY, "n2") is None


def test_async_mode_never_uses_suspicion() -> None:
    record = a_record(mode=Mode.ASYNC, k=0)
    assert ground_for_election(record, False, 6, BOTH, "n2") is None
