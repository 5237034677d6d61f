"""A planned hand-over, on real servers."""

import signal
import time

from tests.features.operator import ask, at, explained, look, order
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send


def test_a_switchover_goes_to_the_named_standby_and_loses_nothing(cluster: RealCluster) -> None:
    old, target = cluster.primary(), cluster.standbys()[1]
    term = cluster.record().term
    with writing(cluster) as load:
        since = time.monotonic()
        order(old, "switchover", {"to": target.name})
        assert cluster.wait_serving(other_than=old.name) is target
        load.wait_writes()
        outage = load.outage(since)
        assert cluster.wait_healthy() is target
    assert_sound(cluster, load)
    assert cluster.record().term == term + 1
    # The old primary follows as it is: it handed over at its shutdown checkpoint, so nothing has to be rewound.
    assert not [e for e in old.journal() if e.rule in ("REWIND", "CLONE") and e.term > term]
    change = look(target, "history")[-1]
    assert (change["node"], change["term"]) == (target.name, term + 1)
    assert change["timeline"] > 1
    assert change["away_ms"] is not None
    assert change["away_ms"] / 1000 <= outage + 1


def test_without_a_name_a_standby_leads_that_is_fit_for_it(cluster: RealCluster) -> None:
    """Which is the best of them is `cluster/hand_over.py`'s matter: here both stream, and either may be ahead."""
    old = cluster.primary()
    order(old, "switchover")
    new = cluster.wait_serving(other_than=old.name)
    assert cluster.wait_healthy() is new


def test_a_switchover_waits_for_its_time_and_can_be_cancelled(cluster: RealCluster) -> None:
    old, target = cluster.primary(), cluster.standbys()[0]
    order(old, "switchover", {"to": target.name, "at": at(3600)})
    assert ask(old, "switchover", method="DELETE").done
    begun = time.time()
    assert ask(old, "switchover", {"to": target.name, "at": at(3)}).done
    cluster.wait_serving(other_than=old.name)
    assert time.time() - begun >= 3
    assert cluster.wait_healthy() is target


def test_a_switchover_that_cannot_be_is_refused_with_the_reason(cluster: RealCluster) -> None:
    primary, standby = cluster.primary(), cluster.standbys()[0]
    unknown = ask(primary, "switchover", {"to": "n9"})
    assert not unknown.done
    assert "there is no node n9" in unknown.text
    itself = ask(primary, "switchover", {"to": primary.name})
    assert not itself.done
    assert "is the primary already" in itself.text
    elsewhere = ask(standby, "switchover", {"to": standby.name})
    assert not elsewhere.done
    assert f"ask {primary.name}" in elsewhere.text
    assert cluster.record().holder.name == primary.name


def test_a_switchover_to_a_dead_standby_is_refused_and_one_planned_for_it_says_why_it_waits(
    cluster: RealCluster,
) -> None:
    primary, dead = cluster.primary(), cluster.standbys()[0]
    assert ask(primary, "switchover", {"to": dead.name, "at": at(2)}).done
    dead.kill()
    eventually(lambda: not ask(primary, "switchover", {"to": dead.name}).done, "it is refused")
    assert "not connected" in ask(primary, "switchover", {"to": dead.name}).text
    eventually(lambda: "the switchover cannot begin" in explained(primary), "the plan says why it waits")
    assert ask(primary, "switchover", method="DELETE").done
    dead.start()
    assert cluster.wait_healthy() is primary


def test_a_standby_that_stalls_in_the_middle_does_not_hold_the_cluster_up(cluster: RealCluster) -> None:
    old, target = cluster.primary(), cluster.standbys()[0]
    term = cluster.record().term
    with writing(cluster) as load:
        stalled = target.titled("walreceiver")
        send((stalled,), signal.SIGSTOP)
        try:
            order(old, "switchover", {"to": target.name})
            cluster.wait_serving(above_term=term)
        finally:
            send((stalled,), signal.SIGCONT)
        load.wait_writes()
        cluster.wait_healthy()
    assert_sound(cluster, load)
