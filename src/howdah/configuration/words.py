"""Which kinds of text are there in settings besides numbers: names, addresses, lists, commands, parameters?"""

import re
import shlex
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from howdah.values.address import Address
from howdah.values.member import check_name

CLUSTER_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?")
WILDCARDS = frozenset(("*", "0.0.0.0", "::", "[::]"))
"""Addresses to listen on that nobody can connect to."""


def parse_address(text: str, default_port: int = 0) -> Address:
    """Read "host", "host:port", "[::1]:port" or a bare IPv6 number. Raises ValueError."""
    found = re.fullmatch(
        r"\[([0-9A-Fa-f:.%\w]+)\](?::(\d+))?|([^\s:\[\]/]+)(?::(\d+))?|([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)", text
    )
    if not found:
        raise ValueError("must be an address: HOST or HOST:PORT, an IPv6 number with a port as [NUMBER]:PORT")
    host = found[1] or found[3] or found[5]
    port = int(found[2] or found[4] or default_port)
    if not 0 <= port <= 65535:
        raise ValueError("has a port that is not between 1 and 65535")
    return Address(host, port)


def _checked_address(text: str) -> str:
    if text:
        parse_address(text)
    return text


def _checked_cluster(name: str) -> str:
    if not CLUSTER_NAME.fullmatch(name):
        raise ValueError("must be a lower-case letter, then lower-case letters, digits or '-', at most 63 in all")
    return name


def _checked_host(host: str) -> str:
    if not host or re.search(r"[\s/]", host):
        raise ValueError("must be a host name or number to listen on, or 0.0.0.0 or :: for all")
    return host


def _checked_prefix(prefix: str) -> str:
    if not re.fullmatch(r"/([^/\s]+/)*", prefix):
        raise ValueError("must begin and end with '/', such as /howdah/")
    return prefix


def _name_or_nothing(name: str) -> str:
    return check_name(name) if name else ""


def _split(value: Any) -> Any:
    """Comma-separated text, as from the environment, as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _split_lines(value: Any) -> Any:
    """Rules have commas of their own: text is split at ";" and at line ends."""
    return [part.strip() for part in re.split(r"[;\n]", value) if part.strip()] if isinstance(value, str) else value


def _command(value: Any) -> Any:
    return shlex.split(value) if isinstance(value, str) else value


def parameter_text(value: Any) -> Any:
    """A PostgreSQL setting's value as text: YAML's true is "on", its 100 is "100"."""
    match value:
        case bool():
            return "on" if value else "off"
        case int() | float():
            return str(value)
        case _:
            return value


def _parameters(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for name in value:
        if not PARAMETER_NAME.fullmatch(str(name)):
            raise ValueError(f"{name!r} cannot be a PostgreSQL setting: lower-case letters, digits, '_' and one '.'")
    return {str(name): parameter_text(text) for name, text in value.items()}


def _line(text: str) -> str:
    if "\n" in text or "\0" in text:
        raise ValueError("must be one line")
    return text


ClusterName = Annotated[str, AfterValidator(_checked_cluster)]
NodeName = Annotated[str, AfterValidator(check_name), Field(json_schema_extra={"kind": "node name"})]
OptionalNodeName = Annotated[str, AfterValidator(_name_or_nothing), Field(json_schema_extra={"kind": "node name"})]
NodeNames = Annotated[
    tuple[NodeName, ...], BeforeValidator(_split), Field(json_schema_extra={"kind": "list of node names"})
]
Texts = Annotated[tuple[str, ...], BeforeValidator(_split), Field(json_schema_extra={"kind": "list"})]
Lines = Annotated[tuple[str, ...], BeforeValidator(_split_lines), Field(json_schema_extra={"kind": "list"})]
Host = Annotated[str, AfterValidator(_checked_host), Field(json_schema_extra={"kind": "host"})]
AddressText = Annotated[str, AfterValidator(_checked_address), Field(json_schema_extra={"kind": "host or host:port"})]
Hosts = Annotated[
    tuple[Host, ...],
    BeforeValidator(_split),
    Field(min_length=1, json_schema_extra={"kind": "host, or list of hosts"}),
]
Prefix = Annotated[str, AfterValidator(_checked_prefix)]
Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"kind": "port, 1 to 65535"})]
OptionalPort = Annotated[int, Field(ge=0, le=65535, json_schema_extra={"kind": "port, 1 to 65535, or 0"})]
Command = Annotated[
    tuple[str, ...], BeforeValidator(_command), Field(json_schema_extra={"kind": "command line, or list of its words"})
]
Parameters = Annotated[
    dict[str, Annotated[str, AfterValidator(_line)]],
    BeforeValidator(_parameters),
    Field(json_schema_extra={"kind": "map of PostgreSQL settings"}),
]
