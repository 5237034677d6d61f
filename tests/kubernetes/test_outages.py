"""Do roles on disks ever break a start? All pods gone at once, in either order of starting; and nodes that die."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.load import writing
from tests.kubernetes.rig import FULLNAME, Release, eventually, missing

LAB = os.environ.get("HOWDAH_LAB", "")
"""The command that kills and restarts nodes: kill-node N, restart-node N, freeze-node N, thaw-node N."""

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.timeout(900),
]
needs_lab = pytest.mark.skipif(not Path(LAB or "/nowhere").exists(), reason="HOWDAH_LAB names no command for nodes")


@pytest.fixture(scope="module", params=["Parallel", "OrderedReady"])
def installed(request: pytest.FixtureRequest) -> Iterator[Release]:
    small = {"resources": {"requests": {"memory": "128Mi", "cpu": "50m"}}}
    release = Release({"postgresql": {**small, "podManagementPolicy": request.param}, "pgpool": small})
    release.destroy()
    release.install()
    try:
        release.wait_healthy(180)
        yield release
    except BaseException as error:
        error.add_note(release.kubectl("get", "pods,endpointslices,events", "--output=wide", check=False))
        raise
    finally:
        release.destroy()


@pytest.fixture
def release(installed: Release) -> Release:
    installed.wait_healthy()
    return installed


def test_all_pods_deleted_at_once_with_the_last_number_as_primary(release: Release) -> None:
    last = release.pod(2)
    if release.primary() != last:
        release.howdah("switchover", "--to", last)
        release.wait_healthy()
    with writing(release) as load:
        release.kubectl("delete", "pods", "--selector", "role=data", "--grace-period=0", "--force")
        release.wait_healthy(180)
        load.wait_more()
        load.stop()


def test_the_record_deleted_with_all_pods_and_only_the_disks_left(release: Release) -> None:
    release.sql("CREATE TABLE IF NOT EXISTS survives AS SELECT 7 AS answer")
    replicas = "--replicas={}".format
    servers = f"statefulset/{FULLNAME}-postgresql"
    release.kubectl("scale", servers, replicas(0))
    eventually(lambda: not release.pods(), "the servers are gone", 180)
    release.kubectl("delete", "configmap", f"{FULLNAME}-record")
    release.kubectl("scale", servers, replicas(3))
    release.wait_healthy(240)
    assert release.sql("SELECT answer FROM survives") == "7"


def test_a_lost_volume_is_cloned_again(release: Release) -> None:
    release.sql("CREATE TABLE IF NOT EXISTS copied AS SELECT 8 AS answer")
    pod = next(pod for pod in release.pods() if pod != release.primary())
    release.kubectl("delete", "pvc", f"data-{pod}", "--wait=false")
    release.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
    eventually(lambda: pod in release.running(), "the pod is back", 180)
    release.wait_healthy(180)
    assert release.exec(pod, "psql", "-Atc", "SELECT answer FROM copied").strip() == "8"


def test_scaled_to_five_and_back_to_two(release: Release) -> None:
    ours = release.values["postgresql"]
    release.install(postgresql={**ours, "replicaCount": 5})
    eventually(lambda: len(release.status()["sync"]["voters"]) == 4, "five servers take part", 240)
    release.wait_healthy(120)
    release.install(postgresql={**ours, "replicaCount": 2})
    eventually(lambda: len(release.status()["nodes"]) == 2, "two are left", 240)
    release.wait_healthy(120)
    eventually(lambda: release.sql("SELECT count(*) FROM pg_replication_slots /* howdah: primary */") == "1", "slots")
    release.install()
    release.wait_healthy(240)


@needs_lab
def test_the_primary_s_node_loses_power(release: Release) -> None:
    old = release.primary()
    nodes = {each["metadata"]["name"]: each["spec"]["nodeName"] for each in release.objects("pods")}
    number = nodes[old].removeprefix("node")
    with writing(release, next(node for node in nodes.values() if node != nodes[old])) as load:
        subprocess.run([LAB, "kill-node", number], check=True, timeout=60)
        try:
            others = [pod for pod in release.pods() if nodes[pod] != nodes[old]]
            eventually(
                lambda: "f" in [release.exec(p, "psql", "-Atc", "SELECT pg_is_in_recovery()").strip() for p in others],
                "another leads",
                120,
            )
        finally:
            subprocess.run([LAB, "restart-node", number], check=True, timeout=120)
        release.wait_healthy(300)
        load.wait_more()
        load.stop()
