"""`howdah explain`: why is the cluster as it is?"""

import json
from collections.abc import Mapping
from typing import Any

import typer

from howdah.cli.options import AsJson, Config, Data
from howdah.cli.reach import reach
from howdah.local.refused import Refused
from howdah.local.remote import Answer, ask

PATH = "/explain"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def explain(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Say why the cluster is as it is, and why not as one might expect.

    The primary's agent tells it if it answers, else another.
    """
    cluster = reach(data, config)
    node = cluster.answering()
    answer = ask(node.agent, PATH)
    if not isinstance(answer, Answer) or not answer.good:
        raise Refused(f"{node.name}: {answer.sentence if isinstance(answer, Answer) else answer.reason}")
    silent = {one.node: one.reason for one in cluster.see().silent}
    if as_json:
        print(json.dumps(answer.document | {"told_by": node.name, "silent": silent}, indent=2))
        return
    print("\n".join(explanation_lines(answer.document)))
    for name, why in silent.items():
        print(f"{name} was not asked: {why}")


def explanation_lines(document: Mapping[str, Any]) -> list[str]:
    """The explanation for people: why, what is wrong, and what each node says of itself."""
    lines = [str(sentence) for sentence in document.get("why") or []]
    wrong = document.get("wrong") or []
    lines += ["", "wrong:", *(f"  {sentence}" for sentence in wrong)] if wrong else ["Nothing is wrong."]
    lines.append("")
    for node in document.get("nodes") or []:
        lines.append(f"{node.get('node')}: {node.get('reason')} (rule {node.get('rule')})")
        if node.get("cannot_lead"):
            lines.append(f"    it could not become primary now: {node['cannot_lead']}")
    return lines
