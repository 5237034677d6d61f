"""Which settings does a router take, and what does it say to wrong ones?"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from howdah.configuration.faults import SettingsRefused
from howdah.configuration.keys import keys_of
from howdah.configuration.router import RouterSettings
from howdah.configuration.routerload import load_router
from howdah.configuration.schema import SqliteStore

RIGHT = """\
cluster: main
store: {kind: sqlite, directory: /var/lib/howdah/store}
secrets: {router: secret}
"""


def load(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> RouterSettings:
    file = folder / "router.yaml"
    file.write_text(text, encoding="utf-8")
    return load_router(file, environment or {})


def refused(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingsRefused) as caught:
        load(folder, text, environment)
    return str(caught.value)


def test_a_store_and_a_password_are_all_that_is_needed(tmp_path: Path) -> None:
    settings = load(tmp_path, RIGHT)
    assert isinstance(settings.store, SqliteStore)
    assert (settings.pools.mode, settings.routing.consistency, settings.hold.timeout_ms) == ("auto", "session", 20_000)


def test_the_agents_can_stand_in_for_the_store(tmp_path: Path) -> None:
    text = "agents: {addresses: ['10.0.0.1:8008', '[::1]:8008']}\nsecrets: {router: secret}\n"
    settings = load(tmp_path, text)
    assert settings.store is None
    assert settings.agents.addresses == ("10.0.0.1:8008", "[::1]:8008")


def test_every_key_says_what_it_is_for_and_is_a_variable() -> None:
    keys = list(keys_of(RouterSettings))
    assert not [key.dotted for key in keys if not key.field.description]
    assert "HOWDAH_POOLS__WAIT_TIMEOUT" in {key.variable for key in keys}


def test_variables_win_over_the_file_and_maps_take_single_nodes(tmp_path: Path) -> None:
    text = RIGHT + "routing: {weights: {n1: 2}}\n"
    environment = {"HOWDAH_ROUTING__WEIGHTS__N2": "0.5", "HOWDAH_LISTEN__PORT": "5432"}
    settings = load(tmp_path, text, environment)
    assert settings.routing.weights == {"n1": 2.0, "n2": 0.5}
    assert settings.listen.port == 5432
    assert load(tmp_path, text, {"HOWDAH_ROUTING__WEIGHTS": "n1=1, n3=3"}).routing.weights == {"n1": 1.0, "n3": 3.0}


def test_access_rules_keep_their_commas(tmp_path: Path) -> None:
    rules = "host all app,batch 10.0.0.0/8 scram-sha-256; local all all peer"
    settings = load(tmp_path, RIGHT, {"HOWDAH_LOGIN__HBA": rules})
    assert settings.login.hba == ("host all app,batch 10.0.0.0/8 scram-sha-256", "local all all peer")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("pools: {mode: statement}", "pools.mode is 'statement'; it must be 'auto', 'session' or 'transaction'"),
        ("pools: {min_size: 30}", "pools.min_size is 30; it must be at most pools.size, 20"),
        ("routing: {weights: {N1: 1}}", "routing.weights 'N1' cannot name a node"),
        ("routing: {weights: {n1: -1}}", "routing.weights.n1 is -1; it must be at least 0"),
        ("agents: {addresses: ['10.0.0.1:8008']}", "agents.addresses and store are both set"),
        ("knowledge: {limit: 2s}", "knowledge.limit is 2000 ms; it must be larger than probe_interval and"),
        ("knowledge: {sample_interval: 0ms}", "knowledge.sample_interval must be larger than 0"),
        ("tls: {clients: {mode: require}}", "tls.clients.mode is 'require', which needs tls.clients.cert_file"),
        ("tls: {servers: {mode: verify-full}}", "tls.servers.mode is 'verify-full', which needs tls.servers.ca_file"),
        ("health: {port: 6432}", "health.port is 6432, which is listen.port too"),
        ("limits: {clients: 3}", "limits.reserved is 3; it must be below limits.clients, 3"),
        ("listen: {socket_mode: '0999'}", "listen.socket_mode is '0999'"),
        ("listen: {socket_directory: run}", "listen.socket_directory is 'run'; it must be an absolute path"),
        ("pool: {size: 3}", "pool is no setting; did you mean 'pools'?"),
        ("hold: {timeout: 20}", "hold.timeout is 20: has no unit"),
        ("login: {hba: ['host all all all pam']}", "login.hba cannot be used: access rule 1"),
        ("login: {hba: ['local all all peer map=m']}", "whose map 'm' is not in login.ident"),
        ("login: {ident: [too few]}", "login.ident cannot be used: identity map 1"),
        ("login: {hba: ['hostssl all all all cert']}", "needs tls.clients.client_certificates"),
        ("login: {hba: ['hostssl all all all ldap']}", "ldap needs ldapserver or ldapurl"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_mend(tmp_path: Path, more: str, said: str) -> None:
    assert said in refused(tmp_path, RIGHT + more + "\n")


def test_a_router_that_cannot_know_anything_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, "agents: {addresses: [db1]}\n")
    assert "agents.addresses has 'db1', which has no port; such as db1:8008" in said
    assert "secrets.router is required" in said
    assert "store and agents.addresses are both unset" in refused(tmp_path, "secrets: {router: x}\n")


def test_an_etcd_store_is_checked_as_an_agent_s_is(tmp_path: Path) -> None:
    text = "store: {kind: etcd, endpoints: ['10.0.0.1:2379']}\nsecrets: {router: x}\n"
    assert "each must be http://HOST:PORT" in refused(tmp_path, text)


def test_the_password_is_never_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(load(tmp_path, RIGHT.replace("secret}", "hush}")))
