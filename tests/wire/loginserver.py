"""A server that does nothing but log clients in, through the room under test: for real drivers to try."""

import os
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from howdah.wire import authentication, codes, replies
from howdah.wire.authentication import ACCEPTED, read_sasl_initial_response, read_sasl_response
from howdah.wire.frame import LOGIN_REQUESTS, REQUEST_MAX_BYTES, REQUESTS, Framer
from howdah.wire.md5 import md5_matches
from howdah.wire.negotiation import backend_key_data, negotiate, negotiate_protocol_version
from howdah.wire.scram import Keys, Verifier, mechanisms
from howdah.wire.scramserver import challenge
from howdah.wire.sqlstate import FATAL, INVALID_PASSWORD, error
from howdah.wire.startup import CancelRequest, Opening, StartupMessage, packet_end, read_packet
from howdah.wire.violation import ProtocolViolation

TIMEOUT_S = 20.0

Read = TypeVar("Read")


@dataclass
class Login:
    """What one client did."""

    asked: list[Opening | CancelRequest] = field(default_factory=list)
    startup: StartupMessage | None = None
    mechanism: str = ""
    keys: Keys | None = None
    violation: ProtocolViolation | None = None


class LoginServer:
    """Listens on `port` while used as a context; `logins` has one entry a client, in order."""

    def __init__(
        self, verifier: Verifier | str, tls: ssl.SSLContext | None = None, endpoint: bytes | None = None
    ) -> None:
        self.logins: list[Login] = []
        self._verifier = verifier
        self._tls = tls
        self._endpoint = endpoint
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "LoginServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S):  # wakes the thread, on every system
            self._thread.join(2 * TIMEOUT_S)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            accepted, _ = self._listener.accept()
            if self._closing:
                accepted.close()
                return
            accepted.settimeout(TIMEOUT_S)
            login = Login()
            self.logins.append(login)
            with accepted:
                _Client(accepted, login, self._verifier, self._tls, self._endpoint).converse()


class _Client:
    """One client, from its first byte to its last."""

    def __init__(
        self,
        accepted: socket.socket,
        login: Login,
        verifier: Verifier | str,
        tls: ssl.SSLContext | None,
        endpoint: bytes | None,
    ) -> None:
        self._socket = accepted
        self._login = login
        self._verifier = verifier
        self._tls = tls
        self._endpoint = endpoint
        self._framer = Framer(LOGIN_REQUESTS, REQUEST_MAX_BYTES)

    def converse(self) -> None:
        """Startup, login, and a session that waits for its end."""
        try:
            startup = self._start()
            if startup is None:
                return
            self._login.startup = startup
            minor, told = negotiate(startup)
            if told:
                self._socket.sendall(negotiate_protocol_version(told))
            if not self._log_in():
                self._socket.sendall(error(FATAL, INVALID_PASSWORD, "password authentication failed"))
                return
            key = b"k" * (32 if minor >= 2 else 4)
            welcome = (ACCEPTED, replies.parameter_status("client_encoding", "UTF8"), backend_key_data(1, key))
            self._socket.sendall(b"".join(welcome) + replies.READY_IDLE)
            self._framer.kinds = REQUESTS
            while self._receive(lambda data, start, _: data[start]) != codes.TERMINATE:
                pass
        except ProtocolViolation as violation:
            self._login.violation = violation
            self._socket.sendall(violation.report())
        except (EOFError, OSError):
            return
        finally:
            self._socket.close()

    def _start(self) -> StartupMessage | None:
        data = b""
        while True:
            end = packet_end(data)
            if not end:
                more = self._socket.recv(4096)
                if not more:
                    raise EOFError
                data += more
                continue
            packet, data = read_packet(data[:end]), data[end:]
            if isinstance(packet, StartupMessage):
                self._framer.feed(data)
                return packet
            self._login.asked.append(packet)
            if isinstance(packet, CancelRequest):
                return None
            if data:
                raise ProtocolViolation("received unencrypted data after a request for encryption")
            taken = packet is Opening.SSL and self._tls is not None
            self._socket.sendall(b"S" if taken else b"N")
            if taken and self._tls is not None:
                self._socket = self._tls.wrap_socket(self._socket, server_side=True)

    def _log_in(self) -> bool:
        if isinstance(self._verifier, str):
            salt = os.urandom(authentication.MD5_SALT_BYTES)
            self._socket.sendall(authentication.wants_md5(salt))
            return md5_matches(self._receive(authentication.read_password), self._verifier, salt)
        endpoint = self._endpoint if isinstance(self._socket, ssl.SSLSocket) else None
        self._socket.sendall(authentication.wants_sasl(mechanisms(endpoint)))
        mechanism, first = self._receive(read_sasl_initial_response)
        self._login.mechanism = mechanism
        asked = challenge(mechanism, first or b"", self._verifier, b64encode(os.urandom(18)), endpoint)
        self._socket.sendall(authentication.sasl_continue(asked.message))
        proven = asked.check(self._receive(read_sasl_response))
        if proven is None:
            return False
        self._login.keys = proven.keys
        self._socket.sendall(authentication.sasl_final(proven.message))
        return True

    def _receive(self, read: Callable[[bytes, int, int], Read]) -> Read:
        while not self._framer.step():
            data = self._socket.recv(4096)
            if not data:
                raise EOFError
            self._framer.feed(data)
        return read(self._framer.buffer, self._framer.start, self._framer.end)
