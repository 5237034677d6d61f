"""What does docs/settings.md say? It is made from the schema: `make docs` writes it, a test fails when it is stale."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from howdah.configuration import aliases, pgpoolaliases
from howdah.configuration.cluster import ClusterSettings
from howdah.configuration.keys import Key, keys_of, kind_of
from howdah.configuration.quantities import format_duration, format_size
from howdah.configuration.router import RouterSettings
from howdah.configuration.schema import AgentSettings

INTRODUCTION = """\
# Settings

Made from the schema by `make docs`; change the schema, not this page.

An agent reads one YAML file (`howdah agent --config FILE`) and checks it before use; `howdah config validate FILE` only
checks it. A router reads a file of its own. Every key is also a variable of the environment:
`node.tags.priority` is `HOWDAH_NODE__TAGS__PRIORITY`; lists are separated by commas there. Variables win over the file.
A secret can be read from a file: `secrets.superuser_file`, or `HOWDAH_SECRETS__SUPERUSER_FILE`. Unknown keys are
refused.

Durations carry a unit (`300ms`, `5s`, `2min`, `1h`, `1d`), sizes as in PostgreSQL (`16MB`, 1 kB is 1024 bytes).

    cluster: main
    node: {name: n1, root: /var/lib/howdah/n1}
    postgresql: {listen: 0.0.0.0, port: 5432, advertised: 10.0.0.1}
    api: {listen: 0.0.0.0, port: 8008, advertised: 10.0.0.1}
    store: {kind: etcd, endpoints: ["http://10.0.0.7:2379", "http://10.0.0.8:2379", "http://10.0.0.9:2379"]}
    initial: {config: {nodes: [n1, n2, n3]}}
"""

ROUTER = """\
## Of one router

A router needs to know where the record is kept (`store`) or who the agents are (`agents.addresses`), and the password
of its own role in PostgreSQL, which every agent keeps in the file `secrets/router` below its `node.root`.
"""

CLUSTER = """\
## Of the whole cluster

Kept in the store, the same for every node. `initial.config` in an agent's file has the same keys and holds for the
first start only; afterwards: `howdah config show`, and `howdah config set KEY=VALUE` (`KEY=` gives a key its default
back).
"""

ALIASES = """\
## Names of the Bitnami chart

These variables are read too, by routers those that begin with `PGPOOL_`, by agents the others, below the file and the
`HOWDAH_...` variables; every `POSTGRESQL_*` name also as `POSTGRES_*`, passwords also as `..._FILE`. Those that are
ignored are reported in the log.
"""


def written() -> str:
    """The whole page."""
    agent = [key for key in keys_of(AgentSettings) if key.path[:2] != ("initial", "config")]
    parts = [INTRODUCTION, "## Of one agent\n", _table(agent, True)]
    parts += [ROUTER, _table(keys_of(RouterSettings), True)]
    parts += [CLUSTER, _table(keys_of(ClusterSettings), False)]
    parts += [ALIASES, _aliases()]
    return "\n".join(parts)


def _table(keys: Iterable[Key], variables: bool) -> str:
    lines = ["| key | value | default | |", "|---|---|---|---|"]
    for key in keys:
        name = f"`{key.dotted}`" + (f" ({key.variant})" if key.variant else "")
        if key.secret and variables:
            name += f", `{key.dotted}_file`"
        lines.append(f"| {name} | {kind_of(key.field)} | {_default(key)} | {key.field.description} |")
    return "\n".join([*lines, ""])


def _default(key: Key) -> str:
    value: Any = key.field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    text = text_of_value(key, value)
    return f"`{text}`" if text else ""


def text_of_value(key: Key, value: Any) -> str:
    """A value as it is written in a file; "" for one that is not set."""
    if value is None or value in ("", (), {}):
        return ""
    match kind_of(key.field):
        case "duration" | "seconds":
            return format_duration(value)
        case "size":
            return format_size(value)
        case "list":
            return ", ".join(value)
        case _:
            return str(value).lower() if isinstance(value, bool) else str(value)


def _aliases() -> str:
    lines = ["| variable | is |", "|---|---|"]
    for meant, ignored in ((aliases.MEANT, aliases.IGNORED), (pgpoolaliases.MEANT, pgpoolaliases.IGNORED)):
        lines += [f"| `{name}` | `{'.'.join(alias.path)}` |" for name, alias in sorted(meant.items())]
        lines += [f"| `{name}` | ignored: {reason} |" for name, reason in sorted(ignored.items())]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written(), encoding="utf-8")
