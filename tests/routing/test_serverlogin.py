"""A login at a server, word by word: what real servers seldom say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.routing.credentials import Credentials, Md5Hash, NoSecret, Password
from howdah.routing.serverlogin import (
    Failure,
    LoginFailed,
    ServerLogin,
    ServerReady,
    ServerStartup,
)
from howdah.wire import codes, sqlstate
from howdah.wire.authentication import ACCEPTED, WANTS_CLEARTEXT, sasl_continue, sasl_final, wants_md5, wants_sasl
from howdah.wire.fields import message, uint32
from howdah.wire.negotiation import Negotiation, backend_key_data, negotiate_protocol_version
from howdah.wire.replies import READY_IDLE, parameter_status
from howdah.wire.scram import derive_keys
from howdah.wire.startup import Replication, StartupMessage, read_packet

KEY = backend_key_data(7, b"1234")
NOTICE = sqlstate.notice("WARNING", "01000", "the collation's version changed")
STANDBY = parameter_status("in_hot_standby", "on")
GOOD = ACCEPTED + STANDBY + KEY + READY_IDLE
KEYS = derive_keys(b"secret", b"salt", 2)


def ends(
    data: bytes, credentials: Credentials | None = None, tls: bool = False
) -> tuple[bytes, ServerReady | LoginFailed | None]:
    login = ServerLogin(ServerStartup("anna", "shop", tls=tls), credentials or Password(b"secret"), b"nonce")
    login.begin()
    return login.receive(data)


def failed(data: bytes, credentials: Credentials | None = None, tls: bool = False) -> LoginFailed:
    _, end = ends(data, credentials, tls)
    assert isinstance(end, LoginFailed), end
    return end


def ready(data: bytes, credentials: Credentials | None = None) -> ServerReady:
    _, end = ends(data, credentials)
    assert isinstance(end, ServerReady), end
    return end


def test_the_startup_says_who_for_what_and_with_which_settings() -> None:
    startup = ServerStartup("anna", "shop", (("application_name", "x"),), Replication.LOGICAL, minor=0)
    assert read_packet(ServerLogin(startup, NoSecret("trust"), b"n").begin()) == StartupMessage(
        3, 0, (("user", "anna"), ("database", "shop"), ("replication", "database"), ("application_name", "x"))
    )
    physical = ServerStartup("anna", "shop", replication=Replication.PHYSICAL)
    assert b"replication\0true\0" in ServerLogin(physical, NoSecret("trust"), b"n").begin()


def test_corner_14_notices_and_settings_during_the_login_do_not_disturb_it() -> None:
    end = ready(NOTICE + STANDBY + ACCEPTED + NOTICE + STANDBY + NOTICE + KEY + NOTICE + READY_IDLE + b"more")
    assert end.in_hot_standby and end.rest == b"more"
    assert end.key is not None and (end.key.pid, end.key.secret) == (7, b"1234")


def test_corner_14_an_error_without_a_sqlstate_is_still_one() -> None:
    error = message(codes.ERROR, b"Mno more\0\0")
    end = failed(NOTICE + error)
    assert (end.failure, end.sqlstate, end.message, end.why) == (Failure.OTHER, "XX000", error, "no more")
    assert failed(message(codes.ERROR, b"\0")).why


def test_corner_44_a_server_without_a_key_is_ready_and_cannot_be_cancelled() -> None:
    assert ready(ACCEPTED + READY_IDLE).key is None


def test_corner_46_a_server_that_starts_is_waited_for() -> None:
    for state in ("57P03", "57P01", "57P02"):
        assert failed(sqlstate.error("FATAL", state, "the database system is starting up")).failure is Failure.WAIT
    lost = ServerLogin(ServerStartup("anna", "shop"), NoSecret("trust"), b"n").lost("connection refused")
    assert lost.failure is Failure.WAIT and b"08006" in lost.message


def test_the_server_s_own_words_reach_the_client_unchanged() -> None:
    error = sqlstate.error("FATAL", "3D000", 'database "shop" does not exist', "detail", "hint")
    end = failed(error + b"what follows")
    assert (end.failure, end.message) == (Failure.NO_DATABASE, error)


def test_a_closed_gate_is_told_apart_from_a_wrong_password_in_any_language() -> None:
    closed = message(codes.ERROR, b"SFATAL\0VFATAL\0C28000\0Mzut\0RClientAuthentication\0\0")
    wrong = message(codes.ERROR, b"SFATAL\0VFATAL\0C28P01\0Mfalsch\0Rauth_failed\0\0")
    assert failed(closed).failure is Failure.SHUT
    assert failed(wrong).failure is Failure.CREDENTIALS


def test_an_older_protocol_is_agreed_to() -> None:
    older = negotiate_protocol_version(Negotiation(0, ()))
    assert (ready(older + GOOD).minor, ready(GOOD).minor) == (0, 2)


@pytest.mark.parametrize(
    ("asked", "credentials", "tls", "says"),
    [
        (WANTS_CLEARTEXT, Password(b"secret"), False, "there is no TLS"),
        (WANTS_CLEARTEXT, KEYS, True, "only SCRAM keys"),
        (wants_md5(b"salt"), KEYS, False, "only SCRAM keys"),
        (wants_sasl(("SCRAM-SHA-256",)), Md5Hash("md5" + "0" * 32), False, "only an MD5 hash"),
        (wants_sasl(("SCRAM-SHA-256",)), NoSecret("peer"), False, "only a login by peer"),
        (message(codes.AUTHENTICATION, uint32(7)), KEYS, False, "number 7"),
    ],
)
def test_what_the_router_does_not_have_is_said_with_the_mend(
    asked: bytes, credentials: Credentials, tls: bool, says: str
) -> None:
    end = failed(asked, credentials, tls)
    assert (end.failure, end.sqlstate) == (Failure.CREDENTIALS, "28000")
    assert says in end.why and b"pg_hba.conf" in end.message


@pytest.mark.parametrize(
    "words",
    [
        READY_IDLE,
        ACCEPTED + ACCEPTED,
        ACCEPTED + WANTS_CLEARTEXT,
        sasl_continue(b"r=x,s=c2FsdA==,i=1"),
        sasl_final(b"v=x"),
        wants_sasl(("SCRAM-SHA-256",)) + ACCEPTED,
        wants_sasl(("SCRAM-SHA-256",)) * 2,
        wants_sasl(("SCRAM-SHA-256",)) + sasl_continue(b"r=nonceX,s=c2FsdA==,i=2") * 2,
        wants_sasl(("SCRAM-SHA-256",)) + sasl_continue(b"r=nonceX,s=c2FsdA==,i=2") + ACCEPTED,
        wants_sasl(("SCRAM-SHA-256",)) + sasl_continue(b"r=nonceX,s=c2FsdA==,i=2") + sasl_final(b"v=AAAA"),
        b"R\0\1\0\0",
        b"D\0\0\0\4",
    ],
)
def test_a_server_that_does_not_prove_itself_or_keeps_no_order_is_left(words: bytes) -> None:
    assert failed(words, KEYS).failure in (Failure.OTHER, Failure.CREDENTIALS)


@given(cuts=st.lists(st.integers(0, 200), max_size=10))
def test_any_split_of_the_server_s_bytes_gives_the_same_end(cuts: list[int]) -> None:
    data = NOTICE + wants_md5(b"salt") + GOOD
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    login = ServerLogin(ServerStartup("anna", "shop"), Password(b"secret"), b"n")
    sent, end = b"", None
    for start, stop in pairwise(places):
        send, end = login.receive(data[start:stop])
        sent += send
    assert isinstance(end, ServerReady) and sent.startswith(b"p")


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_any_garbage_ends_the_login_or_waits(pieces: list[bytes]) -> None:
    login = ServerLogin(ServerStartup("anna", "shop"), KEYS, b"n")
    for piece in pieces:
        _, end = login.receive(piece)
        if end is not None:
            assert isinstance(end, LoginFailed)
            return
