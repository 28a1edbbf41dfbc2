{{- define "workers.labels" -}}
app.kubernetes.io/name: semoe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "workers.image" -}}
{{- with .Values.image -}}
{{- $own := list $.Chart.AppVersion .variant | compact | join "-" }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $own }}{{ end }}
{{- end }}
{{- end }}

{{- /* The values as parameters of a workflow: pipelines/parameters.py says what each means. */ -}}
{{- define "workers.parameters" -}}
store: {{ .Values.store.url | quote }}
image: {{ include "workers.image" . | quote }}
gpu_resource: {{ .Values.gpu.resource | quote }}
gpus: {{ .Values.gpu.count | toString | quote }}
cpu: {{ .Values.resources.cpu | quote }}
memory: {{ .Values.resources.memory | quote }}
node_selector: {{ .Values.placement.nodeSelector | toJson | quote }}
tolerations: {{ .Values.placement.tolerations | toJson | quote }}
priority_class: {{ .Values.placement.priorityClassName | quote }}
cache_volume: {{ merge (dict "name" "cache") (.Values.modelVolume | default (dict "emptyDir" dict)) | toJson | quote }}
config_map: {{ .Release.Name }}-config
plan_config_map: {{ .Release.Name }}-plan
environment_secret: {{ .Values.environmentSecret | default "none" | quote }}
s3_secret: {{ .Values.store.workerSecret | default "none" | quote }}
inference_s3_secret: {{ .Values.store.inferenceSecret | default .Values.store.workerSecret | default "none" | quote }}
inference_service_account: {{ .Values.serviceAccounts.inference.name | quote }}
elasticsearch_secret: {{ .Values.elasticsearch.secretName | quote }}
es_ca_file: {{ .Values.elasticsearch.caFile | quote }}
max_attempts: {{ .Values.maxAttempts | toString | quote }}
shard_deadline_seconds: {{ .Values.shardDeadlineSeconds | int64 | toString | quote }}
grace_seconds: {{ .Values.graceSeconds | toString | quote }}
{{- end }}
