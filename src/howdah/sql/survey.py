"""What does a parse tree name, call and lock, at any depth?

The walk keeps a stack of its own: a query's depth must not become the depth of our calls. Kinds of nodes that are not
known here make a statement "not understood", so that a newer grammar cannot slip a write past.
"""

from howdah.sql import functions
from howdah.sql.sessioneffect import (
    AdvisoryLock,
    AdvisoryUnlock,
    SequenceState,
    SessionEffect,
    SetRole,
    SetSessionAuthorization,
    SetSetting,
    Unknown,
)
from howdah.sql.settings import NOT_REPLAYED, OF_TRANSACTION, set_config_call
from howdah.sql.statement import FunctionCall, Names, RelationName
from howdah.sql.tree import Node, boolean, constant, items, of_kind, qualified, strings, tagged, text

WRITING = {
    "DeleteStmt": "DELETE",
    "InsertStmt": "INSERT",
    "MergeStmt": "MERGE",
    "UpdateStmt": "UPDATE",
}

_READING_NODES = """
A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star Alias BitString BoolExpr Boolean BooleanTest
CTECycleClause CTESearchClause CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef ColumnRef CommonTableExpr
Float FuncCall GroupingFunc GroupingSet Integer JoinExpr JsonAggConstructor JsonArgument JsonArrayAgg
JsonArrayConstructor JsonArrayQueryConstructor JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue
JsonObjectAgg JsonObjectConstructor JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr
JsonTable JsonTableColumn JsonTablePathSpec JsonValueExpr List LockingClause MinMaxExpr NamedArgExpr NullTest
ParamRef RangeFunction RangeSubselect RangeTableFunc RangeTableFuncCol RangeTableSample RangeVar ResTarget RowExpr
SQLValueFunction SelectStmt SortBy String SubLink TypeCast TypeName WindowDef WithClause XmlExpr XmlSerialize
"""

READING = frozenset(_READING_NODES.split())
"""Kinds of nodes that a query may be made of and that write nothing."""

_LEAVES = frozenset(("A_Const", "A_Star", "Alias", "ColumnRef", "Integer", "ParamRef", "String", "Float", "Boolean"))
"""Nothing below them is of interest (a ColumnRef holds names and a star)."""

_TELLING = frozenset(("funcname", "intoClause", "lockingClause", "name", "names", "operName", "relname", "useOp"))
"""Fields that say what a node calls, names or locks. A_Expr, SubLink and SortBy keep their operator in `name`,
`operName` and `useOp`, as a list (a `name` of another kind is a string)."""

LOCKS = {
    "LCS_FORKEYSHARE": "FOR KEY SHARE",
    "LCS_FORSHARE": "FOR SHARE",
    "LCS_FORNOKEYUPDATE": "FOR NO KEY UPDATE",
    "LCS_FORUPDATE": "FOR UPDATE",
}


class Survey:
    """What one walk found.

    `objection` is the first reason against a standby, as the end of "because ..."; `temporary` and `unknown` are the
    first of two kinds of it: a temporary object is named, a kind of node is not known here.
    """

    __slots__ = (
        "_functions",
        "_operators",
        "_relations",
        "_types",
        "any_literal",
        "effects",
        "objection",
        "temporary",
        "unknown",
    )

    def __init__(self) -> None:
        self._functions: dict[FunctionCall, None] = {}
        self._relations: dict[RelationName, None] = {}
        self._operators: dict[str, None] = {}
        self._types: dict[str, None] = {}
        self.effects: list[SessionEffect] = []
        self.objection = ""
        self.temporary = ""
        self.unknown = ""
        self.any_literal = True

    def names(self) -> Names:
        """All that was named, each once."""
        return Names(tuple(self._functions), tuple(self._relations), tuple(self._operators), tuple(self._types))

    def object_to_standby(self, reason: str) -> None:
        """Speak against a standby; the first reason is kept."""
        if not self.objection:
            self.objection = reason

    def walk(self, root: object) -> None:
        """Take in a tree: a node, or a list of them."""
        stack: list[object] = [root]
        while stack:
            value = stack.pop()
            if isinstance(value, list):
                stack.extend(reversed(value))
            elif isinstance(value, dict):
                self._node(stack, value)

    def _node(self, stack: list[object], node: Node) -> None:
        """Look at one node's fields, and put what lies below on the stack, the first on top."""
        below: list[object] = []
        for key, value in node.items():
            if key in _TELLING:
                self._look_at(key, node)
            if not isinstance(value, dict | list) or key in _LEAVES:
                continue
            if key < "a" and key not in READING:  # kinds of nodes begin with a capital, fields do not
                self._not_reading(key)
            below.append(value)
        if below:
            stack.extend(reversed(below))

    def _not_reading(self, kind: str) -> None:
        if kind in WRITING:
            self.object_to_standby(f"it holds {_with_article(WRITING[kind])}")
        else:
            self.unknown = self.unknown or f"it holds {kind}, which is not known here"
            self.object_to_standby(self.unknown)

    def _look_at(self, key: str, node: Node) -> None:
        """What a telling field says, with the others of its node."""
        match key:
            case "funcname":
                self._call(node)
            case "relname":
                self._relation(node)
            case "names" if "typemod" in node:
                self._type(node)
            case "name" | "operName" | "useOp":
                for name in strings(items(node, key))[-1:]:
                    self._operators[name] = None
            case "lockingClause":
                for lock in of_kind(items(node, "lockingClause"), "LockingClause"):
                    strength = LOCKS.get(text(lock, "strength"), "a locking clause")
                    self.object_to_standby(f"{strength} locks rows, which writes")
            case "intoClause":
                self.object_to_standby("SELECT INTO creates a table")
            case _:
                pass

    def _relation(self, node: Node) -> None:
        name = RelationName(text(node, "schemaname"), text(node, "relname"))
        self._relations[name] = None
        if name.schema.startswith("pg_temp"):
            self._temporary(name.schema, name.name)

    def _temporary(self, schema: str, name: str) -> None:
        self.temporary = self.temporary or f"{schema}.{name} is a temporary object of the session"
        self.object_to_standby(self.temporary)

    def _type(self, node: Node) -> None:
        schema, name = qualified(items(node, "names"))
        if schema != "pg_catalog" and name:
            self._types[name] = None

    def _call(self, node: Node) -> None:
        schema, name = qualified(items(node, "funcname"))
        arguments = items(node, "args")
        self._functions[FunctionCall(schema, name, len(arguments))] = None
        if schema.startswith("pg_temp"):
            self._temporary(schema, name)
        if name in functions.UNSETTLING:
            self.effects.append(Unknown(f"{name}() changes its connection"))
            self.object_to_standby(f"{name}() changes its connection")
        if schema in ("", "pg_catalog"):
            self._built_in(name, arguments)

    def _built_in(self, name: str, arguments: list[object]) -> None:
        """Known by name. A function of the user's own with the same name is taken for PostgreSQL's: it errs to the
        primary."""
        if name == functions.SET_CONFIG:
            self.effects.append(set_config_effect(arguments))
            self.any_literal = False
            self.object_to_standby("set_config() changes the session")
        elif name == functions.CURRENT_SETTING:
            self._current_setting(arguments)
        elif name in functions.SESSION_LOCKS or name in functions.TRANSACTION_LOCKS:
            self.effects.append(AdvisoryLock(name, name in functions.SESSION_LOCKS))
            self.object_to_standby(f"{name}() locks on the primary only")
        elif name in functions.UNLOCKS or name == functions.UNLOCK_ALL:
            self.effects.append(AdvisoryUnlock(name, name == functions.UNLOCK_ALL))
            self.object_to_standby(f"{name}() belongs where the lock is")
        elif name in functions.SEQUENCE_WRITERS or name in functions.SEQUENCE_READERS:
            self.effects.append(SequenceState(name, name in functions.SEQUENCE_READERS))
            self.object_to_standby(f"{name}() uses a sequence")
        elif name in functions.WRITERS or name.startswith(functions.WRITER_PREFIXES):
            self.object_to_standby(f"{name}() writes")

    def _current_setting(self, arguments: list[object]) -> None:
        self.any_literal = False
        setting = constant(arguments[0]) if arguments else None
        if setting is None:
            self.object_to_standby("current_setting() of a name that only the server sees")
        elif setting.lower() in functions.PRIMARY_SETTINGS:
            self.object_to_standby(f"{setting} tells of the server it is asked on, and the client talks to the primary")


def set_config_effect(arguments: list[object]) -> SessionEffect:
    """What set_config(name, value, is_local) leaves, if its arguments are literals."""
    if len(arguments) != 3 or any(tagged(argument)[0] == "NamedArgExpr" for argument in arguments):
        return Unknown("set_config() in a form that is not followed")
    name, value, local = (constant(argument) for argument in arguments)
    for_transaction = boolean(local)
    if name is None or value is None or for_transaction is None:
        return Unknown("set_config() with values that only the server sees")
    name = name.lower()
    if name in OF_TRANSACTION and for_transaction:
        return SetSetting(name, value, True, False, set_config_call(name, value, True))
    if name == "role":
        return SetRole(None if value.lower() == "none" else value, for_transaction)
    if name == "session_authorization":
        return SetSessionAuthorization(value, for_transaction)
    if name in NOT_REPLAYED:
        return Unknown(f"set_config() of {name}")
    if name == "search_path" and "pg_temp" in value.lower():
        return Unknown("search_path names pg_temp")
    return SetSetting(name, value, for_transaction, False, set_config_call(name, value, for_transaction))


def _with_article(verb: str) -> str:
    return f"an {verb}" if verb[0] in "IU" else f"a {verb}"
