"""Does a node come back when another program took its port?"""

import socket
from pathlib import Path

import pytest

from howdah.configuration.load import load_agent
from howdah.local.agentfile import write_agent_file
from howdah.local.freeports import choose_ports
from howdah.local.place import Place
from howdah.local.plan import Plan, read_plan, write_plan
from howdah.local.portmove import settle_ports
from howdah.local.refused import Refused
from howdah.postgres.secrets import generate_secrets, write_secrets


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def made(place: Place, ports: tuple[int, ...], api_ports: tuple[int, ...]) -> Plan:
    """A cluster's files, as `up` writes them."""
    plan = Plan("main", "sqlite", ()).grown(ports, api_ports)
    write_plan(place.plan, plan)
    write_secrets(place.secrets, generate_secrets())
    for node in plan.nodes:
        place.node(node.name).mkdir()
        write_agent_file(place, plan, node)
    return plan


def test_an_agent_s_taken_port_moves_to_the_next_free_one_in_both_files(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        first, second, third = choose_ports(17_000, 3, (taken, taken + 1))
        plan = made(place, (first, second), (taken, taken + 1 if taken < 65_000 else third))
        file = place.agent_file("n1")
        file.write_text(file.read_text() + "# a word of the operator's\n")
        said: list[str] = []
        moved = settle_ports(place, plan, [(node, False) for node in plan.nodes[:1]], said.append)
    port = moved.nodes[0].api_port
    assert port not in (taken, plan.nodes[1].api_port) and moved.nodes[1] == plan.nodes[1]
    assert read_plan(place.plan) == moved
    assert load_agent(file, {}).settings.api.address.port == port
    assert load_agent(file, {}).settings.postgresql.address.port == first
    assert "a word of the operator's" in file.read_text() and str(port) in said[0]


def test_postgresql_s_taken_port_is_refused_with_the_mend_unless_its_own_server_has_it(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        plan = made(place, (taken,), choose_ports(17_000, 1, (taken,)))
        with pytest.raises(Refused, match=f"port {taken}.*agent.yaml"):
            settle_ports(place, plan, [(plan.nodes[0], False)], print)
        assert settle_ports(place, plan, [(plan.nodes[0], True)], print) == plan
    assert read_plan(place.plan) == plan


def test_a_port_that_the_operator_wrote_otherwise_is_left_to_the_operator(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        plan = made(place, choose_ports(17_000, 1, (taken,)), (taken,))
        file = place.agent_file("n1")
        text = file.read_text().replace("api:\n  listen: 127.0.0.1\n  port:", "api:\n  listen: 127.0.0.1:")
        file.write_text(text)
        with pytest.raises(Refused, match="End that one"):
            settle_ports(place, plan, [(plan.nodes[0], False)], print)
    assert file.read_text() == text and read_plan(place.plan) == plan
