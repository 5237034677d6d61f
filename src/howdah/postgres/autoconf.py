"""What has somebody set by ALTER SYSTEM that he must not?

PostgreSQL reads postgresql.auto.conf after postgresql.conf, so that a line there overrides the agent: an
`ALTER SYSTEM SET synchronous_standby_names = ''` would have commits acknowledged by nobody. The agent looks again and
again, and writes the file without such lines. Other lines are left alone.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from howdah.postgres.parameters import SENSITIVE, quote_value, refusal

FILE_NAME = "postgresql.auto.conf"
_LINE = re.compile(r"\s*(?P<name>[A-Za-z_][\w$.]*)\s*(?:=\s*|\s)(?P<value>'(?:[^'\\]|''|\\.)*'|[^\s#']*)\s*(?:#.*)?")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"''|\\([0-7]{1,3}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AutoConfFault:
    """A line that must go. `reason` is a sentence."""

    name: str
    value: str
    reason: str


def read_lines(text: str) -> tuple[tuple[str, str], ...]:
    """The (name, value) pairs of a configuration file in PostgreSQL's syntax, in order, names in lower case.

    Lines that are no assignment are left out; PostgreSQL itself would refuse them."""
    pairs = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found:
            pairs.append((found["name"].lower(), _unquote(found["value"])))
    return tuple(pairs)


def faults_in(text: str, managed: Collection[str]) -> tuple[AutoConfFault, ...]:
    """What must not be in this file. `managed` are the names that the cluster's configuration sets."""
    faults = []
    for name, value in read_lines(text):
        reason = _fault(name, value, managed)
        if reason:
            faults.append(AutoConfFault(name, value, reason))
    return tuple(faults)


def without_faults(text: str, managed: Collection[str]) -> str:
    """The file's text without the lines at fault, as ALTER SYSTEM would have written the rest."""
    kept = [f"{name} = {quote_value(value)}" for name, value in read_lines(text) if not _fault(name, value, managed)]
    comments = [line for line in text.splitlines() if line.startswith("#")]
    return "".join(f"{line}\n" for line in (*comments, *kept))


def _fault(name: str, value: str, managed: Collection[str]) -> str:
    if name in SENSITIVE:
        return f"{name} must change on all servers in an order: howdah config set postgresql.parameters.{name}={value}"
    if name in managed:
        return f"{name} is set for the whole cluster: howdah config set postgresql.parameters.{name}={value}"
    return refusal(name, value)


def _unquote(written: str) -> str:
    if not written.startswith("'"):
        return written
    return _ESCAPE.sub(_unescape, written[1:-1])


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if code is None:
        return "'"
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _ESCAPES.get(code, code)
