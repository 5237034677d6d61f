"""A client's side of a login, for tests without sockets."""

from dataclasses import dataclass, field
from typing import Literal

from howdah.routing.credentials import RoleFacts
from howdah.routing.hba import DEFAULT_RULES, parse_rules, peer_address
from howdah.routing.identmap import parse_maps
from howdah.routing.login import RANDOM_BYTES, ClientLogin
from howdah.routing.loginsteps import Arrival, AskRole, LoggedIn, Policy, Refused, Step
from howdah.wire import authentication, codes
from howdah.wire.authentication import read_authentication
from howdah.wire.md5 import md5_verifier
from howdah.wire.replies import read_report
from howdah.wire.scram import Keys, derive_keys, verifier_of
from howdah.wire.scramclient import First, first_message
from howdah.wire.startup import Opening, opening, startup_message

KEYS = derive_keys(b"secret", b"some salt", 2)
SCRAM = RoleFacts(str(verifier_of(KEYS)))
MD5 = RoleFacts(md5_verifier(b"secret", "anna"))
SSL, GSS = opening(Opening.SSL), opening(Opening.GSS)
STARTUP = startup_message((("user", "anna"), ("database", "shop")))
LOCAL, REMOTE = Arrival(None, account="anna"), Arrival(peer_address("10.0.0.1"))
ENDPOINT = b"hash of our certificate"


Tls = Literal["disable", "allow", "require"]


def policy(rules: str = "", tls: Tls = "allow", maps: str = "") -> Policy:
    lines = rules.splitlines() if rules else DEFAULT_RULES
    return Policy(parse_rules(lines), parse_maps(maps.splitlines()), tls, b"mock")


def login(arrival: Arrival = REMOTE, rules: str = "", tls: Tls = "allow", maps: str = "") -> ClientLogin:
    return ClientLogin(arrival, policy(rules, tls, maps), bytes(range(RANDOM_BYTES)))


@dataclass(slots=True)
class Told:
    """What a client was told, message by message."""

    kinds: str = ""
    sqlstate: str = ""
    message: str = ""
    asked: list[authentication.Authentication] = field(default_factory=list)


def told(data: bytes) -> Told:
    found, at = Told(), 0
    while at < len(data):
        end = at + 1 + int.from_bytes(data[at + 1 : at + 5], "big")
        found.kinds += chr(data[at])
        if data[at] == codes.ERROR:
            report = read_report(data, at, end)
            assert report.fatal
            found.sqlstate, found.message = report.sqlstate, report.message
        elif data[at] == codes.AUTHENTICATION:
            found.asked.append(read_authentication(data, at, end))
        at = end
    assert at == len(data)
    return found


def begun(
    rules: str = "", role: RoleFacts | None = SCRAM, arrival: Arrival = REMOTE, startup: bytes = STARTUP
) -> tuple[ClientLogin, Step]:
    one = login(arrival, rules)
    step = one.receive(startup)
    assert isinstance(step.then, AskRole), step
    return one, one.role(role)


def scram(one: ClientLogin, offered: Step, secret: bytes | Keys = b"secret", tls: bool = False) -> Step:
    """A client's part of SCRAM."""
    (wants,) = told(offered.send).asked
    assert isinstance(wants, authentication.WantsSasl)
    first = first_message(wants.mechanisms, b"abc", tls, ENDPOINT if tls else None)
    return finish(one, first, one.receive(authentication.sasl_initial_response(first.mechanism, first.message)), secret)


def finish(one: ClientLogin, first: First, challenged: Step, secret: bytes | Keys) -> Step:
    asked = told(challenged.send).asked
    assert asked and isinstance(asked[0], authentication.SaslContinue), challenged
    if isinstance(secret, Keys):
        _, salt, iterations = first.server_wants(asked[0].data)
        secret = Keys(secret.client_key, secret.server_key, salt, iterations)
    final = first.answer(asked[0].data, secret)
    return one.receive(authentication.sasl_response(final.message))


def refused(step: Step, sqlstate: str, message: str = "", why: str = "") -> None:
    assert isinstance(step.then, Refused), step
    said = told(step.send)
    assert (said.sqlstate, said.kinds[-1]) == (sqlstate, "E")
    assert message in said.message and why in step.then.why


def let_in(step: Step) -> LoggedIn:
    assert isinstance(step.then, LoggedIn), step
    assert told(step.send).asked[-1] == authentication.Accepted()
    return step.then
