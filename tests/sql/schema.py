"""Which database do the tests of classification run against?"""

SCHEMA = (
    "CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, data jsonb, tags text[], at timestamptz)",
    "CREATE TABLE part (id serial PRIMARY KEY, item_id int REFERENCES item DEFERRABLE, label text)",
    "CREATE TABLE measure (at date NOT NULL, value int) PARTITION BY RANGE (at)",
    "CREATE TABLE measure_2026 PARTITION OF measure FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "CREATE UNLOGGED TABLE scratch (id int)",
    "CREATE TABLE parent (id int)",
    "CREATE UNLOGGED TABLE parent_child () INHERITS (parent)",
    "CREATE SEQUENCE counter",
    "CREATE TYPE mood AS ENUM ('glad', 'sad')",
    "CREATE TYPE pair AS (a int, b int)",
    "CREATE DOMAIN positive AS int CHECK (value > 0)",
    "CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'",
    "CREATE FUNCTION how_many() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM item'",
    "CREATE FUNCTION dice() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 4'",
    "CREATE FUNCTION note(text) RETURNS int LANGUAGE plpgsql AS"
    " $$BEGIN INSERT INTO part (label) VALUES ($1); RETURN 1; END$$",
    "CREATE FUNCTION become(text) RETURNS text LANGUAGE sql AS $$SELECT set_config('app.tenant', $1, false)$$",
    "CREATE FUNCTION become_here(text) RETURNS text LANGUAGE sql AS $$SELECT set_config('app.tenant', $1, true)$$",
    "CREATE FUNCTION scribble() RETURNS void LANGUAGE plpgsql AS"
    " $$BEGIN CREATE TEMP TABLE IF NOT EXISTS notes (id int); END$$",
    "CREATE FUNCTION zone() RETURNS void LANGUAGE plpgsql AS $$BEGIN SET timezone = 'UTC'; END$$",
    "CREATE FUNCTION raise_price() RETURNS void LANGUAGE sql AS 'UPDATE item SET price = price + 1'",
    "CREATE FUNCTION noted(int, int) RETURNS boolean LANGUAGE sql AS $$SELECT note('compared') = 1$$",
    "CREATE OPERATOR <=>! (LEFTARG = int, RIGHTARG = int, FUNCTION = noted)",
    "CREATE FUNCTION to_mood(int) RETURNS mood LANGUAGE sql AS $$SELECT note('cast'); SELECT 'glad'::mood$$",
    "CREATE CAST (int AS mood) WITH FUNCTION to_mood(int)",
    "CREATE FUNCTION watched(int) RETURNS boolean LANGUAGE sql AS $$SELECT note('checked') = 1$$",
    "CREATE DOMAIN observed AS int CHECK (watched(value))",
    "CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
    "CREATE FUNCTION adding(int, int) RETURNS int LANGUAGE sql AS $$SELECT note('added'); SELECT $1 + $2$$",
    "CREATE AGGREGATE adding_up (int) (SFUNC = adding, STYPE = int, INITCOND = '0')",
    "CREATE VIEW added_up AS SELECT adding_up(id) FROM item",
    "CREATE VIEW compared AS SELECT id <=>! 1 AS c FROM item",
    "CREATE VIEW cast_here AS SELECT id::observed AS o FROM item",
    "CREATE PROCEDURE restock() LANGUAGE sql AS 'UPDATE item SET price = 1'",
    "CREATE VIEW cheap AS SELECT * FROM item WHERE price < 10",
    "CREATE VIEW ticket AS SELECT nextval('counter') AS n",
    "CREATE VIEW over_ticket AS SELECT n + 1 AS n FROM ticket",
    "CREATE VIEW noisy AS SELECT note(name) AS n FROM item",
    "CREATE VIEW locking AS SELECT pg_try_advisory_lock(1)",
    "CREATE VIEW scratchy AS SELECT * FROM scratch",
    "CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM item",
    "CREATE SCHEMA other",
    "CREATE TABLE other.item (id int)",
    "CREATE FUNCTION other.lower(mood) RETURNS text VOLATILE LANGUAGE sql AS $$SELECT 'x'$$",
    "CREATE FUNCTION other.upper(mood) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'x'$$",
    "CREATE TABLE guarded (id int)",
    "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY watch ON guarded USING (watched(id))",
    "INSERT INTO item VALUES (1, 'a', 1, '{\"k\": [1, 2]}', '{x,y}', now()), (2, 'b', 20, NULL, NULL, NULL)",
    "INSERT INTO part (item_id, label) VALUES (1, 'l')",
    "INSERT INTO measure VALUES ('2026-02-01', 3)",
    "INSERT INTO guarded VALUES (1)",
    "SELECT nextval('counter')",
)
"""Run one by one on the primary. `lower` and `upper` are names that other schemas have too."""


def lines(text: str) -> list[str]:
    """The statements of a list, one a line; "{NEWLINE}" stands for a line's end inside a statement."""
    return [line.replace("{NEWLINE}", "\n") for line in text.split("\n") if line.strip()]
