"""How does the router open a connection to a server in a client's name?

With what the client showed: the keys of its SCRAM proof, its password or its MD5 hash. Sans-IO: `begin` is sent once
TLS is up (if there is to be any), then `receive` takes what comes until the server is ready or has refused. What was
not ready was never used for anything, so whoever is refused may try again elsewhere.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from howdah.routing.credentials import Credentials, Md5Hash, NoSecret, Password
from howdah.wire import codes, frame, sqlstate
from howdah.wire.authentication import (
    Accepted,
    SaslContinue,
    SaslFinal,
    WantsCleartext,
    WantsMd5,
    WantsOther,
    WantsSasl,
    password,
    read_authentication,
    sasl_initial_response,
    sasl_response,
)
from howdah.wire.md5 import md5_response, md5_verifier
from howdah.wire.negotiation import read_backend_key_data, read_negotiation
from howdah.wire.replies import Report, read_parameter_status, read_report
from howdah.wire.scram import Keys
from howdah.wire.scramclient import Final as ScramFinal
from howdah.wire.scramclient import First, first_message
from howdah.wire.startup import Replication, startup_message
from howdah.wire.violation import ProtocolViolation

_REPLIES: Final = frame.table(look=b"RSKENvZ")
_LONGEST: Final = frame.WHOLE_MAX_BYTES - 1
"""No message of a login is longer; so each comes whole."""


class Failure(Enum):
    """What a failed login means for who waits for the connection."""

    WAIT = "the server is starting, stopping or gone: try again, or elsewhere"
    SHUT = "its access rules let nobody in as this: the agent has closed its gate, or an operator's rule refuses"
    CREDENTIALS = "what the router knows of this role does not convince the server"
    NO_DATABASE = "there is no such database"
    FULL = "the server has no connection left"
    OTHER = "the server refuses for a reason that its message tells"


_BY_STATE: Final = {
    sqlstate.CANNOT_CONNECT_NOW: Failure.WAIT,
    sqlstate.ADMIN_SHUTDOWN: Failure.WAIT,
    sqlstate.CRASH_SHUTDOWN: Failure.WAIT,
    sqlstate.TOO_MANY_CONNECTIONS: Failure.FULL,
    sqlstate.INVALID_PASSWORD: Failure.CREDENTIALS,
    sqlstate.INVALID_AUTHORIZATION: Failure.CREDENTIALS,
    sqlstate.INVALID_CATALOG_NAME: Failure.NO_DATABASE,
    "57P04": Failure.NO_DATABASE,  # dropped while we logged in
}

_RULES: Final = "ClientAuthentication"
"""The routine of PostgreSQL that says that pg_hba.conf rejects, in whatever language; a wrong password is told by
another (auth_failed) with the same SQLSTATE."""


@dataclass(frozen=True, slots=True)
class ServerStartup:
    """Whom to log in where. `parameters`: settings of the session from its beginning, application_name among them.
    `tls`: the connection has it; `endpoint`: what the server's certificate binds to (wire/endpoint.py). `minor`: of the
    protocol that is asked for; an older server is content with less."""

    user: str
    database: str
    parameters: tuple[tuple[str, str], ...] = ()
    replication: Replication = Replication.NO
    tls: bool = False
    endpoint: bytes | None = None
    minor: int = codes.NEWEST_MINOR


@dataclass(frozen=True, slots=True)
class BackendKey:
    """With what the server's statement is cancelled."""

    pid: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerReady:
    """Logged in. `key` None: the server gave none, and nothing can be cancelled there. `rest` came after
    ReadyForQuery."""

    parameters: dict[str, str]
    key: BackendKey | None
    minor: int
    rest: bytes

    @property
    def in_hot_standby(self) -> bool:
        """Whether the server said that it is in recovery."""
        return self.parameters.get("in_hot_standby") == "on"


@dataclass(frozen=True, slots=True)
class LoginFailed:
    """Not logged in; close. `message`: an ErrorResponse for the client, the server's own word for word if it sent one.
    `why`: a sentence for the log."""

    failure: Failure
    sqlstate: str
    message: bytes
    why: str


class ServerLogin:
    """One login. `nonce`: fresh, random, printable."""

    def __init__(self, startup: ServerStartup, credentials: Credentials, nonce: bytes) -> None:
        self._startup = startup
        self._credentials = credentials
        self._nonce = nonce
        self._minor = startup.minor
        self._parameters: dict[str, str] = {}
        self._key: BackendKey | None = None
        self._first: First | None = None
        self._final: ScramFinal | None = None
        self._proved = False
        self._accepted = False
        self._frames = frame.Framer(_REPLIES, _LONGEST)

    def begin(self) -> bytes:
        """The StartupMessage. Raises ProtocolViolation for parameters that do not fit into one."""
        startup = self._startup
        named: list[tuple[str, str]] = [("user", startup.user), ("database", startup.database)]
        if startup.replication is Replication.PHYSICAL:
            named.append(("replication", "true"))
        elif startup.replication is Replication.LOGICAL:
            named.append(("replication", "database"))
        return startup_message((*named, *startup.parameters), self._minor)

    def receive(self, data: bytes) -> tuple[bytes, ServerReady | LoginFailed | None]:
        """(what to send, how it ended or None). After an end nothing more is to be given."""
        send = b""
        try:
            self._frames.feed(data)
            while self._frames.step() != frame.NOTHING:
                buffer, start, end = self._frames.buffer, self._frames.start, self._frames.end
                if self._frames.kind == codes.ERROR:
                    return b"", refusal(buffer[start:end], read_report(buffer, start, end))
                if self._frames.kind == codes.READY:
                    return send, self._ready()
                send += self._read(buffer, start, end)
        except ProtocolViolation as violation:
            return b"", self._failed(violation)
        return send, None

    def lost(self, why: str) -> LoginFailed:
        """The connection ended, or could not be made, or time ran out."""
        text = f"the server could not be reached: {why}"
        message = sqlstate.error(sqlstate.FATAL, sqlstate.CONNECTION_FAILURE, text)
        return LoginFailed(Failure.WAIT, sqlstate.CONNECTION_FAILURE, message, text)

    def _read(self, data: bytes, start: int, end: int) -> bytes:
        """One message that neither ends nor refuses the login; the answer to it."""
        match self._frames.kind:
            case codes.AUTHENTICATION:
                return self._authenticate(data, start, end)
            case codes.PARAMETER_STATUS:
                name, value = read_parameter_status(data, start, end)
                self._parameters[name] = value
            case codes.BACKEND_KEY_DATA:
                self._key = BackendKey(*read_backend_key_data(data, start, end))
            case codes.NEGOTIATE:
                self._minor = min(self._minor, read_negotiation(data, start, end).minor)
            case _:
                pass  # a notice: about this login, which is for many clients' statements
        return b""

    def _authenticate(self, data: bytes, start: int, end: int) -> bytes:
        asked = read_authentication(data, start, end)
        if self._accepted:
            raise ProtocolViolation("the server asks for a login after it has accepted one")
        match asked:
            case Accepted():
                if self._first is not None and not self._proved:
                    raise ProtocolViolation("the server has not proved that it knows the password")
                self._accepted = True
                return b""
            case WantsCleartext():
                return self._cleartext()
            case WantsMd5(salt=salt):
                return password(md5_response(self._md5_hash(), salt))
            case WantsSasl(mechanisms=mechanisms):
                return self._begin_sasl(mechanisms)
            case SaslContinue(data=words) if self._first is not None and self._final is None:
                self._final = self._first.answer(words, self._scram_secret())
                return sasl_response(self._final.message)
            case SaslFinal(data=words) if self._final is not None:
                self._final.verify(words)
                self._proved = True
                return b""
            case WantsOther(number=number):
                raise self._cannot(f"by a way that the router does not know (number {number})")
            case _:
                raise ProtocolViolation("the server's messages of the login are out of order")

    def _cleartext(self) -> bytes:
        if not isinstance(self._credentials, Password):
            raise self._cannot("by its password")
        if not self._startup.tls:
            raise self._cannot("by its password in the clear, and there is no TLS")
        return password(self._credentials.password)

    def _md5_hash(self) -> str:
        match self._credentials:
            case Md5Hash(digest=digest):
                return digest
            case Password(password=secret):
                return md5_verifier(secret, self._startup.user)
            case _:
                raise self._cannot("by MD5")

    def _begin_sasl(self, mechanisms: tuple[str, ...]) -> bytes:
        if self._first is not None:
            raise ProtocolViolation("the server begins a second SCRAM login")
        self._scram_secret()  # before the server counts a login that cannot end well
        self._first = first_message(mechanisms, self._nonce, self._startup.tls, self._startup.endpoint)
        return sasl_initial_response(self._first.mechanism, self._first.message)

    def _scram_secret(self) -> Keys | bytes:
        match self._credentials:
            case Keys():
                return self._credentials
            case Password(password=secret):
                return secret
            case _:
                raise self._cannot("by SCRAM")

    def _cannot(self, way: str) -> ProtocolViolation:
        """The server asks for what the client has not shown."""
        match self._credentials:
            case NoSecret(how=how):
                shown = f"only a login by {how}"
            case Md5Hash():
                shown = "only an MD5 hash"
            case Password():
                shown = "a password"
            case Keys():
                shown = "only SCRAM keys"
        return ProtocolViolation(
            f'the server asks role "{self._startup.user}" to log in {way}, and the router has {shown} of it',
            sqlstate.INVALID_AUTHORIZATION,
            hint="Let the router's rule and the server's pg_hba.conf use one method, best scram-sha-256.",
        )

    def _ready(self) -> ServerReady:
        if not self._accepted:
            raise ProtocolViolation("the server is ready before it has accepted the login")
        self._credentials = NoSecret("")  # not kept longer than it is needed
        return ServerReady(self._parameters, self._key, self._minor, self._frames.rest())

    def _failed(self, violation: ProtocolViolation) -> LoginFailed:
        """Our own refusal to go on."""
        failure = _BY_STATE.get(violation.sqlstate, Failure.OTHER)
        return LoginFailed(failure, violation.sqlstate, violation.report(), violation.message)


def refusal(message: bytes, report: Report) -> LoginFailed:
    """What a server's ErrorResponse to a login means."""
    state = report.sqlstate
    failure = _BY_STATE.get(state, Failure.OTHER)
    if state == sqlstate.INVALID_AUTHORIZATION and report.fields.get("R") == _RULES:
        failure = Failure.SHUT
    return LoginFailed(failure, state, message, report.message or "the server refuses the login without a word")
