"""Is every value understood, honoured where it can be, and refused where it is none?"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from howdah.configuration.load import load_agent
from howdah.configuration.routerload import load_router
from howdah.postgres.parameters import refusal
from howdah.telemetry.metrics import Metrics
from tests.chart.helm import CHART, HELM, KUBERNETES, MISSING, Rendered, attempt, helm, template
from tests.docs.chartvalues import FILES, chart_keys
from tests.telemetry.sample import observation

needs_helm = pytest.mark.skipif(HELM is None, reason=MISSING)
NAME = "db-postgresql-ha"
EVERYTHING = Path(__file__).parent / "everything.yaml"
"""A values file that sets as much as one can."""


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(CHART)) for path in FILES])
def test_what_is_made_of_the_keys_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), f"{path} is stale: make docs"


def test_each_key_says_either_what_it_is_for_or_why_it_does_nothing() -> None:
    assert not [key.name for key in chart_keys() if bool(key.use) == bool(key.instead)]


def files_of(made: Rendered, tmp_path: Path) -> tuple[Path, Path]:
    """The settings of the agents and of the routers as their pods see them, with secrets that are there."""
    found = []
    for name, key in ((f"{NAME}-postgresql", "agent.yaml"), (f"{NAME}-pgpool", "router.yaml")):
        document = yaml.safe_load(made.one("ConfigMap", f"{name}-configuration")["data"][key])
        for secret in document["secrets"]:
            (tmp_path / secret).write_text("secret\n")
            document["secrets"][secret] = str(tmp_path / secret)
        file = tmp_path / key
        file.write_text(yaml.safe_dump(document))
        found.append(file)
    return found[0], found[1]


POD = {"HOWDAH_NODE__NAME": f"{NAME}-postgresql-0", "HOWDAH_POSTGRESQL__ADVERTISED": "p", "HOWDAH_API__ADVERTISED": "p"}
POD_IP = {"HOWDAH_KUBERNETES__POD_IP": "10.1.1.1"}
VALUES: tuple[dict[str, Any], ...] = (
    {},
    {"postgresql": {"replicaCount": 1}},
    {"postgresql": {"syncReplication": True, "replicaCount": 4}, "image": {"debug": True}},
    {"pgpool": {"numInitChildren": 32, "childMaxConnections": 5, "clientIdleLimit": 60, "useLoadBalancing": False}},
    {"store": {"kind": "etcd", "endpoints": ["http://etcd:2379"]}},
    {"agentSettings": {"node": {"tags": {"priority": 7}}}, "routerSettings": {"pools": {"size": 3}}},
)


@needs_helm
@pytest.mark.parametrize("values", VALUES, ids=[str(each)[:60] for each in VALUES])
def test_agents_and_routers_accept_what_the_chart_makes_of_values(values: dict[str, Any], tmp_path: Path) -> None:
    agent, router = files_of(template(values), tmp_path)
    kubernetes = {} if "store" in values else POD_IP
    load_agent(agent, {**POD, **kubernetes}, refusal)
    load_router(router, {})


@needs_helm
def test_a_file_that_sets_everything_is_accepted_by_all(tmp_path: Path) -> None:
    values = yaml.safe_load(EVERYTHING.read_text())
    made = template(values)
    agent, router = files_of(made, tmp_path)
    settings = load_agent(agent, {**POD, **POD_IP}, refusal).settings
    parameters = settings.initial.config.postgresql.parameters
    assert parameters["max_connections"] == "321" and parameters["shared_preload_libraries"] == "pgaudit"
    assert parameters["work_mem"] == "9MB" and parameters["log_line_prefix"] == "it's # %m"
    assert "fsync" not in parameters
    assert settings.postgresql.access_rules == ("host all all 10.0.0.0/8 scram-sha-256",)
    assert load_router(router, {}).limits.clients == 35
    assert made.names("CronJob") == [f"{NAME}-postgresql-pgdumpall"]


@needs_helm
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"postgresql": {"replicaCuont": 3}}, "replicaCuont"),
        ({"postgresql": {"replicaCount": "three"}}, "replicaCount"),
        ({"postgresql": {"podManagementPolicy": "Random"}}, "podManagementPolicy"),
        ({"postgresql": {"replicaCount": 0}}, "there must be a server"),
        ({"postgresql": {"replicaCount": 1}, "mode": "quorum"}, "needs two servers"),
        ({"postgresql": {"tls": {"enabled": True}}}, "needs postgresql.tls.certificatesSecret"),
        ({"pgpool": {"tls": {"enabled": True}}}, "needs a certificate"),
        ({"persistence": {"existingClaim": "mine"}}, "every server needs its own"),
        ({"postgresql": {"extendedConf": "= 3"}}, "no setting of PostgreSQL"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(values: dict[str, Any], sentence: str) -> None:
    refused = attempt(values)
    assert refused.returncode != 0 and sentence in refused.stderr


@needs_helm
def test_helm_finds_nothing_to_complain_about() -> None:
    done = helm("lint", "--strict", str(CHART), *KUBERNETES, "--values", str(EVERYTHING))
    assert done.returncode == 0, done.stdout


@needs_helm
def test_every_pod_fits_pod_security_restricted() -> None:
    made = template(yaml.safe_load(EVERYTHING.read_text()))
    specs = list(made.pod_specs())
    assert len(specs) == 4
    for spec in specs:
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            context = container["securityContext"]
            assert context["runAsNonRoot"] and context["readOnlyRootFilesystem"]
            assert not context["allowPrivilegeEscalation"] and context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}


@needs_helm
def test_a_role_names_every_object_that_it_may_change() -> None:
    made = template({})
    for role in (each for each in made.objects if each["kind"] == "Role"):
        for rule in role["rules"]:
            assert rule.get("resourceNames") or rule["verbs"] == ["create"], rule
            assert "secrets" not in rule["resources"]


@needs_helm
def test_passwords_and_the_cluster_s_own_settings_do_not_roll_the_pods() -> None:
    def stamp(values: dict[str, Any]) -> str:
        servers = template(values).one("StatefulSet", f"{NAME}-postgresql")
        return str(servers["spec"]["template"]["metadata"]["annotations"]["howdah/settings"])

    before = stamp({})
    assert stamp({"postgresql": {"password": "another", "maxConnections": 50, "replicaCount": 5}}) == before
    assert stamp({"image": {"debug": True}}) != before


def test_alerts_ask_for_metrics_that_agents_give_out() -> None:
    known = set(re.findall(r"^(howdah_\w+)", Metrics("c", "n").own_text(observation()), re.MULTILINE))
    text = (CHART / "files" / "alerts.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\b(howdah_\w+)", text))
    assert asked and not asked - known


@needs_helm
def test_alerts_are_about_this_cluster_and_keep_prometheus_own_templates() -> None:
    values = {"metrics": {"enabled": True, "prometheusRule": {"enabled": True, "additionalRules": [{"alert": "Mine"}]}}}
    rules = template(values).one("PrometheusRule", f"{NAME}-postgresql")["spec"]["groups"][0]["rules"]
    assert [each["alert"] for each in rules][-1] == "Mine" and len(rules) > 5
    assert all(f'cluster="{NAME}"' in each["expr"] for each in rules[:-1])
    assert any("{{ $labels.node }}" in each["annotations"]["summary"] for each in rules[:-1])
