"""The agent as process 1 of a container: it reaps every child, since a defunct postmaster looks like a running one."""

import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import pytest
import yaml

from tests.features.operator import start_time, started_again
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import HERE, RealNode
from tests.realcluster.processes import PROC, all_pids, command_line, eventually
from tests.signals import send

UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def in_a_container(node: RealNode) -> None:
    """Start its agent as process 1 of a process namespace of its own."""
    node.root.mkdir()
    node.config_file.write_text(yaml.safe_dump(node.document))
    with node.log_file.open("ab") as output:
        process = subprocess.Popen(
            (*UNSHARE, sys.executable, "-m", "howdah", "agent", "--config", str(node.config_file)),
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    node.started.append(process)


def defunct_children(agent: int) -> list[int]:
    """Its children that ended and were not reaped; in a container every orphan is process 1's child."""
    found = []
    for pid in all_pids():
        try:
            state, parent = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state == "Z" and int(parent) == agent:
            found.append(pid)
    return found


def test_an_agent_that_is_process_1_restarts_a_killed_postmaster_and_leaves_nothing_defunct() -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root makes a process namespace: run it as root, with unshare (Debian's package util-linux)")
    cluster = RealCluster(("n1",))
    node = cluster["n1"]
    try:
        cluster.store.start()
        in_a_container(node)
        assert cluster.wait_serving() is node
        for _ in range(2):
            begun = start_time(node)
            postmaster = next(pid for pid in node.server if " -D " in command_line(pid) + " ")
            send((postmaster,), signal.SIGKILL)
            eventually(partial(started_again, node, begun), "another postmaster runs")
        assert cluster.wait_serving() is node
        agent = next(pid for pid in node.processes if "howdah agent" in command_line(pid) and pid != node.agent)
        eventually(lambda: not defunct_children(agent), "nothing stays defunct")
    except BaseException as error:
        error.add_note(cluster.story())
        raise
    finally:
        cluster.close()
