{{/* What pod security *restricted* asks of a pod and of a container. 1000 is the image's user. */}}
{{- define "semoe-elasticsearch.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "semoe-elasticsearch.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods may run. */}}
{{- define "semoe-elasticsearch.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* (list . SELECTOR-LABELS): how nodes stand apart from each other. */}}
{{- define "semoe-elasticsearch.spread" -}}
{{- $root := index . 0 }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (index . 1)) }}
{{- if $root.Values.affinity }}
affinity: {{- toYaml $root.Values.affinity | nindent 2 }}
{{- else if gt (int $root.Values.replicas) 1 }}
affinity:
  podAntiAffinity:
    {{- if eq $root.Values.antiAffinity "required" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - {{- toYaml $term | nindent 8 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm: {{- toYaml $term | nindent 10 }}
    {{- end }}
{{- end }}
{{- with $root.Values.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (list . SECRET KEY OPTIONAL): the value of an environment variable. */}}
{{- define "semoe-elasticsearch.fromSecret" -}}
valueFrom:
  secretKeyRef: {name: {{ index . 0 | quote }}, key: {{ index . 1 }}, optional: {{ index . 2 }}}
{{- end }}
