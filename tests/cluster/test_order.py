"""What does a node do that its operator ordered to restart, or to clone its server anew?"""

from howdah.cluster.actions import Campaign, Clone, Follow, Order, RestartServer, Wait
from howdah.cluster.decide import decide
from howdah.cluster.suspicion import Ground
from tests.cluster.builders import N1, N3, a_record, a_standby, at
from tests.cluster.test_following import expired, new_term, seeing


def test_an_operator_s_order_is_carried_out() -> None:
    assert decide(a_standby(order=Order.RESTART)).action == RestartServer()
    assert decide(a_standby(order=Order.REINIT)).action == Clone("n1", at(5, 2000), keep_aside=False)


def test_a_new_clone_waits_for_a_primary_that_serves_and_the_holder_never_clones() -> None:
    assert decide(seeing(a_record(serving=False), order=Order.REINIT)).action == Wait()
    assert not isinstance(decide(a_standby(N1, order=Order.REINIT)).action, Clone)


def test_while_a_new_clone_waits_its_server_follows_and_stands_as_any_other() -> None:
    """A winner may need just this server to flush its barrier, so that it can serve."""
    assert decide(new_term(order=Order.REINIT)).action == Follow(N3, 6, "n2.t6", "n3")
    assert decide(expired(order=Order.REINIT)).action == Campaign(6, Ground.EXPIRED)
