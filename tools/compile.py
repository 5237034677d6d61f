"""How are the simulator and the router made faster: their hot modules, compiled by mypyc from the same source?

    python tools/compile.py simulator | router

`build/compiled-simulator` and `build/compiled-router` get a copy of the package in which those modules are shared
objects; PYTHONPATH chooses it. For the simulator the dataclasses of the copy have their `__init__`, `__eq__` and
`__hash__` written out: those that `dataclass` makes are interpreted, and slow if frozen. The package itself works
without any of it, and nothing here runs unless it is asked for.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from howdah.router.compiled import RECORD, record_of

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "howdah"
CHECKED_SEEDS = (3, 8, 20)
"""These have to run as they do without it."""
ROUTER_CHECKS = ("tests/routing", "tests/wire")
"""These tests have to pass with it."""
SETUP = """from mypyc.build import mypycify
from setuptools import setup

setup(
    name="howdah-compiled",
    ext_modules=mypycify({modules!r}, opt_level={level!r}, debug_level="0", multi_file={many}),
)
"""


ROUTER = (
    "routing/*",
    *(f"wire/{module}" for module in ["codes", "expect", "fields", "frame", "prepared", "sqlstate", "violation"]),
)
"""What bytes of a conversation go through."""
SELDOM = (
    "routing/admin*",
    "routing/cancelkeys",
    "routing/clusterview",
    "routing/credentials",
    "routing/hba",
    "routing/hbatokens",
    "routing/gathered",
    "routing/identmap",
    "routing/ldaprule",
    "routing/login",
    "routing/loginsteps",
    "routing/serverlogin",
)
"""Not compiled: nobody talks with the admin database all the time, and a login's time goes into hashing."""


@dataclass(frozen=True)
class Part:
    """`written_out`: rooms whose dataclasses are written out. `compiled`: modules, as globs, without those `left_out`
    (globs too). `level`: the C compiler's. `right`: whether the copy does what the source does."""

    name: str
    written_out: tuple[str, ...]
    compiled: tuple[str, ...]
    left_out: tuple[str, ...]
    level: str
    right: Callable[[Path], bool]

    @property
    def target(self) -> Path:
        """Where the copy is."""
        return ROOT / "build" / f"compiled-{self.name}"


def written_out(text: str) -> str:
    """The module with its dataclasses' methods written out."""
    lines = text.splitlines()
    for node in reversed([n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ClassDef)]):
        decorator = next((d for d in node.decorator_list if ast.unparse(d).startswith("dataclass")), None)
        if decorator is None:
            continue
        own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        end = node.body[-1].end_lineno or 0
        for place in range(node.lineno - 1, end):
            lines[place] = _plain_assignment(lines[place])
        lines[end:end] = _methods(node.name, fields, own)
        if "order=True" in ast.unparse(decorator):
            lines[end:end] = _comparisons(node.name, [ast.unparse(field.target) for field in fields])
        lines[decorator.lineno - 1] = "@dataclass(init=False)"
    return "\n".join(lines) + "\n"


def _plain_assignment(line: str) -> str:
    """What `__post_init__` of a frozen class writes with `object.__setattr__`."""
    start = 'object.__setattr__(self, "'
    if start not in line:
        return line
    indent, rest = line.split(start)
    name, value = rest.removesuffix(")").split('", ', 1)
    return f"{indent}self.{name} = {value}"


def _methods(name: str, fields: list[ast.AnnAssign], own: set[str]) -> list[str]:
    names = [ast.unparse(field.target) for field in fields]
    parameters, body = ["self"], []
    for field, attribute in zip(fields, names, strict=True):
        annotation = ast.unparse(field.annotation)
        default = ast.unparse(field.value) if field.value is not None else ""
        if default == "field(init=False)":
            continue
        if default.startswith("field(default_factory="):
            made = default.removeprefix("field(default_factory=").removesuffix(")")
            parameters.append(f"{attribute}: {annotation} | None = None")
            body.append(f"        self.{attribute} = ({made})() if {attribute} is None else {attribute}")
            continue
        parameters.append(f"{attribute}: {annotation}" + (f" = {default}" if default else ""))
        body.append(f"        self.{attribute} = {attribute}")
    if "__post_init__" in own:
        body.append("        self.__post_init__()")
    same = " and ".join(f"self.{n} == other.{n}" for n in names) or "True"
    together = "".join(f"self.{n}, " for n in names)
    return [
        "",
        f"    def __init__({', '.join(parameters)}) -> None:",
        *(body or ["        pass"]),
        "",
        "    def __eq__(self, other: object) -> bool:",
        f"        return self is other or (isinstance(other, {name}) and {same})",
        "",
        "    def __hash__(self) -> int:",
        f"        return hash(({together}))",
    ]


def _comparisons(name: str, fields: list[str]) -> list[str]:
    mine, other = (f"({', '.join(f'{who}.{field}' for field in fields)})" for who in ("self", "other"))
    orders = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}
    return [
        line
        for method, sign in orders.items()
        for line in ("", f'    def {method}(self, other: "{name}") -> bool:', f"        return {mine} {sign} {other}")
    ]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _stamp(part: Part) -> str:
    """What the compiled copy was made from."""
    digest = hashlib.sha256(f"{sys.version} {part.name}".encode())
    for path in (Path(__file__), *sorted(SOURCE.rglob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def copy_to(part: Part, target: Path) -> list[str]:
    """The package there, with its dataclasses written out; returns the modules that are to be compiled.

    A file that is as it was stays untouched, and is not compiled again."""
    wanted = {path for pattern in part.compiled for path in SOURCE.glob(f"{pattern}.py")}
    wanted -= {path for pattern in part.left_out for path in SOURCE.glob(f"{pattern}.py")}
    for source in sorted(SOURCE.rglob("*.py")):
        name = source.relative_to(SOURCE)
        text = source.read_text()
        if name.parent.as_posix() in part.written_out:
            text = written_out(text)
        copy = target / "howdah" / name
        if not copy.exists() or copy.read_text() != text:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
    _drop_what_is_gone(target)
    return sorted(f"howdah/{path.relative_to(SOURCE).as_posix()}" for path in wanted if path.stem != "__init__")


def _drop_what_is_gone(target: Path) -> None:
    """A module that has been renamed must not go on under its old name, and one that is not compiled any more must not
    be found as a shared object."""
    for copy in (target / "howdah").rglob("*.py"):
        if not (SOURCE / copy.relative_to(target / "howdah")).exists():
            copy.unlink()
    for built in target.rglob("*.so"):
        built.unlink()


def _environment(package: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(package)}


def run_of(seed: int, package: Path) -> str:
    """What becomes of a seed with that copy of the package."""
    code = f"from howdah.simulation.run import run_number; o = run_number({seed}); print(o.trace, o.steps, o.fault)"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=_environment(package), check=True, capture_output=True, text=True)
    return ran.stdout


def same_runs(target: Path) -> bool:
    """Whether seeds run as they do without it."""
    for seed in CHECKED_SEEDS:
        if run_of(seed, target) != run_of(seed, SOURCE.parent):
            _say(f"seed {seed} runs otherwise when compiled: nothing of it is used")
            return False
    return True


def same_conversations(target: Path) -> bool:
    """Whether the router's playbooks pass with it."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *ROUTER_CHECKS]
    ran = subprocess.run(command, cwd=ROOT, env=_environment(target), check=False, capture_output=True, text=True)
    if ran.returncode:
        _say(f"{ran.stdout[-3000:]}\nThe router's tests fail when it is compiled: nothing of it is used")
    return ran.returncode == 0


PARTS = {
    part.name: part
    for part in (
        # The agent and the simulator itself are not compiled: with their hot modules compiled too a seed ran otherwise,
        # which nobody has explained yet; a class that inherits from one of Python's own in C (`Chance` from
        # `random.Random`) crashes; and procedures, with all their `await`s, become ten times as much C.
        Part(
            "simulator",
            ("values", "cluster", "ports", "agent", "agent/procedures", "simulation"),
            ("values/*", "cluster/*"),
            (),
            "1",
            same_runs,
        ),
        Part("router", (), ROUTER, SELDOM, "3", same_conversations),
    )
}


def build(part: Part) -> bool:
    """Copy, write out, compile, and see that it does the same. False: nothing is left of it."""
    modules = copy_to(part, part.target)
    (part.target / "howdah" / RECORD).write_text(record_of(SOURCE))
    setup = SETUP.format(modules=modules, level=part.level, many=part.name == "simulator")
    (part.target / "setup.py").write_text(setup)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    if subprocess.run(command, cwd=part.target, check=False, stdout=sys.stderr).returncode:
        _say(f"mypyc or the C compiler failed, as it says above: the {part.name} runs as it is, several times slower.")
        return False
    return part.right(part.target)


def main() -> int:
    """Returns the exit status: 0 also where there is no compiler, since nothing needs one."""
    part = PARTS.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if part is None:
        _say(f"usage: compile.py {' | '.join(PARTS)}")
        return 2
    stamp, made_from = part.target / "made-from", _stamp(part)
    if stamp.exists() and stamp.read_text() == made_from:
        return 0
    stamp.unlink(missing_ok=True)
    if shutil.which("cc") is None:
        _say(f"There is no C compiler (cc): the {part.name} runs as it is, several times slower.")
        shutil.rmtree(part.target, ignore_errors=True)
        return 0
    _say(f"Compiling the {part.name}, which takes minutes ...")
    if not build(part):
        shutil.rmtree(part.target)
        return 1
    stamp.write_text(made_from)
    return 0


if __name__ == "__main__":
    sys.exit(main())
