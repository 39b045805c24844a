{{/* What names and flags say of a value that may have been given as a number: a large one of a file would be 2.0261122e+07. */}}
{{- define "inmesh.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Two releases have one of each object that belongs to no namespace, so another revision needs other names. */}}
{{- define "inmesh.suffix" -}}
{{- $revision := include "inmesh.text" .Values.revision }}
{{- if ne $revision "default" }}-{{ $revision }}{{ end }}
{{- end }}

{{/* Namespaces whose objects count: those that are named, and that of policies for the whole mesh. */}}
{{- define "inmesh.namespaces" -}}
{{- append .Values.namespaces "istio-system" | uniq | toJson }}
{{- end }}
