{{- define "workers.labels" -}}
app.kubernetes.io/name: semoe
app.kubernetes.io/instance: {{ .Release.Name | quote }}
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
image_pull_policy: {{ .Values.image.pullPolicy | quote }}
gpu_resource: {{ .Values.gpu.resource | quote }}
gpus: {{ .Values.gpu.count | int64 | toString | quote }}
cpu: {{ .Values.resources.cpu | quote }}
memory: {{ .Values.resources.memory | quote }}
node_selector: {{ .Values.placement.nodeSelector | toJson | quote }}
tolerations: {{ .Values.placement.tolerations | toJson | quote }}
affinity: {{ .Values.placement.affinity | toJson | quote }}
priority_class: {{ .Values.placement.priorityClassName | quote }}
topology_spread: {{ .Values.placement.topologySpreadConstraints | toJson | quote }}
runtime_class: {{ .Values.placement.runtimeClassName | default nil | toJson | quote }}
{{- with .Values.otherPods }}
other_cpu: {{ .resources.cpu | quote }}
other_memory: {{ .resources.memory | quote }}
other_node_selector: {{ .placement.nodeSelector | toJson | quote }}
other_tolerations: {{ .placement.tolerations | toJson | quote }}
other_affinity: {{ .placement.affinity | toJson | quote }}
other_priority_class: {{ .placement.priorityClassName | quote }}
other_topology_spread: {{ .placement.topologySpreadConstraints | toJson | quote }}
other_runtime_class: {{ .placement.runtimeClassName | default nil | toJson | quote }}
{{- end }}
requests: {{ .Values.resources.requests | toJson | quote }}
limits: {{ .Values.resources.limits | toJson | quote }}
executor_resources: {{ .Values.executor | toJson | quote }}
env: {{ .Values.extraEnv | toJson | quote }}
volumes: {{ .Values.extraVolumes | toJson | quote }}
volume_mounts: {{ .Values.extraVolumeMounts | toJson | quote }}
cache_volume: {{ merge (dict "name" "cache") (.Values.modelVolume | default (dict "emptyDir" dict)) | toJson | quote }}
config_map: {{ .Release.Name }}-config
plan_config_map: {{ .Release.Name }}-plan
environment_secret: {{ .Values.environmentSecret | default "none" | quote }}
s3_secret: {{ .Values.store.workerSecret | default "none" | quote }}
inference_s3_secret: {{ .Values.store.inferenceSecret | default .Values.store.workerSecret | default "none" | quote }}
inference_service_account: {{ .Values.serviceAccounts.inference.name | quote }}
elasticsearch_secret: {{ .Values.elasticsearch.secretName | quote }}
es_ca_file: {{ .Values.elasticsearch.caFile | quote }}
commit_seconds: {{ .Values.commitSeconds | int64 | toString | quote }}
max_attempts: {{ .Values.maxAttempts | int64 | toString | quote }}
shard_deadline_seconds: {{ .Values.shardDeadlineSeconds | int64 | toString | quote }}
grace_seconds: {{ .Values.graceSeconds | int64 | toString | quote }}
{{- end }}

{{- /* What a pod's processes are. Without numbers the cluster chooses them, and refuses root even so. */ -}}
{{- define "workers.security" -}}
runAsNonRoot: true
{{- with .Values.userId | int64 }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* A quantity as a number, for comparisons. */ -}}
{{- define "workers.quantity" -}}
{{- $units := dict "m" 0.001 "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- mulf (regexFind "^[0-9.]+" . | float64) (regexReplaceAll "^[0-9.]+" . "" | get $units) -}}
{{- end }}

{{- /* Seconds between two scrapes. */ -}}
{{- define "workers.interval" -}}
{{- $found := regexFindAll "[0-9]+[ms]" .Values.metrics.podMonitor.interval -1 -}}
{{- $seconds := 0 -}}
{{- range $found }}
{{- $seconds = add $seconds (mul (trimSuffix "m" . | trimSuffix "s" | int) (hasSuffix "m" . | ternary 60 1)) -}}
{{- end -}}
{{- $seconds -}}
{{- end }}
