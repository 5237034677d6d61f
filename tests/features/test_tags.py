"""What the operator says of a node: priority, nosync, nofailover, replicate_from, delay."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tests.features.operator import ask, explained, look, order, says
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually

DELAY_S = 6


@contextlib.contextmanager
def tagged_cluster(
    tags: Mapping[str, Mapping[str, Any]], config: Mapping[str, Any] | None = None
) -> Iterator[RealCluster]:
    cluster = RealCluster(tuple(tags), config)
    for name, given in tags.items():
        cluster[name].document["node"]["tags"] = dict(given)
    try:
        cluster.start()
        yield cluster
    except BaseException as error:
        error.add_note(cluster.story())
        raise
    finally:
        cluster.close()


def wait_voters(cluster: RealCluster, names: set[str]) -> None:
    eventually(lambda: {v.name for v in cluster.record().voters} == names, f"the voters are {sorted(names)}", 60)


def streams_from(standby: RealNode, upstream: RealNode) -> bool:
    port = standby.value("SELECT sender_port FROM pg_stat_wal_receiver WHERE status = 'streaming'")
    return bool(port == upstream.port)


def test_who_may_not_lead_is_no_voter_and_never_leads() -> None:
    tags: dict[str, dict[str, Any]] = {
        "n1": {},
        "n2": {},
        "n3": {"nosync": True},
        "n4": {"delay": f"{DELAY_S}s"},
        "n5": {"priority": 0},
    }
    with tagged_cluster(tags) as cluster:
        primary = cluster.wait_serving()
        wait_voters(cluster, {"n2"})
        eventually(lambda: cluster.record().voteless == ("n3", "n4", "n5"), "the record says who never votes")
        assert cluster.record().k == 1  # half of n1 and n2
        assert "asked for" not in explained(primary)
        for name in ("n3", "n4", "n5"):
            eventually(partial(streams_from, cluster[name], primary), f"{name} streams")
        refused = ask(primary, "switchover", {"to": "n5"})
        assert not refused.done
        assert "its tags forbid it" in refused.text
        assert "n5 cannot become primary: its tags forbid it" in explained(primary)
        assert "n3 cannot become primary: it is not a voter of term" in explained(primary)

        began = time.monotonic()
        primary.sql("CREATE TABLE late AS SELECT 1 AS number")
        end = primary.value("SELECT pg_current_wal_flush_lsn()")
        eventually(lambda: cluster["n4"].value(f"SELECT pg_last_wal_receive_lsn() >= '{end}'"), "n4 receives at once")
        assert cluster["n4"].value("SELECT to_regclass('late')") is None
        eventually(lambda: cluster["n4"].value("SELECT to_regclass('late')") is not None, "n4 replays in the end")
        assert time.monotonic() - began >= DELAY_S - 1

        primary.kill()
        eventually(lambda: cluster.record().holder.name == "n2", "the only one that may lead leads")
        # Nobody else may flush for it: writes wait, and everybody says why.
        waiting = "writes wait until 1 of the voters (n1) streams, and none does"
        for name in ("n2", "n5"):
            eventually(partial(says, cluster[name], waiting), f"{name} says so")
        primary.start()
        assert cluster.wait_serving() is cluster["n2"]
        for name in ("n3", "n4", "n5"):
            eventually(partial(streams_from, cluster[name], cluster["n2"]), f"{name} follows n2")
        assert {v.name for v in cluster.record().voters} == {"n1"}


def test_priority_decides_between_equals_and_a_cascading_standby_finds_another_upstream() -> None:
    tags: dict[str, dict[str, Any]] = {
        "n1": {},
        "n2": {},
        "n3": {"priority": 200},
        "n4": {"replicate_from": "n2"},
    }
    with tagged_cluster(tags) as cluster:
        primary = cluster.wait_serving()
        wait_voters(cluster, {"n2", "n3"})
        eventually(lambda: streams_from(cluster["n4"], cluster["n2"]), "n4 streams from n2")
        eventually(lambda: look(cluster["n4"], "status").get("follows") == "n2", "n4 says so")
        slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'howdah_n4'"
        eventually(lambda: primary.value(slots) == 0, "the primary holds no WAL for it")
        order(primary, "switchover")
        assert cluster.wait_serving(other_than="n1") is cluster["n3"]  # the priority, though n2 comes first by name
        wait_voters(cluster, {"n1", "n2"})
        eventually(lambda: streams_from(cluster["n4"], cluster["n2"]), "n4 still streams from n2")
        cluster["n2"].kill()
        eventually(lambda: streams_from(cluster["n4"], cluster["n3"]), "n4 streams from the primary meanwhile")
        cluster["n2"].start()
        eventually(lambda: streams_from(cluster["n4"], cluster["n2"]), "n4 goes back")
        cluster["n3"].kill()
        assert cluster.wait_serving(other_than="n3").name in ("n1", "n2")
