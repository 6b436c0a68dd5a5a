# What the cases share. Sourced by run; every function speaks to the one cluster named by $cluster.
# shellcheck shell=bash disable=SC2154 # set by run

inside() { if [ -n "${KIND_NODE_IMAGE:-}" ]; then "$@"; else "$here/kit/dockerd-in-netns" exec "$@"; fi; }
docker() { inside docker "$@"; }
kind() { inside kind "$@"; }
load() { kind load docker-image --name "$cluster" "$@" >"$work/load" 2>&1 || { cat "$work/load" >&2; return 1; }; }
kc() { inside kubectl --context "kind-$cluster" "$@"; }
k() { kc --namespace "$ns" "$@"; }

# A pod that serves its own name, who asked it, and 200 MB with their checksum.
#   pod NAME NODE [more JSON of the container] [more JSON of the spec]
pod() {
  cat <<-END
	---
	{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1", "labels": {"app": "$1"}}, "spec": {
	  "nodeName": "$2", "terminationGracePeriodSeconds": 0, "tolerations": [{"operator": "Exists"}], ${4:-}
	  "containers": [{"name": "$1", "image": "$tools", "imagePullPolicy": "IfNotPresent", ${3:-}
	    "readinessProbe": {"httpGet": {"path": "/name", "port": 8080}, "periodSeconds": 1},
	    "command": ["sh", "-c", "mkdir -p /www/cgi-bin; hostname >/www/name; printf '#!/bin/sh\\\\necho; echo \$REMOTE_ADDR | tr -d [] | sed s/^::ffff://\\\\n' >/www/cgi-bin/who; chmod 755 /www/cgi-bin/who; iperf3 -s -D; exec busybox httpd -f -p 8080 -h /www"]}]}}
	END
}
# service NAME APP [more JSON of the spec]
service() {
  printf -- '---\n{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "%s"}, "spec": {"selector": {"app": "%s"}, "ports": [{"port": 80, "targetPort": 8080}] %s}}\n' "$1" "$2" "${3:-}"
}
on() { k exec "$1" -- timeout "${limit:-15}" "${@:2}"; }          # on POD COMMAND...
node_do() { docker exec "$1" "${@:2}"; }                          # node_do NODE COMMAND...
outside() { docker exec "$cluster-outside" timeout "${limit:-15}" "$@"; }
in_url() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }
pod_host() { in_url "$(pod_ip "$1")"; }
node_host() { in_url "$(node_ip "$1")"; }
outside_is() { docker inspect -f "{{.NetworkSettings.Networks.kind.$(if [ "$family" = ipv6 ]; then echo "$2"; else echo "$1"; fi)}}" "$cluster-outside"; } # IPv4's name of it, IPv6's
pod_ip() { k get pod "$1" -o jsonpath='{.status.podIP}'; }
node_ip() { kc get node "$1" -o jsonpath='{.status.addresses[?(@.type=="InternalIP")].address}' | cut -d' ' -f1; } # the first of two
get() { echo "curl -sS -f -g -m 10 http://$1"; }                     # get HOST/PATH: the words of a request
node_port() { k get service "$1" -o jsonpath='{.spec.ports[0].nodePort}'; }
want() { [ "$1" = "$2" ] || { echo "got \"$1\", want \"$2\"${3:+: $3}"; return 1; }; }
await() {   # await SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || { echo "not within its time: $*"; return 1; }; sleep 0.5; done
}
ready() { k wait --for=condition=Ready pod --timeout="${1:-90}s" "${@:2}"; }

# Traffic that runs in the pod itself, so that it also goes on without an apiserver: fifty pings a second.
traffic_begin() {   # traffic_begin NAME POD ADDRESS
  k exec "$2" -- sh -c "setsid ping -n -i 0.02 -W 1 $3 >/tmp/traffic-$1 2>&1 </dev/null & echo \$! >/tmp/traffic-$1.pid"
}
traffic_end() {     # traffic_end NAME POD: prints "lost N of M pings (T ms)"
  local summary sent received lost
  k exec "$2" -- sh -c "kill -INT \$(cat /tmp/traffic-$1.pid); sleep 0.3; tail -3 /tmp/traffic-$1" >"$work/traffic-$1"
  summary=$(grep -m1 'packets transmitted' "$work/traffic-$1") || { echo "no traffic was seen: $(cat "$work/traffic-$1")"; return 1; }
  read -r sent _ _ received _ <<<"${summary//,/}"
  lost=$((sent - received))
  echo "lost $lost of $sent pings ($((lost * 20)) ms)"
}

# try NAME FUNCTION: runs one case; its last line of output becomes the table's remark.
try() {
  local name=$1 began=$EPOCHREALTIME out status=ok
  shift
  if [ -n "$only" ] && ! [[ "$name" =~ $only ]]; then return 0; fi
  printf '  %-52s ' "$name"
  # A function in a condition runs on after errors; in a shell of its own, outside of one, it does not.
  set +e; out=$(set -e; "$@" 2>&1); [ $? -eq 0 ] || status=FAILED; set -e
  case "$status-$out" in ok-*"SKIP: "*) status=skipped ;; esac
  local took=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000)) remark
  remark=$(tail -n 1 <<<"$out")
  printf '%-7s %6d ms  %s\n' "$status" "$took" "$remark"
  printf '%s\t%s\t%s\t%s\t%s\n' "$label" "$name" "$status" "$took" "$remark" >>"$results/table.tsv"
  if [ "$status" = FAILED ]; then
    failures=$((failures + 1))
    printf '%s\n' "$out" >"$results/failed-$label-${name//[^a-zA-Z0-9]/-}.txt"
  fi
}
phase() {   # phase TEXT: says what is done and how long the one before took
  [ -z "${phase_name:-}" ] || { printf '%s\t%s\n' "$((SECONDS - phase_began))" "$phase_name" >>"$results/phases.tsv"; }
  phase_name=$1 phase_began=$SECONDS
  [ -z "$1" ] || echo "· $1"
}
