"""How is a library made that changes what one process gets from its kernel, and how is it told what to change?"""

import shutil
import subprocess
from pathlib import Path


def build_library(source: Path, directory: Path) -> Path | None:
    """The library; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = directory / source.with_suffix(".so").name
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    library.chmod(0o755)
    return library


def tell(file: Path, numbers: bytes) -> None:
    """From now on, for every process that has mapped the file or will."""
    with file.open("r+b" if file.exists() else "wb") as opened:
        opened.write(numbers)
    file.chmod(0o644)
