"""Files and environment become settings."""

from pathlib import Path

import pytest

from howdah.cluster.policy import Policy
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.keys import keys_of
from howdah.configuration.load import load_agent
from howdah.configuration.routerload import is_for_router
from howdah.configuration.schema import AgentSettings, EtcdStore, KubernetesStore, SqliteStore
from howdah.values.address import Address
from tests.configuration.files import RIGHT, load, refused


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, RIGHT).settings
    assert settings.node.name == "n1"
    assert settings.store == SqliteStore(kind="sqlite", directory=Path("/var/lib/howdah/store"))
    assert settings.postgresql.address == Address("127.0.0.1", 5432)
    assert settings.may_initialise
    assert settings.log.level == "info"


def test_everything_can_come_from_the_environment_alone() -> None:
    settings = load_agent(
        None,
        {
            "HOWDAH_NODE__NAME": "n2",
            "HOWDAH_NODE__ROOT": "/data",
            "HOWDAH_NODE__TAGS__PRIORITY": "50",
            "HOWDAH_NODE__TAGS__NOSYNC": "true",
            "HOWDAH_NODE__TAGS__DELAY": "1h",
            "HOWDAH_NODE__START_DELAY": "30",
            "HOWDAH_POSTGRESQL__ADVERTISED": "[fd00::2]:6432",
            "HOWDAH_STORE__KIND": "etcd",
            "HOWDAH_STORE__ENDPOINTS": "http://a:2379, http://b:2379",
            "HOWDAH_HOOKS__ON_ROLE_CHANGE": "/bin/notify --to 'the team'",
            "HOWDAH_INITIAL__CONFIG__NODES": "n1,n2",
            "HOWDAH_INITIAL__CONFIG__POLICY__RENEW_INTERVAL": "900ms",
            "HOWDAH_INITIAL__CONFIG__POSTGRESQL__PARAMETERS__WORK_MEM": "64MB",
            "HOWDAH_INITIAL__CONFIG__POSTGRESQL__PARAMETERS__PGAUDIT__LOG": "ddl",
        },
    ).settings
    assert settings.node.start_delay_ms == 30_000
    assert settings.node.tags.tags().delay_ms == 3_600_000
    assert not settings.node.tags.tags().may_vote
    assert settings.postgresql.address == Address("fd00::2", 6432)
    assert isinstance(settings.store, EtcdStore)
    assert settings.store.endpoints == ("http://a:2379", "http://b:2379")
    assert settings.hooks.on_role_change == ("/bin/notify", "--to", "the team")
    assert settings.initial.config.postgresql.parameters == {"work_mem": "64MB", "pgaudit.log": "ddl"}
    assert settings.initial.config.policy.renew_interval_ms == 900
    assert not settings.may_initialise


def test_every_key_has_a_variable_of_its_own() -> None:
    named: dict[str, str] = {}
    for key in keys_of(AgentSettings):
        assert named.setdefault(key.variable, key.dotted) == key.dotted


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, RIGHT, {"HOWDAH_NODE__NAME": "n3", "HOWDAH_POSTGRESQL__PORT": "6000"})
    assert (loaded.settings.node.name, loaded.settings.postgresql.port) == ("n3", 6000)


def test_another_kind_of_store_in_the_environment_replaces_the_file_s_whole(tmp_path: Path) -> None:
    variables = {"HOWDAH_STORE__KIND": "etcd", "HOWDAH_STORE__ENDPOINTS": "http://a:2379"}
    assert isinstance(load(tmp_path, RIGHT, variables).settings.store, EtcdStore)


def test_variables_that_kubernetes_sets_for_a_service_called_howdah_do_no_harm(tmp_path: Path) -> None:
    links = {
        "HOWDAH_SERVICE_HOST": "10.0.0.1",
        "HOWDAH_SERVICE_PORT": "5432",
        "HOWDAH_PORT": "tcp://10.0.0.1:5432",
        "HOWDAH_PORT_5432_TCP_ADDR": "10.0.0.1",
    }
    assert load(tmp_path, RIGHT, links).settings.postgresql.port == 5432


def test_a_misspelt_variable_is_refused_with_the_right_one(tmp_path: Path) -> None:
    message = refused(tmp_path, RIGHT, {"HOWDAH_NODE__TAGS__PRIORTY": "1"})
    assert "HOWDAH_NODE__TAGS__PRIORTY is no setting; did you mean 'HOWDAH_NODE__TAGS__PRIORITY'?" in message


def test_a_secret_is_read_from_a_file_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("s3cret\n", encoding="utf-8")
    for text, variables in (
        (RIGHT + f"secrets: {{superuser_file: {tmp_path / 'word'}}}\n", {}),
        (RIGHT, {"HOWDAH_SECRETS__SUPERUSER_FILE": str(tmp_path / "word")}),
        (RIGHT + "secrets: {superuser: other}\n", {"HOWDAH_SECRETS__SUPERUSER_FILE": str(tmp_path / "word")}),
    ):
        secret = load(tmp_path, text, variables).settings.secrets.superuser
        assert secret is not None
        assert secret.get_secret_value() == "s3cret"


def test_a_secret_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    text = RIGHT + f"secrets: {{superuser_file: /nowhere, replication_file: {tmp_path / 'empty'}}}\n"
    message = refused(tmp_path, text)
    assert "secrets.superuser_file is '/nowhere', which cannot be read: No such file" in message
    assert "secrets.replication_file is" in message
    assert "which is empty" in message


def test_a_secret_given_twice_in_one_place_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, RIGHT + "secrets: {superuser: a, superuser_file: /b}\n")
    assert "secrets.superuser is given twice" in message


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    settings = load(tmp_path, RIGHT + "secrets: {superuser: hunter2}\n").settings
    assert "hunter2" not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    for wrong in ("{superuser: {hunter2: 1}}", "{superuser: [hunter2]}", "{superusr: hunter2}"):
        assert "hunter2" not in refused(tmp_path, RIGHT + f"secrets: {wrong}\n")


def test_a_node_s_own_start_delay_goes_over_the_cluster_s(tmp_path: Path) -> None:
    settings = load(tmp_path, RIGHT, {"HOWDAH_NODE__START_DELAY": "7"}).settings
    assert settings.own_policy(Policy(start_delay_ms=1)).start_delay_ms == 7000
    assert load(tmp_path, RIGHT).settings.own_policy(Policy(start_delay_ms=1)).start_delay_ms == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"cannot be read: No such file or directory \(from .*gone.yaml\)"):
        load_agent(tmp_path / "gone.yaml", {})


@pytest.mark.parametrize(
    ("text", "environment", "router"),
    [
        ("cluster: main\nsecrets: {router: secret}\n", {}, True),
        ("listen: {port: 6432}\n", {}, True),
        ("node: {name: n1}\n", {}, False),
        ("cluster: main\npostgresql: {port: 5432}\n", {}, False),
        ("cluster: main\n", {"HOWDAH_NODE__NAME": "n1"}, False),
        ("", {}, False),
    ],
)
def test_a_file_is_a_router_s_unless_it_has_what_only_agents_have(
    tmp_path: Path, text: str, environment: dict[str, str], router: bool
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text, encoding="utf-8")
    assert is_for_router(file, environment) is router


IN_A_POD = {
    "HOWDAH_CLUSTER": "db",
    "HOWDAH_NODE__NAME": "db-0",
    "HOWDAH_NODE__ROOT": "/data",
    "HOWDAH_STORE__KIND": "kubernetes",
    "HOWDAH_KUBERNETES__PRIMARY_SERVICE": "db-postgresql",
    "HOWDAH_KUBERNETES__READ_SERVICE": "db-postgresql-read",
    "HOWDAH_KUBERNETES__POD_IP": "10.244.1.7",
    "HOWDAH_KUBERNETES__POD_UID": "0b0c",
    "HOWDAH_POSTGRESQL__LISTEN": "0.0.0.0",
    "HOWDAH_POSTGRESQL__ADVERTISED": "db-0.db-headless.dev.svc.cluster.local",
    "HOWDAH_API__LISTEN": "0.0.0.0",
    "HOWDAH_API__ADVERTISED": "db-0.db-headless.dev.svc.cluster.local",
    "HOWDAH_INITIAL__CONFIG__NODES": "db-0,db-1,db-2",
}


def test_a_pod_s_settings_come_from_its_environment_alone() -> None:
    settings = load_agent(None, IN_A_POD).settings
    assert settings.store == KubernetesStore(kind="kubernetes")
    assert settings.kubernetes.primary_service == "db-postgresql"
    assert settings.kubernetes.port_name == "postgresql"
    assert settings.postgresql.address == Address("db-0.db-headless.dev.svc.cluster.local", 5432)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"HOWDAH_KUBERNETES__POD_IP": "db-0.db"}, "status.podIP"),
        ({"HOWDAH_KUBERNETES__READ_SERVICE": "db-postgresql"}, "each needs a Service of its own"),
        ({"HOWDAH_STORE__API": "10.96.0.1:443"}, "must be https://HOST:PORT"),
        ({"HOWDAH_STORE__PREFIX": "Db-"}, "names of objects begin with a letter"),
        ({"HOWDAH_STORE__CERT_FILE": "/me.pem"}, "go together"),
        ({"HOWDAH_STORE__KIND": "sqlite", "HOWDAH_STORE__DIRECTORY": "/store"}, "only with kubernetes is it steered"),
    ],
)
def test_what_does_not_fit_in_a_pod_s_settings_is_named(changes: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsRefused, match=words):
        load_agent(None, IN_A_POD | changes)
