"""How long can bytes be thrown at the protocol without a fault: `python -m tests.fuzz.wire --seconds N`?

Needs atheris (`pip install atheris`), which is no dependency of the project: it follows the branches of the code, and
so finds what random bytes do not. The corpus is kept in the directory that is named, and grows. `make test` only throws
the seeds, some changes of them, and random bytes.
"""

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

MISSING = "atheris is not installed, so nothing was fuzzed. Mend: pip install atheris (wheels exist for Linux)."


def write_seeds(corpus: Path, seeds: tuple[bytes, ...]) -> None:
    """Something to begin from."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)


def main() -> int:
    """Fuzz for so long; exit code 2 if there is nothing to fuzz with."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.wire", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long (60)")
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz-wire"), help="where inputs are kept")
    chosen = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(MISSING + "\n")
        return 2
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["howdah.wire"]):  # the branches of what is imported here are followed
        targets = importlib.import_module("tests.fuzz.targets")
        seeds = importlib.import_module("tests.fuzz.seeds")
    write_seeds(chosen.corpus, seeds.SEEDS + seeds.CORPUS)
    arguments = [sys.argv[0], str(chosen.corpus), f"-max_total_time={chosen.seconds}", "-max_len=4096"]
    atheris.Setup(arguments, targets.one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
