"""What does docs/rules.md say? The rules by which an agent decides, in the order in which they are asked."""

import re

from howdah.cluster.beginnings import BEGINNING_RULES
from howdah.cluster.decision import Rule
from howdah.cluster.fencing import GUARD_RULES
from howdah.cluster.following import ANSWERING_RULES, FOLLOWING_RULES
from howdah.cluster.hearsay import HEARSAY_RULES
from howdah.cluster.leading import LEADING_RULES
from howdah.cluster.rules import RULES

INTRODUCTION = """\
# The rules

Made from `src/howdah/cluster/rules.py` by `make docs`; change the rule's docstring, not this page.

Several times a second, and whenever something happens, each agent asks these rules in this order; the first that
proposes something decides. A changed decision is one line of the journal, with the rule's name and a sentence; `howdah
explain` shows the present one. The guarantees that the rules keep are in [safety.md](safety.md).
"""

CATALOGUE = re.compile(r" \([A-Z]\d+\)")
"""Numbers of the designers' list of faults, which readers of the page do not have."""

GROUPS: tuple[tuple[str, str, tuple[Rule, ...]], ...] = (
    ("Stop", "fencing.py", GUARD_RULES),
    ("Begin, or begin again", "beginnings.py", BEGINNING_RULES),
    ("Follow without the store", "hearsay.py", HEARSAY_RULES),
    ("Answer", "following.py", ANSWERING_RULES),
    ("Lead", "leading.py", LEADING_RULES),
    ("Follow", "following.py", FOLLOWING_RULES),
)


def written() -> str:
    """The whole page."""
    if tuple(rule for _, _, rules in GROUPS for rule in rules) != RULES:
        raise RuntimeError("the groups of tests/docs/rulebook.py are not those of cluster/rules.py")
    parts = [INTRODUCTION]
    number = 0
    for title, file, rules in GROUPS:
        lines = [f"## {title}", "", f"In [{file}](../src/howdah/cluster/{file}).", "", "| | rule | |", "|---|---|---|"]
        for rule in rules:
            number += 1
            lines.append(f"| {number} | {rule.name} | {_reason(rule)} |")
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


def _reason(rule: Rule) -> str:
    return CATALOGUE.sub("", " ".join(rule.reason.split()))
