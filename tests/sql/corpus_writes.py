"""Which statements must run on the primary, and which of them would even run on a standby?"""

WRITES = """
INSERT INTO item (id) VALUES (3)
INSERT INTO item DEFAULT VALUES
INSERT INTO item SELECT * FROM item
INSERT INTO item (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x' RETURNING *
INSERT INTO item (id) VALUES (1) ON CONFLICT DO NOTHING
INSERT INTO part (label) OVERRIDING SYSTEM VALUE VALUES ('x')
WITH x AS (SELECT 1 AS n) INSERT INTO item (id) SELECT n FROM x
UPDATE item SET name = 'x' WHERE id = 1
UPDATE item SET (name, price) = ('x', 1) FROM part WHERE part.item_id = item.id RETURNING item.id
DELETE FROM item
DELETE FROM item USING part WHERE part.item_id = item.id RETURNING *
MERGE INTO item USING part ON item.id = part.id WHEN MATCHED THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN DO NOTHING
MERGE INTO item i USING (VALUES (1)) AS v (id) ON i.id = v.id WHEN MATCHED THEN DELETE RETURNING merge_action(), i.*
INSERT INTO item (id) VALUES (5) RETURNING WITH (OLD AS o, NEW AS n) o.id, n.id
UPDATE item SET id = 1 RETURNING old.id, new.id
WITH gone AS (DELETE FROM item RETURNING *) SELECT * FROM gone
WITH a AS (INSERT INTO item (id) VALUES (7) RETURNING id) SELECT count(*) FROM a
WITH a AS (UPDATE item SET price = 1 RETURNING 1) SELECT 1
WITH a AS (SELECT 1), b AS (MERGE INTO item USING part ON false WHEN MATCHED THEN DELETE RETURNING 1) TABLE a
TRUNCATE item
TRUNCATE TABLE ONLY item, part RESTART IDENTITY CASCADE
SELECT * FROM item FOR UPDATE
SELECT * FROM item FOR NO KEY UPDATE SKIP LOCKED
SELECT * FROM item FOR SHARE NOWAIT
SELECT * FROM item FOR KEY SHARE OF item
SELECT * FROM (SELECT * FROM item FOR UPDATE) AS s
SELECT (SELECT id FROM item LIMIT 1 FOR UPDATE)
WITH a AS (SELECT * FROM item FOR SHARE) SELECT * FROM a
TABLE item FOR UPDATE
SELECT * INTO copied FROM item
SELECT 1 AS n INTO TEMP copied
CREATE TABLE copied AS SELECT * FROM item
CREATE TABLE copied AS EXECUTE nothing
CREATE TABLE IF NOT EXISTS copied AS TABLE item WITH NO DATA
CREATE TEMP TABLE work (id int)
CREATE TEMPORARY TABLE work (id int) ON COMMIT DROP
CREATE LOCAL TEMPORARY TABLE work (id int) ON COMMIT DELETE ROWS
CREATE TABLE pg_temp.work (id int)
CREATE TEMP TABLE work AS SELECT 1
CREATE TEMP VIEW seen AS SELECT 1
CREATE TEMP SEQUENCE steps
CREATE TYPE pg_temp.two AS (a int)
CREATE DOMAIN pg_temp.one AS int
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
SELECT * FROM pg_temp.work
SELECT pg_temp.f()
SELECT nextval('counter')
SELECT setval('counter', 10)
SELECT currval('counter')
SELECT lastval()
SELECT * FROM counter
SELECT pg_advisory_lock(1)
SELECT pg_advisory_lock_shared(1, 2)
SELECT pg_try_advisory_lock(1)
SELECT pg_advisory_xact_lock(1)
SELECT pg_try_advisory_xact_lock_shared(1)
SELECT pg_advisory_unlock(1)
SELECT pg_advisory_unlock_all()
SELECT id FROM item WHERE pg_try_advisory_lock(id)
SELECT set_config('app.tenant', 'x', false)
SELECT set_config('work_mem', '1MB', true)
SELECT set_config(name, 'x', false) FROM item
SELECT setseed(0.5)
SELECT txid_current()
SELECT pg_current_xact_id()
SELECT pg_current_xact_id_if_assigned()
SELECT pg_export_snapshot()
SELECT pg_notify('c', 'x')
SELECT lo_create(0)
SELECT lo_get(1)
SELECT lo_import('/nothing')
SELECT pg_switch_wal()
SELECT pg_create_restore_point('x')
SELECT pg_current_wal_lsn()
SELECT pg_walfile_name('0/1')
SELECT pg_logical_emit_message(false, 'a', 'b')
SELECT pg_create_physical_replication_slot('x', false, true)
SELECT pg_is_in_recovery()
SELECT inet_server_port()
SELECT pg_backend_pid()
SELECT pg_postmaster_start_time()
SELECT pg_stat_reset()
SELECT pg_reload_conf()
SELECT pg_terminate_backend(0)
SELECT pg_cancel_backend(0)
SELECT pg_rotate_logfile()
SELECT pg_read_file('PG_VERSION')
SELECT pg_ls_dir('.')
SELECT pg_my_temp_schema()
SELECT query_to_xml('SELECT 1', true, false, '')
SELECT ts_stat('SELECT to_tsvector(name) FROM item')
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')
SELECT current_setting('transaction_read_only')
SELECT current_setting('in_hot_standby')
SELECT current_setting(name, true) FROM item
SELECT note('x')
SELECT dice()
SELECT raise_price()
SELECT unheard_of()
SELECT become('x')
SELECT scribble()
SELECT other.lower('glad')
SELECT lower('A')
SELECT * FROM note('x')
SELECT * FROM item WHERE note(name) = 1
SELECT count(*) FILTER (WHERE note('x') = 1) FROM item
SELECT id FROM item ORDER BY note(name)
SELECT (SELECT note('deep') FROM (SELECT 1) AS s WHERE EXISTS (SELECT 1))
WITH a AS (SELECT note('x')) SELECT * FROM a
VALUES (note('x'))
SELECT 1 UNION SELECT note('x')
SELECT * FROM item, LATERAL note(name)
SELECT adding_up(id) FROM item
SELECT * FROM added_up
SELECT * FROM compared
SELECT * FROM cast_here
SELECT 1 <=>! 2
SELECT 1 OPERATOR(public.<=>!) 2
SELECT 1::mood
SELECT 'glad'::mood
SELECT 1::observed
SELECT observed(1)
SELECT CAST(5 AS observed)
SELECT * FROM ticket
SELECT * FROM over_ticket
SELECT * FROM noisy
SELECT * FROM locking
SELECT * FROM scratch
SELECT * FROM scratchy
SELECT * FROM parent
SELECT * FROM ONLY parent
SELECT * FROM guarded
SELECT * FROM pg_stat_activity
SELECT * FROM pg_catalog.pg_stat_replication
SELECT * FROM pg_locks
SELECT * FROM pg_settings
SELECT * FROM pg_cursors
SELECT * FROM pg_prepared_statements
SELECT * FROM pg_sequences
SHOW transaction_read_only
SHOW in_hot_standby
SHOW default_transaction_read_only
SHOW ALL
EXPLAIN ANALYZE INSERT INTO item (id) VALUES (9)
EXPLAIN (ANALYZE) DELETE FROM item
EXPLAIN (ANALYZE on, BUFFERS off) UPDATE item SET price = 2
EXPLAIN (VERBOSE, ANALYZE 1) SELECT note('x')
EXPLAIN ANALYZE SELECT * FROM item FOR UPDATE
EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1
EXPLAIN ANALYZE SELECT nextval('counter')
EXPLAIN SELECT * FROM scratch
COPY item FROM STDIN
COPY item (id) FROM STDIN WITH (FORMAT csv) WHERE id > 1
COPY item FROM '/nothing'
COPY item FROM PROGRAM 'true'
COPY item TO '/nothing/nowhere'
COPY item TO PROGRAM 'false'
COPY scratch TO STDOUT
COPY (INSERT INTO item (id) VALUES (8) RETURNING *) TO STDOUT
COPY (SELECT note('x')) TO STDOUT
COPY (SELECT * FROM item FOR UPDATE) TO STDOUT
DECLARE c CURSOR FOR SELECT * FROM item FOR UPDATE
DECLARE c CURSOR FOR SELECT note('x')
PREPARE w AS INSERT INTO item (id) VALUES ($1)
PREPARE w AS SELECT note('x')
PREPARE q AS SELECT 1; EXECUTE q
CALL restock()
CALL nothing_here(1)
DO $$BEGIN PERFORM 1; END$$
DO LANGUAGE plpgsql 'BEGIN DELETE FROM item; END'
BEGIN
START TRANSACTION
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY
BEGIN READ WRITE
BEGIN; SELECT 1; COMMIT
SET TRANSACTION READ WRITE
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SET TRANSACTION SNAPSHOT '00000003-0000001B-1'
SET transaction_read_only = off
SET transaction_isolation = 'serializable'
RESET transaction_isolation
PREPARE TRANSACTION 'x'
COMMIT PREPARED 'x'
ROLLBACK PREPARED 'x'
LISTEN c
UNLISTEN c
UNLISTEN *
NOTIFY c
NOTIFY c, 'payload'
LOAD 'plpgsql'
LOCK TABLE item
LOCK item IN ACCESS SHARE MODE
CREATE TABLE made (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, CHECK (n > 0))
CREATE TABLE made (id int, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL)
CREATE TABLE made (id int, during tsrange, PRIMARY KEY (id, during WITHOUT OVERLAPS))
CREATE TABLE made (id int REFERENCES item NOT ENFORCED)
CREATE TABLE made (LIKE item INCLUDING ALL)
CREATE TABLE made PARTITION OF measure DEFAULT
CREATE UNLOGGED TABLE made (id int)
CREATE INDEX ON item (name)
CREATE UNIQUE INDEX CONCURRENTLY made ON item (name)
CREATE VIEW made AS SELECT 1
CREATE OR REPLACE RECURSIVE VIEW made (n) AS SELECT 1
CREATE MATERIALIZED VIEW made AS SELECT 1
REFRESH MATERIALIZED VIEW CONCURRENTLY summary
CREATE SEQUENCE made
ALTER SEQUENCE counter RESTART
CREATE SCHEMA made CREATE TABLE t (id int)
CREATE TYPE made AS ENUM ('a')
ALTER TYPE mood ADD VALUE 'calm'
CREATE DOMAIN made AS text
CREATE FUNCTION made() RETURNS int LANGUAGE sql RETURN 1
CREATE FUNCTION made() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END
CREATE PROCEDURE made() LANGUAGE sql AS 'SELECT 1'
CREATE AGGREGATE made (int) (SFUNC = int4pl, STYPE = int)
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)
CREATE OPERATOR CLASS made FOR TYPE int USING btree AS OPERATOR 1 <
CREATE CAST (text AS pair) WITH INOUT
CREATE COLLATION made FROM "C"
CREATE CONVERSION made FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1
CREATE TRIGGER made BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
CREATE EVENT TRIGGER made ON ddl_command_start EXECUTE FUNCTION nothing()
CREATE RULE made AS ON INSERT TO item DO INSTEAD NOTHING
CREATE POLICY made ON item USING (true)
CREATE STATISTICS made ON id, name FROM item
CREATE TEXT SEARCH CONFIGURATION made (COPY = english)
CREATE EXTENSION plpgsql
CREATE LANGUAGE made
CREATE FOREIGN DATA WRAPPER made
CREATE SERVER made FOREIGN DATA WRAPPER nothing
CREATE FOREIGN TABLE made (id int) SERVER nothing
CREATE USER MAPPING FOR CURRENT_USER SERVER nothing
IMPORT FOREIGN SCHEMA a FROM SERVER nothing INTO public
CREATE PUBLICATION made FOR ALL TABLES
CREATE SUBSCRIPTION made CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)
CREATE ACCESS METHOD made TYPE INDEX HANDLER bthandler
CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION nothing(internal))
CREATE ROLE made LOGIN PASSWORD 'x'
CREATE USER made
CREATE GROUP made
ALTER ROLE postgres SET work_mem = '1MB'
DROP ROLE IF EXISTS nobody_here
CREATE DATABASE made
ALTER DATABASE postgres SET work_mem = '1MB'
DROP DATABASE IF EXISTS nothing_here
CREATE TABLESPACE made LOCATION '/nothing'
DROP TABLESPACE IF EXISTS nothing_here
ALTER SYSTEM SET work_mem = '1MB'
ALTER TABLE item ADD COLUMN extra int DEFAULT 1
ALTER TABLE item ALTER COLUMN name TYPE varchar, DROP COLUMN price
ALTER TABLE item RENAME TO thing
ALTER TABLE part ALTER CONSTRAINT part_item_id_fkey DEFERRABLE
ALTER TABLE measure DETACH PARTITION measure_2026 CONCURRENTLY
ALTER INDEX item_pkey RENAME TO x
ALTER VIEW cheap SET SCHEMA other
ALTER FUNCTION twice(int) STABLE
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
ALTER OWNER
ALTER TABLE item OWNER TO postgres
ALTER DOMAIN positive DROP NOT NULL
ALTER EXTENSION plpgsql UPDATE
ALTER LARGE OBJECT 1 OWNER TO postgres
DROP TABLE item CASCADE
DROP TABLE IF EXISTS nothing_here
DROP FUNCTION twice(int)
DROP OWNED BY nobody_here
REASSIGN OWNED BY postgres TO postgres
COMMENT ON TABLE item IS 'x'
SECURITY LABEL ON TABLE item IS 'x'
GRANT SELECT ON item TO PUBLIC
GRANT postgres TO howdah
REVOKE ALL ON item FROM PUBLIC
VACUUM
VACUUM (ANALYZE, FREEZE) item
VACUUM ONLY measure
ANALYZE
ANALYZE ONLY measure
ANALYZE item (name)
CLUSTER item USING item_pkey
REINDEX TABLE item
REINDEX (CONCURRENTLY) INDEX item_pkey
CHECKPOINT
SELECT 1; DELETE FROM item
SELECT 1; SELECT note('x')
SELEC 1
SELECT FROM WHERE
EXPLAIN NOTHING
this is not SQL
$$
'unterminated
/* unterminated
"""
"""One a line, each with the database of `schema` and its catalogs read."""

ON_ITS_SERVER = "it tells of, or acts on, the server or connection it runs on, and the client has asked the primary"
MAY_WRITE = "nothing but running it shows that it writes nothing"
IN_THE_SESSION = "it changes its connection, or asks what another statement left there"
LOCKS = "a lock on a standby keeps nobody out"
WORST_COUNTS = "another overload, cast or partition of that name belongs on the primary, and the worst counts"
RUNS_AHEAD = "a standby shows a sequence ahead of its value"

_KEPT = (
    (RUNS_AHEAD, "SELECT * FROM counter|SELECT * FROM pg_sequences"),
    (
        LOCKS,
        "SELECT pg_advisory_lock(1)|SELECT pg_advisory_lock_shared(1, 2)|SELECT pg_try_advisory_lock(1)"
        "|SELECT pg_advisory_xact_lock(1)|SELECT pg_try_advisory_xact_lock_shared(1)|SELECT pg_advisory_unlock(1)"
        "|SELECT pg_advisory_unlock_all()|SELECT id FROM item WHERE pg_try_advisory_lock(id)|SELECT * FROM locking"
        "|LOCK item IN ACCESS SHARE MODE",
    ),
    (
        IN_THE_SESSION,
        "SELECT set_config('app.tenant', 'x', false)|SELECT set_config('work_mem', '1MB', true)|SELECT setseed(0.5)"
        "|SELECT become('x')|SELECT pg_export_snapshot()|SELECT pg_my_temp_schema()|SELECT * FROM pg_cursors"
        "|SELECT * FROM pg_prepared_statements|UNLISTEN c|UNLISTEN *|LOAD 'plpgsql'"
        "|SELECT pg_current_xact_id_if_assigned()",
    ),
    (
        ON_ITS_SERVER,
        "SELECT pg_create_physical_replication_slot('x', false, true)|SELECT pg_is_in_recovery()"
        "|SELECT inet_server_port()|SELECT pg_backend_pid()|SELECT pg_postmaster_start_time()|SELECT pg_stat_reset()"
        "|SELECT pg_reload_conf()|SELECT pg_terminate_backend(0)|SELECT pg_cancel_backend(0)"
        "|SELECT pg_rotate_logfile()|SELECT pg_read_file('PG_VERSION')|SELECT pg_ls_dir('.')"
        "|SELECT current_setting('transaction_read_only')|SELECT current_setting('in_hot_standby')"
        "|SELECT current_setting(name, true) FROM item|SELECT * FROM pg_stat_activity"
        "|SELECT * FROM pg_catalog.pg_stat_replication|SELECT * FROM pg_locks|SELECT * FROM pg_settings"
        "|SHOW transaction_read_only|SHOW in_hot_standby|SHOW default_transaction_read_only|SHOW ALL|CHECKPOINT",
    ),
    (WORST_COUNTS, "SELECT lower('A')|SELECT 'glad'::mood|SELECT * FROM ONLY parent"),
    (
        MAY_WRITE,
        "SELECT ts_stat('SELECT to_tsvector(name) FROM item')"
        "|SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')|SELECT dice()"
        "|SELECT other.lower('glad')|SELECT * FROM guarded|DECLARE c CURSOR FOR SELECT note('x')"
        "|PREPARE w AS INSERT INTO item (id) VALUES ($1)|PREPARE w AS SELECT note('x')"
        "|PREPARE q AS SELECT 1; EXECUTE q|DO $$BEGIN PERFORM 1; END$$|BEGIN|START TRANSACTION"
        "|BEGIN; SELECT 1; COMMIT",
    ),
)

KEPT_ON_PURPOSE: dict[str, str] = {sql: reason for reason, texts in _KEPT for sql in texts.split("|")}
"""What would have run on a standby in BEGIN READ ONLY, and why it is kept on the primary all the same."""

KEPT_ON_SOME_SERVERS = {
    "SELECT query_to_xml('SELECT 1', true, false, '')": "it runs where the server is built with XML: " + MAY_WRITE,
    "RESET transaction_isolation": "it runs before PostgreSQL 16, and may reset to SERIALIZABLE",
}
