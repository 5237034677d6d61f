"""Which settings does `howdah config apply FILE` set? (On a real cluster: test_commands.)"""

import pytest
import yaml

from howdah.cli.config import assignments
from howdah.configuration.change import effective
from howdah.configuration.faults import SettingsRefused

FILE = """
nodes: [n1, n2]
mode: quorum
policy: {lease_ttl: 6s}
postgresql: {parameters: {max_connections: 200, log_connections: true, pgaudit.log: ddl}}
"""


def test_every_setting_of_the_file_is_told_as_config_set_is() -> None:
    assert assignments(yaml.safe_load(FILE)) == {
        "nodes": "n1,n2",
        "mode": "quorum",
        "policy.lease_ttl": "6s",
        "postgresql.parameters.max_connections": "200",
        "postgresql.parameters.log_connections": "on",
        "postgresql.parameters.pgaudit.log": "ddl",
    }


def test_what_the_cluster_shows_is_told_in_the_same_words() -> None:
    shown = assignments(effective('{"nodes": ["n1", "n2"], "mode": "quorum", "policy": {"lease_ttl": "6s"}}'))
    assert {name: shown[name] for name in ("nodes", "mode", "policy.lease_ttl", "k")} == {
        "nodes": "n1,n2",
        "mode": "quorum",
        "policy.lease_ttl": "6s",
        "k": "0",
    }
    assert not {name for name in shown if name.startswith(("paused", "removed", "switchover"))}


def test_a_key_that_is_none_is_named() -> None:
    with pytest.raises(SettingsRefused, match="lease_tttl"):
        assignments({"policy": {"lease_tttl": "6s"}})
