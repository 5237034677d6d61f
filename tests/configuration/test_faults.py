"""Settings that cannot be used are refused with the key, the value and what is allowed."""

from pathlib import Path

import pytest

from tests.configuration.files import RIGHT, load, refused

ETCD = """\
node: {name: n1, root: /data}
store: {kind: etcd, endpoints: [%s]%s}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RIGHT + "log: {level: loud}\n", "log.level is 'loud'; it must be 'debug', 'info', 'warning' or 'error'"),
        (RIGHT + "api: {port: 70000}\n", "api.port is 70000; it must be at most 65535"),
        (RIGHT + "api: {port: many}\n", "api.port is 'many'; it must be a port, 1 to 65535"),
        (RIGHT + "clutser: x\n", "clutser is no setting; did you mean 'cluster'?"),
        (RIGHT + "api: {prot: 1}\n", "api.prot is no setting; did you mean 'port'? (allowed here: listen, port, adv"),
        (RIGHT + "priority: 1\n", "priority is no setting; did you mean 'node.tags.priority'?"),
        (RIGHT + "policy: {gate: 1s}\n", "policy is no setting; did you mean 'initial.config.policy'?"),
        (RIGHT.replace("directory", "prefix"), "store.prefix is no setting; did you mean 'store.prefix of kind etcd'?"),
        (RIGHT + "1: 2\n", "1 is no key: keys are text"),
        (RIGHT + "secrets: {superuser: ''}\n", "secrets.superuser must not be empty"),
        (RIGHT + "hooks: {on_role_change: {a: 1}}\n", "hooks.on_role_change is a list or a section; it must be a comm"),
        (RIGHT + "postgresql: {bin: 3}\n", "postgresql.bin is 3; it must be a path"),
        ("store: {kind: etcd, prefix: a}\n", "store.prefix is 'a': must begin and end with '/', such as /howdah/"),
        (RIGHT + "api: 8008\n", "api is 8008; it must be a section with keys of its own"),
        (RIGHT + "postgresql: {advertised: 'a b'}\n", "postgresql.advertised is 'a b': must be an address"),
        (RIGHT + "api: {port: 5432}\n", "api.port is 5432, which is postgresql.port too"),
        (RIGHT + "hooks: {timeout: 5}\n", "hooks.timeout is 5: has no unit; must be a number with a unit"),
        ("node: {root: /x}\n", "node.name is required: unique in the cluster"),
        ("node: {name: n1, root: /x}\n", "store is required: where the cluster's record is kept"),
        ("node: {name: n1, root: x}\nstore: {kind: sqlite, directory: /s}\n", "node.root is 'x'; it must be an abs"),
        ("node: {name: N1, root: /x}\n", "node.name is 'N1': 'N1' cannot name a node: a lower-case letter"),
        ("node: {name: no, root: /x}\n", "node.name is False; it must be text; YAML reads bare yes, no"),
        ("store: {directory: /s}\n", "store needs kind: one of sqlite, etcd"),
        ("store: {kind: file}\n", "store has kind 'file'; it must be one of 'sqlite', 'etcd'"),
        ("store: {kind: etcd, endpoint: http://a}\n", "store.endpoint is no setting; did you mean 'endpoints'?"),
        ("store: {kind: etcd}\n", "store.endpoints is required"),
        (ETCD % ("a:2379", ""), "store.endpoints has 'a:2379'; each must be http://HOST:PORT or https://HOST:PORT"),
        (ETCD % ("", ""), "store.endpoints must not be empty"),
        (ETCD % ("https://a:1", ", cert_file: /c"), "store.cert_file and store.key_file go together"),
        (ETCD % ("https://a:1", ", username: u"), "store.username and store.password go together"),
        (ETCD % ("http://a:1", ", ca_file: /c"), "store.endpoints has an http:// address although store.ca_file is"),
        (
            ETCD % ("http://a:1", ", cert_file: /c, key_file: /k"),
            "store.endpoints has an http:// address although store.cert_file is",
        ),
        (RIGHT + "api: {cert_file: /c}\n", "api.cert_file and api.key_file go together"),
        (RIGHT + "api: {ca_file: /c}\n", "api.ca_file is set, but api.cert_file is not"),
        (ETCD % ("http://a:1, http://a:1", ""), "store.endpoints names 'http://a:1' twice"),
        ("- a\n", "must be a map of keys, not a list"),
        ("a: 1\nb: [\n", "not readable as YAML"),
        ("node: {name: n1}\nnode: {name: n2}\n", "'node' is there twice: in line 1 and again"),
    ],
)
def test_each_fault_names_key_value_and_mend(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


def initial(config: str) -> str:
    """A file with these cluster settings to begin with."""
    return RIGHT.replace("{config: {nodes: [n1, n2, n3]}}", config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{config: {nodes: [n1, n2, n1]}}", "initial.config.nodes names 'n1' twice"),
        ("{config: {nodes: [n1, N2]}}", "initial.config.nodes.1 is 'N2': 'N2' cannot name a node"),
        ("{config: {nodes: [n1], removed: [n1]}}", "initial.config.removed names 'n1', which is among the nodes too"),
        ("{config: {mode: async, k: 1}}", "initial.config.k is 1, but mode async waits for nobody"),
        ("{config: {mode: quorum, nodes: [n1]}}", "initial.config.mode is 'quorum' with one node"),
        ("{config: {nodes: [n1, n2, n3], k: 3}}", "initial.config.k is 3 with 3 nodes; it must be at most 2"),
        ("{config: {mode: both}}", "initial.config.mode is 'both'; it must be 'quorum' or 'async'"),
        ("{config: {policy: {gate: 4s}}}", "initial.config.policy.gate (4000) must be smaller than initial.config.pol"),
        ("{config: {policy: {lease_tll: 4s}}}", "initial.config.policy.lease_tll is no setting; did you mean 'lease_"),
        ("{config: {postgresql: {parameters: {Work-Mem: 1}}}}", "'Work-Mem' cannot be a PostgreSQL setting"),
        ("{config: {postgresql: {parameters: [a]}}}", "initial.config.postgresql.parameters is a list; it must be a s"),
        ("{node: n9, config: {nodes: [n1]}}", "initial.node is 'n9', which is none of initial.config.nodes (n1)"),
        ("{adopt: /d, config: {nodes: [n2, n1]}}", "initial.adopt is set on n1, but n2 initialises the cluster"),
        ("{adopt: d}", "initial.adopt is 'd'; it must be an absolute path"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, initial(text))


def test_a_key_with_nothing_behind_it_has_its_default(tmp_path: Path) -> None:
    assert load(tmp_path, RIGHT + "api:\nlog: {level: }\n").settings == load(tmp_path, RIGHT).settings


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    lines = refused(tmp_path, RIGHT + "log: {level: loud}\napi: {port: 0}\nextra: 1\n").splitlines()
    assert len(lines) == 3


def test_a_fault_names_the_file_or_the_variable_it_came_from(tmp_path: Path) -> None:
    message = refused(tmp_path, RIGHT + "log: {level: loud}\n", {"HOWDAH_API__PORT": "x"})
    assert f"(from {tmp_path / 'howdah.yaml'})" in message
    assert "api.port is 'x'; it must be a port, 1 to 65535" in message
    assert "(from HOWDAH_API__PORT)" in message


def test_listening_everywhere_needs_an_address_for_others(tmp_path: Path) -> None:
    message = refused(tmp_path, RIGHT + "postgresql: {listen: 0.0.0.0}\n")
    assert "postgresql.advertised must be set: nobody can connect to '0.0.0.0'" in message
    load(tmp_path, RIGHT + "postgresql: {listen: 0.0.0.0, advertised: 10.0.0.1}\n")


def test_postgresql_settings_that_the_protocol_owns_are_refused_with_its_reason(tmp_path: Path) -> None:
    def refusal(name: str, value: str) -> str:
        return f"owned ({value})" if name == "fsync" else ""

    text = initial("{config: {postgresql: {parameters: {fsync: off, work_mem: 64MB}}}}")
    assert load(tmp_path, text).settings.initial.config.postgresql.parameters["fsync"] == "off"
    with pytest.raises(ValueError, match=r"initial.config.postgresql.parameters.fsync is 'off': owned \(off\)"):
        load(tmp_path, text, {}, refusal)
