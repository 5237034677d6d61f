"""Why does a driver's test that passes directly not pass through the router?"""

PROCESS = (
    "it asks PostgreSQL to end the process that its BackendKeyData names; the router mints its own, so that a cancel "
    "cannot hit somebody else's statement"
)
GATHERED = "it stalls within a batch and expects the server to wait; here no server is lent before a batch is whole"
STANDBY_S = "it asks the primary to end a process, which is a standby's since its transaction only reads"
ANEW = (
    "after ALTER TABLE the statement may be prepared anew on another connection, without the error by which the driver "
    "learns that its columns changed"
)
REASONS: dict[tuple[str, str], str] = {
    ("asyncpg", "test_cache_invalidation."): ANEW,
    (
        "asyncpg",
        "test_listeners.test_listen_",
    ): "it compares the sender's process with the one that BackendKeyData names, which is the router's own",
    ("asyncpg", "test_pool.test_pool_remote_close"): STANDBY_S,
    ("asyncpg", "test_pool.test_pool_handles_inactive"): "it gives a new connection 100 ms",
    ("pgx", "pgx.TestBeginTxFatalErrorKillsConn"): PROCESS,
    ("pgx", "pgx.TestFatal"): PROCESS,
    ("pgx", "pgx.TestSendBatchHandlesTimeoutBetween"): GATHERED,
    ("pgx", "pgx.TestPrepareHandlesTimeoutBetween"): GATHERED,
    ("pgx", "pgx.TestPrepareWithDigestedNameHandlesTimeout"): GATHERED,
    (
        "pq",
        "pq.TestListener",
    ): "it gives a new connection 100 ms, too little for two logins on a machine with much to do",
    ("pq", "pq.TestRuntimeParameters"): "a connection whose client names no application is called `howdah router`",
    ("pq", "pq.TestCopyInRespLoopConnectionError"): "it ends its own process: told 08006 with what was lost, not 57P01",
    ("pq", "pq.TestPing"): STANDBY_S,
}
"""By suite and the beginning of the test's name."""
TRANSACTION = (
    "in this mode what outlives a transaction (temporary tables, LISTEN, PREPARE, session locks) is refused with 0A000"
)


def reason(suite: str, test: str, modes: list[str]) -> str:
    """The reason; what is not understood yet says so."""
    for (of, beginning), why in REASONS.items():
        if of == suite and test.startswith(beginning):
            return why
    return TRANSACTION if modes == ["transaction"] else "not looked into yet"
