"""What does docs/command-line.md say? The real --help of every command."""

from functools import cache

from typer.testing import CliRunner

from howdah.cli.main import COMMANDS, load_command, root

WIDTH = 100

INTRODUCTION = """\
# Command line

Made from the commands' `--help` by `make docs`; change the command, not this page.

Which cluster a command is for: `--data DIR` names one that `howdah up` made, `--config FILE` an agent's settings.
Without either, `HOWDAH_CONFIG` and `HOWDAH_DATA` are looked at, then the default directory.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Reading commands take `--json`.
"""


def written() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _section("howdah", ())]
    for name in COMMANDS:
        parts.append(_section(f"howdah {name}", (name,)))
        inner = getattr(load_command(name), "commands", {})
        parts += [_section(f"howdah {name} {below}", (name, below)) for below in inner]
    return "\n".join(parts)


def _section(title: str, words: tuple[str, ...]) -> str:
    return f"## {title}\n\n```\n{help_of(words)}\n```\n"


@cache
def help_of(words: tuple[str, ...]) -> str:
    """What `howdah WORDS --help` prints on a terminal of WIDTH columns."""
    result = CliRunner().invoke(root, [*words, "--help"], prog_name="howdah", terminal_width=WIDTH)
    if result.exit_code != 0:
        raise RuntimeError(f"howdah {' '.join(words)} --help failed: {result.output}{result.exception}")
    return "\n".join(line.rstrip() for line in result.output.splitlines()).strip()


def known_commands() -> tuple[str, ...]:
    """Every command and subcommand as it is typed: "up", "config set"."""
    found: list[str] = []
    for name in COMMANDS:
        inner = getattr(load_command(name), "commands", {})
        found += [f"{name} {below}" for below in inner] or [name]
    return tuple(found)
