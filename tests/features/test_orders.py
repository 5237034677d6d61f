"""What an operator orders: pause and resume, restart, reload, reinit; one server at a time."""

import signal
import time
from functools import partial

from tests.features.operator import ask, explained, look, shows, start_time, started_again
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing
from tests.signals import send

LEASE_S = 5


def test_while_paused_no_role_changes_and_everybody_says_so(cluster: RealCluster) -> None:
    primary, standby = cluster.primary(), cluster.standbys()[0]
    term = cluster.record().term
    assert ask(standby, "pause").done
    eventually(lambda: look(standby, "cluster")["paused"] and look(primary, "cluster")["paused"], "everybody knows")
    primary.kill()
    time.sleep(1.5 * LEASE_S)
    assert cluster.record().term == term
    assert not cluster.record().released
    said = explained(standby)
    assert "The cluster is paused" in said
    assert f"{standby.name} cannot become primary now: the cluster is paused" in said
    assert ask(standby, "resume").done
    cluster.wait_serving(other_than=primary.name)
    primary.start()
    cluster.wait_healthy()


def has_another_postmaster(node: RealNode, before: int) -> bool:
    return node.postmaster not in (0, before)


def test_a_paused_primary_that_crashes_comes_back_in_its_place(cluster: RealCluster) -> None:
    primary = cluster.primary()
    assert ask(primary, "pause").done
    eventually(lambda: look(primary, "cluster")["paused"], "the primary knows")
    for _ in range(3):  # more often than a cluster that is not paused would bear
        postmaster = primary.postmaster
        send((postmaster,), signal.SIGKILL)
        eventually(partial(has_another_postmaster, primary, postmaster), "another postmaster runs")
        assert cluster.wait_serving() is primary
    assert ask(primary, "resume").done
    cluster.wait_healthy()


def finished_clones(node: RealNode) -> list[str]:
    return [entry.at for entry in node.journal("Clone") if entry.sentence == "done"]


def test_a_standby_restarts_and_nobody_notices(cluster: RealCluster) -> None:
    primary, standby = cluster.primary(), cluster.standbys()[0]
    term, begun = cluster.record().term, start_time(standby)
    with writing(cluster) as load:
        since = time.monotonic()
        assert ask(standby, "restart").done
        eventually(lambda: started_again(standby, begun), "it runs again")
        load.wait_writes()
        assert load.outage(since) < 1
        cluster.wait_healthy()
    assert_sound(cluster, load)
    assert (cluster.primary(), cluster.record().term) == (primary, term)


def test_the_primary_restarts_in_its_own_term(cluster: RealCluster) -> None:
    primary = cluster.primary()
    term, begun = cluster.record().term, start_time(primary)
    with writing(cluster) as load:
        assert ask(primary, "restart").done
        eventually(lambda: started_again(primary, begun), "it runs again")
        load.wait_writes()
        cluster.wait_healthy()
    assert_sound(cluster, load)
    assert (cluster.primary(), cluster.record().term) == (primary, term)


def test_an_order_is_for_the_node_that_is_asked(cluster: RealCluster) -> None:
    primary, standby = cluster.primary(), cluster.standbys()[0]
    elsewhere = ask(primary, "restart", {"node": standby.name})
    assert not elsewhere.done
    assert f"ask the agent of {standby.name}" in elsewhere.text


def test_a_reload_puts_back_what_somebody_wrote_into_the_files(cluster: RealCluster) -> None:
    for node in cluster.nodes.values():
        file = node.layout.data / "postgresql.conf"
        kept = file.read_text()
        file.write_text(f"{kept}work_mem = '77MB'\n")
        node.sql("SELECT pg_reload_conf()")
        eventually(partial(shows, node, "work_mem", "77MB"), "the wrong value is in force")
        assert ask(node, "reload").done
        eventually(partial(shows, node, "work_mem", "4MB"), "the file is right again")
        assert file.read_text() == kept


def test_a_standby_is_cloned_anew_on_order_and_the_primary_is_not(cluster: RealCluster) -> None:
    primary, standby = cluster.primary(), cluster.standbys()[0]
    refused = ask(primary, "reinit")
    assert not refused.done
    assert "is the primary: switch over" in refused.text
    before = len(finished_clones(standby))
    with writing(cluster) as load:
        assert ask(standby, "reinit").done
        eventually(lambda: len(finished_clones(standby)) > before, "it is cloned")
        load.wait_writes()
        cluster.wait_healthy()
    assert_sound(cluster, load)
    eventually(lambda: not (standby.root / "data.old").exists(), "the replaced directory goes once it is not needed")
