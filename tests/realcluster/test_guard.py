"""Does a test run that is killed leave anything behind?"""

import signal
import subprocess
import sys
from pathlib import Path

from tests.realcluster.node import HERE
from tests.realcluster.processes import eventually, processes_below

RUN = """
import time
from tests.realcluster.cluster import RealCluster
cluster = RealCluster(("n1",))
cluster.start()
print(cluster.root, flush=True)
cluster.wait_serving()
print("serves", flush=True)
time.sleep(600)
"""


def test_a_killed_run_leaves_neither_processes_nor_files() -> None:
    run = subprocess.Popen([sys.executable, "-c", RUN], cwd=HERE, stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        root = Path(run.stdout.readline().strip())
        assert run.stdout.readline().strip() == "serves"
        pids = processes_below(root) + processes_below(root / "n1")
        assert len(pids) > 5
    finally:
        run.kill()
        run.communicate()
    eventually(lambda: not root.exists(), "the guard removes the files")
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the guard ends every process")
    assert -run.returncode == signal.SIGKILL
