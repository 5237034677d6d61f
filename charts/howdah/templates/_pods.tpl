{{/* What do all pods have in common? Each takes (dict "context" $ "of" .Values.postgresql ...). */}}

{{/* A value evaluated as a template; nothing if it is empty. */}}
{{- define "howdah.field" -}}
{{- if .value }}
{{ .name }}: {{- tpl (toYaml .value) .context | nindent 2 }}
{{- end }}
{{- end }}

{{- define "howdah.placement" -}}
{{- $of := .of -}}
{{- range $name := list "hostAliases" "nodeSelector" "tolerations" "topologySpreadConstraints" }}
{{- include "howdah.field" (dict "context" $.context "name" $name "value" (index $of $name)) }}
{{- end }}
{{- range $name := list "priorityClassName" "schedulerName" "runtimeClassName" }}
{{- if index $of $name }}
{{ $name }}: {{ index $of $name }}
{{- end }}
{{- end }}
{{- if $of.hostNetwork }}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
{{- end }}
{{- if $of.hostIPC }}
hostIPC: true
{{- end }}
{{- if $of.affinity }}
affinity: {{- tpl (toYaml $of.affinity) .context | nindent 2 }}
{{- else if or $of.podAffinityPreset $of.podAntiAffinityPreset $of.nodeAffinityPreset.type }}
affinity:
  {{- if $of.podAffinityPreset }}
  podAffinity: {{- include "howdah.near" (dict "preset" $of.podAffinityPreset "selector" .selector) | nindent 4 }}
  {{- end }}
  {{- if $of.podAntiAffinityPreset }}
  podAntiAffinity: {{- include "howdah.near" (dict "preset" $of.podAntiAffinityPreset "selector" .selector) | nindent 4 }}
  {{- end }}
  {{- if $of.nodeAffinityPreset.type }}
  nodeAffinity:
    {{- $expression := dict "matchExpressions" (list (dict "key" $of.nodeAffinityPreset.key "operator" "In" "values" $of.nodeAffinityPreset.values)) }}
    {{- if eq $of.nodeAffinityPreset.type "hard" }}
    requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{{ toJson $expression }}]}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {{ toJson $expression }}}]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "howdah.near" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (fromYaml .selector)) -}}
{{- if eq .preset "hard" -}}
requiredDuringSchedulingIgnoredDuringExecution: [{{ toJson $term }}]
{{- else -}}
preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {{ toJson $term }}}]
{{- end -}}
{{- end }}

{{- define "howdah.podSecurity" -}}
{{- if .of.podSecurityContext.enabled }}
securityContext: {{- omit .of.podSecurityContext "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{- define "howdah.containerSecurity" -}}
{{- if .of.containerSecurityContext.enabled }}
securityContext: {{- omit .of.containerSecurityContext "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{/* Requests, and memory as a limit. No limit of processor time: an agent that is throttled cannot renew its lease. */}}
{{- define "howdah.resources" -}}
{{- $presets := dict "nano" (list "100m" "128Mi" "192Mi") "micro" (list "250m" "256Mi" "384Mi") "small" (list "500m" "512Mi" "768Mi") "medium" (list "500m" "1Gi" "1536Mi") "large" (list "1" "2Gi" "3Gi") "xlarge" (list "1" "3Gi" "6Gi") "2xlarge" (list "1" "3Gi" "12Gi") -}}
{{- if .of.resources }}
resources: {{- toYaml .of.resources | nindent 2 }}
{{- else if hasKey $presets .of.resourcesPreset }}
{{- $preset := index $presets .of.resourcesPreset }}
resources:
  requests: {cpu: {{ index $preset 0 | quote }}, memory: {{ index $preset 1 }}}
  limits: {memory: {{ index $preset 2 }}}
{{- end }}
{{- end }}

{{/* Probes of a container: "live" and "ready" are the paths, "port" the port's name. */}}
{{- define "howdah.probes" -}}
{{- if not .context.Values.diagnosticMode.enabled }}
{{- include "howdah.probe" (dict "context" .context "name" "startupProbe" "custom" .of.customStartupProbe "probe" .of.startupProbe "path" .live "port" .port) }}
{{- include "howdah.probe" (dict "context" .context "name" "livenessProbe" "custom" .of.customLivenessProbe "probe" .of.livenessProbe "path" .live "port" .port) }}
{{- if .ready }}
{{- include "howdah.probe" (dict "context" .context "name" "readinessProbe" "custom" .of.customReadinessProbe "probe" .of.readinessProbe "path" .ready "port" .port) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "howdah.probe" -}}
{{- if .custom }}
{{ .name }}: {{- tpl (toYaml .custom) .context | nindent 2 }}
{{- else if and .probe .probe.enabled }}
{{ .name }}:
  httpGet: {path: {{ .path }}, port: {{ .port }}}
  {{- omit .probe "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{/* command and args: those of diagnosticMode, else the operator's, else `default`. */}}
{{- define "howdah.command" -}}
{{- if .context.Values.diagnosticMode.enabled }}
command: {{- toYaml .context.Values.diagnosticMode.command | nindent 2 }}
args: {{- toYaml .context.Values.diagnosticMode.args | nindent 2 }}
{{- else }}
{{- include "howdah.field" (dict "context" .context "name" "command" "value" .of.command) }}
args: {{- tpl (toYaml (default .default .of.args)) .context | nindent 2 }}
{{- end }}
{{- end }}

{{- define "howdah.environmentFrom" -}}
{{- if or .of.extraEnvVarsCM .of.extraEnvVarsSecret }}
envFrom:
  {{- if .of.extraEnvVarsCM }}
  - configMapRef: {name: {{ tpl .of.extraEnvVarsCM .context }}}
  {{- end }}
  {{- if .of.extraEnvVarsSecret }}
  - secretRef: {name: {{ tpl .of.extraEnvVarsSecret .context }}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "howdah.imageOf" -}}
image: {{ include "howdah.image" .context | quote }}
imagePullPolicy: {{ .context.Values.image.pullPolicy }}
{{- end }}

{{- define "howdah.podStart" -}}
{{- $secrets := include "howdah.pullSecrets" .context }}
{{- if $secrets }}
imagePullSecrets: {{- $secrets | nindent 2 }}
{{- end }}
enableServiceLinks: false
{{- include "howdah.podSecurity" . }}
{{- include "howdah.placement" . }}
{{- $initial := concat (default list .of.initContainers) (default list .of.extraInitContainers) }}
{{- include "howdah.field" (dict "context" .context "name" "initContainers" "value" $initial) }}
{{- end }}

{{/* Where an empty root file system has to be writable: temporary files, and a name for any user id. */}}
{{- define "howdah.scratchMounts" -}}
- {name: scratch, mountPath: /tmp, subPath: tmp}
- {name: scratch, mountPath: /var/lib/extrausers, subPath: extrausers}
{{- end }}
