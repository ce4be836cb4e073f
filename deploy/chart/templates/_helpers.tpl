{{- define "fairway.name" -}}
{{ .Values.fullnameOverride | default .Release.Name }}
{{- end }}

{{- define "fairway.labels" -}}
app.kubernetes.io/name: fairway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fairway.selector" -}}
app.kubernetes.io/name: fairway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fairway.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* What fairwayd reads. Tables come last in TOML, and only `settings` has any. */ -}}
{{- define "fairway.settings" -}}
{{- $etcd := .Values.store.etcd -}}
{{- if $etcd.endpoints }}
{{- if .Values.store.embedded }}{{ fail "store: etcd.endpoints and embedded exclude each other" }}{{ end -}}
store = {{ printf "etcd:%s" (join "," $etcd.endpoints) | toJson }}
{{- if $etcd.tlsSecret }}
etcd_ca = "/etc/fairway/etcd/ca.crt"
{{- if $etcd.clientCertificate }}
etcd_cert = "/etc/fairway/etcd/tls.crt"
etcd_key = "/etc/fairway/etcd/tls.key"
{{- end }}
{{- end }}
{{- else if not .Values.store.embedded }}
{{- fail "store.etcd.endpoints: name the members of etcd, or say store.embedded=true for a cluster of one node" }}
{{- end }}
{{- if .Values.kubernetes }}
kubeconfig = "in-cluster"
{{- end }}
{{- with .Values.underlay }}
underlay = {{ toJson . }}
{{- end }}
overlay_port = {{ int .Values.overlayPort }}
log = {{ toJson .Values.log.format }}
{{- if .Values.metrics.enabled }}
metrics = "[::]:{{ int .Values.metrics.port }}"
{{- end }}
{{- with .Values.settings }}
{{ . }}
{{- end }}
{{- end }}

{{- define "fairway.conflist" -}}
{{- if .Values.cni.conflist }}
{{- .Values.cni.conflist | mustFromJson | toPrettyJson }}
{{- else }}
{{- $first := dict "type" "vxlan" "network" .Values.cni.network "ipam" (dict "type" "fairway") }}
{{- if .Values.cni.podAnnotations }}
{{- $_ := set $first "capabilities" (dict "io.kubernetes.cri.pod-annotations" true) }}
{{- end }}
{{- if .Values.cni.mtu }}{{ $_ := set $first "mtu" (int .Values.cni.mtu) }}{{ end }}
{{- $plugins := list $first }}
{{- if .Values.cni.portMappings }}
{{- $plugins = append $plugins (dict "type" "portmap" "capabilities" (dict "portMappings" true)) }}
{{- end }}
{{- if .Values.cni.bandwidth }}
{{- $plugins = append $plugins (dict "type" "bandwidth" "capabilities" (dict "bandwidth" true)) }}
{{- end }}
{{- dict "cniVersion" "1.0.0" "name" .Values.cni.network "plugins" $plugins | toPrettyJson }}
{{- end }}
{{- end }}

{{- /* What fairway-install is told wherever it runs; its folders of the node lie below /host. */ -}}
{{- define "fairway.installArgs" -}}
- --to=/host/bin
{{- if .Values.cni.writeConf }}
- --conflist=/etc/fairway/cni/conflist.json
- --conflists=/host/net.d
- --name={{ .Values.cni.confName }}
{{- if .Values.cni.notFirst }}
- --not-first
{{- end }}
{{- end }}
{{- with .Values.cni.types }}
- --types={{ join "," . }}
{{- end }}
{{- end }}

{{- /* For a container that only writes into folders of the node. */ -}}
{{- define "fairway.unprivileged" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsUser: 0
capabilities:
  drop: [ALL]
  # Folders of the node may be of another user's.
  add: [DAC_OVERRIDE]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- /* What fairwayd needs in either mode. It sets kernel settings of the node, which a container without privileges sees
     read-only, and mounts a BPF file system where there is none: no set of capabilities would do. */ -}}
{{- define "fairway.daemon" -}}
env:
  - name: FAIRWAY_NODE
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  - name: RUST_LOG
    value: {{ .Values.log.level | quote }}
  {{- if and .Values.kubernetes .Values.apiServer.host }}
  - name: KUBERNETES_SERVICE_HOST
    value: {{ .Values.apiServer.host | quote }}
  - name: KUBERNETES_SERVICE_PORT
    value: {{ int .Values.apiServer.port | quote }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  privileged: true
  readOnlyRootFilesystem: true
resources:
  {{- toYaml .Values.resources.daemon | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/fairway/fairwayd.toml, subPath: fairwayd.toml, readOnly: true}
  - {name: run, mountPath: /run/fairway}
  - {name: state, mountPath: /var/lib/fairway}
  - {name: bpf, mountPath: /sys/fs/bpf, mountPropagation: Bidirectional}
  # Runtimes name containers' namespaces by either path, and make them while the daemon runs.
  - {name: netns, mountPath: /run/netns, mountPropagation: HostToContainer}
  - {name: netns, mountPath: /var/run/netns, mountPropagation: HostToContainer}
  {{- if .Values.store.etcd.tlsSecret }}
  - {name: etcd, mountPath: /etc/fairway/etcd, readOnly: true}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
