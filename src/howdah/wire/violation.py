"""What is raised for bytes that are not the protocol, or a login that it refuses?"""

from howdah.wire.sqlstate import FATAL, PROTOCOL_VIOLATION, error


class ProtocolViolation(Exception):
    """The one exception of this room. Whoever sent the bytes is told `report()`, and its connection ends."""

    def __init__(self, message: str, sqlstate: str = PROTOCOL_VIOLATION, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint

    def report(self, severity: str = FATAL) -> bytes:
        """The ErrorResponse that says so."""
        return error(severity, self.sqlstate, self.message, self.detail, self.hint)
