"""What if the primary dies while another server is being brought back, and does not have yet what it had? (F45)"""

from functools import partial

from tests.features.operator import order
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing

CLUSTER_CONFIG = {"policy": {"voter_stall": "60s"}}
"""A clone that takes long on a busy machine stays a voter meanwhile: else nobody would need its vote."""
TRIES = 4
"""From its installation on, a new clone needs some hundred milliseconds to its floor: a busy machine may miss them."""


def installed(node: RealNode) -> int:
    """How many new clones were put in place there."""
    return sum(entry.sentence.startswith("the clone is in place") for entry in node.journal("CLONE"))


def has_more_than(node: RealNode, count: int) -> bool:
    """Whether a new clone was put in place since."""
    return installed(node) > count


def test_the_primary_dies_while_a_new_clone_is_below_its_floor_and_the_others_go_on(cluster: RealCluster) -> None:
    """The clone stays the voter that the old directory was, and is needed for the next election: without its vote the
    third server would wait for the dead one. It streams what it misses from that third one, and votes."""
    with writing(cluster) as load:
        for _ in range(TRIES):
            old, (standby, third) = cluster.primary(), cluster.standbys()
            before = installed(standby)
            order(standby, "reinit")
            eventually(partial(has_more_than, standby, before), "the new clone is in place")
            old.kill()
            cluster.wait_serving(other_than=old.name)
            load.wait_writes()
            helped = standby.journal("REACH FLOOR")
            old.start()
            cluster.wait_healthy()
            if helped:
                break
        load.wait_writes()
    assert helped, "it was never below its floor when the primary died"
    assert third.name in helped[0].sentence
    assert_sound(cluster, load)
