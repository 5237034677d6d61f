{{/* Which settings do agents and routers get? docs/settings.md has them all. */}}

{{/* PostgreSQL's settings out of text as in postgresql.conf, without what the safety protocol owns: a YAML map. */}}
{{- define "howdah.parametersOf" -}}
{{- $owned := .context.Files.Get "files/owned.yaml" | fromYamlArray -}}
{{- $found := dict -}}
{{- range $line := splitList "\n" (tpl (default "" .text) .context) -}}
{{- $bare := regexReplaceAll "^\\s+|\\s*(#[^']*)?$" $line "" -}}
{{- if $bare -}}
{{- $name := regexFind "^[A-Za-z_][A-Za-z0-9_.]*" $bare | lower -}}
{{- if not $name }}{{ fail (printf "%s has the line %q, which is no setting of PostgreSQL: write NAME = VALUE" $.key $line) }}{{ end -}}
{{- $value := regexReplaceAll "^[A-Za-z_][A-Za-z0-9_.]*\\s*=?\\s*" $bare "" -}}
{{- if hasPrefix "'" $value }}{{ $value = $value | trimPrefix "'" | trimSuffix "'" | replace "''" "'" }}{{ end -}}
{{- if not (has $name $owned) }}{{ $_ := set $found $name $value }}{{ end -}}
{{- end -}}
{{- end -}}
{{ toYaml $found }}
{{- end }}

{{- define "howdah.parameters" -}}
{{- $pg := .Values.postgresql -}}
{{- $set := dict -}}
{{- $plain := dict "max_connections" $pg.maxConnections "tcp_keepalives_idle" $pg.tcpKeepalivesIdle "tcp_keepalives_interval" $pg.tcpKeepalivesInterval "tcp_keepalives_count" $pg.tcpKeepalivesCount "statement_timeout" $pg.statementTimeout "pgaudit.log" $pg.audit.pgAuditLog "log_line_prefix" $pg.audit.logLinePrefix "log_timezone" $pg.audit.logTimezone -}}
{{- range $name, $value := $plain }}{{ if ne (toString $value) "" }}{{ $_ := set $set $name (toString $value) }}{{ end }}{{ end -}}
{{- range $name, $value := dict "log_hostname" $pg.audit.logHostname "log_connections" $pg.audit.logConnections "log_disconnections" $pg.audit.logDisconnections "pgaudit.log_catalog" $pg.audit.pgAuditLogCatalog -}}
{{- $_ := set $set $name (ternary "on" "off" (has (toString $value) (list "true" "on" "yes" "1"))) }}{{ end -}}
{{- $libraries := list -}}
{{- range splitList "," (toString $pg.sharedPreloadLibraries) }}{{ if not (has (trim .) (list "" "repmgr")) }}{{ $libraries = append $libraries (trim .) }}{{ end }}{{ end -}}
{{- if $libraries }}{{ $_ := set $set "shared_preload_libraries" (join ", " $libraries) }}{{ end -}}
{{- if not (has "pgaudit" $libraries) }}{{ $set = omit $set "pgaudit.log" "pgaudit.log_catalog" }}{{ end -}}
{{- if $pg.tls.enabled -}}
{{- if not (and $pg.tls.certificatesSecret $pg.tls.certFilename $pg.tls.certKeyFilename) }}{{ fail "postgresql.tls.enabled needs postgresql.tls.certificatesSecret, certFilename and certKeyFilename" }}{{ end -}}
{{- $_ := set $set "ssl" "on" -}}
{{- $_ := set $set "ssl_cert_file" (printf "/etc/howdah/tls/%s" $pg.tls.certFilename) -}}
{{- $_ := set $set "ssl_key_file" (printf "/etc/howdah/tls/%s" $pg.tls.certKeyFilename) -}}
{{- $_ := set $set "ssl_prefer_server_ciphers" (ternary "on" "off" (ne (toString $pg.tls.preferServerCiphers) "false")) -}}
{{- end -}}
{{- $written := include "howdah.parametersOf" (dict "context" $ "key" "postgresql.configuration" "text" $pg.configuration) | fromYaml -}}
{{- $extended := include "howdah.parametersOf" (dict "context" $ "key" "postgresql.extendedConf" "text" $pg.extendedConf) | fromYaml -}}
{{ toYaml (merge (dict) $extended $written $set) }}
{{- end }}

{{/* Lines as in pg_hba.conf, without comments: a YAML list. */}}
{{- define "howdah.rules" -}}
{{- $rules := list -}}
{{- range splitList "\n" (tpl (default "" .text) .context) -}}
{{- $bare := regexReplaceAll "\\s*#.*$" . "" | trim -}}
{{- if $bare }}{{ $rules = append $rules $bare }}{{ end -}}
{{- end -}}
{{ toYaml $rules }}
{{- end }}

{{/* The cluster's settings, which a change of values changes too. */}}
{{- define "howdah.config" -}}
{{- $pg := .Values.postgresql -}}
{{- $servers := int $pg.replicaCount -}}
{{- if lt $servers 1 }}{{ fail (printf "postgresql.replicaCount is %d: there must be a server" $servers) }}{{ end -}}
{{- $config := dict "nodes" (splitList "," (include "howdah.nodes" .)) "postgresql" (dict "parameters" (include "howdah.parameters" . | fromYaml)) -}}
{{- if .Values.mode }}{{ $_ := set $config "mode" .Values.mode }}{{ end -}}
{{- if $pg.syncReplication -}}
{{- if lt $servers 2 }}{{ fail "postgresql.syncReplication needs two servers at least: raise postgresql.replicaCount" }}{{ end -}}
{{- if eq .Values.mode "async" }}{{ fail "postgresql.syncReplication and mode async exclude each other" }}{{ end -}}
{{- $_ := set $config "mode" "quorum" -}}
{{- if not $pg.syncReplicationMode }}{{ $_ := set $config "k" (sub $servers 1) }}{{ end -}}
{{- end -}}
{{- if and (eq $servers 1) (eq .Values.mode "quorum") }}{{ fail "mode quorum needs two servers at least: raise postgresql.replicaCount" }}{{ end -}}
{{- if .Values.policy }}{{ $_ := set $config "policy" .Values.policy }}{{ end -}}
{{ toYaml $config }}
{{- end }}

{{- define "howdah.logLevel" -}}
{{- $level := lower (toString .Values.postgresql.repmgrLogLevel) -}}
{{- if or .Values.image.debug (eq $level "debug") }}debug{{ else if has $level (list "info" "notice") }}info{{ else if eq $level "warning" }}warning{{ else }}error{{ end -}}
{{- end }}

{{- define "howdah.agentSettings" -}}
{{- $pg := .Values.postgresql -}}
{{- $port := int $pg.containerPorts.postgresql -}}
{{- $server := dict "listen" "0.0.0.0" "port" $port -}}
{{- if $pg.pgHbaConfiguration }}{{ $_ := set $server "access_rules" (include "howdah.rules" (dict "context" $ "text" $pg.pgHbaConfiguration) | fromYamlArray) }}{{ end -}}
{{- $settings := dict "cluster" (include "howdah.cluster" .) "node" (dict "root" .Values.persistence.mountPath) "postgresql" $server "api" (dict "listen" "0.0.0.0" "port" 8008) "store" .Values.store -}}
{{- $_ := set $settings "log" (dict "level" (include "howdah.logLevel" .) "format" "json") -}}
{{- $_ := set $settings "initial" (dict "node" (printf "%s-0" (include "howdah.node" .)) "config" (include "howdah.config" . | fromYaml)) -}}
{{- $_ := set $settings "secrets" (dict "superuser_file" "/etc/howdah/secrets/superuser" "replication_file" "/etc/howdah/secrets/replication" "router_file" "/etc/howdah/secrets/router" "api_token_file" "/etc/howdah/secrets/api_token") -}}
{{- if eq .Values.store.kind "kubernetes" -}}
{{- $_ := set $settings "kubernetes" (dict "primary_service" (include "howdah.postgresql" .) "read_service" (include "howdah.read" .) "port_name" .Values.service.portName) -}}
{{- end -}}
{{ toYaml (mergeOverwrite $settings (default dict .Values.agentSettings)) }}
{{- end }}

{{- define "howdah.routerSettings" -}}
{{- $pgpool := .Values.pgpool -}}
{{- $settings := dict "cluster" (include "howdah.cluster" .) "listen" (dict "listen" "0.0.0.0" "port" (int $pgpool.containerPorts.postgresql)) "store" .Values.store "health" (dict "listen" "0.0.0.0" "port" 6433) -}}
{{- $_ := set $settings "secrets" (dict "router_file" "/etc/howdah/secrets/router") -}}
{{- $_ := set $settings "log" (dict "level" (ternary "debug" "info" (eq (toString .Values.image.debug) "true")) "format" "json") -}}
{{- $_ := set $settings "stop" (dict "drain" (printf "%ds" (sub (include "howdah.routerGrace" . | int) 15)) "grace" "5s") -}}
{{- $pools := dict -}}
{{- if eq (toString $pgpool.useConnectionCache) "false" }}{{ $_ := set $pools "mode" "session" }}{{ end -}}
{{- if ne (toString $pgpool.connectionLifeTime) "" }}{{ $_ := set $pools "idle_timeout" (printf "%ds" (int $pgpool.connectionLifeTime)) }}{{ end -}}
{{- if $pools }}{{ $_ := set $settings "pools" $pools }}{{ end -}}
{{- $limits := dict "reserved" (max 3 (int $pgpool.reservedConnections)) -}}
{{- if ne (toString $pgpool.numInitChildren) "" }}{{ $_ := set $limits "clients" (add (int $pgpool.numInitChildren) (max 3 (int $pgpool.reservedConnections))) }}{{ end -}}
{{- if ne (toString $pgpool.clientIdleLimit) "" }}{{ $_ := set $limits "client_idle_timeout" (printf "%ds" (int $pgpool.clientIdleLimit)) }}{{ end -}}
{{- $_ := set $settings "limits" $limits -}}
{{- if eq (toString $pgpool.useLoadBalancing) "false" }}{{ $_ := set $settings "routing" (dict "reads" "primary") }}{{ end -}}
{{- if $pgpool.poolHbaConfiguration }}{{ $_ := set $settings "login" (dict "hba" (include "howdah.rules" (dict "context" $ "text" $pgpool.poolHbaConfiguration) | fromYamlArray)) }}{{ end -}}
{{- if $pgpool.tls.enabled -}}
{{- $files := dict "mode" "allow" "cert_file" (printf "/etc/howdah/tls/%s" (default "tls.crt" $pgpool.tls.certFilename)) "key_file" (printf "/etc/howdah/tls/%s" (default "tls.key" $pgpool.tls.certKeyFilename)) -}}
{{- if $pgpool.tls.certCAFilename }}{{ $_ := set $files "ca_file" (printf "/etc/howdah/tls/%s" $pgpool.tls.certCAFilename) }}{{ $_ := set $files "client_certificates" "allow" }}{{ end -}}
{{- $_ := set $settings "tls" (dict "clients" $files) -}}
{{- end -}}
{{ toYaml (mergeOverwrite $settings (default dict .Values.routerSettings)) }}
{{- end }}

{{- define "howdah.routerGrace" -}}{{ default 60 .Values.pgpool.terminationGracePeriodSeconds }}{{- end }}
