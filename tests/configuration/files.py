"""A settings file that is right, for tests to spoil."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from howdah.configuration.faults import SettingsRefused
from howdah.configuration.load import Loaded, load_agent
from howdah.configuration.relations import Refusal, nothing_refused

RIGHT = """\
cluster: main
node: {name: n1, root: /var/lib/howdah/n1}
store: {kind: sqlite, directory: /var/lib/howdah/store}
initial: {config: {nodes: [n1, n2, n3]}}
"""


def load(
    folder: Path, text: str, environment: Mapping[str, str] | None = None, refusal: Refusal = nothing_refused
) -> Loaded:
    """Load a file with this text."""
    file = folder / "howdah.yaml"
    file.write_text(text, encoding="utf-8")
    return load_agent(file, environment or {}, refusal)


def refused(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> str:
    """The message that refuses a file with this text."""
    with pytest.raises(SettingsRefused) as caught:
        load(folder, text, environment)
    return str(caught.value)
