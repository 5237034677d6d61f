"""Do the drivers' own tests that pass on PostgreSQL pass through the router?

`make test-drivers` runs each suite against a server and then through routers in every mode, and writes docs/drivers.md.
"""

import argparse
import contextlib
import json
import tempfile
from pathlib import Path

import psycopg

from howdah.postgres.layout import SUPERUSER
from tests.drivers.page import Table, written
from tests.drivers.suites import SUITES, Suite, Where
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import PASSWORD
from tests.router.realrouter import router_before

MODES = ("session", "auto", "transaction")
DOCS = Path(__file__).resolve().parents[2] / "docs"
RESULTS = DOCS.parent / "build" / "drivers" / "results.json"


def run(names: list[str], modes: list[str], cache: Path) -> None:
    """Each suite directly, and in each mode."""
    suites = [suite for suite in SUITES if suite.name in names]
    for suite in suites:
        print(f"preparing {suite.about}", flush=True)  # noqa: T201 a command's own words
        suite.prepare(cache / suite.name)
    kept: dict[str, Table] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    logs = Path(tempfile.mkdtemp(prefix="howdah-drivers-"))
    print(f"logs in {logs}", flush=True)  # noqa: T201 a command's own words
    cluster = RealCluster(config={"postgresql": {"parameters": {"max_connections": "150", "shared_buffers": "32MB"}}})
    try:
        cluster.start()
        cluster.wait_healthy()
        for suite in suites:
            table = kept.setdefault(suite.name, {})
            for mode in ("direct", *modes):
                results = _once(cluster, suite, mode, cache, logs)
                table[mode] = results
                passed = sum(word == "passed" for word in results.values())
                print(f"{suite.name} {mode}: {passed} of {len(results)} passed", flush=True)  # noqa: T201 as above
                lost = [test for test, word in table["direct"].items() if word == "passed" != results.get(test)]
                print("  not as directly:", *lost, flush=True)  # noqa: T201 as above
                RESULTS.parent.mkdir(parents=True, exist_ok=True)
                RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    finally:
        cluster.close()
    (DOCS / "drivers.md").write_text(written(kept), encoding="utf-8")


def _once(cluster: RealCluster, suite: Suite, mode: str, cache: Path, logs: Path) -> dict[str, str]:
    database = f"{suite.name}_{mode}"
    primary = cluster.primary()
    with primary.connect() as owner:
        owner.execute(f"CREATE DATABASE {database}".encode())
    with primary.connect(dbname=database) as inside:
        for statement in suite.setup:
            with contextlib.suppress(psycopg.Error):  # what is not installed fails directly too
                inside.execute(statement.encode())
    log = logs / f"{suite.name}-{mode}.log"
    if mode == "direct":
        return suite.run(cache / suite.name, _place(primary.port, database), log)
    with router_before(cluster, pools={"mode": mode, "size": 40}) as router:
        return suite.run(cache / suite.name, _place(router.port, database), log)


def _place(port: int, database: str) -> Where:
    return Where("127.0.0.1", port, SUPERUSER, PASSWORD, database)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", default=",".join(suite.name for suite in SUITES), help="which, by comma")
    parser.add_argument("--modes", default=",".join(MODES), help="session, auto, transaction, by comma")
    parser.add_argument("--cache", type=Path, default=Path("build/drivers"), help="where suites are kept")
    chosen = parser.parse_args()
    run(chosen.suites.split(","), chosen.modes.split(","), chosen.cache.absolute())


if __name__ == "__main__":
    main()
