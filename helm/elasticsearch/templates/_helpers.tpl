{{/* Names and labels. */}}
{{- define "semoe-elasticsearch.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* 40 characters leave room for the longest suffix and for the hash that Kubernetes adds to a StatefulSet's name. */}}
{{- define "semoe-elasticsearch.fullname" -}}
{{- $name := include "semoe-elasticsearch.name" . }}
{{- $joined := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $joined | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "semoe-elasticsearch.selectorLabels" -}}
app.kubernetes.io/name: {{ include "semoe-elasticsearch.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "semoe-elasticsearch.labels" -}}
{{ include "semoe-elasticsearch.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: semoe
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The Secret that clients read: the user's own, or the chart's. */}}
{{- define "semoe-elasticsearch.clientSecret" -}}
{{- .Values.auth.existingSecret | default (printf "%s-client" (include "semoe-elasticsearch.fullname" .)) }}
{{- end }}

{{- define "semoe-elasticsearch.elasticSecret" -}}
{{- .Values.auth.existingElasticSecret | default (printf "%s-elastic" (include "semoe-elasticsearch.fullname" .)) }}
{{- end }}

{{- define "semoe-elasticsearch.transportSecret" -}}
{{- .Values.transport.existingSecret | default (printf "%s-transport" (include "semoe-elasticsearch.fullname" .)) }}
{{- end }}

{{/* The name under which clients reach the nodes; a certificate must bear it. */}}
{{- define "semoe-elasticsearch.host" -}}
{{- $service := eq .Values.mode "eck" | ternary "-es-http" "" }}
{{- printf "%s%s.%s.svc" (include "semoe-elasticsearch.fullname" .) $service .Release.Namespace }}
{{- end }}

{{- define "semoe-elasticsearch.url" -}}
{{- $scheme := empty .Values.tls.secretName | ternary "http" "https" }}
{{- eq .Values.mode "external" | ternary .Values.external.url (printf "%s://%s:9200" $scheme (include "semoe-elasticsearch.host" .)) }}
{{- end }}

{{- define "semoe-elasticsearch.image" -}}
{{- with .Values.image }}
{{- .digest | empty | ternary (printf "%s:%s" .repository (.tag | default $.Chart.AppVersion)) (printf "%s@%s" .repository .digest) }}
{{- end }}
{{- end }}

{{/* (list . NAME KEY): what the Secret NAME holds under KEY on the cluster, so that an upgrade keeps it; else nothing. */}}
{{- define "semoe-elasticsearch.kept" -}}
{{- $root := index . 0 }}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (index . 1) | default dict }}
{{- get ($secret.data | default dict) (index . 2) | b64dec }}
{{- end }}

{{/* A heap (512m, 4g) or a quantity (512Mi, 4Gi, 2G, 1048576) in mebibytes; nothing is 0. */}}
{{- define "semoe-elasticsearch.mebibytes" -}}
{{- $text := kindIs "string" . | ternary (toString .) (int64 . | toString) }}
{{- $number := regexFind "^[0-9.]+" $text | default "0" | float64 }}
{{- $factors := dict "g" 1024.0 "m" 1.0 "Ti" 1048576.0 "Gi" 1024.0 "Mi" 1.0 "Ki" 0.0009765625 "T" 953674.3 "G" 953.6743 "M" 0.9536743 "k" 0.0009536743 "" 0.00000095367432 }}
{{- mulf $number (get $factors (regexReplaceAll "^[0-9.]+" $text "")) }}
{{- end }}
