"""Which temporary things does a CREATE make?"""

from howdah.sql.sessioneffect import CreatesTemporary
from howdah.sql.tree import Node, child, items, qualified, text

_RELATION_FIELDS = ("relation", "view", "sequence", "typevar")
_NAME_FIELDS = ("funcname", "domainname", "typeName")


def temporary_of(tag: str, fields: Node) -> tuple[CreatesTemporary, ...]:
    """The effect of a CREATE (or SELECT INTO) on its session; () if it makes nothing temporary."""
    into = child(fields, "into" if tag == "CreateTableAsStmt" else "intoClause")
    for relation in (child(into, "rel"), *(child(fields, field) for field in _RELATION_FIELDS)):
        if text(relation, "relpersistence") == "t" or text(relation, "schemaname").startswith("pg_temp"):
            until_commit = "ONCOMMIT_DROP" in (text(into, "onCommit"), text(fields, "oncommit"))
            return (CreatesTemporary((text(relation, "relname"),), until_commit),)
    for field in _NAME_FIELDS:
        schema, name = qualified(items(fields, field))
        if schema.startswith("pg_temp"):
            return (CreatesTemporary((name,), False),)
    return ()
