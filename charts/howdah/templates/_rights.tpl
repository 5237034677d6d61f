{{- define "howdah.routerAccount" -}}
{{- if .Values.serviceAccount.create }}{{ include "howdah.pgpool" . }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end -}}
{{- end }}

{{/* The ConfigMaps of the cluster, those of servers that may come later too. */}}
{{- define "howdah.documents" -}}
{{- $cluster := include "howdah.cluster" . -}}
{{- $node := include "howdah.node" . -}}
{{- $names := list (printf "%s-record" $cluster) (printf "%s-config" $cluster) -}}
{{- range $number := until (max 16 (int .Values.postgresql.replicaCount) | int) }}{{ $names = append $names (printf "%s-node-%s-%d" $cluster $node $number) }}{{ end -}}
{{ toYaml $names }}
{{- end }}
