"""Where is SQL classified? `parse` says of a query text what it would do.

The order of trust: what PostgreSQL's parser understood, and of that only the kinds of statements listed here as
reading; everything else goes to the primary, with the reason.
"""

import re
from collections.abc import Callable

from howdah.sql.control import transaction_statement
from howdah.sql.creation import dropped, temporary_of
from howdah.sql.hints import leading_hint, without_leading_comments
from howdah.sql.parser import NotParsed, RawStatement, parse_tree
from howdah.sql.preparation import declared_types, prepared_query
from howdah.sql.session_statements import (
    close_statement,
    deallocate_statement,
    declaration,
    discard_statement,
    execute_statement,
    fetch_statement,
    listen_statement,
    load_statement,
    unlisten_statement,
)
from howdah.sql.sessioneffect import Execute, Prepare, SessionEffect, Unknown
from howdah.sql.setting_statements import set_statement, show_statement
from howdah.sql.statement import CopyDirection, Hint, Names, Reach, Script, Statement
from howdah.sql.survey import Survey
from howdah.sql.tree import Node, boolean, child, constant, flag, items, of_kind, tagged, text

Reader = Callable[[RawStatement], Statement]

_WRITES = {
    "DeleteStmt": "DELETE",
    "InsertStmt": "INSERT",
    "MergeStmt": "MERGE",
    "UpdateStmt": "UPDATE",
}

_SUSPICIOUS = re.compile(
    r"\b(?:set|reset|set_config|setseed|temp|temporary|pg_temp|listen|unlisten|prepare|deallocate|declare|discard"
    r"|load|do|call|dblink\w*|pg_(?:try_)?advisory\w*)\b"
)
"""Words (in lower case) without which a text leaves nothing behind, apart from what functions do unseen."""
SEARCHED_MAX = 262_144
"""Longer texts are not looked through for such words: that would take more than some milliseconds."""

_WORD = re.compile(r"[A-Za-z]+")
KIND_SEARCHED = 4_096
"""How far into a text its first word is looked for, behind comments."""
_WITH_OBJECT = frozenset(("ALTER", "CREATE", "DROP", "REFRESH", "SECURITY"))
"""First words after which the second says more."""


def parse(query: str) -> Script:
    """What a query text would do. Never raises: what is not understood goes to the primary, and says why."""
    hint = leading_hint(query)
    parsed = parse_tree(query)
    if isinstance(parsed, NotParsed):
        return not_understood(query, parsed.why, hint)
    statements = tuple(classify(raw) for raw in parsed)
    return Script(statements, hint, True, _why(statements), "\\" in query)


def not_understood(query: str, why: str, hint: Hint | None = None) -> Script:
    """The script of a text that nobody parsed: it goes to the primary, and may have changed its session."""
    effects: tuple[SessionEffect, ...] = ()
    if len(query) > SEARCHED_MAX:
        effects = (Unknown("the text is too long to be looked through"),)
    elif found := _SUSPICIOUS.search(query.lower()):
        effects = (Unknown(f'the text was not understood and has the word "{found[0]}"'),)
    reason = f"not understood ({why})"
    statement = Statement(_kind(query), Reach.WRITE, reason, session=effects)
    return Script((statement,), hint, False, reason, "\\" in query)


def _why(statements: tuple[Statement, ...]) -> str:
    """One sentence about all of a text."""
    if not statements:
        return "it holds no statement"
    for number, statement in enumerate(statements, 1):
        if statement.reach is Reach.WRITE:
            return statement.why if len(statements) == 1 else f"statement {number}: {statement.why}"
    return statements[0].why if len(statements) == 1 else f"none of its {len(statements)} statements writes"


def classify(raw: RawStatement) -> Statement:
    """What one parsed statement would do."""
    reader = _READERS.get(raw.tag)
    if reader is not None:
        return reader(raw)
    return _other(raw)


def _other(raw: RawStatement, effects: tuple[SessionEffect, ...] = ()) -> Statement:
    """One that writes, and of which no more is known."""
    kind = _kind(raw.text)
    if not effects and "pg_temp" in raw.text.lower():
        effects = (Unknown(f"{kind} names pg_temp"),)
    return Statement(kind, Reach.WRITE, f"{kind} is not among the statements that only read", session=effects)


def _kind(text: str) -> str:
    """The first word of a statement, or the first two."""
    words = [word.upper() for word in _WORD.findall(without_leading_comments(text[:KIND_SEARCHED])[:80])]
    return " ".join(words[: 2 if words and words[0] in _WITH_OBJECT else 1]) or "?"


def _select(raw: RawStatement) -> Statement:
    survey = Survey()
    survey.walk(raw.fields)
    effects = (*survey.effects, *temporary_of(raw.tag, raw.fields))
    kind = "VALUES" if "valuesLists" in raw.fields else "SELECT"
    if survey.objection:
        reach, why = Reach.WRITE, survey.objection
    else:
        reach, why = Reach.READ, f"{kind} only reads"
    return Statement(kind, reach, why, survey.names(), session=effects, any_literal=survey.any_literal)


def _modification(raw: RawStatement) -> Statement:
    """INSERT, UPDATE, DELETE, MERGE: what functions in them do to the session counts too."""
    survey = Survey()
    survey.walk(raw.fields)
    kind = _WRITES[raw.tag]
    effects = tuple(survey.effects)
    return Statement(
        kind, Reach.WRITE, f"{kind} writes", survey.names(), session=effects, any_literal=survey.any_literal
    )


def _explain(raw: RawStatement) -> Statement:
    """Without ANALYZE nothing is executed: functions do not count, but relations are looked at."""
    tag, fields = tagged(raw.fields.get("query"))
    options = of_kind(items(raw.fields, "options"), "DefElem")
    if any(text(option, "defname") == "analyze" and _is_on(option) for option in options):
        inner = classify(RawStatement(tag, fields, raw.text))
        why = f"EXPLAIN ANALYZE executes: {inner.why}"
        return Statement("EXPLAIN", inner.reach, why, inner.names, session=inner.session)
    survey = Survey()
    survey.walk(fields)
    names = Names(relations=survey.names().relations)
    effects: tuple[SessionEffect, ...] = (Execute(text(fields, "name")),) if tag == "ExecuteStmt" else ()
    objection = survey.temporary
    if objection:
        return Statement("EXPLAIN", Reach.WRITE, objection, names, session=effects)
    return Statement("EXPLAIN", Reach.READ, "EXPLAIN without ANALYZE only plans", names, session=effects)


def _is_on(option: Node) -> bool:
    """Whether a boolean option is on; anything unclear is."""
    return "arg" not in option or boolean(constant(option.get("arg"))) is not False


def _copy(raw: RawStatement) -> Statement:
    fields = raw.fields
    survey = Survey()
    survey.walk(child(fields, "relation"))
    tag, query = tagged(fields.get("query"))
    inner: Statement | None = None
    if tag:
        inner = classify(RawStatement(tag, query, raw.text))
    else:
        survey.walk(items(fields, "whereClause"))
    names = inner.names if inner is not None else survey.names()
    session = inner.session if inner is not None else ()
    if "filename" in fields or flag(fields, "is_program"):
        why, direction = "COPY uses a file or program of the server", CopyDirection.SERVER_FILE
        return Statement("COPY", Reach.WRITE, why, names, session=session, copy=direction)
    if flag(fields, "is_from"):
        direction = CopyDirection.FROM_CLIENT
        return Statement("COPY", Reach.WRITE, "COPY FROM writes", names, session=session, copy=direction)
    direction = CopyDirection.TO_CLIENT
    if inner is not None and inner.reach is Reach.WRITE:
        return Statement("COPY", Reach.WRITE, f"COPY runs a query: {inner.why}", names, session=session, copy=direction)
    if survey.objection:
        return Statement("COPY", Reach.WRITE, survey.objection, names, session=session, copy=direction)
    return Statement("COPY", Reach.READ, "COPY TO STDOUT only reads", names, session=session, copy=direction)


def _prepare(raw: RawStatement) -> Statement:
    tag, fields = tagged(raw.fields.get("query"))
    inner = classify(RawStatement(tag, fields, prepared_query(raw.text)))
    effect = Prepare(text(raw.fields, "name"), raw.text, declared_types(items(raw.fields, "argtypes")))
    return Statement("PREPARE", inner.reach, inner.why, inner.names, session=(effect,), prepared=inner)


def _declare(raw: RawStatement) -> Statement:
    tag, fields = tagged(raw.fields.get("query"))
    inner = classify(RawStatement(tag, fields, raw.text))
    effects = (declaration(raw.fields), *inner.session)
    return Statement("DECLARE", inner.reach, inner.why, inner.names, session=effects)


def _create_as(raw: RawStatement) -> Statement:
    """CREATE TABLE AS and its like execute their query now, with what its functions do to the session."""
    survey = Survey()
    survey.walk(raw.fields.get("query"))
    effects = (*survey.effects, *temporary_of(raw.tag, raw.fields))
    return Statement("CREATE TABLE AS", Reach.WRITE, "CREATE TABLE AS writes", survey.names(), session=effects)


def _create(raw: RawStatement) -> Statement:
    effects = temporary_of(raw.tag, raw.fields)
    why = "it creates something temporary" if effects else "CREATE writes"
    return Statement("CREATE", Reach.WRITE, why, session=effects)


def _call(raw: RawStatement) -> Statement:
    survey = Survey()
    survey.walk(raw.fields)
    why = "a procedure may write"
    return Statement("CALL", Reach.WRITE, why, survey.names(), session=tuple(survey.effects))


def _transaction(raw: RawStatement) -> Statement:
    found = transaction_statement(raw.fields)
    if found is not None:
        return found
    return Statement("?", Reach.WRITE, "a form of transaction control that is not known here")


_DO = Statement(
    "DO", Reach.WRITE, "a DO block may write", session=(Unknown("DO can change anything on its connection"),)
)
_SET_CONSTRAINTS = Statement("SET CONSTRAINTS", Reach.READ, "SET CONSTRAINTS belongs to the running transaction")


_READERS: dict[str, Reader] = {
    "CallStmt": _call,
    "ClosePortalStmt": lambda raw: close_statement(raw.fields),
    "CompositeTypeStmt": _create,
    "ConstraintsSetStmt": lambda _: _SET_CONSTRAINTS,
    "CopyStmt": _copy,
    "CreateDomainStmt": _create,
    "CreateEnumStmt": _create,
    "CreateFunctionStmt": _create,
    "CreateRangeStmt": _create,
    "CreateSeqStmt": _create,
    "CreateStmt": _create,
    "CreateTableAsStmt": _create_as,
    "DeallocateStmt": lambda raw: deallocate_statement(raw.fields),
    "DeclareCursorStmt": _declare,
    "DeleteStmt": _modification,
    "DiscardStmt": lambda raw: discard_statement(raw.fields),
    "DropStmt": lambda raw: _other(raw, dropped(raw.fields)),
    "DoStmt": lambda _: _DO,
    "ExecuteStmt": lambda raw: execute_statement(raw.fields),
    "ExplainStmt": _explain,
    "FetchStmt": lambda raw: fetch_statement(raw.fields),
    "InsertStmt": _modification,
    "ListenStmt": lambda raw: listen_statement(raw.fields),
    "LoadStmt": lambda raw: load_statement(raw.fields),
    "MergeStmt": _modification,
    "PrepareStmt": _prepare,
    "SelectStmt": _select,
    "TransactionStmt": _transaction,
    "UnlistenStmt": lambda raw: unlisten_statement(raw.fields),
    "UpdateStmt": _modification,
    "VariableSetStmt": lambda raw: set_statement(raw.fields, raw.text),
    "VariableShowStmt": lambda raw: show_statement(raw.fields),
    "ViewStmt": _create,
}
