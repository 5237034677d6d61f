"""How is the simulator made faster: the rooms that it runs, compiled by mypyc from the same source?

`build/compiled` gets a copy of the package in which those modules are shared objects. In the copy the dataclasses have
their `__init__`, `__eq__` and `__hash__` written out: those that `dataclass` makes are interpreted, and slow if frozen.
The package itself works without any of it.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "howdah"
TARGET = ROOT / "build" / "compiled"
WRITTEN_OUT = ("values", "cluster", "ports", "agent", "agent/procedures", "simulation")
"""Rooms whose dataclasses are written out."""
COMPILED = ("values", "cluster")
"""Rooms that are compiled. The agent and the simulator itself are not: with their hot modules compiled too a seed ran
otherwise, which nobody has explained yet; a class that inherits from one of Python's own in C (`Chance` from
`random.Random`) crashes; and procedures, with all their `await`s, become ten times as much C."""
CHECKED_SEEDS = (3, 8, 20)
"""These have to run as they do without it."""
SETUP = """from mypyc.build import mypycify
from setuptools import setup

setup(name="howdah-compiled", ext_modules=mypycify({modules!r}, opt_level="1", debug_level="0", multi_file=True))
"""


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


def _stamp() -> str:
    """What the compiled copy was made from."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (Path(__file__), *sorted(SOURCE.rglob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def copy_to(target: Path) -> list[str]:
    """The package there, with its dataclasses written out; returns the modules that are to be compiled.

    A file that is as it was stays untouched, and is not compiled again."""
    modules = []
    for source in sorted(SOURCE.rglob("*.py")):
        name = source.relative_to(SOURCE)
        text = source.read_text()
        room = name.parent.as_posix()
        if room in WRITTEN_OUT:
            text = written_out(text)
        if source.name != "__init__.py" and room in COMPILED:
            modules.append(f"howdah/{name.as_posix()}")
        copy = target / "howdah" / name
        if not copy.exists() or copy.read_text() != text:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
    return modules


def run_of(seed: int, package: Path) -> str:
    """What becomes of a seed with that copy of the package."""
    code = f"from howdah.simulation.run import run_number; o = run_number({seed}); print(o.trace, o.steps, o.fault)"
    environment = {**os.environ, "PYTHONPATH": str(package)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return ran.stdout


def main() -> int:
    """Copy, write out, compile, and see that both give the same runs. Returns the exit status."""
    stamp, made_from = TARGET / "made-from", _stamp()
    if stamp.exists() and stamp.read_text() == made_from:
        return 0
    if shutil.which("cc") is None:
        _say("There is no C compiler (cc): the simulator runs as it is, several times slower.")
        shutil.rmtree(TARGET, ignore_errors=True)
        return 0
    _say("Compiling the simulator, which takes minutes ...")
    modules = copy_to(TARGET)
    (TARGET / "setup.py").write_text(SETUP.format(modules=modules))
    build = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    if subprocess.run(build, cwd=TARGET, check=False, stdout=sys.stderr).returncode:
        _say("mypyc or the C compiler failed, as it says above: the simulator runs as it is, several times slower.")
        shutil.rmtree(TARGET)
        return 0
    for seed in CHECKED_SEEDS:
        if run_of(seed, TARGET) != run_of(seed, SOURCE.parent):
            _say(f"seed {seed} runs otherwise when compiled: nothing of it is used")
            shutil.rmtree(TARGET)
            return 1
    stamp.write_text(made_from)
    return 0


if __name__ == "__main__":
    sys.exit(main())
