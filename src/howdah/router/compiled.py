"""Is the compiled copy of the package that runs here made from the source as it is now?

`tools/compile.py` writes beside the copy from which directory it was made and what was in there. Where that directory
is gone, as on another machine, nothing can differ.
"""

import hashlib
from pathlib import Path

RECORD = "made-from-files"
"""Below the package: the directory of the source, then hash and name of each file."""


def record_of(source: Path) -> str:
    """What is written down when a copy is made from this package."""
    lines = [f"{_hash(path)} {path.relative_to(source).as_posix()}" for path in sorted(source.rglob("*.py"))]
    return "\n".join([str(source), *lines]) + "\n"


def outdated(package: Path) -> str:
    """What is wrong with running this package; "" if nothing is, as where nothing was compiled."""
    record = package / RECORD
    if not record.exists():
        return ""
    text = record.read_text()
    source = Path(text.partition("\n")[0])
    if not source.is_dir() or record_of(source) == text:
        return ""
    return (
        f"{package} was compiled from another state of {source}: run `make compile-router` again, or leave it out of "
        "PYTHONPATH"
    )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
