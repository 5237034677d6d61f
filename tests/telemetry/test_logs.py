"""Do log lines say where and when they were written?"""

import errno
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from howdah.telemetry.logs import Form, set_up_logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    library = logging.getLogger("uvicorn.error")
    was = (library.disabled, library.propagate, library.level)
    library.disabled, library.propagate, library.level = False, True, logging.NOTSET  # whoever configured it before
    yield
    library.disabled, library.propagate, library.level = was
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def test_a_json_line_carries_node_term_level_and_time() -> None:
    out = io.StringIO()
    set_up_logs(Form.JSON, "info", "n1", lambda: 4, out)
    structlog.get_logger("x").info("promoted", timeline=3)
    structlog.get_logger("x").debug("not wanted")
    (line,) = out.getvalue().splitlines()
    document = json.loads(line)
    assert document.pop("timestamp").endswith("Z")
    assert document == {"event": "promoted", "timeline": 3, "node": "n1", "term": 4, "level": "info"}


def test_a_line_for_people_is_one_line_without_colours_where_nobody_sees_them() -> None:
    out = io.StringIO()
    set_up_logs(Form.TEXT, "warning", "n1", stream=out)
    structlog.get_logger().warning("the disk is full")
    (line,) = out.getvalue().splitlines()
    assert "the disk is full" in line and "node=n1" in line and "\x1b" not in line


class _FullDisk(io.StringIO):
    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_line_that_cannot_be_written_is_lost_and_the_next_one_is_not() -> None:
    out = _FullDisk()
    set_up_logs(Form.JSON, "info", "n1", stream=out)
    structlog.get_logger().info("lost")
    logging.getLogger("uvicorn.error").error("lost too")
    out.full = False
    structlog.get_logger().info("there is space again")
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "there is space again"


def test_what_a_library_logs_is_a_line_too() -> None:
    out = io.StringIO()
    set_up_logs(Form.JSON, "info", "n1", stream=out)
    set_up_logs(Form.JSON, "info", "n1", stream=out)
    logging.getLogger("uvicorn.error").warning("cannot %s", "accept")
    logging.getLogger("uvicorn.error").info("started")
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "cannot accept" and json.loads(line)["logger"] == "uvicorn.error"
