{{/* The image, by digest where one is given. */}}
{{- define "flanneld-j.image" -}}
{{- with .Values.image.digest -}}
{{ $.Values.image.repository }}@{{ . }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Labels of everything. app is what the DaemonSet selects by, and cannot change. */}}
{{- define "flanneld-j.labels" -}}
app: flanneld-j
app.kubernetes.io/name: flanneld-j
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: network
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
