"""A stage whose router can be asked about itself."""

from collections.abc import Callable
from typing import Any

from howdah.routing.admincommand import Deed, Reload, SetSetting, Show, ShowRoute, Shutdown
from howdah.routing.admindeeds import Deeds
from howdah.routing.adminscene import Scene, Setting, Sizes
from howdah.routing.adminsession import AdminSession
from howdah.routing.admintable import Table
from howdah.routing.admintables import TABLES, table_of
from howdah.routing.adminviews import ROUTE, VIEWS, route, view_of
from howdah.routing.visitor import Visitor
from howdah.wire import codes, frame
from howdah.wire.replies import read_command_complete, read_report
from howdah.wire.rows import Column, read_data_row, read_row_description
from tests.routing.playsession import Client, Stage, Wire, message, query

REPLIES = frame.table(look=b"ENASGHWRKvDctV123CIsTnZ")


class AdminDesk:
    """What an admin session asks, of a stage. `asked`: what is the process's to do."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.deeds = Deeds(stage.hub)
        self.asked: list[Deed] = []

    def columns(self, command: Show | ShowRoute) -> tuple[Column, ...]:
        """Of the answer."""
        if isinstance(command, ShowRoute):
            return ROUTE
        return (TABLES.get(command.subject) or VIEWS[command.subject])[0]

    def table(self, command: Show | ShowRoute, told: Callable[[Table], None]) -> None:
        """Tell the answer."""
        if isinstance(command, ShowRoute):
            told(route(command, self.scene()))
        else:
            told((table_of if command.subject in TABLES else view_of)(command.subject, self.scene()))

    def do(self, deed: Deed, ended: Callable[[str], None]) -> None:
        """Do it."""
        if isinstance(deed, Reload | SetSetting | Shutdown):
            self.asked.append(deed)
            ended("")
        else:
            self.deeds.do(deed, ended)

    def scene(self) -> Scene:
        """The stage as it is now."""
        return Scene(
            hub=self.stage.hub,
            now_ms=self.stage.clock,
            stamp=lambda moment_ms: f"at {moment_ms:g}",
            version="PgBouncer 1.24.1",
            port=6432,
            admin_database="howdah",
            sizes=Sizes(),
            settings=(Setting("max_client_conn", "5000", "5000", True),),
        )


class AdminClient(Wire):
    """A client of the admin database."""

    def __init__(self, stage: Stage, may_change: bool = True) -> None:
        super().__init__()
        self.desk = AdminDesk(stage)
        self.session = AdminSession(self, self.desk, "postgres", may_change)
        self.session.greet({}, b"")
        self.take()

    def sends(self, *messages: bytes) -> bytes:
        """In one piece; the answer as far as it comes at once."""
        self.session.receive(b"".join(messages))
        return self.take()

    def ask(self, text: str) -> list[dict[str, Any]]:
        """A simple query's rows."""
        return rows(self.sends(query(text)))


def rows(answer: bytes) -> list[dict[str, Any]]:
    """The rows of an answer, by column; raises AssertionError with the message of an error."""
    frames = frame.Framer(REPLIES, frame.REPLY_MAX_BYTES)
    frames.feed(answer)
    columns: tuple[Column, ...] = ()
    found: list[dict[str, Any]] = []
    while frames.step() != frame.NOTHING:
        data, start, end = frames.buffer, frames.start, frames.end
        if frames.kind == codes.ROW_DESCRIPTION:
            columns = read_row_description(data, start, end)
        elif frames.kind == codes.DATA_ROW:
            values = [None if raw is None else raw.decode() for raw in read_data_row(data, start, end)]
            found.append({column.name: value for column, value in zip(columns, values, strict=True)})
        elif frames.kind == codes.ERROR:
            report = read_report(data, start, end)
            raise AssertionError(f"{report.sqlstate} {report.message}")
    return found


def shape(answer: bytes) -> str:
    """The kinds of its messages, with tags and states: "T D C(SHOW) Z(I)"."""
    frames = frame.Framer(REPLIES, frame.REPLY_MAX_BYTES)
    frames.feed(answer)
    words: list[str] = []
    while frames.step() != frame.NOTHING:
        data, start, end = frames.buffer, frames.start, frames.end
        word = chr(frames.kind)
        if frames.kind == codes.COMMAND_COMPLETE:
            word += f"({read_command_complete(data, start, end).command})"
        elif frames.kind == codes.READY:
            word += f"({chr(data[start + 5])})"
        elif frames.kind == codes.ERROR:
            word += f"({read_report(data, start, end).sqlstate})"
        words.append(word)
    return " ".join(words)


def visit(client: Client, serial: int, application_name: str = "") -> Client:
    """It has come from somewhere."""
    client.session.visitor = Visitor(
        serial, "10.0.0.9", 40_000 + serial, "10.0.0.1", 6432, 1000.0, "", application_name
    )
    return client


__all__ = ["AdminClient", "AdminDesk", "message", "rows", "shape", "visit"]
