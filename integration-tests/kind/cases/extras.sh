# Neighbours on the network: an ingress proxy (nginx) and NetworkPolicy engines.
# shellcheck shell=bash disable=SC2154,SC2046
neighbour() {   # neighbour IMAGE: whether it was made; says so where it was not
  docker image inspect "flanneld-j/$1" >/dev/null 2>&1 || { echo "SKIP: the image flanneld-j/$1 is not there; kit/neighbours makes it"; return 1; }
}
ingress() {
  neighbour ingress:2 || return 0
  load flanneld-j/ingress:2
  { pod other "$first"; service other other
    cat "$here/networks/ingress.yaml"
    cat <<-END
	---
	{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {"rules": [
	  {"host": "one.example", "http": {"paths": [
	    {"path": "/cgi-bin", "pathType": "Prefix", "backend": {"service": {"name": "other", "port": {"number": 80}}}},
	    {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}},
	  {"host": "two.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "other", "port": {"number": 80}}}}]}}]}}
	END
  } | sed "s/namespace: NAMESPACE/namespace: $ns/; s/nodeName: NODE/nodeName: $second/" | k apply -f - >/dev/null
  ready 90 other ingress >/dev/null
  local at; at=$(node_host "$second"):9999
  asked() { outside curl -sS -f -g -m 5 -H "Host: $1" "http://$at$2"; }
  await 30 asked two.example /name
  want "$(asked one.example /name)" there
  want "$(asked two.example /name)" other
  want "$(asked one.example /cgi-bin/who | grep -c .)" 1 "path rule"
  echo "nginx at the node's port 9999"
}
nft_queues() {   # whether rules may hand packets to a program; --check leaves nothing behind
  printf 'table inet probe {\n chain c {\n queue num 98\n }\n}\n' | docker exec -i "$second" nft --check -f - 2>/dev/null
}
engine() {   # engine NAME: its manifest, for the address families of the cluster and kind's range of services
  local more='' flag
  case $family in
    ipv6) more="--enable-ipv4=false --enable-ipv6=true --service-cluster-ip-range=fd00:10:96::/112" ;;
    dual) more="--enable-ipv6=true --service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112" ;;
  esac
  local lines=''; for flag in $more; do lines="$lines\\n            - $flag"; done
  sed "s#- --run-firewall=true#&$lines#" "$here/networks/$1.yaml"
}
network_policy() {   # network_policy ENGINE
  neighbour "$1:1" || return 0
  load "flanneld-j/$1:1"
  if [ "$1" = kube-network-policies ] && ! nft_queues; then echo "SKIP: the kernel's nftables has no queue (CONFIG_NFT_QUEUE)"; return; fi
  # Also where it never comes up: what stays broken in kube-system keeps upstream's cases waiting.
  # shellcheck disable=SC2064 # the name as it is now
  trap "engine $1 | kc delete -f - --ignore-not-found --wait=false >/dev/null 2>&1" EXIT
  engine "$1" | kc apply -f - >/dev/null
  kc -n kube-system rollout status "ds/$1" --timeout=90s >/dev/null
  k apply -f - >/dev/null <<-END
	{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "only-beside"}, "spec": {
	  "podSelector": {"matchLabels": {"app": "there"}}, "policyTypes": ["Ingress"],
	  "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "beside"}}}]}]}}
	END
  refused() { ! on here curl -s -f -g -m 3 "http://$(pod_host there):8080/name"; }
  await 30 refused
  want "$(on beside $(get "$(pod_host there):8080/name"))" there "the pod that may"
  want "$(on here $(get "$(pod_host beside):8080/name"))" beside "a pod without a policy"
  k delete networkpolicy only-beside >/dev/null
  await 30 on here $(get "$(pod_host there):8080/name")
  engine "$1" | kc delete -f - --wait --timeout=60s >/dev/null
  await 30 on here $(get "$(pod_host there):8080/name")
  echo "refused, allowed, lifted"
}
extra_cases() {
  try "Ingress: two hosts and a path rule" ingress
  try "NetworkPolicy by kube-network-policies" network_policy kube-network-policies
  try "NetworkPolicy by kube-router's firewall" network_policy kube-router
}
