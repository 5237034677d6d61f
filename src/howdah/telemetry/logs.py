"""How does a process of Howdah log? (structlog, for people or as JSON; the libraries' own logs too)"""

import contextlib
import logging
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


class Form(StrEnum):
    """Lines for people, or for machines."""

    TEXT = "text"
    JSON = "json"


class _Lossy(structlog.PrintLogger):
    """Where a line cannot be written (disk full, reader gone) it is lost: an agent does not end for its log's sake."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


class _Forwarded(logging.Handler):
    """Hands what libraries log with the standard library to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            message = f"{message}: {record.exc_info[1]!r}"
        structlog.get_logger().log(record.levelno, message, logger=record.name)


def set_up_logs(
    form: Form, level: str, node: str, term: Callable[[], int] = lambda: 0, stream: TextIO | None = None
) -> None:
    """For the whole process, once, at its start. Every line carries the node and, if it is known, the term.

    `level` is "debug", "info", "warning" or "error"; libraries are heard from "warning" on. Writes to stderr."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]

    def place(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["node"] = node
        if now := term():
            event["term"] = now
        return event

    last: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form is Form.JSON
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            place,
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Lossy(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Forwarded)]:
        root.removeHandler(handler)
    root.addHandler(_Forwarded())
    root.setLevel(max(number, logging.WARNING))
