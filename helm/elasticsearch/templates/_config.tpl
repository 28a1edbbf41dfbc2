{{/* Settings of a node that hold in every mode in which we run one. Files are read, not mapped into memory: mapping
     needs vm.max_map_count=262144 on the machine, which only a privileged container could set. */}}
{{- define "semoe-elasticsearch.commonSettings" -}}
node.store.allow_mmap: false
{{- with .Values.settings }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* elasticsearch.yml. A single node is spared the limits that Elasticsearch demands of the machines of a cluster, such as
     65,535 open files. Who starts a cluster of several is decided where it is known whether there is one:
     prepare-config.sh. */}}
{{- define "semoe-elasticsearch.settings" -}}
cluster.name: {{ include "semoe-elasticsearch.fullname" . | quote }}
node.name: ${POD_NAME}
network.host: 0.0.0.0
network.publish_host: ${POD_IP}
{{- if eq (int .Values.replicas) 1 }}
discovery.type: single-node
{{- else }}
discovery.seed_hosts: [{{ include "semoe-elasticsearch.fullname" . }}-nodes]
{{- end }}
xpack.security.enabled: true
xpack.security.transport.ssl.enabled: true
xpack.security.transport.ssl.verification_mode: certificate
xpack.security.transport.ssl.key: certs/transport/tls.key
xpack.security.transport.ssl.certificate: certs/transport/tls.crt
xpack.security.transport.ssl.certificate_authorities: [certs/transport/ca.crt]
{{- if .Values.tls.secretName }}
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.key: certs/http/tls.key
xpack.security.http.ssl.certificate: certs/http/tls.crt
xpack.security.http.ssl.certificate_authorities: [certs/http/ca.crt]
{{- end }}
{{ include "semoe-elasticsearch.commonSettings" . }}
{{- end }}

{{/* roles.yml: what SEMOE's user may do. */}}
{{- define "semoe-elasticsearch.roles" -}}
semoe:
  cluster: [monitor]
  indices:
    - names: {{ toJson .Values.auth.indices }}
      privileges: [read, write, manage]
{{- end }}
