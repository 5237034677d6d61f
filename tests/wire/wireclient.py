"""A client of real servers that speaks through the room under test: blocking, one message at a time."""

import hashlib
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from howdah.wire import authentication, codes, requests
from howdah.wire.authentication import (
    Accepted,
    SaslContinue,
    SaslFinal,
    WantsCleartext,
    WantsMd5,
    WantsSasl,
)
from howdah.wire.endpoint import server_end_point
from howdah.wire.frame import REPLIES_ONE_BY_ONE, REPLY_MAX_BYTES, Framer
from howdah.wire.md5 import md5_response, md5_verifier
from howdah.wire.negotiation import Negotiation, read_backend_key_data, read_negotiation
from howdah.wire.replies import Report, read_parameter_status, read_report
from howdah.wire.rows import read_data_row
from howdah.wire.scram import Keys
from howdah.wire.scramclient import First, first_message
from howdah.wire.startup import Opening, opening, startup_message

TIMEOUT_S = 20.0


class Refused(Exception):
    """The server said no."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.message)
        self.report = report


@dataclass
class WireClient:
    """One connection. Messages are (kind, the whole message)."""

    socket: socket.socket
    framer: Framer = field(default_factory=lambda: Framer(REPLIES_ONE_BY_ONE, REPLY_MAX_BYTES))
    process: int = 0
    key: bytes = b""
    negotiation: Negotiation | None = None
    mechanism: str = ""
    keys: Keys | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def receive(self) -> tuple[int, bytes]:
        """The next message; several DataRow or CopyData may come as one."""
        while not self.framer.step():
            data = self.socket.recv(65_536)
            if not data:
                raise EOFError("the server closed the connection")
            self.framer.feed(data)
        return self.framer.kind, self.framer.buffer[self.framer.start : self.framer.end]

    def receive_until(self, kind: int) -> list[tuple[int, bytes]]:
        """Messages up to and with the first of this kind."""
        found = [self.receive()]
        while found[-1][0] != kind:
            found.append(self.receive())
        return found

    def query(self, text: str) -> list[tuple[bytes | None, ...]]:
        """The rows of a simple query; raises Refused for an error."""
        self.send(requests.query(text.encode()))
        rows = []
        refused: Refused | None = None
        for kind, raw in self.receive_until(codes.READY):
            if kind == codes.ERROR:
                refused = Refused(read_report(raw, 0, len(raw)))
            while kind == codes.DATA_ROW and raw:
                end = 1 + int.from_bytes(raw[1:5], "big")
                rows.append(read_data_row(raw, 0, end))
                raw = raw[end:]
        if refused:
            raise refused
        return rows

    def log_in(
        self,
        startup: tuple[tuple[str, str], ...],
        secret: bytes | Keys = b"",
        minor: int = 0,
        bind_to: bytes | None = None,
    ) -> None:
        """Everything up to the first ReadyForQuery. Raises Refused."""
        self.send(startup_message(startup, minor))
        first: First | None = None
        final = None
        while True:
            kind, raw = self.receive()
            if kind == codes.READY:
                return
            if kind == codes.ERROR:
                raise Refused(read_report(raw, 0, len(raw)))
            if kind == codes.BACKEND_KEY_DATA:
                self.process, self.key = read_backend_key_data(raw, 0, len(raw))
            elif kind == codes.NEGOTIATE:
                self.negotiation = read_negotiation(raw, 0, len(raw))
            elif kind == codes.PARAMETER_STATUS:
                name, value = read_parameter_status(raw, 0, len(raw))
                self.parameters[name] = value
            elif kind == codes.AUTHENTICATION:
                match authentication.read_authentication(raw, 0, len(raw)):
                    case WantsCleartext():
                        assert isinstance(secret, bytes)
                        self.send(authentication.password(secret))
                    case WantsMd5(salt):
                        assert isinstance(secret, bytes)
                        self.send(authentication.password(md5_response(md5_verifier(secret, startup[0][1]), salt)))
                    case WantsSasl(offered):
                        tls = isinstance(self.socket, ssl.SSLSocket)
                        first = first_message(offered, b64encode(os.urandom(18)), tls, bind_to)
                        self.mechanism = first.mechanism
                        self.send(authentication.sasl_initial_response(first.mechanism, first.message))
                    case SaslContinue(data):
                        assert first is not None
                        final = first.answer(data, secret)
                        self.send(authentication.sasl_response(final.message))
                    case SaslFinal(data):
                        assert final is not None
                        final.verify(data)
                        self.keys = final.keys
                    case Accepted():
                        pass
                    case other:
                        raise AssertionError(f"the server wants {other}")


@contextmanager
def connected(port: int) -> Iterator[WireClient]:
    """A connection, closed at the end."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as made:
        yield WireClient(made)


@contextmanager
def connected_by_tls(port: int, *, direct: bool = False) -> Iterator[tuple[WireClient, bytes]]:
    """A connection with TLS, after an SSLRequest or directly, and the server's certificate (DER)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if direct:
        context.set_alpn_protocols(["postgresql"])
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as plain:
        if not direct:
            plain.sendall(opening(Opening.SSL))
            assert plain.recv(1) == b"S"
        with context.wrap_socket(plain, server_hostname="localhost") as made:
            certificate = made.getpeercert(binary_form=True)
            assert certificate is not None
            yield WireClient(made), certificate


def binding(certificate: bytes) -> bytes:
    """The channel binding of a certificate that has one."""
    found = server_end_point(certificate)
    assert found is not None and len(found) >= hashlib.sha256().digest_size
    return found
