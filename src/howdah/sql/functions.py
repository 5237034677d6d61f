"""Which of PostgreSQL's own functions are worth knowing by name, and what does calling them mean?

All are in pg_catalog. Whatever is volatile there and not named here as harmless runs on the primary.
"""

HARMLESS = frozenset(
    (
        # The next value is different everywhere anyway.
        "array_sample",
        "array_shuffle",
        "clock_timestamp",
        "gen_random_uuid",
        "random",
        "random_normal",
        "timeofday",
        "uuidv4",
        "uuidv7",
        # They only wait.
        "pg_sleep",
        "pg_sleep_for",
        "pg_sleep_until",
        # What they tell is the same on every copy of the cluster.
        "current_query",
        "pg_collation_actual_version",
        "pg_database_collation_actual_version",
        "pg_database_size",
        "pg_get_wait_events",
        "pg_indexes_size",
        "pg_jit_available",
        "pg_partition_ancestors",
        "pg_partition_tree",
        "pg_relation_size",
        "pg_table_size",
        "pg_tablespace_size",
        "pg_total_relation_size",
        # They tell how far a standby is, so a standby has to answer.
        "pg_get_wal_replay_pause_state",
        "pg_is_wal_replay_paused",
        "pg_last_wal_receive_lsn",
        "pg_last_wal_replay_lsn",
        "pg_last_xact_replay_timestamp",
    )
)
"""Volatile by pg_proc, and yet right on any standby."""

OF_ITS_SERVER = frozenset(
    (
        "inet_server_addr",
        "inet_server_port",
        "pg_backend_pid",
        "pg_blocking_pids",
        "pg_conf_load_time",
        "pg_current_logfile",
        "pg_cursor",
        "pg_get_replication_slots",
        "pg_is_in_recovery",
        "pg_is_other_temp_schema",
        "pg_isolation_test_session_is_blocked",
        "pg_listening_channels",
        "pg_lock_status",
        "pg_my_temp_schema",
        "pg_notification_queue_usage",
        "pg_postmaster_start_time",
        "pg_prepared_statement",
        "pg_prepared_xact",
        "pg_replication_origin_oid",
        "pg_show_all_settings",
        "pg_show_replication_origin_status",
    )
)
"""Not volatile, but they answer for the server or the connection that they run on. A client of the router has asked
the primary: a `pg_is_in_recovery()` that says "yes" would have it look for another server."""

OF_ITS_SERVER_PREFIXES = ("pg_stat_get_", "pg_control_", "pg_ls_", "pg_read_", "pg_walfile", "pg_get_wal_")
"""The same, by the beginning of their names, unless HARMLESS names them."""

RUN_SQL_OR_SCHEMA = frozenset(
    (
        "cursor_to_xml",
        "cursor_to_xmlschema",
        "query_to_xml",
        "query_to_xml_and_xmlschema",
        "query_to_xmlschema",
        "ts_rewrite",
        "ts_stat",
    )
)
"""They run SQL given as text, which nobody here has read, or read a cursor of the session. (The parser cannot tell
ts_rewrite's harmless overload.)"""

SESSION_LOCKS = frozenset(
    ("pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared")
)
TRANSACTION_LOCKS = frozenset(
    (
        "pg_advisory_xact_lock",
        "pg_advisory_xact_lock_shared",
        "pg_try_advisory_xact_lock",
        "pg_try_advisory_xact_lock_shared",
    )
)
UNLOCKS = frozenset(("pg_advisory_unlock", "pg_advisory_unlock_shared"))
UNLOCK_ALL = "pg_advisory_unlock_all"

SEQUENCE_WRITERS = frozenset(("nextval", "setval"))
SEQUENCE_READERS = frozenset(("currval", "lastval"))

SET_CONFIG = "set_config"
CURRENT_SETTING = "current_setting"

WRITERS = frozenset(
    (
        "loread",
        "lowrite",
        "pg_create_logical_replication_slot",
        "pg_create_physical_replication_slot",
        "pg_create_restore_point",
        "pg_current_xact_id",
        "pg_current_xact_id_if_assigned",
        "pg_drop_replication_slot",
        "pg_export_snapshot",
        "pg_logical_emit_message",
        "pg_notify",
        "pg_switch_wal",
        "txid_current",
        "txid_current_if_assigned",
    )
)
"""They write, or take part in the transaction on the primary. (The many rarer ones are volatile: judged as such.)"""

WRITER_PREFIXES = ("lo_",)

UNSETTLING = frozenset(
    (
        "dblink_connect",
        "dblink_connect_u",
        "dblink_disconnect",
        "pg_replication_origin_session_reset",
        "pg_replication_origin_session_setup",
        "pg_replication_origin_xact_setup",
        "setseed",
    )
)
"""They change their connection in a way that cannot be replayed."""

PRIMARY_RELATIONS = frozenset(
    (
        "pg_aios",
        "pg_backend_memory_contexts",
        "pg_cursors",
        "pg_file_settings",
        "pg_hba_file_rules",
        "pg_ident_file_mappings",
        "pg_locks",
        "pg_prepared_statements",
        "pg_prepared_xacts",
        "pg_replication_origin_status",
        "pg_replication_slots",
        "pg_sequences",
        "pg_settings",
        "pg_shmem_allocations",
        "pg_shmem_allocations_numa",
    )
)
"""Views of pg_catalog that tell of the server or connection they are read on, or (pg_sequences) run ahead elsewhere."""

PRIMARY_RELATION_PREFIXES = ("pg_stat_", "pg_statio_", "pg_temp_")

PRIMARY_SETTINGS = frozenset(("in_hot_standby", "transaction_read_only", "default_transaction_read_only"))
"""Settings that drivers SHOW to find out whether they talk to a primary."""


def of_its_server(name: str) -> bool:
    """Whether a pg_catalog function belongs on the primary, whatever its volatility."""
    if name in HARMLESS:
        return False
    return (
        name in OF_ITS_SERVER
        or name in RUN_SQL_OR_SCHEMA
        or name in SEQUENCE_READERS
        or name.startswith(OF_ITS_SERVER_PREFIXES)
    )


def primary_relation(name: str) -> bool:
    """Whether a relation of pg_catalog has to be read on the primary."""
    return name in PRIMARY_RELATIONS or name.startswith(PRIMARY_RELATION_PREFIXES)
