"""What gets a cluster out when its record, or its majority, is gone: itself where that is safe, else the operator."""

import shutil
import signal
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.features.operator import ask, explained, says
from tests.realcluster.cluster import RealCluster, real_cluster
from tests.realcluster.processes import eventually
from tests.signals import send

LEASE_S = 5


@pytest.fixture
def cluster() -> Iterator[RealCluster]:
    """One of its own for each test: what is done here is not to be undone."""
    with real_cluster() as cluster:
        cluster.wait_healthy()
        yield cluster


def lose_the_record(cluster: RealCluster) -> None:
    cluster.store.send(signal.SIGKILL)
    shutil.rmtree(cluster.store.directory)
    cluster.store.start()


def test_a_lost_record_is_rebuilt_only_when_every_server_is_there(cluster: RealCluster) -> None:
    primary = cluster.primary()
    before = cluster.record()
    primary.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    for node in cluster.nodes.values():
        node.kill()
    lose_the_record(cluster)
    late, *others = cluster.nodes.values()
    for node in others:
        node.start()
    eventually(
        lambda: f"it is rebuilt once every server is here, and {late.name} is not" in explained(others[0]), "why"
    )
    time.sleep(LEASE_S)
    assert cluster.store.record() is None
    assert all(node.value("SELECT pg_is_in_recovery()", inside=True) for node in others)
    late.start()
    leader = cluster.wait_serving()
    after = cluster.record()
    assert after.term > before.term
    assert after.generation > before.generation
    assert after.forced_terms == ()
    assert leader.value("SELECT count(*) FROM kept") == 1000
    cluster.wait_healthy()


def test_the_door_names_the_servers_given_up_and_never_deletes_what_they_had(cluster: RealCluster) -> None:
    primary = cluster.primary()
    witness, left = cluster.standbys()
    receiver = left.titled("walreceiver")
    send((receiver,), signal.SIGSTOP)
    primary.sql("CREATE TABLE lost AS SELECT generate_series(1, 1000) AS number")  # only the witness has it, too
    primary.kill()
    witness.kill()
    send((receiver,), signal.SIGKILL)  # what it had not read yet is gone with its socket
    term = cluster.record().term

    refused = ask(left, "failover", {"accept_data_loss": True, "given_up": []})
    assert not refused.done
    assert f"{primary.name}, the last primary, must be among the servers that are given up" in refused.text
    refused = ask(left, "failover", {"accept_data_loss": True, "given_up": [primary.name]})
    time.sleep(1)
    assert cluster.record().term == term  # one voter of two is not enough, and the other was not given up
    assert ask(left, "failover", {"accept_data_loss": True, "given_up": [primary.name, witness.name]}).done
    eventually(lambda: cluster.record().holder.name == left.name, "the one that is left leads")
    forced = cluster.record()
    assert forced.term in forced.forced_terms

    # Nobody is let in before a standby flushes every commit, as quorum mode promises; a given-up one comes back.
    witness.start()
    assert cluster.wait_serving() is left
    primary.start()
    cluster.wait_healthy()
    assert left.value("SELECT to_regclass('lost')") is None
    for node in (witness, primary):
        kept = node.root / "data.kept"
        assert (kept / "global" / "pg_control").is_file(), "what was given up is still there"
        assert not [e for e in node.journal("REWIND") if e.term >= forced.term]
        assert node.value("SELECT to_regclass('lost')") is None


def test_a_living_server_cannot_be_given_up(cluster: RealCluster) -> None:
    standby, other = cluster.standbys()
    primary = cluster.primary()
    refused = ask(standby, "failover", {"accept_data_loss": True, "given_up": [primary.name, other.name]})
    assert not refused.done
    assert "can be reached: stop what you give up first" in refused.text


def test_a_store_put_back_to_an_old_copy_promotes_nobody_and_the_operator_decides(cluster: RealCluster) -> None:
    cluster.store.send(signal.SIGKILL)
    shutil.copytree(cluster.store.directory, cluster.root / "copy", ignore=shutil.ignore_patterns("*.socket"))
    cluster.store.start()
    old = cluster.primary()
    old.kill()
    new = cluster.wait_serving(other_than=old.name)
    new.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    old.start()
    cluster.wait_healthy()
    before = cluster.record()
    for node in cluster.nodes.values():
        node.kill()
    cluster.store.send(signal.SIGKILL)
    shutil.rmtree(cluster.store.directory)
    shutil.copytree(cluster.root / "copy", cluster.store.directory)
    cluster.store.start()
    for node in cluster.nodes.values():
        node.start()
    for node in cluster.nodes.values():
        eventually(partial(says, node, "the store was put back to an old copy"), f"{node.name} says so")
    time.sleep(LEASE_S)
    assert cluster.record().term < before.term
    assert not any(node.writable() for node in cluster.nodes.values())
    eventually(lambda: ask(new, "failover", {"accept_data_loss": True}).done, "the operator decides")
    assert cluster.wait_serving(above_term=before.term).value("SELECT count(*) FROM kept") == 1000
    assert cluster.record().generation > before.generation
    cluster.wait_healthy()
