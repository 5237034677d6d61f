"""What an operator's tags allow (IDENTITY)."""

import pytest

from howdah.cluster.peerstate import Tags


def test_an_ordinary_server_may_be_primary_and_vote() -> None:
    assert Tags().may_be_primary
    assert Tags().may_vote


@pytest.mark.parametrize("tags", [Tags(priority=0), Tags(nofailover=True), Tags(delay_ms=1), Tags(replicate_from="n2")])
def test_servers_that_may_never_be_primary_are_no_voters(tags: Tags) -> None:
    assert not tags.may_be_primary
    assert not tags.may_vote


def test_a_server_without_synchronous_duty_may_still_lead() -> None:
    assert Tags(nosync=True).may_be_primary
    assert not Tags(nosync=True).may_vote
