"""Which commands are there? Each is loaded when it is called: `howdah --help` and `howdah agent` load nothing else."""

import importlib
import os
import sys
from types import ModuleType
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

import howdah
from howdah.local.refused import Refused

COMMANDS = {
    "up": "Start a whole cluster on this machine, or what is missing of it.",
    "down": "Stop the cluster of this machine; the data stays.",
    "status": "Show every node's role, state and lag, and what is wrong.",
    "history": "List the role changes, and how long writes were away.",
    "explain": "Say why the cluster is as it is, and why not as one might expect.",
    "exec": "Run SQL on the primary, on one node or on all of them.",
    "psql": "Open a psql on the primary or on one node.",
    "switchover": "Hand the primary role over as planned, now or later.",
    "failover": "Get a new primary by hand when there is none.",
    "restart": "Restart one node's PostgreSQL.",
    "reload": "Have PostgreSQL read its settings again, on one node or all.",
    "reinit": "Clone one node's server anew from the primary.",
    "pause": "Stop every automatic role change until `resume`.",
    "resume": "Allow automatic role changes again.",
    "config": "Show, change and check settings.",
    "agent": "Run the agent of one node; `up` and service managers do.",
    "router": "Run a router: one address for the whole cluster.",
    "exporter": "Serve PostgreSQL's statistics to Prometheus, beside an agent.",
    "doctor": "Check machine, settings, PostgreSQL, store and nodes.",
    "simulate": "Run the cluster's rules under seeded time, network and faults.",
}
"""Name and the first sentence of the help, in the order in which help lists them."""

NOT_FOR_AGENTS = ("rich", "pygments")
"""structlog and httpx load them where they are installed: 4 MB beside every server, in a process that draws nothing."""

EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130


def load_command(name: str) -> Any:
    """Import a command's module, which is called like the command, and build the command."""
    module = importlib.import_module(f"howdah.cli.{name}")
    command = typer.main.get_command(module.app)
    command.name = name
    return command


class LazyGroup(TyperGroup):
    """Lists commands from the table above, and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the table's order."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that only knows its help line: what lists and suggestions need."""
        del ctx
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run; an unknown one is wrong usage."""
        if args and args[0] in COMMANDS:
            return args[0], load_command(args[0]), args[1:]
        return super().resolve_command(ctx, args)


root = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"howdah {howdah.__version__}")
        raise typer.Exit


@root.callback(no_args_is_help=True)
def howdah_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Highly available PostgreSQL."""
    del version


def main() -> None:
    """Run the command line. Ends the process: 0 done, 1 refused or failed, 2 wrong usage."""
    if sys.argv[1:2] == ["agent"]:
        # None: importing it fails, as if it were not installed.
        sys.modules.update(dict.fromkeys(NOT_FOR_AGENTS, cast("ModuleType", None)))
    command = typer.main.get_command(root)
    try:
        command(prog_name="howdah")
    except Refused as refused:
        print(f"howdah: {refused}", file=sys.stderr)
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_REFUSED)
