"""What does a router say of what it learns, and when can it not begin?"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from howdah.configuration.faults import checked
from howdah.configuration.router import RouterSettings, ServerTlsSettings
from howdah.router.agentsource import AgentSource
from howdah.router.probes import libpq_tls
from howdah.router.recordsource import RecordSource
from howdah.router.topology import Topology, TopologyUnusable, fleet_limits, sentence_of
from howdah.routing.fleet import (
    Fleet,
    FleetLimits,
    HandingOver,
    NodeChanged,
    NodeGone,
    PrimaryLost,
    PrimaryServes,
    Target,
)


def settings(**more: Any) -> RouterSettings:
    return checked(RouterSettings, {"secrets": {"router": "x"}, **more})


def topology(given: RouterSettings) -> Topology:
    async def made() -> Topology:
        return Topology(given, Fleet(FleetLimits()), lambda _: None)

    return asyncio.run(made())


def test_each_change_is_a_sentence_or_no_news() -> None:
    target = Target("n2", "10.0.0.2", 5432)
    assert sentence_of(PrimaryServes(target, 3)) == "n2 serves in term 3: writes go there"
    assert sentence_of(HandingOver(target, 3)) == "n2 takes no new transactions (term 3)"
    assert sentence_of(PrimaryLost(target, 3)) == "n2 is no longer the primary (term 3)"
    assert sentence_of(NodeGone(target)) == "n2 is no node at 10.0.0.2:5432 any more"
    assert sentence_of(NodeChanged(target)) == ""
    target.trouble = "it did not answer within 1500 ms"
    assert sentence_of(NodeChanged(target)) == "n2 cannot be read from: it did not answer within 1500 ms"
    target.readable = True
    assert sentence_of(NodeChanged(target)) == "n2 can be read from"


def test_the_settings_say_whether_the_store_or_the_agents_are_asked(tmp_path: Path) -> None:
    by_store = topology(settings(store={"kind": "sqlite", "directory": str(tmp_path)}))
    assert isinstance(by_store.source, RecordSource)
    by_agents = topology(settings(agents={"addresses": ["10.0.0.1:8008"]}))
    assert isinstance(by_agents.source, AgentSource)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ({"store": {"kind": "etcd", "endpoints": ["https://a:2379"], "ca_file": "/nowhere/ca.pem"}}, "store.ca_file"),
        ({"agents": {"addresses": ["a:8008"], "ca_file": "/nowhere/ca.pem"}}, "agents.ca_file"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_named(where: dict[str, Any], named: str) -> None:
    with pytest.raises(TopologyUnusable, match=named):
        topology(settings(**where))


def test_limits_and_tls_are_handed_on_in_the_words_of_those_who_use_them() -> None:
    given = settings(
        routing={"max_lag": "3s", "max_lag_bytes": "1MB", "weights": {"n1": 2}}, knowledge={"limit": "4s"}, agents={}
    )
    assert fleet_limits(given.knowledge, given.routing) == FleetLimits(4000.0, 3000.0, 1 << 20, 0.0, {"n1": 2.0})
    tls = ServerTlsSettings(mode="verify-full", ca_file=Path("/ca.pem"))
    assert libpq_tls(tls) == {
        "sslmode": "verify-full",
        "ssl_min_protocol_version": "TLSv1.2",
        "sslrootcert": "/ca.pem",
    }
