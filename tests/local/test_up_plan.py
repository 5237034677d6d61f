"""What may a later `howdah up` change, and what is refused?"""

import socket
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from howdah.configuration.routerload import load_router
from howdah.local.place import Place
from howdah.local.plan import read_plan, write_plan
from howdah.local.refused import Refused
from howdah.local.up import API_PORT, HEALTH_PORT, Prepared, Wishes, first_port, prepare


def prepared(place: Place, wishes: Wishes) -> Prepared:
    """Prepare without a word."""
    return prepare(place, wishes, lambda _: None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A directory that any account can enter: pytest's own are closed."""
    ours = [path for path in tmp_path.parents if Path(tempfile.gettempdir()) in path.parents]
    for directory in (tmp_path, *ours):
        directory.chmod(0o755)
    return Place(tmp_path / "cluster")


def test_ports_and_passwords_stay_the_same_over_restarts(place: Place) -> None:
    first = prepared(place, Wishes(port=15800))
    second = prepared(place, Wishes())
    assert second.plan == first.plan == read_plan(place.plan) and second.secrets == first.secrets
    assert second.added == () and len(first.plan.nodes) == 3
    ports = [first.plan.router_port, first.plan.router_health_port]
    ports += [*(port for node in first.plan.nodes for port in (node.port, node.api_port))]
    assert len(set(ports)) == len(ports) == 8
    router = load_router(place.router.file, {})
    assert (router.listen.port, router.health.port) == (first.plan.router_port, first.plan.router_health_port)


def test_a_taken_port_is_passed_over_and_that_is_said(place: Place) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 15801)):
        made = prepare(place, Wishes(nodes=1, port=15801), said.append)
    assert made.plan.router_port != 15801
    assert f"port 15801 is taken; the router listens on {made.plan.router_port}" in said


def test_a_cluster_of_before_there_were_routers_gets_one(place: Place) -> None:
    first = prepared(place, Wishes(nodes=1, port=15850))
    write_plan(place.plan, replace(first.plan, router_port=0))
    for file in (place.router.file, place.secrets / "router"):
        file.unlink()
    said: list[str] = []
    second = prepare(place, Wishes(), said.append)
    assert second.plan.router_port > second.plan.nodes[0].port
    assert any("gets a router" in sentence for sentence in said)
    assert load_router(place.router.file, {}).listen.port == second.plan.router_port
    assert (place.secrets / "router").read_text().strip() == second.secrets.router


def test_more_nodes_are_added_with_ports_of_their_own(place: Place) -> None:
    first = prepared(place, Wishes(nodes=2, port=15810))
    grown = prepared(place, Wishes(nodes=4))
    assert grown.added == ("n3", "n4") and grown.plan.nodes[:2] == first.plan.nodes
    assert len({node.port for node in grown.plan.nodes}) == 4
    assert place.agent_file("n4").exists()


@pytest.mark.parametrize(
    ("wishes", "named"),
    [
        (Wishes(nodes=1), "config set nodes"),
        (Wishes(port=15999), "--port"),
        (Wishes(store="etcd"), "--store"),
        (Wishes(sync="async"), "config set mode=async"),
        (Wishes(postgres_bin=Path("/opt/pg/bin")), "postgresql.bin"),
    ],
)
def test_what_cannot_change_is_refused_with_the_mend(place: Place, wishes: Wishes, named: str) -> None:
    first = prepared(place, Wishes(nodes=2, port=15820))
    with pytest.raises(Refused, match=named):
        prepared(place, wishes)
    assert read_plan(place.plan) == first.plan


def test_lost_passwords_are_not_replaced_by_new_ones(place: Place) -> None:
    prepared(place, Wishes(nodes=1, port=15830))
    (place.secrets / "superuser").unlink()
    with pytest.raises(Refused, match="superuser"):
        prepared(place, Wishes())


def test_programs_that_are_no_postgresql_are_refused_before_anything_is_started(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no PostgreSQL programs"):
        prepared(place, Wishes(postgres_bin=tmp_path))


def test_settings_that_an_agent_would_refuse_are_told_before_anything_is_started(place: Place) -> None:
    prepared(place, Wishes(nodes=1, port=15840))
    file = place.agent_file("n1")
    file.write_text(file.read_text() + "log:\n  level: loud\n")
    with pytest.raises(Refused, match=r"log.level is 'loud'"):
        prepared(place, Wishes())


def test_clusters_that_begin_at_different_ports_look_for_their_agents_ports_in_different_places() -> None:
    assert (first_port(API_PORT, 5432), first_port(HEALTH_PORT, 5432)) == (8008, 6433)
    assert (first_port(API_PORT, 6432), first_port(HEALTH_PORT, 6432)) == (9008, 7433)
    assert first_port(API_PORT, 1024) == 8008 and first_port(API_PORT, 64_000) == 8008
