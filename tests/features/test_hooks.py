"""The operator's command on a role change."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.features.operator import order
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import all_pids, command_line, eventually

HOOK = """#!/bin/sh
env | grep ^HOWDAH_ | sort > "$0.$HOWDAH_ROLE.$HOWDAH_TERM"
"""
SLEEP = f"sleep {100_000_000 + os.getpid()}"
"""Found again among all processes of the machine."""
HANGING = f"""#!/bin/sh
cd "$(dirname "$HOWDAH_DATA_DIRECTORY")/log"  # where the tests' guard finds it
{SLEEP}
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    """n1 and n3 have a hook that notes its facts, n2 one that hangs."""
    cluster = RealCluster()
    hooks = cluster.root / "hooks"
    for node in cluster.nodes.values():
        text = HANGING if node.name == "n2" else HOOK
        command = [str(script(hooks / node.name, text))]
        node.document["hooks"] = {"on_role_change": command, "timeout": "2s"}
    try:
        cluster.start()
        cluster.wait_healthy()
        yield cluster
    except BaseException as error:
        error.add_note(cluster.story())
        raise
    finally:
        cluster.close()


def facts(cluster: RealCluster, node: RealNode, role: str, term: int) -> dict[str, str]:
    """What the hook of this node found in its environment for this change."""
    file = cluster.root / "hooks" / f"{node.name}.{role}.{term}"
    eventually(file.exists, f"the hook of {node.name} ran for {role} in term {term}")
    eventually(lambda: "HOWDAH_TIMELINE" in file.read_text(), "it wrote everything")
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_a_hook_finds_the_facts_of_the_change_in_its_environment(cluster: RealCluster) -> None:
    first, third = cluster["n1"], cluster["n3"]
    begun = facts(cluster, first, "primary", 1)
    assert begun["HOWDAH_CLUSTER"] == "test"
    assert begun["HOWDAH_NODE"] == "n1"
    assert begun["HOWDAH_PORT"] == str(first.port)
    assert begun["HOWDAH_DATA_DIRECTORY"] == str(first.layout.data)
    order(first, "switchover", {"to": "n3"})
    cluster.wait_serving(other_than="n1")
    term = cluster.record().term
    led = facts(cluster, third, "primary", term)
    assert led["HOWDAH_ROLE_BEFORE"] in ("standby", "none")
    assert led["HOWDAH_TIMELINE"] == "2"
    assert "/" in led["HOWDAH_SWITCH_LSN"]
    assert led["HOWDAH_CAUSE"]
    assert led["HOWDAH_WRITES_AWAY_MS"].isdecimal()
    assert facts(cluster, first, "standby", term)["HOWDAH_ROLE"] == "standby"


def test_a_hook_that_hangs_is_killed_and_holds_nothing_up(cluster: RealCluster) -> None:
    cluster.wait_healthy()
    order(cluster.primary(), "switchover", {"to": "n2"})
    second = cluster["n2"]
    eventually(lambda: [pid for pid in all_pids() if SLEEP in command_line(pid)], "the hook hangs")
    assert cluster.wait_serving(other_than="n3") is second
    eventually(lambda: [e for e in second.journal("HOOK") if "killed after 2000 ms" in e.sentence], "it is killed")
    eventually(lambda: not [pid for pid in all_pids() if SLEEP in command_line(pid)], "its children too")
    cluster.wait_healthy()
