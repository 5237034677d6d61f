"""Where is helm, and what does it make of the chart?"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "howdah"
HELM = shutil.which("helm")
MISSING = "helm is not on the PATH: get it from helm.sh"

KUBERNETES = ("--kube-version", "1.34.0")

Object = dict[str, Any]


class Rendered:
    """The objects of one rendering."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects

    def one(self, kind: str, name: str) -> Object:
        """The object of this kind and name."""
        found = [each for each in self.objects if each["kind"] == kind and each["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} objects {kind} {name}; there are {self.names(kind)}"
        return found[0]

    def names(self, kind: str) -> list[str]:
        """The names of all objects of a kind."""
        return sorted(each["metadata"]["name"] for each in self.objects if each["kind"] == kind)

    def pod_specs(self) -> Iterator[Object]:
        """What pods are made of, wherever it stands."""
        for each in self.objects:
            spec = each.get("spec", {})
            if each["kind"] == "CronJob":
                spec = spec["jobTemplate"]["spec"]
            if "template" in spec:
                yield spec["template"]["spec"]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm."""
    assert HELM, MISSING
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, timeout=60, check=False)


def template(values: Mapping[str, Any], release: str = "db", namespace: str = "dev") -> Rendered:
    """`helm template` with these values."""
    done = attempt(values, release, namespace)
    assert done.returncode == 0, done.stderr
    return Rendered([each for each in yaml.safe_load_all(done.stdout) if each])


def attempt(values: Mapping[str, Any], release: str = "db", namespace: str = "dev") -> subprocess.CompletedProcess[str]:
    """The same, whatever comes of it."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(dict(values), file)
        file.flush()
        return helm("template", release, str(CHART), *KUBERNETES, "--namespace", namespace, "--values", file.name)
