{{/* What a values file asks for and cannot have: a sentence for each, with what to do instead. */}}
{{- define "flanneld-j.refusals" }}
{{- range .Values.flannel.args }}
{{- if or (contains "healthz-port" .) (contains "healthz-ip" .) (contains "metrics-port" .) }}
{{- fail (printf "flannel.args holds %s: set flannel.healthz.port or flannel.metrics.port instead, which make the flags and the probes" .) }}
{{- end }}
{{- end }}
{{- range list "psk" "tunnelMode" "keepaliveInterval" "backendPortv6" }}
{{- if hasKey $.Values.flannel . }}
{{- fail (printf "flannel.%s is for the backend wireguard, which flanneld-j does not have yet: remove it" .) }}
{{- end }}
{{- end }}
{{- if eq .Values.flannel.backend "wireguard" }}
{{- fail "flannel.backend wireguard is not built yet: set vxlan, udp, host-gw, ipip or geneve" }}
{{- end }}
{{- if .Values.flannel.GBP }}
{{- fail "flannel.GBP, VXLAN's group based policy, is not built: remove it" }}
{{- end }}
{{- if hasKey .Values.flannel "macPrefix" }}
{{- fail "flannel.macPrefix is for Windows nodes, which flanneld-j does not serve: remove it" }}
{{- end }}
{{- if .Values.netpol.enabled }}
{{- fail "netpol.enabled: flanneld-j has no network policies of its own; install kube-network-policies, or another engine, by itself" }}
{{- end }}
{{- with .Values.flannel.image }}
{{- if and .repository (not (regexMatch "flannel-io/flannel$|mirrored-flannel$|^flannel/flannel$" .repository)) }}
{{- fail (printf "flannel.image.repository %s: the image of flanneld-j is set by image.repository and image.tag" .repository) }}
{{- end }}
{{- end }}
{{- if and (not .Values.podCidr) (not .Values.podCidrv6) }}
{{- fail "podCidr and podCidrv6 are both empty: set the network that the cluster was made with (kubeadm: podSubnet)" }}
{{- end }}
{{- end }}
