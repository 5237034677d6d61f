"""Which fixtures do the tests of a node's files share?"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from howdah.postgres.installation import inspect_installation
from tests.postgres.files.nodefarm import Farm, farm_maker
from tests.postgres.serverdir import usable_installation

SYSTEM = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(scope="session")
def node_farms() -> Iterator[Callable[[], Farm]]:
    """A maker of farms that share one initialised cluster."""
    with farm_maker(usable_installation()) as make:
        yield make


@pytest.fixture
def nodes(node_farms: Callable[[], Farm]) -> Iterator[Farm]:
    """Nodes for one test, killed and removed after it."""
    with closing(node_farms()) as farm:
        yield farm


@pytest.fixture(scope="session", params=SYSTEM, ids=lambda path: path.parent.name)
def other_version_farms(request: pytest.FixtureRequest) -> Iterator[Callable[[], Farm]]:
    """The same with each PostgreSQL that the system has (none in many places)."""
    with farm_maker(inspect_installation(request.param)) as make:
        yield make


@pytest.fixture
def other_version_nodes(other_version_farms: Callable[[], Farm]) -> Iterator[Farm]:
    """Nodes of another version of PostgreSQL."""
    with closing(other_version_farms()) as farm:
        yield farm
