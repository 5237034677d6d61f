"""A client shows who it is: conversations with the login alone, without sockets."""

import pytest

from howdah.routing.credentials import Md5Hash, NoSecret, Password, RoleFacts
from howdah.routing.loginsteps import (
    Arrival,
    AskLdap,
    AskRole,
    More,
    PeerCertificate,
    Refused,
    TlsUp,
)
from howdah.wire import authentication
from howdah.wire.md5 import md5_response
from howdah.wire.scramclient import First, first_message
from howdah.wire.startup import startup_message
from tests.routing.loginplay import (
    ENDPOINT,
    KEYS,
    LOCAL,
    MD5,
    REMOTE,
    SCRAM,
    STARTUP,
    begun,
    finish,
    let_in,
    login,
    refused,
    scram,
    told,
)

# passwords


def test_a_right_password_lets_in_and_leaves_the_keys_for_the_servers() -> None:
    one, offered = begun()
    done = let_in(scram(one, offered))
    assert (done.user, done.database, done.tls, done.credentials) == ("anna", "shop", False, KEYS)


def test_a_wrong_password_is_refused_as_postgresql_does() -> None:
    one, offered = begun()
    refused(scram(one, offered, b"wrong"), "28P01", 'password authentication failed for user "anna"', "wrong password")


@pytest.mark.parametrize(
    ("role", "why"),
    [
        (None, "no such role"),
        (RoleFacts(None), "no password"),
        (MD5, "MD5 hash"),
        (RoleFacts(SCRAM.verifier, seconds_left=-1.0), "expired"),
        (RoleFacts("nonsense"), "not known here"),
        (RoleFacts(None, can_login=False), "no password"),
    ],
)
def test_who_cannot_have_a_right_password_sees_a_whole_login_that_fails(role: RoleFacts | None, why: str) -> None:
    one, offered = begun(role=role)
    assert told(offered.send).kinds == "R"
    refused(scram(one, offered), "28P01", 'password authentication failed for user "anna"', why)


def test_an_unknown_user_is_shown_the_same_salt_each_time() -> None:
    challenges = set()
    for _ in range(2):
        one, _offered = begun(role=None)
        first = first_message(("SCRAM-SHA-256",), b"abc", False, None)
        challenges.add(one.receive(authentication.sasl_initial_response(first.mechanism, first.message)).send)
    assert len(challenges) == 1


def test_a_role_that_may_not_log_in_is_told_so_after_its_password_only() -> None:
    one, offered = begun(role=RoleFacts(SCRAM.verifier, can_login=False))
    step = scram(one, offered)
    refused(step, "28000", "not permitted to log in", "NOLOGIN")
    assert authentication.Accepted() not in told(step.send).asked


def test_the_name_in_the_scram_message_is_ignored() -> None:
    one, _offered = begun()
    first = first_message(("SCRAM-SHA-256",), b"abc", False, None)
    named = First(first.mechanism, b"n,,n=postgres,r=abc", first.header, first.endpoint, first.nonce)
    done = let_in(
        finish(one, named, one.receive(authentication.sasl_initial_response(named.mechanism, named.message)), b"secret")
    )
    assert done.user == "anna"


def test_with_tls_the_login_is_bound_to_the_certificate() -> None:
    one, offered = begun(arrival=Arrival(REMOTE.address, tls=TlsUp(ENDPOINT)))
    assert told(offered.send).asked == [authentication.WantsSasl(("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"))]
    assert let_in(scram(one, offered, tls=True)).tls


def test_a_login_bound_to_another_certificate_is_refused() -> None:
    one, offered = begun(arrival=Arrival(REMOTE.address, tls=TlsUp(b"another certificate")))
    refused(scram(one, offered, tls=True), "28000", "channel binding check failed")


def test_a_client_that_could_bind_and_saw_no_offer_finds_out() -> None:
    one, _ = begun(arrival=Arrival(REMOTE.address, tls=TlsUp(ENDPOINT)))
    first = first_message(("SCRAM-SHA-256",), b"abc", True, ENDPOINT)
    refused(one.receive(authentication.sasl_initial_response(first.mechanism, first.message)), "28000", "negotiation")


@pytest.mark.parametrize("arrival", [REMOTE, Arrival(REMOTE.address, tls=TlsUp(None))])
def test_without_a_certificate_to_bind_to_no_binding_is_offered(arrival: Arrival) -> None:
    _, offered = begun(arrival=arrival)
    assert told(offered.send).asked == [authentication.WantsSasl(("SCRAM-SHA-256",))]


def test_the_method_md5_checks_old_roles_by_md5_and_the_others_by_scram() -> None:
    rule = "host all all all md5"
    one, offered = begun(rule, MD5)
    (wants,) = told(offered.send).asked
    assert isinstance(wants, authentication.WantsMd5) and MD5.verifier is not None
    answer = md5_response(MD5.verifier, wants.salt)
    assert let_in(one.receive(authentication.password(answer))).credentials == Md5Hash(MD5.verifier)
    one, _ = begun(rule, MD5)
    refused(one.receive(authentication.password(b"md5" + b"0" * 32)), "28P01", why="wrong password")
    one, _ = begun(rule, RoleFacts(MD5.verifier, seconds_left=0.0))
    refused(one.receive(authentication.password(answer)), "28P01", why="expired")
    one, offered = begun(rule)
    let_in(scram(one, offered))


# other ways


def test_trust_lets_in_at_once_whoever_exists() -> None:
    rule = "host all all all trust"
    _, step = begun(rule)
    assert let_in(step).credentials == NoSecret("trust")
    refused(begun(rule, None)[1], "28000", 'role "anna" does not exist')
    refused(begun(rule, RoleFacts(None, can_login=False))[1], "28000", "not permitted to log in")
    let_in(begun(rule, RoleFacts(None, seconds_left=-5.0))[1])  # VALID UNTIL is about the password only


def test_peer_takes_the_account_at_the_other_end_of_the_socket() -> None:
    rule = "local all all peer"
    assert let_in(begun(rule, arrival=LOCAL)[1]).credentials == NoSecret("peer")
    refused(begun(rule, arrival=Arrival(None, "bert"))[1], "28000", "Peer authentication failed", '"bert"')
    refused(begun(rule, arrival=Arrival(None, ""))[1], "28000", "Peer authentication failed", "not known")


def test_peer_with_a_map() -> None:
    one = login(Arrival(None, "root"), "local all all peer map=m", maps="m root anna")
    assert isinstance(one.receive(STARTUP).then, AskRole)
    let_in(one.role(SCRAM))


@pytest.mark.parametrize(
    ("peer", "lets_in"),
    [(None, False), (PeerCertificate("anna"), True), (PeerCertificate("bert"), False), (PeerCertificate(""), False)],
)
@pytest.mark.parametrize("rule", ["hostssl all all all cert", "hostssl all all all trust clientcert=verify-full"])
def test_a_certificate_has_to_name_the_role(peer: PeerCertificate | None, lets_in: bool, rule: str) -> None:
    _, step = begun(rule, arrival=Arrival(REMOTE.address, tls=TlsUp(ENDPOINT, peer)))
    if lets_in:
        let_in(step)
    else:
        refused(step, "28000", 'certificate authentication failed for user "anna"')


def test_a_certificate_s_whole_name_may_be_mapped() -> None:
    one = login(
        Arrival(REMOTE.address, tls=TlsUp(None, PeerCertificate("x", "CN=x,O=staff"))),
        "hostssl all all all cert clientname=DN map=m",
        maps='m "/^CN=.*,O=staff$" anna',
    )
    one.receive(STARTUP)
    let_in(one.role(SCRAM))


def test_ldap_is_asked_with_the_password_and_only_its_yes_counts() -> None:
    rule = "hostssl all all all ldap ldapserver=ldap.example ldapprefix=uid="
    arrival = Arrival(REMOTE.address, tls=TlsUp(ENDPOINT))
    one, step = begun(rule, arrival=arrival)
    assert told(step.send).asked == [authentication.WantsCleartext()]
    step = one.receive(authentication.password(b"in the clear") + b"more")
    assert isinstance(step.then, AskLdap) and (step.then.user, step.then.password) == ("anna", b"in the clear")
    done = let_in(one.ldap(True))
    assert (done.credentials, done.rest) == (Password(b"in the clear"), b"more")
    one, _ = begun(rule, arrival=arrival)
    one.receive(authentication.password(b"wrong"))
    refused(one.ldap(False), "28P01", 'LDAP authentication failed for user "anna"')
    one, _ = begun(rule, arrival=arrival)
    refused(one.receive(authentication.password(b"")), "28P01")  # an empty one would be an anonymous bind


# rules, and what nobody knows


def test_who_no_rule_is_for_and_who_is_rejected_are_told_before_any_password() -> None:
    refused(begun("host all bert all trust")[1], "28000", 'no access rule of the router is for host "10.0.0.1"')
    refused(begun("host all anna all reject")[1], "28000", "an access rule of the router rejects")
    refused(begun("host all all all trust", arrival=LOCAL)[1], "28000", "the Unix socket")


def test_when_no_server_can_be_asked_the_client_is_told_to_try_again() -> None:
    one = login()
    one.receive(STARTUP)
    refused(one.nobody_knows("n1: refused"), "57P03", "no server of the cluster", "n1: refused")


def test_the_rules_know_the_groups_of_a_role() -> None:
    rules = "host all +staff all trust\nhost all all all reject"
    let_in(begun(rules, RoleFacts(None, member_of=frozenset(("staff",))))[1])
    refused(begun(rules, RoleFacts(None))[1], "28000")


@pytest.mark.parametrize("name", ["x" * 64, "caf\udce9"])
def test_a_name_that_no_role_can_have_is_not_asked_for(name: str) -> None:
    one = login()
    step = one.receive(startup_message((("user", name),)))
    assert isinstance(step.then, More)
    refused(scram(one, step), "28P01")


@pytest.mark.parametrize(
    ("rule", "arrival"),
    [
        ("local all all peer", LOCAL),
        ("local all all peer map=m", LOCAL),
        ("host all /^a all scram-sha-256\nhost all all all reject", REMOTE),
        ("hostssl all all all cert", Arrival(REMOTE.address, tls=TlsUp(ENDPOINT, PeerCertificate("anna")))),
        ("host all all all trust", REMOTE),
    ],
)
def test_a_name_that_is_no_text_is_refused_by_every_rule(rule: str, arrival: Arrival) -> None:
    step = login(arrival, rule, maps="m anna all").receive(startup_message((("user", "caf\udce9"),)))
    assert isinstance(step.then, Refused)
