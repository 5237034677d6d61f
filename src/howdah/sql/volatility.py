"""May a script be read on a standby, now that the database's own functions and relations are known?

The text alone cannot tell what a function does. The router reads each database's system catalogs in the background
(`catalogqueries`), and `judge` looks names up there. A name without a schema is taken for the worst of that name in any
schema and with any arguments: nobody here resolves search_path or overloads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from howdah.sql.functions import HARMLESS, OF_ITS_SERVER, of_its_server, primary_relation
from howdah.sql.statement import FunctionCall, Hint, Reach, RelationName, Script, Statement


class Volatility(IntEnum):
    """What pg_proc.provolatile says, the worst last."""

    IMMUTABLE = 0
    STABLE = 1
    VOLATILE = 2


OF_LETTER = {"i": Volatility.IMMUTABLE, "s": Volatility.STABLE, "v": Volatility.VOLATILE}


@dataclass(frozen=True, slots=True)
class FunctionFact:
    """A row of the catalog: the worst overload of one name in one schema."""

    schema: str
    name: str
    volatility: Volatility
    unsettles: bool = False
    """Its source has words that leave state on the connection: set_config, CREATE TEMP, LISTEN..."""


@dataclass(frozen=True, slots=True)
class FunctionCatalog:
    """What is known of one database. Build it with `catalog_of`; empty: nothing was read yet."""

    by_schema: Mapping[tuple[str, str], Volatility] = field(default_factory=dict)
    by_name: Mapping[str, Volatility] = field(default_factory=dict)
    unsettling: frozenset[str] = frozenset()
    """Names of functions that leave state on their connection."""
    primary_relations: frozenset[RelationName] = frozenset()
    """Views that write or hide sequences, unlogged tables (a standby has no rows of theirs), sequences."""
    primary_relation_names: frozenset[str] = frozenset()
    primary_operators: frozenset[str] = frozenset()
    primary_types: frozenset[str] = frozenset()

    def volatility(self, schema: str, name: str) -> Volatility | None:
        """The worst that a call of this name may be; None: no such function is known."""
        return self.by_schema.get((schema, name)) if schema else self.by_name.get(name)

    def names_primary_relation(self, relation: RelationName) -> bool:
        """Whether reading this relation belongs on the primary."""
        if relation.schema:
            return relation in self.primary_relations
        return relation.name in self.primary_relation_names


EMPTY_CATALOG = FunctionCatalog()


def catalog_of(
    functions: Iterable[FunctionFact],
    relations: Iterable[RelationName] = (),
    operators: Iterable[str] = (),
    types: Iterable[str] = (),
    harmless: frozenset[str] = frozenset(),
) -> FunctionCatalog:
    """Put a catalog together. `harmless`: volatile functions ("name" or "schema.name") that an administrator has
    declared to be right on a standby."""
    by_schema: dict[tuple[str, str], Volatility] = {}
    by_name: dict[str, Volatility] = {}
    unsettling = set()
    for fact in functions:
        volatility = _believed(fact, harmless)
        key = (fact.schema, fact.name)
        by_schema[key] = max(volatility, by_schema.get(key, volatility))
        by_name[fact.name] = max(volatility, by_name.get(fact.name, volatility))
        if fact.unsettles:
            unsettling.add(fact.name)
    named = frozenset(relations)
    return FunctionCatalog(
        by_schema,
        by_name,
        frozenset(unsettling),
        named,
        frozenset(relation.name for relation in named),
        frozenset(operators),
        frozenset(types),
    )


def _believed(fact: FunctionFact, harmless: frozenset[str]) -> Volatility:
    """The volatility that routing goes by."""
    if fact.name in harmless or f"{fact.schema}.{fact.name}" in harmless:
        return min(fact.volatility, Volatility.STABLE)
    if fact.schema == "pg_catalog":
        if fact.name in HARMLESS:
            return Volatility.STABLE
        if of_its_server(fact.name):
            return Volatility.VOLATILE
    return fact.volatility


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a standby may run it, one sentence why, and what may be left on the connection by functions."""

    read: bool
    why: str
    unsettled: str = ""
    """Empty, or which function may leave something on its connection that its text does not show: to be taken as
    `sessioneffect.Unknown`. What triggers do is never seen."""


def judge(
    script: Script,
    catalog: FunctionCatalog,
    temporaries: frozenset[str] = frozenset(),
    text: str = "",
) -> Judgement:
    """Whether a standby may run the script, for a session with these temporary objects.

    `text` is needed only where `temporaries` are: a temporary table may be named in a literal ('t'::regclass), so any
    of the names anywhere in the text counts.
    """
    unsettled = _unsettled(script, catalog)
    if script.hint is Hint.PRIMARY:
        return Judgement(False, "a hint asks for the primary", unsettled)
    if script.reach is Reach.WRITE:
        suffix = "; a hint cannot change that" if script.hint is Hint.STANDBY else ""
        return Judgement(False, script.why + suffix, unsettled)
    named = _temporary_named(script, temporaries, text)
    if named:
        return Judgement(False, f'"{named}" is a temporary object of the session', unsettled)
    if script.hint is Hint.STANDBY:
        return Judgement(True, "a hint asks for a standby", unsettled)
    for statement in script.statements:
        objection = _objection(statement, catalog)
        if objection:
            return Judgement(False, objection, unsettled)
    return Judgement(True, script.why, unsettled)


def _objection(statement: Statement, catalog: FunctionCatalog) -> str:
    """The first thing it names that belongs on the primary, as a sentence; empty if there is none."""
    for call in statement.names.functions:
        found = _against_call(call, catalog)
        if found:
            return found
    for relation in statement.names.relations:
        if relation.schema in ("", "pg_catalog") and primary_relation(relation.name):
            return f"{relation.name} tells of the server it is read on, and the client talks to the primary"
        if catalog.names_primary_relation(relation):
            return f"{relation.name} is a view that may write, an unlogged table or a sequence"
    for operator in statement.names.operators:
        if operator in catalog.primary_operators:
            return f"the operator {operator} calls a volatile function"
    for name in statement.names.types:
        if name in catalog.primary_types:
            return f"a cast to {name} calls a volatile function"
    return ""


def _against_call(call: FunctionCall, catalog: FunctionCatalog) -> str:
    volatility = catalog.volatility(call.schema, call.name)
    if volatility is None:
        if not catalog.by_name:
            return f"{call.name}() is not known: the catalogs were not read yet"
        return f"{call.name}() is not known"
    if call.name in catalog.primary_types:
        return f"a cast to {call.name} calls a volatile function"
    if volatility is not Volatility.VOLATILE:
        return ""
    if call.name in OF_ITS_SERVER:
        return f"{call.name}() tells of the server it runs on, and the client talks to the primary"
    return f"{call.name}() is volatile and not known to be harmless"


def _unsettled(script: Script, catalog: FunctionCatalog) -> str:
    """Which function may leave state on the connection, as far as the catalog tells."""
    if not catalog.by_name:
        return ""
    for statement in script.statements:
        for call in statement.names.functions:
            if call.name in catalog.unsettling:
                return f"{call.name}() changes its connection"
            if catalog.volatility(call.schema, call.name) is None:
                return f"{call.name}() is not known"
    return ""


def _temporary_named(script: Script, temporaries: frozenset[str], text: str) -> str:
    if not temporaries:
        return ""
    for statement in script.statements:
        for relation in statement.names.relations:
            if relation.name in temporaries:
                return relation.name
        for call in statement.names.functions:
            if call.name in temporaries:
                return call.name
    lower = text.lower()
    for name in temporaries:
        if name.lower() in lower:
            return name
    return ""
