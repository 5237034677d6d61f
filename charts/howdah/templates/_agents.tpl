{{/* The environment of an agent, and of the commands that `kubectl exec` starts beside it. Servers know each other by
numbers: a look-up of a name would hang while the name service is away. */}}
{{- define "howdah.environment" -}}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- name: POD_INDEX
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
- {name: ADVERTISED, value: $(POD_IP)}
{{ include "howdah.agentEnvironment" . }}
# For psql in this container: this server, without being asked for a password.
- {name: PGHOST, value: {{ .Values.persistence.mountPath }}/run}
- {name: PGPORT, value: {{ int .Values.postgresql.containerPorts.postgresql | quote }}}
- {name: PGUSER, value: postgres}
- {name: PGDATABASE, value: postgres}
- {name: PGPASSFILE, value: {{ .Values.persistence.mountPath }}/secrets/pgpass}
{{- end }}

{{/* After POD_NAME, POD_INDEX, POD_IP and ADVERTISED. */}}
{{- define "howdah.agentEnvironment" -}}
{{- $node := include "howdah.node" . -}}
- {name: HOWDAH_CONFIG, value: /etc/howdah/config/agent.yaml}
{{- if eq $node (include "howdah.postgresql" .) }}
- {name: HOWDAH_NODE__NAME, value: $(POD_NAME)}
{{- else }}
- {name: HOWDAH_NODE__NAME, value: {{ $node }}-$(POD_INDEX)}
{{- end }}
- {name: HOWDAH_NODE__MACHINE, value: $(POD_NAME)}
- {name: HOWDAH_POSTGRESQL__ADVERTISED, value: $(ADVERTISED)}
- {name: HOWDAH_API__ADVERTISED, value: $(ADVERTISED)}
{{- if eq .Values.store.kind "kubernetes" }}
- {name: HOWDAH_KUBERNETES__POD_NAME, value: $(POD_NAME)}
- {name: HOWDAH_KUBERNETES__POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
- {name: HOWDAH_KUBERNETES__POD_IP, value: $(POD_IP)}
{{- end }}
{{- end }}

{{- define "howdah.storageClass" -}}
{{- $class := default .given (default .context.Values.global.storageClass .context.Values.global.defaultStorageClass) -}}
{{- if .given }}{{ $class = .given }}{{ end -}}
{{- if eq $class "-" }}storageClassName: ""{{ else if $class }}storageClassName: {{ $class }}{{ end -}}
{{- end }}

{{/* What a running agent does not take up by itself: a change of it rolls the pods. The cluster's own settings are not
among it, nor are passwords. */}}
{{- define "howdah.podSettings" -}}
{{- $settings := include "howdah.agentSettings" . | fromYaml -}}
{{ toYaml (omit $settings "initial") }}
{{- end }}

{{- define "howdah.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "howdah.secret.postgresql" . }}
          items:
            - {key: {{ include "howdah.superuserKey" . }}, path: superuser}
            - {key: repmgr-password, path: replication}
      - secret: {name: {{ include "howdah.secret.pgpool" . }}, items: [{key: sr-check-password, path: router}]}
      - secret: {name: {{ include "howdah.secret.token" . }}, items: [{key: api-token, path: api_token}]}
{{- end }}
