"""What if a switchover is disturbed: by a stopped backend, or by the death of either side? (F4, F61-F63)"""

import os
import signal
import time

import pytest

from tests.features.operator import order
from tests.realcluster.cluster import RealCluster, freeze
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send


def hand_over(cluster: RealCluster, target: RealNode) -> RealNode:
    """Ask for a switchover to this node; the primary that was asked."""
    primary = cluster.primary()
    order(primary, "switchover", {"to": target.name})
    return primary


def settle(cluster: RealCluster) -> None:
    """An order survives its agent and is carried out later: wait until none is left, then for everybody."""
    eventually(lambda: not cluster.store.ordered(), "no switchover is asked for any more")
    cluster.wait_healthy()


def kill_agent(node: RealNode) -> None:
    """The agent alone; its server and dead-man live on."""
    os.kill(node.agent, signal.SIGKILL)
    node.started[-1].wait()


ASKED, CHECKPOINT, DOWN = "as soon as it is asked for", "when the checkpoint begins", "when the server is down"


@pytest.mark.parametrize(
    ("victim", "phase"),
    [
        ("the target's node", ASKED),
        ("the target's node", CHECKPOINT),
        ("the target's node", DOWN),
        ("the target's agent", DOWN),
        ("the primary's agent", CHECKPOINT),
        ("the primary's agent", DOWN),
    ],
)
def test_one_primary_leads_whoever_dies_in_a_switchover(cluster: RealCluster, victim: str, phase: str) -> None:
    """F61, F62: the old primary resumes, or another one leads; within the lease, and without a lost commit."""
    target = cluster.standbys()[0]
    with writing(cluster) as load:
        began = len(cluster.primary().journal("SWITCHOVER"))
        primary = hand_over(cluster, target)
        if phase == CHECKPOINT:
            eventually(lambda: len(primary.journal("SWITCHOVER")) > began, phase)
        elif phase == DOWN:
            eventually(lambda: not primary.postmaster, phase)
        if victim == "the target's node":
            target.kill()
        elif victim == "the target's agent":
            kill_agent(target)
        else:
            kill_agent(primary)
        cluster.wait_serving()
        load.wait_writes()
        for node in cluster.nodes.values():
            if not node.agent:
                node.start()
        settle(cluster)
        load.wait_writes()
    assert_sound(cluster, load)


def test_a_stopped_backend_does_not_hold_a_switchover_up_for_ever(cluster: RealCluster) -> None:
    """F4: a fast stop waits for it; past the limit the server is killed, and others elect."""
    target = cluster.standbys()[0]
    with cluster.primary().connect() as session, writing(cluster) as load:
        freeze((session.info.backend_pid,))
        old = hand_over(cluster, target)
        eventually(lambda: not old.postmaster, "the old server is gone")
        cluster.wait_serving(other_than=old.name)
        load.wait_writes()
        settle(cluster)
    assert_sound(cluster, load)


def test_a_shutdown_checkpoint_longer_than_the_lease_costs_neither_the_lease_nor_a_commit(cluster: RealCluster) -> None:
    """F63: the checkpointer is stopped for longer than the lease while the primary checkpoints for its hand-over; the
    lease is renewed meanwhile, so nobody else stands."""
    target, primary = cluster.standbys()[0], cluster.primary()
    term = cluster.record().term
    with writing(cluster) as load:
        checkpointer = primary.titled("checkpointer")
        send((checkpointer,), signal.SIGSTOP)
        hand_over(cluster, target)
        end = time.monotonic() + 7
        while time.monotonic() < end:
            assert cluster.record().term == term
            time.sleep(0.2)
        os.kill(checkpointer, signal.SIGCONT)
        assert cluster.wait_serving(above_term=term) is target
        load.wait_writes()
        settle(cluster)
    assert_sound(cluster, load)
