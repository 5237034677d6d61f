"""What did the writer in its pod see, and is every number that it was told is written still there?"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.kubernetes.rig import FULLNAME, IMAGE, Release, eventually, manifest

SCRIPT = Path(__file__).with_name("writer.py")
NAME = "writer"
IMPATIENT = "tcp_user_timeout=3000&keepalives_idle=2&keepalives_interval=1&keepalives_count=2"
"""A router whose machine is gone says nothing more: without this, its clients wait for ever."""


def start_client(release: Release, name: str, script: Path, host: str, node: str = "") -> None:
    """A pod that runs the script against a host of the cluster; on this node, if one is named."""
    release.kubectl("delete", "pod", name, "--ignore-not-found", "--grace-period=0", "--force")
    container = {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "runAsUser": 1001,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "command": ["/opt/howdah/bin/python", f"/script/{script.name}"],
        "env": [
            {"name": "ADDRESS", "value": f"postgresql://postgres:{release.password()}@{host}/postgres?{IMPATIENT}"}
        ],
        "volumeMounts": [{"name": "script", "mountPath": "/script"}],
    }
    pod = {
        "restartPolicy": "Never",
        "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "script", "configMap": {"name": name}}],
    }
    text = {script.name: script.read_text(encoding="utf-8")}
    manifest(
        [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": text},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod},
        ]
    )


@dataclass(frozen=True, slots=True)
class Written:
    """The writer's story so far."""

    acknowledged: tuple[int, ...] = ()
    times_ms: tuple[int, ...] = ()
    errors: tuple[str, ...] = field(default=())

    @property
    def longest_gap_ms(self) -> int:
        """Between two acknowledged writes."""
        pairs = zip(self.times_ms, self.times_ms[1:], strict=False)
        return max((after - before for before, after in pairs), default=0)


class Load:
    """The writer's pod."""

    def __init__(self, release: Release, node: str) -> None:
        """`node`: where it runs; "" for anywhere."""
        self._release = release
        self._node = node

    def start(self) -> None:
        """Make the pod, and wait for its first writes."""
        start_client(self._release, NAME, SCRIPT, f"{FULLNAME}-pgpool", self._node)
        self.wait_more()

    def story(self) -> Written:
        """What it said."""
        rows = [line.split(" ", 2) for line in self._release.kubectl("logs", NAME, check=False).splitlines()]
        good = [(int(number), int(ms)) for number, ms, outcome in rows if outcome == "ok"]
        errors = tuple(outcome for _, _, outcome in rows if outcome.startswith(("error", "refused")))
        return Written(tuple(number for number, _ in good), tuple(ms for _, ms in good), errors)

    def wait_more(self, writes: int = 20) -> None:
        """Until so many more are acknowledged."""
        before = self._acknowledged()
        eventually(lambda: self._acknowledged() >= before + writes, f"{writes} more writes", 120)

    def _acknowledged(self) -> int:
        return len(self.story().acknowledged)

    def stop(self) -> Written:
        """End it; what it said. Raises AssertionError if a number that was acknowledged is not there."""
        story = self.story()
        self._release.kubectl("delete", "pod", NAME, "--grace-period=0", "--force")
        there = {int(line) for line in self._release.sql("SELECT number FROM written /* howdah */").split()}
        lost = set(story.acknowledged) - there
        assert not lost, f"{len(lost)} acknowledged writes are lost: {sorted(lost)[:10]}"
        sys.stdout.write(
            f"{len(story.acknowledged)} writes, longest gap {story.longest_gap_ms} ms, {len(story.errors)} errors\n"
        )
        return story


@contextmanager
def writing(release: Release, node: str = "") -> Iterator[Load]:
    """A writer for the length of the block; afterwards call `stop`."""
    load = Load(release, node)
    load.start()
    try:
        yield load
    finally:
        release.kubectl("delete", "pod", NAME, "--ignore-not-found", "--grace-period=0", "--force")
