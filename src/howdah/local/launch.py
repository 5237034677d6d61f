"""How are a cluster's processes started, so that each outlives the command that started it?"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from howdah.local.place import Place
from howdah.local.plan import Plan
from howdah.local.processes import AGENT_WORDS, ROUTER_WORDS, STORE_WORDS
from howdah.local.refused import Refused
from howdah.stores.etcd.server import EtcdMissing, find_etcd, reserve_ports, server_command

STRIPPED = ("HOWDAH_", "REPMGR", "POSTGRES", "PG")
"""What begins so is somebody else's setting: it must not reach every agent of this cluster."""
LAST_LINES = 8


def agent_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of agents and store."""
    kept = {name: value for name, value in environment.items() if not name.startswith(STRIPPED)}
    return kept | {"PYTHONSAFEPATH": "1"}  # a file in the directory where `up` was typed must not shadow a module


def agent_command(place: Place, name: str) -> list[str]:
    """The command line of a node's agent."""
    return [sys.executable, *AGENT_WORDS, str(place.agent_file(name))]


def router_command(place: Place) -> list[str]:
    """The command line of the router."""
    return [sys.executable, *ROUTER_WORDS, str(place.router.file)]


def store_command(place: Place, plan: Plan) -> list[str]:
    """The command line of the store. Raises Refused."""
    match plan.store:
        case "sqlite":
            return [sys.executable, *STORE_WORDS, str(place.store)]
        case "etcd":
            try:
                return server_command(find_etcd(), place.store, reserve_ports(place.store))
            except EtcdMissing as missing:
                raise Refused(f"{missing}; or leave --store etcd out") from missing


def store_log(place: Place) -> Path:
    """What the store writes to its standard output and error."""
    return place.store / "store.log"


def start_agent(place: Place, name: str) -> subprocess.Popen[bytes]:
    """Start a node's agent. Raises Refused."""
    return _start(agent_command(place, name), place.agent_log(name))


def start_router(place: Place) -> subprocess.Popen[bytes]:
    """Start the router. Raises Refused."""
    return _start(router_command(place), place.router.log)


def start_store(place: Place, plan: Plan) -> subprocess.Popen[bytes]:
    """Start the store. Raises Refused."""
    return _start(store_command(place, plan), store_log(place))


def last_words(log: Path, lines: int = LAST_LINES) -> str:
    """The end of a log, indented, with its name above; for messages."""
    try:
        found = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError as error:
        return f"{log} cannot be read: {error.strerror}"
    return "\n".join([f"the end of {log}:", *(f"  {line}" for line in found)]) if found else f"{log} is empty"


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """In a session of its own, so that a Ctrl-C in the terminal reaches nobody but `up`."""
    try:
        log.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=agent_environment(os.environ),
                start_new_session=True,
            )
    except OSError as error:
        raise Refused(f"cannot start {command[0]}: {error}") from error
