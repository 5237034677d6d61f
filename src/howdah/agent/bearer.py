"""Does a request carry the cluster's token?"""

import secrets

SCHEME = "Bearer"


def authorization(token: str) -> str:
    """The value of the Authorization header for this token."""
    return f"{SCHEME} {token}"


def carries_token(header: str | None, token: str) -> bool:
    """Whether an Authorization header is "Bearer <token>", compared in constant time. An empty token admits nobody."""
    if not header or not token:
        return False
    scheme, _, given = header.partition(" ")
    same = secrets.compare_digest(given.strip().encode(), token.encode())
    return scheme.lower() == SCHEME.lower() and same
