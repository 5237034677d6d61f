"""Which temporary things does a CREATE make, and which may a DROP take away?"""

from howdah.sql.sessioneffect import CreatesTemporary, Drops
from howdah.sql.tree import Node, child, items, of_kind, qualified, text

_RELATION_FIELDS = ("relation", "view", "sequence", "typevar")
_NAME_FIELDS = ("funcname", "domainname", "typeName")
_DROPPED = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_SEQUENCE")


def dropped(fields: Node) -> tuple[Drops, ...]:
    """The effect of a DROP on its session; () if it can be about nothing temporary."""
    if text(fields, "removeType") not in _DROPPED:
        return ()
    found = (qualified(items(each, "items")) for each in of_kind(items(fields, "objects"), "List"))
    names = tuple(name for schema, name in found if schema in ("", "pg_temp"))
    return (Drops(names),) if names else ()


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
