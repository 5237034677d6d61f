"""Does the copy of the package that `make simulate` compiles do what the package does?"""

import importlib.util
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "compile.py"


def test_the_copy_that_is_compiled_gives_the_same_run(tmp_path: Path) -> None:
    described = importlib.util.spec_from_file_location("compile", TOOL)
    assert described is not None and described.loader is not None
    tool = importlib.util.module_from_spec(described)
    described.loader.exec_module(tool)
    modules = tool.copy_to(tool.PARTS["simulator"], tmp_path / "copy")
    assert "howdah/cluster/decide.py" in modules
    assert tool.run_of(5, tmp_path / "copy") == tool.run_of(5, tool.SOURCE.parent)
