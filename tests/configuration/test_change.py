"""`howdah config set` and `show`."""

import json

import pytest
import yaml

from howdah.configuration.change import effective, set_value, show
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.intents import read_intents
from howdah.configuration.relations import nothing_refused

DOCUMENT = '{"nodes": ["n1", "n2", "n3"]}'


def changed(assignment: str, document: str = DOCUMENT) -> str:
    """The document after one `config set`."""
    return set_value(document, assignment, nothing_refused)


def test_a_postgresql_setting_is_added_and_the_rest_stays() -> None:
    text = changed("postgresql.parameters.pgaudit.log=ddl", changed("postgresql.parameters.work_mem=64MB"))
    intents = read_intents(text)
    assert intents.parameters == {"work_mem": "64MB", "pgaudit.log": "ddl"}
    assert intents.nodes == ("n1", "n2", "n3")


def test_a_value_may_hold_an_equals_sign() -> None:
    text = changed("postgresql.parameters.log_line_prefix=%m user=%u")
    assert read_intents(text).parameters == {"log_line_prefix": "%m user=%u"}


def test_nothing_after_the_equals_sign_gives_the_default_back() -> None:
    text = changed("k=2")
    assert json.loads(text)["k"] == 2
    assert "k" not in json.loads(changed("k=", text))
    assert json.loads(changed("mode=", DOCUMENT)) == json.loads(DOCUMENT)


def test_quotes_make_an_empty_text() -> None:
    assert read_intents(changed("postgresql.parameters.jit_provider=''")).parameters == {"jit_provider": ""}


def test_a_node_that_leaves_is_remembered_as_removed_until_it_returns() -> None:
    smaller = changed("nodes=n1,n3")
    assert (read_intents(smaller).nodes, read_intents(smaller).removed) == (("n1", "n3"), ("n2",))
    whole = changed("nodes=n1,n2,n3", smaller)
    assert (read_intents(whole).nodes, read_intents(whole).removed) == (("n1", "n2", "n3"), ())


def test_times_are_set_with_their_unit() -> None:
    assert read_intents(changed("policy.start_limit=90s")).policy.start_limit_ms == 90_000
    assert read_intents(changed("policy.probe_failures_max=5")).policy.probe_failures_max == 5


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("k", "'k' is not KEY=VALUE"),
        ("k=9", "k is 9 with 3 nodes; it must be at most 2"),
        ("k=some", "k is 'some'; it must be a whole number"),
        ("nodes=n1,n1", "nodes names 'n1' twice"),
        ("policy.lease_ttl=1s", "policy.deadman .4000. must be smaller than policy.lease_ttl .1000."),
        ("policy.lease_ttl=5", "policy.lease_ttl is '5': has no unit"),
        ("policy.lease_tll=5s", "policy.lease_tll is no setting; did you mean 'policy.lease_ttl'"),
        ("lease_ttl=5s", "lease_ttl is no setting; did you mean 'policy.lease_ttl'"),
        ("policy=5s", "policy is a section; set one of its keys: policy.lease_ttl"),
        ("postgresql.parameters=x", "is a map; set one entry of it: postgresql.parameters.NAME=VALUE"),
        ("postgresql.parameters.Work=x", "'Work' cannot be a PostgreSQL setting"),
        ("switchover.to=n2", "switchover.to is not set by hand: use `howdah switchover`"),
        ("paused=true", "use `howdah pause`"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_says_why(assignment: str, message: str) -> None:
    with pytest.raises(SettingsRefused, match=message):
        changed(assignment)


def test_a_setting_that_the_protocol_owns_is_refused_with_its_reason() -> None:
    with pytest.raises(SettingsRefused, match=r"postgresql.parameters.fsync is 'off': never without"):
        set_value(DOCUMENT, "postgresql.parameters.fsync=off", lambda name, _: "never without" * (name == "fsync"))


def test_keys_of_a_newer_version_stay_in_the_document() -> None:
    assert json.loads(changed("k=1", '{"colour": "blue"}')) == {"colour": "blue", "k": 1}


def test_show_tells_every_setting_in_force_and_what_it_shows_can_be_read_again() -> None:
    shown = effective(changed("policy.start_limit=90s"))
    assert shown["policy"]["start_limit"] == "90s"
    assert shown["policy"]["lease_ttl"] == "5s"
    assert shown["nodes"] == ["n1", "n2", "n3"]
    assert yaml.safe_load(show(DOCUMENT)) == effective(DOCUMENT)
    assert read_intents(json.dumps(effective(DOCUMENT))) == read_intents(DOCUMENT)
