# From flannel to flanneld-j and back, node by node, with pods of every node talking to those of every other.
# shellcheck shell=bash disable=SC2154
daemon_of() {   # daemon_of NODE NETWORK: waits until that network's daemon is ready there
  local app=flannel; [ "$2" = flannel ] || app=flanneld-j
  await 90 sh -c "[ \"\$($(kubectl_words) -n kube-flannel get pods -l app=$app --field-selector spec.nodeName=$1 -o jsonpath='{.items[*].status.conditions[?(@.type==\"Ready\")].status}')\" = True ]"
}
gone_from() {   # gone_from NODE NETWORK
  local app=flannel; [ "$2" = flannel ] || app=flanneld-j
  await 60 sh -c "[ -z \"\$($(kubectl_words) -n kube-flannel get pods -l app=$app --field-selector spec.nodeName=$1 -o name)\" ]"
}
kubectl_words() {
  if stock; then echo "kubectl --context kind-$cluster"; else echo "$here/kit/dockerd-in-netns exec kubectl --context kind-$cluster"; fi
}
pairs() { local a b; for a in "${nodes[@]}"; do for b in "${nodes[@]}"; do [ "$a" = "$b" ] || echo "$a $b"; done; done; }
pods_of_all() {
  local node; kc create namespace "$ns" >/dev/null
  for node in "${nodes[@]}"; do pod "at-$node" "$node"; done | k apply -f - >/dev/null
  ready 90 --all >/dev/null
}
all_begin() { pairs | while read -r a b; do traffic_begin "$a-$b" "at-$a" "$(pod_ip "at-$b")" </dev/null; done; }
all_end() {
  local a b said total=0 worst=0
  while read -r a b; do
    said=$(traffic_end "$a-$b" "at-$a" </dev/null) || { echo "$said"; return 1; }
    printf '%s\t%s\t%s -> %s\t%s\n' "$label" "$1" "$a" "$b" "$said" >>"$results/migration.tsv"
    local lost; lost=$(sed 's/lost \([0-9]*\) of.*/\1/' <<<"$said"); total=$((total + lost)); [ "$lost" -le "$worst" ] || worst=$lost
  done < <(pairs)
  echo "worst pair lost $((worst * 20)) ms, all pairs together $((total * 20)) ms of traffic"
}
all_talk() {
  local a b; while read -r a b; do
    on "at-$a" ping -q -c 3 -i 0.1 -W 2 "$(pod_ip "at-$b")" </dev/null >/dev/null || { echo "$a does not reach $b"; return 1; }
  done < <(pairs)
}
change_over() {   # change_over NODE FROM TO
  all_begin; sleep 1
  # flannel's pod leaves the node, its device goes, ours comes; one label moves both DaemonSets.
  kc label node "$1" "flanneld-j.io/network=$3" --overwrite >/dev/null
  gone_from "$1" "$2"
  # The kernel's data path takes flannel's device over as it is; in user space the name is wanted for a TUN device.
  case $label in vxlan-user) node_do "$1" ip link delete flannel.1 2>/dev/null || true ;; esac
  daemon_of "$1" "$3"
  sleep 2; all_talk
  all_end "$1 from $2 to $3"
}
new_pods() {
  local node; for node in "${nodes[@]}"; do pod "new-$node" "$node"; done | k apply -f - >/dev/null
  ready 90 --all >/dev/null
  for node in "${nodes[@]}"; do on "at-${nodes[0]}" ping -q -c 2 -i 0.1 -W 2 "$(pod_ip "new-$node")" >/dev/null; done
}
migrate_run() { for label in "${labels[@]}"; do migrate_one; done; }
migrate_one() {
  local node
  phase "$label: cluster"; create_cluster
  kc label nodes --all flanneld-j.io/network=flannel >/dev/null
  phase "$label: flannel"
  selector() { sed "s|^\( *\)hostNetwork: true|\1nodeSelector: {flanneld-j.io/network: $1}\n&|"; }
  network=flannel; daemon_ns=kube-flannel daemon_set=kube-flannel-ds; manifest | selector flannel | kc apply -f - >/dev/null; wait_network
  load "$image"
  network=flanneld-j; manifest | selector flanneld-j | kc apply -f - >/dev/null
  daemon_set=flanneld-j
  phase "$label: migration"
  try "pods come up" pods_of_all
  for node in "${nodes[@]}"; do try "$node: flannel to flanneld-j" change_over "$node" flannel flanneld-j; done
  try "a new pod on each node" new_pods
  for node in "${nodes[@]}"; do try "$node: flanneld-j to flannel" change_over "$node" flanneld-j flannel; done
}
