# Neighbours on the network: an ingress proxy (nginx) and NetworkPolicy engines.
# shellcheck shell=bash disable=SC2154,SC2046
neighbour() {   # neighbour PROGRAM: its image in the nodes, or the reason why not
  docker image inspect "flanneld-j/$1:1" >/dev/null 2>&1 || return 1
  load "flanneld-j/$1:1"
}
ingress() {
  neighbour ingress || { echo "SKIP: the image flanneld-j/ingress:1 is not there; kit/neighbours makes it"; return; }
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
  local at; at=$(node_ip "$second"):9999
  asked() { outside curl -sS -f -m 5 -H "Host: $1" "http://$at$2"; }
  await 30 asked two.example /name
  want "$(asked one.example /name)" there
  want "$(asked two.example /name)" other
  want "$(asked one.example /cgi-bin/who | grep -c .)" 1 "path rule"
  echo "nginx at the node's port 9999"
}
nft_queues() {   # whether rules may hand packets to a program; --check leaves nothing behind
  printf 'table inet probe {\n chain c {\n queue num 98\n }\n}\n' | docker exec -i "$second" nft --check -f - 2>/dev/null
}
network_policy() {   # network_policy ENGINE
  neighbour "$1" || { echo "SKIP: the image flanneld-j/$1:1 is not there; kit/neighbours makes it"; return; }
  if [ "$1" = kube-network-policies ] && ! nft_queues; then echo "SKIP: the kernel's nftables has no queue (CONFIG_NFT_QUEUE)"; return; fi
  kc apply -f "$here/networks/$1.yaml" >/dev/null
  kc -n kube-system rollout status "ds/$1" --timeout=90s >/dev/null
  k apply -f - >/dev/null <<-END
	{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "only-beside"}, "spec": {
	  "podSelector": {"matchLabels": {"app": "there"}}, "policyTypes": ["Ingress"],
	  "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "beside"}}}]}]}}
	END
  refused() { ! on here curl -s -f -m 3 "http://$(pod_ip there):8080/name"; }
  await 30 refused
  want "$(on beside $(get "$(pod_ip there):8080/name"))" there "the pod that may"
  want "$(on here $(get "$(pod_ip beside):8080/name"))" beside "a pod without a policy"
  k delete networkpolicy only-beside >/dev/null
  await 30 on here $(get "$(pod_ip there):8080/name")
  kc delete -f "$here/networks/$1.yaml" --wait --timeout=60s >/dev/null
  await 30 on here $(get "$(pod_ip there):8080/name")
  echo "refused, allowed, lifted"
}
extra_cases() {
  try "Ingress: two hosts and a path rule" ingress
  try "NetworkPolicy by kube-network-policies" network_policy kube-network-policies
  try "NetworkPolicy by kube-router's firewall" network_policy kube-router
}
