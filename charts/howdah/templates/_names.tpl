{{/* How is everything called? The names are those of Bitnami's postgresql-ha. */}}

{{- define "howdah.name" -}}
{{ default "postgresql-ha" .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "howdah.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "howdah.name" .) .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "howdah.name" .) | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "howdah.postgresql" -}}{{ include "howdah.fullname" . }}-postgresql{{- end }}
{{- define "howdah.pgpool" -}}{{ include "howdah.fullname" . }}-pgpool{{- end }}
{{- define "howdah.headless" -}}{{ include "howdah.postgresql" . }}-headless{{- end }}
{{- define "howdah.read" -}}{{ include "howdah.postgresql" . }}-read{{- end }}
{{- define "howdah.namespace" -}}{{ default .Release.Namespace .Values.namespaceOverride }}{{- end }}
{{- define "howdah.domain" -}}{{ include "howdah.headless" . }}.{{ include "howdah.namespace" . }}.svc.{{ .Values.clusterDomain }}{{- end }}

{{/* What nodes are called before their number: as their pods, or shorter where that would be more than 40 characters. */}}
{{- define "howdah.node" -}}
{{- $pod := include "howdah.postgresql" . -}}
{{- if and (le (len $pod) 37) (regexMatch "^[a-z]" $pod) }}{{ $pod }}{{ else }}postgresql{{ end -}}
{{- end }}

{{- define "howdah.nodes" -}}
{{- $node := include "howdah.node" . -}}
{{- $nodes := list -}}
{{- range $number := until (int .Values.postgresql.replicaCount) }}{{ $nodes = append $nodes (printf "%s-%d" $node $number) }}{{ end -}}
{{ join "," $nodes }}
{{- end }}

{{/* A cluster's name begins with a letter. */}}
{{- define "howdah.cluster" -}}
{{- $name := include "howdah.fullname" . -}}
{{ if regexMatch "^[a-z]" $name }}{{ $name }}{{ else }}{{ printf "c-%s" $name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "howdah.serviceAccount" -}}
{{ default (include "howdah.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "howdah.selector" -}}
app.kubernetes.io/name: {{ include "howdah.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "howdah.selector.postgresql" -}}
{{ include "howdah.selector" . }}
app.kubernetes.io/component: postgresql
role: data
{{- end }}

{{- define "howdah.selector.pgpool" -}}
{{ include "howdah.selector" . }}
app.kubernetes.io/component: pgpool
{{- end }}

{{/* Labels and annotations of any object: (dict "context" $ "labels" MAP...). Those of the release cannot be overridden. */}}
{{- define "howdah.labels" -}}
{{- $own := include "howdah.selector" .context | fromYaml -}}
{{- $own = merge $own (dict "app.kubernetes.io/managed-by" .context.Release.Service "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version)) -}}
{{- $own = merge $own (dict "app.kubernetes.io/version" .context.Chart.AppVersion) -}}
{{- if .component }}{{ $own = merge $own (dict "app.kubernetes.io/component" .component) }}{{ end -}}
{{- tpl (toYaml (merge $own (default dict .more) (default dict .context.Values.commonLabels))) .context }}
{{- end }}

{{- define "howdah.metadata" -}}
name: {{ .name }}
namespace: {{ include "howdah.namespace" .context }}
labels: {{- include "howdah.labels" . | nindent 2 }}
{{- $annotations := merge (dict) (default dict .annotations) (default dict .context.Values.commonAnnotations) }}
{{- if $annotations }}
annotations: {{- tpl (toYaml $annotations) .context | nindent 2 }}
{{- end }}
{{- end }}

{{- define "howdah.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry .Values.global.imageRegistry -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{- define "howdah.pullSecrets" -}}
{{- range concat (default list .Values.global.imagePullSecrets) (default list .Values.image.pullSecrets) | uniq }}
- name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
{{- end }}
{{- end }}
