"""From settings and sockets to what a login needs."""

import os
import pwd
import socket
from pathlib import Path
from typing import Any

import pytest

from howdah.configuration.router import RouterSettings
from howdah.router.loginpolicy import arrival_of, policy_of
from howdah.routing.hba import Caller, Method, peer_address
from howdah.routing.loginsteps import Arrival


def settings(password: str = "x", **login: Any) -> RouterSettings:
    return RouterSettings.model_validate({"secrets": {"router": password}, "login": login})


def test_without_rules_everybody_needs_a_password() -> None:
    policy = policy_of(settings())
    rule = policy.rules.first(Caller("anna", "shop", peer_address("10.0.0.1")))
    assert rule is not None and rule.method is Method.SCRAM
    assert policy.tls == "disable"


def test_rules_and_maps_are_taken_from_the_settings() -> None:
    policy = policy_of(settings(hba=["local all all peer map=m"], ident=["m root anna"]))
    assert [rule.method for rule in policy.rules.rules] == [Method.PEER]
    assert policy.maps.allow("m", "root", "anna")


def test_all_routers_with_one_password_hide_unknown_users_alike() -> None:
    assert policy_of(settings()).mock_secret == policy_of(settings()).mock_secret
    assert policy_of(settings()).mock_secret != policy_of(settings("y")).mock_secret


@pytest.mark.parametrize(
    ("family", "where", "seen"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_client_s_address_is_told_without_its_wrapping(family: socket.AddressFamily, where: str, seen: str) -> None:
    if family is socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6: sysctl net.ipv6.conf.all.disable_ipv6=0, or the kernel's module ipv6")
    with socket.socket(family) as listener, socket.socket(family) as client:
        listener.bind((where, 0))
        listener.listen()
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            assert arrival_of(accepted) == Arrival(peer_address(seen))


def test_a_unix_socket_tells_whose_process_is_at_its_other_end() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert arrival_of(one) == Arrival(None, account=pwd.getpwuid(os.geteuid()).pw_name)
