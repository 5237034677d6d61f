"""What if two agents have one name and one identity: a copied disk, a volume that was mounted twice?"""

import copy
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from howdah.agent.seat import HOME
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode, loopback
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing


@contextmanager
def copied(cluster: RealCluster, node: RealNode) -> Iterator[RealNode]:
    """A copy of the node's directory beside it, with other ports; nothing of it runs. It is stopped and removed."""
    root = cluster.root / f"copy-of-{node.name}"
    shutil.copytree(node.root, root, symlinks=True, ignore=shutil.ignore_patterns("*.sock", "run"))
    for original in (node.root, *node.root.rglob("*")):
        there = root / original.relative_to(node.root)
        if there.exists():
            os.chown(there, original.stat().st_uid, original.stat().st_gid)
    document = copy.deepcopy(node.document)
    berth = loopback(node.name)
    document["node"]["root"] = str(root)
    document["postgresql"]["port"], document["api"]["port"] = berth.port, berth.api_port
    twin = RealNode(node.name, root, berth, document)
    try:
        yield twin
    finally:
        twin.kill()
        shutil.rmtree(root)


def ended(node: RealNode) -> str:
    """What the node's agent said last before it ended, which it must have done as a failure."""
    status = node.started[-1].wait(30)
    assert status == 1, status
    return node.log_file.read_text().strip().splitlines()[-1]


def test_a_copy_of_a_stopped_standby_started_beside_it_is_told_so_and_takes_no_part(cluster: RealCluster) -> None:
    node = cluster.standbys()[0]
    with writing(cluster) as load:
        node.stop()
        with copied(cluster, node) as twin:
            twin.start()
            node.start()
            assert "was copied or moved here" in ended(twin)
            assert not twin.server
            cluster.wait_healthy()
            # Somebody insists that it was moved, with the original alive.
            (twin.root / HOME).unlink()
            twin.start()
            assert f"another agent is called {node.name} already" in ended(twin)
            assert not twin.server
            load.wait_writes()
    cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_copy_that_went_on_alone_leaves_the_original_out_when_it_comes_back(cluster: RealCluster) -> None:
    node = cluster.primary()
    with writing(cluster) as load:
        node.kill()
        with copied(cluster, node) as twin:
            (twin.root / HOME).unlink()
            twin.start()
            new = cluster.wait_serving(other_than=node.name)
            name = f"{node.name}.t{cluster.record().term}"
            flushes = f"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}'"
            eventually(lambda: new.value(flushes) == 1, "the copy has the name, and streams as a voter", 60)
            load.wait_writes()
            node.start()
            said = ended(node)
            assert f"another copy of {node.name}'s directory has been in use since" in said
            assert not node.server
            load.wait_writes()
            twin.kill()
        # The copy is lost with all that it had. The original is cloned anew, as it was told.
        shutil.rmtree(node.layout.data)
        node.layout.state.unlink()
        (node.root / HOME).unlink()
        node.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert_sound(cluster, load)


def test_a_second_agent_in_one_directory_ends_and_disturbs_nothing(cluster: RealCluster) -> None:
    node, before = cluster.primary(), cluster.record()
    running = node.started[-1]
    with writing(cluster) as load:
        node.start()
        second = node.started.pop()
        try:
            assert second.wait(30) == 1
        finally:
            if second.poll() is None:
                second.send_signal(signal.SIGKILL)
        assert running.poll() is None
        assert "another agent runs in" in node.log_file.read_text()
        load.wait_writes()
    assert (cluster.record().holder, cluster.record().term) == (before.holder, before.term)
    cluster.wait_healthy()
    assert_sound(cluster, load)
