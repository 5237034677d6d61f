"""What a node that has just been made remembers: nothing, and that binds it to nothing."""

from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.returning import below_floor
from howdah.cluster.revocation import may_follow
from tests.cluster.builders import at


def test_a_new_node_has_promised_nothing_won_nothing_and_owes_no_floor() -> None:
    fresh = LocalState()
    assert may_follow(fresh, 1)
    assert not below_floor(at(1, 0), fresh.floor)
    assert (fresh.won_term, fresh.marker, fresh.record, fresh.entries) == (0, Marker.NONE, None, ())
