"""How long can bytes be thrown at the protocol without a fault: `python -m tests.fuzz.wire --seconds N`?

`--what wire` has the readers of messages, `--what conversation` a session of the router between a client and servers.

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
    parser.add_argument(
        "--what", choices=("wire", "conversation"), default="wire", help="what they are thrown at (wire)"
    )
    parser.add_argument(
        "--corpus", type=Path, help="where inputs are kept (build/fuzz-wire, or build/fuzz-conversation)"
    )
    chosen = parser.parse_args()
    corpus = chosen.corpus or Path(f"build/fuzz-{chosen.what}")
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(MISSING + "\n")
        return 2
    atheris = importlib.import_module("atheris")
    followed = ["howdah.wire"] if chosen.what == "wire" else ["howdah.wire", "howdah.routing"]
    with atheris.instrument_imports(include=followed):  # the branches of what is imported here are followed
        targets = importlib.import_module("tests.fuzz.targets")
        conversation = importlib.import_module("tests.fuzz.conversation")
        seeds = importlib.import_module("tests.fuzz.seeds")
    one, kept = (targets.one_input, seeds.SEEDS + seeds.CORPUS)
    if chosen.what == "conversation":
        one, kept = (conversation.conversing, seeds.CONVERSATIONS + seeds.CONVERSED)
    write_seeds(corpus, kept)
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={chosen.seconds}", "-max_len=4096"]
    atheris.Setup(arguments, one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
