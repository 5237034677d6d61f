"""Which fixtures do the tests of the local server share?"""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.postgres.sqlserver import Farm, template


@pytest.fixture(scope="session")
def farms() -> Iterator[Callable[[], Farm]]:
    """A maker of farms that share one initdb'ed template."""
    with template() as make:
        yield make


@pytest.fixture
def farm(farms: Callable[[], Farm]) -> Iterator[Farm]:
    """Servers for one test, killed after it."""
    with closing(farms()) as made:
        yield made
