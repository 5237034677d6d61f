"""Which statements must be read on a standby?"""

READS = """
SELECT
SELECT 1
SELECT 1;
SELECT NULL, true, 'x', 1.5, 1e10, B'101', X'1F', U&'d\\0061t', E'a\\nb', $$dollar$$, $q$quoted$q$
SELECT 0x1F, 0b11, 0o17, 1_000
SELECT 'a'{NEWLINE}'b'
SELECT -1, +1, 2 ^ 3, 5 % 2, 1 <> 2, 'a' || 'b', NOT true, 1 IS DISTINCT FROM 2
SELECT * FROM item
SELECT item.* FROM item
SELECT item FROM item
SELECT (item).name FROM item
TABLE item
TABLE ONLY item
VALUES (1, 'a'), (2, 'b')
VALUES (1) ORDER BY 1 LIMIT 1
SELECT id AS "select", name n FROM item AS i (id, name)
SELECT * FROM public.item WHERE id = 1 AND name LIKE 'a%' AND name ILIKE 'A' AND name SIMILAR TO 'a|b'
SELECT * FROM item WHERE name ~ 'a' OR name !~* 'b' AND id BETWEEN 1 AND 2 AND id NOT BETWEEN SYMMETRIC 5 AND 4
SELECT * FROM item WHERE id IN (1, 2, 3) AND id NOT IN (SELECT item_id FROM part)
SELECT * FROM item WHERE id = ANY (ARRAY[1, 2]) AND id > ALL (SELECT 0)
SELECT * FROM item WHERE EXISTS (SELECT FROM part WHERE item_id = item.id)
SELECT * FROM item WHERE name IS NULL OR price IS NOT NULL OR (price > 1) IS TRUE OR (id > 1) IS UNKNOWN
SELECT DISTINCT name FROM item
SELECT DISTINCT ON (name) name, id FROM item ORDER BY name, id DESC NULLS LAST
SELECT ALL name FROM item ORDER BY name USING <
SELECT name FROM item LIMIT 1 OFFSET 0
SELECT name FROM item LIMIT ALL
SELECT name FROM item ORDER BY id FETCH FIRST 1 ROW ONLY
SELECT name FROM item ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS WITH TIES
SELECT count(*), sum(price), avg(price), min(id), max(id) FROM item GROUP BY name HAVING count(*) > 0
SELECT name, count(*) FROM item GROUP BY ROLLUP (name)
SELECT name, id, GROUPING(name) FROM item GROUP BY CUBE (name, id)
SELECT name, id FROM item GROUP BY GROUPING SETS ((name), (id), ())
SELECT name FROM item GROUP BY DISTINCT name
SELECT count(*) FILTER (WHERE id > 1), array_agg(id ORDER BY id), string_agg(DISTINCT name, ',') FROM item
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM item
SELECT total(id) FROM item
SELECT row_number() OVER (PARTITION BY name ORDER BY id), lag(id) OVER w FROM item WINDOW w AS (ORDER BY id)
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM item
SELECT sum(id) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM item
SELECT 1 UNION SELECT 2
SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2 EXCEPT SELECT 3 ORDER BY 1
(SELECT 1) UNION (SELECT 2 LIMIT 1)
SELECT * FROM item JOIN part ON part.item_id = item.id
SELECT * FROM item LEFT JOIN part p ON p.item_id = item.id RIGHT JOIN other.item o ON o.id = p.id
SELECT * FROM item NATURAL JOIN other.item
SELECT * FROM item CROSS JOIN part, measure
SELECT * FROM item FULL OUTER JOIN part USING (id) AS j
SELECT * FROM item, LATERAL (SELECT * FROM part WHERE item_id = item.id) AS p
SELECT * FROM (SELECT 1 AS a) AS s, (VALUES (1)) AS v (a)
SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY[1])) WITH ORDINALITY AS t (a, b, n)
SELECT * FROM generate_series(1, 3) AS g (n) WHERE n > 1
SELECT * FROM json_to_record('{"a": 1}') AS r (a int)
SELECT * FROM item TABLESAMPLE BERNOULLI (100) REPEATABLE (1)
SELECT * FROM item TABLESAMPLE system (50)
WITH a AS (SELECT 1 AS n) SELECT * FROM a
WITH a AS MATERIALIZED (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b
WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT 1 FROM r WHERE n < 0) SEARCH DEPTH FIRST BY n SET o SELECT * FROM r
WITH RECURSIVE r (n) AS (SELECT 1 UNION SELECT 1 FROM r) CYCLE n SET is_cycle USING path SELECT * FROM r
WITH a AS (WITH b AS (SELECT 1 AS n) SELECT * FROM b) SELECT (SELECT n FROM a), ARRAY(SELECT n FROM a)
SELECT CASE WHEN id = 1 THEN 'x' ELSE 'y' END, CASE id WHEN 1 THEN 2 END FROM item
SELECT COALESCE(name, ''), NULLIF(id, 1), GREATEST(1, 2), LEAST(1, 2) FROM item
SELECT CAST('1' AS int), '1'::int8, int4 '1', 1::text::varchar(5), '{1}'::int[], interval '1' DAY
SELECT jsonb('{}'), positive(5), int4(1.5)
SELECT 5::positive, ROW(1, 2)::pair, (ROW(1, 2)::pair).a
SELECT (ARRAY[1, 2])[1], (ARRAY[[1, 2]])[1:1][2], tags[1] FROM item
SELECT ROW(1, 2) = (1, 2), (1, 2) < (2, 1)
SELECT 'a' COLLATE "C" < 'b'
SELECT now() AT TIME ZONE 'UTC', now() AT LOCAL
SELECT EXTRACT(year FROM now()), OVERLAY('abc' PLACING 'x' FROM 2), POSITION('a' IN 'ba'), SUBSTRING('abc' FROM 1 FOR 2)
SELECT TRIM(BOTH 'x' FROM 'xax'), SUBSTRING('a' SIMILAR 'a' ESCAPE '#'), NORMALIZE('a', NFC), 'a' IS NORMALIZED
SELECT (now(), now()) OVERLAPS (now(), now())
SELECT CURRENT_DATE, CURRENT_TIME(0), LOCALTIME, CURRENT_TIMESTAMP, LOCALTIMESTAMP(2)
SELECT CURRENT_USER, SESSION_USER, USER, CURRENT_ROLE, CURRENT_CATALOG, CURRENT_SCHEMA, current_database()
SELECT SYSTEM_USER
SELECT data -> 'k', data ->> 'k', data #> '{k,0}', data @> '{}', data ? 'k' FROM item
SELECT data['k'][0] FROM item
SELECT jsonb_path_query(data, '$.k[*]') FROM item
SELECT JSON_OBJECT('a': 1 NULL ON NULL), JSON_ARRAY(1, 2 RETURNING jsonb), JSON_ARRAY(SELECT id FROM item)
SELECT JSON_ARRAYAGG(id), JSON_OBJECTAGG(name: id) FROM item
SELECT '{}' IS JSON OBJECT, JSON('{}'), JSON_SCALAR(1), JSON_SERIALIZE('{}')
SELECT JSON_VALUE('{"a": 1}', '$.a' RETURNING int DEFAULT 0 ON EMPTY), JSON_EXISTS('{}', '$.a'), JSON_QUERY('{}', '$')
SELECT * FROM JSON_TABLE('[{"a": 1}]', '$[*]' COLUMNS (n FOR ORDINALITY, a int PATH '$.a')) AS t
SELECT * FROM JSON_TABLE('[{"a": [1]}]', '$[*]' COLUMNS (NESTED PATH '$.a[*]' COLUMNS (b int PATH '$'))) AS t
SELECT to_tsvector('english', 'a b') @@ to_tsquery('a'), ts_rank(to_tsvector('a'), 'a'::tsquery)
SELECT md5('a'), sha256('a'), encode('a', 'hex'), length('a'), lpad('a', 3)
SELECT public.twice(2), twice(3), how_many()
SELECT upper('a'), pg_catalog.lower('A')
SELECT format('%s', VARIADIC ARRAY['a']), concat_ws(',', 'a', NULL)
SELECT make_interval(days => 1)
SELECT random(), clock_timestamp(), gen_random_uuid(), timeofday(), statement_timestamp(), transaction_timestamp()
SELECT pg_sleep(0), pg_sleep_for('0 s')
SELECT pg_size_pretty(pg_total_relation_size('item')), pg_relation_size('item'), pg_database_size(current_database())
SELECT 'item'::regclass, 'item'::regclass::oid, to_regclass('nothing'), 'int4'::regtype
SELECT pg_get_viewdef('cheap'), obj_description('item'::regclass), format_type(23, NULL)
SELECT has_table_privilege('item', 'select')
SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()
SELECT pg_is_wal_replay_paused(), pg_get_wal_replay_pause_state()
SELECT pg_wal_lsn_diff('0/2', '0/1')
SELECT current_setting('work_mem'), current_setting('nothing.here', true)
SELECT version(), pg_typeof(1), pg_column_size(1), pg_client_encoding()
SELECT txid_current_snapshot(), pg_current_snapshot()
SELECT * FROM cheap
SELECT * FROM summary
SELECT * FROM measure
SELECT * FROM ONLY item
SELECT * FROM other.item
SELECT ctid, xmin, tableoid::regclass FROM item
SELECT * FROM pg_class WHERE relname = 'item'
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM information_schema.tables
SELECT relname FROM pg_stats JOIN pg_class ON relname = tablename
SELECT n FROM generate_series(1, 3) n ORDER BY random()
SELECT $1::int
SELECT * FROM item WHERE id = $1 AND name = $2
SELECT xmlelement(name a, xmlattributes(1 AS b), 'c')
SELECT xmlforest(1 AS a), xmlconcat('<a/>'), xmlparse(content '<a/>'), xmlserialize(content '<a/>'::xml AS text)
SELECT * FROM XMLTABLE('/a' PASSING xml '<a><b>1</b></a>' COLUMNS b int PATH 'b') AS x
SELECT xmlagg(x) FROM (SELECT '<a/>'::xml AS x) AS s
SHOW work_mem
SHOW TIME ZONE
SHOW search_path
SHOW server_version
SHOW transaction_isolation
SHOW SESSION AUTHORIZATION
EXPLAIN SELECT * FROM item
EXPLAIN (COSTS off, FORMAT json, VERBOSE) SELECT * FROM item
EXPLAIN ANALYZE SELECT * FROM item
EXPLAIN (ANALYZE, BUFFERS, TIMING off) SELECT * FROM item
EXPLAIN (ANALYZE false) SELECT * FROM item
EXPLAIN INSERT INTO item (id) VALUES (9)
EXPLAIN UPDATE item SET price = 1
EXPLAIN DELETE FROM item
EXPLAIN MERGE INTO item USING part ON item.id = part.id WHEN MATCHED THEN DELETE
EXPLAIN (ANALYZE off) DELETE FROM item
EXPLAIN SELECT nextval('counter')
EXPLAIN SELECT * FROM item FOR UPDATE
EXPLAIN CREATE TABLE x AS SELECT 1
EXPLAIN SELECT note('x')
COPY item TO STDOUT
COPY item (id, name) TO STDOUT WITH (FORMAT csv, HEADER)
COPY item TO STDOUT (FORMAT binary)
COPY (SELECT * FROM item) TO STDOUT
COPY (VALUES (1)) TO STDOUT CSV
COPY (SELECT twice(id) FROM item) TO STDOUT
DECLARE c CURSOR FOR SELECT * FROM item
DECLARE c BINARY SCROLL CURSOR FOR SELECT * FROM item
DECLARE c NO SCROLL CURSOR FOR SELECT 1; FETCH ALL FROM c; CLOSE c
DECLARE c CURSOR WITH HOLD FOR SELECT 1
DECLARE c SCROLL CURSOR FOR SELECT 1; MOVE FORWARD 1 IN c; FETCH BACKWARD FROM c
CLOSE ALL
PREPARE q AS SELECT 1
PREPARE q (int, text) AS SELECT * FROM item WHERE id = $1 AND name = $2
PREPARE "as" AS SELECT 1; DEALLOCATE "as"
DEALLOCATE ALL
DEALLOCATE PREPARE ALL
SET work_mem = '8MB'
SET work_mem TO DEFAULT
SET SESSION search_path = public, "Other Schema", pg_catalog
SET LOCAL statement_timeout = 1000
SET TIME ZONE 'UTC'
SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
SET TIME ZONE LOCAL
SET NAMES 'UTF8'
SET SCHEMA 'public'
SET datestyle = iso, mdy
SET app.tenant = 'x'
SET enable_seqscan = off
SET XML OPTION DOCUMENT
SET ROLE NONE
SET ROLE postgres
SET SESSION AUTHORIZATION DEFAULT
SET LOCAL ROLE postgres
SET CONSTRAINTS ALL DEFERRED
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
SET TRANSACTION READ ONLY
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE
RESET work_mem
RESET ALL
RESET ROLE
RESET SESSION AUTHORIZATION
SAVEPOINT a; SELECT 1; ROLLBACK TO a; RELEASE a
SELECT 1; SELECT 2
SELECT 1;; SELECT 2;
/* comment */ SELECT 1 -- end
/* nested /* comment */ */ SELECT 1
-- line comment{NEWLINE}SELECT 1
SELECT/**/1
SELECT 'DELETE FROM item', "name" FROM item -- DELETE FROM item
SELECT ';' AS ";", $x$ ; DELETE $x$
select * from ITEM where "id" = 1
SELECT * FROM item WHERE name = 'FOR UPDATE'
"""
"""One a line. All run inside BEGIN READ ONLY."""
