"""A release of the chart in a real Kubernetes, and what a person with kubectl and helm does to it."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "howdah"
IMAGE = os.environ.get("HOWDAH_IMAGE", "localhost/howdah:dev")
FULLNAME = "poc-pg-ha-dev-fz1"
NAMESPACE = "dev"


def missing() -> str:
    """What these tests need and is not here; "" if all is."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG does not name a cluster: `make test-kubernetes` says what is needed"
    absent = [name for name in ("kubectl", "helm") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not on the PATH" if absent else ""


def run(*command: str, check: bool = True, timeout_s: float = 120, stdin: str = "") -> str:
    """What the command printed. A failure tells what it printed, too."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, input=stdin)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def eventually(holds: Callable[[], bool], what: str, limit_s: float = 90) -> float:
    """Wait until it holds; for how many seconds that was."""
    began = time.monotonic()
    while True:
        last: Exception | None = None
        try:
            if holds():
                return time.monotonic() - began
        except (AssertionError, LookupError, ValueError, subprocess.TimeoutExpired) as error:
            last = error
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s: {what} ({last})"
        time.sleep(0.3)


class Place:
    """The namespace `dev`, by kubectl."""

    def kubectl(self, *arguments: str, check: bool = True, timeout_s: float = 120) -> str:
        """kubectl in the namespace."""
        return run("kubectl", "--namespace", NAMESPACE, *arguments, check=check, timeout_s=timeout_s)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """What `kubectl get` finds."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output", "json"))["items"]
        return found

    def pods(self, component: str = "postgresql") -> list[str]:
        """The names of the pods."""
        label = f"app.kubernetes.io/component={component}"
        return sorted(each["metadata"]["name"] for each in self.objects("pods", "--selector", label))

    def pod(self, number: int) -> str:
        """The name of one server's pod."""
        return f"{FULLNAME}-postgresql-{number}"

    def exec(self, pod: str, *command: str, container: str = "postgresql", check: bool = True) -> str:
        """`kubectl exec`."""
        return self.kubectl("exec", pod, "--container", container, "--", *command, check=check)

    def password(self, name: str = "postgresql", key: str = "password") -> str:
        """A password out of its Secret."""
        template = "{{ index .data " + json.dumps(key) + " | base64decode }}"
        return self.kubectl("get", "secret", f"{FULLNAME}-{name}", "--output", f"go-template={template}")

    def superuser(self) -> str:
        """The password of postgres."""
        named = self.objects("secrets", "--field-selector", f"metadata.name={FULLNAME}-postgresql")[0]["data"]
        return self.password(key="postgres-password" if "postgres-password" in named else "password")

    def sql(self, statement: str, host: str = f"{FULLNAME}-pgpool", database: str = "postgres") -> str:
        """psql in a router's container, to a host of the cluster; the bare answer. Waits up to 30 s for a router."""
        word = f"postgresql://postgres:{self.superuser()}@{host}/{database}?connect_timeout=10"
        router = next(each for each in self.pods("pgpool"))
        return self.exec(router, "psql", word, "-XAtqc", statement, container="pgpool").strip()


class Release(Place):
    """The release `db` in the namespace `dev`, with names that people know."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        repository, _, tag = IMAGE.rpartition(":")
        image = {"registry": "", "repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}
        self.values: dict[str, Any] = {"fullnameOverride": FULLNAME, "image": image, **values}

    def install(self, **more: Any) -> None:
        """`helm upgrade --install` with the values, and `more` of them over these. The namespace takes only pods that
        fit Pod Security `restricted`."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        run("kubectl", "apply", "--filename", "-", stdin=json.dumps(namespace))
        values = json.dumps(self.values | more)
        arguments = ("upgrade", "--install", "db", str(CHART), "--namespace", NAMESPACE)
        run("helm", *arguments, "--values", "-", stdin=values)

    def uninstall(self) -> None:
        """`helm uninstall`, until no pod is left. Volumes, Secrets and the record stay."""
        run("helm", "uninstall", "db", "--namespace", NAMESPACE, "--wait", timeout_s=300)
        eventually(lambda: not self.pods(), "the pods are gone", 180)

    def destroy(self) -> None:
        """The namespace with all that is in it."""
        run("helm", "uninstall", "db", "--namespace", NAMESPACE, check=False)
        self.kubectl("delete", "pods", "--all", "--grace-period=0", "--force", check=False)
        run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=true", timeout_s=300)

    def howdah(self, *command: str, pod: str = "") -> str:
        """A command of Howdah, in a pod that runs."""
        return self.exec(pod or self.running()[0], "howdah", *command)

    def running(self) -> list[str]:
        """The pods of servers that are ready."""
        label = "app.kubernetes.io/component=postgresql"
        return sorted(each["metadata"]["name"] for each in self.objects("pods", "--selector", label) if ready(each))

    def status(self) -> dict[str, Any]:
        """`howdah status --json`."""
        document: dict[str, Any] = json.loads(self.howdah("status", "--json"))
        return document

    def primary(self) -> str:
        """The pod that is primary."""
        return str(self.status()["primary"])

    def healthy(self) -> bool:
        """Whether somebody serves and everybody else streams as a voter."""
        status = self.status()
        states = sorted(node["state"] for node in status["nodes"])
        servers = int(self.objects("statefulsets")[0]["spec"]["replicas"])
        voters = len(status["sync"]["voters"]) == servers - 1 or servers < 3
        return bool(status["serving"]) and states == ["running"] + ["streaming"] * (servers - 1) and voters

    def wait_healthy(self, limit_s: float = 120) -> float:
        """Until it is, and all pods are ready; how long that took."""
        return eventually(lambda: self.healthy() and self.all_ready(), "the cluster is healthy", limit_s)

    def all_ready(self) -> bool:
        """Whether every pod that should be there is ready."""
        wanted = sum(int(each["spec"]["replicas"]) for each in self.objects("statefulsets,deployments"))
        there = [*self.pods(), *self.pods("pgpool")]
        return len(there) == wanted == sum(ready(each) for each in self.objects("pods") if named(each) in there)


def ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is ready and not about to go."""
    conditions: Sequence[Mapping[str, str]] = pod["status"].get("conditions", ())
    good = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return good and "deletionTimestamp" not in pod["metadata"]


def named(pod: Mapping[str, Any]) -> str:
    """Its name."""
    return str(pod["metadata"]["name"])


def manifest(objects: Sequence[Mapping[str, Any]]) -> None:
    """`kubectl apply` of these."""
    text = yaml.safe_dump_all(objects)
    run("kubectl", "--namespace", NAMESPACE, "apply", "--filename", "-", stdin=text)
