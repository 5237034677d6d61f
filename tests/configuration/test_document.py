"""docs/settings.md is what the schema says."""

from pathlib import Path

from howdah.configuration.cluster import ClusterSettings
from howdah.configuration.document import written
from howdah.configuration.keys import keys_of
from howdah.configuration.schema import AgentSettings
from tests.configuration.files import load

PAGE = Path(__file__).resolve().parents[2] / "docs/settings.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "docs/settings.md is stale: make docs"


def test_every_key_says_what_it_is_for() -> None:
    assert not [
        key.dotted for model in (AgentSettings, ClusterSettings) for key in keys_of(model) if not key.field.description
    ]


def test_the_example_on_the_page_is_right(tmp_path: Path) -> None:
    example = [line[4:] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]
    assert load(tmp_path, "\n".join(example)).settings.initial_nodes == ("n1", "n2", "n3")
