"""How is one of PostgreSQL's programs run to its end, as the right account, and known to have succeeded?

A thread reads the program's output, so that the event loop does not matter: uvloop cannot start a process under
another account. An exit status alone proves nothing, since an agent that is the container's first process reaps
every child and may take the status away; so every program here has a line of output that only success prints.
"""

import asyncio
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, run_as

LINES_KEPT = 400
"""Of a program's output; enough for any message, while a base backup prints progress for hours."""
LINES_SHOWN = 8
"""In the message of a failure."""
QUICK_LIMIT_S = 10
"""For programs that read a file and print it; they take milliseconds unless the disk hangs."""

MENDS = {
    "No space left on device": "The disk is full: free some space.",
    "Read-only file system": "The file system is read-only: mend the disk and mount it writable.",
    "password authentication failed": "Copy the directory of secrets from another node of the cluster.",
    "pg_hba.conf": "That server does not let us in: is it one of this cluster's, and started by its agent?",
}
"""What to do about what these programs say."""

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments. `proof` are texts of which success prints one; `given` goes to standard input.

    `cwd` says to which directory the process counts: see `gone`. None: a neutral one.
    """

    program: Path
    arguments: tuple[str, ...]
    proof: tuple[str, ...]
    given: str = ""
    cwd: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed, both streams together, its last LINES_KEPT lines."""

    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one text."""
        return "\n".join(self.lines)


class ProgramFailed(PostgresFailure):
    """A program of PostgreSQL's ended without its proof of success. `output` is what it printed."""

    def __init__(self, name: str, status: int, output: Output) -> None:
        shown = " | ".join(output.lines[-LINES_SHOWN:]) or "it printed nothing"
        mends = [mend for sign, mend in MENDS.items() if sign in output.text]
        super().__init__(" ".join((f"{name} failed (exit status {status}): {shown}", *mends)))
        self.output = output


async def run_program(command: Command, account: Account | None, log: Log) -> Output:
    """Run to the end; each line of output goes to `log` in this thread's loop.

    When the caller is cancelled the program is killed, with the processes it started, before this returns.
    Raises ProgramFailed, or PostgresFailure if it cannot be started.
    """
    process = _start(command, account)
    loop = asyncio.get_running_loop()

    def pass_on(line: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(log, line)

    reading = asyncio.ensure_future(asyncio.to_thread(_read, process, command.given, pass_on))
    try:
        output = await asyncio.shield(reading)
    except asyncio.CancelledError:
        _kill_group(process)
        await _finish(reading)
        raise
    return _proved(command, process.returncode, output)


def run_program_blocking(command: Command, account: Account | None) -> Output:
    """The same without an event loop, for programs that take milliseconds. Raises as `run_program` does."""
    process = _start(command, account)
    try:
        text, _ = process.communicate(command.given.encode(), timeout=QUICK_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        _kill_group(process)
        process.communicate()
        raise PostgresFailure(f"{command.name} did not end within {QUICK_LIMIT_S} s: is the disk hanging?") from error
    lines = text.decode(errors="replace").splitlines()
    return _proved(command, process.returncode, Output(tuple(lines[-LINES_KEPT:])))


def _start(command: Command, account: Account | None) -> "subprocess.Popen[bytes]":
    arguments = run_as(account)
    arguments["env"] = arguments["env"] | {"LC_ALL": "C"} | command.environment
    if command.cwd is not None:
        arguments["cwd"] = str(command.cwd)
    try:
        return subprocess.Popen(
            (str(command.program), *command.arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **arguments,
        )
    except OSError as error:
        raise PostgresFailure(
            f"cannot start {command.program}: {error.strerror or error}. "
            "Check that it exists and that the account that runs PostgreSQL may execute it."
        ) from error


def _read(process: "subprocess.Popen[bytes]", given: str, pass_on: Log) -> Output:
    """Feed the (short) input, read every line, wait for the end. Runs in a thread."""
    kept: deque[str] = deque(maxlen=LINES_KEPT)
    with process:
        _feed(process, given.encode())
        if process.stdout is not None:
            for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip()
                if line:
                    kept.append(line)
                    pass_on(line)
    return Output(tuple(kept))


def _feed(process: "subprocess.Popen[bytes]", given: bytes) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(given)
        process.stdin.close()
    except BrokenPipeError:
        return  # it ended without reading; its output says why


def _proved(command: Command, status: int, output: Output) -> Output:
    text = output.text
    if status == 0 and any(proof in text for proof in command.proof):
        return output
    raise ProgramFailed(command.name, status, output)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """The program and what it forked: pg_basebackup receives WAL in a process of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _finish(reading: "asyncio.Future[Output]") -> None:
    """Wait for the killed program's end; a second cancellation does not cut that short."""
    while not reading.done():
        try:
            await asyncio.shield(reading)
        except asyncio.CancelledError:
            continue
