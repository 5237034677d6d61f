"""Does a release have the names that users of Bitnami's chart know?"""

import pytest

from tests.chart.helm import HELM, MISSING, Rendered, template

pytestmark = pytest.mark.skipif(HELM is None, reason=MISSING)
FULLNAME = "poc-pg-ha-dev-fz1"


@pytest.fixture(scope="module")
def known() -> Rendered:
    return template({"fullnameOverride": FULLNAME, "metrics": {"enabled": True}})


def test_the_services_are_there_and_one_for_standbys(known: Rendered) -> None:
    assert known.names("Service") == [
        f"{FULLNAME}-pgpool",
        f"{FULLNAME}-postgresql",
        f"{FULLNAME}-postgresql-headless",
        f"{FULLNAME}-postgresql-metrics",
        f"{FULLNAME}-postgresql-read",
    ]


def test_the_pods_have_the_containers_that_commands_name(known: Rendered) -> None:
    servers = known.one("StatefulSet", f"{FULLNAME}-postgresql")["spec"]
    assert servers["serviceName"] == f"{FULLNAME}-postgresql-headless" and servers["replicas"] == 3
    assert [each["name"] for each in servers["template"]["spec"]["containers"]] == ["postgresql", "metrics"]
    routers = known.one("Deployment", f"{FULLNAME}-pgpool")["spec"]["template"]["spec"]
    assert [each["name"] for each in routers["containers"]] == ["pgpool"]
    assert servers["volumeClaimTemplates"][0]["metadata"]["name"] == "data"


def test_the_primary_s_service_has_no_selector_since_agents_write_who_is_behind_it(known: Rendered) -> None:
    for name in ("postgresql", "postgresql-read"):
        assert "selector" not in known.one("Service", f"{FULLNAME}-{name}")["spec"]
    headless = known.one("Service", f"{FULLNAME}-postgresql-headless")["spec"]
    assert headless["clusterIP"] == "None" and headless["publishNotReadyAddresses"] is True


def test_labels_select_what_they_selected(known: Rendered) -> None:
    servers = known.one("StatefulSet", f"{FULLNAME}-postgresql")["spec"]
    assert servers["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "postgresql-ha",
        "app.kubernetes.io/instance": "db",
        "app.kubernetes.io/component": "postgresql",
        "role": "data",
    }
    assert servers["selector"]["matchLabels"].items() <= servers["template"]["metadata"]["labels"].items()


def test_secrets_have_the_known_keys_and_outlive_the_release(known: Rendered) -> None:
    servers, routers = (known.one("Secret", f"{FULLNAME}-{name}") for name in ("postgresql", "pgpool"))
    assert set(servers["data"]) == {"password", "repmgr-password"}
    assert set(routers["data"]) == {"admin-password", "sr-check-password"}
    for secret in (each for each in known.objects if each["kind"] == "Secret"):
        assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    ("release", "values", "fullname"),
    [
        ("db", {}, "db-postgresql-ha"),
        ("my-postgresql-ha", {}, "my-postgresql-ha"),
        ("db", {"nameOverride": "pg"}, "db-pg"),
    ],
)
def test_names_follow_the_release_as_they_did(release: str, values: dict[str, str], fullname: str) -> None:
    assert f"{fullname}-postgresql" in template(values, release).names("StatefulSet")


def test_a_name_that_is_too_long_for_a_server_is_shortened_inside_only() -> None:
    made = template({"fullnameOverride": "a" * 40})
    assert made.names("StatefulSet") == ["a" * 40 + "-postgresql"]
    container = made.one("StatefulSet", "a" * 40 + "-postgresql")["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["HOWDAH_NODE__NAME"] == "postgresql-$(POD_INDEX)"
