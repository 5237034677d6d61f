"""Are free ports found, and taken ones passed over?"""

import socket

import pytest

from howdah.local.freeports import choose_ports, port_is_free
from howdah.local.refused import Refused


def test_a_port_on_which_somebody_listens_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)


def test_a_port_that_is_taken_on_all_addresses_is_not_free() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not port_is_free(server.getsockname()[1])


def test_taken_and_reserved_ports_are_passed_over() -> None:
    assert choose_ports(5432, 3, {5434}, lambda port: port != 5433) == (5432, 5435, 5436)


def test_no_free_ports_up_to_the_last_is_refused() -> None:
    with pytest.raises(Refused, match="--port"):
        choose_ports(65530, 10, (), lambda _: True)
