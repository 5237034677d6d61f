"""How does a client prove who it is?

One ClientLogin takes what a client sends from its first byte to AuthenticationOk, and says after each piece what to
send and what has to happen next. TLS, questions about roles and LDAP are the caller's: it does what the step asks for
and comes back with the answer. ParameterStatus, BackendKeyData and ReadyForQuery are not sent here.

    OPENING -> (TLS_BEGINS -> OPENING) -> ASKING_ROLE -> PROVING -> (ASKING_LDAP) -> OVER
"""

from enum import Enum, auto
from typing import Final

from howdah.routing.credentials import NAME_BYTES_MAX, Credentials, Md5Hash, NoSecret, Password, RoleFacts
from howdah.routing.hba import Caller, Method, Rule
from howdah.routing.loginsteps import (
    Arrival,
    AskLdap,
    AskRole,
    CancelAsked,
    LoggedIn,
    More,
    Policy,
    Refused,
    StartTls,
    Step,
    TlsUp,
)
from howdah.wire import codes, frame, sqlstate
from howdah.wire.authentication import (
    ACCEPTED,
    MD5_SALT_BYTES,
    WANTS_CLEARTEXT,
    read_password,
    read_sasl_initial_response,
    read_sasl_response,
    sasl_continue,
    sasl_final,
    wants_md5,
    wants_sasl,
)
from howdah.wire.md5 import md5_matches
from howdah.wire.negotiation import negotiate, negotiate_protocol_version
from howdah.wire.options import parse_options
from howdah.wire.scram import mechanisms, mock_verifier, to_base64
from howdah.wire.scramserver import Challenge, challenge
from howdah.wire.startup import (
    CancelRequest,
    Opening,
    Replication,
    StartupMessage,
    packet_end,
    read_packet,
)
from howdah.wire.violation import ProtocolViolation

NONCE_BYTES: Final = 18
"""As PostgreSQL's server nonce."""
RANDOM_BYTES: Final = NONCE_BYTES + MD5_SALT_BYTES
"""What a login takes."""
EARLY_MAX_BYTES: Final = 65_536
"""What a client may send before it was asked, while its role is looked up: PostgreSQL would leave it in the socket."""

_SASL_REPLIES: Final = frame.table(look_small=b"p")
_PASSWORDS: Final = frame.LOGIN_REQUESTS

ENCRYPTED: Final = "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."


class _State(Enum):
    OPENING = auto()
    TLS_BEGINS = auto()
    ASKING_ROLE = auto()
    SASL_FIRST = auto()
    SASL_LAST = auto()
    MD5 = auto()
    CLEARTEXT = auto()
    ASKING_LDAP = auto()
    OVER = auto()


MORE: Final = Step(b"", More())


class ClientLogin:
    """One client. `randomness`: RANDOM_BYTES fresh bytes."""

    def __init__(self, arrival: Arrival, policy: Policy, randomness: bytes) -> None:
        if len(randomness) != RANDOM_BYTES:
            raise ValueError(f"a login takes {RANDOM_BYTES} random bytes")
        self._arrival = arrival
        self._policy = policy
        self._nonce = to_base64(randomness[:NONCE_BYTES])
        self._salt = randomness[NONCE_BYTES:]
        self._tls = arrival.tls
        self._state = _State.OPENING
        self._early = b""
        self._tls_asked = arrival.tls is not None
        self._gss_asked = False
        self._startup: StartupMessage | None = None
        self._minor = 0
        self._settings: tuple[tuple[str, str], ...] = ()
        self._role: RoleFacts | None = None
        self._rule: Rule | None = None
        self._challenge: Challenge | None = None
        self._frames = frame.Framer(_SASL_REPLIES, frame.LOGIN_MAX_BYTES)
        self._pending = b""  # goes out with the next answer
        self._password = b""  # while LDAP is asked

    # what comes in

    def receive(self, data: bytes) -> Step:
        """Bytes of the client."""
        try:
            match self._state:
                case _State.OPENING:
                    return self._open(self._early + data)
                case _State.TLS_BEGINS:
                    raise _early_bytes("SSL")
                case _State.ASKING_ROLE | _State.ASKING_LDAP:
                    if len(self._early) + len(data) > EARLY_MAX_BYTES:
                        raise ProtocolViolation("too much was sent before the login was answered")
                    self._early += data
                    return MORE
                case _State.OVER:
                    return MORE
                case _:
                    self._frames.feed(data)
                    return self._read_replies()
        except ProtocolViolation as violation:
            return self._refuse(violation.report(), violation.message)

    def tls_is_up(self, tls: TlsUp) -> Step:
        """The answer to StartTls."""
        self._tls = tls
        self._state = _State.OPENING
        return MORE

    def role(self, facts: RoleFacts | None) -> Step:
        """The answer to AskRole; None: there is no such role."""
        self._role = facts
        try:
            return self._decide()
        except ProtocolViolation as violation:
            return self._refuse(violation.report(), violation.message)

    def nobody_knows(self, why: str) -> Step:
        """The answer to AskRole when no server could be asked: that is no reason to call a password wrong."""
        return self._fail(
            sqlstate.CANNOT_CONNECT_NOW,
            "no server of the cluster can tell who may log in",
            why,
            hint="Try again in a moment.",
        )

    def ldap(self, right: bool, why: str = "") -> Step:
        """The answer to AskLdap."""
        try:
            if not right:
                return self._wrong_password(why or "LDAP refuses the password")
            return self._accept(b"", Password(self._password))
        except ProtocolViolation as violation:
            return self._refuse(violation.report(), violation.message)

    def too_late(self) -> Step:
        """The time for logging in is over. A client that has not said anything gets no answer."""
        if self._startup is None:
            self._state = _State.OVER
            return Step(b"", Refused("it did not say who it is in time"))
        return self._fail(
            sqlstate.QUERY_CANCELED, "canceling authentication due to timeout", "it did not log in in time"
        )

    # before a password

    def _open(self, data: bytes) -> Step:
        """A packet without a type byte."""
        self._early = b""
        if data[:1] == bytes((codes.TLS_HANDSHAKE,)):
            raise ProtocolViolation("TLS was begun directly, which is not offered here")
        end = packet_end(data)
        if not end:
            self._early = data
            return MORE
        packet, rest = read_packet(data[:end]), data[end:]
        match packet:
            case Opening.SSL:
                return self._answer_ssl(rest)
            case Opening.GSS:
                return self._answer_gss(rest)
            case CancelRequest(process=process, key=key):
                self._state = _State.OVER
                return Step(b"", CancelAsked(process, key))
            case StartupMessage():
                self._early = rest
                return self._begin(packet)

    def _answer_ssl(self, rest: bytes) -> Step:
        if self._tls_asked:
            raise _not_again("SSL")
        self._tls_asked = True
        if rest:
            raise _early_bytes("SSL")
        if self._policy.tls == "disable" or self._arrival.address is None:
            return Step(b"N", More())
        self._state = _State.TLS_BEGINS
        return Step(b"S", StartTls())

    def _answer_gss(self, rest: bytes) -> Step:
        if self._gss_asked:
            raise _not_again("GSSENC")
        self._gss_asked = True
        if rest:
            raise _early_bytes("GSSAPI encryption")
        return Step(b"N", More())

    def _begin(self, startup: StartupMessage) -> Step:
        """Who it says it is."""
        self._startup = startup
        self._minor, negotiation = negotiate(startup)
        if negotiation is not None:
            self._pending = negotiate_protocol_version(negotiation)
        if self._policy.tls == "require" and self._tls is None and self._arrival.address is not None:
            return self._fail(
                sqlstate.INVALID_AUTHORIZATION,
                "this router takes connections with TLS only",
                "it came without TLS",
                hint="Connect with sslmode=require or better.",
            )
        self._settings = (*parse_options(startup.get("options")), *startup.settings)
        _ = startup.replication  # raises for a value that is none
        if not _may_exist(startup.user) or not _may_exist(startup.database):
            return self._decide()
        self._state = _State.ASKING_ROLE
        return Step(b"", AskRole(startup.user, startup.database))

    def _decide(self) -> Step:
        """What the rules ask of this client."""
        caller = self._caller()
        rule = self._rule = self._policy.rules.first(caller)
        if rule is None or rule.method is Method.REJECT:
            told = f'host "{caller.address}"' if caller.address is not None else "the Unix socket"
            who = f'user "{caller.user}", database "{caller.database}", {"TLS" if caller.tls else "no encryption"}'
            what = "no access rule of the router is for" if rule is None else "an access rule of the router rejects"
            return self._fail(sqlstate.INVALID_AUTHORIZATION, f"{what} {told}, {who}", rule.line if rule else "no rule")
        if refusal := self._certificate_refusal(rule, caller):
            return self._fail(
                sqlstate.INVALID_AUTHORIZATION, f'certificate authentication failed for user "{caller.user}"', refusal
            )
        match rule.method:
            case Method.TRUST | Method.CERT:
                return self._accept(b"", NoSecret(rule.method))
            case Method.PEER:
                return self._check_peer(rule, caller)
            case Method.LDAP:
                return self._ask(_State.CLEARTEXT, WANTS_CLEARTEXT)
            case Method.MD5 if self._role is not None and self._role.md5 is not None:
                return self._ask(_State.MD5, wants_md5(self._salt))
            case _:
                return self._ask(_State.SASL_FIRST, wants_sasl(mechanisms(self._endpoint)))

    def _caller(self) -> Caller:
        startup = self._named()
        return Caller(
            user=startup.user,
            database=startup.database,
            address=self._arrival.address,
            tls=self._tls is not None,
            physical_replication=startup.replication is Replication.PHYSICAL,
            member_of=self._role.member_of if self._role else frozenset(),
        )

    def _certificate_refusal(self, rule: Rule, caller: Caller) -> str:
        """Why its certificate will not do; "" if it does, or none is asked for."""
        if not rule.wants_certificate:
            return ""
        peer = self._tls.peer if self._tls else None
        if peer is None:
            return "it showed no certificate that our authority signed"
        if not rule.certificate_names_user:
            return ""
        name = peer.distinguished_name if rule.options.get("clientname") == "DN" else peer.common_name
        if self._policy.maps.allow(rule.options.get("map", ""), name, caller.user, caller.member_of):
            return ""
        return f'its certificate is for "{name}"'

    def _check_peer(self, rule: Rule, caller: Caller) -> Step:
        account = self._arrival.account
        if self._policy.maps.allow(rule.options.get("map", ""), account, caller.user, caller.member_of):
            return self._accept(b"", NoSecret(rule.method))
        return self._fail(
            sqlstate.INVALID_AUTHORIZATION,
            f'Peer authentication failed for user "{caller.user}"',
            f'its account is "{account}"' if account else "its account is not known",
        )

    # a password

    def _ask(self, state: _State, request: bytes) -> Step:
        """Send the request, and take up what came before it."""
        self._state = state
        self._frames.kinds = _PASSWORDS if state is _State.CLEARTEXT else _SASL_REPLIES
        send, self._pending = self._pending + request, b""
        early, self._early = self._early, b""
        self._frames.feed(early)
        following = self._read_replies()
        return Step(send + following.send, following.then)

    def _read_replies(self) -> Step:
        """Every reply that is here whole."""
        send = b""
        while self._state in _ANSWERED and self._frames.step() == frame.WHOLE:
            step = self._read_reply(self._frames.buffer, self._frames.start, self._frames.end)
            send += step.send
            if not isinstance(step.then, More):
                return Step(send, step.then)
        return Step(send, More())

    def _read_reply(self, data: bytes, start: int, end: int) -> Step:
        match self._state:
            case _State.SASL_FIRST:
                return self._challenge_with(*read_sasl_initial_response(data, start, end))
            case _State.SASL_LAST if self._challenge is not None:
                proven = self._challenge.check(read_sasl_response(data, start, end))
                if proven is None:
                    return self._wrong_password(self._doom or "wrong password")
                return self._accept(sasl_final(proven.message), proven.keys)
            case _State.MD5:
                response = read_password(data, start, end)
                kept = self._role.md5 if self._role is not None else None
                if kept is None or self._expired or not md5_matches(response, kept, self._salt):
                    return self._wrong_password(self._doom or "wrong password")
                return self._accept(b"", Md5Hash(kept))
            case _State.CLEARTEXT if self._rule is not None:
                self._password = read_password(data, start, end)
                self._early = self._frames.rest()
                self._state = _State.ASKING_LDAP
                return Step(b"", AskLdap(self._rule, self._named().user, self._password))
            case _:
                raise ProtocolViolation("a password was not asked for")

    def _challenge_with(self, mechanism: str, first: bytes | None) -> Step:
        if first is None:
            raise ProtocolViolation("the client's first SASL message is missing")
        kept = None if self._role is None or self._expired else self._role.scram
        verifier = kept or mock_verifier(self._named().user, self._policy.mock_secret)
        self._challenge = challenge(mechanism, first, verifier, self._nonce, self._endpoint)
        self._state = _State.SASL_LAST
        return Step(sasl_continue(self._challenge.message), More())

    @property
    def _endpoint(self) -> bytes | None:
        return self._tls.endpoint if self._tls is not None else None

    @property
    def _expired(self) -> bool:
        return self._role is not None and self._role.expired

    @property
    def _doom(self) -> str:
        """Why no password could have been right, for the log."""
        role = self._role
        if role is None:
            return "there is no such role"
        if role.expired:
            return "its password has expired"
        if role.verifier is None:
            return "it has no password"
        if role.md5 is not None and self._rule is not None and self._rule.method is Method.SCRAM:
            return "only an MD5 hash of its password is kept: let it set its password again, or write md5 into the rule"
        return "" if role.scram or role.md5 else "its password is kept in a way that is not known here"

    # the end

    def _accept(self, proof: bytes, credentials: Credentials) -> Step:
        """The client is who it says it is; now whether that role may log in."""
        startup, role, rule = self._named(), self._role, self._rule
        if rule is None:
            raise ProtocolViolation("nothing was decided yet")
        if role is None:
            return self._fail(
                sqlstate.INVALID_AUTHORIZATION, f'role "{startup.user}" does not exist', "there is no such role", proof
            )
        if not role.can_login:
            return self._fail(
                sqlstate.INVALID_AUTHORIZATION, f'role "{startup.user}" is not permitted to log in', "NOLOGIN", proof
            )
        if startup.replication is Replication.PHYSICAL and not (role.replication or role.superuser):
            return self._fail(
                sqlstate.INSUFFICIENT_PRIVILEGE, "permission denied to start WAL sender", "no REPLICATION", proof
            )
        send = self._pending + proof + ACCEPTED
        rest = self._early + self._frames.rest()
        self._finish()
        logged_in = LoggedIn(
            user=startup.user,
            database=startup.database,
            minor=self._minor,
            settings=self._settings,
            replication=startup.replication,
            credentials=credentials,
            method=rule.method,
            role=role,
            address=self._arrival.address,
            tls=self._tls is not None,
            rest=rest,
        )
        return Step(send, logged_in)

    def _wrong_password(self, why: str) -> Step:
        user = self._named().user
        way = "LDAP" if self._rule is not None and self._rule.method is Method.LDAP else "password"
        return self._fail(sqlstate.INVALID_PASSWORD, f'{way} authentication failed for user "{user}"', why)

    def _fail(self, state: str, message: str, why: str, before: bytes = b"", hint: str = "") -> Step:
        return self._refuse(before + sqlstate.error(sqlstate.FATAL, state, message, hint=hint), f"{message}: {why}")

    def _refuse(self, report: bytes, why: str) -> Step:
        send = self._pending + report
        self._finish()
        return Step(send, Refused(why))

    def _finish(self) -> None:
        """Nothing more is read here, and no secret is kept."""
        self._state = _State.OVER
        self._early = self._password = self._pending = b""
        self._challenge = None

    def _named(self) -> StartupMessage:
        if self._startup is None:
            raise ProtocolViolation("the client has not said who it is")
        return self._startup


_ANSWERED: Final = (_State.SASL_FIRST, _State.SASL_LAST, _State.MD5, _State.CLEARTEXT)


def _may_exist(name: str) -> bool:
    """Whether a role or database can have such a name. One in no encoding of ours is not looked for: names that are not
    UTF-8 exist in databases of other encodings only, and the roles of a cluster are to be had in all of them."""
    try:
        return len(name.encode()) <= NAME_BYTES_MAX
    except UnicodeEncodeError:
        return False


def _early_bytes(request: str) -> ProtocolViolation:
    return ProtocolViolation(f"received unencrypted data after {request} request", detail=ENCRYPTED)


def _not_again(request: str) -> ProtocolViolation:
    return ProtocolViolation(f"{request} was asked for twice", sqlstate.FEATURE_NOT_SUPPORTED)
