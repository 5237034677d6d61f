{{/* Which Secret holds what? Passwords that are not given are made once: what the cluster has already stays. */}}

{{- define "howdah.secret.postgresql" -}}
{{- $given := default .Values.postgresql.existingSecret .Values.global.postgresql.existingSecret -}}
{{ if $given }}{{ tpl $given . }}{{ else }}{{ include "howdah.postgresql" . }}{{ end }}
{{- end }}

{{- define "howdah.secret.pgpool" -}}
{{- $given := default .Values.pgpool.existingSecret .Values.global.pgpool.existingSecret -}}
{{ if $given }}{{ tpl $given . }}{{ else }}{{ include "howdah.pgpool" . }}{{ end }}
{{- end }}

{{- define "howdah.secret.token" -}}{{ include "howdah.fullname" . }}-agents{{- end }}

{{- define "howdah.username" -}}
{{ default .Values.postgresql.username .Values.global.postgresql.username }}
{{- end }}

{{- define "howdah.database" -}}
{{ default .Values.postgresql.database .Values.global.postgresql.database }}
{{- end }}

{{/* The key of the superuser's password. */}}
{{- define "howdah.superuserKey" -}}
{{ if eq (include "howdah.username" .) "postgres" }}password{{ else }}postgres-password{{ end }}
{{- end }}

{{/* (dict "context" $ "secret" NAME "key" KEY "given" TEXT): base64 of what is given, else of what is there, else new. */}}
{{- define "howdah.password" -}}
{{- $found := lookup "v1" "Secret" (include "howdah.namespace" .context) .secret -}}
{{- $there := dig "data" .key "" (default dict $found) -}}
{{- if .given }}{{ .given | toString | b64enc }}{{ else if $there }}{{ $there }}{{ else }}{{ randAlphaNum 24 | b64enc }}{{ end }}
{{- end }}
