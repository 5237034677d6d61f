"""The Bitnami chart's variables are understood, or reported as ignored."""

from pathlib import Path

import pytest

from howdah.configuration.aliases import IGNORED, MEANT
from howdah.configuration.environment import from_environment
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.keys import keys_of
from howdah.configuration.load import load_agent
from howdah.configuration.schema import AgentSettings
from tests.configuration.files import RIGHT, load

HEADLESS = "pg-headless.dev.svc.cluster.local"

CHART = {
    "REPMGR_NODE_NAME": "pg-1",
    "REPMGR_NODE_NETWORK_NAME": f"pg-1.{HEADLESS}",
    "REPMGR_PARTNER_NODES": f"pg-0.{HEADLESS},pg-1.{HEADLESS},pg-2.{HEADLESS}:5432,",
    "REPMGR_PRIMARY_HOST": f"pg-0.{HEADLESS}",
    "REPMGR_NODE_TYPE": "data",
    "REPMGR_NODE_PRIORITY": "50",
    "REPMGR_PASSWORD": "r3pl",
    "REPMGR_LOG_LEVEL": "NOTICE",
    "REPMGR_PORT_NUMBER": "5433",
    "REPMGR_CONNECT_TIMEOUT": "5",
    "REPMGRD_START_DELAY": "20",
    "POSTGRES_USER": "postgres",
    "POSTGRES_PASSWORD": "sup3r",
    "POSTGRESQL_MAX_CONNECTIONS": "200",
    "POSTGRESQL_SHARED_PRELOAD_LIBRARIES": "repmgr, pgaudit",
    "POSTGRESQL_LOG_CONNECTIONS": "true",
    "POSTGRESQL_LOG_LINE_PREFIX": "",
    "POSTGRESQL_NUM_SYNCHRONOUS_REPLICAS": "2",
    "POSTGRESQL_SYNCHRONOUS_REPLICAS_MODE": "FIRST",
}
REST = {"HOWDAH_NODE__ROOT": "/data", "HOWDAH_STORE__KIND": "etcd", "HOWDAH_STORE__ENDPOINTS": "http://etcd:2379"}


def test_a_pod_of_the_chart_starts_with_three_settings_of_its_own() -> None:
    settings = load_agent(None, CHART | REST).settings
    assert settings.node.name == "pg-1"
    assert settings.node.tags.priority == 50
    assert settings.node.start_delay_ms == 20_000
    assert settings.postgresql.address.host == f"pg-1.{HEADLESS}"
    assert settings.postgresql.address.port == 5433
    assert settings.initial_nodes == ("pg-0", "pg-1", "pg-2")
    assert settings.initial_node == "pg-0"
    assert settings.initial.config.k == 2
    assert settings.initial.config.mode == "quorum"
    assert settings.initial.config.postgresql.parameters == {
        "max_connections": "200",
        "shared_preload_libraries": "pgaudit",
        "log_connections": "on",
    }
    secrets = settings.secrets
    assert secrets.superuser is not None
    assert secrets.replication is not None
    assert (secrets.superuser.get_secret_value(), secrets.replication.get_secret_value()) == ("sup3r", "r3pl")


def test_what_is_ignored_is_reported_with_a_reason() -> None:
    notes = load_agent(None, CHART | REST | {"REPMGR_NEW_THING": "1"}).notes
    assert any(note.startswith("REPMGR_CONNECT_TIMEOUT is ignored: detection goes by") for note in notes)
    assert "REPMGR_NEW_THING is ignored: Howdah has no such setting" in notes
    assert "POSTGRESQL_SYNCHRONOUS_REPLICAS_MODE is ignored: a quorum is always ANY k" in notes
    assert len(notes) == 3


def test_a_witness_is_refused() -> None:
    with pytest.raises(SettingsRefused, match="REPMGR_NODE_TYPE is 'witness': Howdah needs no witness"):
        load_agent(None, CHART | REST | {"REPMGR_NODE_TYPE": "witness"})


def test_the_file_wins_over_an_alias(tmp_path: Path) -> None:
    settings = load(tmp_path, RIGHT, {"REPMGR_NODE_NAME": "pg-7", "POSTGRESQL_PORT_NUMBER": "6000"}).settings
    assert (settings.node.name, settings.postgresql.port) == ("n1", 6000)


def test_a_fault_in_an_alias_names_the_variable_and_one_in_the_file_over_it_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"postgresql.port is '70000'.*\(from POSTGRESQL_PORT_NUMBER\)"):
        load(tmp_path, RIGHT, {"POSTGRESQL_PORT_NUMBER": "70000"})
    with pytest.raises(SettingsRefused, match=r"postgresql.port is 70001.*howdah.yaml\)"):
        load(tmp_path, RIGHT + "postgresql: {port: 70001}\n", {"POSTGRESQL_PORT_NUMBER": "5000"})


def test_passwords_are_read_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("s3cret\n", encoding="utf-8")
    variables = {"POSTGRES_PASSWORD_FILE": str(tmp_path / "word"), "REPMGR_PASSWORD_FILE": str(tmp_path / "word")}
    secrets = load(tmp_path, RIGHT, variables).settings.secrets
    assert secrets.superuser == secrets.replication is not None


def test_an_application_user_s_password_is_not_taken_for_the_superuser_s(tmp_path: Path) -> None:
    variables = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "a", "POSTGRES_POSTGRES_PASSWORD": "b"}
    loaded = load(tmp_path, RIGHT, variables)
    assert loaded.settings.secrets.superuser is not None
    assert loaded.settings.secrets.superuser.get_secret_value() == "b"
    assert any(
        note.startswith("POSTGRES_PASSWORD is ignored: Howdah makes no application roles") for note in loaded.notes
    )


def test_manual_failover_is_a_paused_cluster(tmp_path: Path) -> None:
    assert load(tmp_path, RIGHT, {"REPMGR_FAILOVER": "manual"}).settings.initial.config.paused
    assert not load(tmp_path, RIGHT, {"REPMGR_FAILOVER": "automatic"}).settings.initial.config.paused


@pytest.mark.parametrize(
    ("text", "level"), [("DEBUG", "debug"), ("NOTICE", "info"), ("WARNING", "warning"), ("CRIT", "error")]
)
def test_repmgr_s_log_levels_have_their_like(tmp_path: Path, text: str, level: str) -> None:
    assert load(tmp_path, RIGHT, {"REPMGR_LOG_LEVEL": text}).settings.log.level == level


def test_service_links_and_other_people_s_variables_are_left_alone(tmp_path: Path) -> None:
    variables = {"POSTGRESQL_SERVICE_HOST": "10.0.0.1", "POSTGRES_EXPORTER": "x", "PATH": "/bin", "PGHOST": "h"}
    assert load(tmp_path, RIGHT, variables).notes == ()


def test_every_alias_leads_to_a_setting_that_exists() -> None:
    keys = tuple(keys_of(AgentSettings))
    for name, alias in MEANT.items():
        variable = "HOWDAH_" + "__".join(part.replace(".", "__") for part in alias.path).upper()
        assert from_environment({variable: "x"}, keys).document, name
        assert alias.secret == any(key.path == alias.path and key.secret for key in keys), name
    assert not set(MEANT) & set(IGNORED)
