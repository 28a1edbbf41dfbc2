{{/* The labels of the nodes' pods: the test pod has the selector labels too, but is no node. */}}
{{- define "semoe-elasticsearch.nodeLabels" -}}
{{ include "semoe-elasticsearch.selectorLabels" . }}
app.kubernetes.io/component: node
{{- end }}

{{/* Environment of the init container and of the probes. */}}
{{- define "semoe-elasticsearch.nodeEnvironment" -}}
{{- $client := include "semoe-elasticsearch.clientSecret" . }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: NODE_SCHEME
  value: {{ empty .Values.tls.secretName | ternary "http" "https" }}
- name: CLIENT_HOST
  value: {{ include "semoe-elasticsearch.host" . | quote }}
- name: CLIENT_URL
  value: {{ include "semoe-elasticsearch.url" . | quote }}
- name: CLIENT_USERNAME
  {{- include "semoe-elasticsearch.fromSecret" (list $client "username" false) | nindent 2 }}
- name: CLIENT_PASSWORD
  {{- include "semoe-elasticsearch.fromSecret" (list $client "password" false) | nindent 2 }}
{{- end }}
