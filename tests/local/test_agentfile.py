"""Can agents use the settings that `up` writes, and are an operator's changes left alone?"""

import stat
from pathlib import Path

from howdah.configuration.load import load_agent
from howdah.configuration.schema import EtcdStore, SqliteStore
from howdah.local.agentfile import write_agent_file
from howdah.local.place import Place
from howdah.local.plan import Plan, PlannedNode
from howdah.postgres.parameters import refusal
from howdah.postgres.secrets import generate_secrets, write_secrets

NODES = (PlannedNode("n1", 5432, 8008), PlannedNode("n2", 5433, 8009), PlannedNode("n3", 5434, 8010))


def place_with_secrets(root: Path) -> Place:
    """A directory as it is when agents' settings are written."""
    place = Place(root)
    write_secrets(place.secrets, generate_secrets())
    for node in NODES:
        place.node(node.name).mkdir()
    return place


def test_an_agent_can_use_its_file(tmp_path: Path) -> None:
    place = place_with_secrets(tmp_path)
    write_agent_file(place, Plan("main", "sqlite", NODES, sync="async", account="nobody"), NODES[1])
    settings = load_agent(place.agent_file("n2"), {}, refusal).settings
    assert (settings.node.name, settings.node.root) == ("n2", tmp_path / "n2")
    assert (settings.postgresql.address.port, settings.api.address.port) == (5433, 8009)
    assert settings.postgresql.account == "nobody"
    assert isinstance(settings.store, SqliteStore) and settings.store.directory == tmp_path / "store"
    assert settings.initial_nodes == ("n1", "n2", "n3") and settings.initial_node == "n1"
    assert settings.initial.config.mode == "async"
    token = settings.secrets.api_token
    assert token and token.get_secret_value() == (tmp_path / "secrets" / "api_token").read_text().strip()


def test_an_agent_with_etcd_is_told_where_it_listens(tmp_path: Path) -> None:
    place = place_with_secrets(tmp_path)
    write_agent_file(place, Plan("main", "etcd", NODES), NODES[0])
    store = load_agent(place.agent_file("n1"), {}, refusal).settings.store
    assert isinstance(store, EtcdStore) and store.endpoints[0].startswith("http://127.0.0.1:")


def test_only_the_owner_may_read_it_and_a_change_by_hand_stays(tmp_path: Path) -> None:
    place, plan = place_with_secrets(tmp_path), Plan("main", "sqlite", NODES)
    write_agent_file(place, plan, NODES[0])
    file = place.agent_file("n1")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text(file.read_text() + "log:\n  level: debug\n")
    write_agent_file(place, plan, NODES[0])
    assert load_agent(file, {}, refusal).settings.log.level == "debug"
