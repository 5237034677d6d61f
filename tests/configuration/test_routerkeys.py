"""Can a running router's settings be shown and changed one by one?"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from howdah.configuration.faults import SettingsRefused
from howdah.configuration.keys import keys_of
from howdah.configuration.router import RouterSettings
from howdah.configuration.routerkeys import ABSENT, PGBOUNCER, shown, with_value
from howdah.configuration.routerload import load_router

RIGHT = """\
store: {kind: sqlite, directory: /var/lib/howdah/store}
secrets: {router: very-secret}
pools: {wait_timeout: 90s}
"""


@pytest.fixture
def settings(tmp_path: Path) -> RouterSettings:
    file = tmp_path / "router.yaml"
    file.write_text(RIGHT, encoding="utf-8")
    return load_router(file, {})


def values(settings: RouterSettings) -> Mapping[str, str]:
    return {name: value for name, value, _, _ in shown(settings)}


def test_every_setting_is_shown_under_our_name_and_many_under_pgbouncers(settings: RouterSettings) -> None:
    found = values(settings)
    assert {*PGBOUNCER, *ABSENT} < found.keys()
    assert {key.dotted for key in keys_of(RouterSettings) if not key.variant} < found.keys()
    assert (found["pools.wait_timeout"], found["query_wait_timeout"]) == ("90s", "90")
    assert (found["max_client_conn"], found["limits.clients"]) == ("5000", "5000")


def test_no_secret_is_shown(settings: RouterSettings) -> None:
    assert values(settings)["secrets.router"] == "(hidden)"
    assert "very-secret" not in str(list(shown(settings)))


def test_one_setting_can_be_changed_under_either_name_and_the_others_stay(settings: RouterSettings) -> None:
    assert with_value(settings, "pools.size", "33").pools.size == 33
    assert with_value(settings, "default_pool_size", "33").pools.size == 33
    changed = with_value(settings, "query_wait_timeout", "7")
    assert (changed.pools.wait_timeout_ms, changed.store, settings.pools.wait_timeout_ms) == (
        7000,
        settings.store,
        90_000,
    )
    assert with_value(settings, "tls.clients.min_version", "1.3").tls.clients.min_version == "1.3"
    assert with_value(settings, "login.observers", "a, b").login.observers == ("a", "b")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("pools.size", "many", "pools.size is 'many'; it must be a whole number"),
        ("default_pol_size", "3", "default_pol_size is no setting of a router; did you mean 'default_pool_size'?"),
        ("pools.wait_timeout", "7", "pools.wait_timeout .*unit"),
        ("pools.min_size", "99", "pools.min_size is 99; it must be at most pools.size"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_name_as_it_was_written(
    settings: RouterSettings, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(SettingsRefused, match=sentence):
        with_value(settings, name, value)
