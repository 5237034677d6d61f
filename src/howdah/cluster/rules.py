"""Which rules are there, and in which order are they asked? The first that proposes something decides."""

from howdah.cluster.beginnings import BEGINNING_RULES
from howdah.cluster.decision import Rule
from howdah.cluster.fencing import GUARD_RULES
from howdah.cluster.following import ANSWERING_RULES, FOLLOWING_RULES
from howdah.cluster.hearsay import HEARSAY_RULES
from howdah.cluster.leading import LEADING_RULES

RULES: tuple[Rule, ...] = (
    *GUARD_RULES,
    *BEGINNING_RULES,
    *HEARSAY_RULES,
    *ANSWERING_RULES,
    *LEADING_RULES,
    *FOLLOWING_RULES,
)
