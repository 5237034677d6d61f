"""Are the Bitnami chart's variables of Pgpool-II understood by a router, or reported as ignored?"""

from pathlib import Path

import pytest

from howdah.configuration.keys import keys_of
from howdah.configuration.pgpoolaliases import IGNORED, MEANT
from howdah.configuration.router import RouterSettings
from howdah.configuration.routerload import load_router, router_notes

CHART = {
    "PGPOOL_BACKEND_NODES": "0:pg-0.pg-headless:5432,1:pg-1.pg-headless:5432",
    "PGPOOL_NUM_INIT_CHILDREN": "32",
    "PGPOOL_RESERVED_CONNECTIONS": "1",
    "PGPOOL_CLIENT_IDLE_LIMIT": "300",
    "PGPOOL_CONNECTION_LIFE_TIME": "0",
    "PGPOOL_ENABLE_LOAD_BALANCING": "no",
    "PGPOOL_ENABLE_CONNECTION_CACHE": "yes",
    "PGPOOL_ENABLE_TLS": "no",
    "PGPOOL_LOG_LINE_PREFIX": "",
    "PGPOOL_PORT_5432_TCP_ADDR": "10.0.0.1",
}
REST = {"HOWDAH_STORE__KIND": "etcd", "HOWDAH_STORE__ENDPOINTS": "http://etcd:2379"}


def test_a_router_takes_its_settings_from_the_chart_s_variables(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("r0uter\n")
    settings = load_router(None, CHART | REST | {"PGPOOL_SR_CHECK_PASSWORD_FILE": str(secret)})
    assert (settings.limits.clients, settings.limits.reserved) == (32, 3)
    assert settings.limits.client_idle_timeout_ms == 300_000
    assert settings.pools.idle_timeout_ms == 600_000 and settings.pools.mode == "auto"
    assert settings.routing.reads == "primary"
    assert settings.tls.clients.mode == "disable"
    assert settings.secrets.router is not None and settings.secrets.router.get_secret_value() == "r0uter"


def test_howdah_s_own_variables_go_first() -> None:
    own = {"HOWDAH_LIMITS__CLIENTS": "100", "HOWDAH_SECRETS__ROUTER": "own", "PGPOOL_SR_CHECK_PASSWORD": "other"}
    settings = load_router(None, CHART | REST | own)
    assert settings.limits.clients == 100
    assert settings.secrets.router is not None and settings.secrets.router.get_secret_value() == "own"


def test_what_is_ignored_is_reported_with_the_reason() -> None:
    assert router_notes(CHART) == (
        "PGPOOL_BACKEND_NODES is ignored: servers are known from the cluster's record",
    )  # fmt: skip
    assert router_notes({"PGPOOL_NUM_INIT_CHILDREN_FILE": "/x", "PGPOOL_NEVER": "1"}) == (
        "PGPOOL_NEVER is ignored: Howdah has no such setting",
        "PGPOOL_NUM_INIT_CHILDREN_FILE is ignored: only passwords are read from files",
    )


@pytest.mark.parametrize("name", MEANT)
def test_an_alias_leads_to_a_setting_that_exists(name: str) -> None:
    assert name not in IGNORED
    assert MEANT[name].path in {key.path for key in keys_of(RouterSettings)}
