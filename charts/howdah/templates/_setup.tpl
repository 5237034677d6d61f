{{/* psql's own language: the Job runs it as often as it must, and what is there already stays. */}}
{{- define "howdah.setupScript" -}}
{{- $pg := .Values.postgresql -}}
{{- $role := include "howdah.username" . -}}
{{- $database := include "howdah.database" . -}}
{{- $limit := toString $pg.dbUserConnectionLimit -}}
{{- if ne $role "postgres" }}
\set role {{ $role | squote }}
\set password `printenv ROLE_PASSWORD`
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('ALTER ROLE %I CONNECTION LIMIT %s', :'role', {{ default "-1" $limit | squote }})
 WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = :'role' AND rolconnlimit <> {{ default "-1" $limit }}) \gexec
{{- end }}
{{- if and $database (ne $database "postgres") }}
\set database {{ $database | squote }}
SELECT format('CREATE DATABASE %I OWNER %I', :'database', {{ $role | squote }})
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
{{- end }}
{{- if or $pg.initdbScripts $pg.initdbScriptsCM $pg.initdbScriptsSecret }}
{{- if and $database (ne $database "postgres") }}
\connect :database
{{- end }}
-- Each script once: which ones have run stands in the database.
CREATE SCHEMA IF NOT EXISTS howdah_setup;
CREATE TABLE IF NOT EXISTS howdah_setup.scripts (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now());
\set scripts `ls /etc/howdah/scripts`
\pset tuples_only on
\pset format unaligned
\o /tmp/scripts.psql
SELECT format(E'\\i /etc/howdah/scripts/%s\nINSERT INTO howdah_setup.scripts (name) VALUES (%L);', name, name)
  FROM unnest(string_to_array(:'scripts', E'\n')) AS found (name)
 WHERE name LIKE '%.sql' AND NOT EXISTS (SELECT FROM howdah_setup.scripts AS done WHERE done.name = found.name)
 ORDER BY name;
\o
\i /tmp/scripts.psql
{{- end }}
{{- end }}
