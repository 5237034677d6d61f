"""What if the data directory of another cluster lies in a node's place?"""

import shutil
import subprocess
import time

import pytest

from howdah.postgres.facts import IDENTITY_FILE
from tests.postgres.serverdir import server_directory
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing


@pytest.mark.parametrize("identity", ["none", "forged"])
def test_a_directory_of_another_cluster_is_never_started_nor_touched(cluster: RealCluster, identity: str) -> None:
    """With this node's identity in it too: the system identifier tells. The others go on; put right, it follows."""
    node = cluster.standbys()[0]
    mine, away = node.layout.data, node.root / "away"
    with writing(cluster) as load, server_directory() as foreign:
        node.kill()
        said = len(node.journal("IDENTITY"))
        mine.rename(away)
        subprocess.run(("cp", "-a", foreign.layout.data, mine), check=True)
        if identity == "forged":
            shutil.copy2(away / IDENTITY_FILE, mine / IDENTITY_FILE)
        control = (mine / "global" / "pg_control").read_bytes()
        node.start()
        eventually(lambda: len(node.journal("IDENTITY")) > said, "the agent says what it found")
        time.sleep(3)
        assert node.server == ()
        assert (mine / "global" / "pg_control").read_bytes() == control
        load.wait_writes()
        node.kill()
        shutil.rmtree(mine)
        away.rename(mine)
        node.start()
        cluster.wait_healthy()
    assert_sound(cluster, load)
