"""What is known of the texts that the clients of one database send?

One look-up for a text that came before. Numbers in it mostly stand for values: texts that differ only in the digits of
plain numbers share one entry, which is found without reading the text.
"""

from __future__ import annotations

import re
from typing import Final

from howdah.routing.plan import Ends, Plan
from howdah.routing.prepared import Statement as Prepared
from howdah.routing.wishes import is_wish
from howdah.sql import sessioneffect as effects
from howdah.sql import transaction as control
from howdah.sql.cache import Verdict, Verdicts
from howdah.sql.statement import CopyDirection, Script, Statement

DIGITS: Final = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
SHAPES_MOST: Final = 20_000
PARSED_MOST: Final = 5_000
PARSED_BYTES_MAX: Final = 4_096
"""Longer ones are made by programs, and mostly another one each time."""
_DOUBTFUL: Final = re.compile(rb"['\"$\\]|--|/\*|[A-Za-z_\x80-\xff.]\d|\d[A-Za-z_\x80-\xff$]")
"""Where a digit might be more than a part of a plain number, or the text says something about itself."""


class Texts:
    """Of one database and client encoding. `shapes`: plans by message with all digits alike. `last`: of the statement
    that was read last. `parsed`: statements without a name, by how they are read
    and their Parse message."""

    def __init__(self, verdicts: Verdicts) -> None:
        self.shapes: dict[bytes, Plan] = {}
        self.parsed: dict[bytes, Prepared] = {}
        self.last: Plan | None = None
        self._verdicts = verdicts
        self._plans: dict[int, tuple[Verdict, Plan]] = {}
        self._judged = 0

    def plan(self, message: bytes) -> Plan:
        """Of a whole Query message."""
        shape = message.translate(DIGITS)
        found = self.shapes.get(shape)
        if found is not None:
            return found
        plan = self._plan(message[5:-1])
        if plan.script is not None and _only_numbers(plan.script) and not _DOUBTFUL.search(message, 5):
            if len(self.shapes) >= SHAPES_MOST:
                self.shapes.clear()
            self.shapes[shape] = plan
        return plan

    def plan_parse(self, body: bytes) -> Plan:
        """Of what follows the name in a Parse message: text, zero byte, parameter types."""
        end = body.find(b"\0")
        self.last = self._plan(body[:end] if end >= 0 else body)
        return self.last

    def without_name(self, message: bytes, body: bytes, plan: Plan) -> Prepared:
        """The statement of a Parse message without a name, which is kept if it may come again. Nobody but the session
        and its connection knows it, so it is none of `Statements`. `message` begins with how its session reads it."""
        found = self.parsed.get(message)
        if found is None or found.plan is not plan:
            found = Prepared(b"", body, plan)
            if plan.plain and len(message) <= PARSED_BYTES_MAX:
                if len(self.parsed) >= PARSED_MOST:
                    self.parsed.clear()
                self.parsed[message] = found
        return found

    def judge_anew(self) -> None:
        """The catalogs were read again."""
        self.parsed.clear()
        self.shapes.clear()
        self._plans.clear()

    def _plan(self, text: bytes) -> Plan:
        verdict = self._verdicts.look(text)
        known = self._plans.get(id(verdict))
        if known is not None and known[0] is verdict and known[1].read is verdict.read:
            return known[1]
        if len(self._plans) >= SHAPES_MOST:
            self._plans.clear()
        plan = plan_of(verdict)
        self._plans[id(verdict)] = (verdict, plan)
        return plan


def _only_numbers(script: Script) -> bool:
    return script.understood and all(statement.any_literal for statement in script.statements)


def plan_of(verdict: Verdict) -> Plan:
    """What routing needs of a verdict. What leaves a trace in its session goes to the primary, since the session may be
    bound to where it ran."""
    script = verdict.script
    plain = not verdict.judgement.unsettled and all(_plain(statement) for statement in script.statements)
    ends = _ends(script.statements[0]) if len(script.statements) == 1 else Ends.NOTHING
    if len(script.statements) > 1 and any(_ends(statement) is not Ends.NOTHING for statement in script.statements):
        ends = Ends.COMMITS  # what of it was done, nobody knows
    if not script.understood:
        ends = Ends.COMMITS  # there may be one in it
    judged = verdict.judgement
    plan = Plan(verdict.read and plain, plain and script.understood, judged.why, ends, script, judged.unsettled)
    plan.writes = not verdict.read
    return plan


def _plain(statement: Statement) -> bool:
    steers = isinstance(statement.transaction, control.Savepoint | control.RollbackTo | control.Release)
    leaves = any(_leaves(effect) for effect in statement.session)
    return not leaves and not steers and statement.copy is not CopyDirection.FROM_CLIENT and not _ours(statement)


def _ours(statement: Statement) -> bool:
    """Whether the router has something to say to it."""
    return is_wish(statement.setting)


def _leaves(effect: effects.SessionEffect) -> bool:
    """Whether there is anything to remember of it after its transaction."""
    match effect:
        case effects.SequenceState(reads=reads):
            return reads
        case effects.AdvisoryLock(session=session):
            return session
        case effects.CreatesTemporary(until_commit=until_commit):
            return not until_commit
        case _:
            return True


def _ends(statement: Statement) -> Ends:
    match statement.transaction:
        case control.Begin():
            return Ends.BEGINS
        case control.Commit() | control.PrepareTransaction() | control.CommitPrepared():
            return Ends.COMMITS
        case control.Rollback():
            return Ends.ROLLS_BACK
        case _:
            return Ends.NOTHING
